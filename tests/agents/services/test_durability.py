"""Journal, lease and fence against real PostgreSQL, with the races forced."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from django.db import connections

from accounts import audit
from accounts.models import AuditRow
from accounts.seam import in_thread
from accounts.tenancy import tenant_scope
from agentos.core.errors import Conflict, Invalid, LeaseLost
from agentos.core.ids import new_id
from agents.engine.status import RunStatus, StepState
from agents.engine.steps import RunChange, Write
from agents.engine.testing import ScriptedModel
from agents.models import IdempotencyKey, Run, RunEvents, Step
from agents.services import idempotency, queue, runs
from agents.services.answers import Answer, answer
from tests.agents.services.conftest import SPEC, HeldModel, names, ran, read


def stored(begin) -> Run:
    with tenant_scope(begin.tenant_id, begin.user_id):
        return Run.objects.get(id=begin.run_id)


def steps_of(begin) -> dict[str, Step]:
    with tenant_scope(begin.tenant_id, begin.user_id):
        return {step.path: step for step in Step.objects.filter(run_id=begin.run_id)}


def expire_lease(begin) -> None:
    with connections["system"].cursor() as cursor:
        cursor.execute("UPDATE agents_run SET lease_until = now() - interval '1 s' WHERE id = %s", [begin.run_id])


WAITERS = """
SELECT count(DISTINCT l.pid) FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE NOT l.granted AND a.datname = current_database()
"""


async def all_wait(connection, count: int) -> None:
    """Return once so many sessions of the database wait for locks, as a rule those that this connection holds."""
    async with asyncio.timeout(10):
        while True:
            await connection.execute("SELECT pg_stat_clear_snapshot()")
            cursor = await connection.execute(WAITERS)
            if (await cursor.fetchone())[0] == count:
                return
            await asyncio.sleep(0.02)


async def until(condition, *, seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not await in_thread(condition):
            await asyncio.sleep(0.02)


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
    journal = dead.supervisor.writer.open(_info(begin), fence=1, next_seq=1)
    await _first_turn(begin, journal, dead_model)
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
    journal = zombie.supervisor.writer.open(_info(begin), fence=1, next_seq=1)
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
    log = await queue.read_log(zombie.pool, tenant_id=begin.tenant_id, run_id=begin.run_id, after=0)
    assert names(log) == ["RunStarted"]


async def test_a_flush_that_races_a_claim_loses_or_wins_whole(make_process):
    process = await make_process(supervise=False)
    begin = process.new()
    await process.supervisor.writer.begin(begin)
    journal = process.supervisor.writer.open(_info(begin), fence=1, next_seq=1)
    async with process.pool.connection() as connection, connection.transaction():
        await connection.execute("UPDATE agents_run SET fence = fence + 1 WHERE id = %s", [begin.run_id])
        racing = asyncio.create_task(journal.commit(Write(events=[("RunContent", {"content": "late"})])))
        await asyncio.sleep(0.2)
        assert not racing.done()
    with pytest.raises(LeaseLost):
        await racing
    assert await queue.read_log(process.pool, tenant_id=begin.tenant_id, run_id=begin.run_id, after=0) == []


async def test_an_answer_that_comes_before_the_pause_is_not_lost(make_process, acme):
    """The step waits already, the run still works on another tool: the pause must find the answer."""
    process = await make_process(supervise=False)
    begin = process.new()
    await process.supervisor.writer.begin(begin)
    journal = process.supervisor.writer.open(_info(begin), fence=1, next_seq=1)
    await _first_turn(begin, journal, ScriptedModel([[("pay", {"amount": 3})], "?"]), pause=False)
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


async def test_an_idempotency_key_leads_to_the_first_run(make_process):
    process = await make_process(["Once"])
    first = process.new(key="k1", hmac="a")
    await read(await process.start(first))
    again, other = process.new(key="k1", hmac="a"), process.new(key="k1", hmac="b")
    await process.supervisor.writer.begin(again)
    assert again.attached_to == first.run_id
    with pytest.raises(Invalid):
        await process.supervisor.writer.begin(other)

    def grow_old() -> None:
        row = IdempotencyKey.objects.using("system").get(key="k1")
        row.delete(using="system")
        row.created_at -= timedelta(hours=25)
        row.save(using="system", force_insert=True)

    await in_thread(grow_old)
    late = process.new(key="k1", hmac="b")
    await process.supervisor.writer.begin(late)
    assert late.attached_to is None
    twins = [process.new(key="k2", hmac="a") for _ in range(5)]
    await asyncio.gather(*(process.supervisor.writer.begin(twin) for twin in twins))
    assert len([twin for twin in twins if twin.attached_to is None]) == 1


@pytest.mark.parametrize("first_commits", [True, False])
async def test_who_begins_under_a_key_that_another_process_is_just_taking_waits_for_it(make_process, first_commits):
    process = await make_process(["Once", "Twice"], supervise=False)
    first, second = process.new(), process.new(key="k", hmac="a")
    await process.supervisor.writer.begin(first)
    taken = replace(second.key, id=new_id()), second.tenant_id, second.user_id, first.run_id
    async with process.pool.connection() as connection, connection.transaction(force_rollback=not first_commits):
        assert list((await idempotency.take_many(connection, [taken])).values()) == [None]
        beginning = asyncio.create_task(process.supervisor.writer.begin(second))
        await all_wait(connection, 1)
    await beginning
    assert second.attached_to == (first.run_id if first_commits else None)
    kept = await in_thread(lambda: Run.objects.using("system").filter(id=second.run_id).exists())
    assert kept is not first_commits


async def test_two_runs_in_one_session_are_both_kept(make_process):
    process = await make_process(["a", "b"])
    begins = [process.new(session_id="shared") for _ in range(2)]
    followers = [await process.start(begin) for begin in begins]
    for follower in followers:
        assert names(await read(follower))[-1] == "RunCompleted"
    kept = await in_thread(lambda: [stored(begin).session_id for begin in begins])
    assert kept[0] == kept[1]


async def test_a_run_that_waits_does_not_learn_what_its_session_says_meanwhile(make_process, acme):
    """It began before the other run, and goes on after it in another process: it knows what it knew."""
    first = await make_process([[("pay", {"amount": 5})], "Ada, said the other", "?"])
    waiting, other = (first.new(session_id="shared") for _ in range(2))
    await read(await first.start(waiting))
    assert names(await read(await first.start(other)))[-1] == "RunCompleted"
    await first.supervisor.stop()
    second = await make_process(["Paid", "Later"])
    member, yes = acme.principal("member"), [Answer("call_1_0", confirmed=True)]
    await in_thread(answer, principal=member, run_id=waiting.run_id, answers=yes)
    await until(lambda: stored(waiting).status == "completed")
    assert "Ada" not in str(second.model.requests[0].messages)
    later = second.new(owner="", session_id="shared")
    await second.supervisor.writer.begin(later)
    await until(lambda: stored(later).status == "completed")
    assert "Ada" in str(second.model.requests[1].messages)


async def test_a_run_is_not_told_of_what_was_committed_late_once_it_has_asked(make_process, acme):
    """The other run's end is older than this one's start, but was not to be seen yet when this one asked."""
    first = await make_process(["Early", "Late", [("pay", {"amount": 5})]])
    early, late = (first.new(session_id="shared") for _ in range(2))
    for begin in (early, late):
        await read(await first.start(begin))

    def hide(status: str) -> None:
        Run.objects.using("system").filter(id=late.run_id).update(status=status)

    await in_thread(hide, "running")
    waiting = first.new(session_id="shared", owner="")
    await first.store(waiting)
    await until(lambda: stored(waiting).status == "paused")
    assert "Early" in str(first.model.requests[2].messages)
    await in_thread(hide, "completed")
    await first.supervisor.stop()
    second = await make_process(["Paid"])
    yes = [Answer("call_3_0", confirmed=True)]
    await in_thread(answer, principal=acme.principal("member"), run_id=waiting.run_id, answers=yes)
    await until(lambda: stored(waiting).status == "completed")
    assert "Early" in str(second.model.requests[0].messages)
    assert "Late" not in str(second.model.requests[0].messages)


async def test_a_pending_run_is_claimed_by_whoever_is_free(make_process):
    process = await make_process(["Yes"])
    begin = process.new(owner="")
    await process.supervisor.writer.begin(begin)
    assert names(await read(process.follow(begin)))[-1] == "RunCompleted"


async def test_one_unstorable_text_does_not_fail_the_others(make_process):
    process = await make_process(supervise=False)
    begins = [process.new() for _ in range(3)]
    await asyncio.gather(*(process.supervisor.writer.begin(begin) for begin in begins))
    journals = [process.supervisor.writer.open(_info(begin), fence=1, next_seq=1) for begin in begins]
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


async def test_too_many_recoveries_end_in_a_dead_letter(make_process):
    process = await make_process(supervise=False)
    begin = process.new()
    await process.supervisor.writer.begin(begin)
    for _ in range(queue.MAX_RECOVERIES):
        await in_thread(expire_lease, begin)
        await queue.claim(process.pool, owner="crashing", limit=1, most_per_tenant=1)
    await in_thread(expire_lease, begin)
    await make_process(["never asked"])
    await until(lambda: stored(begin).status == "error")
    assert (await in_thread(stored, begin)).error_code == "too_many_recoveries"


def _info(begin):
    from agents.engine.ports import RunInfo

    return RunInfo(begin.run_id, begin.tenant_id, begin.user_id, begin.session_id, SPEC, "test-model", "Go")


async def _first_turn(begin, journal, model, *, pause: bool = True) -> None:
    """Do what a process does in its first turn, and stop as if it had died there."""
    from agents.engine.asking import ask_model
    from agents.engine.calling import run_calls
    from agents.engine.messages import conversation
    from agents.engine.ports import Ports
    from agents.engine.state import LoopState
    from agents.engine.testing import PlainGates

    state = LoopState(_info(begin), conversation("Test.", [], "Go"))
    ports = Ports(model, journal, PlainGates())
    journal.emit("RunStarted", {})
    reply = await ask_model(state, ports, 1)
    await run_calls(state, ports, 1, reply.tool_calls)
    await journal.commit(Write())
    assert StepState(state.steps["1.0"].state)


async def test_a_value_that_no_one_can_encode_ends_its_run_and_no_other(make_process):
    process = await make_process(supervise=False)
    begins = [process.new() for _ in range(2)]
    await asyncio.gather(*(process.supervisor.writer.begin(begin) for begin in begins))
    bad, good = (process.supervisor.writer.open(_info(begin), fence=1, next_seq=1) for begin in begins)
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
    journal = process.supervisor.writer.open(_info(begin), fence=1, next_seq=1)
    last = asyncio.create_task(journal.commit(Write(events=[("RunCompleted", {})], run=RunChange(RunStatus.COMPLETED))))
    await asyncio.sleep(0)
    with pytest.raises(LeaseLost):
        await journal.commit(Write(events=[("RunCancelled", {})], run=RunChange(RunStatus.CANCELLED)))
    await last
    assert (await in_thread(stored, begin)).status == "completed"
