"""The admin's pages about guards, through the stock handler with its whole middleware."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts import principals
from accounts.models import AuditRow
from accounts.tenancy import tenant_scope
from governance.guards import tenant_settings
from governance.models import GuardSetting
from tests.conftest import TenantWithUsers

FORM = {"component": "agent:helpdesk", "guard": "pii", "place": "output", "mode": "block", "reason": "Our rule."}
Enter = Callable[[str], Client]


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    principals.cache.forget()
    tenant_settings.cache.forget()
    yield
    tenant_settings.cache.forget()


@pytest.fixture
def enter(acme: TenantWithUsers, globex: TenantWithUsers) -> Enter:
    def enter(role: str) -> Client:
        browser = Client()
        browser.post(reverse("sign_in"), {"email": f"{role}@acme.test", "password": "demo"})
        return browser

    return enter


def place(*arguments: Any, view: str = "changelist") -> str:
    return reverse(f"admin:governance_guardsetting_{view}", args=arguments)


def kept() -> list[tuple[str, str]]:
    return list(GuardSetting.objects.using("system").order_by("changed_at").values_list("place", "mode"))


def actions(acme: TenantWithUsers) -> list[str]:
    with tenant_scope(acme.tenant.id, acme.admin.id):
        return list(AuditRow.objects.filter(object_type="guard").order_by("seq").values_list("action", flat=True))


@pytest.mark.parametrize(
    ("role", "sees", "adds"),
    [("admin", 200, 200), ("auditor", 200, 403), ("operator", 200, 403), ("approver", 200, 403), ("member", 403, 403)],
)
def test_who_may_look_and_who_may_write(enter: Enter, role: str, sees: int, adds: int) -> None:
    browser = enter(role)
    assert browser.get(place()).status_code == sees
    assert browser.get(place(view="add")).status_code == adds
    browser.post(place(view="add"), FORM)
    assert kept() == ([("output", "block")] if role == "admin" else [])


def test_a_setting_is_made_changed_and_taken_back_on_record(enter: Enter, acme: TenantWithUsers) -> None:
    browser = enter("admin")
    browser.post(place(view="add"), FORM)
    row = GuardSetting.objects.using("system").get()
    shown = browser.get(place()).content.decode()
    assert "agent:helpdesk" in shown
    assert "Our rule." in shown
    browser.post(place(row.id, view="change"), {**FORM, "place": "tool"})
    assert kept() == [("tool", "block")]
    moved = GuardSetting.objects.using("system").get()
    browser.post(place(moved.id, view="delete"), {"post": "yes"})
    assert kept() == []
    assert actions(acme) == ["guard.set", "guard.loosened", "guard.loosened"]


def test_what_a_component_fixes_is_told_and_not_stored(enter: Enter, acme: TenantWithUsers) -> None:
    wrong = {**FORM, "component": "agent:approvals", "guard": "secrets", "mode": "off"}
    answer = enter("admin").post(place(view="add"), wrong, follow=True)
    assert "fixes this guard" in answer.content.decode()
    assert kept() == []
    assert actions(acme) == []
