"""Who asks: a user in a tenant with what her role grants now, read through the system role, kept two seconds.

A changed role, a deactivated user, a raised token version, an ended family count when it is read again.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.fields import ArrayField
from django.db.models import CharField, Exists, F, OuterRef, QuerySet, Value
from django.db.models.functions import Concat, Replace

from accounts import scopes
from accounts.kept import Kept
from accounts.models import Grant, Membership, RefreshToken, ServiceAccount
from accounts.models.resources import IMPLIES_READ, SUFFIX
from accounts.trips import planned_once
from agentos.core.clock import monotonic
from agentos.core.errors import PolicyDenied

KEPT_SECONDS = 2.0  # rights must follow the database within 5 s, on open streams that look every 2 s too
KEPT_MOST = 10_000


PROGRAMS = frozenset({"key", "issuer"})  # ways in that do not prove that a person is there


@dataclass(frozen=True, slots=True)
class Foreign:
    """What a checked token of another issuer says: for whom, in which tenant, at most which scopes, since when.

    `user_by` names the column that `user` is looked up in; `scopes` is None when the issuer does not narrow.
    """

    user_by: str
    user: str
    tenant: str
    scopes: frozenset[str] | None
    issued_at: datetime


@dataclass(frozen=True, slots=True)
class Support:
    """That she is here as an operator of the platform, by which entry, until when and why."""

    entry_id: UUID
    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Principal:
    """A signed-in user in one tenant. `via` is token, key, cookie or issuer; `version` is the user's token version.

    `scopes` is all that she may do here: what her role grants (`role_scopes`) and what was granted to her alone
    (`grants`), within what a key or another issuer narrows it to (`limits`; None where nothing does). `account_id`
    names the key's service account, `keys` all accounts of which a key was shown to her. `credential` finds a service
    key (its hash) or a session (its key) again, `foreign` whom another issuer's token stands for; of a token of ours
    `signed_by` names the key. `support` is who is no member here.
    """

    user_id: UUID
    tenant_id: UUID
    tenant_slug: str
    email: str
    name: str
    role: str
    scopes: frozenset[str]
    role_scopes: frozenset[str] = frozenset()
    grants: frozenset[str] = frozenset()
    limits: frozenset[str] | None = None
    account_id: UUID | None = None
    keys: frozenset[UUID] = frozenset()
    via: str = "token"
    family: UUID | None = None
    version: int = 0
    credential: str = field(default="", repr=False)
    foreign: Foreign | None = field(default=None, repr=False)
    signed_by: str = ""
    support: Support | None = field(default=None, repr=False)

    def has(self, scope: str) -> bool:
        """Say whether she may; what takes a person, no key and no run of one may, an administrator's neither."""
        if scope in scopes.FOR_PEOPLE and (self.limits is not None or self.via in PROGRAMS):
            return False
        return scopes.grants(self.scopes, scope)

    def has_any(self, kind: str, verb: str) -> bool:
        """Say whether she may do this to at least one thing of a kind."""
        return self.has(f"{kind}:{verb}") or bool(self.named(kind, verb))

    def named(self, kind: str, verb: str) -> list[str]:
        """Return the names of those things of a kind to which a scope of hers lets her do this one by one."""
        before, after = f"{kind}:", f":{verb}"
        found = (scope for scope in self.scopes if scope.startswith(before) and scope.endswith(after))
        return [scope[len(before) : -len(after)] for scope in found if len(scope) > len(before) + len(after)]

    def narrowed(self, limits: Iterable[str]) -> Principal:
        """Return her with no more than the limits grant, and nothing that takes a person."""
        asked = frozenset(limits)
        kept = asked if self.limits is None else scopes.narrow(self.limits, asked)
        return replace(self, scopes=scopes.narrow(self.scopes, asked), limits=kept)

    def require(self, scope: str) -> None:
        """Raises: PolicyDenied when the principal does not hold the scope."""
        if not self.has(scope):
            raise PolicyDenied(f"You need the scope {scope} for this.", code="missing_scope")


def load(user_id: UUID, tenant: UUID | str, family: UUID | None = None) -> Principal | None:
    """Read who this is now; `tenant` is an id or a slug.

    None: there is no such active member, or her token family has ended.
    """
    column = "tenant_id" if isinstance(tenant, UUID) else "tenant__slug"
    found = members().filter(user_id=user_id, **{column: tenant})
    if family is not None:
        links = RefreshToken.objects.filter(tenant_id=OuterRef("tenant_id"), user_id=user_id, family=family)
        found = found.filter(Exists(links), ~Exists(links.filter(revoked_at__isnull=False)))
    with planned_once(using="system"):
        member = found.first()
    return None if member is None else of_member(member, family=family)


def load_all(user_ids: Iterable[UUID], tenant_id: UUID) -> dict[UUID, Principal]:
    """Read who these are now in a tenant, by one query; who is no active member is not there."""
    found = members().filter(tenant_id=tenant_id, user_id__in=set(user_ids))
    return {member.user_id: of_member(member) for member in found}


@functools.cache  # every page asks it, and putting the expressions together takes longer than the database does
def members() -> QuerySet[Membership]:
    """Return the memberships of active users with all that a principal is made of, read through the system role."""
    grants = Grant.objects.filter(tenant_id=OuterRef("tenant_id"), user_id=OuterRef("user_id"))
    verb = Replace(F("permission__codename"), Value(SUFFIX), Value(""))
    worth = Concat("content_object__kind", Value(":"), "content_object__name", Value(":"), verb)
    rows = Membership.objects.using("system").select_related("user", "tenant", "granted").filter(user__is_active=True)
    found = grants.annotate(worth=worth).values("worth")
    hers = {"tenant_id": OuterRef("tenant_id"), "shown_to__contains": [OuterRef("user_id")]}
    return rows.annotate(
        grant_scopes=ArraySubquery(found, output_field=ArrayField(CharField())),
        keys=ArraySubquery(ServiceAccount.objects.filter(**hers).values("id")),
    )


def of_member(member: Membership, *, via: str = "token", family: UUID | None = None) -> Principal:
    """Build the principal of a membership as `members` loads it; grants that were not loaded count for nothing."""
    user = member.user
    held, grants = frozenset(member.granted.scopes), _with_read(member.__dict__.get("grant_scopes", ()))
    return Principal(
        user_id=user.id,
        tenant_id=member.tenant_id,
        tenant_slug=member.tenant.slug,
        email=user.email,
        name=user.name,
        role=member.role,
        scopes=held | grants,
        role_scopes=held,
        grants=grants,
        keys=frozenset(member.__dict__.get("keys", ())),
        via=via,
        family=family,
        version=user.token_version,
        support=member.__dict__.get("support"),
    )


def _with_read(grants: Iterable[str]) -> frozenset[str]:
    """Return the grants and what they are worth besides: whoever may run or write a thing may read it."""
    found = set(grants)
    for grant in tuple(found):
        thing, _, verb = grant.rpartition(":")
        if verb in IMPLIES_READ:
            found.add(f"{thing}:read")
    return frozenset(found)


class PrincipalCache(Kept[Principal | None]):
    """Keeps principals, and that there is none, by whatever finds them again."""

    def __init__(
        self, *, seconds: float = KEPT_SECONDS, most: int = KEPT_MOST, clock: Callable[[], float] = monotonic
    ) -> None:
        super().__init__(seconds=seconds, most=most, clock=clock)

    def keep(self, key: object, asked_at: float, value: Principal | None) -> None:
        super().keep(key, asked_at, value)
        if value is not None and value.limits is None and value.support is None:
            # What a run asks at its gates: the same user, however she signed in.
            known = replace(value, via="token", family=None, credential="", foreign=None)
            super().keep((value.user_id, value.tenant_id, None), asked_at, known)


cache = PrincipalCache()


async def current(user_id: UUID, tenant_id: UUID, family: UUID | None) -> Principal | None:
    """Return who this is, at most two seconds old."""
    return await cache.get((user_id, tenant_id, family), lambda: load(user_id, tenant_id, family))
