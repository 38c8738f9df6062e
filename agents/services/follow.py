"""A stream is a view of the event log: replay what was committed, then follow live, and never drive the run."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from functools import partial
from uuid import UUID

from psycopg_pool import AsyncConnectionPool

from agentos.core.clock import monotonic
from agents.engine.events import END_EVENTS, RUN_PAUSED
from agents.services import log
from agents.services.hub import Hub, Subscription
from agents.services.journal.lines import Batch, Line, frames, masked_line

HEARTBEAT_SECONDS = 15.0
POLL_SECONDS = 15.0  # a net below the notifications
_ENDS = frozenset(name.encode() for name in END_EVENTS)
_ENDS_OR_PAUSE = _ENDS | {RUN_PAUSED.encode()}


class Follower:
    """One reader of one run, from the event after `after`. Subscribe before the run starts to miss nothing.

    Raises: RateLimited, Unavailable when there is no room for one more stream.
    """

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
        is_masked: bool = False,
    ) -> None:
        self._pool, self._hub = pool, hub
        self._tenant_id, self.run_id = tenant_id, run_id
        self._last, self._is_fresh, self._is_masked = after, is_fresh, is_masked
        self._ends = _ENDS_OR_PAUSE if ends_at_pause else _ENDS
        self._subscription: Subscription | None = hub.subscribe(run_id, tenant_id)
        self._ended = False
        self.is_cut = False

    @property
    def has_ended(self) -> bool:
        """Tell whether the stream came to its end, rather than being let go by a process that leaves or is stalled."""
        return self._ended

    @property
    def is_stalled(self) -> bool:
        return self._hub.is_stalled

    @property
    def _goes_on(self) -> bool:
        return not (self._ended or self.is_cut)

    def cut(self) -> None:
        """Show no further event: the reader may not see the run any more."""
        self.is_cut = True
        if self._subscription is not None:
            self._subscription.push(None)

    def pass_on_by(self, write: Callable[[bytes], bool]) -> None:
        """Have what comes while `lines` waits written, as frames, if `write` takes it; `lines` yields the rest."""
        if self._subscription is not None and not self._is_masked:
            self._subscription.pass_on = partial(self._is_passed_on, write)

    def _is_passed_on(self, write: Callable[[bytes], bool], batch: Batch) -> bool:
        """Tell whether the batch was written: it joins what was seen, and does not end the stream."""
        first_seq, lines = batch
        if first_seq != self._last + 1 or (framed := frames(batch, self._ends)) is None or not write(framed):
            return False
        self._last += len(lines)
        return True

    def close(self) -> None:
        if self._subscription is not None:
            self._hub.unsubscribe(self.run_id, self._tenant_id, self._subscription)
            self._subscription = None

    async def lines(self) -> AsyncGenerator[list[Line], None]:
        """Yield committed events in order, without gaps; an empty list is a heartbeat."""
        try:
            if not self._is_fresh:
                newest = await log.newest(self._pool, tenant_id=self._tenant_id, run_id=self.run_id)
                self._last = min(self._last, newest)  # a place beyond the end would never be reached
                async for lines in self._replay():
                    yield lines
            quiet_since = monotonic()
            while self._goes_on and self._subscription is not None and not self._hub.lets_go:
                if lines := self._take(await self._subscription.wait(POLL_SECONDS)):
                    yield lines
                    del lines  # a reader that waits keeps nothing of what was read
                    quiet_since = monotonic()
                    continue
                before = self._last
                async for replayed in self._replay():
                    yield replayed
                    del replayed
                    quiet_since = monotonic()
                if before == self._last and await self._is_gone():
                    self.cut()
                if self._goes_on and monotonic() - quiet_since >= HEARTBEAT_SECONDS * 0.99:
                    yield []
                    quiet_since = monotonic()
        finally:
            self.close()

    async def _is_gone(self) -> bool:
        """Tell whether events that were read are no longer there: the run was erased, or has expired."""
        newest = await log.newest(self._pool, tenant_id=self._tenant_id, run_id=self.run_id)
        return newest < self._last

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
        page = await self._page(log.FEW_ROWS)
        while page and self._goes_on:
            yield self._seen(page)
            if not (page.has_more and self._goes_on):
                return
            async with self._hub.catching_up.page():
                page = await self._page(log.PAGE_ROWS)

    async def _page(self, most_rows: int) -> log.Page:
        whose = {"tenant_id": self._tenant_id, "run_id": self.run_id}
        return await log.page(self._pool, **whose, after=self._last, most_rows=most_rows)

    def _seen(self, lines: list[Line]) -> list[Line]:
        for position, line in enumerate(lines):
            self._last = line.seq
            if line.named in self._ends:
                self._ended = True
                lines = lines[: position + 1]
                break
        return [masked_line(line) for line in lines] if self._is_masked else lines
