"""The share of a process that readers of the log have: many may catch up at once, but runs and streams go first."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from agentos.core.clock import monotonic

MOST_AT_ONCE: Final = 2  # of the pool's connections; the others are the journal's
BUSY_SECONDS: Final = 0.002
REST: Final = 3.0  # times as long as the others took for their turn
LONGEST_REST_SECONDS: Final = 0.1


class CatchingUp:
    """Lets few of those who are more than a few rows behind read a page at a time, in the order in which they came.

    A place is free again once all others had their turn and, where that took long, a rest of several times as long.
    Who is slow to take her page holds no place meanwhile.
    """

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(MOST_AT_ONCE)

    @asynccontextmanager
    async def page(self) -> AsyncIterator[None]:
        """Hold a place for the reading of one page."""
        await self._places.acquire()
        try:
            yield
        finally:
            asyncio.get_running_loop().call_soon(self._rest, monotonic())

    def _rest(self, since: float) -> None:
        busy_seconds = monotonic() - since
        if busy_seconds < BUSY_SECONDS:
            self._places.release()
        else:
            seconds = min(busy_seconds * REST, LONGEST_REST_SECONDS)
            asyncio.get_running_loop().call_later(seconds, self._places.release)
