"""People in a real browser: the approver in the admin, the member in the chat."""

from __future__ import annotations

import secrets
from urllib.parse import urlsplit

import pytest
from selenium.webdriver.common.by import By

from tests.journeys.pages import ApprovalPage, Home, Inbox, Page
from tests.journeys.test_runs import ended

REFUND = "Please refund $250.00 to customer C-1042 due to a billing error"


def paused_refund(member):
    return member.post("/api/agents/approvals/runs", json={"message": REFUND, "stream": False}).json()


def test_the_owner_of_a_new_tenant_enters_by_her_link(server, browser):
    name = f"day-one-{secrets.token_hex(4)}"
    made = server.manage("tenant", "create", name, "--owner", f"owner@{name}.test")
    link = next(word for word in made.stdout.split() if "/accounts/invitation/" in word)
    page = Page(browser, server.base_url)
    page.open(urlsplit(link).path)
    for field, said in {"name": "Nora", "password": "violet-harbour-29", "again": "violet-harbour-29"}.items():
        browser.find_element(By.NAME, field).send_keys(said)
    page.leave_by(page.one("join").click)
    assert urlsplit(browser.current_url).path == "/"
    assert page.all("sign-out")


def test_an_approver_approves_in_the_inbox_and_the_run_goes_on_by_itself(server, browser):
    member = server.client("member")
    paused = paused_refund(member)
    Home(browser, server.base_url).sign_in("acme", "approver")
    inbox = Inbox(browser, server.base_url)
    inbox.visit()
    assert any("Refund $250.00 to C-1042" in item for item in inbox.items)
    page = ApprovalPage(browser, server.base_url)
    page.visit(paused["tools"][0]["approval_id"])
    assert page.effect == "Refund $250.00 to C-1042"
    assert page.status == "pending"
    assert "refunded after this" in page.one("preview").text
    page.approve("checked")
    page.visit(paused["tools"][0]["approval_id"])
    page.wait_for_outcome("done")
    assert ended(member, paused["run_id"])["status"] == "COMPLETED"


def test_a_requester_cannot_decide_her_own(server, browser):
    approver = server.client("approver")
    own = paused_refund(approver)
    Page(browser, server.base_url).come_as("acme", "approver")
    page = ApprovalPage(browser, server.base_url)
    page.visit(own["tools"][0]["approval_id"])
    assert page.obstacle
    assert not page.all("approve")


def test_opening_a_link_decides_nothing(server, browser):
    member = server.client("member")
    approval = paused_refund(member)["tools"][0]["approval_id"]
    Page(browser, server.base_url).come_as("acme", "approver")
    browser.get(f"{server.base_url}/admin/governance/approval/{approval}/decide/")
    assert server.client("approver").get(f"/api/approvals/{approval}").json()["status"] == "pending"


def test_a_member_chats_and_confirms_in_place(server, browser):
    home = Home(browser, server.base_url)
    home.sign_in("acme", "member")
    home.pick("helpdesk")
    home.ask("Restart the auth service")
    home.wait_for_card("restart_service", "waiting")
    home.answer_yes()
    home.wait_for_card("restart_service", "done")
    assert home.one("agent").is_displayed()


def test_a_member_is_told_why_her_run_pauses(server, browser):
    home = Home(browser, server.base_url)
    home.come_as("acme", "member")
    home.open("/")
    home.pick("approvals")
    refund = '[[call:process_refund {"customer_id": "C-%d", "amount": 20, "reason": "billed twice"}]]'
    home.ask("".join(refund % number for number in range(6)))
    home.wait_for_status("wait already. Waiting for someone else to decide.")
    home.cancel()
    home.wait_for_status("Cancelled.")


def test_a_member_waits_for_an_approval_and_sees_it_come(server, browser):
    home = Home(browser, server.base_url)
    home.come_as("acme", "member")
    home.open("/")
    home.pick("approvals")
    home.ask(REFUND)
    home.wait_for_card("process_refund", "waiting")
    run = server.client("member").get(f"/api/runs/{home.run_id}").json()
    decision = {"status": "approved", "reason": "fine"}
    resolved = server.client("approver").post(f"/api/approvals/{run['tools'][0]['approval_id']}/resolve", json=decision)
    assert resolved.status_code == 200
    home.wait_for_card("process_refund", "done")


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/accounts/security/",
        "/admin/",
        "/admin/accounts/invitation/add/",
        "/admin/accounts/serviceaccount/",
        "/admin/agents/run/",
        "/admin/agents/session/",
        "/admin/governance/approval/",
        "/api/docs",
    ],
)
def test_no_page_asks_another_machine_or_breaks(server, browser, path):
    Page(browser, server.base_url).come_as("acme", "admin")
    browser.get_log("browser")
    browser.get(f"{server.base_url}{path}")
    loaded = browser.execute_script("return performance.getEntriesByType('resource').map(entry => entry.name)")
    assert all(name.startswith((server.base_url, "data:")) for name in loaded)
    assert [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []


@pytest.mark.parametrize("path", ["/", "/admin/"])
def test_a_script_that_came_in_with_a_value_does_not_run(server, browser, path):
    Page(browser, server.base_url).come_as("acme", "admin")
    browser.get(f"{server.base_url}{path}")
    refused = browser.execute_async_script(
        """
        const [done] = arguments, script = document.createElement("script");
        addEventListener("securitypolicyviolation", event => done(event.effectiveDirective));
        script.onload = () => done("it ran");
        script.src = "/static/agentos/keys.js";
        document.body.append(script);
        """
    )
    assert refused == "script-src-elem"
