"""An owner that cannot renew gives its runs up before their leases end, whatever its database leaves it waiting for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from itertools import chain, repeat
from selectors import DefaultSelector
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

from agents.services import leases, queue
from agents.services.execution import StopReason
from agents.services.leases import Leases
from agents.services.queue import LEASE_SECONDS

NEVER = 10 * LEASE_SECONDS


class Leaping(DefaultSelector):
    """Leaps over every wait: its clock is late by as much at once."""

    leapt = 0.0

    def select(self, timeout: float | None = None) -> Any:
        self.leapt += timeout or 0
        return super().select(0)


class Database:
    """Takes a while to open each connection and to answer each renewal; the last of these whiles lasts."""

    def __init__(self, clock: Any, opens: tuple[float, ...], answers: tuple[float, ...]) -> None:
        self.clock = clock
        self.opens, self.answers = (chain(whiles, repeat(whiles[-1])) for whiles in (opens, answers))
        self.held_until = 0.0

    async def connect(self, *_: object, connect_timeout: float, **__: object) -> Database:
        takes = next(self.opens)
        await asyncio.sleep(min(takes, connect_timeout))
        if takes > connect_timeout:
            raise psycopg.OperationalError
        return self

    async def __aenter__(self) -> Database:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    async def renew(self, *_: object, **__: object) -> list[Any]:
        asked_at = self.clock()
        try:
            await asyncio.sleep(next(self.answers))
        except asyncio.CancelledError:  # a driver asks the server to end the statement, and waits for that as well
            await asyncio.sleep(10)
            raise
        self.held_until = asked_at + LEASE_SECONDS
        return []


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Any, asyncio.Runner]]:
    selector = Leaping()

    def now() -> float:
        return time.monotonic() + selector.leapt

    def new_loop() -> asyncio.AbstractEventLoop:
        loop = asyncio.SelectorEventLoop(selector)
        loop.time = now  # type: ignore[method-assign]
        return loop

    monkeypatch.setattr(leases, "time", SimpleNamespace(monotonic=now))
    with asyncio.Runner(loop_factory=new_loop) as runner:
        yield now, runner


@pytest.mark.parametrize("opens", [(0.0,), (0.0, 2.9), (0.0, NEVER), (0.0, 2.9, 0.0)])
@pytest.mark.parametrize("answers", [(0.0, NEVER), (0.0, 0.0, 4.9, NEVER), (4.9, 4.9, NEVER), (0.0, 5.1, 5.1)])
def test_runs_are_given_up_before_their_leases_end(
    clock: tuple[Any, asyncio.Runner],
    monkeypatch: pytest.MonkeyPatch,
    opens: tuple[float, ...],
    answers: tuple[float, ...],
) -> None:
    now, runner = clock
    database = Database(now, opens, answers)
    given_up = asyncio.Event()

    def cancel_all(reason: StopReason) -> None:
        assert reason is StopReason.LOST
        given_up.set()

    async def until_given_up() -> float:
        live: Any = SimpleNamespace(run_ids=[], cancel_all=cancel_all)
        renewing = asyncio.create_task(Leases("", owner="one", live=live).renew_for_ever())
        await given_up.wait()
        renewing.cancel()
        return float(now())

    monkeypatch.setattr(psycopg.AsyncConnection, "connect", database.connect)
    monkeypatch.setattr(queue, "renew", database.renew)
    gave_up_at = runner.run(until_given_up())
    assert database.held_until - LEASE_SECONDS / 2 < gave_up_at < database.held_until
