"""Tokens of other issuers, as `AGENTOS_ISSUERS` lists them: whom they stand for, and at most with which scopes.

What an issuer claims can only narrow what our rows grant: it names a member, and takes scopes from her.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal
from urllib.parse import urlsplit

import jwt
from django.conf import settings
from jwt import PyJWK
from jwt.exceptions import PyJWTError
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from accounts import jose, principals
from accounts.models import User
from accounts.principals import Foreign, Principal, cache
from accounts.services import sign_ins
from accounts.services.jwks import KeySet
from agentos.core.clock import utc_now
from agentos.core.errors import ConfigError, NotAuthenticated
from agentos.core.ids import parse_id
from agentos.core.types import JsonObject

REMEMBERED_TOKENS = 4096
DAY_SECONDS = 86_400
LOOPBACK = ("localhost", "127.0.0.1", "::1")
Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]


class Issuer(BaseModel):
    """One entry of `AGENTOS_ISSUERS`. The tenant is fixed (`tenant`, its slug) or read from a claim."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    issuer: str = Field(min_length=1)
    audience: str = Field(min_length=1)
    jwks_url: str
    algorithms: tuple[Algorithm, ...] = Field(("RS256",), min_length=1)
    types: tuple[str, ...] = Field(("at+jwt",), min_length=1)  # what the header's `typ` may be
    user_claim: str = "email"
    user_by: Literal["email", "id"] = "email"
    emails_are_verified: bool = False  # without it, a token has to say `email_verified`
    tenant: str = ""
    tenant_claim: str = ""
    scope_claim: str = "scope"  # empty: the issuer does not narrow
    longest_seconds: int = Field(DAY_SECONDS, ge=60, le=7 * DAY_SECONDS)

    @model_validator(mode="after")
    def _check(self) -> Issuer:
        if self.issuer == settings.SIMPLE_JWT["ISSUER"]:
            raise ValueError("this is our own name")
        if bool(self.tenant) == bool(self.tenant_claim):
            raise ValueError("name either a tenant or a tenant_claim")
        if not is_safe_url(self.jwks_url):
            raise ValueError("jwks_url must be https (http on this machine, in development)")
        return self

    @property
    def expected(self) -> jose.Expected:
        return jose.Expected(self.issuer, self.audience, self.longest_seconds, in_list=True)


def is_safe_url(url: str) -> bool:
    """Say whether a provider's address may be asked: https, or this machine outside production."""
    parts = urlsplit(url)
    if parts.scheme == "https":
        return bool(parts.hostname) and parts.username is None
    return parts.scheme == "http" and parts.hostname in LOOPBACK and not settings.PRODUCTION


def configured() -> tuple[Issuer, ...]:
    """Return the issuers that the settings list. Raises: ConfigError, naming the entry and the field."""
    return _parsed(json.dumps(settings.ISSUERS))


async def verify(token: str) -> Principal | None:
    """Return whom a token of a configured issuer stands for, or None; what the rows said is kept two seconds.

    Raises: NotAuthenticated; Unavailable when the issuer's keys can't be had.
    """
    read = jose.read(token)
    issuer = _of(read.payload)
    key = await _key_set(issuer.jwks_url, issuer.algorithms).find(read.kid)
    if key is None:
        raise NotAuthenticated
    jose.check_header(read.header, algorithm=key.algorithm_name, types=issuer.types)
    foreign, expires_at = _checked(token, issuer, key)
    if expires_at <= utc_now():
        raise NotAuthenticated
    return await current(foreign)


async def current(foreign: Foreign) -> Principal | None:
    """Return whom a checked token stands for now."""
    return await cache.get(("issuer", foreign), lambda: _load(foreign))


@lru_cache(maxsize=4)
def _parsed(text: str) -> tuple[Issuer, ...]:
    found = []
    for number, entry in enumerate(json.loads(text), start=1):
        try:
            found.append(Issuer.model_validate(entry))
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"])) or "entry"
            raise ConfigError(f"AGENTOS_ISSUERS, number {number}, {place}: {first['msg']}.") from None
    if len({(issuer.issuer, issuer.audience) for issuer in found}) != len(found):
        raise ConfigError("AGENTOS_ISSUERS lists an issuer with the same audience twice.")
    return tuple(found)


def _of(payload: JsonObject) -> Issuer:
    """Return the entry that a token claims to be of. Raises: NotAuthenticated."""
    audiences = payload.get("aud")
    wanted = audiences if isinstance(audiences, list) else [audiences]
    for issuer in configured():
        if payload.get("iss") == issuer.issuer and issuer.audience in wanted:
            return issuer
    raise NotAuthenticated


@lru_cache(maxsize=64)
def _key_set(url: str, algorithms: tuple[str, ...]) -> KeySet:
    return KeySet(url, algorithms)


@lru_cache(maxsize=REMEMBERED_TOKENS)
def _checked(token: str, issuer: Issuer, key: PyJWK) -> tuple[Foreign, datetime]:
    """Check signature and claims; what a key signed that is no more in the set is not remembered as good."""
    try:
        jwt.PyJWS().decode(token, key, algorithms=[key.algorithm_name])
    except PyJWTError:
        raise NotAuthenticated from None
    payload = jose.read(token).payload
    jose.check_claims(payload, issuer.expected, now=utc_now())
    foreign = Foreign(
        issuer.user_by,
        _user_in(payload, issuer),
        issuer.tenant or _text(payload.get(issuer.tenant_claim)),
        _scopes_in(payload, issuer),
        datetime.fromtimestamp(payload["iat"], UTC),
    )
    return foreign, datetime.fromtimestamp(payload["exp"], UTC)


def _user_in(payload: JsonObject, issuer: Issuer) -> str:
    if issuer.user_by == "email" and not issuer.emails_are_verified and payload.get("email_verified") is not True:
        raise NotAuthenticated
    return _text(payload.get(issuer.user_claim))


def _scopes_in(payload: JsonObject, issuer: Issuer) -> frozenset[str] | None:
    """Return what a token asks for: a text with blanks or a list. Nothing said, nothing granted."""
    if not issuer.scope_claim:
        return None
    said = payload.get(issuer.scope_claim, "")
    listed = said.split() if isinstance(said, str) else said
    if not isinstance(listed, list):
        raise NotAuthenticated
    return frozenset(_text(scope) for scope in listed)


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise NotAuthenticated
    return value


def _load(foreign: Foreign) -> Principal | None:
    user = _user(foreign)
    if user is None or (user.signed_out_at is not None and user.signed_out_at >= foreign.issued_at):
        return None
    owner = principals.load(user.id, parse_id(foreign.tenant) or foreign.tenant)
    if owner is None:
        return None
    asked = owner.scopes if foreign.scopes is None else foreign.scopes
    return replace(owner.narrowed(asked), via="issuer", foreign=foreign)


def _user(foreign: Foreign) -> User | None:
    if foreign.user_by == "email":
        return sign_ins.by_email(foreign.user)
    user_id = parse_id(foreign.user)
    return User.objects.using("system").filter(id=user_id).first() if user_id is not None else None
