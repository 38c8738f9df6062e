"""A stream over the lean handler: it holds nothing of its request, ends with its client, and hides no failure."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import AsyncIterator
from typing import Any

import pytest
from django.http.response import HttpResponseBase
from django.urls import Resolver404, get_resolver

from agentos import lean
from agentos.lean import LeanHandler, Message
from agents.sse import EventStream

SCOPE = {"type": "http", "method": "GET", "path": "/api/x", "headers": []}


class Streaming(LeanHandler):
    """Answers each request with one stream, of which it keeps no more than a weak reference."""

    def __init__(self, frames: AsyncIterator[bytes]) -> None:
        self._frames: list[AsyncIterator[bytes]] = [frames]
        self.response: weakref.ref[HttpResponseBase] | None = None

    async def respond(self, *_: Any) -> HttpResponseBase:
        response = EventStream(self._frames.pop(), content_type="text/event-stream")
        self.response = weakref.ref(response)
        return response


class Client:
    """Sends an empty body, then nothing until it hangs up."""

    def __init__(self) -> None:
        self.gone = asyncio.Event()
        self.seen: list[Message] = []
        self._sent = False

    async def receive(self) -> Message:
        if not self._sent:
            self._sent = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.seen.append(message)

    @property
    def bodies(self) -> list[bytes]:
        return [message["body"] for message in self.seen[1:]]


async def test_a_stream_that_waits_holds_no_answer_and_ends_with_its_client() -> None:
    waits, ended = asyncio.Event(), asyncio.Event()

    async def frames() -> AsyncIterator[bytes]:
        try:
            yield b"first"
            waits.set()
            await asyncio.Event().wait()
        finally:
            ended.set()

    handler, client = Streaming(frames()), Client()
    serving = asyncio.create_task(handler(SCOPE, client.receive, client.send))
    await waits.wait()
    assert handler.response is not None
    assert handler.response() is None
    client.gone.set()
    await asyncio.wait_for(serving, 10)
    assert ended.is_set()
    assert client.bodies == [b"first"]


async def test_a_stream_that_ends_says_so() -> None:
    async def frames() -> AsyncIterator[bytes]:
        yield b"first"

    client = Client()
    await Streaming(frames())(SCOPE, client.receive, client.send)
    assert client.bodies == [b"first", b""]
    assert "more_body" not in client.seen[-1]


@pytest.mark.parametrize("failure", [TimeoutError, ValueError])
async def test_a_failure_of_a_stream_is_not_taken_for_a_client_that_left(failure: type[Exception]) -> None:
    async def frames() -> AsyncIterator[bytes]:
        yield b"first"
        raise failure

    client = Client()
    with pytest.raises(failure):
        await Streaming(frames())(SCOPE, client.receive, client.send)
    assert client.bodies == [b"first"]


@pytest.mark.parametrize("name", [b"authorization", b"content-type", b"host", b"idempotency-key", b"last-event-id"])
async def test_a_header_that_says_one_thing_comes_once(name: bytes) -> None:
    """Of two keys nobody knows which one is meant; a list, such as of proxies, may come in parts."""
    for named, status in ((name, 400), (b"x-forwarded-for", 404)):
        client, headers = Client(), [(b"host", b"testserver"), (named, b"one"), (named, b"two")]
        scope = {**SCOPE, "path": "/api/nowhere", "query_string": b"", "headers": headers}
        await LeanHandler()(scope, client.receive, client.send)
        assert client.seen[0]["status"] == status


@pytest.mark.parametrize("path", ["/api/", "/api", "/api/nowhere"])
async def test_what_is_no_route_is_not_there(path: str) -> None:
    """Ninja has a view for the bare prefix, which raises what Django's own handler would answer."""
    client = Client()
    scope = {**SCOPE, "path": path, "query_string": b"", "headers": [(b"host", b"testserver")]}
    await LeanHandler()(scope, client.receive, client.send)
    assert client.seen[0]["status"] == 404
    assert b'"code":"not_found"' in client.bodies[0]


def test_a_path_is_looked_up_once_and_a_strangers_long_one_is_not_kept() -> None:
    lean._short.cache_clear()
    resolver = get_resolver()
    found = [lean._resolved(resolver, f"/api/agents/{name}/runs") for name in ("first", "second", "first")]
    assert [match.kwargs for match in found] == [{"agent_id": name} for name in ("first", "second", "first")]
    assert found[0] is found[2]
    assert found[0].tried is None
    lean._resolved(resolver, f"/api/agents/{'x' * 5_000}/runs")
    with pytest.raises(Resolver404):
        lean._resolved(resolver, "/api/nothing")
    assert lean._short.cache_info().currsize == 2
