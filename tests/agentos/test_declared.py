"""A route that does not say who may call it is denied to everybody, with or without a token."""

from __future__ import annotations

import httpx
import pytest
from django.http import HttpRequest
from django.urls import path
from ninja import Router

from accounts.auth import Authenticator, public
from agentos.api import _on_own_error
from agentos.api import api as site_api
from agentos.core.errors import AgentOSError
from agentos.declared import DeclaredAPI
from agentos.lean import LeanHandler

router = Router()


@router.get("/forgotten", auth=None)
async def forgotten(request: HttpRequest) -> str:
    return "secret"


@router.get("/open", auth=None)
@public
async def opened(request: HttpRequest) -> str:
    return "hello"


api = DeclaredAPI(auth=Authenticator(), urls_namespace="undeclared")
api.exception_handler(AgentOSError)(_on_own_error)
api.add_router("", router)
urlpatterns = [path("api/", api.urls)]


@pytest.mark.urls(__name__)
async def test_deny_by_default() -> None:
    transport = httpx.ASGITransport(app=LeanHandler())  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver/api") as client:
        refused = await client.get("/forgotten")
        assert (refused.status_code, refused.json()["code"]) == (403, "undeclared_route")
        assert "secret" not in refused.text
        assert (await client.get("/open")).json() == "hello"


def test_operations_are_named_by_what_they_do_and_each_in_its_own_way() -> None:
    paths = site_api.get_openapi_schema()["paths"]
    named = [operation["operationId"] for methods in paths.values() for operation in methods.values()]
    assert len(set(named)) == len(named)
    assert paths["/api/agents/{agent_id}/runs"]["post"]["operationId"] == "start_agent_run"
