"""Whoever explains says of budgets what a start would: by the same predicate, and it reserves nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from accounts.seam import in_thread
from accounts.tenancy import tenant_scope
from agentos.core.errors import LimitExceeded, RateLimited
from agents.engine.model_calls import Usage
from agents.services.ledger import Consumer
from governance.access import Answer, Question, explaining, judge
from governance.budgets import ledger
from governance.models import NOBODY, Budget, BudgetUse, Reservation
from tests.conftest import TenantWithUsers


def cent(model: str, usage: Usage) -> Decimal:
    return Decimal("0.01")


ASKED = {"user": "", "component": "approvals", "tool": ""}


def budget(team: TenantWithUsers, measure: str, limit: str, *, period: str = "day", used: str = "0") -> Budget:
    with tenant_scope(team.tenant.id, team.admin.id):
        made = Budget.objects.create(
            tenant=team.tenant, name=f"{measure} a {period}", measure=measure, period=period, limit=Decimal(limit)
        )
    starts = datetime.now(UTC).replace(second=0, microsecond=0)
    starts = starts.replace(hour=0, minute=0) if period == "day" else starts
    BudgetUse.objects.using("system").create(
        tenant=team.tenant, budget=made, subject=NOBODY, starts_at=starts, used=Decimal(used), reserved=0
    )
    return made


async def said(tenant: TenantWithUsers, **asked: str) -> Answer:
    found = await explaining.explain(tenant.principal("member"), **{**ASKED, **asked})
    (answer,) = [answer for answer in found.judgement.answers if answer.layer == "budget"]
    return answer


@pytest.mark.parametrize(
    ("measure", "limit", "used", "outcome"),
    [
        ("runs", "3", "2", "passes"),
        ("runs", "3", "3", "refuses"),
        ("tokens", "10000", "6000", "passes"),
        ("tokens", "10000", "6001", "refuses"),  # a run reserves 4,000
        ("usd", "1", "0.98", "passes"),
        ("usd", "1", "0.99", "refuses"),
    ],
)
def test_it_says_what_a_start_would(acme: TenantWithUsers, measure: str, limit: str, used: str, outcome: str) -> None:
    budget(acme, measure, limit, used=used)
    consumer = Consumer(acme.tenant.id, acme.member.id, "agent", "approvals", ("sandbox-strong",))
    over, charged = ledger.obstacle(consumer, cent)
    assert [terms.name for terms in charged] == [f"{measure} a day"]
    assert ("refuses" if over else "passes") == outcome
    assert over is None or (isinstance(over, LimitExceeded) and over.code == "budget_exceeded")
    assert Reservation.objects.using("system").count() == 0


def test_limits_of_a_minute_and_unknown_prices(acme: TenantWithUsers) -> None:
    consumer = Consumer(acme.tenant.id, acme.member.id, "agent", "approvals", ("sandbox-strong",))
    assert ledger.obstacle(consumer, cent) == (None, [])
    budget(acme, "usd", "1")
    over, _ = ledger.obstacle(consumer, lambda model, usage: None)
    assert over is not None
    assert over.code == "price_unknown"
    budget(acme, "runs", "0", period="minute")
    assert isinstance(ledger.obstacle(consumer, cent)[0], RateLimited)


async def test_the_layer_decides_when_all_others_grant(database: None, acme: TenantWithUsers) -> None:
    assert (await said(acme)).reason == "No budget applies."
    await in_thread(budget, acme, "runs", "5", used="1")
    assert (await said(acme)).reason == "It fits into “runs a day”."
    assert (await said(acme, tool="process_refund")).outcome == "passes"
    await in_thread(BudgetUse.objects.using("system").update, used=5)
    found = await explaining.explain(acme.principal("member"), component="approvals")
    assert (found.word, found.judgement.decided.layer) == ("refused", "budget")
    assert "has no room for this run" in found.judgement.decided.reason


async def test_a_run_that_goes_on_is_not_asked(database: None, acme: TenantWithUsers) -> None:
    about = explaining.named("approvals", "")
    question = Question(acme.principal("member"), about.component)
    assert "budget" not in {answer.layer for answer in (await judge(question)).answers}
