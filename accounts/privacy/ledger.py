"""The list of erasures beside the backups: a restored backup is older than they are, so it can't know of them.

`erasures.jsonl`, one line for each: {id, tenant, user, at, mac}. Ids only. Each line's HMAC covers the line before.
Lines that are cut off its end leave no trace in it: `erasures.mark`, beside the checkpoints, and the log say how many
it had, and every backup how many the database knew.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db.models.functions import Now

from accounts.audit_checkpoints import private
from accounts.privacy.models import Tombstone
from accounts.privacy.rows import USING, Person
from agentos.core.errors import AgentOSError
from agentos.core.types import JsonObject, json_object, json_text

FILE = "erasures.jsonl"
MARK = "erasures.mark"
PATIENCE = timedelta(hours=1)  # an erasure under way is listed at its end
logger = logging.getLogger(__name__)


class LedgerError(AgentOSError):
    """The list of erasures, or the mark of its length, is not as it was written."""

    code = "erasures_damaged"


@dataclass(frozen=True)
class Erasure:
    id: UUID
    person: Person
    at: datetime


def path() -> Path:
    return Path(settings.BACKUP_FOLDER) / FILE


def mark_path() -> Path:
    return Path(settings.AUDIT_FOLDER) / MARK


def sync() -> int:
    """Write down every erasure that the list lacks, and the list itself when there is none; return how many.

    Raises: OSError where a folder can't be written; LedgerError, also when lines are gone that the database lacks, too.
    """
    target = path()
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(target, "a+", opener=private) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        text = _complete(file.read())
        file.truncate(len(text.encode()))
        written = list(_parsed(text))
        known = {erasure.id for erasure, _ in written}
        missing = [row for row in Tombstone.objects.using(USING).order_by("erased_at", "id") if row.id not in known]
        mac = written[-1][1] if written else ""
        for row in missing:
            line = {
                "id": str(row.id),
                "tenant": str(row.tenant_id),
                "user": str(row.user_id),
                "at": row.erased_at.isoformat(),
            }
            mac = _mac(mac, line)
            file.write(json_text({**line, "mac": mac}) + "\n")
        file.flush()
        os.fsync(file.fileno())
        _settle(len(written), len(missing))
    return len(missing)


def read(source: Path) -> list[Erasure]:
    """Raises: LedgerError for a line that was changed, moved or left out in the midst; OSError."""
    return [erasure for erasure, _ in _parsed(_complete(source.read_text()))]


def check_whole(erasures: list[Erasure], *, at_least: int) -> None:
    """Raises: LedgerError when list and restored database know fewer erasures than the mark, or than `at_least`."""
    restored = Tombstone.objects.using(USING).values_list("id", flat=True)
    known, wanted = len({erasure.id for erasure in erasures}.union(restored)), max(at_least, mark())
    if known < wanted:
        raise LedgerError(
            f"{wanted - known} of {wanted} erasures stand neither in it nor in the backup: it was cut off, or is an "
            "older copy. Name the whole one with --erasures"
        )


def lacking() -> int:
    """Return how many erasures the list lacks by the mark and the database: cut off, or never written. Reads no line.

    Raises: OSError, LedgerError.
    """
    try:
        lines = path().read_bytes().count(b"\n")
    except FileNotFoundError:
        lines = 0
    ended = Tombstone.objects.using(USING).filter(erased_at__lt=Now() - PATIENCE).count()
    return max(mark(), ended, lines) - lines


def mark() -> int:
    """Return how many lines the list had at least. Raises: LedgerError, OSError."""
    try:
        return int(mark_path().read_text())
    except FileNotFoundError:
        return 0
    except ValueError:
        raise LedgerError(f"{MARK}, the length of the list of erasures, is damaged.") from None


def _settle(found: int, added: int) -> None:
    """Compare the list with its mark, and raise that. Call under the list's lock."""
    before, now = mark(), found + added
    if now < before:
        raise LedgerError(
            f"The list of erasures had {before} lines and has {now}, and the database does not know the others: bring "
            f"back a whole copy of {path()}; if there is none, delete {mark_path()}."
        )
    if found < before:
        logger.error("the list of erasures beside the backups was cut: %d lines are written again", before - found)
    if now > before:
        _write_mark(now)
        logger.info("erasures listed beside the backups: %d", now)


def _write_mark(count: int) -> None:
    target = mark_path()
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = target.with_name(f".{MARK}.new")
    with open(new, "w", opener=private) as file:
        file.write(f"{count}\n")
        file.flush()
        os.fsync(file.fileno())
    new.rename(target)


def _complete(text: str) -> str:
    """Leave out a last line that a killed writer did not end."""
    return text[: text.rfind("\n") + 1]


def _parsed(text: str) -> Iterator[tuple[Erasure, str]]:
    before = ""
    for number, raw in enumerate(text.splitlines(), 1):
        line = json_object(raw) or {}
        mac = str(line.pop("mac", ""))
        if not hmac.compare_digest(mac, _mac(before, line)):
            raise LedgerError(f"Line {number} of the list of erasures was changed, or SECRET_KEY was.")
        before = mac
        person = Person(UUID(line["tenant"]), UUID(line["user"]))
        yield Erasure(UUID(line["id"]), person, datetime.fromisoformat(line["at"])), mac


def _mac(before: str, line: JsonObject) -> str:
    key = hmac.digest(settings.SECRET_KEY.encode(), b"agentos.erasures", hashlib.sha256)
    return hmac.new(key, before.encode() + b"\n" + json_text(line).encode(), hashlib.sha256).hexdigest()
