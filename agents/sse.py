"""Server-sent events: a follower's lines as frames."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import aclosing

from django.http import StreamingHttpResponse

from accounts.principals import Principal
from agentos.at_once import WriteAtOnce
from agents.services.execution import DATABASE_GONE
from agents.services.follow import Follower
from agents.services.journal.lines import Line, frame
from agents.services.runtime import Runtime
from agents.services.watch import Watch

logger = logging.getLogger(__name__)

RETRY = b"retry: 2000\n\n"
HEARTBEAT = b": heartbeat\n\n"
RETRY_SOON = b"retry: 500\n\n"  # this process goes away; another one has the rest
RETRY_LATER = b"retry: 5000\n\n"  # nothing new is stored just now, or nothing can be read


async def frames(follower: Follower, reader: Principal, watch: Watch) -> AsyncIterator[bytes]:
    """Yield frames until the follower ends or its reader loses a right. A reader that goes away ends only itself."""
    try:
        yield RETRY
        with watch.over(reader, follower):
            async with aclosing(follower.lines()) as pages:
                async for lines in pages:
                    yield framed(lines) if lines else HEARTBEAT
                    del lines  # nothing is kept while the next are waited for
        if not follower.has_ended:
            yield RETRY_LATER if follower.is_stalled else RETRY_SOON
    except DATABASE_GONE as error:
        logger.warning("a stream broke off (%s)", type(error).__name__)
        yield RETRY_LATER
    finally:
        follower.close()


def framed(lines: list[Line]) -> bytes:
    return b"".join(frame(line) for line in lines)


class EventStream(StreamingHttpResponse):
    """A response of frames that are bytes already: each goes out as it is, most without waking who follows."""

    follower: Follower | None = None

    def pass_on_by(self, write: WriteAtOnce) -> None:
        """Have what comes while the stream waits written by `write`, for which nobody has to be woken."""
        if self.follower is not None:
            self.follower.pass_on_by(write)

    @property
    def streaming_content(self) -> AsyncIterator[bytes]:
        return self._frames

    @streaming_content.setter
    def streaming_content(self, value: AsyncIterator[bytes]) -> None:
        self._set_streaming_content(value)  # type: ignore[attr-defined]  # the stubs leave it out
        self._frames = value


def event_stream(here: Runtime, reader: Principal, follower: Follower) -> StreamingHttpResponse:
    """Answer with a run's stream, and with where the run is found: the stream may break off before it says so."""
    response = EventStream(frames(follower, reader, here.watch), content_type="text/event-stream")
    response.follower = follower
    response["Cache-Control"] = "no-cache, no-transform"  # who compresses it holds it back
    response["X-Accel-Buffering"] = "no"
    response["Location"] = f"/api/runs/{follower.run_id}"
    return response
