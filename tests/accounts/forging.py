"""Tokens as an attacker would write them, and as we do: with the installation's own key where a test says so."""

from __future__ import annotations

import base64
import json
import time
from typing import Any
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256

from accounts.services import keys


def claims(**changes: Any) -> dict[str, Any]:
    """Return the claims of a good access token of nobody in particular; None takes one away."""
    now = int(time.time())
    payload: dict[str, Any] = {
        "typ": "access",
        "iss": "agentos",
        "aud": "agentos",
        "iat": now,
        "exp": now + 60,
        "jti": uuid4().hex,
        "sub": str(uuid4()),
        "tenant": str(uuid4()),
        "ver": 1,
        "fam": str(uuid4()),
        **changes,
    }
    return {name: value for name, value in payload.items() if value is not None}


def b64(raw: bytes | str) -> str:
    raw = raw.encode() if isinstance(raw, str) else raw
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def own_key() -> tuple[str, RSAPrivateKey]:
    """Return the name and the private half of the key that signs now."""
    backend = keys.signer()
    private: RSAPrivateKey = backend.prepared_signing_key
    return backend.kid, private


def rs256(message: str, private: RSAPrivateKey | None = None) -> bytes:
    return (private or own_key()[1]).sign(message.encode(), padding.PKCS1v15(), SHA256())


def encoded(payload: bytes | str, *, header: dict[str, Any] | None = None, **headers: Any) -> str:
    """Sign any text as a payload with our own key, under a header that may say more, or something else."""
    said = header if header is not None else {"alg": "RS256", "typ": "JWT", "kid": own_key()[0], **headers}
    message = f"{b64(json.dumps(said))}.{b64(payload)}"
    return f"{message}.{b64(rs256(message))}"


def signed(payload: dict[str, Any], **headers: Any) -> str:
    """Sign claims with our own key."""
    return encoded(json.dumps(payload), **headers)


def payload_of(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    payload: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return payload
