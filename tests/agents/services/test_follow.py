"""A follower's quiet times: a heartbeat when nothing came for a while, and nothing for a mere hint."""

from __future__ import annotations

import asyncio

from accounts.seam import in_thread
from agents.services import follow
from agents.services.runs import request_cancel
from tests.agents.services.conftest import names, read


async def paused(make_process):
    process = await make_process([[("pay", {"amount": 5})], "Paid"])
    begin = process.new()
    return process, begin, await read(await process.start(begin))


async def test_a_hint_without_news_shows_nothing(make_process, acme):
    process, begin, lines = await paused(make_process)
    follower = process.follow(begin, after=lines[-1].seq, to_end=True)
    pages = []

    async def collect() -> None:
        pages.extend([page async for page in follower.lines()])

    reading = asyncio.create_task(collect())
    for _ in range(5):
        await asyncio.sleep(0.02)
        process.hub.hint(begin.run_id)
    await in_thread(request_cancel, principal=acme.principal("member"), run_id=begin.run_id)
    await asyncio.wait_for(reading, 10)
    assert [names(page) for page in pages] == [["RunCancelled"]]


async def test_a_quiet_stream_beats(make_process, monkeypatch):
    process, begin, lines = await paused(make_process)
    monkeypatch.setattr(follow, "POLL_SECONDS", 0.02)
    monkeypatch.setattr(follow, "HEARTBEAT_SECONDS", 0.02)
    reading = process.follow(begin, after=lines[-1].seq, to_end=True).lines()
    assert [await anext(reading) for _ in range(2)] == [[], []]
    await reading.aclose()
    assert process.hub.streams.taken == 0


async def test_a_cut_follower_shows_nothing_that_comes_later(make_process, acme):
    process, begin, lines = await paused(make_process)
    follower = process.follow(begin, after=lines[-1].seq, to_end=True)
    reading = asyncio.create_task(read(follower))
    await asyncio.sleep(0)
    follower.cut()
    await in_thread(request_cancel, principal=acme.principal("member"), run_id=begin.run_id)
    assert await asyncio.wait_for(reading, 10) == []
    assert not follower.has_ended
