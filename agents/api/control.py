"""The routes that look into runs and steer them: trace, evidence, reconciling, pausing, forking."""

from __future__ import annotations

import re
from typing import Literal
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from ninja import Router, Schema
from pydantic import Field

from accounts.auth import only_reads, principal_of, scope, signed_in
from accounts.seam import in_thread
from agentos.core.errors import Invalid
from agentos.core.types import JsonObject
from agents import attaching, selectors, steering
from agents.api.showing import accepted
from agents.event_schemas import STREAM
from agents.forms import fields_of, text_of
from agents.schemas import IdempotencyHeader, RunStateOut
from agents.services import pauses
from agents.services.forks import Fork
from agents.services.idempotency import key_of
from agents.services.reconcile import Outcome
from agents.sse import event_stream
from agents.wiring import runtime

router = Router(tags=["runs"])
RESUME_BODY = {
    "responses": {200: {"content": STREAM}},
    "requestBody": {
        "content": {
            kind: {
                "schema": {
                    "type": "object",
                    "properties": {"last_event_index": {"type": "integer"}, "session_id": {"type": "string"}},
                }
            }
            for kind in ("application/x-www-form-urlencoded", "multipart/form-data", "application/json")
        }
    },
}


class ReconcileIn(Schema):
    """What became of a call, and how one knows; `result` is what the tool would have returned."""

    outcome: Literal["happened", "not_happened", "abandon"]
    reason: str = Field(examples=["The payment provider lists it under this key"])
    result: str | None = None


class ForkIn(Schema):
    """Where to branch off, and what to change. `tool_result` stands in for the result of that tool call."""

    from_step: str = Field(
        examples=["2.model"], description="A step's path or id, as in the run's trace; `end`: behind its answer"
    )
    message: str | None = None
    instructions: str | None = None
    model: str | None = Field(default=None, examples=["fast"])
    tool_result: str | None = None


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
    return JsonResponse(await steering.evidence(runtime(), principal_of(request), run_id, step_id))


@router.post("/runs/{run_id}/steps/{step_id}/reconcile", response=RunStateOut)
@scope("steps:reconcile")
async def reconcile_step(
    request: HttpRequest, run_id: UUID, step_id: UUID, body: ReconcileIn, idempotency_key: IdempotencyHeader = ""
) -> JsonObject:
    """Say what became of a side effect that may have happened; the run goes on by itself."""
    here, principal, outcome = runtime(), principal_of(request), Outcome(body.outcome)
    key = key_of(idempotency_key, route=f"run:{run_id}:step:{step_id}:reconcile", content=body.dict())
    said = body.reason, body.result
    await steering.settle(here, principal, run_id, step_id, outcome, *said, key=key)
    return await in_thread(selectors.run_state, principal=principal, run_id=run_id)


@router.post("/agents/{agent_id}/runs/{run_id}/resume", response={200: None, 204: None}, openapi_extra=RESUME_BODY)
@scope("agents:{agent_id}:read")
@only_reads
async def resume_agent_run(request: HttpRequest, agent_id: str, run_id: UUID) -> HttpResponseBase:
    """Attach to a run again, after the event with `last_event_index` (AgentOS path)."""
    here, principal, fields = runtime(), principal_of(request), fields_of(request)
    run = await in_thread(selectors.run_detail, principal=principal, run_id=run_id, component_id=agent_id)
    selectors.check_session(run, text_of(fields, "session_id"))
    after = _after_index(fields.get("last_event_index"))
    follower = await attaching.attach(here, principal, run_id, after=after, ends_at_pause=True)
    return HttpResponse(status=204) if follower is None else event_stream(here, principal, follower)


@router.post("/runs/{run_id}/fork", response={202: RunStateOut})
@signed_in
async def fork_run(
    request: HttpRequest, run_id: UUID, body: ForkIn, idempotency_key: IdempotencyHeader = ""
) -> HttpResponse:
    """Make a new run in the same session that reuses this one before a step, and goes on from there."""
    key = key_of(idempotency_key, route=f"run:{run_id}:fork", content=body.dict())
    wanted = Fork(body.from_step, body.message, body.instructions, body.model, body.tool_result)
    return _begun(*await steering.fork(runtime(), principal_of(request), run_id, wanted, key))


@router.post("/runs/{run_id}/rerun", response={202: RunStateOut})
@signed_in
async def rerun_run(request: HttpRequest, run_id: UUID, idempotency_key: IdempotencyHeader = "") -> HttpResponse:
    """Run a failed run again, once: a new run that reuses its finished steps and goes on where it ended."""
    key = key_of(idempotency_key, route=f"run:{run_id}:rerun")
    return _begun(*await steering.rerun(runtime(), principal_of(request), run_id, key))


@router.post("/runs/{run_id}/pause", response=RunStateOut)
@signed_in
async def pause_run(request: HttpRequest, run_id: UUID, idempotency_key: IdempotencyHeader = "") -> JsonObject:
    """Stop a run before its next step, from any process; the model's reply under way is kept."""
    key = key_of(idempotency_key, route=f"run:{run_id}:pause")
    await in_thread(pauses.pause, principal=principal_of(request), run_id=run_id, key=key)
    return await in_thread(selectors.run_state, principal=principal_of(request), run_id=run_id)


@router.post("/runs/{run_id}/unpause", response=RunStateOut)
@signed_in
async def unpause_run(request: HttpRequest, run_id: UUID, idempotency_key: IdempotencyHeader = "") -> JsonObject:
    """Let a run that was paused by hand go on."""
    key = key_of(idempotency_key, route=f"run:{run_id}:unpause")
    await in_thread(pauses.unpause, principal=principal_of(request), run_id=run_id, key=key)
    return await in_thread(selectors.run_state, principal=principal_of(request), run_id=run_id)


def _begun(made: UUID, session_id: str) -> HttpResponse:
    return accepted({"run_id": str(made), "session_id": session_id, "status": "PENDING"})


def _after_index(index: object) -> int:
    """Return the seq of the last event that a client of AgentOS has seen; it counts from 0. Raises: Invalid."""
    text = "-1" if index in (None, "") else str(index)
    if not re.fullmatch(r"-1|[0-9]{1,17}", text):
        raise Invalid("`last_event_index` must be a whole number.", code="invalid")
    return int(text) + 1
