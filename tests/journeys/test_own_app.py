"""An app outside our packages ships a tool and an agent in one short file, and no file of ours changes."""

from __future__ import annotations

from tests.journeys.conftest import APPS
from tests.journeys.pages import Home
from tests.journeys.test_runs import answered, ended, run


def test_it_is_one_short_file() -> None:
    (only,) = (APPS / "acme_parts").glob("[!_]*.py")
    assert len(only.read_text().splitlines()) <= 40


def test_it_is_in_the_registry_and_the_list(server):
    member = server.client("member")
    rows = member.get("/api/registry").json()["data"]
    assert {"warehouse", "order_parts", "stock_of"} <= {row["id"] for row in rows}
    assert "warehouse" in [agent["id"] for agent in member.get("/api/agents").json()]


def test_it_runs_and_its_tool_waits_for_an_approver(server):
    member = server.client("member")
    assert "There are 7" in run(member, "warehouse", '[[call:stock_of {"item": "bolts"}]]')["content"]
    paused = run(member, "warehouse", '[[call:order_parts {"item": "bolts", "count": 3}]]')
    tool = paused["tools"][0]
    assert tool["effect_text"] == "Order 3 x bolts"
    assert answered(member, paused, confirmed=True).status_code == 403
    decision = {"status": "approved", "reason": "needed"}
    resolved = server.client("approver").post(f"/api/approvals/{tool['approval_id']}/resolve", json=decision)
    assert resolved.status_code == 200
    assert "3 x bolts is placed" in str(ended(member, paused["run_id"])["tools"][0]["result"])


def test_it_is_in_the_chat_and_the_admin(server, browser):
    home = Home(browser, server.base_url)
    home.sign_in("acme", "admin")
    home.pick("warehouse")
    home.ask('[[call:stock_of {"item": "nuts"}]]')
    home.wait_for_card("stock_of", "done")
    home.open("/admin/agents/run/")
    assert "Warehouse" in browser.page_source
