"""The little of ASGI that the sandbox model needs: reading a body, sending JSON, watching for a hang-up."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from agents.llm.sandbox.errors import ApiError

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

MAX_BODY_BYTES = 32 * 1024 * 1024


class Disconnected(Exception):
    """The client has gone before its request was complete."""


async def read(receive: Receive) -> bytes:
    """Read a request's body. Raises: ApiError 413, Disconnected."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise Disconnected
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > MAX_BODY_BYTES:
            raise ApiError(413, f"The request body is larger than {MAX_BODY_BYTES} bytes.")
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


async def send_json(send: Send, body: bytes, *, status: int = 200, headers: Headers | None = None) -> None:
    """Send a whole JSON response."""
    sent = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": sent + (headers or [])})
    await send({"type": "http.response.body", "body": body})


async def until_gone(receive: Receive) -> None:
    """Wait until the client hangs up or the response is complete."""
    while (await receive())["type"] != "http.disconnect":
        pass
