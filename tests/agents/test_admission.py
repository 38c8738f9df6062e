"""How much a process takes on, and how much of it for one tenant: refused before anything is stored or asked."""

from __future__ import annotations

import asyncio

import pytest

from accounts.seam import in_thread
from accounts.tenancy import tenant_scope
from agentos import env
from agentos.core.errors import ConfigError
from agents.models import Run, Session
from agents.services.places import Places
from tests.agents.services.conftest import HeldModel, read

BACKGROUND = {"message": "Go", "background": True, "stream": False}
START = "agents/tester/runs"


def rows(tenant) -> tuple[int, int]:
    with tenant_scope(tenant.tenant.id, tenant.operator.id):
        return Run.objects.count(), Session.objects.count()


@pytest.fixture
async def held():
    model = HeldModel(["Done"] * 100)
    yield model
    model.let_go.set()


async def test_a_tenant_that_has_all_its_runs_is_told_so_and_others_are_served(make_process, serve, acme, globex, held):
    process = await make_process(model=held, runs=Places("runs", most=3, most_per_tenant=2))
    call = serve(process)
    left = []
    for _ in range(2):
        answer = await call(acme.member, START, BACKGROUND)
        assert answer.status_code == 202
        assert answer["RateLimit-Policy"] == '"runs";q=2;qu="concurrent-requests"'
        left.append(answer["RateLimit"])
    assert left == ['"runs";r=1', '"runs";r=0']
    refused = await call(acme.approver, START, BACKGROUND)
    assert (refused.status_code, refused.json()["code"]) == (429, "tenant_full")
    assert (refused["Retry-After"], refused["RateLimit"]) == ("2", '"runs";r=0')
    assert await in_thread(rows, acme) == (2, 2)
    assert (await call(globex.member, START, BACKGROUND)).status_code == 202
    full = await call(globex.member, START, BACKGROUND)
    assert (full.status_code, full.json()["code"], full["Retry-After"]) == (503, "process_full", "2")
    assert "RateLimit" not in full
    assert await in_thread(rows, globex) == (1, 1)


async def test_starts_at_once_take_exactly_the_places_there_are(make_process, serve, acme, held):
    process = await make_process(model=held, runs=Places("runs", most=100, most_per_tenant=10))
    call = serve(process)
    answers = await asyncio.gather(*(call(acme.member, START, BACKGROUND) for _ in range(50)))
    codes = [answer.status_code for answer in answers]
    assert (codes.count(202), codes.count(429)) == (10, 40)
    assert await in_thread(rows, acme) == (10, 10)


async def test_a_place_is_free_again_when_its_run_has_ended_or_was_not_stored(make_process, serve, acme):
    process = await make_process(["Done"] * 9, runs=Places("runs", most=2, most_per_tenant=1))
    call = serve(process)
    for _ in range(3):
        assert (await call(acme.member, START, {"message": "Go", "stream": False})).status_code == 200
    assert (await call(acme.member, START, {"message": " ", "stream": False})).status_code == 422
    assert (process.supervisor.runs.taken, process.hub.streams.taken) == (0, 0)


async def test_a_tenant_that_has_all_its_streams_starts_no_run(make_process, serve, acme, globex, held):
    process = await make_process(model=held, streams=Places("streams", most=3, most_per_tenant=2))
    call = serve(process)
    streams = [await call(acme.member, START, {"message": "Go"}) for _ in range(2)]
    assert streams[0]["RateLimit"] == '"runs";r=2999, "streams";r=1'
    assert streams[0].status_code == 200
    refused = await call(acme.member, START, {"message": "Go"})
    assert (refused.status_code, refused.json()["code"]) == (429, "tenant_full")
    assert refused["RateLimit"] == '"streams";r=0'
    assert await in_thread(rows, acme) == (2, 2)
    assert (await call(acme.member, START, BACKGROUND)).status_code == 202
    other = await call(globex.member, START, {"message": "Go"})
    assert other.status_code == 200
    assert (await call(globex.member, START, {"message": "Go"})).status_code == 503
    held.let_go.set()
    for stream in (*streams, other):
        async for _ in stream.streaming_content:
            pass
    assert process.hub.streams.taken == 0


async def test_a_reader_more_than_a_tenant_may_have_is_refused(make_process, serve, acme, globex):
    process = await make_process([[("pay", {"amount": 5})]] * 2, streams=Places("streams", most=3, most_per_tenant=2))
    call, begin = serve(process), process.new()
    await read(await process.start(begin))
    readers = [await call(acme.member, f"runs/{begin.run_id}/events") for _ in range(3)]
    assert [reader.status_code for reader in readers] == [200, 200, 429]
    assert process.hub.streams.of(acme.tenant.id) == 2
    for reader in readers[:2]:
        reader.close()


async def test_an_answer_that_nobody_could_follow_is_not_taken(make_process, serve, acme):
    process = await make_process(
        [[("pay", {"amount": 5})], "Paid"], streams=Places("streams", most=3, most_per_tenant=1)
    )
    call, begin = serve(process), process.new()
    await read(await process.start(begin))
    said = {"tools": [{"tool_call_id": "call_1_0", "confirmed": True}]}
    reader = process.follow(begin)
    path = f"agents/tester/runs/{begin.run_id}/continue"
    assert (await call(acme.member, path, said)).status_code == 429
    shown = (await call(acme.member, f"runs/{begin.run_id}")).json()
    assert (shown["status"], len(shown["requirements"])) == ("PAUSED", 1)
    reader.close()
    followed = await call(acme.member, path, {**said, "stream": False})
    assert followed.json()["status"] == "COMPLETED"


def test_a_share_leaves_something_to_the_others(monkeypatch):
    monkeypatch.delenv("SHARE", raising=False)
    assert [env.share("SHARE", of=whole) for whole in (1, 2, 5, 3_000)] == [1, 1, 4, 2_400]
    monkeypatch.setenv("SHARE", "5")
    with pytest.raises(ConfigError, match="SHARE must be less than 5"):
        env.share("SHARE", of=5)
    assert env.share("SHARE", of=6) == 5
