"""No forged token gets in, over HTTP or WebSocket; and each is refused by the defence that it is there for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
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
from tests.accounts.forged import CASES, Forged, Sent, World
from tests.accounts.forging import payload_of
from tests.conftest import PASSWORD, TenantWithUsers

ENDED = {"type": "websocket.close", "code": SIGNED_OUT}
BEFORE = {"once": 400}  # what is asked before a token is looked at, and its own answer
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


def headers_of(sent: Sent) -> list[tuple[bytes, bytes]]:
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
async def test_each_of_its_defences_refuses_it_everywhere_and_without_them_it_is_let_in(
    client: httpx.AsyncClient, world: World, case: Forged
) -> None:
    """One world for all three: to make it takes as long as they do."""
    sent = await in_thread(case.make, world)
    async with _without(name for name in case.defences if name in BEFORE):
        await _refused_everywhere_in_the_same_words(client, sent)
    headers = headers_of(sent)
    for kept in case.defences:  # none is there without need: each alone refuses
        async with _without(name for name in case.defences if name != kept):
            assert (await client.get("/auth/me", headers=headers)).status_code == BEFORE.get(kept, 401), kept
    async with _without(case.defences):
        assert (await client.get("/auth/me", headers=headers)).status_code == 200


async def _refused_everywhere_in_the_same_words(client: httpx.AsyncClient, sent: Sent) -> None:
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


@asynccontextmanager
async def _without(defences: Iterable[str]) -> AsyncIterator[None]:
    """Take these defences away for a while."""
    with pytest.MonkeyPatch.context() as patch:
        for name in defences:
            await in_thread(REMOVALS[name], patch)
        _forget()
        yield


@pytest.mark.parametrize("name", ["token", "access_token", "jwt", "authorization"])
async def test_a_token_in_the_address_is_nobodys(
    client: httpx.AsyncClient, world: World, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    assert (await client.get("/auth/me", params={name: world.access})).status_code == 401
    monkeypatch.setattr(RunConsumer, "token_seconds", 0.05)
    async with socket_of([], query=f"?{name}={world.access}") as socket:
        assert await socket.receive_output(timeout=10) == ENDED
