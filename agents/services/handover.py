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
from django.db.models.functions import Now

from accounts.trips import commit_ahead, on_disk
from agentos.core.clock import utc_now
from agents.engine.spec import JOB
from agents.engine.status import RunStatus
from agents.models import Run
from agents.services import log
from agents.services.begin import LEASE_SECONDS
from agents.services.crash import CrashPoint, crash_here
from agents.services.notifications import CLAIMABLE
from agents.services.queue import Claimed

logger = logging.getLogger(__name__)

DEADLINE_MARGIN = timedelta(seconds=LEASE_SECONDS)  # the database's clock decides close to it


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
    if (taker := _here) is not None and _may_take(taker, run):
        _lease(taker, run)
    else:
        run.status = RunStatus.PENDING.value
        _update(run, "status")
        log.notify(CLAIMABLE, "", using=run._state.db)


def _may_take(taker: Taker, run: Run) -> bool:
    if run.component_kind == JOB or (run.deadline_at is not None and run.deadline_at < utc_now() + DEADLINE_MARGIN):
        return False
    return taker.has_room(run.tenant_id)


def _lease(taker: Taker, run: Run) -> None:
    run.status, run.fence, run.lease_owner = RunStatus.RUNNING.value, run.fence + 1, taker.name
    run.lease_until = Now() + timedelta(seconds=LEASE_SECONDS)
    _update(run, "status", "fence", "lease_owner", "lease_until")
    crash_here(CrashPoint.HAND_OVER_BEFORE_COMMIT)
    using = run._state.db or "default"
    commit_ahead(using=using)
    transaction.on_commit(partial(_hand_over, taker, _claimed(run), using), using=using)


def _update(run: Run, *fields: str) -> None:
    rows = Run.objects.using(run._state.db).filter(tenant_id=run.tenant_id, id=run.id)
    rows.update(**{field: getattr(run, field) for field in fields})


def _claimed(run: Run) -> Claimed:
    """Return the run as a claim would."""
    return Claimed(
        run.id,
        run.tenant_id,
        run.user_id,
        run.session.session_id,
        run.component_kind,
        run.component_id,
        run.spec,
        run.model,
        run.input or "",
        run.fence,
        run.recoveries,
        run.cancel_requested,
        run.pause_requested,
        float(run.usage.get("duration") or 0),
        is_overdue=False,
    )


def _hand_over(taker: Taker, run: Claimed, using: str) -> None:
    crash_here(CrashPoint.HAND_OVER_AFTER_COMMIT)
    try:
        taker.take_soon(run)
    except RuntimeError:
        logger.warning("run %s: this process is gone; another goes on when the lease has run out", run.run_id)
    on_disk(using=using)
