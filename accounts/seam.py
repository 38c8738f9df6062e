"""The one seam from async code to the synchronous ORM: a few threads, each keeping its database connections.

A connection is checked before each job (its socket, or after a while the server), dropped after a database error, and
else stays open. A thread may come to hold one for each role, and a process has twelve in all: 4 of the journal, 2 that
listen and renew, 6 here.
"""

from __future__ import annotations

import asyncio
import select
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Any, ParamSpec, TypeVar

from django.db import Error as DatabaseFailure
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from agentos.core.clock import monotonic

P = ParamSpec("P")
T = TypeVar("T")
THREADS = 3
OUTSIDE_THREADS = 4  # they wait for servers outside; whoever uses them holds no connection meanwhile
FRESH_SECONDS = 10.0  # how long the socket's word is enough; after that the server is asked
BACKGROUND_THREADS = 1
SIGN_IN_THREADS = 2  # a password's hash takes long and much memory: who guesses holds up nobody but herself


class Seam:
    """A bounded pool of threads. The first job starts it, `close` ends it, the next job starts it anew."""

    def __init__(self, threads: int = THREADS, *, keeps_connections: bool = True) -> None:
        self._threads, self._keeps_connections = threads, keeps_connections
        self._lock = threading.Lock()
        self._local = threading.local()
        self._pool: ThreadPoolExecutor | None = None
        self._kept: list[BaseDatabaseWrapper] = []

    async def run(self, job: Callable[[], T]) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._started(), partial(copy_context().run, self._in_good_order, job))

    def later(self, job: Callable[[], object]) -> None:
        """Run a job after the answer; nobody waits for it, so it tells its failures to the log itself."""
        self._started().submit(copy_context().run, self._in_good_order, job)

    def ask(self, job: Callable[[], T]) -> T:
        """Run a job for a thread that holds no connection itself, which waits for the result."""
        return self._started().submit(copy_context().run, self._in_good_order, job).result()

    def close(self) -> None:
        """Wait for running jobs, then end the threads and close their connections."""
        with self._lock:
            pool, self._pool = self._pool, None
            kept, self._kept = self._kept, []
        if pool is None:
            return
        pool.shutdown(wait=True)
        with ThreadPoolExecutor(1) as closer:  # Django closes nothing on a thread with an event loop
            closer.submit(_closed, kept).result()

    def _started(self) -> ThreadPoolExecutor:
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(
                    self._threads, thread_name_prefix="seam", initializer=self._keep_connections
                )
            return self._pool

    def _in_good_order(self, job: Callable[[], T]) -> T:
        for connection in connections.all(initialized_only=True):
            connection.close_if_unusable_or_obsolete()
            if self._is_fresh() and _is_open(connection):
                connection.health_check_done = True  # type: ignore[attr-defined]  # the stubs do not know it
        keeps = self._keeps_connections
        try:
            return job()
        except DatabaseFailure:
            keeps = False
            raise
        finally:
            self._local.used_at = monotonic()
            if not keeps:
                for connection in connections.all(initialized_only=True):
                    connection.close()

    def _is_fresh(self) -> bool:
        """Tell whether this thread was at work a moment ago: nothing between here and the database drops it so soon."""
        return monotonic() - getattr(self._local, "used_at", -FRESH_SECONDS) < FRESH_SECONDS

    def _keep_connections(self) -> None:
        for alias in connections:
            connection = connections[alias]
            # A copy: the settings are shared with every other thread, whose connections must not live on.
            connection.settings_dict = {
                **connection.settings_dict,
                "CONN_MAX_AGE": None,
                "CONN_HEALTH_CHECKS": True,
            }
            with self._lock:
                self._kept.append(connection)


def _is_open(connection: BaseDatabaseWrapper) -> bool:
    """Tell, without asking the server, whether it has hung up: then there is something to read."""
    raw = connection.connection
    if raw is None or raw.closed:
        return False
    return not select.select([raw.fileno()], [], [], 0)[0]


def _closed(kept: list[BaseDatabaseWrapper]) -> None:
    for connection in kept:
        connection.inc_thread_sharing()  # its thread is gone: only we hold it now
        connection.close()


_seam = Seam()
_sign_ins = Seam(SIGN_IN_THREADS, keeps_connections=False)
_background = Seam(BACKGROUND_THREADS, keeps_connections=False)
_outside = Seam(OUTSIDE_THREADS, keeps_connections=False)


async def in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a sync function that uses the ORM in one of the seam's threads, and return its result.

    A caller that is cancelled leaves the job to end by itself.
    """
    job: Callable[[], Any] = partial(function, *args, **kwargs)
    return await _seam.run(job)


async def in_sign_in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """As `in_thread`, in one of the threads that check passwords."""
    job: Callable[[], Any] = partial(function, *args, **kwargs)
    return await _sign_ins.run(job)


async def in_background_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """As `in_thread`, for work that nobody waits for: however long it takes, it holds up nobody else's."""
    job: Callable[[], Any] = partial(function, *args, **kwargs)
    return await _background.run(job)


def later(function: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> None:
    """Run a sync function after the caller has answered. It logs its own failures."""
    _seam.later(partial(function, *args, **kwargs))


def ask(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """As `in_thread`, for a thread of no loop: those that wait for servers outside ask the database so."""
    job: Callable[[], T] = partial(function, *args, **kwargs)
    return _seam.ask(job)


def to_outside(function: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> None:
    """As `later`, in the threads that wait for servers outside."""
    _outside.later(partial(function, *args, **kwargs))


def close() -> None:
    """End the seam's threads and close their connections; for the end of a process and of a test."""
    _outside.close()
    _sign_ins.close()
    _background.close()
    _seam.close()
