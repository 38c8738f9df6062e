"""Locks and reads all that a decision stands on in one trip, by statements whose plans are kept.

Rows are locked in the order in which they are named, the journal's: the run, the approval, the step that waits; last
the head of the trail, so that what is entered there is linked while the database still stores what is decided.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, TypeAlias
from uuid import UUID

from django.db import connection, models
from django.db.backends.utils import CursorWrapper

from accounts import audit
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
# With the keys of whom a decision's entry is about: who decides, and who has asked.
LOCK_HEAD: Final = audit.lock_head_for(
    f"IN (%s, (SELECT requester_id FROM {table(Approval)} WHERE tenant_id = %s AND id = %s))"
)
_PEOPLE: Final = 2


@dataclass(frozen=True, slots=True)
class Held:
    """An approval with its run, its step, what halts anything in the tenant, and the head of the trail.

    The head is None where it, or somebody's key, has to be made before it may be locked.
    """

    approval: Approval
    step: Step
    halts: list[tuple[str, str]]
    head: audit.LockedHead | None


class Asking:
    """Locks what she may decide, her own or as `selectors.readable`; run, session and requester are read with it."""

    def __init__(self, principal: Principal, approval_id: UUID) -> None:
        self._principal, self._approval_id = principal, approval_id
        self._sent: list[CursorWrapper] = []

    def send(self) -> None:
        """Lock it, as what goes along with the beginning of the scope."""
        reader, approval_id = self._principal, self._approval_id
        tenant_id = reader.tenant_id
        with planned_once():  # which is a matter of the cursors that it makes
            self._sent = [locked := connection.cursor(), halts := connection.cursor(), head := connection.cursor()]
            locked.execute(LOCK, [tenant_id, approval_id, reader.has("approvals:read"), reader.user_id])
            halts.execute(switches.HALTS, [tenant_id])
            head.execute(LOCK_HEAD, [tenant_id, reader.user_id, tenant_id, approval_id, tenant_id, _PEOPLE])

    def found(self) -> Held | None:
        """Return what is locked; None when there is nothing for her."""
        locked, halts, head = self._sent
        with locked, halts, head:
            if (row := locked.fetchone()) is None:
                return None
            return _held(row, halts.fetchall(), audit.head_of(head.fetchone(), self._principal.tenant_id))


def _held(row: tuple[Any, ...], halts: list[tuple[str, str]], head: audit.LockedHead | None) -> Held:
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
    return Held(approval, step, halts, head)
