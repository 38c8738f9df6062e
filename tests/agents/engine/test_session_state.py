"""What a tool may do with its session's state: read it, patch it, compute it anew; each change once."""

from __future__ import annotations

import asyncio
import json

import pytest

from agentos.core.ids import new_id
from agents.engine.loop import Completed, Paused, work
from agents.engine.ports import Ports, SeenState
from agents.engine.session_state import MAX_STATE_CHARS, TRIES, CallState, merged
from agents.engine.spec import AgentSpec
from agents.engine.status import StepKind, StepState
from agents.engine.steps import StepRecord
from agents.engine.testing import MemoryJournal, PlainGates, ScriptedModel, new_state, no_sleep
from agents.engine.tools import RunContext, tool


@tool(effect="own", repeat="idempotent")
async def add(ctx: RunContext, item: str) -> str:
    """Add an item to the list."""
    state = await ctx.update_state(lambda before: {**before, "items": [*before.get("items", []), item]})
    return ", ".join(state["items"])


@tool(effect="own", repeat="idempotent")
async def note(ctx: RunContext, name: str, value: str | None = None) -> str:
    """Note something, or forget it."""
    await ctx.update_state({"notes": {name: value}})
    return json.dumps(await ctx.session_state())


async def run(script, journal, *tools):
    state = new_state(AgentSpec("tester", "Test.", tools=tools or (add, note)), "Go", journal=journal)
    model = ScriptedModel(script)
    return await work(state, Ports(model, journal, PlainGates(), no_sleep)), model


@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({"a": "foo"}, None, None),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_a_merge_patch_is_applied_as_its_standard_says(target, patch, result):
    """The examples of RFC 7396, appendix A."""
    assert merged(target, patch) == result


async def test_a_tool_changes_the_state_and_sees_what_it_made():
    journal = MemoryJournal(state='{"items": ["tea"]}')
    script = [[("add", {"item": "milk"})], [("note", {"name": "a", "value": "b"})], "Done"]
    ending, model = await run(script, journal)
    assert ending == Completed("Done")
    assert model.requests[1].messages[-1]["content"] == "tea, milk"
    assert json.loads(model.requests[2].messages[-1]["content"]) == {"items": ["tea", "milk"], "notes": {"a": "b"}}


async def test_calls_of_one_turn_change_it_at_once_and_none_is_lost():
    journal = MemoryJournal()
    items = [f"i{number}" for number in range(12)]
    await run([[("add", {"item": item}) for item in items], "Done"], journal)
    assert sorted(json.loads(journal.state)["items"]) == sorted(items)


async def test_a_call_that_is_made_again_passes_over_what_it_has_changed():
    """It breaks off between its two changes, and is called once more under the same key."""
    breaks = [ConnectionError("gone")]

    @tool(effect="own", repeat="idempotent")
    async def twice(ctx: RunContext) -> str:
        """Count to two."""
        await ctx.update_state(count)
        if breaks:
            raise breaks.pop()
        return str((await ctx.update_state(count))["count"])

    journal = MemoryJournal()
    _, model = await run([[("twice", {})], "Done"], journal, twice)
    assert json.loads(journal.state) == {"count": 2}
    assert model.requests[1].messages[-1]["content"] == "2"


def count(state):
    return {**state, "count": state.get("count", 0) + 1}


async def test_a_recovered_call_passes_over_what_is_in_its_step():
    journal = MemoryJournal()
    await run([[("add", {"item": "milk"})], "Done"], journal)
    step = journal.steps["1.0"]
    step.state = StepState.STARTED
    assert step.request["state_changes"] == 1
    del journal.steps["2.model"]
    _, model = await run(["Done"], journal)
    assert json.loads(journal.state) == {"items": ["milk"]}
    assert model.requests[0].messages[-1]["content"] == "milk"


@tool()
async def peek(ctx: RunContext) -> str:
    """Look at the state and try to change it."""
    await ctx.session_state()
    await ctx.update_state({"a": 1})
    return "changed"


async def test_a_tool_without_an_effect_reads_and_changes_nothing():
    journal = MemoryJournal()
    _, model = await run([[("peek", {})], "Done"], journal, peek)
    assert model.requests[1].messages[-1]["content"] == "Error: peek failed."
    assert journal.state == "{}"


@pytest.mark.parametrize("change", [lambda state: None, lambda state: [1], "text"])
async def test_a_state_is_an_object(change):
    @tool(effect="own", repeat="idempotent")
    async def spoil(ctx: RunContext) -> str:
        """Spoil the state."""
        await ctx.update_state(change)
        return "spoilt"

    journal = MemoryJournal(state='{"a": 1}')
    ending, _ = await run([[("spoil", {})], "?"], journal, spoil)
    assert isinstance(ending, Paused)
    assert (journal.state, journal.steps["1.0"].state) == ('{"a": 1}', StepState.UNKNOWN)


async def test_a_state_has_a_size():
    journal = MemoryJournal()
    _, model = await run([[("note", {"name": "a", "value": "x" * MAX_STATE_CHARS})], "Done"], journal)
    assert "at most" in model.requests[1].messages[-1]["content"]
    assert journal.state == "{}"


class Contended(MemoryJournal):
    """Somebody else changes the state after each look at it."""

    looks = 0

    async def session_state(self):
        seen, self.looks = self.state, self.looks + 1
        if self.looks <= self.others:
            self.state = json.dumps({**json.loads(seen), f"other{self.looks}": True})
        return SeenState(seen)

    others = 3


async def test_a_change_is_made_from_what_stands_when_it_is_stored():
    journal = Contended()
    await run([[("add", {"item": "milk"})], "Done"], journal)
    assert json.loads(journal.state) == {"items": ["milk"], "other1": True, "other2": True, "other3": True}


async def test_who_never_wins_is_told_so():
    journal = Contended()
    journal.others = TRIES
    _, model = await run([[("add", {"item": "milk"})], "Done"], journal)
    assert "too many at once" in model.requests[1].messages[-1]["content"]
    assert "items" not in json.loads(journal.state)
    assert "state_changes" not in journal.steps["1.0"].request


class Slow(MemoryJournal):
    """Takes a moment to store a change, and tells when it has begun."""

    def __init__(self):
        super().__init__()
        self.begun, self.let_go = asyncio.Event(), asyncio.Event()

    async def commit(self, write):
        self.begun.set()
        await self.let_go.wait()
        await super().commit(write)


async def test_a_call_that_is_given_up_while_its_change_is_stored_knows_that_it_was():
    journal, step = Slow(), StepRecord(new_id(), "1.0", StepKind.TOOL, "add", StepState.STARTED, {})
    held = CallState(journal, add, step)
    changing = asyncio.create_task(held.update({"a": 1}))
    await journal.begun.wait()
    changing.cancel()
    await asyncio.sleep(0)
    journal.let_go.set()
    with pytest.raises(asyncio.CancelledError):
        await changing
    assert step.request == {"state_changes": 1}
    again = CallState(journal, add, step)
    assert await again.update({"a": 2}) == {"a": 1}
    assert await again.update({"a": 3}) == {"a": 3}


async def test_changes_that_one_call_makes_at_once_are_made_one_after_the_other():
    journal, step = MemoryJournal(), StepRecord(new_id(), "1.0", StepKind.TOOL, "add", StepState.STARTED, {})
    held = CallState(journal, add, step)
    await asyncio.gather(*(held.update(count) for _ in range(5)))
    assert (json.loads(journal.state), step.request) == ({"count": 5}, {"state_changes": 5})
