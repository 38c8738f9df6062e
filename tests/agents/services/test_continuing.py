"""Runs that several people go on with at once, over whichever edge: one answer wins, and none is lost."""

from __future__ import annotations

import asyncio
from functools import partial
from itertools import permutations

import pytest

from accounts.seam import in_thread
from agentos.core.errors import Conflict
from agents.engine.spec import AgentSpec
from agents.engine.status import RunStatus
from agents.engine.steps import RunChange, Write
from agents.engine.testing import ScriptedModel
from agents.engine.tools import tool
from agents.registry import registry
from agents.services import queue
from agents.services.answers import Answer, answer
from agents.services.runs import request_cancel
from governance.hooks import Governance
from governance.models import Approval
from governance.services import approvals
from tests.agents.services.conftest import names, pay, ran, read
from tests.agents.services.stored import all_wait, first_turn, info_of, steps_of, stored, until


@tool(effect="outward", repeat="once", level="approve", says="Order {amount}")
async def order(amount: int) -> str:
    """Order."""
    ran.append(f"order {amount}")
    return f"ordered {amount}"


@tool(level="external", says="Measure {what}")
async def measure(what: str) -> str:
    """Measure, on the caller's side."""
    raise AssertionError("never runs here")


SPEC = AgentSpec("tester", "Test.", tools=(pay, order, measure))
ALL = [("pay", {"amount": 1}), ("order", {"amount": 2}), ("measure", {"what": "rain"})]


@pytest.fixture
async def three(make_process, monkeypatch):
    """Return a process and a run of it that waits for three people."""
    monkeypatch.setattr(type(registry), "get", lambda self, kind, component_id: SPEC)
    process = await make_process([ALL, "Done"], hooks=Governance())
    begin = process.new(owner="")
    await process.supervisor.writer.begin(begin)
    await until(lambda: stored(begin).status == "paused")
    return process, begin


def acts(begin, acme):
    """Return what each of the three says, by the name of the tool."""
    says = partial(answer, principal=acme.principal("member"), run_id=begin.run_id)
    decide = partial(approvals.decide, principal=acme.principal("approver"), approved=True)
    return {
        "pay": lambda: says(answers=[Answer("call_1_0", confirmed=True)]),
        "order": lambda: decide(approval_id=Approval.objects.using("system").get(run_id=begin.run_id).id),
        "measure": lambda: says(answers=[Answer("call_1_2", result="12 mm")]),
    }


@pytest.mark.parametrize("sequence", [*permutations(("pay", "order", "measure"))], ids="-".join)
async def test_three_pauses_of_one_turn_are_answered_in_any_order(three, acme, sequence):
    process, begin = three
    said = acts(begin, acme)
    for place, name in enumerate(sequence):
        await in_thread(said[name])
        if place < 2:
            await until(lambda: stored(begin).status == "paused")
            assert len(process.model.requests) == 1
    await until(lambda: stored(begin).status == "completed")
    assert sorted(ran) == ["order 2", "pay 1"]
    told = [message["content"] for message in process.model.requests[1].messages if message["role"] == "tool"]
    assert told == ["paid 1", "ordered 2", "12 mm"]


async def test_three_pauses_of_one_turn_are_answered_all_at_once(three, acme):
    """All three wait for the run's row together, and each finds its own call waiting."""
    process, begin = three
    async with process.pool.connection() as connection, connection.transaction():
        await connection.execute("SELECT 1 FROM agents_run WHERE id = %s FOR NO KEY UPDATE", [begin.run_id])
        sent = [asyncio.ensure_future(in_thread(act)) for act in acts(begin, acme).values()]
        await all_wait(connection, 3)
    await asyncio.gather(*sent)
    await until(lambda: stored(begin).status == "completed")
    assert sorted(ran) == ["order 2", "pay 1"]
    assert names(await read(process.follow(begin, to_end=True))).count("RunCompleted") == 1


@pytest.mark.parametrize("name", ["pay", "order", "measure"])
async def test_of_two_who_say_the_same_at_once_one_wins(three, acme, name):
    process, begin = three
    act = acts(begin, acme)[name]
    async with process.pool.connection() as connection, connection.transaction():
        await connection.execute("SELECT 1 FROM agents_run WHERE id = %s FOR NO KEY UPDATE", [begin.run_id])
        sent = [asyncio.ensure_future(in_thread(act)) for _ in range(2)]
        await all_wait(connection, 2)
    results = await asyncio.gather(*sent, return_exceptions=True)
    assert [type(result) for result in results].count(Conflict) == 1
    await until(lambda: stored(begin).status == "paused")
    states = {step.name: step.state for step in (await in_thread(steps_of, begin)).values() if step.kind == "tool"}
    assert states == dict.fromkeys(("pay", "order", "measure"), "waiting") | {name: "done"}


async def test_an_answer_of_several_calls_of_which_one_is_taken_changes_none(three, acme):
    _, begin = three
    said = acts(begin, acme)
    await in_thread(said["measure"])
    await until(lambda: stored(begin).status == "paused")
    both = [Answer("call_1_0", confirmed=True), Answer("call_1_2", result="13 mm")]
    with pytest.raises(Conflict):
        await in_thread(answer, principal=acme.principal("member"), run_id=begin.run_id, answers=both)
    steps = await in_thread(steps_of, begin)
    assert (steps["1.0"].state, steps["1.2"].result, ran) == ("waiting", "12 mm", [])


@pytest.mark.parametrize("cancel_first", [True, False])
async def test_an_answer_and_a_cancel_at_once(three, acme, cancel_first):
    """Whoever has the run first has its way; the other one is refused, or ends what was begun."""
    process, begin = three
    member = acme.principal("member")
    cancel = partial(request_cancel, principal=member, run_id=begin.run_id)
    acting = [cancel, acts(begin, acme)["pay"]]
    process.supervisor.runs.most = 0  # nobody works on it before both have spoken
    sent = []
    async with process.pool.connection() as connection, connection.transaction():
        await connection.execute("SELECT 1 FROM agents_run WHERE id = %s FOR NO KEY UPDATE", [begin.run_id])
        for act in acting if cancel_first else acting[::-1]:
            sent.append(asyncio.ensure_future(in_thread(act)))
            await all_wait(connection, len(sent))
    results = await asyncio.gather(*sent, return_exceptions=True)
    assert [type(result) for result in results].count(Conflict) == (1 if cancel_first else 0)
    assert ((await in_thread(stored, begin)).status, ran) == ("cancelled", [])


@pytest.mark.parametrize("answer_first", [True, False])
async def test_an_answer_that_races_the_flush_of_the_pause_is_found_by_it_or_finds_it(make_process, acme, answer_first):
    """Both orders of the two writes leave a run that somebody goes on with."""
    process = await make_process(supervise=False)
    begin = process.new()
    await process.supervisor.writer.begin(begin)
    journal = process.supervisor.writer.open(info_of(begin), fence=1, next_seq=1)
    await first_turn(begin, journal, ScriptedModel([[("pay", {"amount": 3})], "?"]))
    yes, member = [Answer("call_1_0", confirmed=True)], acme.principal("member")

    async def says() -> None:
        await in_thread(answer, principal=member, run_id=begin.run_id, answers=yes)

    async def pauses() -> None:
        await journal.commit(Write(events=[("RunPaused", {})], run=RunChange(RunStatus.PAUSED)))

    racing: list[asyncio.Future[object]] = []
    async with process.pool.connection() as connection, connection.transaction():
        await connection.execute("SELECT 1 FROM agents_run WHERE id = %s FOR NO KEY UPDATE", [begin.run_id])
        for write in (says, pauses) if answer_first else (pauses, says):
            racing.append(asyncio.ensure_future(write()))
            await all_wait(connection, len(racing))
    await asyncio.gather(*racing)
    assert (await in_thread(stored, begin)).status == "pending"
    assert [run.run_id for run in await queue.claim(process.pool, owner="heir", limit=5, most_per_tenant=5)] == [
        begin.run_id
    ]
