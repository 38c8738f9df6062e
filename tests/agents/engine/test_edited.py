"""A call that its approver has edited runs exactly as edited, and the model is told so."""

from __future__ import annotations

from agents.engine.loop import Completed, work
from agents.engine.messages import EDITED
from agents.engine.ports import Ports
from agents.engine.spec import AgentSpec
from agents.engine.status import StepState
from agents.engine.testing import MemoryJournal, PlainGates, ScriptedModel, answer, new_state, no_sleep
from agents.engine.tools import tool

ran: list[int] = []


@tool(effect="outward", repeat="once", level="approve", says="Pay {amount}")
async def pay(amount: int) -> str:
    """Pay."""
    ran.append(amount)
    return f"paid {amount}"


SPEC = AgentSpec(id="payer", instructions="Pay.", tools=(pay,))


async def asked() -> tuple[MemoryJournal, Ports]:
    ran.clear()
    journal = MemoryJournal()
    ports = Ports(ScriptedModel(([("pay", {"amount": 100})], "done")), journal, PlainGates(), no_sleep)
    await work(new_state(SPEC, "Go"), ports)
    return journal, ports


async def test_it_runs_as_edited_and_both_are_kept() -> None:
    journal, ports = await asked()
    answer(journal, "1.0", {"confirmed": True, "edited_arguments": {"amount": 40}})
    state = new_state(SPEC, "Go", journal=journal)
    assert isinstance(await work(state, ports), Completed)
    assert ran == [40]
    step = journal.steps["1.0"]
    assert (step.request["proposed_arguments"], step.request["arguments"]) == ({"amount": 100}, {"amount": 40})
    (started,) = [payload["tool"] for name, payload in journal.events if name == "ToolCallStarted"]
    assert (started["tool_args"], started["proposed_args"]) == ({"amount": 40}, {"amount": 100})
    told = [message["content"] for message in state.messages if message["role"] == "tool"]
    assert told == [f'{EDITED} {{"amount":40}}. paid 40']


async def test_a_second_pass_keeps_what_the_model_had_asked_for() -> None:
    journal, ports = await asked()
    answer(journal, "1.0", {"confirmed": True, "edited_arguments": {"amount": 40}})
    await work(new_state(SPEC, "Go", journal=journal), ports)
    journal.steps["1.0"].state = StepState.ANSWERED  # the process died before the end was stored
    await work(new_state(SPEC, "Go", journal=journal), ports)
    assert journal.steps["1.0"].request["proposed_arguments"] == {"amount": 100}


async def test_edited_arguments_that_do_not_fit_fail() -> None:
    journal, ports = await asked()
    answer(journal, "1.0", {"confirmed": True, "edited_arguments": {"amount": "lots"}})
    await work(new_state(SPEC, "Go", journal=journal), ports)
    assert ran == []
    assert journal.steps["1.0"].state is StepState.FAILED


async def test_a_refused_call_is_not_edited() -> None:
    journal, ports = await asked()
    answer(journal, "1.0", {"confirmed": False, "note": "no", "edited_arguments": {"amount": 1}})
    await work(new_state(SPEC, "Go", journal=journal), ports)
    assert ran == []
    assert "proposed_arguments" not in journal.steps["1.0"].request
