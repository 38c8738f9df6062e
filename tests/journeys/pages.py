"""The pages as a person uses them in a browser, for the journeys: what to click and what to read, by `data-testid`."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import httpx
from django.conf import settings
from django.urls import reverse
from selenium.common.exceptions import StaleElementReferenceException, WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support import expected_conditions as conditions
from selenium.webdriver.support.ui import WebDriverWait

from tests.journeys.server import PATIENCE_SECONDS

SESSION = settings.SESSION_COOKIE_NAME
LOOKS_SECONDS = 0.1  # between two looks at a page


def patient(browser: WebDriver, *ignored: type[Exception]) -> WebDriverWait[WebDriver]:
    """Return what waits until something of a page is so, and looks often."""
    return WebDriverWait(browser, PATIENCE_SECONDS, LOOKS_SECONDS, ignored_exceptions=ignored)


@dataclass(frozen=True)
class Page:
    """A browser on our site; `base_url` has no slash at its end."""

    browser: WebDriver
    base_url: str

    def open(self, path: str) -> None:
        self.browser.get(f"{self.base_url}{path}")

    def come_as(self, tenant: str, role: str) -> None:
        """Be signed in as a demo user, whoever was before, without the pages on which `Home.sign_in` clicks."""
        token = secrets.token_hex(16)
        form = {"email": f"{role}@{tenant}.test", "csrfmiddlewaretoken": token}
        cookies = {settings.CSRF_COOKIE_NAME: token}
        with httpx.Client(base_url=self.base_url, cookies=cookies, timeout=PATIENCE_SECONDS, trust_env=False) as client:
            answer = client.post(reverse("dev_sign_in"), data=form)
        assert answer.status_code == 302, answer.text
        for name, value in answer.cookies.items():
            cookie = {"name": name, "value": value, "url": self.base_url, "httpOnly": name == SESSION}
            self.browser.execute_cdp_cmd("Network.setCookie", cookie)

    def all(self, testid: str) -> list[WebElement]:
        return self.browser.find_elements(By.CSS_SELECTOR, f'[data-testid="{testid}"]')

    def one(self, testid: str) -> WebElement:
        """Wait until an element is there and return it."""
        place = (By.CSS_SELECTOR, f'[data-testid="{testid}"]')
        return patient(self.browser).until(conditions.presence_of_element_located(place))

    def wait_for(self, testid: str, text: str) -> None:
        """Wait until an element, however often it is replaced, holds this text."""
        place = (By.CSS_SELECTOR, f'[data-testid="{testid}"]')
        patient(self.browser).until(
            conditions.text_to_be_present_in_element(place, text),
            f"{testid} never said {text!r}",
        )

    def leave(self, element: WebElement) -> None:
        """Click what leads to another page and wait until this one is gone."""
        self.leave_by(element.click)

    def leave_by(self, action: Callable[[], object]) -> None:
        """Do what leads to another page and wait until this one is gone."""
        here = self.browser.find_element(By.TAG_NAME, "body")
        action()
        patient(self.browser).until(lambda browser: _is_gone(here))


def _is_gone(element: WebElement) -> bool:
    """Tell whether an element's page is gone; in the moment of the change Chromium has another word for it."""
    try:
        element.is_enabled()
    except StaleElementReferenceException:
        return True
    except WebDriverException as error:
        if "does not belong to the document" not in (error.msg or ""):
            raise
        return True
    return False


@dataclass(frozen=True)
class Home(Page):
    """The page `/`: one-click sign-in and the chat."""

    def sign_in(self, tenant: str, role: str) -> None:
        """Sign in as a demo user, whoever was signed in before."""
        self.open("/")
        if signed_in := self.all("sign-out"):
            self.leave(signed_in[0])
        self.leave(self.one(f"sign-in-{tenant}-{role}"))
        self.wait_for("who", f"{role} at {tenant}")

    def pick(self, agent_id: str) -> None:
        self.one(f"agent-{agent_id}").click()

    def ask(self, message: str) -> None:
        self.one("message").send_keys(message, Keys.ENTER)

    def click_prompt(self, text: str) -> None:
        next(button for button in self.all("prompt") if button.is_displayed() and text in button.text).click()

    def answer_yes(self) -> None:
        self.one("answer-yes").click()

    def answer_no(self, note: str = "") -> None:
        self.browser.find_element(By.CSS_SELECTOR, "form.ask [name=note]").send_keys(note)
        self.one("answer-no").click()

    def fill(self, name: str, value: str) -> None:
        """Type into a field of the question that waits."""
        self.browser.find_element(By.CSS_SELECTOR, f'form.ask [name="{name}"]').send_keys(value)

    def choose(self, label: str) -> None:
        """Tick an option of the questions that wait."""
        self.browser.find_element(By.CSS_SELECTOR, f'form.ask [value="{label}"]').click()

    def send_answer(self) -> None:
        self.one("answer-send").click()

    def cancel(self) -> None:
        self.one("cancel").click()

    def wait_for_status(self, text: str) -> None:
        self.wait_for("status", text)

    def wait_for_card(self, tool: str, state: str) -> None:
        """Wait until the last card of a tool has this state: running, waiting, done, refused, failed."""

        def reached(browser: WebDriver) -> bool:
            script = "return [...document.querySelectorAll(arguments[0])].at(-1)?.dataset.state"
            return bool(browser.execute_script(script, f'[data-testid="tool-card"][data-tool="{tool}"]') == state)

        patient(self.browser).until(reached, f"{tool} never became {state}")

    @property
    def answers(self) -> list[str]:
        """What the agent has said, one text a bubble."""
        return [bubble.find_element(By.TAG_NAME, "p").text for bubble in self.all("agent")]

    @property
    def run_id(self) -> str:
        """The run that the page's address names."""
        return parse_qs(urlsplit(self.browser.current_url).query)["run"][0]


@dataclass(frozen=True)
class Inbox(Page):
    """The approval inbox of the admin."""

    def visit(self) -> None:
        self.open("/admin/governance/approval/")

    @property
    def items(self) -> list[str]:
        return [item.text for item in self.all("what")]

    def open_item(self, text: str) -> ApprovalPage:
        """Open the first request whose plain words hold this text."""
        self.leave(next(item for item in self.all("what") if text in item.text))
        return ApprovalPage(self.browser, self.base_url)


@dataclass(frozen=True)
class ApprovalPage(Page):
    """One request: what it will do, the form that decides, what became of it."""

    def visit(self, approval_id: str) -> None:
        self.open(f"/admin/governance/approval/{approval_id}/change/")

    @property
    def effect(self) -> str:
        return self.one("effect").text

    @property
    def status(self) -> str:
        return self.one("approval-status").text

    @property
    def obstacle(self) -> str:
        """Why the viewer can't decide."""
        return self.one("obstacle").text

    @property
    def arguments(self) -> dict[str, str]:
        rows = self.one("arguments").find_elements(By.CSS_SELECTOR, "tbody tr")
        return {row.find_element(By.TAG_NAME, "th").text: row.find_element(By.TAG_NAME, "bdi").text for row in rows}

    def approve(self, reason: str = "") -> None:
        self.one("reason").send_keys(reason)
        self.leave(self.one("approve"))

    def reject(self, reason: str) -> None:
        self.one("reason").send_keys(reason)
        self.leave(self.one("reject"))

    def wait_for_outcome(self, word: str) -> None:
        """Wait until the page, without a reload, says what became of the call."""
        self.wait_for("outcome", word)


@dataclass(frozen=True)
class RunPage(Page):
    """One run in the admin: its state, its steps, the buttons that steer it."""

    def visit(self, run_id: str) -> None:
        self.open(f"/admin/agents/run/{run_id}/change/")

    @property
    def run_id(self) -> str:
        """The run that the page's address names."""
        return urlsplit(self.browser.current_url).path.split("/")[-3]

    def press(self, name: str) -> None:
        """Press one of the buttons: pause, unpause, rerun."""
        self.leave(self.one(name))

    def wait_for_status(self, word: str) -> None:
        """Wait until the page, without a reload, shows the run in this state."""
        self.wait_for("run-status", word)

    def step(self, path: str) -> WebElement:
        """Unfold a step by its path and return it."""
        place = (By.CSS_SELECTOR, f'[data-testid="step"][data-path="{path}"]')
        step = patient(self.browser).until(conditions.presence_of_element_located(place))
        step.find_element(By.TAG_NAME, "summary").click()
        return step

    def fork_from(self, path: str) -> None:
        self.leave(self.step(path).find_element(By.CSS_SELECTOR, '[data-testid="fork"]'))


@dataclass(frozen=True)
class ReconcilePage(Page):
    """One call that may have happened: the evidence, and the form that says what became of it."""

    def settle(self, outcome: str, reason: str, result: str = "") -> None:
        """Choose an outcome by its words (happened, not-happened, abandon) and send the form."""
        self.one(outcome).click()
        self.one("reason").send_keys(reason)
        self.one("result").send_keys(result)
        self.leave(self.one("reconcile"))
