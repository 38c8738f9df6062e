"""What happened in a tenant day by day: runs, cost, latency, decisions, refusals. Read from its rows, by its reader."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from django.db import connection

from accounts.principals import Principal
from agents.engine.spec import JOB
from agents.engine.state import RUN_ENDED
from agents.engine.status import RunStatus, StepState
from agents.engine.steps import GUARDS, TIMES
from agents.models import Run, Step
from agents.services.sql import table
from governance.models import Approval, ApprovalStatus
from governance.usage import Span

SCOPES: Final = ("usage:read", "runs:read_all")  # both: it counts everybody's
BLOCKED: Final = "input_blocked"

_DAY: Final = "(date_trunc('day', {0}.created_at, 'UTC') AT TIME ZONE 'UTC')::date"
_BY_DAY: Final = "GROUP BY GROUPING SETS ((1), ())"
_THESE: Final = "{0}.tenant_id = %(tenant)s AND {0}.created_at >= %(since)s AND {0}.created_at < %(until)s"
_FIRST: Final = "nullif((r.usage->>'time_to_first_token')::float, 0)"  # 0: no word ever came
_WAITED: Final = "extract(epoch FROM a.decided_at - a.created_at)"
# A standing rule decides at once, in its maker's name.
_BY_PERSON: Final = "decided_by_id IS NOT NULL AND standing_rule_id IS NULL"
_RUNS: Final = f"""
SELECT {_DAY.format("r")} AS day, count(*) AS runs,
    count(*) FILTER (WHERE status = '{RunStatus.COMPLETED}') AS completed,
    count(*) FILTER (WHERE status = '{RunStatus.ERROR}') AS failed,
    coalesce(sum(cost_usd), 0) AS cost_usd, coalesce(sum((usage->>'total_tokens')::bigint), 0) AS tokens,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY {_FIRST}) AS first_token,
    percentile_cont(0.95) WITHIN GROUP (ORDER BY {_FIRST}) AS first_token_slow
FROM {table(Run)} r WHERE {_THESE.format("r")} AND component_kind <> '{JOB}' {_BY_DAY}
"""
_APPROVALS: Final = f"""
SELECT {_DAY.format("a")} AS day, count(*) AS asked,
    count(*) FILTER (WHERE status = '{ApprovalStatus.APPROVED}') AS approved,
    count(*) FILTER (WHERE status = '{ApprovalStatus.REJECTED}') AS rejected,
    count(*) FILTER (WHERE status = '{ApprovalStatus.EXPIRED}') AS expired,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY {_WAITED}) FILTER (WHERE {_BY_PERSON}) AS waited,
    percentile_cont(0.95) WITHIN GROUP (ORDER BY {_WAITED}) FILTER (WHERE {_BY_PERSON}) AS waited_long
FROM {table(Approval)} a WHERE {_THESE.format("a")} {_BY_DAY}
"""
_REFUSED: Final = f"""
SELECT {_DAY.format("r")} AS day, count(*) AS refused, count(DISTINCT r.id) AS runs_refused
FROM {table(Run)} r JOIN {table(Step)} s ON s.tenant_id = r.tenant_id AND s.run_id = r.id
WHERE {_THESE.format("r")} AND s.state = '{StepState.REFUSED}' AND s.error <> '{RUN_ENDED}'
    AND r.component_kind <> '{JOB}' {_BY_DAY}
"""
# What guards did: to a message, and what they blocked of what people sent later, stands in the run's spec; to what a
# tool or the model said in the step's request, to what somebody answered in its answer.
_ONE_BLOCKED: Final = '[{"guard": "", "did": "block", "place": "input"}]'
_HITS: Final = f"""
WITH noted AS (
    SELECT r.id, r.created_at, n.note FROM {table(Run)} r CROSS JOIN LATERAL jsonb_array_elements(coalesce(
        r.spec->'{GUARDS}', CASE WHEN r.error_code = '{BLOCKED}' THEN '{_ONE_BLOCKED}'::jsonb END)) n (note)
    WHERE {_THESE.format("r")} AND r.component_kind <> '{JOB}'
    UNION ALL
    SELECT r.id, r.created_at, n.note FROM {table(Run)} r
    JOIN {table(Step)} s ON s.tenant_id = r.tenant_id AND s.run_id = r.id
    CROSS JOIN LATERAL jsonb_array_elements(
        coalesce(s.request->'{GUARDS}', '[]'::jsonb) || coalesce(s.answer->'{GUARDS}', '[]'::jsonb)) n (note)
    WHERE {_THESE.format("r")} AND r.component_kind <> '{JOB}' AND s.seq > 0
), hits AS (SELECT *, coalesce((note->>'{TIMES}')::int, 1) AS times FROM noted)
"""
_GUARDED: Final = f"""{_HITS}
SELECT {_DAY.format("hits")} AS day, coalesce(sum(times), 0) AS hits, count(DISTINCT id) AS runs_hit,
    coalesce(sum(times) FILTER (WHERE note->>'did' = 'block'), 0) AS blocked,
    coalesce(sum(times) FILTER (WHERE note->>'did' = 'redact'), 0) AS redacted,
    coalesce(sum(times) FILTER (WHERE note->>'did' = 'flag'), 0) AS flagged
FROM hits {_BY_DAY}
"""
_BY_GUARD: Final = f"""{_HITS}
SELECT note->>'guard', note->>'place', note->>'did', sum(times) FROM hits
GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1, 2, 3
"""


@dataclass(frozen=True, slots=True)
class Hits:
    """How often a guard did one thing at one place. `guard` is empty where no more is known than that it blocked."""

    guard: str
    place: str
    did: str
    count: int


@dataclass(frozen=True, slots=True)
class Figures:
    """What was counted on one day, or on all of them. Times in seconds, None where there is nothing to time.

    `first_token` and `waited` are medians, `..._slow` and `..._long` what 19 of 20 stayed below; `waited` is how long
    a person took to decide. `refused` counts calls that somebody or something said no to, not those whose run ended
    before, `runs_refused` the runs that made them; `hits` counts what guards did, `runs_hit` the runs that it was done
    in.
    """

    runs: int = 0
    completed: int = 0
    failed: int = 0
    hits: int = 0
    runs_hit: int = 0
    blocked: int = 0
    redacted: int = 0
    flagged: int = 0
    cost_usd: Decimal = Decimal(0)
    tokens: int = 0
    first_token: float | None = None
    first_token_slow: float | None = None
    asked: int = 0
    approved: int = 0
    rejected: int = 0
    expired: int = 0
    waited: float | None = None
    waited_long: float | None = None
    refused: int = 0
    runs_refused: int = 0


@dataclass(frozen=True, slots=True)
class Board:
    """Each day of a span, in order, all of them together, and what each guard did in them, the most frequent first."""

    span: Span
    days: list[tuple[date, Figures]]
    total: Figures
    by_guard: list[Hits]


def may_see(principal: Principal) -> bool:
    return all(principal.has(scope) for scope in SCOPES)


def board(principal: Principal, span: Span) -> Board:
    """Count what began in these days. Caller holds the tenant's scope. Raises: PolicyDenied."""
    for scope in SCOPES:
        principal.require(scope)
    wanted = {"tenant": principal.tenant_id, "since": span.begins_at, "until": span.ends_at}
    statements = [_RUNS, _REFUSED, _GUARDED, *([_APPROVALS] if principal.has("approvals:read") else [])]
    found: dict[date | None, Figures] = {}
    for statement in statements:
        for day, counted in _counted(statement, wanted):
            found[day] = replace(found.get(day, Figures()), **counted)
    length = (span.until - span.since).days + 1
    days = [span.since + timedelta(days=number) for number in range(length)]
    by_day = [(day, found.get(day, Figures())) for day in days]
    return Board(span, by_day, found.get(None, Figures()), _by_guard(wanted))


def oldest_waiting(principal: Principal) -> datetime | None:
    """Return since when the oldest approval waits. Caller holds the tenant's scope."""
    rows = Approval.objects.filter(tenant_id=principal.tenant_id, status=ApprovalStatus.PENDING)
    return rows.order_by("created_at").values_list("created_at", flat=True).first()


def _by_guard(wanted: dict[str, Any]) -> list[Hits]:
    with connection.cursor() as cursor:
        cursor.execute(_BY_GUARD, wanted)
        return [Hits(*row) for row in cursor.fetchall()]


def _counted(statement: str, wanted: dict[str, Any]) -> Iterator[tuple[date | None, dict[str, Any]]]:
    known = {field.name for field in fields(Figures)}
    with connection.cursor() as cursor:
        cursor.execute(statement, wanted)
        names = [column.name for column in cursor.description or ()]
        for row in cursor.fetchall():
            found = dict(zip(names, row, strict=True))
            yield found.pop("day"), {name: value for name, value in found.items() if name in known}
