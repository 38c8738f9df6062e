"""Every page of the menu without a mouse and without good eyes: what Tab reaches, its names, what can be read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from tests.journeys import browser as chromium
from tests.journeys.pages import Page
from tests.journeys.test_browser import paused_refund
from tests.journeys.test_notices import until

LOOK = (Path(__file__).parent / "look.js").read_text()
MENU = "return [...document.querySelectorAll('#nav-sidebar-apps a[href]')].map(link => new URL(link.href).pathname)"
OWN = ("/admin/notifications/", "/accounts/privacy/", "/accounts/security/", "/admin/password_change/", "/")
FORMS = (
    "/admin/accounts/grant/add/", "/admin/accounts/invitation/add/",
    "/admin/accounts/serviceaccount/add/", "/admin/accounts/tenantrole/add/", "/admin/governance/budget/add/",
    "/admin/governance/guardsetting/add/", "/admin/governance/endpoint/add/", "/admin/agents/allowedmodels/add/",
    "/admin/privacy/legalhold/add/", "/admin/privacy/retentionrule/add/", "/admin/accounts/connection/add/",
)  # fmt: skip
HEARD = "const live = document.getElementById('inbox-live'); return !live || 'waiting' in live.dataset"
BEGIN = "document.body.tabIndex = -1; document.body.focus(); document.body.removeAttribute('tabindex'); scrollTo(0, 0)"
MOST_STOPS, MORE_TABS = 400, 20
DESK, PHONE = (1280, 900), (390, 844)


def resize(browser: Any, size: tuple[int, int]) -> None:
    metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size[0] < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def ask(browser: Any, what: str, *arguments: Any) -> Any:
    """Ask one of the functions of look.js."""
    return browser.execute_script(f"{LOOK}\nreturn {what}(...arguments)", *arguments)


def pages_of(server: Any, browser: Any, role: str) -> list[str]:
    """Sign in and return where the menu of a role leads, a request and its run, and for an administrator the forms."""
    asked = paused_refund(server.client("member"))
    Page(browser, server.base_url).come_as("acme", role)
    browser.get(f"{server.base_url}/admin/governance/approval/")
    found = browser.execute_script(MENU)
    assert len(found) >= 5
    request = f"/admin/governance/approval/{asked['tools'][0]['approval_id']}/change/"
    run = f"/admin/agents/run/{asked['run_id']}/change/"
    return [*found, request, run, *OWN, *(FORMS if role == "admin" else ())]


def problems_of_tabbing(browser: Any, menus: list[list[str]]) -> list[str]:
    """Press Tab until the focus has gone round; return what is wrong on the way.

    `menus` are those that it went through before: of them it goes to the link of this page only. Stops are told by
    their place in the page: the inbox's badge, made anew once the page has heard how many wait, moves those behind it.
    """
    until(browser, lambda: browser.execute_script(HEARD), "it never listened")
    found, seen, menu = ask(browser, "mouseOnly"), [], browser.execute_script(MENU)
    browser.execute_script(BEGIN)
    ask(browser, "passMenu", menu in menus)
    menus.append(menu)
    wanted = ask(browser, "stops")
    for stop in stops_of_tab(browser, len(wanted) + 1):
        if seen and stop is not None and stop["number"] == seen[-1]:
            continue  # the parts of a date are stops of their own
        if stop is None or stop["number"] in seen:
            break
        seen.append(stop["number"])
        if not stop["visible"]:
            found.append(f"no visible focus on {stop['what']}")
    if missed := [what for number, what in wanted if number not in seen]:
        found.append(f"Tab never reached {missed[:5]}")
    ask(browser, "passMenu", False)
    return found


def stops_of_tab(browser: Any, first: int) -> Iterator[Any]:
    """Yield what has the focus after each Tab; many are sent at once, and the page itself looks between them."""
    ask(browser, "watchTab")
    for number in (first, *[MORE_TABS] * (MOST_STOPS // MORE_TABS)):
        ActionChains(browser).send_keys(Keys.TAB * number).perform()
        yield from ask(browser, "stopsOfTab")


def problems_of_looks(browser: Any) -> dict[str, list[str]]:
    """Return what is wrong with names, headings, width and contrast, by day and by night."""
    found = {}
    for mode in ("light", "dark"):
        scheme = [{"name": "prefers-color-scheme", "value": mode}]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": scheme})
        worn, found[mode] = ask(browser, "looksIn", mode)
        assert worn == mode
    return {mode: problems for mode, problems in found.items() if problems}


@dataclass(frozen=True)
class Walked:
    """What is wrong with each page that a role was shown: on the way of Tab, and by its looks on a phone and a desk."""

    tabbing: dict[str, list[str]] = field(default_factory=dict)
    phone: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    desk: dict[str, dict[str, list[str]]] = field(default_factory=dict)


@pytest.fixture(scope="module")
def approvers(server, _chromium) -> Walked:
    walked, menus = Walked(), []
    for path in pages_of(server, _chromium, "approver"):
        _chromium.get(f"{server.base_url}{path}")
        walked.tabbing[path] = problems_of_tabbing(_chromium, menus)
    chromium.renew(_chromium)
    return walked


@pytest.fixture(scope="module")
def administrators(server, _chromium) -> Walked:
    """Every page is opened once, on a phone that is a desk later: to open it takes longer than all looks at it."""
    walked, menus = Walked(), []
    for path in pages_of(server, _chromium, "admin"):
        resize(_chromium, PHONE)
        _chromium.get(f"{server.base_url}{path}")
        small = ask(_chromium, "small")
        walked.phone[path] = problems_of_looks(_chromium) | ({"to press": small} if small else {})
        resize(_chromium, DESK)
        walked.tabbing[path] = problems_of_tabbing(_chromium, menus)
        walked.desk[path] = problems_of_looks(_chromium)
    _chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    chromium.renew(_chromium)
    return walked


def wrong(found: dict[str, Any]) -> dict[str, Any]:
    assert found
    return {path: problems for path, problems in found.items() if problems}


@pytest.mark.parametrize("role", ["approvers", "administrators"])
def test_tab_reaches_all_there_is_and_one_sees_where_it_is(request, role):
    assert wrong(request.getfixturevalue(role).tabbing) == {}


@pytest.mark.parametrize("size", ["phone", "desk"])
def test_all_has_a_name_headings_go_down_step_by_step_and_all_can_be_read(administrators, size):
    assert wrong(getattr(administrators, size)) == {}


def test_what_leads_through_a_long_list_is_large_enough_for_a_thumb(server, browser):
    admin, more_than_a_page = server.client("admin", "globex"), 51
    for number in range(more_than_a_page):
        asked = {"message": f"Our login page returns {number}", "stream": False, "background": True}
        assert admin.post("/api/agents/helpdesk/runs", json=asked).status_code == 202
    Page(browser, server.base_url).come_as("globex", "admin")
    resize(browser, PHONE)
    browser.get(f"{server.base_url}/admin/agents/session/")
    assert browser.find_element("link text", "2").is_displayed()
    assert browser.find_element("link text", "Show all").is_displayed()
    assert ask(browser, "small") == []
    assert ask(browser, "sticksOut") == []


def test_the_first_stop_skips_to_what_the_page_is_about(server, browser):
    Page(browser, server.base_url).come_as("acme", "approver")
    for path in ("/admin/governance/approval/", "/admin/agents/run/"):
        browser.get(f"{server.base_url}{path}")
        ActionChains(browser).send_keys(Keys.TAB).perform()
        assert "Skip" in browser.switch_to.active_element.text
        ActionChains(browser).send_keys(Keys.ENTER, Keys.TAB).perform()
        assert browser.execute_script(
            "return document.querySelector('#content, #main').contains(document.activeElement)"
        )


def test_what_opens_leads_in_and_escape_leads_back(server, browser):
    Page(browser, server.base_url).come_as("acme", "approver")
    browser.get(f"{server.base_url}/admin/governance/approval/")

    def press(selector: str, *keys: str) -> None:
        browser.execute_script("document.querySelector(arguments[0]).focus()", selector)
        ActionChains(browser).send_keys(*keys).perform()

    def is_inside(selector: str) -> bool:
        return bool(browser.execute_script(f"return Boolean(document.activeElement.closest('{selector}'))"))

    press("[data-filters]", Keys.ENTER)
    until(browser, lambda: is_inside("#changelist-filter"), "the focus never went to the filters")
    ActionChains(browser).send_keys(Keys.ESCAPE).perform()
    until(browser, lambda: is_inside("[data-filters]"), "the focus never came back")
    assert not browser.find_element("id", "changelist-filter").is_displayed()

    press(".ao-who-button", Keys.ENTER)
    until(browser, browser.find_element("id", "own-links").is_displayed, "the menu never opened")
    ActionChains(browser).send_keys(Keys.TAB).perform()
    assert is_inside("#own-links")
    ActionChains(browser).send_keys(Keys.ESCAPE).perform()
    until(browser, lambda: not browser.find_element("id", "own-links").is_displayed(), "the menu stayed")
    assert is_inside(".ao-who-button")

    press("[data-keys-list]", Keys.ENTER)
    assert is_inside("dialog")
    for _ in range(6):
        ActionChains(browser).send_keys(Keys.TAB).perform()
        assert browser.execute_script(
            "const a = document.activeElement; return a === document.body || !!a.closest('dialog')"
        )
    ActionChains(browser).send_keys(Keys.ESCAPE).perform()
    until(browser, lambda: is_inside("[data-keys-list]"), "the focus never came back")


def test_no_shortcut_fires_where_somebody_types(server, browser):
    asked = paused_refund(server.client("member"))["tools"][0]["approval_id"]
    Page(browser, server.base_url).come_as("acme", "approver")
    browser.get(f"{server.base_url}/admin/governance/approval/{asked}/change/")
    browser.find_element("css selector", "[data-testid=edit] summary").click()
    here = browser.current_url
    keys = browser.execute_script("return [...document.querySelectorAll('[data-key]')].map(node => node.dataset.key)")
    assert set("arqt") <= set(keys)
    fields = browser.find_elements("css selector", "main textarea, #content textarea")
    assert len(fields) >= 4
    for box in fields:
        before = box.get_attribute("value")
        box.send_keys("".join(keys) + "jk?/")
        assert box.get_attribute("value").startswith(before)
        assert browser.switch_to.active_element == box
    assert browser.current_url == here
    assert not browser.find_element("css selector", "[data-testid=keys-dialog]").is_displayed()
