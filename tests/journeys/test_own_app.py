"""An app outside our packages ships a tool and an agent in one short file, and no file of ours changes."""

from __future__ import annotations

import os

import pytest

from tests.journeys.pages import Home
from tests.journeys.test_runs import answered, ended, run

AGENTS = '''"""What the acme app ships."""

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
'''


@pytest.fixture(scope="module")
def shop(start_server, tmp_path_factory):
    home = tmp_path_factory.mktemp("elsewhere")
    (home / "acme_parts").mkdir()
    (home / "acme_parts" / "__init__.py").touch()
    (home / "acme_parts" / "agents.py").write_text(AGENTS)
    assert len(AGENTS.splitlines()) <= 40
    path = os.pathsep.join(filter(None, [str(home), os.environ.get("PYTHONPATH", "")]))
    return start_server(AGENTOS_APPS="acme_parts", PYTHONPATH=path)


def test_it_is_in_the_registry_and_the_list(shop):
    member = shop.client("member")
    rows = member.get("/api/registry").json()["data"]
    assert {"warehouse", "order_parts", "stock_of"} <= {row["id"] for row in rows}
    assert "warehouse" in [agent["id"] for agent in member.get("/api/agents").json()]


def test_it_runs_and_its_tool_waits_for_an_approver(shop):
    member = shop.client("member")
    assert "There are 7" in run(member, "warehouse", '[[call:stock_of {"item": "bolts"}]]')["content"]
    paused = run(member, "warehouse", '[[call:order_parts {"item": "bolts", "count": 3}]]')
    tool = paused["tools"][0]
    assert tool["effect_text"] == "Order 3 x bolts"
    assert answered(member, paused, confirmed=True).status_code == 403
    decision = {"status": "approved", "reason": "needed"}
    resolved = shop.client("approver").post(f"/api/approvals/{tool['approval_id']}/resolve", json=decision)
    assert resolved.status_code == 200
    assert "3 x bolts is placed" in str(ended(member, paused["run_id"])["tools"][0]["result"])


def test_it_is_in_the_chat_and_the_admin(shop, browser):
    home = Home(browser, shop.base_url)
    home.sign_in("acme", "admin")
    home.pick("warehouse")
    home.ask('[[call:stock_of {"item": "nuts"}]]')
    home.wait_for_card("stock_of", "done")
    home.open("/admin/agents/run/")
    assert "Warehouse" in browser.page_source
