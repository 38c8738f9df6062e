"""Time-ordered identifiers, made here and nowhere else."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from uuid_utils import uuid7 as _uuid7
from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """Return a UUID version 7 (RFC 9562): its order is the order of making."""
    return uuid7()


def new_id_text() -> str:
    """Return a new id as it is written, where it is only written: a third of the cost."""
    return str(_uuid7())


def first_id(moment: datetime) -> UUID:
    """Return the lowest id that could be made at this moment: rows from then on have none below it."""
    return UUID(int=int(moment.timestamp() * 1000) << 80 | 7 << 76 | 2 << 62)


def parse_id(text: str) -> UUID | None:
    """Return the UUID that `text` spells, or None."""
    try:
        return UUID(text)
    except (ValueError, AttributeError, TypeError):
        return None
