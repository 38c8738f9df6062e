"""Signed checkpoints of the audit trails, in a file outside the database and in the log: what is cut off shows.

`checkpoints.jsonl`, one line for each: {form, tenant, seq, hash, at, signature}, or `back_to` in place of seq and hash
where a restore took the trail back. Lines are only ever added.
"""

from __future__ import annotations

import fcntl
import logging
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final
from uuid import UUID

from django.conf import settings

from accounts.audit_chain import Key, KeyRing, Links, is_signed, signed
from agentos.core.errors import AgentOSError
from agentos.core.types import JsonObject, json_object, json_text

FILE: Final = "checkpoints.jsonl"
FORM: Final = 1
logger = logging.getLogger(__name__)


class CheckpointError(AgentOSError):
    """The checkpoints of the audit trail are not as they were written."""

    code = "checkpoints_damaged"


@dataclass(slots=True)
class Known(Links):
    """What the checkpoints say of one trail; `at` is the newest's time."""

    at: datetime | None = None

    @property
    def seq(self) -> int:
        return max(self.links, default=0)

    @property
    def last(self) -> str:
        return self.links.get(self.seq, "")


def path() -> Path:
    return Path(settings.AUDIT_FOLDER) / FILE


def read(keys: KeyRing) -> dict[UUID, Known]:
    """Return what is known of each tenant's trail. Raises: CheckpointError for a line that is not ours."""
    found: dict[UUID, Known] = {}
    for line in lines(keys):
        known = found.setdefault(UUID(line["tenant"]), Known())
        known.at = datetime.fromisoformat(line["at"])
        known.take(line)
    return found


def lines(keys: KeyRing) -> Iterator[JsonObject]:
    """Yield the checkpoints as they were written, oldest first. Raises: CheckpointError."""
    try:
        text = path().read_text()
    except FileNotFoundError:
        return
    whole = text[: text.rfind("\n") + 1]  # a crash may have torn the last line
    for number, row in enumerate(whole.splitlines(), start=1):
        line = json_object(row)
        if line is None or line.get("form") != FORM or not is_signed(line, keys.publics):
            raise CheckpointError(f"Line {number} of {FILE} was changed, or its key is none of AGENTOS_AUDIT_OLD_KEYS.")
        yield line


def made(key: Key, tenant_id: UUID, seq: int, last: str, *, at: datetime) -> JsonObject:
    """Return the signed statement that a trail's entry `seq` has this link."""
    return signed(key, {**_about(tenant_id, at), "seq": seq, "hash": last})


def taken_back(key: Key, tenant_id: UUID, seq: int, *, at: datetime) -> JsonObject:
    """Return the signed statement that a restore took a trail back: checkpoints beyond `seq` bind no more."""
    return signed(key, {**_about(tenant_id, at), "back_to": seq})


def add(statements: Iterable[JsonObject]) -> None:
    """Append statements to the file, durably, and tell each to the log. Raises: OSError."""
    target = path()
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    texts = [json_text(statement) for statement in statements]
    with open(target, "a+b", opener=private) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        if torn := file.read().rpartition(b"\n")[2]:
            file.truncate(file.tell() - len(torn))
        file.write("".join(f"{text}\n" for text in texts).encode())
        file.flush()
        os.fsync(file.fileno())
    for text in texts:
        logger.info("audit checkpoint %s", text)


def _about(tenant_id: UUID, at: datetime) -> JsonObject:
    return {"form": FORM, "tenant": str(tenant_id), "at": at.isoformat(timespec="microseconds")}


def private(name: str, flags: int) -> int:
    """Open a file for its owner's eyes only: the `opener` of `open`."""
    return os.open(name, flags, 0o600)
