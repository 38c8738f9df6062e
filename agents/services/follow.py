"""A stream is a view of the event log: replay what was committed, then follow live, and never drive the run."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from uuid import UUID

from psycopg_pool import AsyncConnectionPool

from agents.engine.events import END_EVENTS, RUN_PAUSED
from agents.services import queue
from agents.services.hub import Batch, Hub, Subscription
from agents.services.lines import Line

HEARTBEAT_SECONDS = 15.0
POLL_SECONDS = 15.0  # a net below the notifications


class Follower:
    """One reader of one run, from the event after `after`. Subscribe before the run starts to miss nothing."""

    def __init__(
        self,
        pool: AsyncConnectionPool,
        hub: Hub,
        *,
        tenant_id: UUID,
        run_id: UUID,
        after: int = 0,
        ends_at_pause: bool = False,
        is_fresh: bool = False,
    ) -> None:
        self._pool, self._hub = pool, hub
        self._tenant_id, self._run_id = tenant_id, run_id
        self._last, self._is_fresh = after, is_fresh
        self._ends = END_EVENTS | {RUN_PAUSED} if ends_at_pause else END_EVENTS
        self._subscription: Subscription | None = hub.subscribe(run_id)
        self._ended = False

    @property
    def has_ended(self) -> bool:
        """Tell whether the stream came to its end, rather than being let go by a process that goes away."""
        return self._ended

    def close(self) -> None:
        if self._subscription is not None:
            self._hub.unsubscribe(self._run_id, self._subscription)
            self._subscription = None

    async def lines(self) -> AsyncGenerator[list[Line], None]:
        """Yield committed events in order, without gaps; an empty list is a heartbeat."""
        try:
            if not self._is_fresh:
                async for lines in self._replay():
                    yield lines
            waited = 0.0
            while not self._ended and self._subscription is not None and not self._hub.is_closing:
                batches = await self._subscription.wait(POLL_SECONDS)
                lines = self._take(batches)
                if lines:
                    waited = 0.0
                    yield lines
                    continue
                async for replayed in self._replay():
                    waited = 0.0
                    yield replayed
                waited += POLL_SECONDS
                if waited >= HEARTBEAT_SECONDS and not self._ended:
                    waited = 0.0
                    yield []
        finally:
            self.close()

    def _take(self, batches: list[Batch]) -> list[Line]:
        """Return the new lines when they join the last one seen; nothing when the log has to be read."""
        lines: list[Line] = []
        expected = self._last + 1
        for first_seq, data in batches:
            for seq, line in enumerate(data, first_seq):
                if seq < expected:
                    continue
                if seq > expected:
                    return []
                lines.append(Line(seq, line))
                expected += 1
        return self._seen(lines)

    async def _replay(self) -> AsyncGenerator[list[Line], None]:
        if self._subscription is not None:
            self._subscription.missed = False
        while not self._ended:
            page = await queue.read_log(self._pool, tenant_id=self._tenant_id, run_id=self._run_id, after=self._last)
            if not page:
                return
            yield self._seen(page)

    def _seen(self, lines: list[Line]) -> list[Line]:
        for position, line in enumerate(lines):
            self._last = line.seq
            if line.name in self._ends:
                self._ended = True
                return lines[: position + 1]
        return lines
