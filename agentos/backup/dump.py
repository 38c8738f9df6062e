"""Writes a backup: snapshot, dump, compression and sealing in one stream, read back before it gets its name."""

from __future__ import annotations

import os
import secrets
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from psycopg.conninfo import conninfo_to_dict

from agentos import __version__
from agentos.backup import snapshot, vault
from agentos.backup.errors import BackupError
from agentos.backup.keys import Keyring
from agentos.backup.programs import program, reading, writing
from agentos.backup.snapshot import Measure, Snapshot
from agentos.core.clock import utc_now
from agentos.core.types import JsonObject, json_bytes, json_object

SUFFIX = ".backup"
PART_SUFFIX = ".part"
PIPE_BYTES = 256 * 1024
MAX_MANIFEST_BYTES = 64 * 1024 * 1024
SCHEMA = 1
_SIZE = struct.Struct(">I")


@dataclass(frozen=True)
class Manifest:
    """What the dump holds: the first thing in the sealed stream."""

    database: str
    taken_at: str
    server_version: int
    version: str
    roles: dict[str, str]
    tables: dict[str, Measure]

    @property
    def rows(self) -> int:
        return sum(table.rows for table in self.tables.values())

    def encoded(self) -> bytes:
        body = json_bytes({"schema": SCHEMA, **asdict(self)})
        return _SIZE.pack(len(body)) + body

    @classmethod
    def read(cls, value: JsonObject | None) -> Manifest:
        """Raises: BackupError for a manifest of another version."""
        if value is None or value.pop("schema", None) != SCHEMA:
            raise BackupError("This backup was written by a version that this one can't read.", code="backup_version")
        tables = {name: Measure(**table) for name, table in value.pop("tables").items()}
        return cls(tables=tables, **value)


@dataclass(frozen=True)
class Written:
    """A backup that stands under its name and was read back."""

    path: Path
    taken_at: datetime
    bytes: int
    rows: int
    tables: int
    key_id: str
    seconds: float


def write(url: str, folder: Path, keys: Keyring, *, roles: dict[str, str]) -> Written:
    """Dump the database into the folder. Nothing stands under the final name unless all of it was read back.

    Raises: BackupError.
    """
    began, taken_at = time.monotonic(), utc_now()
    database = str(conninfo_to_dict(url).get("dbname"))
    path = folder / f"{database}-{taken_at:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}{SUFFIX}"
    with snapshot.taken(url) as moment, _new_file(path) as file:
        if not moment.tables.get("public.django_migrations", Measure(0, "")).rows:
            raise BackupError("There is nothing of AgentOS in this database.", code="backup_empty")
        manifest = Manifest(database, taken_at.isoformat(), moment.server_version, __version__, roles, moment.tables)
        _seal(file, url, keys, moment, manifest)
        _settle(file)
        read_back(Path(file.name), keys)
    seconds = round(time.monotonic() - began, 2)
    size = path.stat().st_size
    return Written(path, taken_at, size, manifest.rows, len(manifest.tables), keys.current, seconds)


def read_back(path: Path, keys: Keyring) -> Manifest:
    """Decrypt the whole file and let `pg_restore` read the whole dump, into nothing. Raises: BackupError."""
    with contents(path, keys) as (manifest, chunks):
        restore = program("pg_restore", server_version=manifest.server_version)
        with reading([restore, "--file=/dev/null"]) as feed:
            for chunk in chunks:
                feed(chunk)
    return manifest


@contextmanager
def contents(path: Path, keys: Keyring) -> Iterator[tuple[Manifest, Iterator[bytes]]]:
    """Open a backup: its manifest, and the dump's bytes, which count only once they came to their end.

    Raises: BackupError.
    """
    try:
        with path.open("rb") as file:
            yield _parts(vault.opened(file, keys))
    except OSError as error:
        raise BackupError(f"{path} can't be read ({error.strerror}).", code="backup_unreadable") from None


def _parts(chunks: Iterator[bytes]) -> tuple[Manifest, Iterator[bytes]]:
    held = bytearray()
    wanted = _SIZE.size
    while len(held) < wanted:
        held += next(chunks, b"") or _end()
        if wanted == _SIZE.size and len(held) >= wanted:
            wanted += min(_SIZE.unpack(held[: _SIZE.size])[0], MAX_MANIFEST_BYTES)
    manifest = Manifest.read(json_object(bytes(held[_SIZE.size : wanted])))

    def rest() -> Iterator[bytes]:
        yield bytes(held[wanted:])
        yield from chunks

    return manifest, rest()


def _end() -> bytes:
    raise BackupError("The backup is damaged: it holds no dump.", code="backup_damaged")


@contextmanager
def _new_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file that gets its name when the block ends well, and is gone otherwise. Raises: BackupError."""
    part = path.with_name(f".{path.name}{PART_SUFFIX}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(part, "xb", opener=_private) as file:
            yield file
        part.rename(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise BackupError(
            f"The backup can't be written to {path.parent} ({error.strerror or error}).", code="backup_not_written"
        ) from None
    finally:
        part.unlink(missing_ok=True)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW, 0o600)


def _seal(file: BinaryIO, url: str, keys: Keyring, moment: Snapshot, manifest: Manifest) -> None:
    facts = {"database": manifest.database, "taken_at": manifest.taken_at, "version": manifest.version}
    sealer = vault.Sealer(file, keys, facts)
    sealer.write(manifest.encoded())
    command: list[str | Path] = [
        program("pg_dump", server_version=moment.server_version),
        "--format=custom",
        "--compress=6",
        f"--snapshot={moment.name}",
        "--no-password",
        "--lock-wait-timeout=60s",
    ]
    with writing(command, url) as dumped:
        while data := dumped.read(PIPE_BYTES):
            sealer.write(data)
    sealer.finish()


def _settle(file: BinaryIO) -> None:
    """Put the file on the disk and out of the cache, so that reading it back reads the disk."""
    file.flush()
    os.fsync(file.fileno())
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
