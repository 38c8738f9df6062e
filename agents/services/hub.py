"""Hands committed events to the streams that this process serves. A hint says only: read the log."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from uuid import UUID

from agents.services.catching_up import CatchingUp
from agents.services.journal.lines import Batch
from agents.services.places import Places

MAX_WAITING_BATCHES = 64
MOST_STREAMS = 5_000


class Subscription:
    """One reader of one run. A reader that is too slow loses its buffer and goes on from the log."""

    __slots__ = ("_batches", "_is_awake", "_sleep", "_timeout_seconds", "_timer", "_until", "missed", "pass_on")

    def __init__(self) -> None:
        self._batches: list[Batch] = []
        self._is_awake = False
        self._sleep: asyncio.Future[None] | None = None  # there only while the reader waits
        self._timer: asyncio.TimerHandle | None = None
        self._until = self._timeout_seconds = 0.0
        self.missed = False
        # Takes a batch in the place of a reader who waits for it; false: she has to take it herself.
        self.pass_on: Callable[[Batch], bool] | None = None

    def push(self, batch: Batch | None) -> None:
        if batch is not None and self._is_passed_on(batch):
            return self._look_again()
        if batch is None or len(self._batches) >= MAX_WAITING_BATCHES:
            self._batches.clear()
            self.missed = True
        elif not self.missed:
            self._batches.append(batch)
        return self._wake()

    def _is_passed_on(self, batch: Batch) -> bool:
        """Tell whether the batch went on without the reader: she waits, and has all that came before."""
        waits = self._sleep is not None and not self._is_awake
        return waits and self.pass_on is not None and self.pass_on(batch)

    async def wait(self, timeout_seconds: float) -> list[Batch]:
        """Return what has come, or nothing when nothing came for so long, or something was missed."""
        if not self._is_awake:
            self._timeout_seconds = timeout_seconds
            self._look_again()
            self._sleep = asyncio.get_running_loop().create_future()
            try:
                await self._sleep
            finally:
                self._sleep = None
        self._is_awake = False
        batches, self._batches = self._batches, []
        return batches

    def close(self) -> None:
        """Wait for nothing any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look_again(self) -> None:
        """Wake the reader once nothing has come for so long. One timer outlives many waits: most end long before it."""
        loop = asyncio.get_running_loop()
        self._until = loop.time() + self._timeout_seconds
        if self._timer is None:
            self._timer = loop.call_at(self._until, self._on_time, loop)

    def _on_time(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        if loop.time() < self._until:
            self._timer = loop.call_at(self._until, self._on_time, loop)
        else:
            self._wake()

    def _wake(self) -> None:
        self._is_awake = True
        if self._sleep is not None and not self._sleep.done():
            self._sleep.set_result(None)


class Hub:
    """The subscriptions of a process: to a root run, or to a tenant for hints about its inbox; by its id.

    `streams` counts them, and says how many there may be.
    """

    def __init__(self, streams: Places | None = None) -> None:
        self._readers: dict[UUID, list[Subscription]] = defaultdict(list)
        self.streams = streams or Places("streams", most=MOST_STREAMS, most_per_tenant=MOST_STREAMS)
        self.catching_up = CatchingUp()
        self.is_closing = False
        self.is_stalled = False  # nothing new is stored just now

    def subscribe(self, followed: UUID, tenant_id: UUID) -> Subscription:
        """Raises: RateLimited, Unavailable when there is no room for one more stream."""
        self.streams.check(tenant_id)
        self.streams.take(tenant_id)
        subscription = Subscription()
        self._readers[followed].append(subscription)
        return subscription

    def unsubscribe(self, followed: UUID, tenant_id: UUID, subscription: Subscription) -> None:
        subscription.close()
        self._readers[followed].remove(subscription)
        self.streams.leave(tenant_id)
        if not self._readers[followed]:
            del self._readers[followed]

    def publish(self, run_id: UUID, batch: Batch) -> None:
        for reader in self._readers.get(run_id, ()):
            reader.push(batch)

    def hint(self, followed: UUID) -> None:
        """Tell a run's readers, or a tenant's, that there is something new to read."""
        for reader in self._readers.get(followed, ()):
            reader.push(None)

    def close(self) -> None:
        """Let every reader go: this process goes away."""
        self.is_closing = True
        self.hint_all()

    @property
    def lets_go(self) -> bool:
        """Tell whether readers should come back later, or elsewhere, for what has yet to come."""
        return self.is_closing or self.is_stalled

    def stall(self, *, lasts: bool) -> None:
        """Let every reader go while nothing new is stored, instead of holding a stream that does not move."""
        began, self.is_stalled = lasts and not self.is_stalled, lasts
        if began:
            self.hint_all()

    def hint_all(self) -> None:
        """Tell every reader, after notifications may have been lost."""
        for followed in list(self._readers):
            self.hint(followed)
