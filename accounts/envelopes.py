"""Envelopes: a text under a key of its own, and that key sealed under the installation's. See `accounts.sealing`."""

from __future__ import annotations

import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from accounts.sealing import NONCE_BYTES, seal, unseal
from agentos.core.errors import ConfigError

KEY_BITS = 256


def close(text: str, *, purpose: str) -> tuple[str, str]:
    """Return the text under a new key (AES-256-GCM), and the key, sealed. Only the same `purpose` opens them."""
    key, nonce = AESGCM.generate_key(KEY_BITS), secrets.token_bytes(NONCE_BYTES)
    sealed = AESGCM(key).encrypt(nonce, text.encode(), purpose.encode())
    return urlsafe_b64encode(nonce + sealed).decode(), seal(urlsafe_b64encode(key).decode(), purpose=purpose)


def opened(sealed: str, sealed_key: str, *, purpose: str) -> str:
    """Return what was closed. Raises: ConfigError when the keys at hand do not open it."""
    key = AESGCM(urlsafe_b64decode(unseal(sealed_key, purpose=purpose)))
    try:
        raw = urlsafe_b64decode(sealed)
        return key.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], purpose.encode()).decode()
    except (InvalidTag, NotBase64, ValueError):
        raise ConfigError("A sealed connection was changed: enter its credentials again.") from None
