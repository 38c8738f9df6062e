"""Server-sent events: a follower's lines as frames."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing

from django.http import StreamingHttpResponse

from agents.services.follow import Follower
from agents.services.lines import frame

RETRY = b"retry: 2000\n\n"
HEARTBEAT = b": heartbeat\n\n"
RETRY_SOON = b"retry: 500\n\n"  # this process goes away; another one has the rest


async def frames(follower: Follower) -> AsyncIterator[bytes]:
    """Yield frames until the follower ends. A reader that goes away ends only itself."""
    yield RETRY
    async with aclosing(follower.lines()) as pages:
        async for lines in pages:
            yield b"".join(frame(line) for line in lines) if lines else HEARTBEAT
    if not follower.has_ended:
        yield RETRY_SOON


def event_stream(follower: Follower) -> StreamingHttpResponse:
    response = StreamingHttpResponse(frames(follower), content_type="text/event-stream")
    response["Cache-Control"] = "no-cache"
    response["X-Accel-Buffering"] = "no"
    return response
