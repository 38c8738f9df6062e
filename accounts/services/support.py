"""Break-glass: an operator of the platform enters a tenant that is not hers, for a reason, for four hours at most.

Operators are appointed at the shell only. An entry is a row of the tenant's, on its trail, ended by it whenever it
likes; no token and no key has it, nothing is approved by it. All of it is the system role's work.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from accounts import audit, scopes
from accounts.models import Membership, Role, SupportEntry, Tenant, TenantRole, User
from accounts.models.support import MAX_REASON_CHARS, MOST_HOURS, OPEN
from accounts.principals import Principal, Support, cache
from agentos.core.clock import rfc3339_ms, utc_now
from agentos.core.errors import Conflict, Invalid, NotFound
from agentos.core.types import clean_text

SYSTEM = "system"
ROLE = "support"


class May(StrEnum):
    """How far an entry goes: looking, with what people wrote masked; reading that too; helping runs along."""

    LOOK = "look"
    READ = "read"
    HELP = "help"


_LOOK = (scopes.ROLE_SCOPES[Role.VIEWER] | {"runs:read_all", "traces:read", "usage:read", "policies:read"}) | {
    "approvals:read"
}
_HELP = {"runs:write", "runs:write_all", "steps:reconcile", "halts:write"}
SCOPES: dict[May, frozenset[str]] = {
    May.LOOK: _LOOK - scopes.FOR_PEOPLE,
    May.READ: (_LOOK | {"privacy:sensitive"}) - scopes.FOR_PEOPLE,
    May.HELP: (_LOOK | {"privacy:sensitive"} | _HELP) - scopes.FOR_PEOPLE,
}


def appoint(*, email: str, is_operator: bool) -> User:
    """Make a user an operator of the platform, or no longer: her entries end then. At the shell. Raises: NotFound."""
    user = User.objects.using(SYSTEM).filter(email__iexact=email, is_active=True).first()
    if user is None:
        raise NotFound("There is no such user.")
    with transaction.atomic(using=SYSTEM):
        User.objects.using(SYSTEM).filter(id=user.id).update(is_superuser=is_operator)
        for entry in [] if is_operator else _open().filter(user=user).order_by("tenant_id"):
            _end(entry, by=None)
    return user


def enter(*, user_id: UUID, tenant: str, reason: str, hours: float = 1, may: May = May.LOOK) -> SupportEntry:
    """Let an operator into a tenant (its slug), on its trail. Commits. Raises: NotFound, Invalid, Conflict."""
    user, found = _operator(user_id), Tenant.objects.using(SYSTEM).filter(slug=tenant).first()
    if found is None:
        raise NotFound("There is no such tenant.")
    cleaned = clean_text(reason).strip()
    if not 0 < len(cleaned) <= MAX_REASON_CHARS:
        raise Invalid(f"Say why, in at most {MAX_REASON_CHARS} characters: the tenant reads it.", code="no_reason")
    if not 0 < hours <= MOST_HOURS:
        raise Invalid(f"An entry lasts {MOST_HOURS} hours at most.", code="too_long")
    if Membership.objects.using(SYSTEM).filter(tenant=found, user=user).exists():
        raise Conflict("She is a member there: her role is what she has.", code="is_member")
    now = utc_now()
    entry = SupportEntry(tenant=found, user=user, who=user.email, reason=cleaned, scopes=sorted(SCOPES[may]))
    entry.created_at, entry.ends_at = now, now + timedelta(hours=hours)
    with transaction.atomic(using=SYSTEM):
        for before in _open().select_for_update().filter(tenant=found, user=user):
            _end(before, by=user.id)
        entry.save(using=SYSTEM, force_insert=True)
        _record("support.entered", entry, user.id, {"may": may.value, "until": rfc3339_ms(entry.ends_at)})
    cache.forget()
    return entry


def end(principal: Principal, *, entry_id: UUID) -> None:
    """End an entry into the principal's tenant, as its administrator. Raises: PolicyDenied, NotFound."""
    principal.require("members:write")
    _end_one(entry_id, principal.tenant_id, by=principal.user_id)


def leave(principal: Principal) -> None:
    """End the entry by which she is here herself. Raises: NotFound when she is here as a member."""
    if principal.support is None:
        raise NotFound("You are a member here.")
    _end_one(principal.support.entry_id, principal.tenant_id, by=principal.user_id)


def is_operator(user_id: UUID) -> bool:
    return User.objects.using(SYSTEM).filter(id=user_id, is_active=True, is_superuser=True).exists()


def operator(email: str) -> User | None:
    """Return the operator with this address."""
    return User.objects.using(SYSTEM).filter(email__iexact=email, is_active=True, is_superuser=True).first()


def places(user: User) -> list[Membership]:
    """Return the memberships, saved nowhere, that a user's open entries are worth."""
    entries = _open().filter(user=user, ends_at__gt=utc_now()).select_related("tenant").order_by("created_at")
    return [membership(entry, user) for entry in entries]


def membership(entry: SupportEntry, user: User) -> Membership:
    """Return what an entry is worth; it is saved nowhere."""
    role = TenantRole(tenant=entry.tenant, name=ROLE, scopes=entry.scopes)
    member = Membership(tenant=entry.tenant, user=user, granted=role)
    member.__dict__["support"] = Support(entry.id, entry.ends_at, entry.reason)
    return member


def _open() -> QuerySet[SupportEntry]:
    return SupportEntry.objects.using(SYSTEM).filter(OPEN)


def _operator(user_id: UUID) -> User:
    user = User.objects.using(SYSTEM).filter(id=user_id, is_active=True, is_superuser=True).first()
    if user is None:
        raise NotFound("She is no operator of the platform.")
    return user


def _end_one(entry_id: UUID, tenant_id: UUID, *, by: UUID) -> None:
    with transaction.atomic(using=SYSTEM):
        entry = _open().select_for_update().filter(id=entry_id, tenant_id=tenant_id).first()
        if entry is None:
            raise NotFound("There is no such entry that stands.")
        _end(entry, by=by)
    cache.forget()


def _end(entry: SupportEntry, *, by: UUID | None) -> None:
    """End an entry, on its tenant's trail. Caller holds the transaction."""
    entry.ended_at, entry.ended_by_id = utc_now(), by
    entry.save(using=SYSTEM, update_fields=["ended_at", "ended_by"])
    _record("support.ended", entry, by, {})


def _record(action: str, entry: SupportEntry, actor_id: UUID | None, detail: dict[str, str]) -> None:
    row = audit.Entry(action, "support_entry", str(entry.id), dict(detail), actor_id)
    audit.append([row], tenant_id=entry.tenant_id, using=SYSTEM)
