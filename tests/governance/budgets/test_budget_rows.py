"""Whom a budget is for, when it counts, and what the database takes of it."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from django.db import DatabaseError, IntegrityError, connections, transaction
from django.db.models.functions import Now

from accounts.seam import in_thread
from accounts.tenancy import tenant_scope
from agents.services.ledger import Consumer
from governance.budgets import ledger
from governance.budgets.ledger import Budgets
from governance.models import Budget, BudgetUse
from tests.agents.conftest import serve
from tests.agents.services.conftest import make_process, read
from tests.governance.budgets.spending import (
    BACKGROUND,
    START,
    budget,
    cent,
    counts,
    outcome,
    refused,
    reservations,
    use_of,
)

__all__ = ["make_process", "serve"]


async def test_a_period_that_is_over_does_not_count(make_process, acme):
    made = await in_thread(budget, acme, "runs", "1")
    process = await make_process(supervise=False, price=cent)
    assert [await refused(process, process.new()) for _ in range(2)] == ["", "budget_exceeded"]

    def yesterday() -> None:
        row = BudgetUse.objects.using("system").get(budget=made)
        BudgetUse.objects.using("system").filter(id=row.id).update(starts_at=row.starts_at - timedelta(days=1))

    await in_thread(yesterday)
    assert [await refused(process, process.new()) for _ in range(2)] == ["", "budget_exceeded"]


@pytest.mark.parametrize(
    ("whose", "expected"),
    [
        ({}, ["", "budget_exceeded", "budget_exceeded"]),
        ({"each_user": True}, ["", "budget_exceeded", ""]),
        ({"user": "member"}, ["", "budget_exceeded", ""]),
        ({"user": "approver"}, ["", "", ""]),
        ({"component_kind": "agent", "component_id": "tester"}, ["", "budget_exceeded", "budget_exceeded"]),
        ({"component_kind": "agent", "component_id": "other"}, ["", "", ""]),
        ({"is_active": False}, ["", "", ""]),
    ],
)
async def test_a_budget_is_for_whom_it_names(make_process, acme, globex, whose, expected):
    whose = {**whose, "user": acme.users[whose["user"]]} if "user" in whose else whose
    await in_thread(budget, acme, "runs", "1", **whose)
    process = await make_process(supervise=False, price=cent)
    begins = [process.new() for _ in range(4)]
    begins[2].user_id = acme.approver.id
    begins[3].tenant_id, begins[3].user_id = globex.tenant.id, globex.member.id
    assert [await refused(process, begin) for begin in begins] == [*expected, ""]


async def test_money_is_not_counted_without_a_price(make_process, serve, acme):
    await in_thread(budget, acme, "usd", "100")
    process = await make_process(["Done"], price=lambda model, usage: None)
    refusal = await serve(process)(acme.member, START, BACKGROUND)
    assert (refusal.status_code, refusal.json()["code"]) == (402, "price_unknown")
    assert await in_thread(counts, acme) == (0, 0, 0)


async def test_a_change_counts_within_five_seconds_and_many_runs_share_a_look(make_process, acme):
    process = await make_process(supervise=False, price=cent)
    now = [100.0]
    process.ledger = Budgets(process.pool, cent, clock=lambda: now[0])
    looks = []
    read_all = process.ledger._read

    async def counted() -> None:
        looks.append(now[0])
        await read_all()

    process.ledger._read = counted
    await asyncio.gather(*(process.store(process.new()) for _ in range(20)))
    await in_thread(budget, acme, "runs", "0")
    await process.store(process.new())
    assert looks == [100.0]
    now[0] += ledger.KEPT_SECONDS
    assert await refused(process, process.new()) == "budget_exceeded"
    assert ledger.KEPT_SECONDS < 5


async def test_tenants_without_budgets_reserve_and_settle_nothing(make_process, acme, globex):
    await in_thread(budget, globex, "runs", "0")
    process = await make_process(["Done"], price=cent)
    begin = process.new()
    await read(await process.start(begin))
    assert (begin.charges, begin.allowance.tokens) == ((), None)
    assert process.ledger._settling is None
    assert await in_thread(reservations) == 0


async def test_a_budget_that_is_gone_holds_nobody_up(make_process, acme):
    made = await in_thread(budget, acme, "runs", "5")
    process = await make_process(["Done"], price=cent)
    begin = process.new()
    begin.charges = await process.ledger.charges(Consumer(acme.tenant.id, acme.member.id, "agent", "tester", ()))
    assert len(begin.charges) == 1

    def delete() -> None:
        with tenant_scope(acme.tenant.id, acme.admin.id):
            made.delete()

    await in_thread(delete)
    await process.supervisor.writer.begin(begin)
    assert (await in_thread(outcome, begin))[0] == "running"


def test_a_tenant_sees_its_own_budgets_and_writes_no_use(acme, globex):
    made = budget(acme, "runs", "5")
    BudgetUse.objects.using("system").create(tenant_id=acme.tenant.id, budget=made, starts_at=Now())
    with tenant_scope(globex.tenant.id):
        assert (Budget.objects.count(), BudgetUse.objects.count()) == (0, 0)
    with tenant_scope(acme.tenant.id, acme.admin.id):
        with pytest.raises(DatabaseError), transaction.atomic():
            BudgetUse.objects.update(used=0)
        with pytest.raises(DatabaseError), transaction.atomic(), connections["default"].cursor() as cursor:
            cursor.execute("UPDATE governance_budget SET tenant_id = %s", [globex.tenant.id])


def test_who_may_not_write_budgets_cannot_in_the_database_either(acme):
    made = budget(acme, "runs", "5")
    BudgetUse.objects.using("system").create(tenant_id=acme.tenant.id, budget=made, starts_at=Now(), used=5)
    for user in (acme.member, acme.operator, acme.auditor):
        with tenant_scope(acme.tenant.id, user.id):
            assert Budget.objects.count() == 1
            assert Budget.objects.update(limit=100) == 0
            assert BudgetUse.objects.all().delete()[0] == 0
            with pytest.raises(DatabaseError), transaction.atomic():
                Budget.objects.create(
                    tenant_id=acme.tenant.id, name="mine", measure="runs", period="day", limit=100, user=user
                )
    assert use_of(made) == (5, 0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"limit": "-1"},
        {"reserve": "0"},
        {"measure": "tokens", "period": "minute"},
        {"each_user": True, "user": "member"},
    ],
)
def test_the_database_takes_no_budget_that_makes_no_sense(acme, wrong):
    wrong = {**wrong, "user": acme.users[wrong["user"]]} if "user" in wrong else wrong
    fields = {"measure": "runs", "period": "day", "limit": "5", **wrong}
    with pytest.raises(IntegrityError), tenant_scope(acme.tenant.id, acme.admin.id):
        Budget.objects.create(tenant_id=acme.tenant.id, name="wrong", **fields)
