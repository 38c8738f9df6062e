"""No forged token gets in, over HTTP or WebSocket; and each is refused by the defence that it is there for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import httpx
import orjson
import pytest
from channels.testing import WebsocketCommunicator

from accounts import principals
from accounts.models import SigningKey
from accounts.seam import in_thread
from accounts.services import keys, tokens
from agentos.asgi import sockets
from agentos.lean import LeanHandler
from agents.consumers import SIGNED_OUT, RunConsumer
from tests.accounts.defences import REMOVALS
from tests.accounts.forged import CASES, Forged, World
from tests.accounts.forging import payload_of
from tests.conftest import PASSWORD, TenantWithUsers

ENDED = {"type": "websocket.close", "code": SIGNED_OUT}
by_name = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


@pytest.fixture(autouse=True)
def _own_keys(database: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Forget what was found good, and give the next test a key in force."""
    _forget()
    yield
    monkeypatch.undo()
    _forget()
    SigningKey.objects.using("system").exclude(revoked_at=None).delete()
    keys.ring.forget()
    keys.ensure()


def _forget() -> None:
    tokens._checked_access.cache_clear()
    tokens._named.cache_clear()
    principals.cache.forget()


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=LeanHandler())  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver/api") as client:
        yield client


@pytest.fixture
def world(acme: TenantWithUsers, globex: TenantWithUsers) -> World:
    pair = tokens.issue(email="member@acme.test", password=PASSWORD)
    return World(acme, globex, pair.access, pair.refresh, payload_of(pair.access))


def headers_of(sent: str | list[str]) -> list[tuple[bytes, bytes]]:
    whole = sent if isinstance(sent, list) else [f"Bearer {sent}"]
    return [(b"authorization", text.encode()) for text in whole]


@asynccontextmanager
async def socket_of(headers: list[tuple[bytes, bytes]], query: str = "") -> AsyncIterator[WebsocketCommunicator]:
    place = f"/ws/runs/{uuid4()}{query}"
    socket = WebsocketCommunicator(sockets, place, headers=[(b"host", b"localhost"), *headers])
    assert (await socket.connect(timeout=10))[0]
    yield socket


def body_of(answer: httpx.Response) -> dict[str, Any]:
    return {name: value for name, value in answer.json().items() if name != "request_id"}


def test_there_are_enough_and_all_differ() -> None:
    assert len(CASES) >= 40
    assert len({case.name for case in CASES}) == len(CASES)
    assert {name for case in CASES for name in case.defences} == set(REMOVALS)


async def test_the_tokens_that_they_are_made_from_are_good(client: httpx.AsyncClient, world: World) -> None:
    for token in (world.access, await in_thread(world.signed), await in_thread(world.headed)):
        assert (await client.get("/auth/me", headers=headers_of(token))).status_code == 200


@by_name
async def test_it_is_refused_everywhere_in_the_same_words(
    client: httpx.AsyncClient, world: World, case: Forged
) -> None:
    sent = await in_thread(case.make, world)
    answer, nobody = await client.get("/auth/me", headers=headers_of(sent)), await client.get("/auth/me")
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert answer.headers["content-type"] == "application/problem+json"
    assert body_of(answer) == body_of(nobody)
    async with socket_of(headers_of(sent)) as socket:
        assert await socket.receive_output(timeout=10) == ENDED
    if isinstance(sent, str):
        async with socket_of([]) as socket:
            await socket.send_to(orjson.dumps({"token": sent}).decode())
            said = orjson.loads(await socket.receive_from(timeout=10))
            assert said["error"]["code"] == body_of(nobody)["code"]
            assert await socket.receive_output(timeout=10) == ENDED


@by_name
async def test_without_its_defences_it_is_let_in(
    client: httpx.AsyncClient, world: World, case: Forged, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = headers_of(await in_thread(case.make, world))
    for name in case.defences:
        await in_thread(REMOVALS[name], monkeypatch)
    _forget()
    assert (await client.get("/auth/me", headers=headers)).status_code == 200


@by_name
async def test_none_of_its_defences_is_there_without_need(
    client: httpx.AsyncClient, world: World, case: Forged, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All but one of them taken away, the one that is left refuses."""
    headers = headers_of(await in_thread(case.make, world))
    for kept in case.defences:
        with monkeypatch.context() as patch:
            for name in case.defences:
                if name != kept:
                    await in_thread(REMOVALS[name], patch)
            _forget()
            answer = await client.get("/auth/me", headers=headers)
        assert answer.status_code == 401, kept


@pytest.mark.parametrize("name", ["token", "access_token", "jwt", "authorization"])
async def test_a_token_in_the_address_is_nobodys(
    client: httpx.AsyncClient, world: World, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    assert (await client.get("/auth/me", params={name: world.access})).status_code == 401
    monkeypatch.setattr(RunConsumer, "token_seconds", 0.05)
    async with socket_of([], query=f"?{name}={world.access}") as socket:
        assert await socket.receive_output(timeout=10) == ENDED
