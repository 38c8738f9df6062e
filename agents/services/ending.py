"""Ends a run that nobody holds, and whatever of its steps is not ended: none of an ended run waits for anybody."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.db.models.functions import Now

from accounts import audit
from agentos.core.errors import NotFound
from agentos.core.types import JsonObject
from agents.engine.spec import AgentSpec
from agents.engine.state import end_with_run
from agents.engine.status import RUN_MOVES, RunStatus, StepKind, StepState
from agents.engine.steps import StepRecord
from agents.models import Run, Step
from agents.registry import registry
from agents.services import log

UNFINISHED = Q(state__in=(StepState.STARTED, StepState.WAITING, StepState.ANSWERED))


def end_unheld(run: Run, status: RunStatus, event: str, payload: JsonObject) -> list[audit.Entry]:
    """End a pending or paused run with its steps; return what the trail has to say of calls that may have happened.

    The caller holds the run's row lock, on the connection that it was read from.
    """
    if status not in RUN_MOVES[RunStatus(run.status)]:
        raise AssertionError(f"{run.status} -> {status} is not a legal move")
    run.status, run.fence, run.ended_at = status.value, run.fence + 1, Now()
    run.save(update_fields=["status", "fence", "ended_at", "cancel_requested"])
    unknown = _end_steps(run)
    log.append_event(run, event, payload)
    return unknown


def _end_steps(run: Run) -> list[audit.Entry]:
    spec, rows = _spec(run), Step.objects.using(run._state.db).filter(tenant_id=run.tenant_id, run=run)
    unknown = []
    for row in rows.filter(UNFINISHED):
        step = as_record(row)
        end_with_run(step, spec.tool(step.name))
        changed: dict[str, Any] = {
            "state": step.state.value,
            "error": step.error,
            "request": step.request,
            "answer": step.answer,
        }
        if step.state is StepState.UNKNOWN:
            unknown.append(audit.Entry("step.unknown", "step", str(step.id), {"tool": step.name}, run.user_id))
        else:
            changed["ended_at"] = Now()
        rows.filter(id=step.id).update(**changed)
    return unknown


def _spec(run: Run) -> AgentSpec:
    """Return the run's component; one without tools when it is not installed any more."""
    try:
        return registry.get(run.component_kind, run.component_id)
    except NotFound:
        return AgentSpec(run.component_id, "")


def as_record(step: Step) -> StepRecord:
    return StepRecord(
        id=step.id,
        path=step.path,
        kind=StepKind(step.kind),
        name=step.name,
        state=StepState(step.state),
        request=step.request,
        result=step.result,
        answer=step.answer,
        usage=step.usage,
        error=step.error,
        args_hash=step.args_hash,
        idempotency_key=step.idempotency_key,
        attempts=step.attempts,
        seq=step.seq,
        tool_call_id=step.tool_call_id,
    )
