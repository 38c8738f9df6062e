"""Readers that catch up from the log: few at once, in order, none of them held up by one who takes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable

from accounts.seam import in_thread
from agents.engine.model_calls import ModelReply, ModelRequest
from agents.engine.testing import ScriptedModel
from agents.models import RunEvents
from agents.services import catching_up, log
from agents.services.catching_up import CatchingUp
from tests.agents.services.conftest import read

READERS = 30


class Halting(ScriptedModel):
    """A scripted model whose words are stored one by one."""

    async def stream(self, request: ModelRequest) -> AsyncGenerator[str | ModelReply, None]:
        for _ in range(5):
            yield "Well, "
            await asyncio.sleep(0.06)
        async for part in super().stream(request):
            yield part


async def behind(make_process, monkeypatch):
    """Return a process, a run that has ended, its lines and how many pages they are."""
    monkeypatch.setattr(log, "FEW_ROWS", 1)
    monkeypatch.setattr(log, "PAGE_ROWS", 1)
    process = await make_process(model=Halting(["Done"]))
    begin = process.new()
    lines = await read(await process.start(begin))
    pages = await in_thread(RunEvents.objects.using("system").filter(run_id=begin.run_id).count)
    assert pages > 2
    return process, begin, lines, pages


async def test_many_who_catch_up_at_once_read_two_pages_at_a_time_and_all_of_it(make_process, monkeypatch):
    process, begin, lines, pages = await behind(make_process, monkeypatch)
    reading = Reading()
    monkeypatch.setattr(log, "page", reading)
    followers = [process.follow(begin, to_end=True) for _ in range(READERS)]
    assert await asyncio.gather(*(read(follower) for follower in followers)) == [lines] * READERS
    assert reading.asked == READERS * pages
    assert reading.most == catching_up.MOST_AT_ONCE
    assert process.hub.streams.taken == 0


class Reading:
    """Reads pages, and counts how many are read at a time by those who had one already."""

    def __init__(self) -> None:
        self._page = log.page
        self.asked = self.now = self.most = 0

    async def __call__(self, *positional, after, **named):
        self.asked += 1
        if not after:
            return await self._page(*positional, after=after, **named)
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await asyncio.sleep(0.001)
            return await self._page(*positional, after=after, **named)
        finally:
            self.now -= 1


async def test_who_takes_nothing_holds_no_place(make_process, monkeypatch):
    process, begin, lines, _ = await behind(make_process, monkeypatch)
    stalled = [process.follow(begin, to_end=True).lines() for _ in range(catching_up.MOST_AT_ONCE + 1)]
    for one in stalled:
        await anext(one)
        await anext(one)  # she has the page for which she waited for a place, and asks for no other
    assert await read(process.follow(begin, to_end=True)) == lines
    for one in stalled:
        await one.aclose()


async def test_a_place_rests_while_others_have_much_to_do(monkeypatch):
    monkeypatch.setattr(catching_up, "BUSY_SECONDS", 0.0)
    rests: list[float] = []
    loop = asyncio.get_running_loop()

    def later(seconds: float, what: Callable[[], object]) -> asyncio.Handle:
        rests.append(seconds)
        return loop.call_soon(what)

    monkeypatch.setattr(loop, "call_later", later)
    places = CatchingUp()
    for _ in range(catching_up.MOST_AT_ONCE + 3):
        async with places.page():
            pass
    assert len(rests) >= 3
    assert all(0 < seconds <= catching_up.LONGEST_REST_SECONDS for seconds in rests)


async def test_a_page_that_can_not_be_read_gives_its_place_back(make_process):
    places = CatchingUp()
    for _ in range(catching_up.MOST_AT_ONCE * 2):
        try:
            async with places.page():
                raise ConnectionError
        except ConnectionError:
            continue
    async with asyncio.timeout(10), places.page():
        pass
