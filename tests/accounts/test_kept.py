"""What is kept of the database for a moment: how old it may be, and who waits for it to be read anew."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pytest
from django.db import DatabaseError

from accounts.kept import Kept


class Source:
    """Says `answer` once it may, and counts who asked."""

    def __init__(self, answer: str, *, at_once: bool = True) -> None:
        self.answer, self.calls = answer, 0
        self.may, self.is_asked = threading.Event(), threading.Event()
        if at_once:
            self.may.set()

    def __call__(self) -> str:
        self.calls += 1
        self.is_asked.set()
        assert self.may.wait(10)
        return self.answer


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0.005)


async def test_nobody_waits_for_what_is_asked_for_all_the_time() -> None:
    now = 0.0
    kept: Kept[str] = Kept(seconds=2, most=10, clock=lambda: now)
    await kept.get("a", Source("old"))
    now, slow = 1.6, Source("new", at_once=False)
    assert [await kept.get("a", slow) for _ in range(3)] == ["old"] * 3
    slow.may.set()
    await until(lambda: kept.peek("a") == "new")
    assert slow.calls == 1
    now = 3.5
    assert kept.peek("a") == "new"
    now = 3.6  # since it was asked for
    assert kept.peek("a") is None


async def test_what_is_too_old_serves_nobody() -> None:
    now = 0.0
    kept: Kept[str] = Kept(seconds=2, most=10, clock=lambda: now)
    await kept.get("a", Source("old"))
    now, slow = 1.6, Source("new", at_once=False)
    await kept.get("a", slow)
    now = 2.0
    late = asyncio.ensure_future(kept.get("a", slow))
    await until(slow.is_asked.is_set)
    assert not late.done()
    slow.may.set()
    assert await late == "new"
    assert slow.calls == 1


async def test_what_fails_ahead_of_its_time_fails_only_who_needs_it() -> None:
    now, failures = 0.0, 0
    kept: Kept[str] = Kept(seconds=2, most=10, clock=lambda: now)
    await kept.get("a", Source("old"))

    def failing() -> str:
        nonlocal failures
        failures += 1
        raise DatabaseError

    now = 1.9
    assert await kept.get("a", failing) == "old"
    await until(lambda: failures == 1 and not kept._loading)
    assert kept.peek("a") == "old"
    now = 2.0
    with pytest.raises(DatabaseError):
        await kept.get("a", failing)


async def test_what_was_being_read_at_a_change_is_not_kept() -> None:
    kept: Kept[str] = Kept(seconds=2, most=10)
    before, after = Source("before", at_once=False), Source("after")
    reading = asyncio.ensure_future(kept.get("a", before))
    await until(before.is_asked.is_set)
    kept.forget()
    assert await kept.get("a", after) == "after"
    before.may.set()
    assert await reading == "before"
    assert kept.peek("a") == "after"


async def test_what_a_thread_makes_forgotten_while_it_is_kept_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: Kept[str] = Kept(seconds=2, most=10)
    forgetting = threading.Thread(target=kept.forget)
    keep = kept.keep

    def interrupted(key: object, asked_at: float, value: str) -> None:
        forgetting.start()
        forgetting.join(0.2)  # it waits, or it has forgotten too early
        keep(key, asked_at, value)

    monkeypatch.setattr(kept, "keep", interrupted)
    assert await kept.get("a", Source("old")) == "old"
    forgetting.join(10)
    assert kept.peek("a") is None
