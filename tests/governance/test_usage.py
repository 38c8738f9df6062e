"""What was used: the same sums whether a day is counted already or not, one's own or everybody's."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from accounts.seam import in_thread
from accounts.tenancy import tenant_scope
from agentos.core.errors import Invalid
from agentos.core.ids import new_id
from agents.models import Run, Session
from governance.models import Budget, BudgetUse, UsageDay
from governance.usage import Span, roll_up, usage
from tests.agents.conftest import serve
from tests.agents.services.conftest import make_process, read

__all__ = ["make_process", "serve"]


def today() -> datetime:
    """Return when the day began: asked anew each time, because a suite may run past midnight."""
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def ran(where, user, *, days_ago: int, component="helpdesk", tokens=10, cost="0.01", status="completed") -> Run:
    """Put a run of some days ago into a tenant, as the journal leaves it."""
    system = {"tenant_id": where.tenant.id, "user_id": user.id}
    session = Session.objects.using("system").create(**system, session_id=str(new_id()), component_id=component)
    run_id = new_id()
    return Run.objects.using("system").create(
        id=run_id, root_id=run_id, **system, session=session, component_kind="agent", component_id=component,
        spec_hash="", model="m", status=status, created_at=today() - timedelta(days=days_ago) + timedelta(hours=1),
        usage={"input_tokens": tokens, "output_tokens": 2 * tokens, "total_tokens": 3 * tokens, "model_calls": 1},
        cost_usd=None if cost is None else Decimal(cost),
    )  # fmt: skip


def told(where, role: str, **days):
    return usage(principal=where.principal(role), span=Span.of(days.get("since"), days.get("until")))


@pytest.fixture
def month(acme, globex):
    for days_ago in (0, 1, 1, 2, 5):
        ran(acme, acme.member, days_ago=days_ago)
    ran(acme, acme.approver, days_ago=1, component="approvals", tokens=100, cost=None)
    ran(acme, acme.approver, days_ago=45, tokens=1_000)
    ran(globex, globex.member, days_ago=1, tokens=7_000)


def test_sums_by_day_user_and_component(month, acme):
    found = told(acme, "admin")
    assert found["total"] == {
        "runs": 6, "input_tokens": 150, "output_tokens": 300, "total_tokens": 450, "cost_usd": "0.05",
        "unpriced_runs": 1,
    }  # fmt: skip
    assert [(row["day"], row["runs"]) for row in found["days"]] == [
        ((today() - timedelta(days=days)).date().isoformat(), runs) for days, runs in ((5, 1), (2, 1), (1, 3), (0, 1))
    ]
    assert [(row["email"], row["total_tokens"]) for row in found["users"]] == [
        ("approver@acme.test", 300),
        ("member@acme.test", 150),
    ]
    assert [(row["component_id"], row["runs"], row["unpriced_runs"]) for row in found["components"]] == [
        ("approvals", 1, 1),
        ("helpdesk", 5, 0),
    ]


@pytest.mark.parametrize("role", ["admin", "auditor", "member", "approver"])
def test_a_day_that_was_counted_gives_the_same_sums(month, acme, role):
    before = told(acme, role), told(acme, role, since=today().date() - timedelta(days=60))
    assert roll_up()["usage_days"] == 6
    assert UsageDay.objects.using("system").count() == 6
    Run.objects.using("system").filter(created_at__lt=today()).update(usage={"input_tokens": 10**6})
    assert (told(acme, role), told(acme, role, since=today().date() - timedelta(days=60))) == before
    assert roll_up()["usage_days"] == 0


def test_a_day_is_counted_once_its_runs_have_ended(month, acme):
    waiting = ran(acme, acme.member, days_ago=2, status="paused", cost="0")
    roll_up()
    with tenant_scope(acme.tenant.id, acme.admin.id):
        days = set(UsageDay.objects.values_list("starts_at", flat=True))
    assert days == {today() - timedelta(days=45), today() - timedelta(days=5)}
    Run.objects.using("system").filter(id=waiting.id).update(status="completed", cost_usd="0.5")
    roll_up()
    found = told(acme, "admin")
    assert (found["total"]["runs"], found["total"]["cost_usd"]) == (7, "0.55")


def test_without_the_scope_one_sees_ones_own(month, acme, globex):
    found = told(acme, "member")
    assert [row["email"] for row in found["users"]] == ["member@acme.test"]
    assert found["total"]["runs"] == 5
    assert told(globex, "admin")["total"]["total_tokens"] == 21_000
    assert told(globex, "viewer")["total"]["runs"] == 0


@pytest.mark.parametrize(
    ("since", "until"),
    [(date(2026, 1, 2), date(2026, 1, 1)), (date(2024, 1, 1), date(2026, 1, 1)), (None, date.min), (None, date.max)],
)
def test_days_that_make_no_span_are_refused(since, until):
    with pytest.raises(Invalid):
        Span.of(since, until)


def test_a_span_is_whole_days(month, acme):
    day = (today() - timedelta(days=1)).date()
    found = told(acme, "admin", since=day, until=day)
    assert (found["total"]["runs"], len(found["days"])) == (3, 1)


async def test_the_route_tells_what_was_used_and_what_budgets_leave(make_process, serve, acme, globex):
    def make() -> None:
        with tenant_scope(acme.tenant.id, acme.admin.id):
            common = {"tenant_id": acme.tenant.id, "period": "month", "measure": "tokens"}
            Budget.objects.create(name="all", limit=1_000, reserve=100, **common)
            Budget.objects.create(name="each", limit=500, each_user=True, **common)
            Budget.objects.create(name="theirs", limit=500, user=acme.approver, **common)
            Budget.objects.create(name="off", limit=500, is_active=False, **common)

    await in_thread(make)
    process = await make_process([[("pay", {"amount": 5})]], price=lambda model, usage: Decimal("0.01"))
    await read(await process.start(process.new()))
    call = serve(process)
    found = (await call(acme.member, "usage")).json()
    assert found["total"]["total_tokens"] == 15
    assert [(row["name"], row["used"], row["reserved"], row["left"]) for row in found["budgets"]] == [
        ("all", "0", "100", "900"),
        ("each", "0", "500", "0"),
    ]
    assert found["budgets"][0]["starts_at"] == today().replace(day=1).strftime("%Y-%m-%dT00:00:00.000Z")
    shown = (await call(acme.auditor, "usage")).json()["budgets"]
    assert [(row["name"], row["reserved"]) for row in shown][1:] == [("each", "0"), ("theirs", "0")]
    assert (await call(globex.admin, "usage")).json()["budgets"] == []
    refused = await call(acme.member, "usage?since=2026-02-01&until=2026-01-01")
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid")


def test_old_periods_are_forgotten_and_what_runs_hold_is_not(acme):
    with tenant_scope(acme.tenant.id, acme.admin.id):
        made = Budget.objects.create(tenant_id=acme.tenant.id, name="rate", limit=5, measure="runs", period="minute")
    for age in (timedelta(hours=2), timedelta(days=2)):
        BudgetUse.objects.using("system").create(
            tenant_id=acme.tenant.id, budget=made, starts_at=datetime.now(UTC) - age
        )
    assert roll_up()["budget_uses"] == 1
    assert BudgetUse.objects.using("system").count() == 1
