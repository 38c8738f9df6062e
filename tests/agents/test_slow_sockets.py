"""A reader of a run's WebSocket that reads now and then: cut off, back by her last event, with the bytes of all."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator

import orjson
import pytest
import uvicorn
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from agentos.asgi import sockets
from agentos.serving import protocol
from agents import wiring
from agents.engine.model_calls import ModelReply, ModelRequest
from agents.engine.testing import ScriptedModel
from agents.services.runtime import Runtime
from agents.services.watch import Watch
from governance.hooks import Governance
from tests.agents.services.conftest import read
from tests.agents.test_consumers import bearer

LITTLE = 4096
PARTS = 400


class Wordy(ScriptedModel):
    """A scripted model that says much more before than what the buffers of a connection take."""

    async def stream(self, request: ModelRequest) -> AsyncGenerator[str | ModelReply, None]:
        for number in range(PARTS):
            yield f"{number} {'word ' * 400}"
            await asyncio.sleep(0.002)
        async for part in super().stream(request):
            yield part


gone: set[object] = set()


class Noting(protocol.WebSocket):
    """The server's side, which says whose connection is over: a client that does not read does not see it."""

    def connection_lost(self, exc: Exception | None) -> None:
        gone.add(self.client)
        super().connection_lost(exc)


@pytest.fixture
async def address(monkeypatch):
    """Serve sockets over connections that take little at once, with little patience for who reads nothing."""
    monkeypatch.setattr(protocol.CutsWhoNeverReads, "unread_seconds", 0.5)
    server = uvicorn.Server(uvicorn.Config(sockets, ws=Noting, lifespan="off", log_config=None))
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, LITTLE)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    yield listener.getsockname()
    server.should_exit = server.force_exit = True
    await serving


class Reader:
    """Goes on from the last event that she has read, however often she is cut off."""

    def __init__(self, address: tuple[str, int], run_id: object, token: str) -> None:
        self._address, self._token = address, token
        self._url = f"ws://localhost:{address[1]}/ws/runs/{run_id}?after="
        self.frames: list[str] = []
        self.cuts = 0

    @property
    def last(self) -> int:
        return int(orjson.loads(self.frames[-1])["id"]) if self.frames else 0

    async def take(self, socket: ClientConnection, most: int) -> int | None:
        """Read at most so many frames; return the code with which the socket was closed, if it was."""
        try:
            for _ in range(most):
                self.frames.append(str(await socket.recv()))
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 1006
        return None

    async def read(self, *, most: int, stops: int) -> int | None:
        """Stop to read until she is cut off, `stops` times, and then read on; return the code in the end."""
        while True:
            async with self._connected() as socket:
                if self.cuts == stops:
                    return await self.take(socket, 1_000_000)
                await self.take(socket, most)
                while socket.local_address not in gone:
                    await asyncio.sleep(0.02)
                await self.take(socket, 1_000_000)  # what had come before
                self.cuts += 1

    def _connected(self) -> connect:
        one = socket.socket()
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, LITTLE)
        one.setblocking(False)
        one.connect_ex(self._address)
        headers = {"Authorization": f"Bearer {self._token}"}
        return connect(
            self._url + str(self.last), sock=one, additional_headers=headers, max_queue=1, ping_interval=None,
            proxy=None, compression=None,
        )  # fmt: skip


async def test_who_reads_now_and_then_has_in_the_end_what_a_quick_reader_has(make_process, address, acme, monkeypatch):
    process = await make_process(model=Wordy(["Done"]))
    watch = Watch(look_seconds=0.05)
    runtime = Runtime(process.pool, process.hub, process.supervisor, process.ports, Governance(), watch)
    monkeypatch.setattr(wiring, "_runtime", runtime)
    token = await bearer(acme.member)
    begin = process.new()
    follower = await process.start(begin)
    quick, *slow = (Reader(address, begin.run_id, token) for _ in range(4))
    async with asyncio.timeout(60):
        streaming = asyncio.create_task(read(follower))
        codes = await asyncio.gather(
            quick.read(most=0, stops=0),
            *(reader.read(most=1 + 3 * number, stops=2 + number) for number, reader in enumerate(slow)),
        )
        lines = await streaming
    assert codes == [1000] * 4
    assert [reader.cuts for reader in slow] == [2, 3, 4]
    assert quick.frames == [f'{{"id":{line.seq},"event":"{line.name}","data":{line.data.decode()}}}' for line in lines]
    assert [reader.frames == quick.frames for reader in slow] == [True] * 3
    assert process.hub.streams.taken == 0
