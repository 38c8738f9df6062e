"""What model calls used, those included that were cut: by an error, by a cancel, by a process that died."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest

from agentos.core.errors import ProviderError
from agents.engine import spending
from agents.engine.limits import Limits
from agents.engine.loop import Completed, work
from agents.engine.model_calls import ModelReply, Usage
from agents.engine.ports import Ports
from agents.engine.spec import AgentSpec
from agents.engine.status import RunStatus, StepState
from agents.engine.testing import MemoryJournal, PlainGates, ScriptedModel, new_state, no_sleep

SPEC = AgentSpec("tester", "Test.")
BUSY = ProviderError("busy", code="provider_unavailable", retryable=True)


def cost_of(model, usage):
    return Decimal(usage.total_tokens) / 1000


class Refusing(ScriptedModel):
    """Fails before it says anything."""

    async def stream(self, request):
        self.requests.append(request)
        if len(self.requests) == 1:
            raise BUSY
        yield "Now"
        yield ModelReply("Now", usage=Usage(10, 1), model=request.model)


async def ended(model, *, state=None, journal=None):
    journal = journal or MemoryJournal()
    state = state or new_state(SPEC, "Go", journal=journal)
    return await work(state, Ports(model, journal, PlainGates(), no_sleep, cost_of)), state, journal


async def test_an_attempt_that_broke_off_is_counted_with_the_one_that_did_not():
    ending, state, journal = await ended(ScriptedModel([BUSY, "Now at last"]))
    assert ending == Completed("Now at last")
    cut = spending.guess(state.messages[:2], "half a ")
    used = journal.steps["1.model"].usage
    assert used["total_tokens"] == cut.total_tokens + 13
    assert Decimal(used["cost_usd"]) == cost_of("", cut) + Decimal("0.013")
    assert state.spent.usage.input_tokens == cut.input_tokens + 10
    assert state.spent.calls == 1
    assert journal.events[-1][1]["metrics"]["total_tokens"] == used["total_tokens"]
    told = [payload for name, payload in journal.events if name == "ModelRequestCompleted"]
    assert told[0]["total_tokens"] == 13


class Thoughtful(ScriptedModel):
    """Is silent for a while before its first word."""

    async def stream(self, request):
        await asyncio.sleep(0.02)
        async for part in super().stream(request):
            yield part


async def test_the_events_say_how_long_the_first_word_took():
    _, _, journal = await ended(Thoughtful(["Done"]))
    (told,) = [payload for name, payload in journal.events if name == "ModelRequestCompleted"]
    assert told["time_to_first_token"] > 0


class Silent(ScriptedModel):
    """Says nothing of what it used."""

    async def stream(self, request):
        async for part in super().stream(request):
            yield replace(part, usage=Usage()) if isinstance(part, ModelReply) else part


async def test_what_a_provider_does_not_tell_is_guessed_so_that_limits_hold():
    spec = replace(SPEC, limits=Limits(total_tokens=100))
    script = [[("nothing", {"text": "word " * 100})]] * 9
    state = new_state(spec, "Go")
    ending, state, journal = await ended(Silent(script), state=state)
    assert ending.code == "limit_tokens"
    used = journal.steps["1.model"].usage
    assert used["input_tokens"] == spending.guess(state.messages[:2], "").input_tokens
    assert used["output_tokens"] > 100
    assert used["guessed_attempt"] == 1


async def test_an_attempt_that_was_refused_costs_nothing():
    _, state, _ = await ended(Refusing([]))
    assert state.spent.usage.total_tokens == 11


async def test_a_run_that_fails_has_paid_for_what_it_heard():
    _, state, journal = await ended(ScriptedModel([ProviderError("gone", code="provider_auth")]))
    run = journal.writes[-1].run
    assert run is not None
    assert run.usage["total_tokens"] == spending.guess(state.messages, "half a ").total_tokens
    assert run.cost_usd == state.spent.cost_usd
    assert journal.steps["1.model"].state is StepState.FAILED


async def test_a_call_that_is_cancelled_is_counted_and_what_it_asked_is_when_it_is_asked_again():
    reached = asyncio.Event()

    class Held(ScriptedModel):
        async def stream(self, request):
            yield "One moment. "
            reached.set()
            await asyncio.Event().wait()

    journal = MemoryJournal()
    state = new_state(SPEC, "Go")
    task = asyncio.create_task(ended(Held([]), state=state, journal=journal))
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    cut = spending.guess(state.messages, "One moment. ")
    assert state.change(RunStatus.CANCELLED).cost_usd == cost_of("", cut)
    assert state.metrics()["output_tokens"] == 3
    _, state, journal = await ended(ScriptedModel(["Done"]), journal=journal)
    assert state.spent.usage.total_tokens == cut.input_tokens + 11


async def test_what_a_dead_process_asked_is_counted_when_it_is_asked_again():
    _, _, journal = await ended(ScriptedModel(["First"]))
    step = journal.steps["1.model"]
    step.state, step.usage = StepState.STARTED, None
    _, state, journal = await ended(ScriptedModel(["Second"]), journal=journal)
    asked = spending.guess(state.messages[:2], "")
    assert state.spent.usage.total_tokens == asked.total_tokens + 11


async def test_a_cut_call_without_a_price_leaves_the_cost_unknown():
    def only_short(model, usage):
        return Decimal(1) if usage.output_tokens == 3 else None

    journal = MemoryJournal()
    state = new_state(SPEC, "Go")
    await work(state, Ports(ScriptedModel([BUSY, "Now at last"]), journal, PlainGates(), no_sleep, only_short))
    assert journal.steps["1.model"].usage["cost_usd"] is None
    assert state.spent.cost_usd is None
