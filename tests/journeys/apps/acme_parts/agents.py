"""What the acme app ships."""

from agents.engine.spec import AgentSpec
from agents.engine.tools import RunContext, tool


@tool(effect="outward", repeat="once", level="approve", says="Order {count} x {item}")
async def order_parts(ctx: RunContext, item: str, count: int = 1) -> str:
    """Order spare parts from the supplier."""
    return f"Order {ctx.idempotency_key[:6]} for {count} x {item} is placed."


@tool()
async def stock_of(item: str) -> str:
    """Say how many of an item are in stock."""
    return f"There are 7 of {item}."


warehouse = AgentSpec(
    id="warehouse",
    description="Knows the stock and orders parts.",
    instructions="You run the warehouse. Look before you order.",
    tools=[order_parts, stock_of],
    quick_prompts=("How many bolts are in stock?",),
)
components = [warehouse]
