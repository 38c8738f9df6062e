"""People who steer runs from their pages: pause, cancel, fork, reconcile, run again, in a real browser."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.journeys.pages import Inbox, Page, ReconcilePage, RunPage
from tests.journeys.server import run_that_is
from tests.journeys.test_runs import ended, run


@pytest.fixture
def workshop(server):
    """The server, and the folder that the tools of its workshop work on."""
    return server, Path(server.environment["WORKSHOP"])


def started(client, message: str) -> str:
    """Start a run of the workshop in the background; return its id."""
    body = {"message": message, "stream": False, "background": True}
    answer = client.post("/api/agents/workshop/runs", json=body)
    assert answer.status_code == 202, answer.text
    return answer.json()["run_id"]


def waiting(client, run_id: str):
    return run_that_is(client, run_id, "PAUSED")


def test_a_run_is_paused_and_goes_on_and_its_page_follows_by_itself(workshop, browser):
    server, home = workshop
    (home / "open").unlink(missing_ok=True)
    member = server.client("member")
    run_id = started(member, "[[call:bake {}]]")
    Page(browser, server.base_url).come_as("acme", "member")
    page = RunPage(browser, server.base_url)
    page.visit(run_id)
    page.press("pause")
    page.wait_for("by-hand", "pausing")
    unfolded = page.step("1.model")
    (home / "open").touch()
    page.wait_for_status("paused")
    page.wait_for("by-hand", "by hand")
    assert unfolded.find_element(By.TAG_NAME, "details").get_attribute("open")
    page.press("unpause")
    page.wait_for_status("completed")
    assert member.get(f"/api/runs/{run_id}").json()["status"] == "COMPLETED"
    assert not page.all("pause")


def test_a_run_is_cancelled_by_keyboard_with_a_second_step(workshop, browser):
    server, home = workshop
    (home / "open").unlink(missing_ok=True)
    member = server.client("member")
    run_id = started(member, "[[call:bake {}]]")
    Page(browser, server.base_url).come_as("acme", "member")
    page = RunPage(browser, server.base_url)
    page.visit(run_id)
    page.one("cancel").send_keys(Keys.ENTER)
    assert page.one("cancel-yes").is_displayed()
    assert member.get(f"/api/runs/{run_id}").json()["status"] in ("PENDING", "RUNNING")
    page.one("cancel").send_keys(Keys.TAB)
    button = browser.switch_to.active_element
    assert button.get_attribute("data-testid") == "cancel-yes"
    button.send_keys(Keys.ENTER)
    page.wait_for_status("cancelled")
    (home / "open").touch()


def test_a_fork_with_another_message_opens_the_new_run(server, browser):
    member = server.client("member")
    done = run(member, "helpdesk", "Our login page returns 503")
    Page(browser, server.base_url).come_as("acme", "member")
    page = RunPage(browser, server.base_url)
    page.visit(done["run_id"])
    page.fork_from("1.model")
    page.one("message").send_keys("How do I reset my password?")
    page.leave(page.one("fork-send"))
    assert page.run_id != done["run_id"]
    page.wait_for_status("completed")
    made = member.get(f"/api/runs/{page.run_id}").json()
    assert made["input"]["input_content"] == "How do I reset my password?"
    assert made["forked_from"] == {"run_id": done["run_id"], "path": "1.model"}
    assert made["session_id"] == done["session_id"]


def test_what_may_have_happened_is_reconciled_from_the_inbox_and_the_run_goes_on(workshop, browser):
    server, home = workshop
    (home / "seams").unlink(missing_ok=True)
    member = server.client("member")
    run_id = started(member, '[[call:weld {"part": "the handle"}]]')
    assert waiting(member, run_id)["tools"][0]["tool_name"] == "weld"
    Page(browser, server.base_url).come_as("acme", "admin")
    inbox = Inbox(browser, server.base_url)
    inbox.visit()
    inbox.leave(inbox.one("tab-reconcile"))
    assert inbox.one("tab-reconcile").get_attribute("aria-current") == "page"
    inbox.open_item("Weld the handle to the frame")
    page = ReconcilePage(browser, server.base_url)
    assert '"seams": 1' in page.one("lookup").text
    page.settle("happened", "The seam is there", "the handle holds.")
    assert "It happened, says" in page.one("settled").text
    assert ended(member, run_id)["status"] == "COMPLETED"
    assert (home / "seams").read_text().count("seam") == 1
    inbox.open("/admin/agents/step/")
    assert not any("the handle" in item for item in inbox.items)


def test_a_run_that_was_given_up_is_found_and_run_again(workshop, browser):
    server, home = workshop
    (home / "open").unlink(missing_ok=True)
    member = server.client("member")
    run_id = started(member, "[[call:bake {}]]")
    assert member.post(f"/api/runs/{run_id}/pause", json={}).status_code == 200
    (home / "open").touch()
    waiting(member, run_id)
    interrupt_too_often(server, run_id)
    assert ended(member, run_id)["error_code"] == "too_many_recoveries"
    Page(browser, server.base_url).come_as("acme", "admin")
    page = RunPage(browser, server.base_url)
    page.open("/admin/agents/run/")
    page.leave(page.one("tab-given-up"))
    page.leave(browser.find_element(By.CSS_SELECTOR, "#result_list a .ao-what"))
    assert page.run_id == run_id
    page.press("rerun")
    assert page.run_id != run_id
    page.wait_for_status("completed")
    assert member.get(f"/api/runs/{page.run_id}").json()["rerun_of"] == run_id
    page.open("/admin/agents/run/?tab=given-up")
    assert page.one("empty")


def interrupt_too_often(server, run_id: str) -> None:
    """Leave a run as five dead processes and a sixth do: leased to nobody who lives."""
    statement = (
        "UPDATE agents_run SET status = 'running', pause_requested = false, recoveries = 5, lease_owner = 'gone', "
        "lease_until = now() - interval '1 s' WHERE id = %s"
    )
    with psycopg.connect(server.environment["DATABASE_URL"], autocommit=True) as connection:
        assert connection.execute(statement, [run_id]).rowcount == 1
