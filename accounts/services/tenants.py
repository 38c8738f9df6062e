"""The first day of a tenant: itself, its roles, and the invitation of whoever owns it."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.utils.text import slugify

from accounts import audit
from accounts.models import Invitation, Role, Tenant
from accounts.services import invitations
from agentos.core.errors import Conflict, Invalid
from agentos.core.types import clean_text

LONGEST_SLUG = 50


def create(*, name: str, owner_email: str, slug: str = "") -> tuple[Tenant, Invitation, str]:
    """Make a tenant and invite its owner, who becomes its administrator; return both and the link's token. Audited.

    Raises: Invalid for a name without a letter or an address that is none, Conflict for a slug taken.
    """
    name = clean_text(name).strip()
    wanted = slug or slugify(name)[:LONGEST_SLUG].strip("-")
    if not name or len(name) > 200 or not wanted or slugify(wanted) != wanted or len(wanted) > LONGEST_SLUG:
        raise Invalid("A tenant needs a name, and a slug of lower-case letters, digits and hyphens.")
    tenant = Tenant(slug=wanted, name=name)
    with transaction.atomic(using="system"):
        try:
            with transaction.atomic(using="system"):
                tenant.save(using="system", force_insert=True)
        except IntegrityError:
            raise Conflict(f"There is a tenant {wanted}: choose another --slug.", code="slug_taken") from None
        entry = audit.Entry("tenant.created", "tenant", str(tenant.id))
        audit.append([entry], tenant_id=tenant.id, using="system")
        invitation, token = invitations.of_owner(tenant.id, email=owner_email, role=Role.ADMIN)
    return tenant, invitation, token


def listed() -> list[Tenant]:
    """Return all tenants of the installation, for whoever operates it."""
    return list(Tenant.objects.using("system").order_by("slug"))
