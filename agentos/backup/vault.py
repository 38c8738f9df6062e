"""The file of a backup: a plain header, then sealed chunks whose order, number and end are authenticated.

Chunk n is AES-256-GCM under a key of this file alone (HKDF of the backup key with the header's salt). Its nonce is
n in 11 bytes and a last byte that is 1 for the last chunk only (the STREAM construction, Hoang and others 2015);
the header's hash is bound to each. So a chunk that is changed, moved, doubled, left out or cut off is found.
"""

from __future__ import annotations

import hashlib
import secrets
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from agentos.backup.errors import BackupError
from agentos.backup.keys import Keyring
from agentos.core.types import JsonObject, json_bytes, json_object

MAGIC = b"AGENTOS BACKUP 1\n"
CHUNK_BYTES = 1024 * 1024
TAG_BYTES = 16
MAX_HEADER_BYTES = 64 * 1024
SALT_BYTES = 32
_SIZE = struct.Struct(">I")


@dataclass(frozen=True)
class Header:
    """What a backup says of itself in the clear. `facts` are names and times, nothing of the data."""

    key_id: str
    salt: str
    facts: JsonObject
    encoded: bytes = field(repr=False)

    @classmethod
    def new(cls, key_id: str, facts: Mapping[str, object]) -> Header:
        salt = secrets.token_hex(SALT_BYTES)
        body = json_bytes({"key_id": key_id, "salt": salt, "facts": facts})
        return cls(key_id, salt, dict(facts), MAGIC + _SIZE.pack(len(body)) + body)


class Sealer:
    """Writes the header, then what it is given in sealed chunks; `finish` seals the end."""

    def __init__(self, file: BinaryIO, keys: Keyring, facts: Mapping[str, object]) -> None:
        header = Header.new(keys.current, facts)
        self._cipher = _Cipher(keys.key(header.key_id), header)
        self._file, self._waiting = file, bytearray()
        file.write(header.encoded)

    def write(self, data: bytes) -> None:
        self._waiting += data
        while len(self._waiting) > CHUNK_BYTES:  # one chunk stays: only `finish` knows which is the last
            self._put(bytes(self._waiting[:CHUNK_BYTES]), is_last=False)
            del self._waiting[:CHUNK_BYTES]

    def finish(self) -> None:
        self._put(bytes(self._waiting), is_last=True)
        self._waiting.clear()

    def _put(self, chunk: bytes, *, is_last: bool) -> None:
        sealed = self._cipher.sealed(chunk, is_last=is_last)
        self._file.write(_SIZE.pack(len(sealed)))
        self._file.write(sealed)


def read_header(file: BinaryIO) -> Header:
    """Read the header and stop behind it. Raises: BackupError when this is no backup of ours."""
    if file.read(len(MAGIC)) != MAGIC:
        raise BackupError("This file is not a backup of AgentOS.", code="backup_unreadable")
    size = _size(file)
    body = file.read(size) if size is not None and size <= MAX_HEADER_BYTES else b""
    match json_object(body):
        case {"key_id": str(key_id), "salt": str(salt), "facts": dict(facts)}:
            return Header(key_id, salt, facts, MAGIC + _SIZE.pack(len(body)) + body)
    raise BackupError("The backup's header is damaged.", code="backup_damaged")


def opened(file: BinaryIO, keys: Keyring) -> Iterator[bytes]:
    """Yield what was sealed, chunk by chunk; what was yielded counts only when the iterator ends by itself.

    Raises: BackupError for a wrong key and for any byte that is missing, changed, moved or added.
    """
    header = read_header(file)
    cipher = _Cipher(keys.key(header.key_id), header)
    size = _size(file)
    if size is None:
        raise _cut()
    while size is not None:
        if not TAG_BYTES <= size <= CHUNK_BYTES + TAG_BYTES:
            raise _damaged()
        sealed = file.read(size)
        if len(sealed) < size:
            raise _cut()
        size = _size(file)
        yield cipher.opened(sealed, is_last=size is None)


class _Cipher:
    """Seals or opens the chunks of one file in their order."""

    def __init__(self, key: bytes, header: Header) -> None:
        try:
            derived = HKDF(SHA256(), 32, bytes.fromhex(header.salt), b"agentos.backup.file").derive(key)
        except ValueError:
            raise BackupError("The backup's header is damaged.", code="backup_damaged") from None
        self._aead, self._bound, self._number = AESGCM(derived), hashlib.sha256(header.encoded).digest(), 0

    def sealed(self, chunk: bytes, *, is_last: bool) -> bytes:
        return self._aead.encrypt(self._nonce(is_last=is_last), chunk, self._bound)

    def opened(self, chunk: bytes, *, is_last: bool) -> bytes:
        number = self._number
        try:
            return self._aead.decrypt(self._nonce(is_last=is_last), chunk, self._bound)
        except InvalidTag:
            if is_last and self._opens_as_middle(number, chunk):
                raise _cut() from None
            raise _damaged() from None

    def _opens_as_middle(self, number: int, chunk: bytes) -> bool:
        try:
            self._aead.decrypt(number.to_bytes(11, "big") + b"\0", chunk, self._bound)
        except InvalidTag:
            return False
        return True

    def _nonce(self, *, is_last: bool) -> bytes:
        number, self._number = self._number, self._number + 1
        return number.to_bytes(11, "big") + bytes([is_last])


def _size(file: BinaryIO) -> int | None:
    """Read a length; None at the end of the file."""
    raw = file.read(_SIZE.size)
    if not raw:
        return None
    if len(raw) < _SIZE.size:
        raise _cut()
    (size,) = _SIZE.unpack(raw)
    return int(size)


def _cut() -> BackupError:
    return BackupError("The backup was cut off: its end is missing. Use another one.", code="backup_cut")


def _damaged() -> BackupError:
    return BackupError("The backup is damaged: a part of it was changed. Use another one.", code="backup_damaged")
