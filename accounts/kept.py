"""What the database said, kept for a moment: for the hot path, which may be a few seconds behind but not wait."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

from accounts.seam import in_thread
from agentos.core.clock import monotonic

T = TypeVar("T")


class Kept(Generic[T]):
    """Keeps what a loader said for `seconds`; the oldest goes when there are more than `most`.

    Callers that miss at the same time share one load.
    """

    def __init__(self, *, seconds: float, most: int, clock: Callable[[], float] = monotonic) -> None:
        self._seconds, self._most, self._clock = seconds, most, clock
        self._kept: OrderedDict[object, tuple[float, T]] = OrderedDict()
        self._loading: dict[object, asyncio.Future[T]] = {}

    def peek(self, key: object) -> T | None:
        """Return what is kept and not too old, or None. No database."""
        found = self._kept.get(key)
        return None if found is None or self._clock() - found[0] >= self._seconds else found[1]

    async def get(self, key: object, loader: Callable[[], T]) -> T:
        found = self._kept.get(key)
        if found is not None and self._clock() - found[0] < self._seconds:
            return found[1]  # None too
        task = self._loading.get(key)
        if task is None or task.get_loop() is not asyncio.get_running_loop():
            task = asyncio.ensure_future(self._load(key, loader))
            self._loading[key] = task
        return await asyncio.shield(task)  # one caller who leaves must not take the others' load along

    def forget(self) -> None:
        """Drop everything; for tests and for the process that has just changed something itself."""
        self._kept.clear()

    async def _load(self, key: object, loader: Callable[[], T]) -> T:
        asked_at = self._clock()  # before the read: what changes during it must not be kept longer
        try:
            value = await in_thread(loader)
        finally:
            self._loading.pop(key, None)
        self.keep(key, asked_at, value)
        return value

    def keep(self, key: object, asked_at: float, value: T) -> None:
        self._kept[key] = (asked_at, value)
        self._kept.move_to_end(key)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
