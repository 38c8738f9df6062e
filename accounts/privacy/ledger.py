"""The list of erasures beside the backups: a restored backup is older than they are, so it can't know of them.

`erasures.jsonl`, one line for each: {id, tenant, user, at, mac}. Ids only. Each line's HMAC covers the line before.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from django.conf import settings

from accounts.privacy.models import Tombstone
from accounts.privacy.rows import USING, Person
from agentos.core.errors import AgentOSError
from agentos.core.types import JsonObject, json_object, json_text

FILE = "erasures.jsonl"


class LedgerError(AgentOSError):
    """The list of erasures is not as it was written."""

    code = "erasures_damaged"


@dataclass(frozen=True)
class Erasure:
    id: UUID
    person: Person
    at: datetime


def path() -> Path:
    return Path(settings.BACKUP_FOLDER) / FILE


def sync() -> int:
    """Write down every erasure that the list lacks, and the list itself when there is none; return how many.

    Raises: OSError where the folder can't be written; LedgerError.
    """
    target = path()
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(target, "a+", opener=_private) as file:
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
    return len(missing)


def read(source: Path) -> list[Erasure]:
    """Raises: LedgerError for a line that was changed, moved or left out; OSError."""
    return [erasure for erasure, _ in _parsed(_complete(source.read_text()))]


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


def _private(name: str, flags: int) -> int:
    return os.open(name, flags, 0o600)
