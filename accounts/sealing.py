"""Seals secrets that the database keeps: signing keys, second factors, credentials. Who reads a dump reads nothing.

AES-256-GCM under a key derived from the first of `AGENTOS_ENCRYPTION_KEYS`, or from SECRET_KEY when there is none.
All of them open what they sealed, so that a new one can be put before the old.
"""

from __future__ import annotations

import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Iterator
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from agentos.core.errors import ConfigError

FORM = "s1."
NONCE_BYTES = 12


def seal(text: str, *, purpose: str) -> str:
    """Return the text sealed under the newest key. Only the same `purpose` opens it: name the row in it.

    `purpose` is no secret: it keeps a sealed text from being put in another row or column.
    """
    cipher, nonce = next(_ciphers()), secrets.token_bytes(NONCE_BYTES)
    sealed = cipher.encrypt(nonce, text.encode(), purpose.encode())
    return FORM + urlsafe_b64encode(nonce + sealed).decode()


def unseal(sealed: str, *, purpose: str) -> str:
    """Return what was sealed, under whichever key it was. Raises: ConfigError when no key opens it."""
    try:
        raw = urlsafe_b64decode(sealed.removeprefix(FORM))
    except (NotBase64, ValueError):
        raw = b""
    for cipher in _ciphers() if sealed.startswith(FORM) and len(raw) > NONCE_BYTES else ():
        try:
            return cipher.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], purpose.encode()).decode()
        except InvalidTag:
            continue
    raise ConfigError("A sealed secret can't be opened: put its key back into AGENTOS_ENCRYPTION_KEYS.")


def reseal(sealed: str, *, purpose: str) -> str:
    """Return the same secret sealed under the newest key, for a job that retires an old one."""
    return seal(unseal(sealed, purpose=purpose), purpose=purpose)


def _ciphers() -> Iterator[AESGCM]:
    return map(_cipher, [*settings.ENCRYPTION_KEYS, settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS])


@lru_cache(maxsize=8)
def _cipher(secret: str) -> AESGCM:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"agentos.sealing")
    return AESGCM(derived.derive(secret.encode()))
