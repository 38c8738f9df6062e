"""Keys, sessions and recoveries: who begins, who claims, what one run learns of another, and when one is given up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import timedelta

import pytest

from accounts.seam import in_thread
from agentos.core.errors import Invalid, LeaseLost
from agentos.core.ids import new_id
from agents.engine.model_calls import ModelReply, ModelRequest
from agents.engine.status import RunStatus
from agents.engine.steps import RunChange, Write
from agents.engine.testing import ScriptedModel
from agents.models import IdempotencyKey, Run
from agents.services import idempotency, queue
from agents.services.answers import Answer, answer
from agents.services.runs import request_cancel
from tests.agents.services.conftest import names, read
from tests.agents.services.stored import all_wait, expire_lease, info_of, stored, until


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
        taking = await idempotency.take_many(connection, [taken])
        assert list((await taking.outcomes(connection)).values()) == [None]
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


@pytest.mark.parametrize("comes", ["to the one who drains", "to the one who stops"])
async def test_what_is_claimed_while_its_process_goes_away_is_given_back_at_once(make_process, monkeypatch, comes):
    """The claim is committed, and its answer comes when nothing more is taken up."""
    process = await make_process(["Never asked"])
    claimed, let_go, claim = asyncio.Event(), asyncio.Event(), queue.claim

    async def held(*positional, jobs, **named):
        found = await claim(*positional, jobs=jobs, **named)
        if found:
            claimed.set()
            await let_go.wait()
        return found

    monkeypatch.setattr(queue, "claim", held)
    begin = process.new(owner="")
    await process.supervisor.writer.begin(begin)
    process.supervisor.wake()
    await asyncio.wait_for(claimed.wait(), 10)
    leave = process.supervisor.drain if comes == "to the one who drains" else process.supervisor.stop
    leaving = asyncio.create_task(leave())
    await asyncio.sleep(0)
    let_go.set()
    await asyncio.wait_for(leaving, 10)
    run = await in_thread(stored, begin)
    assert (run.status, run.lease_owner, run.recoveries) == ("pending", "", 0)
    monkeypatch.setattr(queue, "claim", claim)
    heir = await make_process(["Yes"])
    assert names(await read(heir.follow(begin)))[-1] == "RunCompleted"


async def test_nobody_waits_for_a_writer_that_has_ended(make_process):
    process = await make_process(["Yes"])
    begin = process.new()
    await read(await process.start(begin))
    late = process.supervisor.writer.open(info_of(begin), fence=2, next_seq=9)
    await process.supervisor.stop()
    with pytest.raises(LeaseLost):
        await asyncio.wait_for(late.commit(Write(run=RunChange(RunStatus.PENDING))), 10)
    late.emit("RunContent", {"content": "nobody hears it"})
    assert (late.is_lost, late.waiting) == (True, [])


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


class OneByOne(ScriptedModel):
    """Notes how many runs ask it at once, at most."""

    at_once = most = 0

    async def stream(self, request: ModelRequest) -> AsyncGenerator[str | ModelReply, None]:
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        try:
            await asyncio.sleep(0.05)
            async for part in super().stream(request):
                yield part
        finally:
            self.at_once -= 1


async def test_whose_last_chance_it_is_goes_alone(make_process, acme):
    """One of them ends every process that works on it: it took with it all that were interrupted as often."""
    process, runs = await make_process(supervise=False), 4
    begins = [process.new() for _ in range(runs)]
    for begin in begins:
        await process.supervisor.writer.begin(begin)
    for _ in range(queue.MAX_RECOVERIES - 1):
        for begin in begins:
            await in_thread(expire_lease, begin)
        assert len(await queue.claim(process.pool, owner="crashing", limit=9, most_per_tenant=9)) == runs
    for begin in begins:
        await in_thread(expire_lease, begin)
    await in_thread(request_cancel, principal=acme.principal("member"), run_id=begins[0].run_id)
    (ends,) = await queue.claim(process.pool, owner="busy", limit=9, most_per_tenant=9, last_chance=False)
    assert (ends.run_id, ends.is_last_chance) == (begins[0].run_id, False)
    (killer,) = await queue.claim(process.pool, owner="crashing", limit=9, most_per_tenant=9)
    model = OneByOne(["Fine"] * runs)
    await make_process(model=model)
    rest = [begin for begin in begins if begin.run_id not in (killer.run_id, ends.run_id)]
    await until(lambda: all(stored(begin).status == "completed" for begin in rest))
    assert model.most == 1


async def test_of_many_whose_last_chance_it_is_a_tenth_goes_at_a_time(make_process):
    """After five failures of the whole they are all that were at work: one at a time would take for ever."""
    process, runs = await make_process(supervise=False), 30
    begins = [process.new() for _ in range(runs)]
    for begin in begins:
        await process.supervisor.writer.begin(begin)
    claimed = []
    for _ in range(queue.MAX_RECOVERIES):
        for begin in begins:
            await in_thread(expire_lease, begin)
        claimed.append(await queue.claim(process.pool, owner="crashing", limit=99, most_per_tenant=99))
    assert [len(runs) for runs in claimed] == [runs] * (queue.MAX_RECOVERIES - 1) + [runs // queue.SHARE_ON_TRIAL]
    assert all(run.is_last_chance for run in claimed[-1])


async def test_a_blocked_run_whose_process_died_is_refused_by_its_heir_and_asks_no_model(make_process):
    """Its text is stored nowhere, so nobody may go on with it as if nothing had been said."""
    dead = await make_process(supervise=False)
    begin = dead.new()
    begin.message = None
    await dead.supervisor.writer.begin(begin)
    await in_thread(expire_lease, begin)
    heir = await make_process(["Hello?"])
    lines = await read(heir.follow(begin, to_end=True))
    run = await in_thread(stored, begin)
    assert (names(lines), run.status, run.error_code) == (["RunError"], "error", "input_blocked")
    assert heir.model.requests == []
