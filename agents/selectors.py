"""Reads runs and sessions for a principal, through the application's role and its policies."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from accounts.asked import CountedOften
from accounts.principals import Principal
from accounts.privacy import access
from accounts.tenancy import tenant_scope
from accounts.trips import planned_once
from agentos.core.clock import epoch_seconds, rfc3339_ms
from agentos.core.errors import Invalid, NotFound
from agentos.core.types import JsonObject
from agents.engine import events
from agents.engine.run_info import RunInfo
from agents.engine.status import GIVEN_UP, PauseKind, RunStatus, StepKind, StepState
from agents.engine.steps import StepRecord
from agents.models import ASKED_FOR, Run, Session, Step
from agents.registry import registry
from agents.services import authority, ending
from agents.services.runs import require

RUNS_MOST = 100


def visible_runs(principal: Principal) -> QuerySet[Run]:
    """Return the tenant's runs that a principal sees, no jobs. The caller is inside her tenant scope."""
    runs = Run.objects.filter(ASKED_FOR, tenant_id=principal.tenant_id)
    return runs if principal.has("runs:read_all") else runs.filter(user_id=principal.user_id)


def run_detail(*, principal: Principal, run_id: UUID, component_id: str = "") -> JsonObject:
    """Return a run as RunOutput, with pending requirements and tool calls. Raises: NotFound, Gone, PolicyDenied."""
    with tenant_scope(principal.tenant_id, principal.user_id), planned_once():
        runs = Run.objects.select_related("session")
        run = require(principal, runs.filter(component_id=component_id) if component_id else runs, run_id, "read")
        steps = [ending.as_record(step) for step in steps_of(principal, run).order_by("seq", "id")]
        return run_output(access.mask_row(principal, run), steps, _children(principal, run))


def check_session(run: JsonObject, session_id: str) -> None:
    """Raises: NotFound when a run is not in the session that is named, if one is."""
    if session_id not in ("", run["session_id"]):
        raise NotFound("There is no such run in this session.")


def steps_of(principal: Principal, run: Run) -> QuerySet[Step]:
    """Return the steps of a run as she may see them. The caller is inside her tenant scope."""
    return access.as_seen(principal, Step.objects.filter(run=run))


def _children(principal: Principal, run: Run) -> list[JsonObject]:
    """Return {run_id, <kind>_id, status} of the runs that a run has started, in that order."""
    found = Run.objects.filter(tenant_id=principal.tenant_id, parent_id=run.id).order_by("created_at", "id")
    return [
        {"run_id": str(child.id), f"{child.component_kind}_id": child.component_id, "status": child.status.upper()}
        for child in found.only("component_kind", "component_id", "status")
    ]


def _paused_by(run: Run) -> str | None:
    return (run.pause_reason or "by hand") if run.pause_requested else None


def _asked_for(step: StepRecord) -> tuple[int, ...]:
    """Return a call's place in what the model asked for; the order of writing changes while calls go on."""
    return tuple(int(part) if part.isdecimal() else 0 for part in step.path.split("."))


def run_output(run: Run, steps: list[StepRecord], children: Sequence[JsonObject] = ()) -> JsonObject:
    tools = sorted((step for step in steps if step.kind is StepKind.TOOL), key=_asked_for)
    wanted = {StepState.UNKNOWN} if RunStatus(run.status).is_final else {StepState.WAITING, StepState.UNKNOWN}
    return {
        "run_id": str(run.id),
        "session_id": run.session.session_id,
        "parent_run_id": str(run.parent_id) if run.parent_id else None,
        f"{run.component_kind}_id": run.component_id,
        "user_id": str(run.user_id),
        "status": run.status.upper(),
        "pause_reason": "halted" if run.halted_by else _paused_by(run),
        "content": run.output if run.output is not None else run.error_text,
        "content_type": "str",
        "input": {"input_content": run.input},
        "model": run.model,
        "model_provider": "openai",
        "metrics": run.usage,
        "cost_usd": f"{run.cost_usd:f}" if run.cost_usd is not None else None,
        "error_code": run.error_code or None,
        "tools": [events.tool_execution(step) for step in tools],
        "requirements": [events.requirement(step) for step in tools if step.state in wanted],
        "forked_from": run.spec.get("forked_from"),
        "rerun_of": str(run.rerun_of_id) if run.rerun_of_id else None,
        "children": list(children),
        "created_at": epoch_seconds(run.created_at),
        "ended_at": epoch_seconds(run.ended_at) if run.ended_at else None,
        "deadline_at": epoch_seconds(run.deadline_at) if run.deadline_at else None,
    }


def find_run(*, principal: Principal, run_id: UUID) -> RunStatus:
    """Return the status of a run that the principal may see. Raises: NotFound, Gone."""
    with tenant_scope(principal.tenant_id, principal.user_id):
        return RunStatus(require(principal, Run.objects.all(), run_id, "read").status)


def hides_words(*, principal: Principal, run_id: UUID) -> bool:
    """Tell whether what was said in a run is masked for a reader. Of a run that is not there, it is."""
    if all(principal.has(scope) for scope in access.SCOPES.values()):
        return False
    with tenant_scope(principal.tenant_id, principal.user_id):
        return not Run.objects.filter(id=run_id, user_id=principal.user_id).exists()


def run_state(*, principal: Principal, run_id: UUID) -> JsonObject:
    """Return {run_id, session_id, status} of a run. Raises: NotFound, Gone, PolicyDenied."""
    with tenant_scope(principal.tenant_id, principal.user_id):
        run = require(principal, Run.objects.select_related("session"), run_id, "read")
        return {"run_id": str(run.id), "session_id": run.session.session_id, "status": run.status.upper()}


def session_runs(*, principal: Principal, session_id: str, limit: int = 50) -> list[JsonObject]:
    """Return the last runs of one's own session, oldest first. Raises: NotFound."""
    with tenant_scope(principal.tenant_id, principal.user_id):
        session = Session.objects.filter(user_id=principal.user_id, session_id=session_id).first()
        if session is None:
            raise NotFound("There is no such session.")
        runs = list(session.runs.filter(ASKED_FOR).select_related("session").order_by("-created_at", "-id")[:limit])
    return [run_output(run, []) | {"run_input": run.input} for run in reversed(runs)]


def component_runs(*, principal: Principal, component_id: str, session_id: str, status: str) -> list[JsonObject]:
    """Return the last runs of one component, oldest first; empty filters match all. Raises: Invalid."""
    if status and status.lower() not in set(RunStatus):
        raise Invalid(f"`status` must be one of {', '.join(RunStatus)}.", code="invalid")
    with tenant_scope(principal.tenant_id, principal.user_id):
        runs = visible_runs(principal).filter(component_id=component_id, parent__isnull=True)
        if session_id:
            runs = runs.filter(session__session_id=session_id)
        if status:
            runs = runs.filter(status=status.lower())
        newest = access.as_seen(principal, runs.select_related("session").order_by("-created_at", "-id")[:RUNS_MOST])
        return [run_output(run, []) for run in reversed(newest)]


def run_steps(*, principal: Principal, run_id: UUID) -> list[JsonObject]:
    """Return the steps of a run in the order of writing: its trace. Raises: NotFound, Gone, PolicyDenied."""
    with tenant_scope(principal.tenant_id, principal.user_id):
        run = require(principal, Run.objects.all(), run_id, "read")
        return [_step_row(step) for step in steps_of(principal, run).order_by("seq", "id")]


def _step_row(step: Step) -> JsonObject:
    return {
        "id": str(step.id),
        "path": step.path,
        "kind": step.kind,
        "name": step.name,
        "state": step.state,
        "tool_call_id": step.tool_call_id or None,
        "usage": step.usage,
        "attempts": step.attempts,
        "error": step.error or None,
        "started_at": rfc3339_ms(step.started_at),
        "ended_at": rfc3339_ms(step.ended_at) if step.ended_at else None,
    }


def reconcilable(principal: Principal) -> QuerySet[Step]:
    """Return the calls of which she says or said what became of them. The caller is inside her tenant scope."""
    asked = {"kind": StepKind.TOOL, "request__requirement__kind": PauseKind.RECONCILE.value}
    steps = Step.objects.filter(tenant_id=principal.tenant_id, **asked).select_related("run", "run__session", "user")
    if not principal.has("steps:reconcile"):
        return steps.none()
    return steps if principal.has("runs:write_all") else steps.filter(user_id=principal.user_id)


def may_reconcile(principal: Principal, step: Step) -> bool:
    """Tell whether she may say what became of a call. The caller is inside her tenant scope."""
    return reconcilable(principal).filter(id=step.id).exists()


def unknown_count(principal: Principal) -> int:
    """Return how many steps wait for her to say what became of them. The caller is inside her tenant scope."""
    return _unknown.of(principal)


_unknown = CountedOften(lambda principal: reconcilable(principal).filter(state=StepState.UNKNOWN))


def given_up(principal: Principal) -> QuerySet[Run]:
    """Return the dead letters that she sees and nobody has rerun. The caller is inside her tenant scope."""
    again = Run.objects.filter(tenant_id=OuterRef("tenant_id"), rerun_of_id=OuterRef("id"))
    return visible_runs(principal).filter(~Exists(again), error_code=GIVEN_UP, status=RunStatus.ERROR)


def given_up_count(principal: Principal) -> int:
    """Return how many dead letters she sees. The caller is inside her tenant scope."""
    return _given_up.of(principal)


_given_up = CountedOften(given_up)


def acting(*, principal: Principal, run_id: UUID) -> tuple[RunInfo, JsonObject]:
    """Return as whom a run acts, and its session's state. Raises: Gone; NotFound, also for a component that is gone."""
    with tenant_scope(principal.tenant_id, principal.user_id):
        run = require(principal, Run.objects.select_related("session"), run_id, "read")
    info = RunInfo(
        run_id=run.id,
        tenant_id=run.tenant_id,
        user_id=run.user_id,
        session_id=run.session.session_id,
        spec=registry.get(run.component_kind, run.component_id),
        model=run.model,
        input=run.input or "",
        **authority.of(run.spec),
    )
    return info, run.session.state


def step_evidence(*, principal: Principal, run_id: UUID, step_id: UUID) -> JsonObject:
    """Return what is known of a tool call whose outcome is in doubt. Raises: NotFound, Gone, PolicyDenied."""
    principal.require("steps:reconcile")
    with tenant_scope(principal.tenant_id, principal.user_id):
        run = require(principal, Run.objects.all(), run_id, "read")
        steps = steps_of(principal, run).select_related("run", "run__session", "user")
        step = steps.filter(id=step_id, kind=StepKind.TOOL).first()
        if step is None:
            raise NotFound("There is no such tool call in this run.")
        return _evidence(step)


def _evidence(step: Step) -> JsonObject:
    """Describe a tool call, read with its run, session and user."""
    return {
        "step_id": str(step.id),
        "run_id": str(step.run_id),
        "session_id": step.run.session.session_id,
        "component_kind": step.run.component_kind,
        "component_id": step.run.component_id,
        "run_status": step.run.status,
        "requester": step.user.email,
        "state": step.state,
        "tool": step.name,
        "effect_text": step.request.get("requirement", {}).get("effect_text") or step.name,
        "request": step.request,
        "idempotency_key": step.idempotency_key,
        "attempts": step.attempts,
        "started_at": rfc3339_ms(step.started_at),
    }
