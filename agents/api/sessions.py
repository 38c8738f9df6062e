"""The routes of sessions: one's own conversations."""

from __future__ import annotations

from typing import Annotated

from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import Query, Router

from accounts.auth import principal_of, scope
from accounts.seam import in_thread
from agentos.core.types import json_bytes
from agents import selectors
from agents.services import sessions
from agents.session_pages import session_page

router = Router(tags=["runs"])


@router.get("/sessions")
@scope("sessions:read")
async def list_sessions(
    request: HttpRequest,
    page: Annotated[int, Query(ge=1, le=100_000)] = 1,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    component_id: str = "",
) -> HttpResponse:
    """List one's own sessions, newest first."""
    found = await in_thread(
        session_page, principal=principal_of(request), page=page, limit=limit, component_id=component_id
    )
    return HttpResponse(json_bytes(found), content_type="application/json")


@router.get("/sessions/{session_id}/runs")
@scope("sessions:read")
async def list_session_runs(request: HttpRequest, session_id: str) -> HttpResponse:
    """List the runs of one's own session, oldest first."""
    found = await in_thread(selectors.session_runs, principal=principal_of(request), session_id=session_id)
    return JsonResponse(found, safe=False)


@router.delete("/sessions/{session_id}", response={204: None})
@scope("sessions:delete")
async def delete_session(request: HttpRequest, session_id: str) -> None:
    """Delete one's own session with all that was said in it; so a temporary session ends."""
    await in_thread(sessions.delete, principal=principal_of(request), session_id=session_id)
