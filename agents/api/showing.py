"""How a run is answered over HTTP: as its stream, whole once it has ended or waits, or as accepted."""

from __future__ import annotations

from contextlib import aclosing
from uuid import UUID

from django.http import HttpResponse, JsonResponse
from django.http.response import HttpResponseBase

from accounts.principals import Principal
from accounts.seam import in_thread
from agentos.core.types import JsonObject
from agents import selectors
from agents.services.follow import Follower
from agents.sse import event_stream
from agents.wiring import runtime


async def shown_as(principal: Principal, run_id: UUID, follower: Follower | None, *, stream: bool) -> HttpResponseBase:
    """Answer with the run's stream, or with the run once it has ended or waits; as it stands, where nobody follows."""
    if follower is not None and stream:
        return event_stream(runtime(), principal, follower)
    if follower is not None:
        await ended(follower)
    detail = await in_thread(selectors.run_detail, principal=principal, run_id=run_id)
    if (follower is None or not follower.has_ended) and detail["status"] in ("PENDING", "RUNNING"):
        return accepted({name: detail[name] for name in ("run_id", "session_id", "status")})
    return JsonResponse(detail)


def accepted(state: JsonObject) -> HttpResponse:
    """Answer 202 with where the run is found. `state`: {run_id, session_id, status}."""
    return JsonResponse(state, status=202, headers={"Location": f"/api/runs/{state['run_id']}"})


async def ended(follower: Follower) -> None:
    """Return once a stream has ended."""
    async with aclosing(follower.lines()) as pages:
        async for _ in pages:
            pass
