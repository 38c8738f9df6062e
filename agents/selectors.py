"""Reads runs and sessions for a principal, through the application's role and its policies."""

from __future__ import annotations

from math import ceil
from uuid import UUID

from django.db.models import QuerySet

from accounts.principals import Principal
from accounts.tenancy import tenant_scope
from agentos.core.clock import epoch_seconds
from agentos.core.errors import NotFound
from agentos.core.types import JsonObject
from agents.engine import events
from agents.engine.status import RunStatus, StepKind, StepState
from agents.engine.steps import StepRecord
from agents.models import Run, Session, Step
from agents.services.runs import require


def visible_runs(principal: Principal) -> QuerySet[Run]:
    """Return the tenant's runs that a principal sees. The caller is inside her tenant scope."""
    runs = Run.objects.filter(tenant_id=principal.tenant_id)
    return runs if principal.has("runs:all") else runs.filter(user_id=principal.user_id)


def run_detail(*, principal: Principal, run_id: UUID, component_id: str = "") -> JsonObject:
    """Return a run as RunOutput, with pending requirements and tool calls. Raises: NotFound, PolicyDenied."""
    with tenant_scope(principal.tenant_id, principal.user_id):
        found = Run.objects.select_related("session").filter(id=run_id)
        run = require(principal, (found.filter(component_id=component_id) if component_id else found).first(), "read")
        steps = [as_record(step) for step in Step.objects.filter(run=run).order_by("seq")]
    return run_output(run, steps)


def run_output(run: Run, steps: list[StepRecord]) -> JsonObject:
    tools = [step for step in steps if step.kind is StepKind.TOOL]
    waiting = [step for step in tools if step.state in (StepState.WAITING, StepState.UNKNOWN)]
    return {
        "run_id": str(run.id),
        "session_id": run.session.session_id,
        "parent_run_id": str(run.parent_id) if run.parent_id else None,
        f"{run.component_kind}_id": run.component_id,
        "user_id": str(run.user_id),
        "status": run.status.upper(),
        "content": run.output if run.output is not None else run.error_text,
        "content_type": "str",
        "input": {"input_content": run.input},
        "model": run.model,
        "model_provider": "openai",
        "metrics": run.usage,
        "cost_usd": str(run.cost_usd) if run.cost_usd is not None else None,
        "error_code": run.error_code or None,
        "tools": [events.tool_execution(step) for step in tools],
        "requirements": [events.requirement(step) for step in waiting],
        "children": [],
        "created_at": epoch_seconds(run.created_at),
        "ended_at": epoch_seconds(run.ended_at) if run.ended_at else None,
    }


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


def find_run(*, principal: Principal, run_id: UUID) -> RunStatus:
    """Return the status of a run that the principal may see. Raises: NotFound."""
    with tenant_scope(principal.tenant_id, principal.user_id):
        run = require(principal, Run.objects.filter(id=run_id).first(), "read")
        return RunStatus(run.status)


def session_page(*, principal: Principal, page: int, limit: int, component_id: str = "") -> JsonObject:
    """Return a page of the principal's sessions, newest first, in the list shape of the API."""
    with tenant_scope(principal.tenant_id, principal.user_id):
        sessions = Session.objects.filter(user_id=principal.user_id).order_by("-updated_at")
        if component_id:
            sessions = sessions.filter(component_id=component_id)
        total = sessions.count()
        rows = list(sessions[(page - 1) * limit : page * limit])
    return {
        "data": [_session_row(session) for session in rows],
        "meta": {
            "page": page,
            "limit": limit,
            "total_pages": ceil(total / limit),
            "total_count": total,
            "search_time_ms": 0,
        },
    }


def _session_row(session: Session) -> JsonObject:
    return {
        "session_id": session.session_id,
        "session_name": session.name or session.session_id,
        "session_state": session.state,
        "component_kind": session.component_kind,
        "component_id": session.component_id,
        "created_at": session.created_at.isoformat(),
        "updated_at": session.updated_at.isoformat(),
    }


def session_runs(*, principal: Principal, session_id: str, limit: int = 50) -> list[JsonObject]:
    """Return the last runs of one's own session, oldest first. Raises: NotFound."""
    with tenant_scope(principal.tenant_id, principal.user_id):
        session = Session.objects.filter(user_id=principal.user_id, session_id=session_id).first()
        if session is None:
            raise NotFound("There is no such session.")
        runs = list(session.runs.select_related("session").order_by("-created_at")[:limit])
    return [run_output(run, []) | {"run_input": run.input} for run in reversed(runs)]
