"""A follower's quiet times: a heartbeat when nothing came for a while, and nothing for a mere hint."""

from __future__ import annotations

import asyncio

import pytest

from accounts import lapsed
from accounts.auth import authenticate
from accounts.models import Membership
from accounts.seam import in_thread
from accounts.services import tokens
from agents import sse
from agents.services import follow
from agents.services.runs import request_cancel
from agents.services.watch import Watch
from tests.agents.services.conftest import names, read
from tests.conftest import PASSWORD


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


def demoted(reader) -> None:
    Membership.objects.using("system").filter(user_id=reader.user_id).update(role="viewer")


@pytest.mark.parametrize("loses", [tokens.revoke, demoted], ids=["signs out", "loses her role"])
async def test_a_stream_ends_when_its_reader_loses_a_right(make_process, acme, loses):
    process, begin, lines = await paused(make_process)
    pair = await in_thread(tokens.issue, email=acme.member.email, password=PASSWORD)
    reader = await authenticate({"Authorization": f"Bearer {pair.access}"}, {}, "GET", "testserver")
    frames = sse.frames(process.follow(begin, after=lines[-1].seq, to_end=True), reader, Watch(look_seconds=0.05))
    assert await anext(frames) == sse.RETRY
    waiting = asyncio.create_task(anext(frames))
    await in_thread(loses, reader)
    assert await asyncio.wait_for(waiting, 10) == sse.RETRY_SOON
    assert [frame async for frame in frames] == []
    assert process.hub.streams.taken == 0


async def test_no_stream_goes_on_unwatched(make_process, acme, monkeypatch, caplog):
    async def fails(readers: object) -> None:
        raise LookupError

    monkeypatch.setattr(lapsed, "among", fails)
    process, begin, lines = await paused(make_process)
    watch, reader = Watch(look_seconds=0.05), acme.principal("member")
    for _ in range(2):  # who comes then is watched anew
        follower = process.follow(begin, after=lines[-1].seq, to_end=True)
        async with asyncio.timeout(10):
            assert [frame async for frame in sse.frames(follower, reader, watch)] == [sse.RETRY, sse.RETRY_SOON]
    assert caplog.text.count("not looked at any more") == 2
