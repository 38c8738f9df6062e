"""Clients that prove of one request: without the trail it changes nothing, with it one entry is there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
from django.test import Client

from accounts import principals
from accounts.models import User
from accounts.seam import in_thread
from accounts.services import tokens
from agentos.lean import LeanHandler
from tests.agents.conftest import serve, till
from tests.agents.services.conftest import make_process
from tests.audited.walking import actions, length, state, unwritable_trail
from tests.conftest import PASSWORD
from tests.governance.conftest import make_waiting

__all__ = ["make_process", "make_waiting", "serve", "till"]

Prove = Callable[..., Awaitable[httpx.Response]]
ProvePage = Callable[..., Any]


@pytest.fixture(autouse=True)
def _fresh(settings: Any, tmp_path: Any) -> None:
    settings.BACKUP_FOLDER = str(tmp_path / "backups")
    principals.cache.forget()


@pytest.fixture
async def api(database: None) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=LeanHandler(), raise_app_exceptions=False)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver/api") as client:
        yield client


@pytest.fixture
def prove(api: httpx.AsyncClient) -> Prove:
    """Send a request twice: while the trail takes nothing it fails and changes nothing; then it leaves `entered`."""

    async def prove(
        user: User | None, method: str, path: str, body: Any = None, *, entered: list[str], form: bool = False
    ) -> httpx.Response:
        headers = {}
        if user is not None:
            pair = await in_thread(tokens.issue, email=user.email, password=PASSWORD)
            headers["Authorization"] = f"Bearer {pair.access}"
        kind: dict[str, Any] = {} if body is None else {"data" if form else "json": body}
        before = await in_thread(state)
        with unwritable_trail():
            refused = await api.request(method, path, headers=headers, **kind)
        assert refused.status_code >= 500, refused.text
        now = await in_thread(state)
        assert {table for table in now if now[table] != before[table]} == set()
        seen = await in_thread(length)
        response = await api.request(method, path, headers=headers, **kind)
        assert response.status_code < 300, response.text
        assert await in_thread(actions, seen) == entered
        return response

    return prove


@pytest.fixture
def prove_page(database: None) -> ProvePage:
    """Post a form twice, signed in or as nobody: while the trail takes nothing nothing changes; then see `entered`."""

    def prove(
        user: User | None, path: str, form: Any = None, *, entered: list[str], browser: Client | None = None
    ) -> Any:
        browser = browser or Client()
        browser.raise_request_exception = False
        if user is not None:
            browser.force_login(User.objects.using("system").get(id=user.id))
        before = state()
        with unwritable_trail():
            refused = browser.post(path, form() if callable(form) else form or {})
        assert refused.status_code >= 500, f"{path}: {refused.status_code} {refused.content[-1500:]!r}"
        now = state()
        assert {table for table in now if now[table] != before[table]} == set()
        seen = length()
        response = browser.post(path, form() if callable(form) else form or {})
        assert response.status_code in (200, 302), f"{path}: {response.status_code}"
        assert actions(seen) == entered, path
        return response

    return prove
