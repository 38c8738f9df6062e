"""The keys of backups: apart from SECRET_KEY, so that who holds the archive does not hold the installation."""

from __future__ import annotations

import binascii
import hashlib
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from agentos import env
from agentos.backup.errors import BackupError

VARIABLE = "AGENTOS_BACKUP_KEY"
KEY_BYTES = 32
KEY_ID_CHARS = 12


@dataclass(frozen=True)
class Keyring:
    """The key that encrypts, and all that may decrypt, by their ids."""

    current: str
    by_id: Mapping[str, bytes] = field(repr=False)

    def key(self, key_id: str) -> bytes:
        """Raises: BackupError when this backup was made with another key."""
        try:
            return self.by_id[key_id]
        except KeyError:
            held = ", ".join(sorted(self.by_id))
            raise BackupError(
                f"The backup was made with key {key_id}; {VARIABLE} holds {held}: set the right one.",
                code="backup_wrong_key",
            ) from None


def new_key() -> str:
    """Return a random key as the environment holds it."""
    return urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)).decode().rstrip("=")


def key_id(key: bytes) -> str:
    """Return what names a key without telling anything of it."""
    return hashlib.sha256(b"agentos.backup.key\n" + key).hexdigest()[:KEY_ID_CHARS]


def keyring(texts: list[str]) -> Keyring:
    """Read keys; the first one encrypts. Raises: BackupError for none or one that is not 32 bytes."""
    keys = [_parsed(text) for text in texts]
    if not keys:
        raise BackupError(
            f"{VARIABLE} is not set: make one with `manage.py backup --new-key` and keep a copy elsewhere.",
            code="backup_key_missing",
        )
    return Keyring(key_id(keys[0]), {key_id(key): key for key in keys})


def configured(development_file: Path | None) -> Keyring:
    """Return the keys of the environment, or those of this checkout, made at first use, where a file is named."""
    texts = env.words(VARIABLE)
    if not texts and development_file is not None:
        texts = [_kept(development_file)]
    return keyring(texts)


def _kept(path: Path) -> str:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600, exist_ok=False)
        path.write_text(new_key())
    except FileExistsError:
        pass
    return path.read_text().strip()


def _parsed(text: str) -> bytes:
    try:
        key = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (ValueError, binascii.Error):
        key = b""
    if len(key) != KEY_BYTES:
        raise BackupError(
            f"{VARIABLE} must hold {KEY_BYTES} random bytes in URL-safe base64: see `manage.py backup --new-key`.",
            code="backup_key_invalid",
        )
    return key
