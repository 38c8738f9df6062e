"""A workshop whose oven takes its time and whose welder breaks off. `WORKSHOP` is the folder that its tools work on."""

import asyncio
import os
from pathlib import Path

from agents.engine.spec import AgentSpec
from agents.engine.tools import RunContext, tool

PLACE = Path(os.environ["WORKSHOP"])


@tool(effect="own", repeat="idempotent")
async def bake(ctx: RunContext) -> str:
    """Bake until somebody opens the oven."""
    while not (PLACE / "open").exists():
        await asyncio.sleep(0.05)
    return "The bread is done."


async def welds(key: str) -> dict[str, object]:
    return {"key": key[:8], "seams": (PLACE / "seams").read_text().count("seam")}


@tool(effect="outward", repeat="once", says="Weld {part} to the frame", lookup=welds)
async def weld(ctx: RunContext, part: str) -> str:
    """Weld a part on; the first attempt breaks off after the seam is made."""
    seams = PLACE / "seams"
    first = not seams.exists()
    with seams.open("a") as file:
        file.write("seam\n")
    if first:
        raise RuntimeError("the power went")
    return f"{part} holds."


components = [AgentSpec(id="workshop", instructions="You run a workshop.", tools=[bake, weld])]
