"""A provider of odd manners: a raw server that answers with exactly the bytes a test gives it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import orjson

from agentos.core.types import JsonObject

SSE = "text/event-stream"
DONE = b"data: [DONE]\n\n"


def event(payload: JsonObject) -> bytes:
    return b"data: " + orjson.dumps(payload) + b"\n\n"


def delta(content: str | list[JsonObject] | None = None, *, finish: str | None = None, **more: object) -> bytes:
    """One chunk of an answer; `more` goes into its delta."""
    said = {**({"content": content} if content is not None else {}), **more}
    return event({"model": "m-1", "choices": [{"index": 0, "delta": said, "finish_reason": finish}]})


def call(index: int | None = 0, **function: object) -> JsonObject:
    """A piece of a tool call; `id` stands beside the function."""
    piece: JsonObject = {"index": index} if index is not None else {}
    if "id" in function:
        piece["id"] = function.pop("id")
    return {**piece, "type": "function", "function": function}


def response(
    *body: bytes, status: int = 200, kind: str = SSE, headers: dict[str, str] | None = None
) -> tuple[bytes, ...]:
    """A response that ends when its connection does, sent piece by piece."""
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Type: {kind}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return ("\r\n".join(lines).encode() + b"\r\n\r\n", *body)


def chunked(*body: bytes, whole: bool = True) -> tuple[bytes, ...]:
    """A response in chunks on a connection that stays open; without its last chunk unless `whole`."""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {SSE}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    framed = [b"%x\r\n%b\r\n" % (len(piece), piece) for piece in body]
    return (head, *framed, *([b"0\r\n\r\n"] if whole else []))


def refusal(status: int, error: JsonObject | str, headers: dict[str, str] | None = None) -> tuple[bytes, ...]:
    body = orjson.dumps({"error": error})
    return response(body, status=status, kind="application/json", headers=headers)


@dataclass
class Wire:
    """What the server is told to do and what it has seen.

    `hang`: say nothing more after the pieces and keep the connection. `keep`: answer again on the same connection.
    `barrier`: answer nobody before that many requests are there.
    """

    pieces: tuple[bytes, ...]
    hang: bool = False
    keep: bool = False
    barrier: asyncio.Barrier | None = None
    url: str = ""
    connections: int = 0
    heads: list[str] = field(default_factory=list)
    bodies: list[JsonObject] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    open: dict[asyncio.Task[None], asyncio.StreamWriter] = field(default_factory=dict)

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open[asyncio.ensure_future(self._answer(reader, writer))] = writer

    async def close(self) -> None:
        """Drop whoever is still there and wait until every connection is gone."""
        for task, writer in self.open.items():
            writer.transport.abort()
            task.cancel()
        await asyncio.gather(*self.open, return_exceptions=True)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while await self._once(reader, writer) and self.keep:
                pass
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    async def _once(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.heads.append(head)
        lengths = [line for line in head.lower().split("\r\n") if line.startswith("content-length:")]
        if lengths:
            self.bodies.append(orjson.loads(await reader.readexactly(int(lengths[0].split(":")[1]))))
        self.asked.set()
        if self.barrier:
            await self.barrier.wait()
        for piece in self.pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        if self.hang:
            await reader.read()
            self.gone.set()
        return True


@contextlib.asynccontextmanager
async def serving(
    pieces: tuple[bytes, ...], *, hang: bool = False, keep: bool = False, barrier: int = 0
) -> AsyncIterator[Wire]:
    """Serve the same answer to everybody while the block runs."""
    wire = Wire(pieces, hang=hang, keep=keep, barrier=asyncio.Barrier(barrier) if barrier else None)
    server = await asyncio.start_server(wire.accept, "127.0.0.1", 0, backlog=1024)
    wire.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    try:
        yield wire
    finally:
        server.close()
        await wire.close()
