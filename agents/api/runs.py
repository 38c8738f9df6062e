"""The routes of runs: started, continued, read, followed, answered, cancelled."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import asdict
from typing import Annotated
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from ninja import Query, Router

from accounts.auth import principal_of, scope, signed_in
from accounts.principals import Principal
from accounts.seam import in_thread
from agentos.core import ratelimits
from agentos.core.errors import Invalid, Unavailable
from agentos.core.types import JsonObject
from agents import answering, attaching, continuing, retrying, selectors
from agents.api.showing import accepted, ended, shown_as
from agents.continuing import Continuation, continuation_of
from agents.engine.spec import AgentSpec
from agents.event_schemas import STREAM, RunOut
from agents.forms import RunForm, Shown, fields_of, run_form
from agents.registry import registry
from agents.schemas import AnswersIn, IdempotencyHeader, RunStateOut
from agents.services import runs
from agents.services.idempotency import First, Key, key_of
from agents.sse import event_stream
from agents.wiring import runtime

router = Router(tags=["runs"])
FOLLOWED = {"responses": {200: {"content": STREAM}}}
AFTER = {
    "parameters": [
        {
            "in": "header",
            "name": "Last-Event-ID",
            "required": False,
            "schema": {"type": "integer", "minimum": 0},
            "description": "The last event that was seen; it goes before `after`.",
        }
    ]
}


def _body(properties: JsonObject, *required: str) -> JsonObject:
    """Return what OpenAPI says of a route that takes JSON or either kind of form, and may answer with a stream."""
    schema: JsonObject = {"type": "object", "properties": properties, "required": list(required)}
    kinds = ("application/json", "application/x-www-form-urlencoded", "multipart/form-data")
    content = {kind: {"schema": schema} for kind in kinds}
    return {**FOLLOWED, "requestBody": {"required": bool(required), "content": content}}


FLAGS: JsonObject = {
    "stream": {"type": "boolean", "default": True},
    "background": {"type": "boolean", "default": False},
}
RUN_BODY = _body(
    {
        "message": {"type": "string", "example": "Our login page returns 503"},
        "session_id": {"type": "string"},
        **FLAGS,
        "temporary": {"type": "boolean", "default": False},
    },
    "message",
)
CONTINUE_BODY = _body(
    {
        "tools": {"type": "string", "description": "A JSON list of ToolExecution: ids and decisions are read"},
        "requirements": {"type": "string", "description": "A JSON list of RunRequirement, instead of `tools`"},
        "continue_from": {
            "type": "string",
            "default": "end",
            "description": "`end`, `last_user`, or how many messages are kept, counted from the instructions",
        },
        "fork": {"type": "boolean", "default": False},
        "regenerate": {"type": "boolean", "default": False, "description": "As `continue_from=last_user`"},
        "replace_original": {"type": "boolean", "description": "Only false is taken: the first answer stays"},
        "input": {"type": "string", "description": "Said next, or behind what was asked"},
        "additional_instructions": {"type": "string", "description": "As `input`, with `regenerate`"},
        "session_id": {"type": "string"},
        **FLAGS,
    }
)


@router.post("/agents/{agent_id}/runs", response={200: RunOut, 202: RunStateOut}, openapi_extra=RUN_BODY)
@scope("agents:{agent_id}:run")
async def start_agent_run(
    request: HttpRequest, agent_id: str, idempotency_key: IdempotencyHeader = ""
) -> HttpResponseBase:
    """Run an agent: server-sent events by default, the finished run with `stream=false`, 202 in the background."""
    spec, form = registry.get("agent", agent_id), run_form(request)
    key = key_of(idempotency_key, route=f"agent:{agent_id}", content=form.content)
    started = await _start(principal_of(request), spec, form, key)
    response = await _started(principal_of(request), started, form)
    for name, value in ratelimits.fields(started.limits).items():
        response[name] = value
    return response


@router.get("/agents/{agent_id}/runs")
@scope("agents:{agent_id}:read")
async def list_agent_runs(request: HttpRequest, agent_id: str, session_id: str = "", status: str = "") -> HttpResponse:
    """List the last runs of an agent, oldest first (AgentOS path)."""
    found = await in_thread(
        selectors.component_runs,
        principal=principal_of(request),
        component_id=registry.get("agent", agent_id).id,
        session_id=session_id,
        status=status,
    )
    return JsonResponse(found, safe=False)


@router.post(
    "/agents/{agent_id}/runs/{run_id}/continue", response={200: RunOut, 202: RunStateOut}, openapi_extra=CONTINUE_BODY
)
@scope("agents:{agent_id}:run")
async def continue_agent_run(
    request: HttpRequest, agent_id: str, run_id: UUID, idempotency_key: IdempotencyHeader = ""
) -> HttpResponseBase:
    """Go on in AgentOS's shape: by answers (`tools` or `requirements`), or by a new run from a place in it."""
    fields, principal = fields_of(request), principal_of(request)
    wanted, shown = continuation_of(fields), Shown.of(fields)
    key = key_of(idempotency_key, route=f"run:{run_id}:continue", content=wanted.content)
    first = await _continued(principal, agent_id, run_id, wanted, key, shown)
    if not shown.follows:
        return accepted(await in_thread(selectors.run_state, principal=principal, run_id=first.run_id))
    follower = await retrying.reader(runtime(), principal, first.run_id, after=first.after_seq, stream=shown.stream)
    return await shown_as(principal, first.run_id, follower, stream=shown.stream)


@router.get("/runs/{run_id}", response=RunOut)
@signed_in
async def get_run(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Return a run: state, output, usage, tool calls, what it waits for."""
    return JsonResponse(await in_thread(selectors.run_detail, principal=principal_of(request), run_id=run_id))


@router.get("/agents/{agent_id}/runs/{run_id}", response=RunOut)
@scope("agents:{agent_id}:read")
async def get_agent_run(request: HttpRequest, agent_id: str, run_id: UUID) -> HttpResponse:
    """Return a run (AgentOS path)."""
    return JsonResponse(
        await in_thread(selectors.run_detail, principal=principal_of(request), run_id=run_id, component_id=agent_id)
    )


@router.get("/runs/{run_id}/events", response={200: None, 204: None}, openapi_extra={**FOLLOWED, **AFTER})
@signed_in
async def follow_run(
    request: HttpRequest, run_id: UUID, after: Annotated[int | None, Query(ge=0)] = None
) -> HttpResponseBase:
    """Replay the events after `Last-Event-ID`, else `?after=`, and follow until the run ends, through every pause."""
    here, reader = runtime(), principal_of(request)
    follower = await attaching.attach(here, reader, run_id, after=_seen(request, after))
    return HttpResponse(status=204) if follower is None else event_stream(here, reader, follower)


@router.post("/runs/{run_id}/answers", response=RunStateOut)
@signed_in
async def answer_run(
    request: HttpRequest, run_id: UUID, body: AnswersIn, idempotency_key: IdempotencyHeader = ""
) -> JsonObject:
    """Answer waiting tool calls by their ids; the run goes on by itself."""
    said = [item.as_answer() for item in body.answers]
    key = key_of(idempotency_key, route=f"run:{run_id}:answers", content=[asdict(item) for item in said])
    await answering.answer(runtime(), principal_of(request), run_id, said, key)
    return await in_thread(selectors.run_state, principal=principal_of(request), run_id=run_id)


@router.post("/runs/{run_id}/cancel", response=RunStateOut)
@signed_in
async def cancel_run(request: HttpRequest, run_id: UUID, idempotency_key: IdempotencyHeader = "") -> JsonObject:
    """Cancel a run, from any process."""
    key = key_of(idempotency_key, route=f"run:{run_id}:cancel")
    await in_thread(runs.request_cancel, principal=principal_of(request), run_id=run_id, key=key)
    return await in_thread(selectors.run_state, principal=principal_of(request), run_id=run_id)


@router.post("/agents/{agent_id}/runs/{run_id}/cancel")
@scope("agents:{agent_id}:run")
async def cancel_agent_run(
    request: HttpRequest, agent_id: str, run_id: UUID, idempotency_key: IdempotencyHeader = ""
) -> HttpResponse:
    """Cancel a run (AgentOS path)."""
    key = key_of(idempotency_key, route=f"run:{run_id}:cancel")
    await in_thread(runs.request_cancel, principal=principal_of(request), run_id=run_id, key=key, component_id=agent_id)
    return JsonResponse({})


async def _start(principal: Principal, spec: AgentSpec, form: RunForm, key: Key | None) -> runs.Started:
    """Start what the form asks for, or find what its key has started where there is no room to."""
    here, shown = runtime(), form.shown
    try:
        return await runs.start(
            here,
            principal=principal,
            spec=spec,
            message=form.message,
            session_id=form.session_id,
            key=key,
            follow=shown.follows,
            temporary=form.temporary,
        )
    except Unavailable as refusal:
        return await retrying.started(here, principal, key, refusal, follow=shown.follows, stream=shown.stream)


async def _continued(
    principal: Principal, agent_id: str, run_id: UUID, wanted: Continuation, key: Key | None, shown: Shown
) -> First:
    """Let the run go on, if its reader finds a place; find what its key's first request did where there is no room."""
    here = runtime()
    try:
        with here.hub.streams.one(principal.tenant_id) if shown.follows else nullcontext():
            return await continuing.go_on(here, principal, run_id, wanted, key, component_id=agent_id)
    except Unavailable as refusal:
        return (await retrying.first_of(principal, key, refusal, component_id=agent_id))[0]


async def _started(principal: Principal, started: runs.Started, form: RunForm) -> HttpResponseBase:
    if started.blocked is not None and not form.shown.stream:
        if started.follower is not None:
            await ended(started.follower)
        raise started.blocked
    if started.follower is None and form.shown.background:
        session_id = started.session_id
        if not started.is_first:
            first = await in_thread(selectors.run_state, principal=principal, run_id=started.run_id)
            session_id = first["session_id"]
        return accepted({"run_id": str(started.run_id), "session_id": session_id, "status": "PENDING"})
    return await shown_as(principal, started.run_id, started.follower, stream=form.shown.stream)


def _seen(request: HttpRequest, after: int | None) -> int:
    """Return the last event that a reader has. A browser that comes back sends the header with its first address."""
    text = request.headers.get("Last-Event-ID", "")
    if not text:
        return after or 0
    if not (text.isascii() and text.isdecimal()) or len(text) > 18:
        raise Invalid("`Last-Event-ID` must be a whole number.", code="invalid")
    return int(text)
