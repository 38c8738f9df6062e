"""Stores what an operator found out about a side effect that may have happened, and lets its run go on."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

from django.db.models.functions import Now

from accounts import audit
from accounts.principals import Principal
from accounts.tenancy import tenant_scope
from agentos.core.clock import rfc3339_ms, utc_now
from agentos.core.errors import Conflict, Invalid, NotFound
from agentos.core.types import JsonObject, clean_text
from agents.engine.messages import REFUSED
from agents.engine.status import RunStatus, StepState
from agents.models import Step
from agents.services import answers, idempotency
from agents.services.crash import crash_at_commit
from agents.services.idempotency import Key
from agents.services.runs import lock

SCOPE = "steps:reconcile"
MAX_REASON_CHARS = 2_000
MAX_RESULT_CHARS = 50_000


class Outcome(StrEnum):
    """What became of the call. A run that goes on makes a call again that did not happen."""

    HAPPENED = "happened"
    NOT_HAPPENED = "not_happened"
    ABANDON = "abandon"


def reconcile(
    *,
    principal: Principal,
    run_id: UUID,
    step_id: UUID,
    outcome: Outcome,
    reason: str,
    result: str | None = None,
    key: Key | None = None,
) -> None:
    """Settle an unknown step: its run goes on, or, when that has ended, only the record changes. Commits; audited.

    Raises: PolicyDenied, NotFound, Conflict when the step is not unknown, Invalid.
    """
    principal.require(SCOPE)
    said = _checked(outcome, reason, result)
    with tenant_scope(principal.tenant_id, principal.user_id):
        run = lock(principal, run_id)
        if idempotency.take(key, principal=principal, run_id=run.id):
            return
        step = Step.objects.select_for_update().filter(run=run, id=step_id).first()
        if step is None:
            raise NotFound("There is no such step in this run.")
        if step.state != StepState.UNKNOWN:
            raise Conflict("It is known what became of this step.", code="not_unknown")
        said |= {"by": str(principal.user_id), "at": rfc3339_ms(utc_now())}
        if RunStatus(run.status).is_final:
            _record(step, outcome, said)
        else:
            answers.settle(run=run, step=step, answer=said)
        entry = audit.Entry(
            "step.reconciled",
            "step",
            str(step.id),
            {"tool": step.name, "run": str(run.id), "outcome": outcome.value},
            principal.user_id,
            personal={"reason": said["note"]},
            subjects=(principal.user_id, run.user_id),
        )
        audit.append([entry], tenant_id=principal.tenant_id)
        crash_at_commit("reconcile")


def _checked(outcome: Outcome, reason: str, result: str | None) -> JsonObject:
    reason = clean_text(reason).strip()
    if not reason:
        raise Invalid("Say how you know: `reason` is missing.", code="reason_missing")
    if len(reason) > MAX_REASON_CHARS:
        raise Invalid(f"The reason has more than {MAX_REASON_CHARS} characters.", code="reason_too_long")
    if result is not None and outcome is not Outcome.HAPPENED:
        raise Invalid("Only a call that happened has a result.", code="result_not_possible")
    if result is not None and len(result) > MAX_RESULT_CHARS:
        raise Invalid(f"The result has more than {MAX_RESULT_CHARS} characters.", code="result_too_long")
    said: JsonObject = {"outcome": outcome.value, "note": reason}
    return said if result is None else said | {"result": clean_text(result)}


def _record(step: Step, outcome: Outcome, said: JsonObject) -> None:
    """Write down what became of a step whose run has ended: nothing runs any more."""
    match outcome:
        case Outcome.HAPPENED:
            step.state, step.result = StepState.DONE.value, said.get("result") or "It was done."
        case Outcome.NOT_HAPPENED:
            step.state, step.result = StepState.REFUSED.value, REFUSED + "it did not happen, and the run has ended."
        case Outcome.ABANDON:
            step.state = StepState.FAILED.value
            step.error = "It is not known whether this happened; it was abandoned."
    step.answer, step.ended_at = said, Now()
    step.save(update_fields=["state", "result", "error", "answer", "ended_at"])
