"""What clients do with a connection beside asking nicely: nothing, half of it, too much, the old way, never reading."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
import uvicorn
from uvicorn.protocols.utils import ClientDisconnected
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from agentos.at_once import writer_of
from agentos.serving import protocol, web

PART = b"x" * 65_536
GET = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
sent: list[int] = []  # bytes that a stream got rid of, to the client or into a buffer
ended: list[str] = []


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answer with what was sent; stream without end where asked for that, over either protocol."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        return await flood(receive, lambda: send({"type": "websocket.send", "bytes": PART}))
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            ended.append("before it was read")
            return None
        body += message["body"]
        if not message["more_body"]:
            break
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-app", b"1")]})
    if scope["path"] == "/at-once":
        return await at_once(send, writer_of(send))
    if scope["path"] == "/flood":
        return await flood(receive, lambda: send({"type": "http.response.body", "body": PART, "more_body": True}))
    for part in (b"said: ", body):
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
    return None


async def flood(receive: Any, say: Callable[[], Any]) -> None:
    """Say as much as is taken, until the client is gone."""
    leaving = asyncio.create_task(receive())
    while not leaving.done():
        with suppress(ClientDisconnected):
            await say()
        sent.append(len(PART))
        await asyncio.sleep(0)
    ended.append("flood")


async def at_once(send: Any, write: Any) -> None:
    """Write parts past the server's own way, as long as it takes them; then end the answer in the usual one."""
    await send({"type": "http.response.body", "body": b"first, ", "more_body": True})
    while write is not None and write(PART):
        sent.append(len(PART))
    await send({"type": "http.response.body", "body": b"last"})
    ended.append("at once" if write is not None and not write(PART) else "in no way")


@pytest.fixture
async def address(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[str, int]]:
    """Serve the application with a second's patience."""
    sent.clear()
    ended.clear()
    monkeypatch.setattr(protocol.Http, "head_seconds", 0.5)
    monkeypatch.setattr(protocol.Http, "body_seconds", 0.5)
    monkeypatch.setattr(protocol.CutsWhoNeverReads, "unread_seconds", 0.6)
    config = uvicorn.Config(app, http=protocol.Http, ws=protocol.WebSocket, lifespan="off", log_config=None)
    async with served(config) as place:
        yield place


@asynccontextmanager
async def served(config: uvicorn.Config) -> AsyncIterator[tuple[str, int]]:
    server = uvicorn.Server(config)
    listener = socket.create_server(("127.0.0.1", 0))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield listener.getsockname()
    finally:
        server.should_exit = server.force_exit = True
        await serving


async def said(address: tuple[str, int], *parts: bytes, pause_seconds: float = 0.0) -> bytes:
    """Send the parts and return all that comes until the server closes."""
    reader, writer = await asyncio.open_connection(*address)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause_seconds)
        async with asyncio.timeout(10):
            return await reader.read()
    finally:
        writer.close()


async def test_who_asks_nothing_or_never_ends_to_ask_is_let_go(address: tuple[str, int]) -> None:
    assert await said(address) == b""
    told = await said(address, b"GET / HTTP/1.1\r\nX-A: ")
    assert told == b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    dripping = [b"GET / HTTP/1.1\r\n", *(b"X-%d: a\r\n" % number for number in range(100))]
    with suppress(ConnectionError):
        assert (await said(address, *dripping, pause_seconds=0.05)).startswith(b"HTTP/1.1 408 ")


async def test_a_body_that_does_not_come_ends_its_request(address: tuple[str, int]) -> None:
    assert await said(address, b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc") == b""
    assert ended == ["before it was read"]


async def test_who_is_slow_between_requests_is_not_hurried(address: tuple[str, int]) -> None:
    reader, writer = await asyncio.open_connection(*address)
    for _ in range(2):
        writer.write(GET)
        assert (await reader.readuntil(b"0\r\n\r\n")).startswith(b"HTTP/1.1 200 OK")
        await asyncio.sleep(0.7)
    writer.close()


async def test_a_head_has_a_size(address: tuple[str, int]) -> None:
    longest = b"GET / HTTP/1.1\r\nX-A: " + b"a" * 60_000
    assert b"said: " in await said(address, longest + b"\r\nConnection: close\r\n\r\n")
    with suppress(ConnectionError):
        assert (await said(address, longest, b"a" * 60_000)).startswith(b"HTTP/1.1 431 ")


async def test_http_1_0_is_answered_without_chunks(address: tuple[str, int]) -> None:
    head, _, body = (await said(address, b"POST / HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc")).partition(b"\r\n\r\n")
    assert body == b"said: abc"
    assert b"transfer-encoding" not in head and b"connection: close" in head


async def test_what_is_asked_in_a_row_in_chunks_or_after_a_word_is_answered_in_order(address: tuple[str, int]) -> None:
    chunked = b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    last = b"POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nConnection: close\r\nContent-Length: 3\r\n\r\n"
    answers = await said(address, GET + chunked + last, b"fgh")
    assert answers.count(b"HTTP/1.1 200 OK") == 3
    places = [answers.index(part) for part in (b"5\r\nabcde", b"100 Continue", b"3\r\nfgh")]
    assert places == sorted(places)


async def flooded(address: tuple[str, int]) -> socket.socket:
    """Ask for a stream without end over a connection that takes little at once, and read nothing of it."""
    one = socket.socket()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    one.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(one, address)
    await loop.sock_sendall(one, GET.replace(b"/ ", b"/flood ", 1))
    return one


async def test_who_never_reads_is_cut_and_little_was_kept_for_her(address: tuple[str, int]) -> None:
    never, loop = await flooded(address), asyncio.get_running_loop()
    async with asyncio.timeout(20):
        while not ended:
            await asyncio.sleep(0.02)
    assert sum(sent) < 8 * 1024 * 1024  # what the system's own buffers take
    with suppress(ConnectionError):
        while await loop.sock_recv(never, 1 << 20):
            pass
    never.close()


async def test_what_is_written_at_once_stands_in_its_place_and_waits_for_the_client(address: tuple[str, int]) -> None:
    ask = b"GET /at-once HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
    _, _, body = (await said(address, ask)).partition(b"\r\n\r\n")
    parts = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (b"first, ", *[PART] * len(sent), b"last"))
    assert body == parts + b"0\r\n\r\n"
    assert len(sent) > 0 and ended == ["at once"]


async def test_nothing_is_written_at_once_where_there_are_no_chunks(address: tuple[str, int]) -> None:
    _, _, body = (await said(address, b"GET /at-once HTTP/1.0\r\n\r\n")).partition(b"\r\n\r\n")
    assert body == b"first, last"
    assert sent == [] and ended == ["in no way"]


def test_another_server_is_sent_every_part_in_the_usual_way() -> None:
    async def send(message: Any) -> None: ...

    assert writer_of(send) is None


async def test_who_reads_a_little_at_a_time_stays(address: tuple[str, int]) -> None:
    slow, loop = await flooded(address), asyncio.get_running_loop()
    for _ in range(60):
        assert await loop.sock_recv(slow, 65_536)
        await asyncio.sleep(0.02)
    assert ended == []
    slow.close()


async def test_a_socket_that_is_never_read_is_cut_too(address: tuple[str, int]) -> None:
    host, port = address
    async with connect(f"ws://{host}:{port}/", max_queue=1, ping_interval=None, proxy=None, compression=None):
        async with asyncio.timeout(20):
            while not ended:
                await asyncio.sleep(0.02)
    assert sum(sent) < 16 * 1024 * 1024


async def test_a_stranger_holds_no_more_memory_than_she_sends_and_not_much() -> None:
    config = web.config()
    config.app, config.lifespan = app, "off"
    async with served(config) as (host, port), connect(f"ws://{host}:{port}/", proxy=None) as stranger:
        assert stranger.protocol.extensions == [], "nothing is unpacked for her"
        await stranger.send("x" * (protocol.MAX_MESSAGE_BYTES + 1))
        with suppress(ConnectionClosed):
            async for _ in stranger:
                pass
    assert stranger.close_code == 1009


def test_the_system_gives_up_whose_client_is_gone() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket() as client:
        protocol.cut_who_is_gone(listener)
        client.connect(listener.getsockname())
        ours, _ = listener.accept()
        with ours:
            patience = ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
        assert patience == protocol.UNREAD_SECONDS * 1000
