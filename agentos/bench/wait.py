"""Streams that a person keeps open while a run waits for an approval, read over plain blocking sockets."""

from __future__ import annotations

import socket
from collections.abc import Callable

import orjson

from agentos.bench.client import now_us
from agentos.bench.stamps import stamps_in
from agentos.core.types import JsonObject

READ_SECONDS = 30.0


class OpenStream:
    """One request whose answer is read piece by piece."""

    def __init__(self, port: int, token: str, method: str, path: str, body: JsonObject | None = None) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=READ_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        data = b"" if body is None else orjson.dumps(body)
        head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n"
        kind = f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
        self._socket.sendall((head + kind).encode() + data)

    def read_until(self, found: Callable[[bytes], bool]) -> tuple[bytes, int]:
        """Read until `found` says so of what has come since the call; return it and when, in microseconds.

        Raises: TimeoutError, ConnectionError.
        """
        seen = b""
        while not found(seen):
            part = self._socket.recv(65536)
            if not part:
                raise ConnectionError("the stream ended too early")
            seen += part
        return seen, now_us()

    def close(self) -> None:
        self._socket.close()


def has_token(seen: bytes) -> bool:
    return b"event: RunContent\n" in seen and bool(stamps_in(seen))


def is_paused(seen: bytes) -> bool:
    return b"event: RunPaused\n" in seen


def is_completed(seen: bytes) -> bool:
    return b"event: RunCompleted\n" in seen


def is_answered(seen: bytes) -> bool:
    """Say whether a whole head is there: the answer itself is not looked at."""
    return b"\r\n\r\n" in seen
