"""Budgets of a tenant, and what runs have used of them."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db.models.functions import Now

from accounts.tenancy import tenant_scope
from agentos.core.errors import LimitExceeded, RateLimited
from agents.engine.model_calls import Usage
from agents.models import IdempotencyKey, Run, Session
from governance.models import Budget, BudgetUse, Reservation
from tests.agents.services.conftest import HeldModel
from tests.agents.services.stored import stored

START, BACKGROUND = "agents/tester/runs", {"message": "Go", "background": True, "stream": False}


def cent(model: str, usage: Usage) -> Decimal:
    """Price every call at a cent."""
    return Decimal("0.01")


def budget(where, measure: str, limit: str, *, period: str = "day", **more) -> Budget:
    with tenant_scope(where.tenant.id, where.admin.id):
        return Budget.objects.create(
            tenant_id=where.tenant.id,
            name=f"{measure} {period} {more}",
            measure=measure,
            period=period,
            limit=limit,
            **more,
        )


def use_of(made: Budget) -> tuple[Decimal, Decimal]:
    """Return what is used and what is reserved, of all periods."""
    rows = BudgetUse.objects.using("system").filter(budget=made)
    return sum((row.used for row in rows), Decimal(0)), sum((row.reserved for row in rows), Decimal(0))


def reservations() -> int:
    return Reservation.objects.using("system").count()


def end_all() -> None:
    """End every run as if no process had seen it."""
    Run.objects.using("system").update(status="error", usage={"total_tokens": 3, "model_calls": 1}, ended_at=Now())


def ended_before(begin, *, seconds: float) -> None:
    """Let a run have ended so long ago."""
    Run.objects.using("system").filter(id=begin.run_id).update(ended_at=Now() - timedelta(seconds=seconds))


def counts(where) -> tuple[int, int, int]:
    kept = [model.objects.using("system") for model in (Run, Session, IdempotencyKey)]
    runs, sessions, keys = [rows.filter(tenant_id=where.tenant.id).count() for rows in kept]
    return runs, sessions, keys


def outcome(begin) -> tuple[str, str]:
    run = stored(begin)
    return run.status, run.error_code


@pytest.fixture
async def held():
    model = HeldModel(["Done"] * 100)
    yield model
    model.let_go.set()


async def refused(process, begin) -> str:
    try:
        await process.store(begin)
    except (LimitExceeded, RateLimited) as error:
        return error.code
    return ""
