"""Stores the runs that this process starts: all that have come since the last commit, in the next one.

Beside the journal's flushes, not between them: a start has no place in the order of the runs under way.
"""

from __future__ import annotations

import asyncio
import time

import psycopg
from psycopg_pool import AsyncConnectionPool

from agents.services.journal.begin import Begin, begin_runs
from agents.services.journal.storing import NOT_STORED, Storing
from agents.services.ledger import Ledger


class Starts:
    """The group commit of new runs. `interval_seconds` is what a busy process waits from one to the next."""

    def __init__(self, pool: AsyncConnectionPool, ledger: Ledger, storing: Storing) -> None:
        self._pool, self._ledger, self._storing = pool, ledger, storing
        self._waiting: list[Begin] = []
        self._wake = asyncio.Event()
        self._closing = False
        self.interval_seconds = 0.0

    async def begin(self, begin: Begin) -> None:
        """Return once the run is stored. Raises: what refused this one."""
        self._waiting.append(begin)
        self._wake.set()
        await begin.done

    def close(self) -> None:
        """End `run` once nothing waits any more."""
        self._closing = True
        self._wake.set()

    async def run(self) -> None:
        last = 0.0
        while self._waiting or not self._closing:
            await self._wake.wait()
            if (rest := last + self.interval_seconds - time.monotonic()) > 0:
                await asyncio.sleep(rest)
            last = time.monotonic()
            self._wake.clear()
            begins, self._waiting = self._waiting, []
            if begins:
                await self._store(begins)
            if self._closing:
                self._wake.set()

    async def _store(self, begins: list[Begin]) -> None:
        """Store all, or each by itself when one of them can't be."""
        try:
            with self._storing.one():
                async with self._pool.connection() as connection:
                    await begin_runs(connection, begins, self._ledger)
        except (psycopg.Error, TypeError, ValueError, RecursionError) as error:
            if len(begins) == 1 or isinstance(error, NOT_STORED):
                for begin in begins:
                    begin.refuse(error)
                return
            for begin in begins:
                await self._store([begin])
            return
        for begin in begins:
            begin.finish()
