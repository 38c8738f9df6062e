"""What follows from a row: a new tenant has the built-in roles before anybody can become its member."""

from __future__ import annotations

from typing import Any

from django.db.models.signals import post_save
from django.dispatch import receiver

from accounts.models import Tenant
from accounts.services import roles


@receiver(post_save, sender=Tenant, dispatch_uid="accounts.seed_roles")
def seed_roles(instance: Tenant, created: bool, using: str, raw: bool = False, **kwargs: Any) -> None:
    """Write them in the transaction that makes the tenant; a fixture brings its own."""
    if created and not raw:
        roles.seed([instance.id], using=using)
