"""The keys that sign our tokens (RS256): made, rotated, revoked; and what this process knows of them.

A new key is known everywhere before it signs; an old one verifies until the last token that it signed has expired.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from django.conf import settings
from django.db import connections, transaction
from django.db.models import Q
from django.db.models.functions import Now
from joserfc.jwk import RSAKey
from rest_framework_simplejwt.backends import TokenBackend

from accounts.models import SigningKey
from accounts.sealing import seal, unseal
from agentos.core.clock import monotonic, utc_now
from agentos.core.errors import NotFound
from agentos.core.types import JsonObject

ALGORITHM = "RS256"
KEY_BITS = 2048
LOOK_SECONDS = 2.0  # so old may what a process knows of the keys be
LEAD_SECONDS = 10  # from a key's making to its first signature: every process has looked by then
LOCK_KEY = 7_346_201_958  # of the advisory lock under which keys are made


@dataclass(frozen=True, slots=True)
class Key:
    """The public half of a key, for its one algorithm."""

    kid: str
    algorithm: str
    public_pem: str
    signs_from: datetime
    verifies_until: datetime | None


class Ring:
    """What this process knows of the keys: read again when it is older than `LOOK_SECONDS`."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: dict[str, Key] = {}
        self._looked_at = float("-inf")

    @property
    def is_stale(self) -> bool:
        return self._clock() - self._looked_at >= LOOK_SECONDS

    def look(self) -> None:
        """Read the keys, unless another thread has just done so."""
        with self._lock:
            if not self.is_stale:
                return
            looked_at = self._clock()
            rows = SigningKey.objects.using("system").filter(_in_force())
            self._keys = {row.kid: _public(row) for row in rows.order_by("signs_from", "id")}
            self._looked_at = looked_at

    def forget(self) -> None:
        """Read anew at the next use; for the process that has changed the keys itself, and for tests."""
        self._looked_at = float("-inf")

    def find(self, kid: str) -> Key | None:
        """Return the key that verifies tokens under this name. No database."""
        key = self._keys.get(kid)
        if key is None or (key.verifies_until is not None and key.verifies_until <= utc_now()):
            return None
        return key

    def all(self) -> list[Key]:
        return [key for kid in self._keys if (key := self.find(kid)) is not None]

    def signing(self) -> Key | None:
        """Return the newest key whose time to sign has come; the first to come for a clock that was set back."""
        now, known = utc_now(), self.all()
        return next((key for key in reversed(known) if key.signs_from <= now), known[0] if known else None)


ring = Ring()


class Backend(TokenBackend):
    """What simplejwt signs and verifies with: one key, for its algorithm only, named in the token's header."""

    def __init__(self, key: Key, private_pem: str | None = None) -> None:
        jwt_settings = settings.SIMPLE_JWT
        super().__init__(
            key.algorithm,
            signing_key=private_pem,
            verifying_key=key.public_pem,
            audience=jwt_settings["AUDIENCE"],
            issuer=jwt_settings["ISSUER"],
            leeway=jwt_settings["LEEWAY"],
        )
        self.kid = key.kid

    def encode(self, payload: dict[str, Any]) -> str:
        named = {**payload, "aud": self.audience, "iss": self.issuer}
        return jwt.encode(named, self.prepared_signing_key, algorithm=self.algorithm, headers={"kid": self.kid})


@lru_cache(maxsize=64)
def verifier(key: Key) -> Backend:
    """Return what verifies with this key. No database."""
    return Backend(key)


def signer() -> Backend:
    """Return what signs now; makes the installation's first key when there is none."""
    ring.look()
    key = ring.signing()
    if key is None:
        ensure()
        key = ring.signing()
        assert key is not None
    return _signer(key)


def ensure() -> None:
    """Make the installation's first key, once for all processes. Repeatable."""
    with transaction.atomic(using="system"):
        _lock()
        if not SigningKey.objects.using("system").filter(_in_force()).exists():
            _make(utc_now())
    ring.forget()
    ring.look()


def rotate(*, at_once: bool = False) -> SigningKey:
    """Make a new key, which signs in `LEAD_SECONDS`; those before it go on verifying what they signed.

    With `at_once` it signs now, and a process that has not looked yet refuses its tokens for up to two seconds.
    """
    with transaction.atomic(using="system"):
        _lock()
        signs_from = utc_now() + timedelta(seconds=0 if at_once else LEAD_SECONDS)
        key = _make(signs_from)
        older = SigningKey.objects.using("system").exclude(id=key.id).filter(verifies_until=None)
        older.update(verifies_until=signs_from + settings.SIMPLE_JWT["REFRESH_TOKEN_LIFETIME"])
        SigningKey.objects.using("system").filter(verifies_until__lte=Now()).delete()
    ring.forget()
    return key


def revoke(kid: str) -> None:
    """End a key that somebody else may know, and with it every token that it signed, within seconds.

    A new one signs at once if it was the last. Raises: NotFound.
    """
    with transaction.atomic(using="system"):
        _lock()
        keys = SigningKey.objects.using("system").filter(kid=kid, revoked_at=None)
        if not keys.update(revoked_at=utc_now(), verifies_until=utc_now()):
            raise NotFound(f"There is no key {kid} in force.")
        left = SigningKey.objects.using("system").filter(revoked_at=None, verifies_until=None)
        if not left.filter(signs_from__lte=utc_now()).exists():
            _make(utc_now())
    ring.forget()


def rotate_when_older(age: timedelta) -> bool:
    """Rotate when the newest key is older than `age`; return whether it was."""
    newest = SigningKey.objects.using("system").filter(_in_force()).order_by("signs_from").last()
    if newest is None or newest.signs_from > utc_now() - age:
        return False
    rotate()
    return True


def listed() -> list[SigningKey]:
    """Return all keys, the newest last."""
    return list(SigningKey.objects.using("system").order_by("signs_from", "id"))


def jwks() -> JsonObject:
    """Return the public keys as a JWK set (RFC 7517), the coming one included."""
    ring.look()
    return {"keys": [_jwk(key) for key in ring.all()]}


@lru_cache(maxsize=64)
def _signer(key: Key) -> Backend:
    row = SigningKey.objects.using("system").get(kid=key.kid)
    return Backend(key, unseal(row.private_sealed, purpose=_purpose(key.kid)))


def _in_force() -> Q:
    return Q(revoked_at=None) & (Q(verifies_until=None) | Q(verifies_until__gt=Now()))


def _public(row: SigningKey) -> Key:
    return Key(row.kid, row.algorithm, row.public_pem, row.signs_from, row.verifies_until)


def _make(signs_from: datetime) -> SigningKey:
    private = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    public_pem = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    private_pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    kid = "k" + RSAKey.import_key(public_pem).thumbprint()  # a thumbprint may begin as a command's option does
    return SigningKey.objects.using("system").create(
        kid=kid,
        algorithm=ALGORITHM,
        public_pem=public_pem,
        private_sealed=seal(private_pem, purpose=_purpose(kid)),
        signs_from=signs_from,
    )


def _jwk(key: Key) -> JsonObject:
    public = RSAKey.import_key(key.public_pem).as_dict(private=False)
    return {**public, "kid": key.kid, "alg": key.algorithm, "use": "sig"}


def _purpose(kid: str) -> str:
    return f"signing_key:{kid}"


def _lock() -> None:
    with connections["system"].cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK_KEY])
