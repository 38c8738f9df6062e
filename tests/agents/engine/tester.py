"""An agent with a tool of each kind, and what its tools did."""

from __future__ import annotations

import pytest

from agentos.core.errors import ToolFailed
from agents.engine.loop import work
from agents.engine.spec import AgentSpec
from agents.engine.testing import (
    MemoryJournal,
    memory_ports,
    new_state,
)
from agents.engine.tools import RunContext, tool

ran: list[str] = []


@pytest.fixture(autouse=True)
def nothing_ran():
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
