"""The journal writer of a process: one transaction commits what all its runs have waiting, then readers see it.

A flush starts at once when the writer is idle; the more runs have something to say, the longer it waits for the next,
25 ms at most: database work grows with time, not with the number of runs. It first locks its root runs and writes only
those whose fence still holds; the others learn that their lease is lost. What takes longer than one statement, or waits
for somebody else's lock, is stored aside: the streams of the other runs go on meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from functools import partial
from itertools import takewhile
from typing import Any

import psycopg
from psycopg_pool import AsyncConnectionPool

from agentos.core.clock import utc_now
from agentos.core.errors import LeaseLost, LimitExceeded, Unavailable, whereabouts
from agentos.core.types import JsonObject
from agents.engine.run_info import RunInfo
from agents.engine.status import RunStatus
from agents.engine.steps import WriteRefused
from agents.services.crash import is_armed
from agents.services.hub import Hub
from agents.services.jobs import BeginJob, NewJob
from agents.services.journal import flush
from agents.services.journal.begin import Begin
from agents.services.journal.flush import Record
from agents.services.journal.lines import Event, coalesce, encode
from agents.services.journal.run_journal import RunJournal, Waiting, is_events_only, is_progress, settle
from agents.services.journal.starts import BACKGROUND_SECONDS, Starts
from agents.services.journal.storing import NOT_STORED, Storing
from agents.services.ledger import Ledger
from agents.services.stops import Stops

logger = logging.getLogger(__name__)

FLUSH_INTERVAL_SECONDS = 0.025
FLUSH_INTERVAL_SECONDS_PER_RUN = 0.0005  # few runs need not wait for company
FLUSH_INTERVAL_TIMES_ITS_LENGTH = 4  # the writer leaves three quarters of the time to others
SOON_SECONDS = 0.003  # what a run has done waits for what it does next, and goes with it
FLUSH_INTERVAL_SECONDS_PER_EVENT_OF_A_RUN = 0.016  # where each says one word, none are joined
STARTS_INTERVAL_OF_A_FLUSH = 0.2  # somebody waits for each; they are few beside the words
ASIDE_AT_ONCE = 2  # of the pool's connections; a second batch of starts takes one of them
UNENCODABLE = (TypeError, ValueError, RecursionError)
RETRY_SECONDS = (0.05, 0.2, 0.5, 1, 1, 2, 2, 3)


class JournalWriter:
    """All that this process has to store, one flush at a time."""

    def __init__(self, pool: AsyncConnectionPool, hub: Hub, *, process: str, ledger: Ledger, stops: Stops) -> None:
        self.pool, self._hub, self._process, self._ledger = pool, hub, process, ledger
        self.stops = stops
        self.storing = Storing()
        self._places_aside = asyncio.Semaphore(ASIDE_AT_ONCE)
        self._starts = Starts(pool, ledger, self.storing, self._places_aside)
        self._dirty: dict[RunJournal, None] = {}
        self._wake = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._asides: set[asyncio.Task[None]] = set()
        self.beside = asyncio.Semaphore(1)  # what nobody waits for takes the pool's connections one at a time
        self.begin_job: BeginJob = self.store_job  # the supervisor sets its own
        self._closing = self._is_closed = False
        self.has_failed = False

    @property
    def tasks(self) -> list[asyncio.Task[None]]:
        """What is at work; it ends with `close`."""
        return list(self._tasks)

    def open(self, info: RunInfo, *, fence: int, next_seq: int) -> RunJournal:
        return RunJournal(self, info, fence=fence, next_seq=next_seq)

    def wake(self, journal: RunJournal) -> None:
        if self._is_closed:
            return journal.lose()  # nobody stores it any more, and whoever waits for that would wait for ever
        self._dirty[journal] = None
        self._wake.set()
        return None

    def wake_soon(self, journal: RunJournal) -> None:
        if self._is_closed:
            return journal.lose()
        self._dirty[journal] = None
        seconds = BACKGROUND_SECONDS if journal.is_background else SOON_SECONDS
        asyncio.get_running_loop().call_later(seconds, self._wake.set)
        return None

    async def begin(self, begin: Begin) -> None:
        """Return once the run is stored; `begin` says how. Raises: what refused this one."""
        await self._starts.begin(begin)

    async def store_job(self, job: NewJob) -> None:
        """Return once it is decided whether the job is stored. Raises: Unavailable."""
        with contextlib.suppress(LimitExceeded, Unavailable):  # as it begins to work it is told
            job.charges = await self._ledger.charges(job.consumer)
        await self._starts.store_job(job)

    def start(self) -> None:
        self._spawn(self._run(), "journal-writer")
        self._spawn(self._starts.run(), "journal-starts")

    async def close(self) -> None:
        """Flush what waits and stop."""
        self._closing = True
        self._wake.set()
        self._starts.close()
        while self._tasks:
            await asyncio.wait(self.tasks)
        self._is_closed = True

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._on_end)
        return task

    def _on_end(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._asides.discard(task)
        if not task.cancelled() and (error := task.exception()):
            logger.critical("the journal writer ended: %s", whereabouts(error))
            self.has_failed = True

    async def _run(self) -> None:
        last = interval = 0.0
        while not self._closing or self._dirty or self._asides:
            if self._closing and not self._dirty:
                await asyncio.wait(set(self._asides))
                continue
            await self._wake.wait()
            if (rest := last + interval - time.monotonic()) > 0:
                await asyncio.sleep(rest)
            last = time.monotonic()
            self._wake.clear()
            taken, events = self._take()
            await self._flush(taken)
            interval = flush_interval_seconds(len(taken), events, time.monotonic() - last)
            self._starts.interval_seconds = interval * STARTS_INTERVAL_OF_A_FLUSH

    def _take(self) -> tuple[list[tuple[RunJournal, list[Waiting]]], int]:
        """Return what each run has waiting, and how many events that is."""
        taken, events = [], 0
        for journal in self._dirty:
            if journal.waiting and not journal.is_aside:  # one that is aside comes back by itself
                taken.append((journal, journal.waiting))
                for item in journal.waiting:
                    events += len(item.write.events)
                journal.waiting = []
        self._dirty = {}
        return taken, events

    async def _flush(self, taken: list[tuple[RunJournal, list[Waiting]]]) -> None:
        """Store what was taken, or let it be stored aside."""
        at_once: list[Record] = []
        in_turn: list[Record] = []
        now = utc_now()
        armed = is_armed()
        for journal, waiting in taken:
            if any(map(_is_guarded, waiting)):
                self._aside([journal], partial(self._store_guarded, journal, waiting))
            elif record := self._encoded(journal, waiting, now):
                (at_once if record.is_plain and not armed else in_turn).append(record)
        if in_turn:
            self._aside([record.journal for record in in_turn], partial(self._store, in_turn))
        if at_once:
            await self._store_at_once(at_once)

    def _aside(self, journals: list[RunJournal], work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Store something of these runs while others are flushed; their own order is kept."""

        async def store() -> None:
            try:
                async with self._places_aside:
                    await work()
            finally:
                for journal in journals:
                    journal.is_aside = False
                    if journal.waiting:
                        self.wake(journal)

        for journal in journals:
            journal.is_aside = True
        self._asides.add(self._spawn(store(), "journal-aside"))

    async def _store_at_once(self, records: list[Record]) -> None:
        """Store plain records with one statement; those whose runs are locked, or not ours any more, go aside."""
        try:
            with self.storing.one():
                async with self.pool.connection() as connection:
                    stored = await flush.store_at_once(connection, records, process=self._process)
        except (psycopg.Error, *UNENCODABLE) as error:
            logger.info("journal: a flush goes the longer road (%s)", type(error).__name__)
            return await self._store(records)
        self._publish(stored)
        if left := _beside(records, stored):
            self._aside([record.journal for record in left], partial(self._store, left))
        return None

    def _encoded(self, journal: RunJournal, waiting: list[Waiting], now: datetime) -> Record | None:
        """Return a run's record; a value that can't be encoded ends that run and no other."""
        try:
            return self._record(journal, waiting, now)
        except UNENCODABLE as error:
            logger.error("journal: a write can't be encoded: %s", whereabouts(error))
            journal.lose()
            for item in waiting:
                settle(item.done, LeaseLost("A value of this run can't be stored."))
            return None

    def _record(self, journal: RunJournal, waiting: Sequence[Waiting], now: datetime) -> Record:
        """Number and encode what waits; a record keeps its numbers through every retry."""
        record = Record(journal, journal.next_seq)
        pending: list[Event] = []
        for item in waiting:
            if item.done is not None:
                record.waiters.append(item.done)
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
        return record

    def _number(
        self, journal: RunJournal, record: Record, pending: list[tuple[str, JsonObject]], now: datetime
    ) -> None:
        for name, payload in coalesce(pending):
            record.lines.append(encode(name, payload, journal.base, now))
            journal.next_seq += 1

    async def _store(self, records: list[Record]) -> None:
        for attempt, pause in enumerate((*RETRY_SECONDS, None)):
            try:
                with self.storing.one():
                    async with self.pool.connection() as connection:
                        stored = await flush.store(connection, records, process=self._process, is_retry=attempt > 0)
                return self._end(records, stored)
            except NOT_STORED as error:
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
        """Store one run whose writes carry guarded statements, each of those with the events that came before it."""
        for part in _parts(waiting):
            await self._store_part(journal, part)

    async def _store_part(self, journal: RunJournal, part: list[Waiting]) -> None:
        if journal.is_lost:
            for item in part:
                settle(item.done, LeaseLost())
            return None
        before, statements = journal.next_seq, part[-1].write.statements
        record = self._encoded(journal, part, utc_now())
        if record is None:
            return None
        if not statements:
            return await self._store([record])
        record.statements = statements
        try:
            with self.storing.one():
                async with self.pool.connection() as connection:
                    stored = await flush.store(connection, [record], process=self._process, is_retry=False)
            self._end([record], stored)
        except flush.StatementRefused as refused:
            await self._refuse(journal, part, before, refused.refusal)
        except NOT_STORED as error:
            # It may have been stored all the same, so it is neither repeated nor refused: the journal knows.
            logger.warning("journal: the database did not take a guarded write (%s)", type(error).__name__)
            self._fail([record], LeaseLost("The database could not be reached."))
        except (psycopg.Error, *UNENCODABLE) as error:
            logger.error("journal: a guarded write failed: %s", whereabouts(error))
            await self._refuse(journal, part, before, "The database refused this write.")

    async def _refuse(self, journal: RunJournal, part: list[Waiting], next_seq: int, refusal: str) -> None:
        """Tell that nothing of the guarded write happened: its numbers are free again, and its run goes on.

        The events before it stay said.
        """
        journal.next_seq = next_seq
        *events, item = part
        if events:
            await self._store_part(journal, events)
        if item.write.run is not None:
            journal.reopen()
        settle(item.done, WriteRefused(refusal))

    def _end(self, records: list[Record], stored: list[Record]) -> None:
        """Publish what was stored; the others have lost their runs."""
        self._publish(stored)
        for record in _beside(records, stored):
            self._lose(record)

    def _publish(self, records: list[Record]) -> None:
        for record in records:
            if record.lines:
                self._hub.publish(record.info.run_id, (record.first_seq, record.lines))
            if record.change is not None and record.change.status.is_final:
                self._ledger.ended(record.info)
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


def flush_interval_seconds(runs: int, events: int, took_seconds: float) -> float:
    """Return what may pass from the beginning of a flush of so many runs to that of the next.

    It gains from waiting as far as it joins what each run says meanwhile.
    """
    joined = max(1.0, events / max(1, runs))
    return min(
        FLUSH_INTERVAL_SECONDS,
        FLUSH_INTERVAL_SECONDS_PER_RUN * runs,
        FLUSH_INTERVAL_TIMES_ITS_LENGTH * took_seconds,
        FLUSH_INTERVAL_SECONDS_PER_EVENT_OF_A_RUN * joined,
    )


def _is_guarded(item: Waiting) -> bool:
    return bool(item.write.statements)


def _beside(records: list[Record], stored: list[Record]) -> list[Record]:
    """Return the records that were not stored."""
    if len(stored) == len(records):
        return []
    found = set(stored)
    return [record for record in records if record not in found]


def _parts(waiting: list[Waiting]) -> list[list[Waiting]]:
    """Split what one run has waiting so that each guarded write ends a part, with nothing before it but events.

    A guarded end takes the steps along that came right before it, and looks at none of them.
    """
    parts: list[list[Waiting]] = [[]]
    for item in waiting:
        if item.write.statements:
            run = item.write.run
            may_go_along = is_progress if run and run.status is RunStatus.COMPLETED else is_events_only
            taken = list(takewhile(may_go_along, reversed(parts[-1])))[::-1]
            parts[-1] = parts[-1][: len(parts[-1]) - len(taken)]
            parts += [[*taken, item], []]
        else:
            parts[-1].append(item)
    return [part for part in parts if part]
