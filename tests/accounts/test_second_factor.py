"""The second factor: set up, asked for by pages and API, its codes each good once; required where there is power."""

from __future__ import annotations

import re
from base64 import b32decode
from io import StringIO
from time import time
from typing import Any

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connections
from django.test import Client
from django.urls import reverse
from django_otp.oath import TOTP

from accounts import audit, entering, principals, scopes
from accounts.models import AuditRow, Membership, RecoveryCode, Role, TotpDevice, User
from accounts.services import second_factor, sessions, tokens
from accounts.services.attempts import FREE_OF_BOTH
from agentos.core.errors import NotAuthenticated, PolicyDenied, RateLimited
from tests.conftest import PASSWORD, MakeUser, TenantWithUsers

NOW = 1_800_000_000.0


class Clock:
    """The time that the codes are of; each step is half a minute."""

    def __init__(self) -> None:
        self.time = NOW

    def __call__(self) -> float:
        return self.time

    def step(self, steps: int = 1) -> None:
        self.time += 30 * steps


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(second_factor, "time", clock)
    return clock


@pytest.fixture(autouse=True)
def _fresh(database: None, clock: Clock) -> None:
    principals.cache.forget()


class App:
    """The authenticator app on somebody's phone."""

    def __init__(self, secret: str, clock: Clock) -> None:
        self._key, self._clock = b32decode(secret.replace(" ", "")), clock

    def code(self, steps: int = 0) -> str:
        totp = TOTP(self._key)
        totp.time = self._clock() + 30 * steps
        return f"{totp.token():06d}"


def enrolled(user: User, clock: Clock) -> tuple[App, list[str]]:
    """Set up a user's second factor; the code that confirmed it is used up."""
    address = second_factor.enrolment(user)
    app = App(address.partition("secret=")[2].partition("&")[0], clock)
    _, codes = second_factor.confirm(user, app.code())
    clock.step()
    return app, codes


def sign_in(browser: Client, email: str, place: str = "sign_in") -> Any:
    name = "username" if place == "admin:login" else "email"
    return browser.post(reverse(place), {name: email, "password": PASSWORD, "next": "/admin/"})


def is_in(browser: Client) -> bool:
    return "_auth_user_id" in browser.session


def actions() -> list[str]:
    return list(AuditRow.objects.using("system").order_by("seq").values_list("action", flat=True))


def secret_on(page: Any) -> str:
    found = re.search(r'data-testid="secret">([^<]+)<', page.content.decode())
    assert found
    return found[1]


def codes_on(page: Any) -> list[str]:
    return re.findall(r"<code>([a-z2-9-]{19})</code>", page.content.decode())


def test_a_code_is_good_once_and_for_a_minute_and_a_half(acme: TenantWithUsers, clock: Clock) -> None:
    app, _ = enrolled(acme.admin, clock)
    user_id = acme.admin.id
    second_factor.verify(user_id, app.code())
    for used in (app.code(), app.code(-1)):
        with pytest.raises(NotAuthenticated):
            second_factor.verify(user_id, used)
    second_factor.verify(user_id, f" {app.code(1)[:3]} {app.code(1)[3:]} ")
    clock.step(10)
    second_factor.verify(user_id, app.code(-1))
    for wrong in (app.code(-2), app.code(2)):
        with pytest.raises(NotAuthenticated):
            second_factor.verify(user_id, wrong)


@pytest.mark.parametrize("code", ["", "abc", "12345", "1234567", "-12345", "12345٣", "1e5000", "000000" * 3])
def test_what_is_no_code_is_refused(acme: TenantWithUsers, clock: Clock, code: str) -> None:
    enrolled(acme.admin, clock)
    with pytest.raises(NotAuthenticated):
        second_factor.verify(acme.admin.id, code)


def test_recovery_codes_are_good_once_each_and_hashed(acme: TenantWithUsers, clock: Clock) -> None:
    app, codes = enrolled(acme.admin, clock)
    assert len(set(codes)) == second_factor.RECOVERY_CODES
    second_factor.verify(acme.admin.id, codes[0].upper())
    second_factor.verify(acme.admin.id, codes[1].replace("-", " "))
    with pytest.raises(NotAuthenticated):
        second_factor.verify(acme.admin.id, codes[0])
    row = AuditRow.objects.using("system").filter(action="second_factor.recovery_used").last()
    assert row is not None
    assert row.detail["left"] == second_factor.RECOVERY_CODES - 2
    stored = str(list(RecoveryCode.objects.using("system").values()))
    assert not any(code in stored or code.replace("-", "") in stored for code in codes)
    new = second_factor.renew_codes(acme.admin.id, app.code())
    with pytest.raises(NotAuthenticated):
        second_factor.verify(acme.admin.id, codes[2])
    second_factor.verify(acme.admin.id, new[0])


def test_the_secret_is_sealed_and_for_the_system_role_only(acme: TenantWithUsers, clock: Clock) -> None:
    address = second_factor.enrolment(acme.admin)
    secret = b32decode(address.partition("secret=")[2].partition("&")[0])
    device = TotpDevice.objects.using("system").get()
    assert secret.hex() not in device.secret_sealed
    assert len(secret) == second_factor.SECRET_BYTES
    for table in ("accounts_totpdevice", "accounts_recoverycode"):
        with pytest.raises(DatabaseError, match="permission denied"), connections["default"].cursor() as cursor:
            cursor.execute(f"SELECT 1 FROM {table}")
    TotpDevice.objects.using("system").update(user_id=acme.member.id)
    with pytest.raises(Exception, match="can't be opened"):
        second_factor.enrolment(acme.member)


def test_guessing_is_slowed_down_and_told(acme: TenantWithUsers, clock: Clock) -> None:
    app, codes = enrolled(acme.admin, clock)
    for _ in range(FREE_OF_BOTH + 1):
        with pytest.raises(NotAuthenticated):
            second_factor.verify(acme.admin.id, "000000", "192.0.2.1")
    for good in (app.code(), codes[0]):
        with pytest.raises(RateLimited):
            second_factor.verify(acme.admin.id, good, "192.0.2.1")
    second_factor.verify(acme.admin.id, app.code(), "192.0.2.2")
    assert actions().count("second_factor.failed") == FREE_OF_BOTH + 1
    assert audit.verify(acme.tenant.id) is None


def test_an_enrolment_stays_the_same_until_it_is_confirmed(acme: TenantWithUsers, clock: Clock) -> None:
    address = second_factor.enrolment(acme.admin)
    assert second_factor.enrolment(acme.admin) == address
    assert "admin%40acme.test" in address
    assert second_factor.device_of(acme.admin.id) is None
    with pytest.raises(NotAuthenticated):
        second_factor.confirm(acme.admin, "000000")
    enrolled(acme.admin, clock)
    with pytest.raises(PolicyDenied):
        second_factor.enrolment(acme.admin)


@pytest.mark.parametrize("place", ["sign_in", "admin:login"])
def test_signing_in_with_a_second_factor(acme: TenantWithUsers, clock: Clock, place: str) -> None:
    app, _ = enrolled(acme.approver, clock)
    browser = Client()
    assert sign_in(browser, "approver@acme.test", place)["Location"] == reverse("second_factor")
    assert not is_in(browser)
    assert browser.get("/admin/governance/approval/").status_code == 302
    page = browser.get(reverse("second_factor"))
    assert "no-store" in page["Cache-Control"]
    wrong = browser.post(reverse("second_factor"), {"code": "000000"})
    assert wrong.status_code == 403
    assert 'role="alert"' in wrong.content.decode()
    assert not is_in(browser)
    done = browser.post(reverse("second_factor"), {"code": app.code()})
    assert done["Location"] == "/admin/"
    assert is_in(browser)
    assert browser.get("/admin/governance/approval/").status_code == 200
    assert actions()[-2:] == ["second_factor.failed", "auth.signed_in"]


def test_a_waiting_sign_in_is_nobody_and_ends(
    acme: TenantWithUsers, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, _ = enrolled(acme.admin, clock)
    browser = Client()
    assert browser.get(reverse("second_factor"))["Location"] == reverse("admin:login")
    sign_in(browser, "admin@acme.test")
    key = browser.session.session_key
    assert key is not None
    assert sessions._load(key) is None
    assert browser.get(reverse("security")).status_code == 302
    User.objects.using("system").filter(id=acme.admin.id).update(token_version=99)
    assert browser.post(reverse("second_factor"), {"code": app.code()})["Location"] == reverse("admin:login")
    sign_in(browser, "admin@acme.test")
    after = time() + entering.PENDING_SECONDS + 1
    monkeypatch.setattr(entering, "time", lambda: after)
    assert browser.post(reverse("second_factor"), {"code": app.code()})["Location"] == reverse("admin:login")
    assert not is_in(browser)


def test_setting_one_up_where_it_is_required(acme: TenantWithUsers, clock: Clock, settings: Any) -> None:
    settings.SECOND_FACTOR = "required"
    browser = Client()
    sign_in(browser, "admin@acme.test", "admin:login")
    assert browser.get(reverse("second_factor"))["Location"] == reverse("second_factor_enrol")
    page = browser.get(reverse("second_factor_enrol"))
    text = page.content.decode()
    assert "<svg" in text
    assert "style=" not in text
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
    app = App(secret_on(page), clock)
    wrong = browser.post(reverse("second_factor_enrol"), {"code": "000000"})
    assert wrong.status_code == 403
    assert secret_on(wrong) == secret_on(page)
    assert not is_in(browser)
    done = browser.post(reverse("second_factor_enrol"), {"code": app.code()})
    assert len(codes_on(done)) == second_factor.RECOVERY_CODES
    assert "no-store" in done["Cache-Control"]
    assert 'href="/admin/"' in done.content.decode()
    assert browser.get("/admin/accounts/membership/").status_code == 200
    again = Client()
    sign_in(again, "admin@acme.test")
    assert again.get(reverse("second_factor_enrol"))["Location"] == reverse("second_factor")
    clock.step()
    again.post(reverse("second_factor"), {"code": codes_on(done)[0]})
    assert is_in(again)
    assert actions() == ["second_factor.failed", "second_factor.enrolled", "auth.signed_in", "membership.read",
                         "second_factor.recovery_used", "auth.signed_in"]  # fmt: skip


@pytest.mark.parametrize("role", Role.values)
def test_who_needs_one(acme: TenantWithUsers, settings: Any, role: str) -> None:
    powerless = role in (Role.VIEWER, Role.MEMBER)
    assert scopes.has_power(scopes.scopes_of(role)) is not powerless
    settings.SECOND_FACTOR = "required"
    browser = Client()
    sign_in(browser, f"{role}@acme.test")
    assert is_in(browser) is powerless
    settings.SECOND_FACTOR = "optional"
    sign_in(browser, f"{role}@acme.test")
    assert is_in(browser)


def test_power_in_any_tenant_counts_and_power_given_later_too(
    acme: TenantWithUsers, globex: TenantWithUsers, make_user: MakeUser, settings: Any
) -> None:
    settings.SECOND_FACTOR = "required"
    browser = Client()
    sign_in(browser, "member@acme.test")
    assert is_in(browser)
    key = browser.session.session_key
    assert key is not None
    assert sessions._load(key) is not None
    Membership.objects.using("system").filter(user_id=acme.member.id).update(role=Role.OPERATOR)
    assert sessions._load(key) is None
    browser.get("/")
    assert not is_in(browser)
    make_user(globex.tenant, Role.APPROVER, "viewer@acme.test")
    sign_in(browser, "viewer@acme.test")
    assert not is_in(browser)


def test_the_api_asks_for_the_code(acme: TenantWithUsers, clock: Clock, settings: Any) -> None:
    asked = {"email": "approver@acme.test", "password": PASSWORD}
    app, codes = enrolled(acme.approver, clock)
    with pytest.raises(NotAuthenticated) as refused:
        tokens.issue(**asked)
    assert refused.value.code == "second_factor_required"
    with pytest.raises(NotAuthenticated) as refused:
        tokens.issue(**asked, otp="000000")
    assert refused.value.code == "wrong_second_factor"
    with pytest.raises(NotAuthenticated) as refused:
        tokens.issue(email="approver@acme.test", password="wrong", otp=app.code())
    assert refused.value.code == "wrong_credentials"
    assert tokens.issue(**asked, otp=app.code()).tenant == "acme"
    assert tokens.issue(**asked, otp=codes[0]).tenant == "acme"
    settings.SECOND_FACTOR = "required"
    with pytest.raises(PolicyDenied) as denied:
        tokens.issue(email="admin@acme.test", password=PASSWORD)
    assert denied.value.code == "second_factor_missing"
    assert tokens.issue(email="member@acme.test", password=PASSWORD).tenant == "acme"


def test_a_token_family_ends_when_its_user_gets_power_without_a_second_factor(
    acme: TenantWithUsers, settings: Any
) -> None:
    settings.SECOND_FACTOR = "required"
    pair = tokens.issue(email="member@acme.test", password=PASSWORD)
    Membership.objects.using("system").filter(user_id=acme.member.id).update(role=Role.ADMIN)
    with pytest.raises(NotAuthenticated):
        tokens.refresh(pair.refresh)


def test_setting_one_up_ends_what_was_opened_without_it(acme: TenantWithUsers, clock: Clock) -> None:
    browser = Client()
    sign_in(browser, "member@acme.test")
    pair = tokens.issue(email="member@acme.test", password=PASSWORD)
    enrolled(acme.member, clock)
    with pytest.raises(NotAuthenticated):
        tokens.refresh(pair.refresh)
    browser.get("/")
    assert not is_in(browser)


def test_who_wants_one_sets_it_up_and_gives_it_up(acme: TenantWithUsers, clock: Clock, settings: Any) -> None:
    browser = Client()
    assert browser.get(reverse("security")).status_code == 302
    sign_in(browser, "member@acme.test")
    assert "You have no second factor" in browser.get(reverse("security")).content.decode()
    browser.post(reverse("security_begin"), {"password": "wrong"})
    assert is_in(browser)
    assert browser.post(reverse("security_begin"), {"password": PASSWORD})["Location"] == reverse("second_factor_enrol")
    app = App(secret_on(browser.get(reverse("second_factor_enrol"))), clock)
    done = browser.post(reverse("second_factor_enrol"), {"code": app.code()})
    assert f'href="{reverse("security")}"' in done.content.decode()
    shown = browser.get(reverse("security")).content.decode()
    assert "You have a second factor" in shown
    clock.step()
    renewed = browser.post(reverse("security_codes"), {"code": app.code()})
    assert len(codes_on(renewed)) == second_factor.RECOVERY_CODES
    assert set(codes_on(renewed)).isdisjoint(codes_on(done))
    for action in ("security_codes", "security_remove"):
        answer = browser.post(reverse(action), {"code": "000000"}, follow=True)
        assert "wrong or used up" in answer.content.decode()
    clock.step()
    browser.post(reverse("security_remove"), {"code": app.code()})
    assert second_factor.device_of(acme.member.id) is None
    assert is_in(browser)
    assert actions()[-1] == "second_factor.removed"


def test_where_it_is_required_nobody_gives_it_up(acme: TenantWithUsers, clock: Clock, settings: Any) -> None:
    settings.SECOND_FACTOR = "required"
    app, _ = enrolled(acme.admin, clock)
    with pytest.raises(PolicyDenied):
        second_factor.remove(sessions.memberships(acme.admin.id), app.code())
    assert second_factor.device_of(acme.admin.id) is not None


def test_an_operator_resets_a_lost_one(
    acme: TenantWithUsers, globex: TenantWithUsers, make_user: MakeUser, clock: Clock
) -> None:
    make_user(globex.tenant, Role.VIEWER, "admin@acme.test")
    app, codes = enrolled(acme.admin, clock)
    pair = tokens.issue(email="admin@acme.test", password=PASSWORD, otp=app.code(), tenant="acme")
    call_command("second_factor", "reset", "Admin@acme.test", stdout=StringIO())
    with pytest.raises(NotAuthenticated):
        tokens.refresh(pair.refresh)
    assert not RecoveryCode.objects.using("system").exists()
    told = AuditRow.objects.using("system").filter(action="second_factor.reset")
    assert set(told.values_list("tenant_id", flat=True)) == {acme.tenant.id, globex.tenant.id}
    with pytest.raises(NotAuthenticated):
        second_factor.verify(acme.admin.id, codes[0])
    with pytest.raises(SystemExit):
        call_command("second_factor", "reset", "nobody@acme.test", stderr=StringIO())
