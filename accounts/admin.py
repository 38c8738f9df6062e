"""Where the admin looks for the pages of accounts: each of these modules registers its own."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.models import Group
from django_q.models import Failure, OrmQ, Schedule, Success

from accounts.pages import (
    connections,
    grants,
    invitations,
    people,
    privacy,
    roles,
    service_accounts,
    support_entries,
    trail,
)

__all__ = [
    "connections",
    "grants",
    "invitations",
    "people",
    "privacy",
    "roles",
    "service_accounts",
    "support_entries",
    "trail",
]

# Roles take the place of groups. Jobs are the process' own: whoever adds one runs any function, for every tenant.
for package_model in (Group, Failure, OrmQ, Schedule, Success):
    if admin.site.is_registered(package_model):
        admin.site.unregister(package_model)
