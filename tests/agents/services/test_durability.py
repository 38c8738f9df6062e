"""Journal, lease and fence against real PostgreSQL, with the races forced."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from accounts import audit
from accounts.models import AuditRow
from accounts.seam import in_thread
from accounts.tenancy import tenant_scope
from agentos.core.errors import Conflict, LeaseLost
from agentos.core.ids import new_id
from agents.engine.state import RUN_ENDED
from agents.engine.status import RunStatus, StepKind, StepState
from agents.engine.steps import RunChange, StepRecord, Write
from agents.engine.testing import ScriptedModel
from agents.models import RunEvents
from agents.services import log, queue, runs
from agents.services.answers import Answer, answer
from tests.agents.services.conftest import HeldModel, names, ran, read
from tests.agents.services.stored import all_wait, expire_lease, first_turn, info_of, steps_of, stored, until


async def test_a_run_is_stored_before_it_is_seen(make_process):
    process = await make_process(["All is well"])
    begin = process.new()
    lines = await read(await process.start(begin))
    assert names(lines)[0] == "RunStarted"
    assert names(lines)[-1] == "RunCompleted"
    assert [line.seq for line in lines] == list(range(1, len(lines) + 1))
    run = await in_thread(stored, begin)
    assert (run.status, run.output, run.lease_owner) == ("completed", "All is well", "")


async def test_a_stream_cut_at_every_event_resumes_to_the_same_bytes(make_process):
    process = await make_process([[("look", {"place": "x"})], "The end of it"])
    begin = process.new()
    whole = await read(await process.start(begin))
    for cut in range(len(whole)):
        rest = await read(process.follow(begin, after=cut))
        assert whole[:cut] + rest == whole


async def test_a_pause_and_its_answer_go_on_in_another_process(make_process, acme):
    first = await make_process([[("pay", {"amount": 5})], "Paid"])
    begin = first.new()
    lines = await read(await first.start(begin))
    assert names(lines)[-1] == "RunPaused"
    assert (await in_thread(stored, begin)).status == "paused"
    follower = first.follow(begin, after=lines[-1].seq, to_end=True)
    await first.supervisor.stop()
    second = await make_process(["Paid"])
    said = [Answer("call_1_0", confirmed=True)]
    await in_thread(answer, principal=acme.principal("member"), run_id=begin.run_id, answers=said)
    await until(lambda: stored(begin).status == "completed")
    rest = await read(second.follow(begin, after=lines[-1].seq, to_end=True))
    follower.close()
    assert names(rest)[0] == "RunContinued"
    assert names(rest)[-1] == "RunCompleted"
    assert ran == ["pay 5"]
    assert second.model.requests[0].messages[-1]["content"] == "paid 5"


async def test_a_dead_owners_run_is_recovered_and_nothing_is_paid_twice(make_process):
    dead = await make_process([[("look", {"place": "y"})], "?"], supervise=False)
    dead.model = HeldModel(["never"])
    begin = dead.new()
    dead_model = ScriptedModel([[("look", {"place": "y"})], "half"])
    dead.ports = type(dead.ports)(dead_model, None, dead.ports.hooks)
    await dead.supervisor.writer.begin(begin)
    journal = dead.supervisor.writer.open(info_of(begin), fence=1, next_seq=1)
    await first_turn(begin, journal, dead_model)
    await in_thread(expire_lease, begin)
    heir = await make_process(["The answer"])
    await until(lambda: stored(begin).status == "completed")
    assert len(heir.model.requests) == 1
    assert ran == ["look y"]
    assert (await in_thread(stored, begin)).recoveries == 1


async def test_a_zombie_writes_nothing_and_shows_nothing(make_process):
    zombie = await make_process(supervise=False)
    begin = zombie.new()
    await zombie.supervisor.writer.begin(begin)
    journal = zombie.supervisor.writer.open(info_of(begin), fence=1, next_seq=1)
    await journal.commit(Write(events=[("RunStarted", {})]))
    await in_thread(expire_lease, begin)
    claimed = await queue.claim(zombie.pool, owner="heir", limit=5, most_per_tenant=5)
    assert [run.run_id for run in claimed] == [begin.run_id]
    assert claimed[0].fence == 2
    reader = zombie.follow(begin, after=1, to_end=True)
    with pytest.raises(LeaseLost):
        await journal.commit(Write(events=[("RunContent", {"content": "ghost"})]))
    with pytest.raises(LeaseLost):
        journal.put(Write(run=RunChange(RunStatus.COMPLETED)))
    assert await reader._subscription.wait(0.1) == []
    reader.close()
    logged = await log.page(zombie.pool, tenant_id=begin.tenant_id, run_id=begin.run_id, after=0)
    assert names(logged) == ["RunStarted"]


async def test_a_flush_that_races_a_claim_loses_or_wins_whole(make_process):
    process = await make_process(supervise=False)
    begin = process.new()
    await process.supervisor.writer.begin(begin)
    journal = process.supervisor.writer.open(info_of(begin), fence=1, next_seq=1)
    async with process.pool.connection() as connection, connection.transaction():
        await connection.execute("UPDATE agents_run SET fence = fence + 1 WHERE id = %s", [begin.run_id])
        racing = asyncio.create_task(journal.commit(Write(events=[("RunContent", {"content": "late"})])))
        await all_wait(connection, 1)
    with pytest.raises(LeaseLost):
        await racing
    assert await log.page(process.pool, tenant_id=begin.tenant_id, run_id=begin.run_id, after=0) == []


async def test_an_answer_that_comes_before_the_pause_is_not_lost(make_process, acme):
    """The step waits already, the run still works on another tool: the pause must find the answer."""
    process = await make_process(supervise=False)
    begin = process.new()
    await process.supervisor.writer.begin(begin)
    journal = process.supervisor.writer.open(info_of(begin), fence=1, next_seq=1)
    await first_turn(begin, journal, ScriptedModel([[("pay", {"amount": 3})], "?"]), pause=False)
    said = [Answer("call_1_0", confirmed=True)]
    await in_thread(answer, principal=acme.principal("member"), run_id=begin.run_id, answers=said)
    assert (await in_thread(stored, begin)).status == "running"
    await journal.commit(Write(run=RunChange(RunStatus.PAUSED)))
    assert (await in_thread(stored, begin)).status == "pending"


async def test_two_answers_at_once_one_wins(make_process, acme):
    process = await make_process([[("pay", {"amount": 5})], "Paid"])
    begin = process.new()
    await read(await process.start(begin))
    say = [Answer("call_1_0", confirmed=True)]
    results = await asyncio.gather(
        *(in_thread(answer, principal=acme.principal("member"), run_id=begin.run_id, answers=say) for _ in range(5)),
        return_exceptions=True,
    )
    assert sorted(type(result).__name__ for result in results) == ["Conflict"] * 4 + ["int"]
    await until(lambda: stored(begin).status == "completed")
    assert ran == ["pay 5"]


async def test_cancel_reaches_a_running_model_call_from_elsewhere(make_process, acme):
    model = HeldModel(["never"])
    process = await make_process(model=model)
    begin = process.new()
    follower = await process.start(begin)
    await model.reached.wait()
    await in_thread(runs.request_cancel, principal=acme.principal("member"), run_id=begin.run_id)
    lines = await read(follower)
    assert names(lines)[-1] == "RunCancelled"
    assert (await in_thread(stored, begin)).status == "cancelled"
    step = (await in_thread(steps_of, begin))["1.model"]
    assert (step.state, step.error) == ("failed", RUN_ENDED)
    assert step.ended_at is not None
    assert step.usage["guessed_attempt"] == 1


async def test_cancel_of_a_run_that_was_let_go_in_a_model_call_ends_the_call(make_process, acme):
    process = await make_process(supervise=False)
    begin = process.new()
    await process.supervisor.writer.begin(begin)
    journal = process.supervisor.writer.open(info_of(begin), fence=1, next_seq=1)
    step = StepRecord(new_id(), "1.model", StepKind.MODEL, "m", StepState.STARTED, {"turn": 1})
    await journal.commit(Write(steps=[step], run=RunChange(RunStatus.PENDING)))
    await in_thread(runs.request_cancel, principal=acme.principal("member"), run_id=begin.run_id)
    assert (await in_thread(stored, begin)).status == "cancelled"
    ended = (await in_thread(steps_of, begin))["1.model"]
    assert (ended.state, ended.error) == ("failed", RUN_ENDED)
    assert ended.ended_at is not None


async def test_cancel_of_a_paused_run_ends_it_at_once(make_process, acme):
    process = await make_process([[("pay", {"amount": 5})], "Paid"])
    begin = process.new()
    lines = await read(await process.start(begin))
    await in_thread(runs.request_cancel, principal=acme.principal("member"), run_id=begin.run_id)
    rest = await read(process.follow(begin, after=lines[-1].seq))
    assert names(rest) == ["RunCancelled"]
    with pytest.raises(Conflict):
        await in_thread(
            answer,
            principal=acme.principal("member"),
            run_id=begin.run_id,
            answers=[Answer("call_1_0", True)],
        )


async def test_one_unstorable_text_does_not_fail_the_others(make_process):
    process = await make_process(supervise=False)
    begins = [process.new() for _ in range(3)]
    await asyncio.gather(*(process.supervisor.writer.begin(begin) for begin in begins))
    journals = [process.supervisor.writer.open(info_of(begin), fence=1, next_seq=1) for begin in begins]
    texts = ["fine", "bad \x00 text", "fine too"]
    results = await asyncio.gather(
        *(
            journal.commit(Write(run=RunChange(RunStatus.COMPLETED, output=text)))
            for journal, text in zip(journals, texts, strict=True)
        ),
        return_exceptions=True,
    )
    assert [result is None for result in results] == [True, False, True]


async def test_every_start_and_answer_leaves_one_audit_row_in_a_whole_chain(make_process, acme):
    process = await make_process([[("pay", {"amount": 5})], "Paid"])
    begin = process.new()
    await read(await process.start(begin))
    said = [Answer("call_1_0", confirmed=True)]
    await in_thread(answer, principal=acme.principal("member"), run_id=begin.run_id, answers=said)
    await until(lambda: stored(begin).status == "completed")

    def actions():
        with tenant_scope(begin.tenant_id, begin.user_id):
            return list(AuditRow.objects.using("system").order_by("seq").values_list("action", flat=True))

    assert await in_thread(actions) == ["run.started", "step.answered", "tool.started", "tool.done"]
    assert await in_thread(audit.verify, begin.tenant_id) is None


async def test_no_event_has_a_gap_and_batches_are_few(make_process):
    process = await make_process(["word " * 200])
    begin = process.new()
    await read(await process.start(begin))

    def batches():
        with tenant_scope(begin.tenant_id, begin.user_id):
            return list(RunEvents.objects.order_by("first_seq").values_list("first_seq", "last_seq"))

    spans = await in_thread(batches)
    assert spans[0][0] == 1
    assert all(before[1] + 1 == after[0] for before, after in pairwise(spans))
    assert len(spans) <= 4


async def test_a_value_that_no_one_can_encode_ends_its_run_and_no_other(make_process):
    process = await make_process(supervise=False)
    begins = [process.new() for _ in range(2)]
    await asyncio.gather(*(process.supervisor.writer.begin(begin) for begin in begins))
    bad, good = (process.supervisor.writer.open(info_of(begin), fence=1, next_seq=1) for begin in begins)
    results = await asyncio.gather(
        bad.commit(Write(events=[("RunContent", {"content": 2**70})])),
        good.commit(Write(events=[("RunContent", {"content": "fine"})])),
        return_exceptions=True,
    )
    assert [type(result) for result in results] == [LeaseLost, type(None)]
    await good.commit(Write(events=[("RunContent", {"content": "still fine"})]))
    assert not process.supervisor.writer.has_failed


async def test_nothing_follows_the_write_that_gives_the_lease_back(make_process):
    process = await make_process(supervise=False)
    begin = process.new()
    await process.supervisor.writer.begin(begin)
    journal = process.supervisor.writer.open(info_of(begin), fence=1, next_seq=1)
    last = asyncio.create_task(journal.commit(Write(events=[("RunCompleted", {})], run=RunChange(RunStatus.COMPLETED))))
    await asyncio.sleep(0)
    with pytest.raises(LeaseLost):
        await journal.commit(Write(events=[("RunCancelled", {})], run=RunChange(RunStatus.CANCELLED)))
    await last
    assert (await in_thread(stored, begin)).status == "completed"
