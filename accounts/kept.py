"""What the database said, kept for a moment: for the hot path, which may be a few seconds behind but not wait."""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Callable
from math import inf
from typing import Final, Generic, TypeVar

from accounts.seam import in_thread
from agentos.core.clock import monotonic

T = TypeVar("T")
SERVES_ALONE: Final = 0.75  # of its time


class Kept(Generic[T]):
    """Keeps what a loader said for `seconds`; the oldest goes when there are more than `most`.

    Callers that miss at the same time share one load. What is asked for in the last quarter of its time is loaded
    anew while it still serves: of what is asked for all the time nobody waits for a load.
    """

    def __init__(self, *, seconds: float, most: int, clock: Callable[[], float] = monotonic) -> None:
        self._seconds, self._most, self._clock = seconds, most, clock
        self._kept: OrderedDict[object, tuple[float, T]] = OrderedDict()
        self._loading: dict[object, asyncio.Future[T]] = {}
        self._lock = threading.Lock()  # who changes something does so on a thread

    def peek(self, key: object) -> T | None:
        """Return what is kept and not too old, or None. No database."""
        found = self._kept.get(key)
        return None if found is None or self._clock() - found[0] >= self._seconds else found[1]

    async def get(self, key: object, loader: Callable[[], T]) -> T:
        found = self._kept.get(key)
        age = inf if found is None else self._clock() - found[0]
        if found is None or age >= self._seconds:
            # One caller who leaves must not take the others' load along.
            return await asyncio.shield(self._load(key, loader))
        if age >= self._seconds * SERVES_ALONE and key not in self._loading:
            self._load(key, loader).add_done_callback(_heed)
        return found[1]  # None too

    def forget(self) -> None:
        """Drop everything, and what is being read; for tests and for the process that has just changed something.

        From any thread.
        """
        with self._lock:
            self._kept.clear()
            self._loading.clear()

    def _load(self, key: object, loader: Callable[[], T]) -> asyncio.Future[T]:
        """Return the load of a key that is under way, begun if none is."""
        load = self._loading.get(key)
        if load is None or load.get_loop() is not asyncio.get_running_loop():
            load = self._loading[key] = asyncio.ensure_future(self._loaded(key, loader))
        return load

    async def _loaded(self, key: object, loader: Callable[[], T]) -> T:
        asked_at = self._clock()  # before the read: what changes during it must not be kept longer
        try:
            value = await in_thread(loader)
        except BaseException:
            with self._lock:
                self._is_wanted(key)
            raise
        with self._lock:
            if self._is_wanted(key):
                self.keep(key, asked_at, value)
        return value

    def _is_wanted(self, key: object) -> bool:
        """End this task's load of a key; tell whether nothing was forgotten since it began."""
        if self._loading.get(key) is not asyncio.current_task():
            return False
        del self._loading[key]
        return True

    def keep(self, key: object, asked_at: float, value: T) -> None:
        self._kept[key] = (asked_at, value)
        self._kept.move_to_end(key)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)


def _heed(load: asyncio.Future[T]) -> None:
    """Leave what went wrong with a load that nobody waits for to who will."""
    if not load.cancelled():
        load.exception()
