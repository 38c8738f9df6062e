"""Pausing by hand: from anywhere, at the next step's edge, together with what humans are asked."""

from __future__ import annotations

import asyncio

import orjson
import pytest

from accounts.models import AuditRow
from accounts.seam import in_thread
from accounts.tenancy import tenant_scope
from agentos.core.errors import Conflict, NotFound
from agents import selectors
from agents.engine.state import RUN_ENDED
from agents.engine.status import RunStatus
from agents.engine.steps import RunChange, Write
from agents.models import Run
from agents.services.answers import Answer, answer
from agents.services.pauses import pause, unpause
from agents.services.runs import request_cancel
from tests.agents.services.conftest import HeldModel, names, ran, read
from tests.agents.services.stored import expire_lease, info_of, steps_of, stored, until

LOOK_THEN_END = [[("look", {"place": "x"})], "The end"]


async def by_hand(act, begin, who) -> None:
    await in_thread(act, principal=who, run_id=begin.run_id)


async def test_a_pause_keeps_the_reply_under_way_and_starts_nothing_new(make_process, acme):
    model = HeldModel(LOOK_THEN_END)
    process = await make_process(model=model)
    begin = process.new()
    follower = await process.start(begin)
    await model.reached.wait()
    await by_hand(pause, begin, acme.principal("member"))
    await until(lambda: begin.run_id in process.supervisor.stops.pausing)
    model.let_go.set()
    lines = await read(follower)
    paused = orjson.loads(lines[-1].data)
    assert (paused["event"], paused["reason"], paused["tools"]) == ("RunPaused", "by hand", [])
    assert ran == []
    run, steps = await in_thread(stored, begin), await in_thread(steps_of, begin)
    assert (run.status, run.lease_owner, run.usage["model_calls"]) == ("paused", "", 1)
    assert [(step.path, step.state) for step in steps.values()] == [("1.model", "done")]
    await by_hand(unpause, begin, acme.principal("member"))
    rest = await read(process.follow(begin, after=lines[-1].seq))
    assert (names(rest)[0], names(rest)[-1]) == ("RunContinued", "RunCompleted")
    assert ran == ["look x"]
    assert (await in_thread(stored, begin)).usage["model_calls"] == 2


async def test_a_pause_is_seen_without_its_notification(make_process, acme, monkeypatch):
    monkeypatch.setattr("agents.services.log.notify", lambda channel, payload: None)
    model = HeldModel(LOOK_THEN_END)
    process = await make_process(model=model)
    begin = process.new()
    follower = await process.start(begin)
    await model.reached.wait()
    await by_hand(pause, begin, acme.principal("member"))
    await until(lambda: begin.run_id in process.supervisor.stops.pausing)
    model.let_go.set()
    assert names(await read(follower))[-1] == "RunPaused"


async def test_an_answered_run_that_is_paused_by_hand_goes_on_when_it_is_unpaused(make_process, acme):
    process = await make_process([[("pay", {"amount": 5})], "Paid"])
    begin = process.new()
    lines = await read(await process.start(begin))
    member = acme.principal("member")
    await by_hand(pause, begin, member)
    await in_thread(answer, principal=member, run_id=begin.run_id, answers=[Answer("call_1_0", confirmed=True)])
    assert (await in_thread(stored, begin)).status == "paused"
    detail = await in_thread(selectors.run_detail, principal=member, run_id=begin.run_id)
    assert (detail["status"], detail["pause_reason"]) == ("PAUSED", "by hand")
    await by_hand(unpause, begin, member)
    rest = await read(process.follow(begin, after=lines[-1].seq))
    assert names(rest)[-1] == "RunCompleted"
    assert ran == ["pay 5"]
    detail = await in_thread(selectors.run_detail, principal=member, run_id=begin.run_id)
    assert detail["pause_reason"] is None


async def test_unpausing_a_run_that_waits_for_an_answer_leaves_it_waiting(make_process, acme):
    process = await make_process([[("pay", {"amount": 5})], "Paid"])
    begin = process.new()
    lines = await read(await process.start(begin))
    member = acme.principal("member")
    await by_hand(pause, begin, member)
    await by_hand(unpause, begin, member)
    again = await read(process.follow(begin, after=lines[-1].seq))
    assert names(again) == ["RunContinued", "RunPaused"]
    asked = orjson.loads(again[-1].data)
    assert [tool["tool_call_id"] for tool in asked["tools"]] == ["call_1_0"]
    assert "reason" not in asked
    await until(lambda: stored(begin).status == "paused")
    await in_thread(answer, principal=member, run_id=begin.run_id, answers=[Answer("call_1_0", confirmed=True)])
    await until(lambda: stored(begin).status == "completed")
    assert ran == ["pay 5"]


async def test_a_run_that_nobody_has_claimed_pauses_before_its_first_step(make_process, acme):
    process = await make_process(supervise=False)
    begin = process.new(owner="")
    await process.supervisor.writer.begin(begin)
    await by_hand(pause, begin, acme.principal("member"))
    worker = await make_process(["Hello"])
    lines = await read(worker.follow(begin))
    assert names(lines) == ["RunStarted", "RunPaused"]
    assert worker.model.requests == []
    await by_hand(unpause, begin, acme.principal("member"))
    await until(lambda: stored(begin).status == "completed")


async def test_a_recovered_run_stays_paused(make_process, acme):
    """Its owner died before it saw the request: the heir finds it in the run."""
    dead = await make_process(supervise=False)
    begin = dead.new()
    await dead.supervisor.writer.begin(begin)
    await by_hand(pause, begin, acme.principal("member"))
    await in_thread(expire_lease, begin)
    heir = await make_process(["never"])
    await until(lambda: stored(begin).status == "paused")
    assert heir.model.requests == []


async def test_an_unpause_that_overtakes_the_pause_is_not_lost(make_process, acme):
    """The process has decided to pause, and its write comes after the unpause: the run may not be stuck."""
    process = await make_process(supervise=False)
    begin = process.new()
    await process.supervisor.writer.begin(begin)
    journal = process.supervisor.writer.open(info_of(begin), fence=1, next_seq=1)
    await by_hand(pause, begin, acme.principal("member"))
    await by_hand(unpause, begin, acme.principal("member"))
    await journal.commit(Write(run=RunChange(RunStatus.PAUSED)))
    assert (await in_thread(stored, begin)).status == "pending"


async def test_pausing_is_repeatable_and_audited_once_and_cancel_ends_it(make_process, acme, globex):
    model = HeldModel(LOOK_THEN_END)
    process = await make_process(model=model)
    begin = process.new()
    follower = await process.start(begin)
    await model.reached.wait()
    member = acme.principal("member")
    with pytest.raises(Conflict, match="Nobody"):
        await by_hand(unpause, begin, member)
    for stranger in (globex.principal("admin"), acme.principal("approver")):
        with pytest.raises(NotFound):
            await by_hand(pause, begin, stranger)
    await asyncio.gather(*(by_hand(pause, begin, member) for _ in range(3)))
    await by_hand(unpause, begin, acme.principal("operator"))
    await by_hand(pause, begin, acme.principal("operator"))
    await until(lambda: begin.run_id in process.supervisor.stops.pausing)
    model.let_go.set()
    assert names(await read(follower))[-1] == "RunPaused"
    await by_hand(request_cancel, begin, member)
    assert (await in_thread(stored, begin)).status == "cancelled"
    with pytest.raises(Conflict):
        await by_hand(unpause, begin, member)

    def actions():
        with tenant_scope(begin.tenant_id, begin.user_id):
            return list(AuditRow.objects.using("system").order_by("seq").values_list("action", flat=True))

    expected = ["run.started", "run.paused", "run.unpaused", "run.paused", "run.cancelled"]
    assert await in_thread(actions) == expected


async def test_a_reply_without_tool_calls_ends_the_run_in_spite_of_the_pause(make_process, acme):
    model = HeldModel(["The end"])
    process = await make_process(model=model)
    begin = process.new()
    follower = await process.start(begin)
    await model.reached.wait()
    await by_hand(pause, begin, acme.principal("member"))
    await until(lambda: begin.run_id in process.supervisor.stops.pausing)
    model.let_go.set()
    assert names(await read(follower))[-1] == "RunCompleted"
    assert await in_thread(lambda: _columns(begin)) == ("completed", "The end")


def _columns(begin) -> tuple[str, str]:
    with tenant_scope(begin.tenant_id, begin.user_id):
        return Run.objects.values_list("status", "output").get(id=begin.run_id)


async def test_what_a_cancelled_run_waited_for_is_ended_with_it(make_process, acme):
    process = await make_process([[("look", {"place": "x"}), ("pay", {"amount": 5})]])
    begin = process.new()
    await read(await process.start(begin))
    await in_thread(request_cancel, principal=acme.principal("member"), run_id=begin.run_id)
    steps = await in_thread(steps_of, begin)
    assert {path: step.state for path, step in steps.items()} == {"1.model": "done", "1.0": "done", "1.1": "refused"}
    assert (steps["1.1"].error, steps["1.1"].ended_at is None) == (RUN_ENDED, False)
