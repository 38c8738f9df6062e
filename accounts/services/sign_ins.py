"""Signing in and out: who may, by which address, the audit row of each, and the end of all that she opened."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F

from accounts import audit, principals
from accounts.addresses import matching
from accounts.models import Membership, RefreshToken, User
from agentos.core.clock import utc_now
from agentos.core.types import JsonObject, clean_text


def by_email(email: str) -> User | None:
    """Find the user with this address."""
    if clean_text(email) != email:
        return None
    users = User.objects.using("system").order_by("email")
    return users.filter(**matching(email)).first()


def demo_members() -> list[Membership]:
    """Return the active demo users' places in demo tenants, for the buttons of the start page."""
    members = principals.members().filter(user__is_demo=True, tenant__is_demo=True)
    return list(members.order_by("tenant__slug", "role"))


def demo_member(email: str) -> Membership | None:
    """Return the place of the demo user with this address; nobody else signs in without a password."""
    return next((member for member in demo_members() if member.user.email == email), None)


def demo_allowed(client: str) -> bool:
    """Say whether demo users may sign in from this address: from this machine, from others with DEMO_OPEN."""
    return not settings.PRODUCTION and (settings.DEMO_OPEN or _is_loopback(client))


def record(member: Membership, *, via: str) -> None:
    """Add the sign-in to the tenant's audit trail, in a transaction of its own."""
    with transaction.atomic(using="system"):
        entry = audit.Entry("auth.signed_in", "user", str(member.user_id), {"via": via}, member.user_id)
        audit.append([entry], tenant_id=member.tenant_id, using="system")


def end_all(user_id: UUID) -> None:
    """End a user's tokens, families and sessions, other issuers' tokens too. Commits with the caller.

    In force within five seconds; the caller forgets the cache after its commit to have it here at once.
    """
    now = utc_now()
    users = User.objects.using("system").filter(id=user_id)
    users.update(token_version=F("token_version") + 1, signed_out_at=now)
    RefreshToken.objects.using("system").filter(user_id=user_id, revoked_at=None).update(revoked_at=now)


def tell(user_id: UUID, action: str, detail: JsonObject | None = None, *, actor_id: UUID | None = None) -> int:
    """Add what happened to a user to the trail of each of her tenants; return of how many. Commits with the caller."""
    members = Membership.objects.using("system").filter(user_id=user_id).order_by("tenant_id")
    tenant_ids = list(members.values_list("tenant_id", flat=True))
    for tenant_id in tenant_ids:
        entry = audit.Entry(action, "user", str(user_id), detail or {}, actor_id)
        audit.append([entry], tenant_id=tenant_id, using="system")
    return len(tenant_ids)


def _is_loopback(client: str) -> bool:
    try:
        address = ip_address(client)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback
