"""People who work without a mouse: from the inbox to the decision and on, by keys that decide nothing by themselves."""

from __future__ import annotations

from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from tests.journeys.pages import ApprovalPage, Inbox, Page, patient
from tests.journeys.test_browser import paused_refund


def press(browser, *keys: str) -> None:
    """Press keys wherever the focus is."""
    ActionChains(browser).send_keys(*keys).perform()


def focused(browser) -> str:
    return browser.switch_to.active_element.get_attribute("data-testid") or ""


def lands_on(browser, part: str) -> None:
    patient(browser).until(lambda found: part in found.current_url)


def test_an_approver_decides_by_keyboard(server, browser):
    member = server.client("member")
    first, second = paused_refund(member), paused_refund(member)
    Page(browser, server.base_url).come_as("acme", "approver")
    inbox, page = Inbox(browser, server.base_url), ApprovalPage(browser, server.base_url)
    inbox.visit()
    press(browser, "j")
    where = browser.switch_to.active_element.get_attribute("href")
    press(browser, "j", "k")
    assert browser.switch_to.active_element.get_attribute("href") == where
    press(browser, Keys.ENTER)
    lands_on(browser, "/change/")
    page.visit(first["tools"][0]["approval_id"])
    press(browser, "a")
    assert focused(browser) == "approve"
    assert page.status == "pending"
    press(browser, "r")
    assert focused(browser) == "reason"
    press(browser, "a", "n")
    assert page.one("reason").get_attribute("value") == "an"
    press(browser, Keys.ESCAPE, "a")
    assert focused(browser) == "approve"
    page.leave_by(lambda: press(browser, Keys.ENTER))
    decided = first["tools"][0]["approval_id"]
    assert decided in (page.one("decided-link").get_attribute("href") or "")
    assert decided not in browser.current_url
    assert page.status == "pending"
    here = browser.current_url
    press(browser, "n")
    patient(browser).until(lambda found: found.current_url != here)
    press(browser, "u")
    lands_on(browser, "/approval/")
    other = second["tools"][0]["approval_id"]
    assert server.client("approver").get(f"/api/approvals/{other}").json()["status"] == "pending"


def test_shortcuts_are_listed_and_can_be_turned_off(server, browser):
    paused_refund(server.client("member"))
    Page(browser, server.base_url).come_as("acme", "approver")
    inbox = Inbox(browser, server.base_url)
    inbox.visit()
    press(browser, "?")
    dialog = inbox.one("keys-dialog")
    assert "Next row" in dialog.text
    press(browser, "j")
    assert not browser.switch_to.active_element.get_attribute("href")
    dialog.find_element("css selector", "input").click()
    press(browser, Keys.ESCAPE)
    assert not dialog.is_displayed()
    press(browser, "j", "/")
    assert browser.switch_to.active_element.tag_name not in ("a", "input")
    inbox.visit()
    press(browser, "j")
    assert not browser.switch_to.active_element.get_attribute("href")
    inbox.one("keys").click()
    inbox.one("keys-dialog").find_element("css selector", "input").click()
    press(browser, Keys.ESCAPE, "j")
    assert "/change/" in browser.switch_to.active_element.get_attribute("href")
    press(browser, "/")
    assert browser.switch_to.active_element.get_attribute("id") == "searchbar"
