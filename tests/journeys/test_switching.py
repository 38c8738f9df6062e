"""A person of two tenants in a real browser: which one she is in is always said, and she changes it by keyboard."""

from __future__ import annotations

import psycopg
import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from tests.journeys.pages import Page
from tests.journeys.server import PASSWORD

EMAIL = "both@two.test"
RUNS = "/admin/agents/run/"
JOINED_BOTH = """
WITH she AS (
    INSERT INTO accounts_user (id, email, name, password, is_active, is_superuser, is_demo, token_version, created_at)
    SELECT gen_random_uuid(), %(email)s, 'Bo', password, true, false, false, 0, now()
    FROM accounts_user WHERE email = 'viewer@acme.test' RETURNING id
)
INSERT INTO accounts_membership (id, tenant_id, user_id, role, created_at)
SELECT gen_random_uuid(), t.id, she.id, 'viewer', now() - (t.slug = 'acme')::int * interval '1 minute'
FROM accounts_tenant t, she WHERE t.slug IN ('acme', 'globex')
"""
WIDE, NARROW = (1280, 1000), (390, 844)


@pytest.fixture
def switching(server, browser):
    """Sign in as somebody who has joined both tenants, with a password that she shares with the demo users."""
    with psycopg.connect(server.environment["DATABASE_URL"]) as connection:
        connection.execute(JOINED_BOTH, {"email": EMAIL})
    page = Page(browser, server.base_url)
    page.open(f"/admin/login/?next={RUNS}")
    browser.find_element(By.NAME, "username").send_keys(EMAIL)
    field = browser.find_element(By.NAME, "password")
    field.send_keys(PASSWORD)
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
