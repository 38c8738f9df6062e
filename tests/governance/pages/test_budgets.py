"""The admin's pages about budgets, through the stock handler with its whole middleware."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts import principals
from accounts.models import AuditRow, User
from accounts.tenancy import tenant_scope
from agents.registry import registry
from governance.models import Budget, BudgetUse

FORM = {"name": "Team", "measure": "usd", "limit": "5", "period": "day", "reserve": "", "is_active": "on"}


@pytest.fixture(autouse=True)
def _fresh() -> None:
    principals.cache.forget()


@pytest.fixture
def enter(acme, globex) -> Any:
    def enter(role: str, tenant: str = "acme") -> Client:
        browser = Client()
        browser.post(reverse("sign_in"), {"email": f"{role}@{tenant}.test", "password": "demo"})
        return browser

    return enter


def place(*arguments: Any, view: str = "changelist") -> str:
    return reverse(f"admin:governance_budget_{view}", args=arguments)


def kept() -> Budget:
    return Budget.objects.using("system").get()


def text(answer) -> str:
    return answer.content.decode()


@pytest.mark.parametrize(
    ("role", "sees", "adds"),
    [("admin", 200, 200), ("auditor", 200, 403), ("operator", 200, 403), ("member", 403, 403), ("approver", 403, 403)],
)
def test_who_may_look_and_who_may_write(enter, role, sees, adds):
    browser = enter(role)
    assert browser.get(place()).status_code == sees
    assert browser.get(place(view="add")).status_code == adds
    browser.post(place(view="add"), FORM)
    assert Budget.objects.using("system").count() == (1 if role == "admin" else 0)


def test_a_budget_is_made_changed_and_deleted_on_record(enter, acme):
    browser, component = enter("admin"), registry.all()[0]
    form = {**FORM, "each_user": "on", "component": f"agent:{component.id}"}
    assert browser.post(place(view="add"), form).status_code == 302
    made = kept()
    assert (made.tenant_id, made.limit, made.each_user) == (acme.tenant.id, 5, True)
    assert (made.component_kind, made.component_id) == ("agent", component.id)
    shown = text(browser.get(place()))
    assert "$5 a day" in shown
    assert "each user" in shown
    changed = {**FORM, "limit": "7.5", "user": str(acme.member.id)}
    assert browser.post(place(made.id, view="change"), changed).status_code == 302
    made = kept()
    assert (made.limit, made.each_user, made.user_id, made.component_id) == (Decimal("7.5"), False, acme.member.id, "")
    BudgetUse.objects.using("system").create(tenant_id=acme.tenant.id, budget=made, starts_at="2026-01-01T00:00Z")
    assert browser.post(place(made.id, view="delete"), {"post": "yes"}).status_code == 302
    assert not Budget.objects.using("system").exists()
    assert not BudgetUse.objects.using("system").exists()
    rows = AuditRow.objects.using("system").filter(object_type="budget").order_by("seq")
    assert [row.action for row in rows] == ["budget.added", "budget.changed", "budget.deleted"]
    assert "7.5" not in str([row.detail for row in rows])


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"measure": "tokens", "period": "minute"}, "Only runs are counted by the minute."),
        ({"each_user": "on", "user": "member"}, "choose one of them"),
        ({"limit": "-1"}, "Nothing or more."),
        ({"reserve": "0"}, "More than nothing, or empty."),
        ({"component": "agent:nobody"}, "not one of the available choices"),
        ({"user": "stranger"}, "not one of the available choices"),
        ({"name": ""}, "required"),
    ],
)
def test_a_budget_that_makes_no_sense_is_told_why(enter, acme, globex, wrong, said):
    people: dict[str, User] = {"member": acme.member, "stranger": globex.member}
    wrong = {name: str(people[value].id) if value in people else value for name, value in wrong.items()}
    answer = enter("admin").post(place(view="add"), {**FORM, **wrong})
    assert answer.status_code == 200
    assert said in text(answer)
    assert not Budget.objects.using("system").exists()


def test_the_list_shows_what_is_left_now(enter, acme):
    enter("admin").post(place(view="add"), FORM)
    made = kept()
    with tenant_scope(acme.tenant.id):
        starts_at = current_period(made)
    BudgetUse.objects.using("system").create(
        tenant_id=acme.tenant.id, budget=made, starts_at=starts_at, used="1.25", reserved="0.05"
    )
    shown = text(enter("operator").get(place()))
    assert "$1.3<" in shown
    assert "$3.7<" in shown


def test_who_may_only_look_sees_one_budget_too(enter, acme):
    enter("admin").post(place(view="add"), FORM)
    shown = enter("auditor").get(place(kept().id, view="change"))
    assert shown.status_code == 200
    assert "everybody together" in text(shown)


def test_another_tenants_budgets_are_not_there(enter, acme):
    enter("admin").post(place(view="add"), FORM)
    stranger = enter("admin", "globex")
    assert "Team" not in text(stranger.get(place()))
    assert stranger.get(place(kept().id, view="change")).status_code == 404
    stranger.post(place(kept().id, view="delete"), {"post": "yes"})
    assert kept().name == "Team"


def current_period(made: Budget) -> Any:
    from datetime import UTC

    from django.db.models.functions import Now, Trunc

    return Budget.objects.filter(id=made.id).annotate(at=Trunc(Now(), made.period, tzinfo=UTC)).get().at
