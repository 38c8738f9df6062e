"""Reads a signed token strictly, before its signature is computed, and judges its claims after that.

One reading for our own tokens and for those of other issuers: what a lenient reader might take otherwise is refused.
"""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from agentos.core.errors import NotAuthenticated
from agentos.core.types import JsonObject

LONGEST_TOKEN = 8 * 1024
SKEW_SECONDS = 5  # how far the clocks of two machines may be apart
OWN_HEADER = frozenset({"alg", "typ", "kid"})
# What would make a reader take its key, its payload or its rules from the token itself (RFC 7515, RFC 7516, RFC 7797).
DANGEROUS_HEADER = frozenset({"jwk", "jku", "x5u", "x5c", "crit", "b64", "zip", "enc", "cty", "epk", "p2s", "p2c"})
_PARTS = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")
_KID = re.compile(r"[A-Za-z0-9._=:+/@-]{1,200}")


@dataclass(frozen=True, slots=True)
class Unverified:
    """What a token says before anybody has looked at its signature."""

    text: str
    header: JsonObject
    payload: JsonObject

    @property
    def kid(self) -> str:
        return str(self.header["kid"])


@dataclass(frozen=True, slots=True)
class Expected:
    """What the claims of one issuer's tokens have to be. `longest_seconds` bounds the life of one token.

    `in_list`: the audience may be one of several (RFC 7519), as some providers write it.
    """

    issuer: str
    audience: str
    longest_seconds: int
    in_list: bool = False


def read(token: str) -> Unverified:
    """Take a compact JWS apart. Raises: NotAuthenticated for every other form."""
    if len(token) > LONGEST_TOKEN:
        raise NotAuthenticated
    if (parts := _PARTS.fullmatch(token)) is None:
        raise NotAuthenticated
    header, payload = _object(parts[1]), _object(parts[2])
    _bytes(parts[3])
    if not isinstance(header.get("kid"), str) or not _KID.fullmatch(header["kid"]):
        raise NotAuthenticated
    return Unverified(token, header, payload)


def check_header(
    header: JsonObject, *, algorithm: str, types: Collection[str], only: Collection[str] | None = None
) -> None:
    """Refuse a header that brings its own key or rules, another algorithm than its key's, or not its issuer's `typ`.

    `only` lists all names that may be there. Raises: NotAuthenticated.
    """
    names = set(header)
    if names & DANGEROUS_HEADER or (only is not None and names - set(only)):
        raise NotAuthenticated
    if header.get("alg") != algorithm or header.get("typ") not in types:
        raise NotAuthenticated


def check_claims(payload: JsonObject, expected: Expected, *, now: datetime) -> None:
    """Check issuer, audience, subject and times: all whole numbers, none far away. Raises: NotAuthenticated."""
    if payload.get("iss") != expected.issuer or not _is_for(payload.get("aud"), expected):
        raise NotAuthenticated
    if not isinstance(payload.get("sub"), str) or not payload["sub"]:
        raise NotAuthenticated
    moment, iat, exp = now.timestamp(), whole(payload.get("iat")), whole(payload.get("exp"))
    begins = max(iat, whole(payload.get("nbf", iat)))
    if exp <= moment or begins > moment + SKEW_SECONDS:
        raise NotAuthenticated
    if exp - iat > expected.longest_seconds:
        raise NotAuthenticated


def whole(value: Any) -> int:
    """Return a whole number of a claim. Raises: NotAuthenticated for a text, a fraction, true or nothing."""
    if type(value) is not int:
        raise NotAuthenticated
    return value


def _is_for(audience: Any, expected: Expected) -> bool:
    if isinstance(audience, list):
        return expected.in_list and expected.audience in audience
    return bool(audience == expected.audience)


def _object(part: str) -> JsonObject:
    """Read a part as one JSON object in UTF-8 without a name said twice. Raises: NotAuthenticated."""
    try:
        value = json.loads(_bytes(part).decode(), object_pairs_hook=without_doubles, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise NotAuthenticated from None
    if not isinstance(value, dict):
        raise NotAuthenticated
    return value


def _bytes(part: str) -> bytes:
    """Decode base64url in its one canonical spelling. Raises: NotAuthenticated."""
    try:
        raw = urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except ValueError:
        raise NotAuthenticated from None
    if urlsafe_b64encode(raw).rstrip(b"=") != part.encode():
        raise NotAuthenticated
    return raw


def without_doubles(pairs: list[tuple[str, Any]]) -> JsonObject:
    """Make a JSON object of its names and values, for `json.loads`. Raises: ValueError for a name said twice."""
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a name is there twice")
    return value


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no number of JSON")
