"""Stores the runs that this process starts: all that have come since the last commit, in the next one.

Background work that is asked for goes along: nobody waits for it.

Beside the journal's flushes, not between them: a start has no place in the order of the runs under way.
"""

from __future__ import annotations

import asyncio
import time
from functools import partial

import psycopg
from psycopg_pool import AsyncConnectionPool

from agents.services.jobs import NewJob
from agents.services.journal.begin import Begin, begin_runs
from agents.services.journal.storing import NOT_STORED, Storing
from agents.services.ledger import Ledger

BACKGROUND_SECONDS = 0.05  # what background work has to store waits for what anybody stores next


class Starts:
    """The group commit of new runs. `interval_seconds` is what a busy process waits from one to the next.

    It has one of the pool's connections. While that stores some, those who come meanwhile do not wait for the commit
    if one of the places `aside` is free: so what waits for somebody's row never holds all connections.
    """

    def __init__(self, pool: AsyncConnectionPool, ledger: Ledger, storing: Storing, aside: asyncio.Semaphore) -> None:
        self._pool, self._ledger, self._storing = pool, ledger, storing
        self._own, self._aside = asyncio.Semaphore(1), aside
        self._waiting: list[Begin] = []
        self._jobs: list[NewJob] = []
        self._wake = asyncio.Event()
        self._closing = False
        self.interval_seconds = 0.0

    async def begin(self, begin: Begin) -> None:
        """Return once the run is stored. Raises: what refused this one."""
        self._waiting.append(begin)
        self._wake.set()
        await begin.done

    async def store_job(self, job: NewJob) -> None:
        """Return once it is decided whether the job is stored: with the runs that begin next, or soon by itself.

        Raises: Unavailable.
        """
        self._jobs.append(job)
        asyncio.get_running_loop().call_later(BACKGROUND_SECONDS, self._wake.set)
        await job.done

    def close(self) -> None:
        """End `run` once nothing waits any more."""
        self._closing = True
        self._wake.set()

    async def run(self) -> None:
        while self._is_wanted:
            async with asyncio.TaskGroup() as storing:
                await self._store_in_turn(storing)  # who comes while the last of them are stored wants another round

    @property
    def _is_wanted(self) -> bool:
        return bool(self._waiting or self._jobs or not self._closing)

    async def _store_in_turn(self, storing: asyncio.TaskGroup) -> None:
        last = 0.0
        while self._is_wanted:
            await self._wake.wait()
            if (rest := last + self.interval_seconds - time.monotonic()) > 0:
                await asyncio.sleep(rest)
            place = self._aside if self._own.locked() and not self._aside.locked() else self._own
            await place.acquire()
            last = time.monotonic()
            self._wake.clear()
            begins, self._waiting = self._waiting, []
            jobs, self._jobs = self._jobs, []
            storing.create_task(self._store(begins, jobs)).add_done_callback(partial(_leave, place))
            if self._closing:
                self._wake.set()

    async def _store(self, begins: list[Begin], jobs: list[NewJob]) -> None:
        """Store all, or each by itself when one of them can't be."""
        items: list[Begin | NewJob] = [*begins, *jobs]
        if not items:
            return
        try:
            with self._storing.one():
                async with self._pool.connection() as connection:
                    await begin_runs(connection, begins, self._ledger, jobs)
        except (psycopg.Error, TypeError, ValueError, RecursionError) as error:
            if len(items) == 1 or isinstance(error, NOT_STORED):
                for item in items:
                    item.refuse(error)
                return
            for begin in begins:
                await self._store([begin], [])
            for job in jobs:
                await self._store([], [job])
            return
        for item in items:
            item.finish()


def _leave(place: asyncio.Semaphore, _: asyncio.Task[None]) -> None:
    place.release()
