"""One run's way into the journal: what waits to be stored, in its order, and who waits for it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Protocol

from psycopg_pool import AsyncConnectionPool

from agentos.core.errors import LeaseLost
from agentos.core.types import JsonObject
from agents.engine.ports import SeenState
from agents.engine.run_info import RunInfo
from agents.engine.steps import Statement, Write
from agents.services.halted import component_target, tool_target
from agents.services.jobs import BeginJob
from agents.services.journal import states
from agents.services.journal.lines import base_of
from agents.services.stops import Stops


class Writer(Protocol):
    """The process's one writer, as its runs know it."""

    pool: AsyncConnectionPool
    beside: asyncio.Semaphore
    begin_job: BeginJob
    stops: Stops

    def wake(self, journal: RunJournal) -> None:
        """Let the next flush look at this run."""
        ...

    def wake_soon(self, journal: RunJournal) -> None:
        """As `wake`, a moment later when nothing else is to be flushed: what follows shall go with it.

        Background work waits longer for what others have to say, and goes with that.
        """
        ...


@dataclass(slots=True)
class Waiting:
    """A write that has not been flushed, and who waits for it."""

    write: Write
    done: asyncio.Future[None] | None = None


def is_events_only(item: Waiting) -> bool:
    return is_progress(item) and not item.write.steps


def is_progress(item: Waiting) -> bool:
    """Tell whether it is nothing but steps and events, and nobody waits for it."""
    write = item.write
    return item.done is None and not (write.run or write.statements or write.audit)


class RunJournal:
    """One run's way into the writer; implements `engine.ports.JournalPort`."""

    __slots__ = (
        "_is_closed", "base", "fence", "info", "is_aside", "is_background", "is_lost", "next_seq", "run", "waiting",
        "writer",
    )  # fmt: skip

    def __init__(self, writer: Writer, info: RunInfo, *, fence: int, next_seq: int) -> None:
        self.writer = writer
        self.info, self.fence, self.next_seq = info, fence, next_seq
        self.run = str(info.run_id)  # as it is written: for each token
        self.base = base_of(info)
        self.is_background = info.is_job
        self.waiting: list[Waiting] = []
        self.is_lost = False
        self.is_aside = False  # a write of it is being stored aside: what comes later waits for that
        self._is_closed = False  # a write that gives the lease back is on its way: nothing may follow it

    @property
    def pause_requested(self) -> bool:
        return self.info.run_id in self.writer.stops.pausing

    @property
    def drain_requested(self) -> bool:
        return self.writer.stops.is_draining

    def halted_by(self, *tools: str) -> str:
        halted, spec = self.writer.stops.halted, self.info.spec
        if not halted.everything and not halted.targets:
            return ""
        named = (tool_target(name) for name in tools)
        return halted.by(self.info.tenant_id, component_target(spec.kind, spec.id), *named)

    def emit(self, name: str, payload: JsonObject, *, can_wait: bool = False) -> None:
        if self.is_lost:
            return
        if self.waiting and is_events_only(self.waiting[-1]):
            self.waiting[-1].write.events.append((name, payload))
        else:
            self.waiting.append(Waiting(Write(events=[(name, payload)])))
        if not can_wait:  # also where one that could wait is waiting
            self._wake()

    def put(self, write: Write, *, can_wait: bool = False) -> None:
        self._check(write)
        self.waiting.append(Waiting(write))
        self._wake(can_wait=can_wait)

    async def commit(self, write: Write) -> None:
        self._check(write)
        done = asyncio.get_running_loop().create_future()
        self.waiting.append(Waiting(write, done))
        self.writer.wake(self)
        await done

    async def session_state(self) -> SeenState:
        return await states.read(self.writer.pool, self.info)

    def replace_state(self, seen: str, state: JsonObject) -> Statement:
        return states.replacing(self.info, seen, state)

    def lose(self) -> None:
        """Mark the lease as lost and tell everybody who waits."""
        self.is_lost = True
        waiting, self.waiting = self.waiting, []
        for item in waiting:
            settle(item.done, LeaseLost())

    def reopen(self) -> None:
        """Let the run go on after its last write was refused."""
        self._is_closed = False

    def _wake(self, *, can_wait: bool = False) -> None:
        """Let a flush look at what nobody waits for."""
        if can_wait or self.is_background:
            self.writer.wake_soon(self)
        else:
            self.writer.wake(self)

    def _check(self, write: Write) -> None:
        if self.is_lost or self._is_closed:
            raise LeaseLost
        self._is_closed = write.run is not None


def settle(done: asyncio.Future[None] | None, error: Exception | None = None) -> None:
    """Answer the one who waits, if somebody still does."""
    if done is None or done.done():
        return
    if error is None:
        done.set_result(None)
    else:
        done.set_exception(error)
