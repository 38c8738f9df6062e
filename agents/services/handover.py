"""Lets a paused run go on: in the process that took the answer, if it has room, else in any that is free.

The lease commits with the answer, so nobody has to be told and nothing claimed. Should the process die in between, the
lease runs out and the run is recovered, as one is that has just been started.

The run goes on while the answer is being written to disk: whatever it stores gets there after it. Who answered is told
only when it is there.
"""

from __future__ import annotations

import logging
import time
from functools import partial
from typing import Final, Protocol
from uuid import UUID

from django.db import connections, transaction
from django.db.backends.utils import CursorWrapper

from accounts.trips import COMMIT_AHEAD, on_disk
from agents.engine.spec import JOB
from agents.engine.status import RunStatus
from agents.models import Run, Step
from agents.services import log
from agents.services.ahead import Ahead
from agents.services.crash import CrashPoint, crash_here
from agents.services.notifications import CLAIMABLE
from agents.services.queue import LEASE_SECONDS, Claimed
from agents.services.sql import table

logger = logging.getLogger(__name__)

# The run needs the disk and the interpreter first; who answered is told that much later.
RUN_FIRST_SECONDS: Final = 0.006
# A deadline that is so close by the database's clock is left to a claim, which decides.
_LEASE_UNTIL: Final = f"statement_timestamp() + interval '{LEASE_SECONDS} seconds'"
_MAY_TAKE: Final = f"(r.deadline_at IS NULL OR r.deadline_at >= {_LEASE_UNTIL})"
LEASE: Final = f"""
WITH gone_on AS (
    UPDATE {table(Run)} r SET
        status = CASE WHEN {_MAY_TAKE} THEN '{RunStatus.RUNNING.value}' ELSE '{RunStatus.PENDING.value}' END,
        fence = CASE WHEN {_MAY_TAKE} THEN r.fence + 1 ELSE r.fence END,
        lease_owner = CASE WHEN {_MAY_TAKE} THEN %s ELSE r.lease_owner END,
        lease_until = CASE WHEN {_MAY_TAKE} THEN {_LEASE_UNTIL} ELSE r.lease_until END
    WHERE r.tenant_id = %s AND r.id = %s RETURNING r.status, r.fence, r.lease_owner
)
SELECT status, fence, lease_owner, {COMMIT_AHEAD},
    CASE WHEN status = '{RunStatus.PENDING.value}' THEN pg_notify('{CLAIMABLE}', '') END FROM gone_on
"""


class Taker(Protocol):
    """This process's supervisor, as threads know it."""

    name: str

    def has_room(self, tenant_id: UUID) -> bool:
        """Tell whether it may take one more run of the tenant."""
        ...

    def read_ahead(self, run: Claimed, answered: Step) -> Ahead:
        """Let it read what it will need of a run whose lock the caller holds, who has answered this step of it."""
        ...

    def take_soon(self, run: Claimed, ahead: Ahead | None = None) -> None:
        """Set it to work on a run that is leased to it. Raises: RuntimeError when its event loop has ended."""
        ...


_here: Taker | None = None


def take_here(taker: Taker | None) -> None:
    """Name who takes runs in this process; None when nobody does any more."""
    global _here
    _here = taker


def let_go_on(run: Run, *, answered: Step | None = None) -> None:
    """Let a paused run go on, unless it is paused by hand or halted.

    The caller holds its row lock, on the connection that it was read from, and commits; it writes nothing more to the
    run's journal where it names the one step of it that it has `answered`, as it is stored.
    """
    if RunStatus(run.status) is not RunStatus.PAUSED or run.pause_requested or run.halted_by:
        return None
    may_take = (taker := _here) is not None and run.component_kind != JOB and taker.has_room(run.tenant_id)
    if taker is not None and may_take:
        return _lease(taker, run, answered)
    run.status = RunStatus.PENDING.value
    Run.objects.using(run._state.db).filter(tenant_id=run.tenant_id, id=run.id).update(status=run.status)
    return log.notify(CLAIMABLE, "", using=run._state.db)


def _lease(taker: Taker, run: Run, answered: Step | None) -> None:
    """Take the run here, where its deadline leaves time for that. It is known with the commit: nobody waits for it."""
    using = run._state.db or "default"
    leased = connections[using].cursor()
    leased.execute(LEASE, [taker.name, run.tenant_id, run.id])
    run.status, run.fence, run.lease_owner = RunStatus.RUNNING.value, run.fence + 1, taker.name
    crash_here(CrashPoint.HAND_OVER_BEFORE_COMMIT)
    claimed = _claimed(run)
    ahead = None if answered is None else taker.read_ahead(claimed, answered)
    transaction.on_commit(partial(_hand_over, taker, run, claimed, ahead, leased, using), using=using)


def _claimed(run: Run) -> Claimed:
    """Return the run as a claim would."""
    return Claimed(
        run_id=run.id,
        tenant_id=run.tenant_id,
        user_id=run.user_id,
        session_id=run.session.session_id,
        component_kind=run.component_kind,
        component_id=run.component_id,
        spec=run.spec,
        model=run.model,
        message=run.input or "",
        fence=run.fence,
        recoveries=run.recoveries,
        cancel_requested=run.cancel_requested,
        pause_requested=run.pause_requested,
        worked_seconds=float(run.usage.get("duration") or 0),
        is_overdue=False,
    )


def _hand_over(
    taker: Taker, run: Run, claimed: Claimed, ahead: Ahead | None, leased: CursorWrapper, using: str
) -> None:
    crash_here(CrashPoint.HAND_OVER_AFTER_COMMIT)
    with leased:
        run.status, run.fence, run.lease_owner, *_ = leased.fetchone()
    if run.status == RunStatus.RUNNING.value:
        try:
            taker.take_soon(claimed, ahead)
        except RuntimeError:
            logger.warning("run %s: this process is gone; another goes on when the lease has run out", run.id)
        time.sleep(RUN_FIRST_SECONDS)
    on_disk(using=using)
