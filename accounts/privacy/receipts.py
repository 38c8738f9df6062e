"""Receipts of erasures and exports, signed with Ed25519, so that anybody who was given one can show what was promised.

The key is derived from SECRET_KEY, for this alone. A receipt names its subject by id only.
"""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import lru_cache

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from agentos.core.types import JsonObject, strict_json

ALGORITHM = "Ed25519"
SIGNATURE = "signature"


def signed(receipt: JsonObject) -> JsonObject:
    """Return the receipt with its signature over its canonical JSON (RFC 8785)."""
    key = _key(settings.SECRET_KEY)
    value = urlsafe_b64encode(key.sign(rfc8785.dumps(receipt))).decode()
    return {**receipt, SIGNATURE: {"algorithm": ALGORITHM, "public_key": _public(key), "value": value}}


def read(text: bytes) -> JsonObject | None:
    """Return the receipt that a file holds; None for what is none, or says a name twice: people read the first one."""
    try:
        found = strict_json(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def verify(receipt: JsonObject) -> bool:
    """Tell whether this installation signed exactly this receipt, under its present secret or an earlier one."""
    body = {name: value for name, value in receipt.items() if name != SIGNATURE}
    match receipt.get(SIGNATURE):
        case {"algorithm": "Ed25519", "public_key": str(public), "value": str(value)}:
            return public in _ours() and _fits(public, value, body)
    return False


def fingerprint(receipt: JsonObject) -> str:
    """Return what the audit trail keeps of a receipt: the hex SHA-256 of its canonical JSON."""
    return hashlib.sha256(rfc8785.dumps(receipt)).hexdigest()


def _fits(public: str, value: str, body: JsonObject) -> bool:
    try:
        key = Ed25519PublicKey.from_public_bytes(urlsafe_b64decode(public))
        key.verify(urlsafe_b64decode(value), rfc8785.dumps(body))
    except (InvalidSignature, ValueError):
        return False
    return True


def _ours() -> set[str]:
    return {_public(_key(secret)) for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)}


@lru_cache(maxsize=8)
def _key(secret: str) -> Ed25519PrivateKey:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"agentos.receipts")
    return Ed25519PrivateKey.from_private_bytes(derived.derive(secret.encode()))


def _public(key: Ed25519PrivateKey) -> str:
    return urlsafe_b64encode(key.public_key().public_bytes_raw()).decode()
