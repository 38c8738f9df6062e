"""Tokens: a short access token that names user, tenant and family, and a chain of refresh tokens behind it.

An access token is checked without the database, but for a look at the keys every two seconds; whether its bearer
still has rights is `principals`' part.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import DatabaseError, IntegrityError, transaction
from rest_framework_simplejwt import tokens as simplejwt
from rest_framework_simplejwt.exceptions import TokenError

from accounts import audit, jose, principals, seam
from accounts.models import Membership, RefreshToken, User
from accounts.principals import Principal, cache
from accounts.services import attempts, keys, second_factor, sessions, sign_ins
from agentos.core.clock import utc_now
from agentos.core.errors import Invalid, NotAuthenticated, PolicyDenied
from agentos.core.ids import new_id, parse_id

logger = logging.getLogger(__name__)

REMEMBERED_TOKENS = 4096


@dataclass(frozen=True, slots=True)
class Claims:
    """What a checked token says, and the key that signed it. `version` and `family` have to hold in the database."""

    id: UUID
    user_id: UUID
    tenant_id: UUID
    version: int
    family: UUID
    expires_at: datetime
    signed_by: str


@dataclass(frozen=True, slots=True)
class TokenPair:
    access: str
    refresh: str
    tenant: str
    scopes: list[str]
    expires_in_seconds: int


class _Ours:
    """A token of ours: signed with the key of the day, verified with the one that its header names."""

    token: Any

    def get_token_backend(self) -> keys.Backend:
        if self.token is None:
            return keys.signer()
        return keys.verifier(_key(_named(str(self.token))[1]))


class _Access(_Ours, simplejwt.AccessToken):
    """An access token of ours."""


class _Refresh(_Ours, simplejwt.RefreshToken):  # type: ignore[misc]  # two of its own bases disagree
    """A refresh token of ours; its `jti` is the row that remembers its use."""


def issue(
    *, email: str, password: str, tenant: str | None = None, client: str = "", otp: str | None = None
) -> TokenPair:
    """Sign a user in and start a token family; writes an audit row, of a failure too when the user is known.

    `client` is the caller's address, for the throttle and for demo users; `otp` the code of a second factor. An unknown
    user is answered like a wrong password. Raises: NotAuthenticated; RateLimited after too many failures; Invalid when
    she has to name a tenant; PolicyDenied when she has to set up a second factor.
    """
    ticket = attempts.admit(email, client)
    user = check_password(email, password, client)
    members = [] if user is None else _places(user, tenant)
    if not members:
        if user is not None:
            seam.later(_record_failure, user)
        raise NotAuthenticated("E-mail, password or tenant is wrong.", code="wrong_credentials")
    attempts.succeeded(ticket)
    if len(members) > 1:
        slugs = sorted(member.tenant.slug for member in members)
        raise Invalid(f"Name the tenant: {', '.join(slugs)}.", code="tenant_required")
    second_factor.demand(members, otp, client)
    return start_family(members[0])


def check_password(email: str, password: str, client: str = "") -> User | None:
    """Return the active user with this e-mail address and password; always at the price of one hash.

    A failure is recorded after the answer, so that its time does not tell who is known. Demo users sign in only from
    where `sign_ins` lets them.
    """
    user = sign_ins.by_email(email)
    if user is None:
        make_password(password)
        logger.warning("a sign-in failed: nobody has this address")
        return None
    is_right = user.check_password(password)
    if is_right and user.is_active and (not user.is_demo or sign_ins.demo_allowed(client)):
        return user
    seam.later(_record_failure, user)
    return None


def start_family(member: Membership) -> TokenPair:
    """Make the first pair of a new family for a membership as `sessions.memberships` loads it; audited.

    Raises: NotAuthenticated when the membership has ended meanwhile.
    """
    try:
        with transaction.atomic(using="system"):
            pair = _pair(member, uuid4())
            entry = audit.Entry("auth.signed_in", "user", str(member.user_id), {"via": "token"}, member.user_id)
            audit.append([entry], tenant_id=member.tenant_id, using="system")
    except IntegrityError:
        raise NotAuthenticated from None
    return pair


def refresh(token: str) -> TokenPair:
    """Trade a refresh token for a new pair. A token that was used before ends its whole family.

    Raises: NotAuthenticated.
    """
    keys.ring.look()
    claims = _claims(token, _Refresh)
    with transaction.atomic(using="system"):
        pair = _rotated(claims)
    if pair is None:  # raised here, so that the end of the family is committed
        cache.forget()
        raise NotAuthenticated("This refresh token is used up: sign in again.", code="refresh_refused")
    return pair


def revoke(principal: Principal, *, all: bool = False) -> None:
    """Sign out: end the principal's token family or, with `all`, all her tokens and sessions.

    Service keys stay: each is a program's, revoked by itself. Raises: PolicyDenied for a key that would end all,
    Invalid where there is no family to end.
    """
    user_id = principal.user_id
    if all and principal.via == "key":
        raise PolicyDenied("A key does not sign a person out: sign in.", code="person_required")
    with transaction.atomic(using="system"):
        if all:
            sign_ins.end_all(user_id)
        elif principal.family is not None:
            links = RefreshToken.objects.using("system").filter(tenant_id=principal.tenant_id, user_id=user_id)
            links.filter(family=principal.family, revoked_at=None).update(revoked_at=utc_now())
        else:
            raise Invalid("Only a token signs out here: a key is revoked, a session ends on its page.")
        entry = audit.Entry("auth.signed_out", "user", str(user_id), {"all": all}, user_id)
        audit.append([entry], tenant_id=principal.tenant_id, using="system")
    cache.forget()


def change_password(principal: Principal, *, password: str) -> None:
    """Give the principal a new password and end all that the old one opened: tokens, families, sessions. Audited."""
    user_id = principal.user_id
    with transaction.atomic(using="system"):
        User.objects.using("system").filter(id=user_id).update(password=make_password(password))
        sign_ins.end_all(user_id)
        entry = audit.Entry("auth.password_changed", "user", str(user_id), {}, user_id)
        audit.append([entry], tenant_id=principal.tenant_id, using="system")
    cache.forget()


def is_ours(token: str) -> bool:
    """Say whether a token claims to be ours; who else it may be of, `issuers` knows. Raises: NotAuthenticated."""
    return bool(_named(token)[0] == settings.SIMPLE_JWT["ISSUER"])


def is_in_force(kid: str) -> bool:
    """Say whether the key of this name verifies what it signed, by what is known that is at most two seconds old."""
    keys.ring.look()
    return keys.ring.find(kid) is not None


async def is_still_in_force(kid: str) -> bool:
    """Say the same for a stream, which asks every few seconds."""
    await _look()
    return keys.ring.find(kid) is not None


async def verify(token: str) -> Claims:
    """Check an access token as `verify_access` does, with keys that are at most two seconds old."""
    await _look()
    return verify_access(token)


def verify_access(token: str) -> Claims:
    """Check form, key, signature, issuer, audience, type and times of an access token. No database.

    What was found good is remembered, since a client sends the same token again and again; its end is not.
    Raises: NotAuthenticated.
    """
    claims = _checked_access(token, _key(_named(token)[1]))
    if claims.expires_at <= utc_now():
        raise NotAuthenticated
    return claims


async def _look() -> None:
    """Read the keys where this process' knowledge is old; else no thread is asked."""
    if keys.ring.is_stale:
        await seam.in_thread(keys.ring.look)


def _places(user: User, tenant: str | None) -> list[Membership]:
    """Return the user's memberships, of the tenant with this slug or id if one is named."""
    members, wanted = sessions.memberships(user.id), parse_id(tenant or "")
    if not tenant:
        return members
    return [member for member in members if tenant == member.tenant.slug or member.tenant_id == wanted]


def _record_failure(user: User) -> None:
    """Tell every tenant that has her: her password opens each of them, whichever was named."""
    try:
        with transaction.atomic(using="system"):
            if not sign_ins.tell(user.id, "auth.sign_in_failed"):
                logger.warning("a sign-in failed: user %s is in no tenant", user.id)
    except DatabaseError as error:  # nobody waits for this
        logger.warning("a failed sign-in could not be recorded (%s)", type(error).__name__)
        raise


def _rotated(claims: Claims) -> TokenPair | None:
    """Use up one link of a family and make the next; None, with the family ended, when that may not be.

    The membership is locked before its tokens, as by whoever ends it.
    """
    member = (
        principals.members()
        .filter(tenant_id=claims.tenant_id, user_id=claims.user_id)
        .filter(user__token_version=claims.version)
        .select_for_update(of=("self",), no_key=True)
        .first()
    )
    links = RefreshToken.objects.using("system").filter(tenant_id=claims.tenant_id, family=claims.family)
    link = links.select_for_update(no_key=True).filter(id=claims.id, user_id=claims.user_id).first()
    if link is None or links.filter(revoked_at__isnull=False).exists():  # a sign-out may miss the link made meanwhile
        return None
    if link.used_at is not None or member is None or second_factor.is_missing([member]):
        links.update(revoked_at=utc_now())
        reused = {"reused": link.used_at is not None}
        entry = audit.Entry("auth.family_ended", "user", str(claims.user_id), reused)
        audit.append([entry], tenant_id=claims.tenant_id, using="system")
        return None
    link.used_at = utc_now()
    link.save(using="system", update_fields=["used_at"])
    pair = _pair(member, claims.family)
    entry = audit.Entry("auth.refreshed", "user", str(claims.user_id), {"family": str(claims.family)}, claims.user_id)
    audit.append([entry], tenant_id=claims.tenant_id, using="system")
    return pair


def _pair(member: Membership, family: UUID) -> TokenPair:
    user = member.user
    claims = {"tenant": str(member.tenant_id), "ver": user.token_version, "fam": str(family)}
    access, link = _Access.for_user(user), _Refresh.for_user(user)
    row = new_id()
    access.payload.update(claims)
    link.payload.update({**claims, "jti": str(row)})
    RefreshToken.objects.using("system").create(
        id=row,
        tenant_id=member.tenant_id,
        user_id=user.id,
        family=family,
        expires_at=datetime.fromtimestamp(link["exp"], UTC),
    )
    return TokenPair(
        access=str(access),
        refresh=str(link),
        tenant=member.tenant.slug,
        scopes=sorted(principals.of_member(member).scopes),
        expires_in_seconds=int(_Access.lifetime.total_seconds()),
    )


@lru_cache(maxsize=REMEMBERED_TOKENS)
def _checked_access(token: str, key: keys.Key) -> Claims:
    """`key` is part of the question: what a revoked one signed is not remembered as good."""
    return _claims(token, _Access)


def _claims(token: str, kind: type[_Access | _Refresh]) -> Claims:
    """Check a token of this kind wholly. Raises: NotAuthenticated."""
    read = jose.read(token)
    algorithm = _key(read.kid).algorithm
    jose.check_header(read.header, algorithm=algorithm, types=["JWT"], only=jose.OWN_HEADER)
    jose.check_claims(read.payload, _expected(kind), now=utc_now())
    try:
        payload = kind(token).payload  # type: ignore[arg-type]  # the stub asks for a Token, the code for its text
        return Claims(
            id=UUID(payload["jti"]),
            user_id=UUID(payload["sub"]),
            tenant_id=UUID(payload["tenant"]),
            version=jose.whole(payload["ver"]),
            family=UUID(payload["fam"]),
            expires_at=datetime.fromtimestamp(payload["exp"], UTC),
            signed_by=read.kid,
        )
    except (TokenError, KeyError, ValueError, TypeError, AttributeError, OverflowError):
        raise NotAuthenticated from None


@lru_cache(maxsize=REMEMBERED_TOKENS)
def _named(token: str) -> tuple[Any, str]:
    """Return the issuer and the key that a token names."""
    read = jose.read(token)
    return read.payload.get("iss"), read.kid


def _key(kid: str) -> keys.Key:
    """Return the key of this name. Raises: NotAuthenticated when it is none of ours, or none any more."""
    if (key := keys.ring.find(kid)) is None:
        raise NotAuthenticated
    return key


def _expected(kind: type[_Access | _Refresh]) -> jose.Expected:
    ours, lifetime = settings.SIMPLE_JWT, kind.lifetime
    assert lifetime is not None
    return jose.Expected(ours["ISSUER"], ours["AUDIENCE"], int(lifetime.total_seconds()))
