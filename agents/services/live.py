"""The runs that a process works on, each in a task of its own: whoever stops some, or waits for them, asks here."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any
from uuid import UUID

from agents.services.execution import StopReason
from agents.services.stops import Stops

logger = logging.getLogger(__name__)


class Live:
    """A run has one task at most: the latest that was added."""

    def __init__(self, stops: Stops) -> None:
        self.stops = stops
        self._tasks: dict[UUID, asyncio.Task[None]] = {}

    @property
    def run_ids(self) -> list[UUID]:
        return list(self._tasks)

    @property
    def tasks(self) -> list[asyncio.Task[None]]:
        return list(self._tasks.values())

    def add(self, run_id: UUID, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Set a task to work on a run whose lease this process holds; one that did so before has lost it."""
        self.cancel(run_id, StopReason.LOST)
        task = self._tasks[run_id] = asyncio.create_task(work, name=f"run-{run_id}")
        task.add_done_callback(lambda done: self._ended(run_id, done))
        return task

    def cancel(self, run_id: UUID, reason: StopReason = StopReason.CANCEL) -> None:
        if task := self._tasks.get(run_id):
            task.cancel(reason)

    def cancel_all(self, reason: StopReason) -> None:
        for task in self.tasks:
            task.cancel(reason)

    def pause(self, run_id: UUID, *, requested: bool) -> None:
        """Let a run stop before its next step, or not after all."""
        if requested and run_id in self._tasks:
            self.stops.pausing.add(run_id)
        else:
            self.stops.pausing.discard(run_id)

    async def wait(self, seconds: float) -> None:
        """Let the runs end, for that long at most."""
        if self._tasks:
            await asyncio.wait(self.tasks, timeout=seconds)

    async def give_back(self) -> None:
        """Stop what is left; another process goes on with it."""
        while self._tasks:
            self.cancel_all(StopReason.DRAIN)
            await asyncio.gather(*self.tasks, return_exceptions=True)

    def _ended(self, run_id: UUID, task: asyncio.Task[None]) -> None:
        if self._tasks.get(run_id) is task:
            del self._tasks[run_id]
            self.stops.pausing.discard(run_id)
        if not task.cancelled() and (error := task.exception()):
            logger.error("run %s: its task ended with %s", run_id, type(error).__name__)
