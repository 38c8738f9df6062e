"""Locks and reads all that a decision stands on in one trip, by statements whose plans are kept.

Rows are locked in the order in which they are named, the journal's: the run, the approval, the step that waits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, TypeAlias
from uuid import UUID

from django.db import connection, models
from django.db.backends.utils import CursorWrapper

from accounts.models import User
from accounts.principals import Principal
from accounts.trips import planned_once
from agents.models import Run, Session, Step
from agents.services import switches
from agents.services.sql import all_fields, columns, read_as, table
from governance.models import Approval

Part: TypeAlias = tuple[type[models.Model], str, tuple[str, ...]]

# A session's state may be large, and of a person only the name is told.
_PARTS: Final[tuple[Part, ...]] = (
    (Approval, "a.", all_fields(Approval)),
    (Run, "r.", all_fields(Run)),
    (Step, "t.", all_fields(Step)),
    (Session, "s.", ("tenant", "user", "id", "session_id")),
    (User, "u.", ("id", "email", "name", "is_active")),
)
LOCK: Final = f"""
SELECT {", ".join(columns(model, fields, prefix) for model, prefix, fields in _PARTS)}
FROM {table(Approval)} a
JOIN {table(Run)} r ON r.tenant_id = a.tenant_id AND r.id = a.run_id
JOIN {table(Session)} s ON s.tenant_id = r.tenant_id AND s.id = r.session_id
JOIN {table(Step)} t ON t.tenant_id = a.tenant_id AND t.run_id = a.run_id AND t.path = a.step_path
LEFT JOIN {table(User)} u ON u.id = a.requester_id
WHERE a.tenant_id = %s AND a.id = %s AND (%s OR a.requester_id = %s)
FOR NO KEY UPDATE OF r, a FOR UPDATE OF t
"""


@dataclass(frozen=True, slots=True)
class Held:
    """An approval with its run, its step, and what halts anything in the tenant."""

    approval: Approval
    step: Step
    halts: list[tuple[str, str]]


class Asking:
    """Locks what she may decide, her own or as `selectors.readable`; run, session and requester are read with it."""

    def __init__(self, principal: Principal, approval_id: UUID) -> None:
        self._principal, self._approval_id = principal, approval_id
        self._sent: list[CursorWrapper] = []

    def send(self) -> None:
        """Lock it, as what goes along with the beginning of the scope."""
        reader = self._principal
        with planned_once():  # which is a matter of the cursors that it makes
            self._sent = [locked := connection.cursor(), halts := connection.cursor()]
            locked.execute(LOCK, [reader.tenant_id, self._approval_id, reader.has("approvals:read"), reader.user_id])
            halts.execute(switches.HALTS, [reader.tenant_id])

    def found(self) -> Held | None:
        """Return what is locked; None when there is nothing for her."""
        locked, halts = self._sent
        with locked, halts:
            row = locked.fetchone()
            return None if row is None else _held(row, halts.fetchall())


def _held(row: tuple[Any, ...], halts: list[tuple[str, str]]) -> Held:
    found: list[models.Model] = []
    for model, _, fields in _PARTS:
        found.append(read_as(model, fields, row[: len(fields)]))
        row = row[len(fields) :]
    approval, run, step, session, requester = found
    assert isinstance(approval, Approval)
    assert isinstance(run, Run)
    assert isinstance(step, Step)
    assert isinstance(session, Session)
    assert isinstance(requester, User)
    run.session, approval.run, step.run = session, run, run
    if requester.id is not None:  # whoever has left is seen there no more
        approval.requester = requester
    return Held(approval, step, halts)
