"""A call that is held stays as it is and pauses its run; it is judged again when the run goes on."""

from __future__ import annotations

from agentos.core.types import JsonObject
from agents.engine.loop import Completed, Paused, work
from agents.engine.ports import Ports
from agents.engine.run_info import RunInfo
from agents.engine.spec import AgentSpec
from agents.engine.status import RunStatus, StepState
from agents.engine.steps import AuditEntry, Statement, StepRecord
from agents.engine.testing import MemoryJournal, PlainGates, ScriptedModel, new_state, no_sleep
from agents.engine.tools import Tool, tool
from agents.engine.verdicts import Hold, Verdict

HELD = Hold("too much waits", (Statement("PAUSE", (), "no"),), (AuditEntry("run.held", "run", "1"),))
SCRIPT = ([("look", {}), ("pay", {"amount": 1})], "done")


@tool()
async def look() -> str:
    """Look."""
    return "seen"


@tool(effect="outward", repeat="once", says="Pay {amount}")
async def pay(amount: int) -> str:
    """Pay."""
    return f"paid {amount}"


class Gates(PlainGates):
    held = True

    async def before_tool(self, run: RunInfo, tool: Tool, step: StepRecord, arguments: JsonObject) -> Verdict:
        if self.held and tool.name == "pay":
            return HELD
        return await super().before_tool(run, tool, step, arguments)


SPEC = AgentSpec(id="payer", instructions="Pay.", tools=(look, pay))


async def test_a_held_call_pauses_the_run_and_is_judged_again() -> None:
    journal, gates = MemoryJournal(), Gates()
    ports = Ports(ScriptedModel(SCRIPT), journal, gates, no_sleep)
    ending = await work(new_state(SPEC, "Go"), ports)
    assert isinstance(ending, Paused)
    assert ending.held is HELD
    last = journal.writes[-1]
    assert (last.statements, last.audit) == (list(HELD.statements), list(HELD.audit))
    assert last.run is not None
    assert last.run.status is RunStatus.PAUSED
    name, payload = journal.events[-1]
    assert (name, payload["reason"], payload["content"]) == ("RunPaused", "too much waits", "Paused: too much waits")
    assert payload["tools"] == []
    assert journal.steps["1.0"].state is StepState.DONE
    gates.held = False
    ending = await work(new_state(SPEC, "Go", journal=journal), ports)
    assert isinstance(ending, Completed)
    assert journal.steps["1.1"].result == "paid 1"
