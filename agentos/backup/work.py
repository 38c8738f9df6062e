"""Taking backups, trying them, letting old ones die: what the commands and the daily job both call."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError
from psycopg.conninfo import make_conninfo

from accounts.privacy import ledger
from agentos import env
from agentos.backup import dump, keys, restore
from agentos.backup.dump import SUFFIX, Written
from agentos.backup.errors import BackupError
from agentos.backup.keys import Keyring
from agentos.backup.models import BackupRecord
from agentos.backup.restore import Restored, Target
from agentos.core.clock import utc_now

PART_KEPT = timedelta(hours=6)  # the most that the job may take: what nobody has written to since is of a killed one


def keyring() -> Keyring:
    """Raises: BackupError."""
    return keys.configured(None if settings.PRODUCTION else settings.VAR_DIR / "backup_key")


def folder() -> Path:
    return Path(settings.BACKUP_FOLDER)


def database() -> str:
    return str(settings.DATABASES["default"]["NAME"])


def admin_url() -> str:
    """Return the URL of the role that sees everything and may make databases."""
    return env.text("AGENTOS_BACKUP_URL", "") or str(settings.DATABASE_ADMIN_URL)


def url() -> str:
    """Return the URL of this installation's database for that role."""
    return make_conninfo(admin_url(), dbname=database())


def target() -> Target:
    return restore.target(settings.DATABASE_URLS, admin_url(), database())


def take() -> Written:
    """Take a backup, note it, and delete those that are too old. Raises: BackupError."""
    with _noted(BackupRecord.Kind.BACKUP) as record:
        list_erasures()
        _clear()
        written = dump.write(url(), folder(), keyring(), roles=target().role_names)
        record.file, record.taken_at, record.key_id = written.path.name, written.taken_at, written.key_id
        record.size_bytes, record.rows, record.seconds = written.bytes, written.rows, written.seconds
    prune()
    return written


def drill(path: Path | None = None) -> Restored:
    """Restore a backup, the newest unless one is given, into a scratch database; note what came of it.

    Raises: BackupError.
    """
    with _noted(BackupRecord.Kind.RESTORE) as record:
        chosen = path or newest()
        record.file = chosen.name
        done = restore.drill(chosen, target(), keyring(), erasures=erasures_beside(chosen))
        _fill(record, done)
    return done


def bring_back(path: Path, *, verify: bool, erasures: Path | None) -> Restored:
    """Restore a backup as the database that this installation serves from. Raises: BackupError."""
    done = restore.restore(path, target(), keyring(), verify=verify, erasures=erasures)
    record = BackupRecord(kind=BackupRecord.Kind.RESTORE, ok=verify, at=utc_now(), file=path.name[:200])
    _fill(record, done)
    record.save(using="system")
    return done


def erasures_beside(path: Path) -> Path:
    """Return the list of erasures beside a backup: without it a restore would bring erased persons back.

    Raises: BackupError.
    """
    beside = path.parent / ledger.FILE
    if not beside.exists():
        raise BackupError(
            f"{beside} is missing, so nobody knows whom to erase again: name the list with --erasures, or say "
            "--without-erasures if nobody was erased since this backup.",
            code="backup_erasures_missing",
        )
    return beside


def backups() -> list[Path]:
    """Return this database's backups in the folder, oldest first."""
    return sorted(folder().glob(f"{database()}-*{SUFFIX}"))


def newest() -> Path:
    """Raises: BackupError when there is none."""
    found = backups()
    if not found:
        raise BackupError(f"There is no backup in {folder()}: run `manage.py backup`.", code="backup_none")
    return found[-1]


def prune() -> list[Path]:
    """Delete backups beyond the days and the number to keep; the newest always stays."""
    found, now = backups(), utc_now().timestamp()
    oldest_at = now - settings.BACKUP_KEEP_DAYS * 86_400
    too_many = found[: -settings.BACKUP_KEEP_COUNT] if settings.BACKUP_KEEP_COUNT else []
    old = [path for path in found[:-1] if path in too_many or path.stat().st_mtime < oldest_at]
    for path in old:
        path.unlink(missing_ok=True)
    return old


def _clear() -> None:
    """Delete what killed ones left, before there is a new one: it may be what fills the disk."""
    before = utc_now().timestamp() - PART_KEPT.total_seconds()
    for path in folder().glob(f".{database()}-*{dump.PART_SUFFIX}"):
        if path.stat().st_mtime < before:
            path.unlink(missing_ok=True)


def list_erasures() -> None:
    """Bring the list of erasures beside the backups up to date. Raises: BackupError."""
    try:
        ledger.sync()
    except OSError as error:
        text = f"The list of erasures can't be written to {folder()} ({error.strerror or error})."
        raise BackupError(text, code="backup_not_written") from None
    except ledger.LedgerError as error:
        raise BackupError(error.detail, code="backup_erasures_damaged") from None
    except DatabaseError as error:
        raise BackupError(
            f"The database can't be asked who was erased ({type(error).__name__}).", code="backup_database"
        ) from None


def _fill(record: BackupRecord, done: Restored) -> None:
    record.taken_at = datetime.fromisoformat(done.manifest.taken_at)
    record.rows, record.seconds = done.manifest.rows, done.seconds


@contextmanager
def _noted(kind: BackupRecord.Kind) -> Iterator[BackupRecord]:
    """Store the record when the block ends, well or with a BackupError, which goes on."""
    record = BackupRecord(kind=kind, ok=False, at=utc_now())
    try:
        yield record
        record.ok = True
    except BackupError as error:
        record.error_code = error.code
        raise
    finally:
        record.at = utc_now()
        try:
            record.save(using="system")
        except DatabaseError:
            if record.ok:
                raise
