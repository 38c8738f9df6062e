"""The loop without a database: turns, pauses, recovery, limits."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest

from agentos.core.errors import LimitExceeded, ProviderError, ToolFailed
from agents.engine.limits import Limits, check_child
from agents.engine.loop import Completed, Failed, HandedOn, Paused, work
from agents.engine.ports import Allow, Ports
from agents.engine.spec import AgentSpec
from agents.engine.status import RunStatus, StepState
from agents.engine.steps import Statement
from agents.engine.testing import (
    MemoryJournal,
    PlainGates,
    ScriptedModel,
    answer,
    memory_ports,
    new_state,
    no_sleep,
)
from agents.engine.tools import RunContext, tool

ran: list[str] = []


@pytest.fixture(autouse=True)
def _nothing_ran():
    ran.clear()


@tool()
async def look(place: str) -> str:
    """Look at a place."""
    ran.append(f"look {place}")
    return f"{place} is empty"


@tool(effect="outward", repeat="once", level="confirm", says="Pay {amount}")
async def pay(ctx: RunContext, amount: int) -> str:
    """Pay."""
    ran.append(f"pay {amount} {ctx.idempotency_key[:6]}")
    return f"paid {amount}"


@tool(level="external")
async def outside(command: str) -> str:
    """Run elsewhere."""
    raise AssertionError("never runs here")


@tool()
async def broken() -> str:
    """Fail."""
    raise RuntimeError("password=hunter2")


@tool()
async def unhappy() -> str:
    """Fail on purpose."""
    raise ToolFailed("The place is closed.")


SPEC = AgentSpec("tester", "Test.", tools=(look, pay, outside, broken, unhappy))


async def run(script, journal=None, spec=SPEC, state=None):
    journal = journal or MemoryJournal()
    ports = memory_ports(script, journal)
    ending = await work(state or new_state(spec, "Go", journal=journal), ports)
    return ending, journal, ports.model


async def test_text_is_streamed_and_completed():
    ending, journal, _ = await run(["All is well"])
    assert ending == Completed("All is well")
    assert journal.names[0] == "RunStarted"
    assert journal.names[-1] == "RunCompleted"
    assert journal.names.count("RunContent") == 3
    assert journal.writes[-1].run.status is RunStatus.COMPLETED
    assert journal.writes[-1].run.usage["output_tokens"] == 3


async def test_a_tool_runs_and_its_result_reaches_the_model():
    ending, _, model = await run([[("look", {"place": "attic"})], "Nothing there"])
    assert ending == Completed("Nothing there")
    assert model.requests[1].messages[-1]["content"] == "attic is empty"
    assert ran == ["look attic"]


async def test_parallel_tools_keep_the_models_order():
    _, _, model = await run([[("look", {"place": "a"}), ("look", {"place": "b"})], "Done"])
    assert [m["content"] for m in model.requests[1].messages[-2:]] == ["a is empty", "b is empty"]


async def test_a_gated_tool_pauses_and_goes_on_where_it_stopped():
    script = [[("look", {"place": "till"}), ("pay", {"amount": 5})], "Paid"]
    ending, journal, _ = await run(script)
    assert isinstance(ending, Paused)
    assert ran == ["look till"]
    answer(journal, "1.1", {"confirmed": True})
    ending, journal, model = await run(script[1:], journal)
    assert ending == Completed("Paid")
    assert [entry.split()[0] for entry in ran] == ["look", "pay"]
    assert len(model.requests) == 1
    assert journal.names.count("RunStarted") == 1
    assert "RunContinued" in journal.names


async def test_a_rejection_and_its_note_reach_the_model():
    script = [[("pay", {"amount": 5})], "Understood"]
    _, journal, _ = await run(script)
    answer(journal, "1.0", {"confirmed": False, "note": "too much"})
    ending, journal, model = await run(script[1:], journal)
    assert ending == Completed("Understood")
    assert model.requests[0].messages[-1]["content"] == "Refused: too much"
    assert journal.steps["1.0"].state is StepState.REFUSED
    assert ran == []


async def test_two_pauses_in_one_turn_are_answered_in_any_order():
    script = [[("pay", {"amount": 1}), ("pay", {"amount": 2})], "Both"]
    _, journal, _ = await run(script)
    answer(journal, "1.1", {"confirmed": True})
    ending, journal, _ = await run([], journal)
    assert isinstance(ending, Paused)
    assert [step.path for step in ending.waiting] == ["1.0"]
    answer(journal, "1.0", {"confirmed": True})
    ending, _, _ = await run(script[1:], journal)
    assert ending == Completed("Both")
    assert sorted(entry.split()[1] for entry in ran) == ["1", "2"]


async def test_an_external_result_is_told_to_the_model_and_the_tool_never_runs():
    script = [[("outside", {"command": "ping db"})], "It answers"]
    _, journal, _ = await run(script)
    answer(journal, "1.0", {"result": "pong"})
    ending, _, model = await run(script[1:], journal)
    assert ending == Completed("It answers")
    assert model.requests[0].messages[-1]["content"] == "pong"


async def test_what_a_tool_raises_is_told_without_its_text():
    _, journal, model = await run([[("broken", {})], "Sorry"])
    told = model.requests[1].messages[-1]["content"]
    assert told == "Error: broken failed."
    assert "hunter2" not in str(journal.events)


async def test_a_tools_own_failure_is_told_in_its_words():
    _, _, model = await run([[("unhappy", {})], "Sorry"])
    assert model.requests[1].messages[-1]["content"] == "Error: The place is closed."


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (("nothing", {}), "Error: There is no tool nothing."),
        (("look", {"street": "x"}), "Error: The arguments do not fit look"),
        (("look", {"place": 3}), "Error: The arguments do not fit look"),
    ],
)
async def test_a_call_that_does_not_fit_is_told_to_the_model(call, told):
    _, _, model = await run([[call], "I see"])
    assert model.requests[1].messages[-1]["content"].startswith(told)
    assert ran == []


async def test_a_finished_model_call_is_never_paid_twice():
    script = [[("look", {"place": "x"})], "End"]
    _, journal, _ = await run(script)
    ending, _, model = await run([], journal)
    assert ending == Completed("End")
    assert model.requests == []
    assert ran == ["look x"]


async def test_a_cut_model_call_is_asked_again_after_a_reset():
    _, journal, _ = await run(["First"])
    journal.steps["1.model"].state = StepState.STARTED
    seq = journal.steps["1.model"].seq
    ending, journal, _ = await run(["Second"], journal)
    assert ending == Completed("Second")
    assert ("RunContentReset", {"from_seq": seq + 1}) in journal.events


async def test_a_side_effect_that_may_have_happened_is_never_repeated():
    script = [[("pay", {"amount": 9})], "?"]
    _, journal, _ = await run(script)
    answer(journal, "1.0", {"confirmed": True})
    journal.steps["1.0"].state, journal.steps["1.0"].attempts = StepState.STARTED, 1
    ending, journal, _ = await run([], journal)
    assert isinstance(ending, Paused)
    assert ran == []
    assert journal.steps["1.0"].state is StepState.UNKNOWN
    answer(journal, "1.0", {"outcome": "happened", "result": "paid after all"})
    ending, _, model = await run(["Good"], journal)
    assert ending == Completed("Good")
    assert model.requests[0].messages[-1]["content"] == "paid after all"
    assert ran == []


async def test_a_read_only_tool_that_was_cut_runs_again():
    _, journal, _ = await run([[("look", {"place": "y"})], "End"])
    del journal.steps["2.model"]
    journal.steps["1.0"].state = StepState.STARTED
    await run(["End"], journal)
    assert ran == ["look y", "look y"]


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
    ending = await work(state, Ports(Slow([]), MemoryJournal(), PlainGates(), no_sleep))
    assert isinstance(ending, Failed)
    assert ending.code == "limit_wall_time"


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


async def test_a_gate_that_breaks_refuses():
    class Broken(PlainGates):
        async def before_tool(self, run, tool, step, arguments):
            raise ToolFailed("The gate is out of order.")

    journal, model = MemoryJournal(), ScriptedModel([[("look", {"place": "z"})], "No"])
    await work(new_state(SPEC, "Go"), Ports(model, journal, Broken(), no_sleep))
    assert model.requests[1].messages[-1]["content"] == "Refused: The gate is out of order."
    assert ran == []


async def test_a_guarded_statement_that_does_not_hold_refuses_the_call():
    class Guarded(PlainGates):
        async def before_tool(self, run, tool, step, arguments):
            return Allow((Statement("UPDATE", (), "It was used already."),))

    journal, model = MemoryJournal(refuse_statements=True), ScriptedModel([[("pay", {"amount": 1})], "No"])
    await work(new_state(SPEC, "Go"), Ports(model, journal, Guarded(), no_sleep))
    assert model.requests[1].messages[-1]["content"] == "Refused: It was used already."
    assert ran == []


async def test_repeated_call_ids_of_a_model_are_told_apart():
    class Repeating(ScriptedModel):
        async def stream(self, request):
            async for part in super().stream(request):
                if not isinstance(part, str) and part.tool_calls:
                    part = replace(part, tool_calls=tuple(replace(call, id="same") for call in part.tool_calls))
                yield part

    journal, model = (
        MemoryJournal(),
        Repeating([[("look", {"place": "1"})], [("look", {"place": "2"})], "End"]),
    )
    await work(new_state(SPEC, "Go"), Ports(model, journal, PlainGates(), no_sleep))
    ids = [step.tool_call_id for step in journal.steps.values() if step.tool_call_id]
    assert len(ids) == len(set(ids)) == 2


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


async def test_a_process_that_goes_away_hands_the_run_on_at_a_steps_edge():
    journal = MemoryJournal(drain_requested=True)
    journal.steps = (await run([[("look", {"place": "x"})], "End"]))[1].steps
    del journal.steps["2.model"]
    ending, journal, model = await run(["never asked"], journal)
    assert ending == HandedOn()
    assert journal.writes[-1].run.status is RunStatus.PENDING
    assert model.requests == []
    journal.drain_requested = False
    ending, _, _ = await run(["End"], journal)
    assert ending == Completed("End")


@tool(effect="outward", repeat="once", timeout_seconds=0.01)
async def wire(amount: int) -> str:
    """Send money."""
    ran.append(f"wire {amount}")
    await asyncio.sleep(10)
    return "sent"


async def test_a_side_effect_that_times_out_is_unknown_and_not_asked_for_again():
    ending, journal, model = await run([[("wire", {"amount": 7})], "?"], spec=AgentSpec("w", "", tools=(wire,)))
    assert isinstance(ending, Paused)
    assert journal.steps["1.0"].state is StepState.UNKNOWN
    assert (len(model.requests), ran) == (1, ["wire 7"])


async def test_an_idempotent_tool_that_breaks_off_is_asked_once_more_with_its_key():
    keys: list[str] = []

    @tool(effect="tenant", repeat="idempotent")
    async def put(ctx: RunContext) -> str:
        """Put."""
        keys.append(ctx.idempotency_key)
        if len(keys) == 1:
            raise ConnectionError
        return "put"

    ending, _, _ = await run([[("put", {})], "Done"], spec=AgentSpec("p", "", tools=(put,)))
    assert ending == Completed("Done")
    assert len(keys) == 2
    assert len(set(keys)) == 1


async def test_a_flood_of_calls_in_one_reply_runs_none_of_them():
    limits = replace(SPEC, limits=Limits(tool_calls=5))
    ending, _, _ = await run([[("look", {"place": str(n)}) for n in range(50)]], spec=limits)
    assert isinstance(ending, Failed)
    assert (ending.code, ran) == ("limit_tool_calls", [])


@pytest.mark.parametrize("number", [2**53 + 1, 10**30, -(2**70)])
async def test_large_numbers_in_arguments_are_no_bug(number):
    @tool()
    async def count(n: int) -> str:
        """Count."""
        return str(n)

    ending, _, _ = await run([[("count", {"n": number})], "Counted"], spec=AgentSpec("c", "", tools=(count,)))
    assert ending == Completed("Counted")


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
