"""Runs a failed run again: a new run takes over its journal and goes on where that one ended.

Only once for each run: what a second one did would be done twice. A rerun that fails can be rerun itself.
"""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from accounts import audit, principals
from accounts.principals import Principal
from accounts.tenancy import tenant_scope
from agentos.core.errors import CallerError, Conflict
from agentos.core.ids import new_id
from agents.engine.state import was_cut
from agents.engine.status import RunStatus, StepKind, StepState
from agents.models import Run, Step
from agents.registry import registry
from agents.services import authority, branches, idempotency
from agents.services.branches import ADDED, unchecked
from agents.services.crash import crash_at_commit
from agents.services.idempotency import Key
from agents.services.reconcile import Outcome


def rerun(
    *, principal: Principal, run_id: UUID, key: Key | None = None, check: Callable[[], None] = unchecked
) -> tuple[UUID, str]:
    """Store the new run, in the requester's name, for any process to claim; return its id and session id.

    Commits; audited. `check` may refuse what is no retry. Raises: NotFound, PolicyDenied, Conflict when the run did not
    fail, was rerun already, or has a step of which nobody knows whether it happened.
    """
    with tenant_scope(principal.tenant_id, principal.user_id):
        source = branches.locked(principal, run_id)
        made_id = new_id()
        if first := idempotency.take(key, principal=principal, run_id=made_id):
            return first.run_id, source.session.session_id
        check()
        steps = list(Step.objects.filter(run=source).order_by("seq", "id"))
        _check(source, steps)
        pinned = {name: value for name, value in source.spec.items() if name not in ADDED}
        kept = [step for step in steps if _is_finished(step)]
        acting = authority.inherited(source, principal)
        branches.branch(
            source, kept, run_id=made_id, pinned=pinned, message=source.input, acting=acting, rerun_of=source
        )
        entry = audit.Entry("run.rerun", "run", str(made_id), {"from": str(source.id)}, principal.user_id)
        audit.append([entry], tenant_id=principal.tenant_id)
        crash_at_commit("rerun")
    return made_id, source.session.session_id


def obstacle(run: Run, steps: list[Step]) -> str:
    """Say why a run that failed can't be rerun now; nothing when it can. The caller is inside a tenant scope."""
    try:
        _check(run, steps)
    except CallerError as error:
        return error.detail
    return ""


def _check(source: Run, steps: list[Step]) -> None:
    if source.status != RunStatus.ERROR:
        raise Conflict("Only a run that ended in an error is run again.", code="not_failed")
    branches.check_root(source)
    if source.input is None:
        raise Conflict("A guardrail blocked what was asked, and it was not kept.", code="nothing_to_rerun")
    if again := Run.objects.filter(rerun_of=source).first():
        raise Conflict(f"It was run again already, as {again.id}.", code="already_rerun")
    if unsettled := sum(map(_is_unsettled, steps)):
        calls = "one of its calls" if unsettled == 1 else f"{unsettled} of its calls"
        raise Conflict(f"Nobody knows whether {calls} happened: that has to be reconciled first.", code="steps_unknown")
    registry.get(source.component_kind, source.component_id)
    scope = f"{source.component_kind}s:{source.component_id}:run"
    requester = principals.load(source.user_id, source.tenant_id)
    if requester is None or not requester.has(scope):
        raise Conflict("It would go on in the name of somebody who may not run this any more.", code="requester_gone")


def _is_unsettled(step: Step) -> bool:
    """Tell whether a side effect may have happened. A call that had begun is one too, though `closing` leaves none."""
    return step.state == StepState.UNKNOWN or (
        step.kind == StepKind.TOOL and step.state == StepState.STARTED and step.attempts > 0
    )


def _is_finished(step: Step) -> bool:
    """Tell whether a step is reused. What was cut, what did not happen and what the model failed at is done anew."""
    if step.kind == StepKind.MODEL:
        return step.state == StepState.DONE
    not_happened = (step.answer or {}).get("outcome") == Outcome.NOT_HAPPENED and step.state == StepState.REFUSED
    return StepState(step.state).is_final and not was_cut(step) and not not_happened
