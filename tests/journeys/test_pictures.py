"""The console on a desk and on a phone: nothing sticks out, nothing fails, and the pictures of the docs.

`AGENTOS_PICTURES=docs/images pytest tests/journeys/test_pictures.py -k fit` takes the pictures anew.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.journeys import history
from tests.journeys.pages import Home, Page, patient

TABS = """
const nav = document.querySelector(".ao-tabs");
nav.querySelectorAll(".ao-count").forEach((count) => { count.firstChild.data = "46"; });
return [nav.childElementCount, nav.scrollWidth <= nav.clientWidth];
"""
LIST_FITS = """
const list = document.querySelector("#result_list")?.closest(".simplebar-content-wrapper");
return !list || list.scrollWidth <= list.clientWidth;
"""
CUT_OFF = """
const cells = [...document.querySelectorAll("#result_list .data-row > :is(td, th)")];
return cells.filter((cell) => cell.scrollWidth > cell.clientWidth + 1).map((cell) => cell.textContent.trim());
"""
SIZES = {"": (1280, 800), "-phone": (390, 844)}


@pytest.fixture(scope="module")
def month(start_server):
    """A server with the demo runs and a month of others."""
    server = start_server(demo_runs=True, sandbox="--ttft-ms 120 --token-ms 8")
    assert history.write(server.environment["DATABASE_URL"]) > 100
    return server


def look(browser, base_url: str, path: str, size: tuple[int, int]) -> None:
    width, height = size
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    browser.get_log("browser")
    browser.get(f"{base_url}{path}")
    assert [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    assert browser.execute_script(LIST_FITS), path
    assert width > 600 or browser.execute_script(CUT_OFF) == [], path


def keep(browser, name: str) -> None:
    if folder := os.environ.get("AGENTOS_PICTURES"):
        browser.save_screenshot(str(Path(folder) / f"{name}.png"))


@pytest.mark.parametrize("suffix", SIZES)
def test_pages_fit_a_desk_and_a_phone(month, browser, suffix):
    member = month.client("approver").get("/api/approvals", params={"limit": 100}).json()["data"]
    waiting = next(row for row in member if row["status"] == "pending")
    done = next(row for row in member if row["status"] == "approved" and row["outcome"] == "done")
    size = SIZES[suffix]
    Page(browser, month.base_url).come_as("acme", "approver")
    for name, path in (
        ("inbox", "/admin/governance/approval/"),
        ("approval", f"/admin/governance/approval/{waiting['id']}/change/"),
        ("decided", f"/admin/governance/approval/{done['id']}/change/"),
        ("inbox-all", "/admin/governance/approval/?tab=all"),
    ):
        look(browser, month.base_url, path, size)
        if name in ("inbox", "approval"):
            keep(browser, f"{name}{suffix}")
    Page(browser, month.base_url).come_as("acme", "admin")
    look(browser, month.base_url, "/admin/governance/approval/", size)
    assert browser.execute_script(TABS) == [5, True], "an administrator's five are all seen at once"
    for name, path in (
        ("run", f"/admin/agents/run/{done['run_id']}/change/"),
        ("dashboard", "/admin/dashboard/"),
        ("runs", "/admin/agents/run/"),
        ("audit", "/admin/accounts/auditrow/"),
        ("policies", "/admin/policies/"),
        ("halts", "/admin/halts/"),
        ("access", "/admin/access/?thing=agent:approvals"),
        ("consents", "/admin/consents/"),
        ("guards", "/admin/governance/guardsetting/"),
        ("budgets", "/admin/governance/budget/"),
        ("budget", "/admin/governance/budget/add/"),
        ("people", "/admin/accounts/membership/"),
        ("invitation", "/admin/accounts/invitation/add/"),
        ("endpoint", "/admin/governance/endpoint/add/"),
        ("notices", "/admin/governance/notice/"),
        ("notifications", "/admin/notifications/"),
        ("entries", "/admin/accounts/supportentry/"),
        ("own-data", "/accounts/privacy/"),
        ("sign-in", "/accounts/security/"),
        ("chat", "/"),
    ):
        look(browser, month.base_url, path, size)
        if name in ("run", "dashboard"):
            keep(browser, f"{name}{suffix}")


@pytest.mark.parametrize("suffix", SIZES)
def test_a_chat_that_waits_fits_as_well(month, browser, suffix):
    home = Home(browser, month.base_url)
    home.come_as("acme", "member")
    look(browser, month.base_url, "/", SIZES[suffix])
    home.pick("approvals")
    home.ask("Process a $250 refund for customer C-1042, they were billed twice")
    home.wait_for_card("process_refund", "waiting")
    approval = month.client("member").get(f"/api/runs/{home.run_id}").json()["tools"][0]["approval_id"]
    asked = month.client("approver").post(f"/api/approvals/{approval}/questions", json={"text": "Which invoice?"})
    assert asked.status_code == 201
    home.wait_for("asked", "Which invoice?")
    assert browser.execute_script("return document.documentElement.scrollWidth") <= SIZES[suffix][0]
    keep(browser, f"chat{suffix}")


@pytest.mark.parametrize("suffix", SIZES)
def test_a_long_word_makes_no_page_wider(month, browser, suffix):
    member, approver = month.client("member"), month.client("approver")
    call = json.dumps({"customer_id": "W" * 64, "amount": 12, "reason": "W" * 200})
    first, second, _ = [
        member.post(
            "/api/agents/approvals/runs", data={"message": f"[[call:process_refund {call}]]", "stream": "false"}
        ).json()["tools"][0]["approval_id"]
        for _ in range(3)
    ]
    approver.post(f"/api/approvals/{first}/resolve", json={"status": "approved"})
    patient(browser).until(lambda _: "W" * 64 in approver.get("/api/notifications").text, "nobody was told")
    Page(browser, month.base_url).come_as("acme", "approver")
    for path in ("/admin/notifications/", f"/admin/governance/approval/{second}/change/"):
        look(browser, month.base_url, path, SIZES[suffix])
        assert "W" * 64 in browser.page_source
    approver.post(f"/api/approvals/{second}/resolve", json={"status": "rejected", "reason": f"no {'W' * 90}"})
    home = Home(browser, month.base_url)
    home.wait_for("stands", "W" * 90)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= SIZES[suffix][0]


@pytest.fixture
def member_with_a_long_name(month):
    member = month.client("member")
    name = member.get("/api/auth/me").json()["user"]["name"]
    assert member.patch("/api/privacy/me", json={"name": "W" * 200}).status_code == 200
    yield member
    member.patch("/api/privacy/me", json={"name": name})


@pytest.mark.parametrize("suffix", SIZES)
def test_a_long_name_pushes_nothing_out_of_sight(month, browser, suffix, member_with_a_long_name):
    asked = member_with_a_long_name.post(
        "/api/agents/approvals/runs",
        data={"message": '[[call:delete_user_account {"user_id": "U-1"}]]', "stream": "false"},
    ).json()
    Page(browser, month.base_url).come_as("acme", "admin")
    look(browser, month.base_url, "/admin/accounts/membership/", SIZES[suffix])
    row = browser.find_element("link text", "member@acme.test")
    for path in (
        "/admin/governance/approval/",
        "/admin/governance/approval/?tab=all",
        "/admin/agents/run/",
        "/admin/agents/session/",
        "/admin/accounts/membership/",
        f"/admin/governance/approval/{asked['tools'][0]['approval_id']}/change/",
        f"/admin/agents/run/{asked['run_id']}/change/",
        urlsplit(row.get_attribute("href")).path,
    ):
        look(browser, month.base_url, path, SIZES[suffix])
        assert "W" * 200 in browser.page_source
    Page(browser, month.base_url).come_as("acme", "member")
    look(browser, month.base_url, "/", SIZES[suffix])


@pytest.mark.parametrize("suffix", SIZES)
def test_a_long_word_on_the_banner_makes_no_page_wider(month, browser, suffix):
    admin = month.client("admin")
    halt = admin.post("/api/halts", json={"target": "tool:restart_service", "reason": "W" * 400}).json()
    try:
        Page(browser, month.base_url).come_as("acme", "approver")
        for path in ("/", "/admin/governance/approval/"):
            look(browser, month.base_url, path, SIZES[suffix])
            assert "W" * 400 in Page(browser, month.base_url).one("halted").text
    finally:
        assert admin.delete(f"/api/halts/{halt['id']}").status_code == 200


@pytest.fixture
def reports_to_approve(month):
    """Two requests of low risk, which may be approved together."""
    admin, member = month.client("admin"), month.client("member")
    rules = "/api/policies/generate_report"
    assert admin.put(rules, json={"rules": [{"level": "approve"}], "activate": True}).status_code == 200
    for period in ("2026-Q1", "2026-Q2"):
        call = json.dumps({"report_type": "churn", "period": period})
        body = {"message": f"[[call:generate_report {call}]]", "stream": "false"}
        asked = member.post("/api/agents/approvals/runs", data=body).json()
        assert asked["tools"][0]["approval_id"]
    yield
    admin.put(rules, json={"rules": [], "activate": True})


def test_without_scripts_several_are_approved_together(month, browser, reports_to_approve):
    inbox = Page(browser, month.base_url)
    inbox.come_as("acme", "approver")
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        inbox.open("/admin/governance/approval/?q=churn")
        for box in browser.find_elements("css selector", "#result_list [name=_selected_action]")[:2]:
            box.click()
        inbox.leave(inbox.one("together"))
        assert "Approve these 2?" in browser.page_source
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
