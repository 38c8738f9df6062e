"""Two people and one request: the page that is open hears what the other does, and what is typed there is not lost."""

from __future__ import annotations

import psycopg
import pytest

from tests.journeys.pages import ApprovalPage, Home, Inbox, Page
from tests.journeys.test_browser import REFUND, paused_refund
from tests.journeys.test_notices import listens, steady, until

NO = {"status": "rejected", "reason": "Billed once only"}


@pytest.fixture
def opened(server, browser):
    """A request of globex, open before its approver, who has begun to type."""
    asked = paused_refund(server.client("member", "globex"))["tools"][0]
    Page(browser, server.base_url).come_as("globex", "approver")
    page = ApprovalPage(browser, server.base_url)
    page.visit(asked["approval_id"])
    listens(browser)
    page.one("reason").send_keys("I was about to")
    return page, asked["approval_id"]


def resolve(server, approval: str, decision=NO, role="admin"):
    return server.client(role, "globex").post(f"/api/approvals/{approval}/resolve", json=decision)


def test_what_another_decides_shows_on_the_open_page(server, browser, opened):
    page, approval = opened
    page.one("approve").send_keys("")  # the focus is on the button
    assert resolve(server, approval).status_code == 200
    page.wait_for("stands", "Rejected by")
    assert "Billed once only" in page.one("stands").text
    assert page.status == "rejected"
    assert not page.one("approve").is_enabled()
    assert not page.one("reject").is_enabled()
    assert not page.one("ask-send").is_enabled()
    assert page.one("reason").get_attribute("value") == "I was about to"
    assert page.one("reason").get_attribute("readonly")
    assert browser.execute_script("return document.getElementById('stands').ariaLive") == "polite"
    page.leave(page.one("stands-reload"))
    assert "Billed once only" in page.one("reason-given").text


def test_posting_all_the_same_is_refused_with_the_standing_decision(server, browser, opened):
    page, approval = opened
    other = paused_refund(server.client("member", "globex"))["tools"][0]["approval_id"]
    assert resolve(server, approval).status_code == 200
    page.wait_for("stands", "Rejected by")
    following = page.one("stands-next").get_attribute("href")
    browser.execute_script("for (const one of document.querySelectorAll('button')) one.disabled = false")
    page.leave(page.one("approve"))
    told = page.one("problem").text
    assert "Rejected by Globex Admin on " in told
    assert "before your decision came. Yours was not taken." in told
    assert page.one("unsent").text == "I was about to"
    assert page.one("problem-next").get_attribute("href") == following
    assert "Billed once only" in page.one("reason-given").text
    assert not page.all("decide-form")
    assert page.one("next").get_attribute("href") == following
    decided = server.client("approver", "globex").get(f"/api/approvals/{approval}").json()
    assert (decided["status"], len(decided["votes"])) == ("rejected", 1)
    assert resolve(server, other).status_code == 200


def test_a_halt_switches_the_form_off_and_its_release_on_again(server, browser, opened):
    page, approval = opened
    admin = server.client("admin", "globex")
    switch = admin.post("/api/halts", json={"target": "tool:process_refund", "reason": "Odd refunds."})
    assert switch.status_code == 200, switch.text
    page.wait_for("stands", "Halted: the tool process_refund (“Odd refunds.”).")
    assert not page.one("approve").is_enabled()
    assert admin.delete(f"/api/halts/{switch.json()['id']}").status_code == 200
    page.wait_for("stands", "It waits for a decision.")
    assert page.one("approve").is_enabled()
    page.approve("")
    until(browser, lambda: resolve(server, approval).status_code == 409, "it was never decided")


def test_an_open_chat_says_what_is_halted_as_long_as_it_is(server, browser):
    home = Home(browser, server.base_url)
    home.come_as("globex", "member")
    home.open("/")
    home.one("message").send_keys("I was about to")
    admin = server.client("admin", "globex")
    switch = admin.post("/api/halts", json={"target": "tool:process_refund", "reason": "Odd\u202e refunds."})
    assert switch.status_code == 200, switch.text
    home.wait_for("halted", "Halted: the tool process_refund. OddU+202E refunds. (")
    home.open("/")
    home.wait_for("halted", "Halted: the tool process_refund.")
    assert admin.delete(f"/api/halts/{switch.json()['id']}").status_code == 200
    until(browser, lambda: not home.all("halted"), "the release never showed")


def test_a_question_is_seen_and_answered_in_the_chat_and_stands_on_the_page(server, browser):
    home = Home(browser, server.base_url)
    home.sign_in("acme", "member")
    home.pick("approvals")
    home.ask(REFUND)
    home.wait_for_card("process_refund", "waiting")
    run = home.run_id
    approval = server.client("member").get(f"/api/runs/{run}").json()["tools"][0]["approval_id"]
    expires = server.client("approver").get(f"/api/approvals/{approval}").json()["expires_at"]

    home.sign_in("acme", "approver")
    page = ApprovalPage(browser, server.base_url)
    page.visit(approval)
    page.one("question").send_keys("Which invoice?")
    page.leave(page.one("ask-send"))
    assert "Not answered yet" in page.one("questions").text

    home.sign_in("acme", "member")
    home.open(f"/?run={run}")
    home.wait_for("asked", "You are asked: Which invoice?")
    home.one("asked-answer").send_keys("Number 4711")
    home.one("asked-send").click()
    home.wait_for("asked", "You have answered: Number 4711")

    home.come_as("acme", "approver")
    page.visit(approval)
    assert "Number 4711" in page.one("answered").text
    assert server.client("approver").get(f"/api/approvals/{approval}").json()["expires_at"] == expires
    page.approve("")

    home.come_as("acme", "member")
    home.open(f"/?run={run}")
    home.wait_for_card("process_refund", "done")
    assert home.one("agent").is_displayed()


def test_an_answer_shows_on_the_page_that_asked(server, browser, opened):
    page, approval = opened
    page.one("question").send_keys("Which invoice?")
    page.leave(page.one("ask-send"))
    listens(browser)
    page.one("reason").send_keys("Typed meanwhile")
    member = server.client("member", "globex")
    (question,) = member.get(f"/api/approvals/{approval}").json()["questions"]
    place = f"/api/approvals/{approval}/questions/{question['id']}/answer"
    assert member.post(place, json={"text": "Number 4711"}).status_code == 200
    page.wait_for("answered", "Number 4711")
    assert page.one("reason").get_attribute("value") == "Typed meanwhile"
    assert page.one("approve").is_enabled()
    assert resolve(server, approval).status_code == 200


def change(server, sql: str, approval: str) -> None:
    with psycopg.connect(server.environment["DATABASE_URL"]) as database:
        assert database.execute(sql, [approval]).rowcount == 1


def test_an_expiry_shows_on_the_open_page(server, browser, opened):
    page, approval = opened
    change(server, "UPDATE governance_approval SET expires_at = now() WHERE id = %s", approval)
    page.wait_for("stands", "Expired. The approval expired before anyone decided.")
    assert page.status == "expired"
    assert not page.one("approve").is_enabled()
    assert page.one("reason").get_attribute("value") == "I was about to"
    assert resolve(server, approval).json()["code"] == "approval_decided"


def test_an_escalation_shows_on_the_open_page_which_still_decides(server, browser, opened):
    page, approval = opened
    due = "UPDATE governance_approval SET escalate_at = now(), escalation_role = 'admin' WHERE id = %s"
    change(server, due, approval)
    page.wait_for("stands", "It was escalated: the role admin may decide as well.")
    assert page.status == "pending"
    assert page.one("approve").is_enabled()
    page.approve("")
    until(browser, lambda: resolve(server, approval).status_code == 409, "it was never decided")


def test_what_is_void_shows_on_the_open_page_and_leads_to_what_is_asked_anew(server, browser, opened):
    page, approval = opened
    other_tool = (
        "UPDATE agents_step s SET request = jsonb_set(s.request, '{schema_hash}', '\"other\"') "
        "FROM governance_approval a WHERE a.id = %s AND s.run_id = a.run_id AND s.path = a.step_path"
    )
    change(server, other_tool, approval)
    assert resolve(server, approval, {"status": "approved"}).json()["code"] == "approval_void"
    page.wait_for("stands", "Void. The tool process_refund has changed")
    assert page.status == "void"
    assert not page.one("approve").is_enabled()
    page.wait_for("stands", "It was asked for anew.")
    page.leave(page.one("stands-next"))
    assert approval not in browser.current_url
    assert page.status == "pending"
    assert "Refund $250.00 to C-1042" in page.effect
    page.reject("Not now")


def test_an_open_list_is_one_view_on_the_trail(server, browser):
    auditor = server.client("auditor", "globex")

    def reads() -> int:
        me = server.client("approver", "globex").get("/api/auth/me").json()["user"]["id"]
        rows = auditor.get("/api/audit", params={"action": "approval.read", "limit": 200}).json()["data"]
        return sum(1 for row in rows if row["actor_id"] == me and row["action"] == "approval.read")

    asked = [paused_refund(server.client("member", "globex"))["tools"][0]["approval_id"]]
    Page(browser, server.base_url).come_as("globex", "approver")
    inbox = Inbox(browser, server.base_url)
    inbox.visit()
    listens(browser)
    before = reads()
    for _ in range(3):
        shown = steady(browser, lambda: len(inbox.items))
        asked.append(paused_refund(server.client("member", "globex"))["tools"][0]["approval_id"])
        until(browser, lambda shown=shown: len(inbox.items) > shown, "the list never grew")
    assert reads() == before
    inbox.visit()
    assert reads() == before + 1
    for approval in asked:
        assert resolve(server, approval).status_code == 200
