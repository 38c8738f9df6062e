"""What was used, by day, user and component: days that are over are counted once, the others from their runs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import reduce
from operator import or_
from typing import Any, Final
from uuid import UUID

from django.db import connection, connections
from django.db.models import Q, QuerySet
from django.db.models.functions import Now, Trunc

from accounts.models import User
from accounts.people import FORMER
from accounts.principals import Principal
from accounts.privacy import access
from accounts.tenancy import tenant_scope
from accounts.trips import planned_once
from agentos.core.clock import rfc3339_ms, utc_now
from agentos.core.errors import Invalid
from agentos.core.types import JsonObject
from agents.engine.status import RunStatus
from agents.models import Run
from agents.services.sql import table
from governance.models import NOBODY, Budget, BudgetUse, Period, UsageDay

DAYS: Final = 30
MOST_DAYS: Final = 366
YEARS: Final = range(2000, 3000)  # at the calendar's ends there is no day before or after
MOST_USERS: Final = 500
KEPT: Final = {Period.MINUTE: timedelta(days=1), Period.DAY: timedelta(days=400), Period.MONTH: timedelta(days=400)}

_OF_RUN: Final = """
coalesce((r.usage->>'input_tokens')::bigint, 0), coalesce((r.usage->>'output_tokens')::bigint, 0),
coalesce(r.cost_usd, 0), (r.cost_usd IS NULL AND coalesce((r.usage->>'total_tokens')::int, 0) > 0)::int
"""
_DAY: Final = "date_trunc('day', r.created_at, 'UTC')"
# Days in order, each once all its runs have ended: what follows the newest row of a tenant is not counted yet.
ROLL_UP: Final = f"""
WITH opened AS (
    SELECT tenant_id, min(created_at) AS at FROM (
        SELECT tenant_id, created_at FROM {table(Run)}
        WHERE status IN ('{RunStatus.PENDING.value}', '{RunStatus.RUNNING.value}') AND parent_id IS NULL
        UNION ALL
        SELECT tenant_id, created_at FROM {table(Run)} WHERE status = '{RunStatus.PAUSED.value}'
    ) waiting GROUP BY tenant_id
), counted AS (
    SELECT tenant_id, max(starts_at) + interval '1 day' AS until FROM {table(UsageDay)} GROUP BY tenant_id
)
INSERT INTO {table(UsageDay)} (
    id, tenant_id, user_id, starts_at, component_kind, component_id, runs, input_tokens, output_tokens, cost_usd,
    unpriced_runs
)
SELECT gen_random_uuid(), tenant_id, user_id, day, component_kind, component_id, count(*), sum(asked), sum(answered),
    sum(cost), sum(unpriced)
FROM (
    SELECT r.tenant_id, r.user_id, {_DAY} AS day, r.component_kind, r.component_id, {_OF_RUN}
    FROM {table(Run)} r LEFT JOIN opened o USING (tenant_id) LEFT JOIN counted c USING (tenant_id)
    WHERE r.created_at >= coalesce(c.until, '-infinity')
    AND r.created_at < least(date_trunc('day', now(), 'UTC'), date_trunc('day', o.at, 'UTC'))
) AS done(tenant_id, user_id, day, component_kind, component_id, asked, answered, cost, unpriced)
GROUP BY tenant_id, user_id, day, component_kind, component_id
ON CONFLICT DO NOTHING
"""
# A day without a row that is followed by one with a row has no runs: days are counted in order.
READ: Final = f"""
WITH days AS MATERIALIZED (
    SELECT starts_at, user_id, component_kind, component_id, runs, input_tokens, output_tokens, cost_usd, unpriced_runs
    FROM {table(UsageDay)} WHERE tenant_id = %(tenant)s AND starts_at >= %(since)s AND starts_at < %(until)s
    AND (%(user)s::uuid IS NULL OR user_id = %(user)s::uuid)
), parts AS (
    SELECT * FROM days
    UNION ALL
    SELECT {_DAY}, r.user_id, r.component_kind, r.component_id, 1, {_OF_RUN}
    FROM {table(Run)} r WHERE r.tenant_id = %(tenant)s AND r.created_at < %(until)s
    AND r.created_at >= (SELECT greatest(%(since)s, max(starts_at) + interval '1 day') FROM days)
    AND (%(user)s::uuid IS NULL OR r.user_id = %(user)s::uuid)
)
SELECT starts_at, user_id, component_kind, component_id, sum(runs), sum(input_tokens), sum(output_tokens),
    sum(cost_usd), sum(unpriced_runs)
FROM parts GROUP BY GROUPING SETS ((starts_at), (user_id), (component_kind, component_id), ())
"""


@dataclass(frozen=True, slots=True)
class Span:
    """Whole days in UTC, `until` included."""

    since: date
    until: date

    @classmethod
    def of(cls, since: date | None, until: date | None) -> Span:
        """Return the days asked for, the last thirty by default. Raises: Invalid."""
        until = until or utc_now().date()
        if until.year not in YEARS:
            raise Invalid("`until` is of another age.", code="invalid")
        since = since or until - timedelta(days=DAYS - 1)
        if since > until:
            raise Invalid("`since` is later than `until`.", code="invalid")
        if (until - since).days >= MOST_DAYS:
            raise Invalid(f"Ask for at most {MOST_DAYS} days.", code="invalid")
        return cls(since, until)

    @property
    def begins_at(self) -> datetime:
        return datetime.combine(self.since, datetime.min.time(), UTC)

    @property
    def ends_at(self) -> datetime:
        return datetime.combine(self.until, datetime.min.time(), UTC) + timedelta(days=1)


def usage(*, principal: Principal, span: Span) -> JsonObject:
    """Return what was used in these days, and the budgets. Without the scopes for all of it, one's own only."""
    own = None if principal.has("usage:read") and principal.has("runs:read_all") else principal.user_id
    wanted: dict[str, Any] = {
        "tenant": principal.tenant_id,
        "since": span.begins_at,
        "until": span.ends_at,
        "user": own,
    }
    with tenant_scope(principal.tenant_id, principal.user_id), planned_once():
        with connection.cursor() as cursor:
            cursor.execute(READ, wanted)
            rows = cursor.fetchall()
        budgets = [_budget(made, use) for made, use in current(_budgets(principal, own), principal.user_id)]
        users = User.objects.filter(id__in=[row[1] for row in rows if row[1]])
        emails = {user.id: user.email for user in access.as_seen(principal, users)}
    return {
        "since": span.since.isoformat(),
        "until": span.until.isoformat(),
        **_grouped(rows, emails),
        "budgets": budgets,
    }


def _grouped(rows: Iterable[tuple[Any, ...]], emails: dict[UUID, str]) -> JsonObject:
    """Sort the rows of the grouping sets: each has exactly the columns of its own set."""
    found: JsonObject = {"total": _amounts((0, 0, 0, Decimal(0), 0)), "days": [], "users": [], "components": []}
    for day, user_id, kind, component_id, *amounts in rows:
        if day is not None:
            found["days"].append({"day": day.astimezone(UTC).date().isoformat(), **_amounts(amounts)})
        elif user_id is not None:
            whose = {"user_id": str(user_id), "email": emails.get(user_id, FORMER)}
            found["users"].append({**whose, **_amounts(amounts)})
        elif component_id is not None:
            found["components"].append({"component_kind": kind, "component_id": component_id, **_amounts(amounts)})
        elif amounts[0] is not None:
            found["total"] = _amounts(amounts)
    found["days"].sort(key=lambda row: row["day"])
    for name in ("users", "components"):
        found[name] = sorted(found[name], key=lambda row: -row["total_tokens"])[:MOST_USERS]
    return found


def plain(amount: Decimal) -> str:
    """Return a number as people write it: without an exponent, without zeros at its end."""
    return f"{amount.normalize():f}"


def _amounts(amounts: Iterable[Any]) -> JsonObject:
    runs, asked, answered, cost, unpriced = amounts
    return {
        "runs": int(runs),
        "input_tokens": int(asked),
        "output_tokens": int(answered),
        "total_tokens": int(asked + answered),
        "cost_usd": plain(cost),
        "unpriced_runs": int(unpriced),
    }


def _budgets(principal: Principal, own: UUID | None) -> QuerySet[Budget]:
    """Return the budgets in force that she may know of: all, or those that she uses."""
    found = Budget.objects.filter(tenant_id=principal.tenant_id, is_active=True).order_by("name")
    return found if own is None else found.filter(Q(user=None) | Q(user=own))


def current(budgets: Iterable[Budget], user_id: UUID = NOBODY) -> list[tuple[Budget, BudgetUse]]:
    """Return each budget with what is used of it in its period: by all, or by this user of one that each user has.

    The caller is inside the tenant's scope.
    """
    periods: dict[str, list[Budget]] = {}
    for budget in (budgets := list(budgets)):
        periods.setdefault(budget.period, []).append(budget)
    now = [Q(budget__in=of, starts_at=Trunc(Now(), period, tzinfo=UTC)) for period, of in periods.items()]
    found = BudgetUse.objects.filter(reduce(or_, now), subject__in={user_id, NOBODY}) if now else ()
    uses = {(use.budget_id, use.subject): use for use in found}
    pairs = [(budget, user_id if budget.each_user else NOBODY) for budget in budgets]
    return [(budget, uses.get((budget.id, subject)) or _unused(budget, subject)) for budget, subject in pairs]


def _unused(budget: Budget, subject: UUID) -> BudgetUse:
    return BudgetUse(budget=budget, subject=subject, used=Decimal(0), reserved=Decimal(0))


def _budget(made: Budget, use: BudgetUse) -> JsonObject:
    return {
        "id": str(made.id),
        "name": made.name,
        "measure": made.measure,
        "period": made.period,
        "limit": plain(made.limit),
        "used": plain(use.used),
        "reserved": plain(use.reserved),
        "left": plain(max(Decimal(0), made.limit - use.used - use.reserved)),
        "starts_at": rfc3339_ms(use.starts_at) if use.starts_at else None,
        "user_id": str(made.user_id) if made.user_id else None,
        "each_user": made.each_user,
        "component_kind": made.component_kind or None,
        "component_id": made.component_id or None,
    }


def roll_up() -> dict[str, int]:
    """Count days that are over, and forget what is used of budgets in periods long gone. A maintenance job."""
    with connections["system"].cursor() as cursor:
        cursor.execute(ROLL_UP)
        days = cursor.rowcount
    forgotten = 0
    for period, age in KEPT.items():
        old = BudgetUse.objects.using("system").filter(budget__period=period, starts_at__lt=Now() - age)
        forgotten += old.filter(reservations__isnull=True).delete()[0]
    return {"usage_days": days, "budget_uses": forgotten}
