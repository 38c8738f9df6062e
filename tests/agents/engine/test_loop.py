"""The loop without a database: turns, pauses, recovery, side effects."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from pydantic import BaseModel

from agentos.core.errors import ToolFailed
from agents.engine.loop import Completed, HandedOn, Paused, work
from agents.engine.ports import Ports
from agents.engine.spec import AgentSpec
from agents.engine.status import RunStatus, StepState
from agents.engine.steps import Statement
from agents.engine.testing import (
    MemoryJournal,
    PlainGates,
    ScriptedModel,
    answer,
    new_state,
    no_sleep,
)
from agents.engine.tools import RunContext, tool
from agents.engine.verdicts import Allow
from tests.agents.engine.tester import SPEC, nothing_ran, ran, run

__all__ = ["nothing_ran"]


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


class Own(BaseException):
    pass


ENDS = {
    "exit": SystemExit(3),
    "interrupt": KeyboardInterrupt(),
    "cancelled": asyncio.CancelledError(),
    "own": Own(),
    "group": BaseExceptionGroup("several", [KeyboardInterrupt()]),
}


@tool()
async def leave(how: str) -> str:
    """End in a way that no function should."""
    raise ENDS[how]


@tool(effect="outward", repeat="once", says="Leave {how}")
def leave_for_good(how: str) -> str:
    """Do the same in a thread, after something may have happened."""
    raise ENDS[how]


@pytest.mark.parametrize("how", list(ENDS))
async def test_a_tool_that_exits_or_cancels_itself_ends_neither_process_nor_run(how):
    spec = AgentSpec("tester", "Test.", tools=(leave, leave_for_good))
    ending, journal, model = await run([[("leave", {"how": how})], "Well"], spec=spec)
    assert isinstance(ending, Completed)
    assert "leave failed" in model.requests[1].messages[-1]["content"]
    ending, journal, _ = await run([[("leave_for_good", {"how": how})], "Well"], spec=spec)
    assert isinstance(ending, Paused)
    assert journal.steps["1.0"].state is StepState.UNKNOWN


class Blind:
    """Lets every text pass and no arguments."""

    notes = ()

    def feed(self, text):
        return text

    def finish(self):
        return ""

    async def arguments(self, written):
        return '{"place": "[redacted]"}', "Call it without that."


class Blinding(PlainGates):
    async def output_filter(self, run):
        return Blind()


async def test_a_call_whose_arguments_the_guards_took_is_never_made():
    journal = MemoryJournal()
    model = ScriptedModel([[("look", {"place": "4111 1111 1111 1111"})], "As you like"])
    ending = await work(new_state(SPEC, "Go", journal=journal), Ports(model, journal, Blinding(), no_sleep))
    assert isinstance(ending, Completed)
    assert not ran
    assert "Call it without that." in model.requests[1].messages[-1]["content"]


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


@pytest.mark.parametrize("number", [2**53 + 1, 10**30, -(2**70)])
async def test_large_numbers_in_arguments_are_no_bug(number):
    @tool()
    async def count(n: int) -> str:
        """Count."""
        return str(n)

    ending, _, _ = await run([[("count", {"n": number})], "Counted"], spec=AgentSpec("c", "", tools=(count,)))
    assert ending == Completed("Counted")


class Part(BaseModel):
    weight: float


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-inf"])
@pytest.mark.parametrize("within", ["limit", "parts"])
async def test_a_number_that_json_does_not_know_is_told_to_the_model(number, within):
    weighed = []

    @tool()
    async def weigh(parts: list[Part], limit: float) -> str:
        """Weigh."""
        weighed.append(limit)
        return "Weighed"

    arguments = {"parts": [{"weight": 1}], "limit": 2.5}
    told = {**arguments, within: number if within == "limit" else [{"weight": number}]}
    script = [[("weigh", told)], [("weigh", arguments)], "Done"]
    _, _, model = await run(script, spec=AgentSpec("w", "", tools=(weigh,)))
    texts = [message["content"] for message in model.requests[-1].messages if message["role"] == "tool"]
    assert texts == ["Error: The arguments do not fit weigh: numbers are finite.", "Weighed"]
    assert weighed == [2.5]
