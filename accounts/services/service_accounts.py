"""Service keys `aos_<prefix>_<secret>`: shown once, kept as a SHA-256, worth at most what their user may."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q, Value
from django.db.models.functions import Now

from accounts import audit, principals, scopes
from accounts.models import Membership, ServiceAccount, TenantRole
from accounts.principals import PROGRAMS, Principal, cache
from accounts.privacy import access
from accounts.services import roles
from accounts.tenancy import tenant_scope
from agentos.core.clock import utc_now
from agentos.core.errors import Conflict, Invalid, NotFound, PolicyDenied
from agentos.core.types import JsonObject, clean_text

KEY_PATTERN = re.compile(r"aos_[A-Za-z0-9]{8}_[A-Za-z0-9_-]{43}")
PREFIX_CHARS = 12  # shown in lists, to tell keys apart
READS_OTHERS = ("runs:read_all", "privacy:sensitive")  # what a key in another's name shows of her
DEFAULT_DAYS = 90
LONGEST_DAYS = 3_650
DEFAULT_SCOPES = ("agents:run", "teams:run", "workflows:run", "sessions:read", "config:read")
LONGEST_OVERLAP = timedelta(days=30)
USE_NOTED = timedelta(minutes=1)  # a key's last use is written at most so often


def create(
    *,
    tenant_id: UUID,
    user_id: UUID,
    name: str,
    scopes_asked: Sequence[str],
    expires_at: datetime | None = None,
    actor_id: UUID | None = None,
    by: Principal | None = None,
) -> tuple[ServiceAccount, str]:
    """Make a key for a member of the tenant; return the account and the key, which is not kept. Audited.

    `by` is who asks for it: she has to be there in person and to hold what the key shall. Without her it is the
    machine's own doing. Raises: Invalid for an unknown scope, one that takes a person, a bad name or a user of another
    tenant; PolicyDenied for more than she holds, and for a key in the name of someone else who decides approvals or
    whose words she may not read; Conflict for a name taken.
    """
    if by is not None:
        _check_may_write(by)
        _check_reads(by, user_id)
        roles.require_held(by, scopes_asked)
        actor_id = by.user_id
    _check_asked(name, scopes_asked)
    key = _new_key()
    with _scope(tenant_id, by.user_id if by else None) as using:
        _check_user(tenant_id, user_id, actor_id, using)
        account = ServiceAccount(tenant_id=tenant_id, user_id=user_id, name=name, **_of_key(key))
        account.scopes, account.expires_at = sorted(set(scopes_asked)), expires_at
        account.shown_to = [actor_id] if actor_id else []
        try:
            with transaction.atomic(using=using):
                account.save(using=using, force_insert=True)
        except IntegrityError:
            raise Conflict(f"There is a service account named {name}.") from None
        detail = {"scopes": account.scopes, "for": str(user_id)}
        _record(account, "service_account.created", detail, actor_id, personal={"name": name})
        transaction.on_commit(cache.forget, using=using)
    return account, key


def rotate(
    principal: Principal, *, account_id: UUID, overlap: timedelta, expires_at: datetime | None
) -> tuple[ServiceAccount, str]:
    """Give an account a new key; return both. The key before it works for `overlap` more. Audited.

    Raises: PolicyDenied, NotFound, Invalid for an overlap beyond 30 days, Conflict for a revoked account.
    """
    _check_may_write(principal)
    if not timedelta(0) <= overlap <= LONGEST_OVERLAP:
        raise Invalid(f"Two keys may overlap for at most {LONGEST_OVERLAP.days} days.")
    now, key = utc_now(), _new_key()
    with tenant_scope(principal.tenant_id, principal.user_id):
        account = _locked(principal, account_id)
        _check_user(account.tenant_id, account.user_id, principal.user_id)
        _check_reads(principal, account.user_id)
        roles.require_held(principal, account.scopes)
        ends = [end for end in (account.expires_at, now + overlap) if end is not None]
        account.previous_hash, account.previous_until = account.key_hash, min(ends)
        for column, value in _of_key(key).items():
            setattr(account, column, value)
        account.expires_at, account.rotated_at = expires_at, now
        account.shown_to = _shown(account, principal.user_id)
        account.save()
        overlap_seconds = int(overlap.total_seconds())
        _record(account, "service_account.rotated", {"overlap_seconds": overlap_seconds}, principal.user_id)
        transaction.on_commit(cache.forget)
    return account, key


def same_again(account: ServiceAccount) -> datetime | None:
    """Return when a key made now ends that is to live as long as the account's present one; None is never.

    Raises: Conflict for a key that has expired: its end was meant.
    """
    if account.expires_at is None:
        return None
    now = utc_now()
    if account.expires_at <= now:
        raise Conflict("This key has expired: make another one.", code="expired")
    return now + (account.expires_at - (account.rotated_at or account.created_at))


def revoke(*, tenant_id: UUID, account_id: UUID, actor_id: UUID | None = None) -> None:
    """End an account and its keys; effective within five seconds everywhere. Repeatable.

    Without an actor it is the machine's own doing. Raises: NotFound, also for an actor without the right.
    """
    with _scope(tenant_id, actor_id) as using:
        accounts = ServiceAccount.objects.using(using).filter(tenant_id=tenant_id, id=account_id)
        if not accounts.exists():
            raise NotFound
        if accounts.filter(revoked_at=None).update(revoked_at=utc_now()):
            entry = audit.Entry("service_account.revoked", "service_account", str(account_id), {}, actor_id)
            audit.append([entry], tenant_id=tenant_id, using=using)
        transaction.on_commit(cache.forget, using=using)


def end_former(*, tenant_id: UUID, user_id: UUID, actor_id: UUID | None = None) -> None:
    """Revoke the accounts that act for somebody who leaves, or who left and comes again: none of them lives again.

    In the system role, in the caller's transaction if there is one. Audited. Repeatable.
    """
    standing = ServiceAccount.objects.using("system").filter(tenant_id=tenant_id, user_id=user_id, revoked_at=None)
    with transaction.atomic(using="system"):
        ended = list(standing.select_for_update(of=("self",)).order_by("id").values_list("id", flat=True))
        if not ended:
            return
        standing.filter(id__in=ended).update(revoked_at=utc_now())
        detail = {"user_left": True}
        rows = [audit.Entry("service_account.revoked", "service_account", str(row), detail, actor_id) for row in ended]
        audit.append(rows, tenant_id=tenant_id, using="system")


def listed(
    principal: Principal, *, page: int, limit: int, include_revoked: bool = True
) -> tuple[list[ServiceAccount], int]:
    """Return a page of the tenant's accounts, the newest first, and how many there are. Raises: PolicyDenied."""
    principal.require("service_accounts:read")
    with tenant_scope(principal.tenant_id, principal.user_id):
        accounts = ServiceAccount.objects.filter(tenant_id=principal.tenant_id).order_by("-created_at", "-id")
        if not include_revoked:
            accounts = accounts.filter(revoked_at=None)
        page_of = accounts[(page - 1) * limit : page * limit]
        return list(access.as_seen(principal, page_of)), accounts.count()


def is_hers_alone(account_id: UUID, user_id: UUID) -> bool:
    """Say whether nobody but its own user was shown a key of the account. In the system role."""
    accounts = ServiceAccount.objects.using("system").filter(id=account_id)
    return accounts.filter(shown_to__contained_by=[user_id]).exists()


@dataclass(frozen=True, slots=True)
class Standing:
    """How an account stands with people: whether its user is a member, and who knows a key and may less than it by now.

    Such a person left the tenant, or has another role. The key goes on, since it acts for its user; whoever reads this
    is to replace it.
    """

    has_user: bool
    outgrown_by: list[UUID]


def standings(accounts: Sequence[ServiceAccount]) -> dict[UUID, Standing]:
    """Return how accounts of one tenant stand, by their ids. One query, in the system role."""
    if not accounts:
        return {}
    knowers = {account.id: _knowers(account) for account in accounts}
    asked = {account.user_id for account in accounts}.union(*knowers.values())
    people = principals.load_all(asked, accounts[0].tenant_id)

    def may_less(user_id: UUID, account: ServiceAccount) -> bool:
        who = people.get(user_id)
        return who is None or not all(map(who.has, account.scopes))

    return {
        account.id: Standing(account.user_id in people, [one for one in knowers[account.id] if may_less(one, account)])
        for account in accounts
    }


def outgrown_by(principal: Principal, user_id: UUID, held: Iterable[str]) -> list[str]:
    """Name the accounts, of those that the reader sees, whose keys somebody knows and may more than is `held`."""
    with tenant_scope(principal.tenant_id, principal.user_id):
        accounts = ServiceAccount.objects.filter(tenant_id=principal.tenant_id, shown_to__contains=[user_id])
        known = [account for account in accounts.order_by("name", "id") if user_id in _knowers(account)]
    hers = frozenset(held)
    return [account.name for account in known if not all(scopes.grants(hers, scope) for scope in account.scopes)]


def _knowers(account: ServiceAccount) -> list[UUID]:
    """Return who was shown a key that works, beside the user for whom it acts."""
    now = utc_now()
    if account.revoked_at is not None or (account.expires_at is not None and account.expires_at <= now):
        return []
    overlaps = account.previous_until is not None and account.previous_until > now
    shown = account.shown_to if overlaps else account.shown_to[-1:]
    return [user_id for user_id in dict.fromkeys(shown) if user_id != account.user_id]


def decides(role: TenantRole) -> bool:
    """Say whether a role decides approvals: nobody else acts in such a user's name."""
    return scopes.grants(frozenset(role.scopes), "approvals:decide")


async def verify(key: str) -> Principal | None:
    """Return whom a key stands for, or None; what the database said is kept for two seconds."""
    return await current(_hash(key)) if KEY_PATTERN.fullmatch(key) else None


async def current(key_hash: str) -> Principal | None:
    """Return whom the key with this hash stands for now."""
    return await cache.get(("key", key_hash), lambda: _used(key_hash))


async def acting(account_id: UUID) -> Principal | None:
    """Return whom an account that started a run stands for now, whatever its key is by then."""
    return await cache.get(("account", account_id), lambda: _load(account_id))


def _used(key_hash: str) -> Principal | None:
    now = Now()
    is_current = Q(key_hash=key_hash) & (Q(expires_at=None) | Q(expires_at__gt=now))
    is_previous = Q(previous_hash=key_hash, previous_until__gt=now)
    account = ServiceAccount.objects.using("system").filter(is_current | is_previous, revoked_at=None).first()
    principal = None if account is None else _principal(account, key_hash)
    if account is not None and principal is not None:
        used = ServiceAccount.objects.using("system").filter(id=account.id)
        is_news = Q(last_used_at=None) | Q(last_used_at__lt=now - Value(USE_NOTED))
        used.filter(is_news).update(last_used_at=now)
    return principal


def _load(account_id: UUID) -> Principal | None:
    accounts = ServiceAccount.objects.using("system").filter(id=account_id, revoked_at=None)
    account = accounts.filter(Q(expires_at=None) | Q(expires_at__gt=Now())).first()
    return None if account is None else _principal(account, account.key_hash)


def _principal(account: ServiceAccount, key_hash: str) -> Principal | None:
    owner = principals.load(account.user_id, account.tenant_id)
    if owner is None:
        return None
    return replace(owner.narrowed(account.scopes), via="key", credential=key_hash, account_id=account.id)


def _check_may_write(principal: Principal) -> None:
    """Raises: PolicyDenied; for a program too, so that a stolen key makes no others."""
    principal.require("service_accounts:write")
    if principal.via in PROGRAMS:
        raise PolicyDenied("A program makes no keys: sign in.", code="person_required")


def _check_reads(principal: Principal, user_id: UUID) -> None:
    """Raises: PolicyDenied for a key that would show somebody what she may not read of its user."""
    if user_id != principal.user_id:
        for scope in READS_OTHERS:
            principal.require(scope)


def _check_asked(name: str, scopes_asked: Sequence[str]) -> None:
    if not name.strip() or len(name) > 100 or clean_text(name) != name:
        raise Invalid("A service account needs a name of at most 100 characters.")
    if unknown := sorted(scope for scope in scopes_asked if not scopes.is_known(scope)):
        raise Invalid(f"Unknown scopes: {', '.join(unknown)}.", code="unknown_scope")
    if personal := sorted(scopes.FOR_PEOPLE.intersection(scopes_asked)):
        raise Invalid(f"A key can't hold {', '.join(personal)}: that takes a person.", code="person_required")


@contextmanager
def _scope(tenant_id: UUID, actor_id: UUID | None) -> Iterator[str]:
    """Open the actor's scope, or without one a transaction of the machine's own; yield the connection's alias."""
    if actor_id is not None:
        with tenant_scope(tenant_id, actor_id):
            yield "default"
        return
    with transaction.atomic(using="system"):
        yield "system"


def _check_user(tenant_id: UUID, user_id: UUID, actor_id: UUID | None, using: str = "default") -> None:
    members = Membership.objects.using(using).filter(tenant_id=tenant_id, user_id=user_id)
    member = members.select_related("granted").first()
    if member is None:
        raise Invalid("The user is no member of this tenant.", code="not_a_member")
    if actor_id != user_id and decides(member.granted):
        raise PolicyDenied("Whoever decides approvals makes her keys herself.", code="own_keys_only")


def _locked(principal: Principal, account_id: UUID) -> ServiceAccount:
    accounts = ServiceAccount.objects.filter(tenant_id=principal.tenant_id, id=account_id)
    if (account := accounts.select_for_update(of=("self",)).first()) is None:
        raise NotFound
    if account.revoked_at is not None:
        raise Conflict("This service account is revoked: make another one.", code="revoked")
    return account


def _record(
    account: ServiceAccount,
    action: str,
    detail: JsonObject,
    actor_id: UUID | None,
    personal: Mapping[str, str] | None = None,
) -> None:
    row = str(account.id)
    entry = audit.Entry(action, "service_account", row, detail, actor_id, personal or {}, (account.user_id,))
    audit.append([entry], tenant_id=account.tenant_id, using=account._state.db or "default")


def _shown(account: ServiceAccount, user_id: UUID) -> list[UUID]:
    """Return whom keys of the account were shown: its maker first, who was shown the newest last, others once."""
    return [*account.shown_to[:1], *(known for known in account.shown_to[1:] if known != user_id), user_id]


def _new_key() -> str:
    return f"aos_{secrets.token_hex(4)}_{secrets.token_urlsafe(32)}"


def _of_key(key: str) -> dict[str, str]:
    return {"key_prefix": key[:PREFIX_CHARS], "key_hash": _hash(key)}


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
