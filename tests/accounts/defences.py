"""What stands between a forged token and the API, one by one, each with what takes it away."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from rest_framework_simplejwt.tokens import Token

from accounts import auth, jose, principals
from accounts.models import Membership, SigningKey
from accounts.principals import Principal
from accounts.seam import in_thread
from accounts.services import keys, tokens
from agentos import lean
from agentos.core.errors import NotAuthenticated

LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)


def _lax_bytes(part: str) -> bytes:
    letters = re.sub(r"[^A-Za-z0-9_-]", "", part.replace("+", "-").replace("/", "_"))
    return base64.urlsafe_b64decode(letters + "=" * (-len(letters) % 4))


def _lax_json(part: str) -> Any:
    raw = _lax_bytes(part)
    return json.loads(raw.decode("utf-8-sig") if raw.startswith(b"\xef\xbb\xbf") else raw)


def _lax_read(token: str) -> jose.Unverified:
    """Read as the most forgiving library would."""
    token = token.encode("latin-1", "ignore").decode("utf-8", "ignore") or token
    token = "".join(chr(ord(letter) - 0xFEE0) if 0xFF01 <= ord(letter) <= 0xFF5E else letter for letter in token)
    parts = token.split(".")
    header, payload = _lax_json(parts[0]), _lax_json(parts[1])
    if isinstance(payload, str):
        payload = _lax_json(payload.split(".")[1])
    if isinstance(payload, list):
        payload = payload[0]
    return jose.Unverified(token, {"kid": "", **header}, payload)


def _lax_decode(self: keys.Backend, token: Any, verify: bool = True) -> dict[str, Any]:
    return jose.read(str(token)).payload


def _lax_id(value: Any) -> UUID:
    if isinstance(value, int):
        return UUID(int=value)
    text = value[0] if isinstance(value, list) else str(value)
    return UUID(text.strip(" \x00")) if text != "None" else UUID(int=0)


def _lax_key(kid: str) -> keys.Key:
    """Take any name for the newest key's, and a revoked key for a good one."""
    known = {key.kid: key for key in keys.ring.all()}
    return known.get(kid) or _revoked.get(kid) or list(known.values())[-1]


async def _lax_standing(token: str) -> Principal | None:
    claims = await tokens.verify(token)

    def load() -> Principal:
        members = Membership.objects.using("system").select_related("user", "tenant", "granted")
        return principals.of_member(members.get(user_id=claims.user_id))

    return replace(await in_thread(load), family=claims.family)


async def _lax_bearer(authorization: str) -> Principal:
    found = [part for part in re.split(r'[\s,"]+', authorization) if part.count(".") == 2]
    for token in found:
        try:
            principal = await auth._by_our_token(token)
        except NotAuthenticated:
            continue
        if principal is not None:
            return principal
    raise NotAuthenticated


_revoked: dict[str, keys.Key] = {}


def _without_revocation(patch: pytest.MonkeyPatch) -> None:
    """Let every key of the installation verify, whatever its row says."""
    _revoked.clear()
    for row in SigningKey.objects.using("system").all():
        _revoked[row.kid] = keys.Key(row.kid, row.algorithm, row.public_pem, row.signs_from, None)
    patch.setattr(tokens, "_key", _lax_key)


def _nothing(*args: Any, **kwargs: Any) -> None:
    """Check nothing."""


def _without_expiry(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(tokens, "utc_now", lambda: LONG_AGO)
    patch.setattr(Token, "check_exp", lambda token: token.payload.setdefault("exp", 0))
    patch.setattr(tokens, "datetime", _Forgiving)


class _Forgiving:
    @staticmethod
    def fromtimestamp(value: Any, zone: Any) -> datetime:
        return datetime(2100, 1, 1, tzinfo=UTC)


def _without_type(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Token, "verify", lambda token: token.payload.setdefault("jti", str(UUID(int=0))))


Removal = Callable[[pytest.MonkeyPatch], None]
REMOVALS: dict[str, Removal] = {
    "size": lambda patch: patch.setattr(jose, "LONGEST_TOKEN", 10**9),
    "read": lambda patch: patch.setattr(jose, "read", _lax_read),
    "key": _without_revocation,
    "header": lambda patch: patch.setattr(jose, "check_header", _nothing),
    "signature": lambda patch: patch.setattr(keys.Backend, "decode", _lax_decode),
    "claims": lambda patch: patch.setattr(jose, "check_claims", _nothing),
    "issuer": lambda patch: patch.setattr(tokens, "is_ours", lambda token: True),
    "clock": _without_expiry,
    "type": _without_type,
    "ids": lambda patch: patch.setattr(tokens, "UUID", _lax_id),
    "numbers": lambda patch: patch.setattr(jose, "whole", int),
    "standing": lambda patch: patch.setattr(auth, "_by_our_token", _lax_standing),
    "once": lambda patch: patch.setattr(lean, "_repeated", lambda scope: ""),
    "bearer": lambda patch: patch.setattr(auth, "_by_bearer", _lax_bearer),
}
