"""Pauses runs by hand and lets them go on. Who waits for an answer besides goes on only when both have come."""

from __future__ import annotations

from uuid import UUID

from accounts import audit
from accounts.principals import Principal
from accounts.tenancy import tenant_scope
from agentos.core.errors import Conflict
from agents.engine.status import RunStatus
from agents.models import Run
from agents.services import handover, idempotency, log
from agents.services.crash import crash_at_commit
from agents.services.idempotency import Key
from agents.services.notifications import PAUSE
from agents.services.runs import check_live, lock


def pause(*, principal: Principal, run_id: UUID, key: Key | None = None) -> None:
    """Ask a run to stop before its next step; whoever holds or claims it does. Commits; repeatable.

    Raises: NotFound, PolicyDenied, Conflict when the run has ended, Invalid for a key of other content.
    """
    with tenant_scope(principal.tenant_id, principal.user_id):
        run = lock(principal, run_id)
        if idempotency.take(key, principal=principal, run_id=run.id):
            return
        check_live(run)
        if run.pause_requested:
            return
        run.pause_requested = True
        run.save(update_fields=["pause_requested"])
        if run.status == RunStatus.RUNNING:
            log.notify(PAUSE, str(run.id))
        _audit(principal, run, "run.paused")
        crash_at_commit("ask_pause")


def unpause(*, principal: Principal, run_id: UUID, key: Key | None = None) -> None:
    """Let a run that was paused by hand go on, as far as it waits for no answer. Commits.

    Raises: NotFound, PolicyDenied, Conflict when the run has ended or nobody paused it.
    """
    with tenant_scope(principal.tenant_id, principal.user_id):
        run = lock(principal, run_id)
        if idempotency.take(key, principal=principal, run_id=run.id):
            return
        check_live(run)
        if not run.pause_requested:
            raise Conflict("Nobody has paused this run by hand.", code="not_paused")
        run.pause_requested, run.pause_reason = False, ""
        run.save(update_fields=["pause_requested", "pause_reason"])
        if run.status == RunStatus.RUNNING:
            log.notify(PAUSE, f"-{run.id}")
        handover.let_go_on(run)
        _audit(principal, run, "run.unpaused")
        crash_at_commit("unpause")


def _audit(principal: Principal, run: Run, action: str) -> None:
    entry = audit.Entry(action, "run", str(run.id), {}, principal.user_id)
    audit.append([entry], tenant_id=principal.tenant_id)
