"""What happens shows by itself on an open page: badge, list and a note, and nothing is decided by any of it."""

from __future__ import annotations

from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.by import By

from tests.journeys.pages import Home, Inbox, Page, patient
from tests.journeys.test_browser import paused_refund

OURS = '#nav-sidebar-apps a[href="/admin/governance/approval/"]'

NOTE = "document.querySelector('[data-testid=toast] a')"


def badge(browser) -> int:
    marks = browser.find_elements(By.CSS_SELECTOR, f"{OURS} span")
    numbers = [mark.get_attribute("textContent").strip() for mark in marks]
    return next((int(number) for number in numbers if number.isdecimal()), 0)


def until(browser, reached, said):
    """Wait; what is replaced while it is read is read again."""
    patient(browser, StaleElementReferenceException).until(lambda _: reached(), said)


def steady(browser, read):
    """Return what is read of a page that may replace it meanwhile."""
    (found,) = patient(browser, StaleElementReferenceException).until(lambda _: (read(),))
    return found


def listens(browser) -> None:
    """Wait until the page has heard how things stand."""
    until(browser, lambda: browser.execute_script("return localStorage.getItem('agentos:told')"), "it never listened")


def test_a_request_shows_in_the_open_inbox_and_its_note_opens_it(server, browser):
    Page(browser, server.base_url).come_as("globex", "approver")
    inbox = Inbox(browser, server.base_url)
    inbox.visit()
    listens(browser)
    browser.execute_script("window.untouched = true")
    before, shown = steady(browser, lambda: (badge(browser), len(inbox.items)))
    asked = paused_refund(server.client("member", "globex"))["tools"][0]
    until(browser, lambda: badge(browser) == before + 1, "the badge never rose")
    until(browser, lambda: len(inbox.items) == shown + 1, "the list never grew")
    inbox.wait_for("toast", "Approval needed: Refund $250.00 to C-1042")
    assert browser.execute_script("return document.getElementById('inbox-live').ariaLive") == "polite"
    assert browser.execute_script("return window.untouched")  # the page was not loaded again
    assert browser.execute_script(f"return {NOTE}.href") == f"{server.base_url}{asked['approval_url']}"
    inbox.leave_by(lambda: browser.execute_script(f"{NOTE}.click()"))  # notes are replaced as more happens
    approver = server.client("approver", "globex")
    assert approver.get(f"/api/approvals/{asked['approval_id']}").json()["status"] == "pending"
    inbox.visit()
    decided = approver.post(
        f"/api/approvals/{asked['approval_id']}/resolve", json={"status": "rejected", "reason": "no"}
    )
    assert decided.status_code == 200
    until(browser, lambda: badge(browser) == before, "the badge never fell")
    until(browser, lambda: len(inbox.items) == shown, "the list kept what was decided")


def test_who_asked_is_told_on_the_chat_page_and_another_tenant_is_not(server, browser):
    home = Home(browser, server.base_url)
    home.come_as("globex", "member")
    home.open("/")
    listens(browser)
    approval = paused_refund(server.client("member", "globex"))["tools"][0]["approval_id"]
    other = paused_refund(server.client("member"))["tools"][0]["approval_id"]
    for client, one in ((server.client("approver"), other), (server.client("approver", "globex"), approval)):
        said = {"status": "rejected", "reason": "Not this time."}
        assert client.post(f"/api/approvals/{one}/resolve", json=said).status_code == 200
    home.wait_for("toast", "Rejected by")
    (note,) = home.all("toast")
    place = f"{server.base_url}/admin/governance/approval/{approval}/change/"
    assert note.find_element(By.TAG_NAME, "a").get_attribute("href") == place
    note.find_element(By.TAG_NAME, "button").click()
    assert home.all("toast") == []
