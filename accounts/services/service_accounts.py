"""Service keys `aos_<prefix>_<secret>`: shown once, kept as a SHA-256, worth at most what their user may."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.db.models.functions import Now

from accounts import audit, principals, scopes
from accounts.models import Membership, ServiceAccount, TenantRole
from accounts.principals import Principal, cache
from accounts.tenancy import tenant_scope
from agentos.core.clock import utc_now
from agentos.core.errors import Conflict, Invalid, NotFound, PolicyDenied

KEY_PATTERN = re.compile(r"aos_[A-Za-z0-9]{8}_[A-Za-z0-9_-]{43}")


def create(
    *,
    tenant_id: UUID,
    user_id: UUID,
    name: str,
    scopes_asked: Sequence[str],
    expires_at: datetime | None = None,
    actor_id: UUID | None = None,
) -> tuple[ServiceAccount, str]:
    """Make a key for a member of the tenant; return the account and the key, which is not kept. Audited.

    Raises: Invalid for an unknown scope, one that takes a person, a bad name or a user of another tenant; PolicyDenied
    for a key in the name of someone else who decides approvals; Conflict for a name taken.
    """
    if not name.strip() or len(name) > 100:
        raise Invalid("A service account needs a name of at most 100 characters.")
    if unknown := sorted(scope for scope in scopes_asked if not scopes.is_known(scope)):
        raise Invalid(f"Unknown scopes: {', '.join(unknown)}.", code="unknown_scope")
    if personal := sorted(scopes.FOR_PEOPLE.intersection(scopes_asked)):
        raise Invalid(f"A key can't hold {', '.join(personal)}: that takes a person.", code="person_required")
    key = f"aos_{secrets.token_hex(4)}_{secrets.token_urlsafe(32)}"
    with tenant_scope(tenant_id):
        members = Membership.objects.filter(tenant_id=tenant_id, user_id=user_id)
        member = members.select_related("granted").first()
        if member is None:
            raise Invalid("The user is no member of this tenant.", code="not_a_member")
        if actor_id != user_id and decides(member.granted):
            raise PolicyDenied("Whoever decides approvals makes her keys herself.", code="own_keys_only")
        account = ServiceAccount(tenant_id=tenant_id, user_id=user_id, name=name, key_hash=_hash(key))
        account.scopes, account.expires_at = sorted(set(scopes_asked)), expires_at
        try:
            with transaction.atomic():
                account.save(force_insert=True)
        except IntegrityError:
            raise Conflict(f"There is a service account named {name}.") from None
        detail = {"scopes": account.scopes, "for": str(user_id)}
        entry = audit.Entry(
            "service_account.created",
            "service_account",
            str(account.id),
            detail,
            actor_id,
            personal={"name": name},
            subjects=(user_id,),
        )
        audit.append([entry], tenant_id=tenant_id)
    return account, key


def revoke(*, tenant_id: UUID, account_id: UUID, actor_id: UUID | None = None) -> None:
    """End a key; effective within five seconds everywhere. Repeatable. Raises: NotFound."""
    with tenant_scope(tenant_id):
        accounts = ServiceAccount.objects.filter(tenant_id=tenant_id, id=account_id)
        if not accounts.exists():
            raise NotFound
        if accounts.filter(revoked_at=None).update(revoked_at=utc_now()):
            entry = audit.Entry("service_account.revoked", "service_account", str(account_id), {}, actor_id)
            audit.append([entry], tenant_id=tenant_id)
    cache.forget()


def decides(role: TenantRole) -> bool:
    """Say whether a role decides approvals: nobody else acts in such a user's name."""
    return scopes.grants(frozenset(role.scopes), "approvals:decide")


async def verify(key: str) -> Principal | None:
    """Return whom a key stands for, or None; what the database said is kept for two seconds."""
    return await standing(_hash(key)) if KEY_PATTERN.fullmatch(key) else None


async def standing(key_hash: str) -> Principal | None:
    """Return whom the key with this hash stands for now."""
    return await cache.get(("key", key_hash), lambda: _used(key_hash))


async def acting(account_id: UUID) -> Principal | None:
    """Return whom an account that started a run stands for now, whatever its key is by then."""
    return await cache.get(("account", account_id), lambda: _load(id=account_id))


def _used(key_hash: str) -> Principal | None:
    principal = _load(key_hash=key_hash)
    if principal is not None:
        ServiceAccount.objects.using("system").filter(key_hash=key_hash).update(last_used_at=Now())
    return principal


def _load(**account: UUID | str) -> Principal | None:
    accounts = ServiceAccount.objects.using("system").filter(revoked_at=None, **account)
    found = accounts.filter(Q(expires_at=None) | Q(expires_at__gt=Now())).first()
    if found is None or (owner := principals.load(found.user_id, found.tenant_id)) is None:
        return None
    return replace(owner.narrowed(found.scopes), via="key", credential=found.key_hash, account_id=found.id)


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
