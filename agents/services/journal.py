"""The journal writer of a process: one transaction commits what all its runs have waiting, then readers see it.

A flush starts at once when the writer is idle; the more runs have something to say, the longer it waits for the next,
25 ms at most: database work grows with time, not with the number of runs. It first locks its root runs and writes only
those whose fence still holds; the others learn that their lease is lost.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

import psycopg
from psycopg_pool import AsyncConnectionPool

from agentos.core.clock import utc_now
from agentos.core.errors import LeaseLost, whereabouts
from agentos.core.types import JsonObject
from agents.engine.ports import RunInfo, WriteRefused
from agents.engine.steps import Write
from agents.services import flush
from agents.services.begin import Begin, begin_runs
from agents.services.flush import Record
from agents.services.hub import Hub
from agents.services.lines import base_of, coalesce, encode

logger = logging.getLogger(__name__)

FLUSH_INTERVAL_SECONDS = 0.025
FLUSH_INTERVAL_SECONDS_PER_RUN = 0.0005  # fifty runs at once fill the interval
UNENCODABLE = (TypeError, ValueError, RecursionError)
RETRY_SECONDS = (0.05, 0.2, 0.5, 1, 1, 2, 2, 3)


@dataclass(slots=True)
class Waiting:
    """A write that has not been flushed, and who waits for it."""

    write: Write
    done: asyncio.Future[None] | None = None

    @property
    def is_events_only(self) -> bool:
        write = self.write
        return self.done is None and not (write.steps or write.run or write.statements or write.audit)


class RunJournal:
    """One run's way into the writer; implements `engine.ports.JournalPort`."""

    __slots__ = ("_is_closed", "_writer", "base", "fence", "info", "is_lost", "next_seq", "waiting")

    def __init__(self, writer: JournalWriter, info: RunInfo, *, fence: int, next_seq: int) -> None:
        self._writer = writer
        self.info, self.fence, self.next_seq = info, fence, next_seq
        self.base = base_of(info)
        self.waiting: list[Waiting] = []
        self.is_lost = False
        self._is_closed = False  # a write that gives the lease back is on its way: nothing may follow it

    @property
    def pause_requested(self) -> bool:
        return self.info.run_id in self._writer.pausing

    @property
    def drain_requested(self) -> bool:
        return self._writer.is_draining

    def emit(self, name: str, payload: JsonObject) -> None:
        if self.is_lost:
            return
        if self.waiting and self.waiting[-1].is_events_only:
            self.waiting[-1].write.events.append((name, payload))
        else:
            self.waiting.append(Waiting(Write(events=[(name, payload)])))
            self._writer.wake(self)

    def put(self, write: Write) -> None:
        self._check(write)
        self.waiting.append(Waiting(write))
        self._writer.wake(self)

    async def commit(self, write: Write) -> None:
        self._check(write)
        done = asyncio.get_running_loop().create_future()
        self.waiting.append(Waiting(write, done))
        self._writer.wake(self)
        await done

    def lose(self) -> None:
        """Mark the lease as lost and tell everybody who waits."""
        self.is_lost = True
        waiting, self.waiting = self.waiting, []
        for item in waiting:
            settle(item.done, LeaseLost())

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


@dataclass(slots=True)
class _Batch:
    begins: list[Begin] = field(default_factory=list)
    runs: list[tuple[RunJournal, list[Waiting]]] = field(default_factory=list)

    @property
    def size(self) -> int:
        return len(self.begins) + len(self.runs)


class JournalWriter:
    """All that this process has to store, one flush at a time."""

    def __init__(self, pool: AsyncConnectionPool, hub: Hub, *, process: str) -> None:
        self._pool, self._hub, self._process = pool, hub, process
        self.pausing: set[UUID] = set()  # runs that shall stop before their next step; the supervisor keeps it
        self._dirty: dict[RunJournal, None] = {}
        self._begins: list[Begin] = []
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closing = False
        self.is_draining = False
        self.has_failed = False

    def open(self, info: RunInfo, *, fence: int, next_seq: int) -> RunJournal:
        return RunJournal(self, info, fence=fence, next_seq=next_seq)

    def wake(self, journal: RunJournal) -> None:
        self._dirty[journal] = None
        self._wake.set()

    async def begin(self, begin: Begin) -> None:
        """Return once the run is stored; `begin.outcome` says how. Raises: what refused this one."""
        self._begins.append(begin)
        self._wake.set()
        await begin.done

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="journal-writer")
        self._task.add_done_callback(self._on_end)

    def _on_end(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()):
            logger.critical("the journal writer ended: %s", whereabouts(error))
            self.has_failed = True

    async def close(self) -> None:
        """Flush what waits and stop."""
        self._closing = True
        self._wake.set()
        if self._task:
            await self._task

    async def _run(self) -> None:
        last = interval = 0.0
        while not (self._closing and not self._dirty and not self._begins):
            await self._wake.wait()
            if (rest := last + interval - time.monotonic()) > 0:
                await asyncio.sleep(rest)
            last = time.monotonic()
            self._wake.clear()
            batch = self._take()
            await self._flush(batch)
            interval = min(FLUSH_INTERVAL_SECONDS, FLUSH_INTERVAL_SECONDS_PER_RUN * batch.size)
            if self._closing:
                self._wake.set()

    def _take(self) -> _Batch:
        batch = _Batch(begins=self._begins)
        self._begins = []
        for journal in self._dirty:
            if journal.waiting:
                batch.runs.append((journal, journal.waiting))
                journal.waiting = []
        self._dirty = {}
        return batch

    async def _flush(self, batch: _Batch) -> None:
        if batch.begins:
            await self._begin(batch.begins)
        plain = [pair for pair in batch.runs if not any(item.write.statements for item in pair[1])]
        guarded = [pair for pair in batch.runs if any(item.write.statements for item in pair[1])]
        records = [record for record in (self._encoded(*pair) for pair in plain) if record]
        for is_plain in (True, False):
            if alike := [record for record in records if record.is_plain is is_plain]:
                await self._store(alike)
        for journal, waiting in guarded:
            await self._store_guarded(journal, waiting)

    async def _begin(self, begins: list[Begin]) -> None:
        try:
            async with self._pool.connection() as connection:
                await begin_runs(connection, begins)
        except (psycopg.Error, *UNENCODABLE) as error:
            if len(begins) == 1 or isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
                for begin in begins:
                    begin.refuse(error)
                return
            for begin in begins:
                await self._begin([begin])
            return
        for begin in begins:
            begin.finish()

    def _encoded(self, journal: RunJournal, waiting: list[Waiting]) -> Record | None:
        """Return a run's record; a value that can't be encoded ends that run and no other."""
        try:
            return self._record(journal, waiting)
        except UNENCODABLE as error:
            logger.error("journal: a write can't be encoded: %s", whereabouts(error))
            journal.lose()
            for item in waiting:
                settle(item.done, LeaseLost("A value of this run can't be stored."))
            return None

    def _record(self, journal: RunJournal, waiting: Sequence[Waiting]) -> Record:
        """Number and encode what waits; a record keeps its numbers through every retry."""
        now = utc_now()
        record = Record(journal.info, journal.fence, journal.next_seq, waiters=[item.done for item in waiting])
        pending: list[tuple[str, JsonObject]] = []
        for item in waiting:
            pending.extend(item.write.events)
            if item.write.steps or item.write.run:
                self._number(journal, record, pending, now)
                pending = []
            for step in item.write.steps:
                step.seq = journal.next_seq - 1
                record.add_step(step, now)
            record.audit.extend(item.write.audit)
            record.change = item.write.run or record.change
        self._number(journal, record, pending, now)
        record.journal = journal
        return record

    def _number(self, journal: RunJournal, record: Record, pending: list[tuple[str, JsonObject]], now: object) -> None:
        for name, payload in coalesce(pending):
            record.lines.append(encode(name, payload, journal.base, now))  # type: ignore[arg-type]
            journal.next_seq += 1

    async def _store(self, records: list[Record]) -> None:
        for attempt, pause in enumerate((*RETRY_SECONDS, None)):
            try:
                async with self._pool.connection() as connection:
                    held = await flush.store(connection, records, process=self._process, is_retry=attempt > 0)
                return self._publish(records, held)
            except (psycopg.OperationalError, psycopg.InterfaceError) as error:
                if isinstance(error, psycopg.errors.LockNotAvailable) and len(records) > 1:
                    # Somebody holds a row of one of these runs or tenants: the others do not wait for it.
                    for record in records:
                        await self._store([record])
                    return None
                logger.warning("journal: the database did not take a flush (%s)", type(error).__name__)
                if pause is None:
                    return self._fail(records, LeaseLost("The database could not be reached."))
                await asyncio.sleep(pause)
            except (psycopg.Error, *UNENCODABLE) as error:
                if len(records) == 1:
                    logger.error("journal: a write was refused: %s", whereabouts(error))
                    return self._fail(records, WriteRefused("The database refused this write."))
                for record in records:
                    await self._store([record])
                return None
        return None

    async def _store_guarded(self, journal: RunJournal, waiting: list[Waiting]) -> None:
        """Store one run whose writes carry guarded statements, each write for itself."""
        for item in waiting:
            if journal.is_lost:
                settle(item.done, LeaseLost())
                continue
            before = journal.next_seq
            record = self._encoded(journal, [item])
            if record is None:
                continue
            if not item.write.statements:
                await self._store([record])
                continue
            record.statements = item.write.statements
            try:
                async with self._pool.connection() as connection:
                    held = await flush.store(connection, [record], process=self._process, is_retry=False)
                self._publish([record], held)
            except flush.StatementRefused as refused:
                journal.next_seq = before
                settle(item.done, WriteRefused(refused.refusal))
            except (psycopg.OperationalError, psycopg.InterfaceError) as error:
                # It may have been stored all the same, so it is neither repeated nor refused: the journal knows.
                logger.warning("journal: the database did not take a guarded write (%s)", type(error).__name__)
                self._fail([record], LeaseLost("The database could not be reached."))
            except (psycopg.Error, *UNENCODABLE) as error:
                logger.error("journal: a guarded write failed: %s", whereabouts(error))
                journal.next_seq = before
                settle(item.done, WriteRefused("The database refused this write."))

    def _publish(self, records: list[Record], held: set[UUID]) -> None:
        for record in records:
            if record.info.run_id not in held:
                self._lose(record)
                continue
            if record.lines:
                self._hub.publish(record.info.run_id, (record.first_seq, record.lines))
            for done in record.waiters:
                settle(done)

    def _lose(self, record: Record) -> None:
        record.journal.lose()
        for done in record.waiters:
            settle(done, LeaseLost())

    def _fail(self, records: list[Record], error: Exception) -> None:
        for record in records:
            record.journal.lose()
            for done in record.waiters:
                settle(done, error)
