"""What ends or cuts a run of the loop: limits, failures of the model, prices."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest

from agentos.core.errors import LimitExceeded, ProviderError
from agents.engine.limits import Limits, check_child
from agents.engine.loop import Completed, Failed, Paused, work
from agents.engine.ports import Ports
from agents.engine.spec import AgentSpec
from agents.engine.state import RUN_ENDED
from agents.engine.status import RunStatus, StepState
from agents.engine.testing import (
    MemoryJournal,
    PlainGates,
    ScriptedModel,
    answer,
    memory_ports,
    new_state,
    no_sleep,
)
from agents.engine.tools import tool
from tests.agents.engine.tester import SPEC, nothing_ran, ran, run

__all__ = ["nothing_ran"]


async def test_a_retryable_failure_is_asked_again_and_its_text_reset():
    failure = ProviderError("busy", code="provider_rate_limited", retryable=True)
    ending, journal, _ = await run([failure, "Now"])
    assert ending == Completed("Now")
    assert "RunContentReset" in journal.names


async def test_what_is_halted_between_two_attempts_is_not_asked_again_until_it_is_released():
    journal = MemoryJournal()
    failure = ProviderError("busy", code="provider_rate_limited", retryable=True)
    model = ScriptedModel([failure, "Now"])
    ports = replace(memory_ports([], journal), model=model)

    async def halt(seconds: float) -> None:
        journal.halted.add("")

    ending = await work(new_state(SPEC, "Go", journal=journal), replace(ports, sleep=halt))
    assert ending == Paused([], halted_by="tenant")
    assert len(model.requests) == 1
    journal.halted.clear()
    assert await work(new_state(SPEC, "Go", journal=journal), ports) == Completed("Now")


async def test_a_failure_that_stays_ends_the_run_with_its_code():
    ending, journal, _ = await run([ProviderError("The key was refused.", code="provider_auth")])
    assert ending == Failed("provider_auth", "The key was refused.")
    assert journal.events[-1][0] == "RunError"
    assert journal.writes[-1].run.status is RunStatus.ERROR


@pytest.mark.parametrize(
    ("limits", "script", "code"),
    [
        (Limits(turns=2), [[("look", {"place": str(n)})] for n in range(4)], "limit_turns"),
        (Limits(tool_calls=1), [[("look", {"place": str(n)})] for n in range(4)], "limit_tool_calls"),
        (Limits(total_tokens=20), [[("look", {"place": str(n)})] for n in range(4)], "limit_tokens"),
        (Limits(cost_usd=Decimal("0.02")), [[("look", {"place": str(n)})] for n in range(4)], "limit_cost"),
        (Limits(), [[("look", {"place": "same"})] for _ in range(9)], "limit_loop"),
    ],
)
async def test_each_limit_ends_the_run_with_its_own_code(limits, script, code):
    journal, model = MemoryJournal(), ScriptedModel(script)
    state = new_state(replace(SPEC, limits=limits), "Go")
    ending = await work(state, Ports(model, journal, PlainGates(), no_sleep, lambda model, usage: Decimal("0.01")))
    assert isinstance(ending, Failed)
    assert ending.code == code
    assert journal.names[-1] == "RunError"


async def test_the_tools_of_a_reply_that_used_up_the_money_do_not_run():
    spec = replace(SPEC, limits=Limits(cost_usd=Decimal("0.01")))
    journal, model = MemoryJournal(), ScriptedModel([[("look", {"place": str(n)}) for n in range(9)]])
    ports = Ports(model, journal, PlainGates(), no_sleep, lambda model, usage: Decimal("0.02"))
    ending = await work(new_state(spec, "Go"), ports)
    assert isinstance(ending, Failed)
    assert (ending.code, ran) == ("limit_cost", [])


async def test_a_limit_of_little_money_is_said_in_figures():
    spec = replace(SPEC, limits=Limits(cost_usd=Decimal("0.0000001")))
    model = ScriptedModel([[("look", {"place": "here"})]])
    ports = Ports(model, MemoryJournal(), PlainGates(), no_sleep, lambda model, usage: Decimal("0.02"))
    ending = await work(new_state(spec, "Go"), ports)
    assert isinstance(ending, Failed)
    assert "$0.0000001 " in ending.text


async def test_an_answer_is_kept_whatever_it_cost():
    spec = replace(SPEC, limits=Limits(cost_usd=Decimal("0.01"), total_tokens=5))
    ports = Ports(
        ScriptedModel(["All is well"]), MemoryJournal(), PlainGates(), no_sleep, lambda model, usage: Decimal(9)
    )
    assert await work(new_state(spec, "Go"), ports) == Completed("All is well")


async def test_the_time_that_is_worked_is_limited():
    class Slow(ScriptedModel):
        async def stream(self, request):
            await asyncio.Event().wait()
            yield ""

    state = new_state(replace(SPEC, limits=Limits(wall_seconds=10)), "Go")
    state.worked_seconds = 9.99
    journal = MemoryJournal()
    ending = await work(state, Ports(Slow([]), journal, PlainGates(), no_sleep))
    assert isinstance(ending, Failed)
    assert ending.code == "limit_wall_time"
    assert (journal.steps["1.model"].state, journal.steps["1.model"].error) == (StepState.FAILED, RUN_ENDED)


async def test_a_model_call_is_asked_for_with_the_specs_own_deadline():
    _, _, model = await run(["Well"], spec=replace(SPEC, limits=Limits(model_seconds=7.5)))
    assert model.requests[0].timeout_seconds == 7.5


@pytest.mark.parametrize(
    ("depth", "children", "code"), [(3, 0, "limit_depth"), (1, 5, "limit_children"), (9, 9, "limit_depth")]
)
def test_a_child_is_refused_by_its_depth_and_its_number(depth, children, code):
    with pytest.raises(LimitExceeded) as refused:
        check_child(Limits(depth=2, children=5), depth=depth, children=children)
    assert refused.value.code == code


def test_the_last_child_that_is_allowed_is_allowed():
    check_child(Limits(depth=2, children=5), depth=2, children=4)


async def test_a_slow_tool_is_cut_at_its_limit():
    @tool(timeout_seconds=0.01)
    async def slow() -> str:
        """Wait."""
        await asyncio.sleep(10)
        return "never"

    _, _, model = await run([[("slow", {})], "Too slow"], spec=AgentSpec("s", "", tools=(slow,)))
    assert "did not answer" in model.requests[1].messages[-1]["content"]


async def test_a_fallback_model_answers_when_the_first_cannot():
    failure = ProviderError("gone", code="provider_model_missing")
    state = new_state(SPEC, "Go")
    state.info = replace(state.info, fallbacks=("spare",))
    ending, journal, model = await run([failure, "From the spare"], state=state)
    assert ending == Completed("From the spare")
    assert [request.model for request in model.requests] == ["test-model", "spare"]
    switch = [payload for name, payload in journal.events if payload.get("fallback_from")]
    assert switch == [{"model": "spare", "attempt": 2, "fallback_from": "test-model"}]
    assert "RunContentReset" in journal.names


async def test_no_other_model_is_asked_what_no_model_can_take():
    state = new_state(SPEC, "Go")
    state.info = replace(state.info, fallbacks=("spare",))
    ending, _, model = await run([ProviderError("too long", code="context_length")], state=state)
    assert ending == Failed("context_length", "too long")
    assert len(model.requests) == 1


async def test_a_flood_of_calls_in_one_reply_runs_none_of_them():
    limits = replace(SPEC, limits=Limits(tool_calls=5))
    ending, _, _ = await run([[("look", {"place": str(n)}) for n in range(50)]], spec=limits)
    assert isinstance(ending, Failed)
    assert (ending.code, ran) == ("limit_tool_calls", [])


async def test_each_model_call_and_the_run_say_what_they_cost():
    def cost_of(model, usage):
        return Decimal(usage.output_tokens) / 1000

    journal, model = MemoryJournal(), ScriptedModel([[("look", {"place": "x"})], "All is well"])
    await work(new_state(SPEC, "Go"), Ports(model, journal, PlainGates(), no_sleep, cost_of))
    assert [journal.steps[path].usage["cost_usd"] for path in ("1.model", "2.model")] == ["0.005", "0.003"]
    ended = journal.writes[-1].run
    assert ended is not None and ended.cost_usd == Decimal("0.008")
    assert journal.events[-1][1]["metrics"]["cost"] == 0.008


async def test_a_run_with_a_call_without_a_price_has_no_cost():
    def cost_of(model, usage):
        return Decimal(1) if usage.output_tokens == 5 else None

    journal, model = MemoryJournal(), ScriptedModel([[("look", {"place": "x"})], "All is well"])
    state = new_state(SPEC, "Go")
    await work(state, Ports(model, journal, PlainGates(), no_sleep, cost_of))
    assert (state.spent.known_cost_usd, state.spent.cost_usd) == (1, None)
    ended = journal.writes[-1].run
    assert ended is not None and ended.cost_usd is None
    assert journal.events[-1][1]["metrics"]["cost"] is None


async def test_a_resumed_run_has_counted_what_its_journal_holds():
    script = [[("pay", {"amount": 5})], "Paid"]
    _, journal, _ = await run(script)
    state = new_state(SPEC, "Go", journal=journal)
    assert (state.spent.usage.total_tokens, state.spent.calls, state.tool_calls) == (15, 1, 1)
    answer(journal, "1.0", {"confirmed": True})
    _, journal, _ = await run(script[1:], journal)
    assert journal.writes[-1].run.usage["total_tokens"] == 26
