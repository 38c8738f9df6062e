"""What a run may still use: asked beside the calls by one that goes on, and met by the model's call that needs it."""

from __future__ import annotations

import asyncio
from decimal import Decimal

from agentos.core.errors import LimitExceeded
from agents.engine.allowance import BOUNDLESS
from agents.engine.loop import Completed, Failed, Paused, work
from agents.engine.ports import Ports
from agents.engine.spec import AgentSpec
from agents.engine.testing import MemoryJournal, PlainGates, ScriptedModel, answer, new_state, no_sleep
from agents.engine.tools import tool

SCRIPT = [[("wait", {"seconds": 1}), ("wait", {"seconds": 2})], "Waited"]


class Budget:
    """Tells how often it was asked, and when it was for the first time."""

    def __init__(self, refuses=0):
        self.asked, self.first, self._refuses = 0, asyncio.Event(), refuses

    async def allow(self, run, tokens: int, cost_usd: Decimal):
        self.asked += 1
        self.first.set()
        if self.asked <= self._refuses:
            raise LimitExceeded("The budget is used up.", code="budget_exceeded")
        return BOUNDLESS


budget = Budget()


@tool(effect="outward", repeat="once", level="confirm", says="Wait {seconds}")
async def wait(seconds: int) -> str:
    """Wait for the budget to be asked."""
    await asyncio.wait_for(budget.first.wait(), 5)
    return f"waited {seconds}"


SPEC = AgentSpec("waiter", "Wait.", tools=(wait,))


async def goes_on(*paths: str, refuses=0):
    """Ask for two calls, agree to some of them, and let the run go on."""
    global budget
    journal = MemoryJournal()

    async def go(script):
        model = ScriptedModel(script)
        ports = Ports(model, journal, PlainGates(), no_sleep, allow=budget.allow)
        return await work(new_state(SPEC, "Go", journal=journal), ports), model

    budget = Budget()
    assert isinstance((await go(SCRIPT))[0], Paused)
    assert budget.asked == 1
    budget = Budget(refuses)
    for path in paths:
        answer(journal, path, {"confirmed": True})
    return await go(SCRIPT[1:])


async def test_a_run_that_goes_on_asks_while_its_calls_are_made_and_not_again():
    ending, model = await goes_on("1.0", "1.1")
    assert ending == Completed("Waited")
    assert [message["content"] for message in model.requests[0].messages[-2:]] == ["waited 1", "waited 2"]
    assert budget.asked == 1


async def test_a_budget_that_is_used_up_stops_the_models_call_and_not_the_tools():
    ending, model = await goes_on("1.0", "1.1", refuses=2)
    assert isinstance(ending, Failed)
    assert ending.code == "budget_exceeded"
    assert model.requests == []
    assert budget.asked == 2


async def test_a_budget_that_had_nothing_left_for_a_moment_stops_nobody():
    assert (await goes_on("1.0", "1.1", refuses=1))[0] == Completed("Waited")


async def test_a_run_that_waits_again_is_not_stopped_by_its_budget():
    ending, _ = await goes_on("1.0", refuses=1)
    assert isinstance(ending, Paused)
