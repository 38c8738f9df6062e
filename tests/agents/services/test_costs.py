"""What runs cost: stored with the run's end, told by the API, not paid twice, lost by no stop."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from accounts.seam import in_thread
from agents import selectors
from agents.engine.asking import ask_model
from agents.engine.ports import Ports
from agents.engine.state import LoopState
from agents.engine.steps import Write
from agents.engine.testing import PlainGates, ScriptedModel
from agents.llm.prices import Prices, Rate
from agents.services.answers import Answer, answer
from agents.services.runs import request_cancel
from tests.agents.services.conftest import read
from tests.agents.services.stored import expire_lease, info_of, stored, until

RATE = Rate(Decimal(100), Decimal(1_000))  # a scripted call that asks for a tool: 10 tokens in, 5 out


def priced(process):
    """Give a process prices for the models of the tests."""
    ports = replace(process.ports, cost_of=Prices("", {"test-model": RATE}).cost)
    process.ports = process.supervisor.ports = ports
    return process


async def test_a_run_stores_and_tells_what_it_cost(make_process, serve, acme):
    process = priced(await make_process([[("look", {"place": "x"})], "The end"]))
    begin = process.new()
    lines = await read(await process.start(begin))
    assert b'"cost":0.009,' in lines[-1].data
    assert (await in_thread(stored, begin)).cost_usd == Decimal("0.009")
    call = serve(process)
    shown = (await call(acme.member, f"runs/{begin.run_id}")).json()
    assert (Decimal(shown["cost_usd"]), shown["metrics"]["cost"]) == (Decimal("0.009"), 0.009)
    rows = (await call(acme.member, f"runs/{begin.run_id}/steps")).json()
    assert [row["usage"]["cost_usd"] for row in rows if row["kind"] == "model"] == ["0.00600000", "0.00300000"]


async def test_a_run_that_goes_on_keeps_what_it_cost_before(make_process, acme):
    first = priced(await make_process([[("pay", {"amount": 5})]]))
    begin = first.new()
    await read(await first.start(begin))
    assert (await in_thread(stored, begin)).cost_usd == Decimal("0.006")
    await first.supervisor.stop()
    priced(await make_process(["Paid"]))
    said = [Answer("call_1_0", confirmed=True)]
    await in_thread(answer, principal=acme.principal("member"), run_id=begin.run_id, answers=said)
    await until(lambda: stored(begin).status == "completed")
    assert (await in_thread(stored, begin)).cost_usd == Decimal("0.008")


async def test_a_run_that_is_cancelled_after_its_process_died_keeps_what_it_cost(make_process, acme):
    dead = await make_process(supervise=False)
    begin = dead.new()
    await dead.supervisor.writer.begin(begin)
    state = LoopState(info_of(begin), [])
    journal = dead.supervisor.writer.open(state.info, fence=1, next_seq=1)
    ports = Ports(ScriptedModel(["half of it"]), journal, PlainGates(), cost_of=Prices("", {"test-model": RATE}).cost)
    await ask_model(state, ports, 1)
    await journal.commit(Write())
    await in_thread(request_cancel, principal=acme.principal("member"), run_id=begin.run_id)
    await in_thread(expire_lease, begin)
    await make_process()
    await until(lambda: stored(begin).status == "cancelled")
    run = await in_thread(stored, begin)
    assert (run.cost_usd, run.usage["total_tokens"]) == (Decimal("0.004"), 13)


async def test_what_costs_nothing_is_told_without_an_exponent(make_process, acme):
    process = await make_process(["Hello"])
    process.ports = process.supervisor.ports = replace(process.ports, cost_of=lambda model, usage: Decimal(0))
    begin = process.new()
    await read(await process.start(begin))
    told = await in_thread(selectors.run_detail, principal=acme.principal("member"), run_id=begin.run_id)
    assert told["cost_usd"] == "0.00000000"
