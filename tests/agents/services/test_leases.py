"""An owner that cannot renew gives its runs up before their leases end, whatever its database leaves it waiting for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from itertools import chain, repeat
from selectors import DefaultSelector
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.db.models.functions import Now

from accounts.seam import in_thread
from agentos.core.ids import new_id
from agents.models import Run
from agents.services import leases, queue
from agents.services.execution import StopReason
from agents.services.leases import Leases
from agents.services.queue import LEASE_SECONDS
from tests.agents.services.conftest import MakeProcess
from tests.agents.services.stored import expire_lease

NEVER = 10 * LEASE_SECONDS
HELD, FREE, ENDED = new_id(), new_id(), new_id()  # the last is still at work on its summary


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

    async def renew(self, *_: object, **__: object) -> dict[UUID, bool]:
        asked_at = self.clock()
        try:
            await asyncio.sleep(next(self.answers))
        except asyncio.CancelledError:  # a driver asks the server to end the statement, and waits for that as well
            await asyncio.sleep(10)
            raise
        self.held_until = asked_at + LEASE_SECONDS
        return {}


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


@pytest.mark.parametrize("comes_free_after", [0.3, 6.0, 11.0, NEVER])
def test_a_run_whose_row_is_held_loses_its_own_lease_at_most(
    clock: tuple[Any, asyncio.Runner], monkeypatch: pytest.MonkeyPatch, comes_free_after: float
) -> None:
    now, runner = clock
    database = Database(now, (0.0,), (0.0,))
    began_at, held_until = now(), now() + LEASE_SECONDS
    lost: list[tuple[UUID, StopReason, float]] = []

    async def renew(*_: object, run_ids: list[UUID], **__: object) -> dict[UUID, bool | None]:
        nonlocal held_until
        is_held = now() - began_at < comes_free_after
        held_until = held_until if is_held or HELD not in run_ids else now() + LEASE_SECONDS
        return {run_id: None if run_id == HELD and is_held else False for run_id in run_ids if run_id != ENDED}

    def cancel(run_id: UUID, reason: StopReason) -> None:
        lost.append((run_id, reason, now()))
        live.run_ids.remove(run_id)

    live: Any = SimpleNamespace(run_ids=[HELD, FREE, ENDED], cancel=cancel)

    async def for_a_minute() -> None:
        renewing = asyncio.create_task(Leases("", owner="one", live=live).renew_for_ever())
        await asyncio.sleep(60)
        assert not renewing.done()
        renewing.cancel()

    monkeypatch.setattr(psycopg.AsyncConnection, "connect", database.connect)
    monkeypatch.setattr(queue, "renew", renew)
    runner.run(for_a_minute())
    assert [(run_id, reason) for run_id, reason, _ in lost] == [(HELD, StopReason.LOST)] * (comes_free_after == NEVER)
    assert all(held_until - LEASE_SECONDS / 2 < at < held_until for _, _, at in lost)


async def test_a_held_row_keeps_no_other_lease_from_being_renewed(make_process: MakeProcess) -> None:
    process = await make_process(supervise=False)
    begins = [process.new() for _ in range(3)]
    for begin in begins:
        await process.supervisor.writer.begin(begin)
        await in_thread(expire_lease, begin)
    held, *others = (begin.run_id for begin in begins)
    asked = {"owner": process.supervisor.name, "run_ids": [held, *others]}

    async def renew() -> set[UUID]:
        async with process.pool.connection() as connection, asyncio.timeout(20):
            answered = await queue.renew(connection, **asked)
        assert set(answered) == {held, *others}
        return {run_id for run_id, is_cancelled in answered.items() if is_cancelled is not None}

    def leased() -> set[UUID]:
        return set(Run.objects.using("system").filter(lease_until__gt=Now()).values_list("id", flat=True))

    async with process.pool.connection() as holding, holding.transaction():
        await holding.execute("SELECT FROM agents_run WHERE id = %s FOR NO KEY UPDATE", [held])
        assert await renew() == set(others) == await in_thread(leased)
    assert await renew() == {held, *others} == await in_thread(leased)


async def test_a_child_that_is_stored_holds_no_renewal_up(make_process: MakeProcess) -> None:
    """What refers to a run locks its row, but in a way that lets leases be renewed."""
    process = await make_process(supervise=False)
    begin = process.new()
    await process.supervisor.writer.begin(begin)
    async with process.pool.connection() as holding, holding.transaction():
        await holding.execute("SELECT FROM agents_run WHERE id = %s FOR KEY SHARE", [begin.run_id])
        async with process.pool.connection() as connection:
            owner = process.supervisor.name
            assert await queue.renew(connection, owner=owner, run_ids=[begin.run_id]) == {begin.run_id: False}
