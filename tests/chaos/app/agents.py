"""An agent whose tools leave a trace outside the database: one line in a ledger for every time one really ran."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from pathlib import Path

from agents.engine.limits import Limits
from agents.engine.spec import AgentSpec
from agents.engine.tools import RunContext, tool

LEDGER = "CHAOS_LEDGER"
DEPLOY = "CHAOS_DEPLOY"


def write_down(name: str, ctx: RunContext) -> None:
    """Append in one write, which a kill cannot cut in two."""
    line = f"{name} {ctx.run_id} {ctx.idempotency_key}\n".encode()
    handle = os.open(Path(os.environ[LEDGER]), os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(handle, line)
    finally:
        os.close(handle)


@tool(effect="own", repeat="idempotent")
async def note(ctx: RunContext, text: str) -> str:
    """Write something down; twice under one key is once."""
    write_down("note", ctx)
    return f"noted {text}"


@tool(effect="outward", repeat="once", says="Charge {amount}")
async def charge(ctx: RunContext, amount: int) -> str:
    """Charge an amount, each time it is called."""
    write_down("charge", ctx)
    return f"charged {amount}"


@tool(effect="outward", repeat="once", level="confirm", says="Pay {amount}")
async def pay(ctx: RunContext, amount: int) -> str:
    """Pay an amount after the requester has agreed."""
    write_down("pay", ctx)
    return f"paid {amount}"


@tool(effect="outward", repeat="once", level="confirm", says="Pay {amount} {currency}", name="pay")
async def pay_in(ctx: RunContext, amount: int, currency: str = "EUR") -> str:
    """Pay an amount of some currency after the requester has agreed."""
    write_down("pay", ctx)
    return f"paid {amount} {currency}"


@tool(effect="outward", repeat="once", level="approve", says="Order for {amount}")
async def order(ctx: RunContext, amount: int) -> str:
    """Order for an amount after somebody else has agreed."""
    write_down("order", ctx)
    return f"ordered for {amount}"


@tool(effect="outward", repeat="once", level="approve", says="Order for {amount} {currency}", name="order")
async def order_in(ctx: RunContext, amount: int, currency: str = "EUR") -> str:
    """Order for an amount of some currency after somebody else has agreed."""
    write_down("order", ctx)
    return f"ordered for {amount} {currency}"


@tool(effect="own", repeat="idempotent")
async def remember(ctx: RunContext, text: str) -> str:
    """Remember something for the session, and write down that it was asked for."""
    write_down("remember", ctx)
    state = await ctx.update_state(lambda before: {**before, "texts": [*before.get("texts", []), text]})
    return ", ".join(state["texts"])


@tool()
async def wait(milliseconds: int) -> str:
    """Wait."""
    await asyncio.sleep(milliseconds / 1000)
    return f"waited {milliseconds}"


DEPLOYS = {"": (pay, order), "2": (pay_in, order_in), "without": ()}  # what a process brings, by its DEPLOY
components: list[AgentSpec] = []


def deploy(number: str) -> None:
    """Bring the components as this deploy has them; the hasty one has little time for a run, and for an answer."""
    tools = (note, charge, remember, wait, *DEPLOYS[number])
    chaos = AgentSpec("chaos", "Do as you are told.", tools=tools)
    components[:] = [chaos, replace(chaos, id="hasty", limits=Limits(deadline_seconds=3, model_seconds=1.0))]


deploy("")
