"""A follower's quiet times: a heartbeat when nothing came for a while, and nothing for a mere hint."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from accounts import lapsed
from accounts.auth import authenticate
from accounts.models import Membership
from accounts.seam import in_thread
from accounts.services import tokens
from agents import sse
from agents.services import follow
from agents.services.hub import Subscription
from agents.services.journal.lines import frame
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


async def turns() -> None:
    """Let a reader whom nothing holds up come to where she waits."""
    for _ in range(20):
        await asyncio.sleep(0)


def taking(written: list[bytes]) -> Callable[[bytes], bool]:
    """Return a writer that takes all frames."""

    def write(framed: bytes) -> bool:
        written.append(framed)
        return True

    return write


async def pushed(process, begin, *batches: tuple[int, list[bytes]]) -> None:
    for batch in batches:
        await turns()
        process.hub.publish(begin.run_id, batch)


async def test_what_a_waiting_reader_is_written_at_once_neither_repeats_nor_skips_an_event(make_process):
    process, begin, lines = await paused(make_process)
    data = [line.data for line in lines]
    follower, written = process.follow(begin, fresh=True), []
    refused: list[bytes] = []

    def write(framed: bytes) -> bool:
        (refused if len(written) == 1 and not refused else written).append(framed)
        return framed in written

    follower.pass_on_by(write)
    reading = asyncio.create_task(read(follower))
    await pushed(process, begin, (1, data[:1]), (2, data[1:2]), (3, data[2:3]), (4, data[3:]))
    assert await asyncio.wait_for(reading, 10) == lines[1:2] + lines[3:]
    assert refused == [frame(lines[1])]
    assert written == [frame(lines[0]), frame(lines[2])]
    assert follower.has_ended and process.hub.streams.taken == 0


async def test_a_gap_is_read_from_the_log_and_only_what_joins_is_written_at_once(make_process):
    process, begin, lines = await paused(make_process)
    follower, written = process.follow(begin, fresh=True), []
    follower.pass_on_by(taking(written))
    reading = asyncio.create_task(read(follower))
    await pushed(process, begin, (1, [lines[0].data]), (3, [lines[2].data]))
    assert await asyncio.wait_for(reading, 10) == lines[1:]
    assert written == [frame(lines[0])]


async def test_nothing_is_written_to_who_is_cut_or_has_not_taken_what_came_before(make_process):
    process, begin, lines = await paused(make_process)
    follower, written = process.follow(begin, fresh=True), []
    follower.pass_on_by(taking(written))
    reading = follower.lines()
    process.hub.publish(begin.run_id, (1, [lines[0].data]))
    assert await anext(reading) == lines[:1]
    process.hub.publish(begin.run_id, (2, [lines[1].data]))  # nobody waits yet
    assert await anext(reading) == lines[1:2]
    waiting = asyncio.create_task(anext(reading, None))
    await turns()
    follower.cut()
    process.hub.publish(begin.run_id, (3, [lines[2].data]))
    assert await asyncio.wait_for(waiting, 10) is None
    assert written == []


async def test_what_passes_a_reader_by_puts_off_when_she_looks_again(monkeypatch):
    loop, ahead = asyncio.get_running_loop(), [0.0]
    real = loop.time
    monkeypatch.setattr(loop, "time", lambda: real() + ahead[0])
    reader = Subscription()
    reader.pass_on = lambda batch: True
    waiting = asyncio.create_task(reader.wait(15))
    for seq in range(1, 4):
        await turns()
        ahead[0] += 10
        reader.push((seq, [b"{}"]))
        await turns()
    assert not waiting.done()
    ahead[0] += 20
    assert await asyncio.wait_for(waiting, 10) == []


async def test_a_masked_reader_is_written_nothing_past_the_mask(make_process):
    process, begin, lines = await paused(make_process)
    whose = {"tenant_id": begin.tenant_id, "run_id": begin.run_id}
    follower = follow.Follower(process.pool, process.hub, **whose, ends_at_pause=True, is_fresh=True, is_masked=True)
    written: list[bytes] = []
    follower.pass_on_by(taking(written))
    reading = asyncio.create_task(read(follower))
    await pushed(process, begin, *((line.seq, [line.data]) for line in lines))
    assert len(await asyncio.wait_for(reading, 10)) == len(lines) and written == []
