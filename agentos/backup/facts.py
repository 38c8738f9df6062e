"""How old the last backup and the last proved restore are: for `/api/ready`, the admin and the metrics."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import Max

from accounts.privacy import ledger
from agentos.backup.models import BackupRecord
from agentos.core.clock import utc_now


@dataclass(frozen=True)
class Facts:
    """When it last went well; None for never."""

    backup_at: datetime | None
    restore_at: datetime | None
    failed_at: datetime | None  # of a backup or restore after the last that went well

    @property
    def backup_age_seconds(self) -> int | None:
        return _age(self.backup_at)

    @property
    def restore_age_seconds(self) -> int | None:
        return _age(self.restore_at)

    @property
    def problem(self) -> str:
        """Say what the installation's own limit finds wrong; nothing without a limit."""
        limit = settings.BACKUP_MAX_AGE_HOURS * 3600
        age = self.backup_age_seconds
        if not limit or (age is not None and age <= limit):
            return ""
        return f"The last backup is older than {settings.BACKUP_MAX_AGE_HOURS} hours, or there is none."


def facts() -> Facts:
    """Read the record, in the system role."""
    rows = BackupRecord.objects.using("system").values_list("kind", "ok").annotate(at=Max("at"))
    last = {(kind, ok): at for kind, ok, at in rows}
    well = {kind: last.get((kind, True)) for kind in BackupRecord.Kind.values}
    failed = [at for (kind, ok), at in last.items() if not ok and _is_after(at, well[kind])]
    return Facts(well[BackupRecord.Kind.BACKUP], well[BackupRecord.Kind.RESTORE], max(failed, default=None))


def readiness() -> dict[str, object]:
    """Return the check of `/api/ready`: not well only where AGENTOS_BACKUP_MAX_AGE_HOURS says so."""
    known = facts()
    detail = known.problem or unlisted()
    return {
        "ok": not (detail and settings.BACKUP_MAX_AGE_HOURS),
        "detail": detail,
        "last_backup_age_seconds": known.backup_age_seconds,
        "last_verified_restore_age_seconds": known.restore_age_seconds,
    }


def unlisted() -> str:
    """Say what is wrong with the list of erasures that a restore would replay; nothing where no backups are taken."""
    try:
        lacking = ledger.lacking() if settings.BACKUPS else 0
    except OSError as error:
        return f"The list of erasures beside the backups can't be read ({error.strerror})."
    except ledger.LedgerError as error:
        return error.detail
    if not lacking:
        return ""
    return f"The list of erasures beside the backups lacks {lacking} persons: a restore would bring them back."


def _age(moment: datetime | None) -> int | None:
    return None if moment is None else max(0, int((utc_now() - moment).total_seconds()))


def _is_after(moment: datetime, other: datetime | None) -> bool:
    return other is None or moment > other
