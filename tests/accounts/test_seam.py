"""The seam: few threads, connections that stay, errors that pass through, contexts that are copied."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextvars import ContextVar

import psycopg
import pytest
from django.conf import settings
from django.db import DatabaseError, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from accounts import seam
from accounts.seam import SIGN_IN_THREADS, THREADS, in_sign_in_thread, in_thread

mark: ContextVar[str] = ContextVar("mark", default="unset")


@pytest.fixture(autouse=True)
def _closed_after() -> Iterator[None]:
    yield
    seam.close()


def backend_pid() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def end(pids: set[int]) -> None:
    with psycopg.connect(settings.DATABASE_ADMIN_URL) as admin:  # the application's role ends nobody
        admin.execute("SELECT pg_terminate_backend(pid, 5000) FROM unnest(%s::int[]) AS t(pid)", [list(pids)])


async def test_connections_stay_open_between_jobs(database: None) -> None:
    pids = {await in_thread(backend_pid) for _ in range(40)}
    assert 1 <= len(pids) <= THREADS


async def test_no_more_threads_than_six(database: None) -> None:
    running, most, lock = 0, 0, threading.Lock()
    release = threading.Event()

    def job() -> str:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
            if running == THREADS:
                release.set()
        release.wait(10)
        with lock:
            running -= 1
        return threading.current_thread().name

    names = await asyncio.gather(*(in_thread(job) for _ in range(3 * THREADS)))
    assert most == THREADS
    assert len(set(names)) == THREADS
    assert all(name.startswith("seam") for name in names)


async def test_the_settings_of_other_threads_are_untouched(database: None) -> None:
    ages = await in_thread(lambda: connections["default"].settings_dict["CONN_MAX_AGE"])
    assert ages is None
    assert connections["default"].settings_dict["CONN_MAX_AGE"] == 0


async def test_a_context_is_copied_in_and_results_come_out(database: None) -> None:
    mark.set("here")
    assert await in_thread(mark.get) == "here"
    await in_thread(mark.set, "there")
    assert mark.get() == "here"
    assert await in_thread(int, "11", base=2) == 3


async def test_a_connection_that_met_an_error_is_dropped(database: None) -> None:
    def fail() -> int:
        pid = backend_pid()
        with pytest.raises(DatabaseError), connection.cursor() as cursor:
            cursor.execute("SELECT 1/0")
        seen.append(pid)
        with connection.cursor() as cursor:
            cursor.execute("SELECT broken")
        return pid

    seen: list[int] = []
    with pytest.raises(DatabaseError, match="broken"):
        await in_thread(fail)
    assert seen[0] not in {await in_thread(backend_pid) for _ in range(2 * THREADS)}


async def test_a_connection_that_died_is_replaced(database: None) -> None:
    pids = {await in_thread(backend_pid) for _ in range(3 * THREADS)}
    await asyncio.to_thread(end, pids)
    after = {await in_thread(backend_pid) for _ in range(3 * THREADS)}
    assert not pids & after


async def test_closing_ends_threads_and_connections_and_the_next_job_starts_anew(database: None) -> None:
    pid = await in_thread(backend_pid)
    seam.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("seam")]
    assert await in_thread(backend_pid) != pid


async def test_a_caller_who_leaves_does_not_stop_the_job() -> None:
    started, release, done = threading.Event(), threading.Event(), threading.Event()

    def job() -> None:
        started.set()
        release.wait(10)
        done.set()

    task = asyncio.ensure_future(in_thread(job))
    while not started.is_set():
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    release.set()
    seam.close()
    assert done.is_set()


async def test_who_guesses_passwords_holds_up_nobody_else() -> None:
    released = threading.Event()
    guesses = [asyncio.ensure_future(in_sign_in_thread(released.wait)) for _ in range(SIGN_IN_THREADS + THREADS)]
    try:
        assert await in_thread(lambda: "read") == "read"
        assert not any(guess.done() for guess in guesses)
    finally:
        released.set()
        await asyncio.gather(*guesses)


def test_what_is_left_for_later_is_done_when_the_seam_ends() -> None:
    done: list[str] = []
    begin = threading.Event()
    seam.later(begin.wait)
    seam.later(done.append, "recorded")
    begin.set()
    seam.close()
    assert done == ["recorded"]


async def test_a_connection_that_was_used_just_now_is_looked_at_without_asking_the_server(
    database: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    wrapper = type(connections["default"])
    is_usable = wrapper.is_usable

    def counting(self: BaseDatabaseWrapper) -> bool:
        asked.append(1)
        return is_usable(self)

    monkeypatch.setattr(wrapper, "is_usable", counting)
    monkeypatch.setattr(seam, "FRESH_SECONDS", 3600.0)  # however long this machine takes
    together = threading.Barrier(THREADS)

    def first_job() -> None:
        together.wait(10)
        backend_pid()

    await asyncio.gather(*(in_thread(first_job) for _ in range(THREADS)))
    asked.clear()  # each thread may have had to ask, the first time
    await asyncio.gather(*(in_thread(backend_pid) for _ in range(3 * THREADS)))
    for _ in range(3 * THREADS):
        await in_thread(backend_pid)
    assert asked == []
    monkeypatch.setattr(seam, "FRESH_SECONDS", -1.0)  # as if it were long ago
    await in_thread(backend_pid)
    assert asked == [1]
