"""A serving process that answers HTTP, over the journal and supervisor of `services.conftest`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, cast
from uuid import UUID

import pytest
from asgiref.sync import sync_to_async
from django.http import HttpResponse
from django.test import AsyncClient

from accounts.models import User
from accounts.services import tokens
from agentos.core.types import JsonObject
from agents import wiring
from agents.registry import registry
from agents.services.runtime import Runtime
from agents.services.watch import Watch
from governance.hooks import Governance
from tests.agents.services.conftest import MakeProcess, Process, make_process
from tests.agents.services.payments import Till
from tests.conftest import PASSWORD

__all__ = ["make_process"]

Call = Callable[..., Awaitable[HttpResponse]]


@pytest.fixture
def serve(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[Process], Call]:
    """Make a process the one that answers requests, of users who sign in once; what pages alone pass stays out."""
    settings.MIDDLEWARE = []
    client, entered = AsyncClient(), dict[UUID, str]()

    def serve(process: Process) -> Call:
        watch = Watch(look_seconds=0.05)
        runtime = Runtime(process.pool, process.hub, process.supervisor, process.ports, Governance(), watch)
        monkeypatch.setattr(wiring, "_runtime", runtime)
        return call

    async def call(
        user: User, path: str, body: JsonObject | None = None, form: bool = False, key: str = ""
    ) -> HttpResponse:
        if user.id not in entered:
            entered[user.id] = (await sync_to_async(tokens.issue)(email=user.email, password=PASSWORD)).access
        headers = {"Authorization": f"Bearer {entered[user.id]}", **({"Idempotency-Key": key} if key else {})}
        if body is None:
            return cast(HttpResponse, await client.get(f"/api/{path}", headers=headers))
        kind = {} if form else {"content_type": "application/json"}
        return cast(HttpResponse, await client.post(f"/api/{path}", body, headers=headers, **kind))

    return serve


@pytest.fixture
def till(make_process: MakeProcess, monkeypatch: pytest.MonkeyPatch) -> Till:
    till = Till()
    spec = till.spec()
    monkeypatch.setattr(type(registry), "get", lambda self, kind, component_id: spec)
    return till
