"""What one connection may cost a process, beside what it asks for: time to ask, size of a head, time not to read.

Uvicorn waits for ever for a request that does not come, takes a head of any size, and keeps what a client does not
read; and it answers HTTP/1.0 in chunks, which that does not know.
"""

from __future__ import annotations

import asyncio
import socket
from array import array
from contextlib import suppress
from fcntl import ioctl
from termios import TIOCOUTQ
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

HEAD_SECONDS: Final = 30.0  # from the connection, or the first byte of a request, to the end of its head
BODY_SECONDS: Final = 120.0
MAX_HEAD_BYTES: Final = 64 * 1024
MAX_MESSAGE_BYTES: Final = 1_000_000  # of a socket, which may not be anybody's yet
UNREAD_SECONDS: Final = 60.0


def cut_who_is_gone(listener: socket.socket) -> None:
    """Let the system end each of its connections whose client has not taken what was sent for as long.

    The system's own patience is a quarter of an hour.
    """
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(UNREAD_SECONDS * 1000))


class CutsWhoNeverReads:
    """Ends a connection whose client has read nothing for `unread_seconds` of what waits for it.

    The run goes on meanwhile, and the client finds the rest in the log.
    """

    unread_seconds = UNREAD_SECONDS
    transport: Any
    loop: asyncio.AbstractEventLoop
    _looking: asyncio.TimerHandle | None = None

    def pause_writing(self) -> None:
        super().pause_writing()  # type: ignore[misc]  # of the protocol that it is mixed into
        self._look_after(self._unread())

    def resume_writing(self) -> None:
        self._stop_looking()
        super().resume_writing()  # type: ignore[misc]

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_looking()
        super().connection_lost(exc)  # type: ignore[misc]

    def _look_after(self, unread: int) -> None:
        self._stop_looking()
        self._looking = self.loop.call_later(self.unread_seconds, self._look, unread)

    def _look(self, before: int) -> None:
        unread = self._unread()
        if unread >= before:
            self.transport.abort()
        else:
            self._look_after(unread)

    def _unread(self) -> int:
        """Return how much waits for the client, in our buffer and in the system's."""
        kept = array("i", [0])
        with suppress(OSError):
            ioctl(self.transport.get_extra_info("socket").fileno(), TIOCOUTQ, kept)
        return int(self.transport.get_write_buffer_size()) + kept[0]

    def _stop_looking(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None


class Http(CutsWhoNeverReads, HttpToolsProtocol):
    """One client's connection."""

    head_seconds, body_seconds = HEAD_SECONDS, BODY_SECONDS
    _due: float | None = None  # when what is being sent has to be here
    _timer: asyncio.TimerHandle | None = None  # one outlives many requests: most are here at once
    _is_in_head = False
    _head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect(self.head_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._is_in_head:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
                self._refuse(431)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._is_in_head, self._head_bytes = True, 0
        self._expect(self.head_seconds)

    def on_headers_complete(self) -> None:
        self._is_in_head = False
        self._expect(self.body_seconds)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._due = None
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        self._due, self._is_in_head = None, False
        super().handle_websocket_upgrade()

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self.loop.call_later(self.unread_seconds, self.transport.abort)  # what is left unread would hold it open

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        super()._start_asgi_task(cycle, without_chunks(cycle, app) if cycle.scope["http_version"] == "1.0" else app)

    def _expect(self, seconds: float) -> None:
        self._due = self.loop.time() + seconds
        if self._timer is None:
            self._timer = self.loop.call_at(self._due, self._on_time)

    def _on_time(self) -> None:
        self._timer = None
        if self._due is None or self.transport.is_closing():
            return
        if self.flow.read_paused:  # it is we who do not read
            self._expect(self.body_seconds)
        elif self.loop.time() < self._due:
            self._timer = self.loop.call_at(self._due, self._on_time)
        elif self.headers is None:  # a browser that connects ahead of time would show what it is told
            self.transport.close()
        else:
            self._refuse(408)

    def _refuse(self, status: int) -> None:
        """Say why, where no answer is under way, and close."""
        if self.cycle is None or self.cycle.response_complete:
            self.transport.write(STATUS_LINE[status] + b"content-length: 0\r\nconnection: close\r\n\r\n")
        self.transport.close()


class WebSocket(CutsWhoNeverReads, WebSocketsSansIOProtocol):
    """One client's socket; its pings end one whose client is gone."""


def without_chunks(cycle: RequestResponseCycle, app: Any) -> Any:
    """Answer by the application, and where it names no length let the end of the connection be the answer's end."""

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        async def send_plainly(message: Any) -> None:
            if message["type"] == "http.response.start":
                if not any(name.lower() == b"content-length" for name, _ in message.get("headers", ())):
                    cycle.chunked_encoding = False
            elif cycle.chunked_encoding is False and not cycle.expected_content_length:
                cycle.expected_content_length = len(message.get("body", b""))
            await send(message)

        await app(scope, receive, send_plainly)

    return answer
