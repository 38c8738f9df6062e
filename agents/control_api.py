"""The routes that look into runs and steer them: trace, evidence, reconciling, pausing."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import Router, Schema
from pydantic import Field

from accounts.auth import principal_of, scope, signed_in
from accounts.seam import in_thread
from agentos.core.errors import NotFound
from agentos.core.types import Json, JsonObject
from agents import selectors
from agents.engine.calling import guarded
from agents.engine.spec import AgentSpec
from agents.registry import registry
from agents.schemas import RunStateOut
from agents.services import pauses, reconcile
from agents.services.reconcile import Outcome
from agents.wiring import runtime

router = Router(tags=["runs"])
LOOKUP_SECONDS = 10.0


class ReconcileIn(Schema):
    """What became of a call, and how one knows; `result` is what the tool would have returned."""

    outcome: Literal["happened", "not_happened", "abandon"]
    reason: str = Field(examples=["The payment provider lists it under this key"])
    result: str | None = None


@router.get("/runs/{run_id}/steps")
@signed_in
async def list_steps(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Return the trace of a run: its model calls and tool calls in the order of writing."""
    rows = await in_thread(selectors.run_steps, principal=principal_of(request), run_id=run_id)
    return JsonResponse(rows, safe=False)


@router.get("/runs/{run_id}/steps/{step_id}/evidence")
@scope("steps:reconcile")
async def step_evidence(request: HttpRequest, run_id: UUID, step_id: UUID) -> HttpResponse:
    """Return what helps to say whether a call happened: request, key, time, and what the tool's look-up finds."""
    found = await in_thread(selectors.step_evidence, principal=principal_of(request), run_id=run_id, step_id=step_id)
    return JsonResponse({**found, "lookup": await _looked_up(found)})


@router.post("/runs/{run_id}/steps/{step_id}/reconcile", response=RunStateOut)
@scope("steps:reconcile")
async def reconcile_step(request: HttpRequest, run_id: UUID, step_id: UUID, body: ReconcileIn) -> JsonObject:
    """Say what became of a side effect that may have happened; the run goes on by itself."""
    principal = principal_of(request)
    found = await in_thread(selectors.step_evidence, principal=principal, run_id=run_id, step_id=step_id)
    check, spec = runtime().hooks.check_answer, _guarding(found)
    await in_thread(
        reconcile.reconcile,
        principal=principal,
        run_id=run_id,
        step_id=step_id,
        outcome=Outcome(body.outcome),
        reason=await check(spec, body.reason),
        result=None if body.result is None else await check(spec, body.result),
    )
    return await in_thread(selectors.run_state, principal=principal, run_id=run_id)


@router.post("/runs/{run_id}/pause", response=RunStateOut)
@signed_in
async def pause_run(request: HttpRequest, run_id: UUID) -> JsonObject:
    """Stop a run before its next step, from any process; the model's reply under way is kept."""
    await in_thread(pauses.pause, principal=principal_of(request), run_id=run_id)
    return await in_thread(selectors.run_state, principal=principal_of(request), run_id=run_id)


@router.post("/runs/{run_id}/unpause", response=RunStateOut)
@signed_in
async def unpause_run(request: HttpRequest, run_id: UUID) -> JsonObject:
    """Let a run that was paused by hand go on."""
    await in_thread(pauses.unpause, principal=principal_of(request), run_id=run_id)
    return await in_thread(selectors.run_state, principal=principal_of(request), run_id=run_id)


def _guarding(found: JsonObject) -> AgentSpec:
    """Return the component whose guards judge the text; one that is gone is guarded by what guards people."""
    try:
        return registry.get(found["component_kind"], found["component_id"])
    except NotFound:
        return AgentSpec(found["component_id"], "", guards=("pii", "secrets"))


async def _looked_up(found: JsonObject) -> Json:
    """Return {result, error} of the tool's look-up, or None when it has none."""
    try:
        tool = registry.get(found["component_kind"], found["component_id"]).tool(found["tool"])
    except NotFound:
        return None
    if tool is None or tool.lookup is None:
        return None
    call = tool.lookup(found["idempotency_key"])
    _, result, error = await guarded(f"The look-up of {tool.name}", call, timeout_seconds=LOOKUP_SECONDS)
    return {"result": result, "error": error}
