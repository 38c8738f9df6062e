"""Lets a paused run go on: in the process that took the answer, if it has room, else in any that is free.

The lease commits with the answer, so nobody has to be told and nothing claimed. Should the process die in between, the
lease runs out and the run is recovered, as one is that has just been started.

The run goes on while the answer is being written to disk: whatever it stores gets there after it. Who answered is told
only when it is there.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from functools import partial
from typing import Protocol
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from accounts.trips import commit_ahead, on_disk
from agents.engine.spec import JOB
from agents.engine.status import RunStatus
from agents.models import Run
from agents.services import log
from agents.services.crash import CrashPoint, crash_here
from agents.services.notifications import CLAIMABLE
from agents.services.queue import LEASE_SECONDS, Claimed

logger = logging.getLogger(__name__)

DEADLINE_MARGIN = timedelta(seconds=LEASE_SECONDS)


class Taker(Protocol):
    """This process's supervisor, as threads know it."""

    name: str

    def has_room(self, tenant_id: UUID) -> bool:
        """Tell whether it may take one more run of the tenant."""
        ...

    def take_soon(self, run: Claimed) -> None:
        """Set it to work on a run that is leased to it. Raises: RuntimeError when its event loop has ended."""
        ...


_here: Taker | None = None


def take_here(taker: Taker | None) -> None:
    """Name who takes runs in this process; None when nobody does any more."""
    global _here
    _here = taker


def let_go_on(run: Run) -> None:
    """Let a paused run go on, unless it is paused by hand or halted.

    The caller holds its row lock, on the connection that it was read from, and commits.
    """
    if RunStatus(run.status) is not RunStatus.PAUSED or run.pause_requested or run.halted_by:
        return
    may_take = (taker := _here) is not None and run.component_kind != JOB and taker.has_room(run.tenant_id)
    if taker is not None and may_take and _lease(taker, run):
        return
    run.status = RunStatus.PENDING.value
    _rows(run).update(status=run.status)
    log.notify(CLAIMABLE, "", using=run._state.db)


def _lease(taker: Taker, run: Run) -> bool:
    """Take the run here, unless its deadline is so close by the database's clock that a claim has to decide."""
    lease_until, fence = Now() + timedelta(seconds=LEASE_SECONDS), run.fence + 1
    status = RunStatus.RUNNING.value
    rows = _rows(run).filter(Q(deadline_at=None) | Q(deadline_at__gte=Now() + DEADLINE_MARGIN))
    if not rows.update(status=status, fence=fence, lease_owner=taker.name, lease_until=lease_until):
        return False
    run.status, run.fence, run.lease_owner = status, fence, taker.name
    crash_here(CrashPoint.HAND_OVER_BEFORE_COMMIT)
    using = run._state.db or "default"
    commit_ahead(using=using)
    transaction.on_commit(partial(_hand_over, taker, _claimed(run), using), using=using)
    return True


def _rows(run: Run) -> QuerySet[Run]:
    return Run.objects.using(run._state.db).filter(tenant_id=run.tenant_id, id=run.id)


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


def _hand_over(taker: Taker, run: Claimed, using: str) -> None:
    crash_here(CrashPoint.HAND_OVER_AFTER_COMMIT)
    try:
        taker.take_soon(run)
    except RuntimeError:
        logger.warning("run %s: this process is gone; another goes on when the lease has run out", run.run_id)
    on_disk(using=using)
