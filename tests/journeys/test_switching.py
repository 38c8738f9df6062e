"""A person of two tenants in a real browser: which one she is in is always said, and she changes it by keyboard."""

from __future__ import annotations

import re

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from tests.journeys.pages import Page

EMAIL = "both@two.test"
RUNS = "/admin/agents/run/"
WIDE, NARROW = (1280, 1000), (390, 844)


def joined(server, tenant: str) -> str:
    """Let a tenant's administrator add her; return her first password, "" where she is known already."""
    with server.anonymous() as page:
        form = {"csrfmiddlewaretoken": csrf(page.get("/").text), "email": f"admin@{tenant}.test"}
        page.post("/accounts/dev-sign-in/", data=form, follow_redirects=True)
        add = "/admin/accounts/membership/add/"
        asked = {"csrfmiddlewaretoken": csrf(page.get(add).text), "email": EMAIL, "name": "Bo", "role": "viewer"}
        shown = page.post(add, data=asked, follow_redirects=True).text
    found = re.search(r'data-testid="secret">([^<]+)<', shown)
    return found[1] if found else ""


def csrf(text: str) -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', text)
    assert found
    return found[1]


@pytest.fixture
def switching(server, browser):
    password = joined(server, "acme")
    assert password
    assert joined(server, "globex") == ""
    page = Page(browser, server.base_url)
    page.open(f"/admin/login/?next={RUNS}")
    browser.find_element(By.NAME, "username").send_keys(EMAIL)
    field = browser.find_element(By.NAME, "password")
    field.send_keys(password)
    page.leave_by(lambda: field.send_keys(Keys.ENTER))
    return page


def current(page: Page) -> str:
    return Select(page.browser.find_element(By.ID, "tenant")).first_selected_option.text


def test_a_person_of_two_tenants_switches_by_keyboard_and_always_sees_where_she_is(switching):
    page, browser = switching, switching.browser
    page.open(RUNS)
    assert current(page) == "Acme"
    browser.find_element(By.ID, "tenant").send_keys("G")
    browser.switch_to.active_element.send_keys(Keys.TAB)
    assert browser.switch_to.active_element.text == "Switch"
    page.leave_by(lambda: browser.switch_to.active_element.send_keys(Keys.ENTER))
    for size in (WIDE, NARROW):
        browser.set_window_size(*size)
        page.open(RUNS)
        assert current(page) == "Globex"
        assert browser.find_element(By.ID, "tenant").is_displayed()


@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_who_has_one_tenant_sees_its_name(server, browser, size):
    page = Page(browser, server.base_url)
    page.come_as("acme", "member")
    browser.set_window_size(*size)
    page.open(RUNS)
    name = page.one("tenant")
    assert (name.text, name.is_displayed()) == ("acme", True)
