"""The maintenance jobs: a backup a day, a restore that proves it every week. Asked for hourly, they know when."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.conf import settings

from agentos.backup import work
from agentos.backup.models import BackupRecord
from agentos.core.clock import utc_now

DAILY: Final = timedelta(hours=23, minutes=30)
BACKUP, RESTORE = BackupRecord.Kind


def daily_backup() -> dict[str, object]:
    """Take a backup unless there is one of the last day; the list of erasures is looked after each time.

    Raises: BackupError; the next hour tries again.
    """
    if not settings.BACKUPS:
        return {"due": False}
    if _done(BACKUP, DAILY, ok=True):
        work.list_erasures()
        return {"due": False}
    written = work.take()
    return {"due": True, "bytes": written.bytes, "rows": written.rows, "seconds": written.seconds}


def weekly_drill() -> dict[str, object]:
    """Prove the newest backup by restoring it into a scratch database, unless that was done this week.

    A failure is tried again the next day: it costs much. Raises: BackupError.
    """
    every = timedelta(days=settings.BACKUP_DRILL_DAYS)
    if not (settings.BACKUPS and every and work.backups()):
        return {"due": False}
    if _done(RESTORE, every, ok=True) or _done(RESTORE, DAILY):
        return {"due": False}
    done = work.drill()
    return {"due": True, "rows": done.manifest.rows, "seconds": done.seconds}


def _done(kind: BackupRecord.Kind, lately: timedelta, **how: bool) -> bool:
    since = utc_now() - lately
    return BackupRecord.objects.using("system").filter(kind=kind, at__gt=since, **how).exists()
