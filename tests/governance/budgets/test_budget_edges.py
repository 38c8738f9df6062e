"""Budgets at their edges: midnight and month's end by the database's clock, the exact limit, a lowered or lost one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from django.conf import settings
from psycopg import sql

from accounts import seam
from accounts.seam import in_thread
from accounts.tenancy import tenant_scope
from agentos.core.errors import LimitExceeded
from agents.engine.model_calls import Usage
from agents.engine.run_info import RunInfo
from agents.models import Run
from agents.services.runs import request_cancel
from governance.budgets.ledger import settle_all
from governance.models import Budget, BudgetUse
from tests.agents.conftest import serve
from tests.agents.services.conftest import SPEC, make_process
from tests.governance.budgets.spending import START, budget, cent, end_all, refused, reservations, use_of

__all__ = ["make_process", "serve"]

LAST = timedelta(seconds=59, minutes=59, hours=23)


class Clock:
    """`now()` of the database for connections that are made after this: what a table says, and the time since."""

    def __init__(self, admin: psycopg.Connection[Any], zone: str) -> None:
        self._admin = admin
        name = sql.Identifier(settings.DATABASES["default"]["NAME"])
        role = sql.Identifier(str(settings.DATABASE_ROLES["system"]))
        self._of = sql.SQL("ALTER ROLE {} IN DATABASE {}").format(role, name)
        for statement in (
            "CREATE SCHEMA moved",
            "CREATE TABLE moved.by (seconds float8)",
            "INSERT INTO moved.by VALUES ('0')",
            "CREATE FUNCTION moved.now() RETURNS timestamptz LANGUAGE sql STABLE"
            " AS 'SELECT pg_catalog.now() + make_interval(secs => seconds) FROM moved.by'",
            "GRANT USAGE ON SCHEMA moved TO PUBLIC",
            "GRANT SELECT ON moved.by TO PUBLIC",
        ):
            admin.execute(statement.encode())
        admin.execute(sql.SQL("{} SET search_path = moved, pg_catalog, public").format(self._of))
        admin.execute(sql.SQL("{} SET timezone = {}").format(self._of, zone))

    def set(self, moment: datetime) -> None:
        self._admin.execute("UPDATE moved.by SET seconds = extract(epoch FROM %s - pg_catalog.now())", [moment])

    def close(self) -> None:
        self._admin.execute(sql.SQL("{} RESET ALL").format(self._of))
        self._admin.execute("DROP SCHEMA moved CASCADE")


@pytest.fixture(params=["UTC", "Pacific/Auckland", "America/Los_Angeles"])
async def clock(request: pytest.FixtureRequest, database: None) -> AsyncIterator[Clock]:
    name = settings.DATABASES["default"]["NAME"]
    with psycopg.connect(settings.DATABASE_ADMIN_URL, dbname=name, autocommit=True) as admin:
        made = Clock(admin, request.param)
        seam.close()  # its threads connect anew, by this clock and then by the right one again
        yield made
        made.close()
        seam.close()


def periods(made: Budget) -> list[tuple[datetime, Decimal, Decimal]]:
    rows = BudgetUse.objects.using("system").filter(budget=made).order_by("starts_at")
    return [(row.starts_at, row.used, row.reserved) for row in rows]


def info_of(begin: Any) -> RunInfo:
    return RunInfo(begin.run_id, begin.tenant_id, begin.user_id, begin.session_id, SPEC, "test-model", "Go")


@pytest.mark.parametrize(
    ("period", "day", "next_one"),
    [
        ("day", datetime(2027, 3, 14, tzinfo=UTC), datetime(2027, 3, 15, tzinfo=UTC)),
        ("month", datetime(2027, 2, 28, tzinfo=UTC), datetime(2027, 3, 1, tzinfo=UTC)),
        ("month", datetime(2028, 2, 29, tzinfo=UTC), datetime(2028, 3, 1, tzinfo=UTC)),
        ("month", datetime(2027, 4, 30, tzinfo=UTC), datetime(2027, 5, 1, tzinfo=UTC)),
        ("month", datetime(2027, 1, 31, tzinfo=UTC), datetime(2027, 2, 1, tzinfo=UTC)),
        ("month", datetime(2027, 12, 31, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)),
    ],
    ids=["day", "28", "29", "30", "31", "year"],
)
async def test_it_is_new_at_midnight_of_utc_whatever_the_sessions_zone(
    make_process, acme, clock, period, day, next_one
):
    made = await in_thread(budget, acme, "runs", "1", period=period)
    process = await make_process(supervise=False, price=cent)
    clock.set(day + LAST - timedelta(minutes=5))
    assert [await refused(process, process.new()) for _ in range(2)] == ["", "budget_exceeded"]
    clock.set(next_one)
    assert [await refused(process, process.new()) for _ in range(2)] == ["", "budget_exceeded"]
    begins = [day if period == "day" else day.replace(day=1), next_one]
    assert await in_thread(periods, made) == [(moment, 0, 1) for moment in begins]


@pytest.mark.parametrize("clock", ["UTC"], indirect=True)
async def test_runs_per_minute_are_told_and_limited(make_process, serve, acme, clock):
    clock.set(datetime(2027, 5, 5, 12, tzinfo=UTC))  # this minute does not end in the midst of it
    await in_thread(budget, acme, "runs", "2", period="minute", each_user=True)
    call = serve(await make_process(["Done"] * 9, price=cent))
    body = {"message": "Go", "stream": False}
    answers = [await call(acme.member, START, body) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert '"user-runs";q=2;w=60' in answers[0]["RateLimit-Policy"]
    assert '"user-runs";r=1;t=' in answers[0]["RateLimit"]
    assert answers[2].json()["code"] == "rate_limited"
    assert answers[2]["RateLimit"].startswith('"user-runs";r=0;t=')
    assert 1 <= int(answers[2]["Retry-After"]) <= 60
    assert (await call(acme.approver, START, body)).status_code == 200


async def test_a_month_goes_on_through_its_days(make_process, acme, clock):
    made = await in_thread(budget, acme, "runs", "1", period="month")
    process = await make_process(supervise=False, price=cent)
    for day, expected in ((27, ""), (28, "budget_exceeded"), (29, "budget_exceeded")):
        clock.set(datetime(2028, 2, day, 12, tzinfo=UTC))
        assert await refused(process, process.new()) == expected
    assert len(await in_thread(periods, made)) == 1


async def test_what_was_reserved_before_midnight_is_settled_there(make_process, acme, clock):
    made = await in_thread(budget, acme, "tokens", "100", reserve="60")
    process = await make_process(supervise=False, price=cent)
    day = datetime(2027, 5, 5, tzinfo=UTC)
    clock.set(day + LAST - timedelta(minutes=5))
    assert await refused(process, process.new()) == ""
    clock.set(day + timedelta(days=1))
    assert await refused(process, process.new()) == "", "the day is new"
    await in_thread(end_all)
    await in_thread(settle_all)
    assert await in_thread(periods, made) == [(day, 3, 0), (day + timedelta(days=1), 3, 0)]


async def test_a_run_that_spans_midnight_takes_all_from_its_first_day(make_process, acme, clock):
    made = await in_thread(budget, acme, "tokens", "40", reserve="30")
    process = await make_process(supervise=False, price=cent)
    day, begin = datetime(2027, 5, 5, tzinfo=UTC), process.new()
    clock.set(day + LAST - timedelta(minutes=5))
    assert await refused(process, begin) == ""
    clock.set(day + timedelta(days=1))
    assert (await process.ledger.allow(info_of(begin), 30, Decimal(0))).tokens == 40, "what is left of its day"
    with pytest.raises(LimitExceeded):
        await process.ledger.allow(info_of(begin), 40, Decimal(0))
    assert await in_thread(periods, made) == [(day, 0, 40)]


async def test_starts_at_once_over_midnight_fit_each_day_once(make_process, acme, clock):
    made = await in_thread(budget, acme, "runs", "1")
    one, other = [await make_process(supervise=False, price=cent) for _ in range(2)]
    day = datetime(2027, 5, 5, tzinfo=UTC)
    clock.set(day + LAST - timedelta(minutes=5))
    assert await refused(one, one.new()) == ""
    late = [asyncio.create_task(refused(process, process.new())) for process in (one, other) for _ in range(8)]
    await asyncio.sleep(0)
    clock.set(day + timedelta(days=1))
    early = [asyncio.create_task(refused(process, process.new())) for process in (one, other) for _ in range(8)]
    codes = await asyncio.gather(*late, *early)
    assert sorted(codes) == ["", *["budget_exceeded"] * 31]
    assert await in_thread(periods, made) == [(day, 0, 1), (day + timedelta(days=1), 0, 1)]


@pytest.mark.parametrize(
    ("measure", "limit", "reserve", "fit"),
    [
        ("tokens", "100", "50", 2),
        ("tokens", "99", "50", 1),
        ("usd", "0.30", "0.10", 3),
        ("usd", "0.29999999", "0.10", 2),
        ("runs", "3", None, 3),
        ("runs", "0", None, 0),
        ("tokens", "0", None, 0),
        ("usd", "0", None, 0),
        ("usd", "0.00000001", None, 1),
    ],
)
async def test_the_exact_limit_fits_and_no_more(make_process, acme, measure, limit, reserve, fit):
    made = await in_thread(budget, acme, measure, limit, **({"reserve": reserve} if reserve else {}))
    process = await make_process(supervise=False, price=cent)
    codes = [await refused(process, process.new()) for _ in range(4)]
    assert codes == [*[""] * fit, *["budget_exceeded"] * (4 - fit)]
    _, reserved = await in_thread(use_of, made)
    assert reserved <= Decimal(limit)


async def test_a_budget_used_up_to_the_last_token_is_used_up(make_process, acme):
    await in_thread(budget, acme, "tokens", "3", reserve="3")
    process = await make_process(supervise=False, price=cent)
    assert await refused(process, process.new()) == ""
    await in_thread(end_all)  # at three tokens
    await in_thread(settle_all)
    assert await refused(process, process.new()) == "budget_exceeded"


async def test_a_cancelled_run_gives_back_what_it_did_not_use(make_process, acme):
    made = [
        await in_thread(budget, acme, "runs", "2"),
        await in_thread(budget, acme, "tokens", "60", reserve="60"),
        await in_thread(budget, acme, "usd", "0.5", reserve="0.5"),
    ]
    process = await make_process(supervise=False, price=cent)
    begin = process.new(owner="")  # waits for a process that has room
    await process.store(begin)
    assert [(await in_thread(use_of, one))[1] for one in made] == [1, 60, Decimal("0.5")]
    await in_thread(request_cancel, principal=acme.principal("member"), run_id=begin.run_id)
    await in_thread(settle_all)
    assert [await in_thread(use_of, one) for one in made] == [(1, 0), (0, 0), (0, 0)]
    assert await refused(process, process.new()) == ""


async def test_a_run_whose_cost_nobody_knows_in_the_end_costs_what_it_held(make_process, acme):
    made = await in_thread(budget, acme, "usd", "1", reserve="0.4")
    process = await make_process(supervise=False, price=cent)
    await process.store(process.new())
    await in_thread(end_all)  # with tokens, without a cost
    await in_thread(settle_all)
    assert await in_thread(use_of, made) == (Decimal("0.4"), 0)


async def test_a_model_without_a_price_is_started_where_no_money_is_counted_only(make_process, acme):
    def unknown(model: str, usage: Usage) -> Decimal | None:
        return None

    made = await in_thread(budget, acme, "tokens", "100")
    process = await make_process(supervise=False, price=unknown)
    assert await refused(process, process.new()) == ""
    await in_thread(budget, acme, "usd", "1")
    process = await make_process(supervise=False, price=unknown)
    with pytest.raises(LimitExceeded) as denied:
        await process.store(process.new())
    assert denied.value.code == "price_unknown"
    assert await in_thread(reservations) == 1
    assert (await in_thread(use_of, made))[0] == 0


async def test_a_budget_lowered_below_what_is_held_lets_none_begin_and_none_go_on(make_process, acme):
    made = await in_thread(budget, acme, "tokens", "100", reserve="40")
    process = await make_process(supervise=False, price=cent)
    begins = [process.new(), process.new()]
    assert [await refused(process, begin) for begin in begins] == ["", ""]

    def change(limit: str) -> None:
        with tenant_scope(acme.tenant.id, acme.admin.id):
            Budget.objects.filter(id=made.id).update(limit=limit)

    await in_thread(change, "30")
    process = await make_process(supervise=False, price=cent)
    assert await refused(process, process.new()) == "budget_exceeded"
    assert (await process.ledger.allow(info_of(begins[0]), 39, Decimal(0))).tokens == 40, "what it holds is its own"
    with pytest.raises(LimitExceeded):
        await process.ledger.allow(info_of(begins[0]), 40, Decimal(0))
    assert await in_thread(use_of, made) == (0, 80)
    await in_thread(end_all)
    await in_thread(settle_all)
    assert await in_thread(use_of, made) == (6, 0)
    assert await refused(process, process.new()) == "budget_exceeded", "its share of 30 is not left of 24"
    await in_thread(change, "1000")
    process = await make_process(supervise=False, price=cent)
    assert await refused(process, process.new()) == ""
    assert await in_thread(lambda: Run.objects.using("system").count()) == 3
