"""Who works on which run: claim, renew, load. The one door through which a run starts or restarts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from agentos.core.types import JsonObject
from agents.engine.history import LATE, History, Said, Summary, chars_read, recall
from agents.engine.spec import JOB
from agents.engine.status import RunStatus, StepKind, StepState
from agents.engine.steps import StepRecord
from agents.models import Run, RunEvents, Session, SessionSummary, Step
from agents.services.begin import LEASE_SECONDS
from agents.services.lines import Line
from agents.services.sql import columns, table

MAX_RECOVERIES = 5
LOG_PAGE_ROWS = 100


@dataclass(frozen=True, slots=True)
class Claimed:
    """A run that this process holds now."""

    run_id: UUID
    tenant_id: UUID
    user_id: UUID
    session_id: str
    component_kind: str
    component_id: str
    spec: JsonObject
    model: str
    message: str
    fence: int
    recoveries: int
    cancel_requested: bool
    pause_requested: bool
    worked_seconds: float
    is_overdue: bool
    is_new: bool = False  # stored just now, by this process: its journal is empty

    @property
    def is_job(self) -> bool:
        return self.component_kind == JOB


@dataclass(frozen=True, slots=True)
class Requests:
    """Runs at work that shall end or pause; one that shall end is in no other set."""

    cancelled: set[UUID]
    overdue: set[UUID]
    pausing: set[UUID]


# Tenants take turns: a run's place is its rank among its tenant's waiting runs plus what the tenant has under way; of
# two tenants with the same place the one comes first whose last turn in this process is longer ago. And a process takes
# no more of a tenant than it may hold, however many wait: the rest of its room is for the others.
# Jobs are another lane: neither lane's runs count in the other.
_CLAIM = f"""
WITH waiting AS (
    SELECT id, tenant_id, created_at FROM {table(Run)}
    WHERE parent_id IS NULL AND %(lane)s AND (
        status = '{RunStatus.PENDING.value}' OR (status = '{RunStatus.RUNNING.value}' AND lease_until < now())
    )
), live AS (
    SELECT tenant_id, count(*) AS runs, count(*) FILTER (WHERE lease_owner = %(owner)s) AS here FROM {table(Run)}
    WHERE parent_id IS NULL AND %(lane)s AND status = '{RunStatus.RUNNING.value}' AND lease_until >= now()
    GROUP BY tenant_id
), places AS (
    SELECT w.id, w.created_at, coalesce(l.runs, 0) AS runs, coalesce(l.here, 0) AS here, coalesce(t.turn, 0) AS turn,
        row_number() OVER (PARTITION BY w.tenant_id ORDER BY w.created_at) AS rank
    FROM waiting w LEFT JOIN live l USING (tenant_id)
    LEFT JOIN unnest(%(turns)s::uuid[]) WITH ORDINALITY AS t(tenant_id, turn) USING (tenant_id)
), due AS (
    SELECT r.id, r.status FROM {table(Run)} r
    WHERE r.id IN (
        SELECT id FROM places WHERE rank + here <= %(most_per_tenant)s
        ORDER BY rank + runs, turn, created_at LIMIT %(limit)s
    )
    AND (r.status = '{RunStatus.PENDING.value}' OR (r.status = '{RunStatus.RUNNING.value}' AND r.lease_until < now()))
    FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE {table(Run)} r SET
    status = '{RunStatus.RUNNING.value}', fence = r.fence + 1, lease_owner = %(owner)s,
    lease_until = now() + interval '{LEASE_SECONDS} seconds',
    recoveries = r.recoveries + (due.status = '{RunStatus.RUNNING.value}')::int
FROM due, {table(Session)} s WHERE r.id = due.id AND s.tenant_id = r.tenant_id AND s.id = r.session_id
RETURNING r.id, r.tenant_id, r.user_id, s.session_id, r.component_kind, r.component_id, r.spec, r.model,
    coalesce(r.input, ''), r.fence, r.recoveries, r.cancel_requested, r.pause_requested,
    coalesce((r.usage->>'duration')::float, 0), coalesce(r.deadline_at <= now(), false)
"""
CLAIM = _CLAIM.replace("%(lane)s", f"component_kind <> '{JOB}'")
CLAIM_JOBS = _CLAIM.replace("%(lane)s", f"component_kind = '{JOB}'")

RENEW = f"""
UPDATE {table(Run)} SET lease_until = now() + interval '{LEASE_SECONDS} seconds'
WHERE lease_owner = %s AND status = '{RunStatus.RUNNING.value}' AND id = ANY(%s)
RETURNING id, fence, cancel_requested
"""

REQUESTS = f"""
SELECT id, cancel_requested, coalesce(deadline_at <= now(), false) FROM {table(Run)}
WHERE lease_owner = %s AND status = '{RunStatus.RUNNING.value}' AND id = ANY(%s)
AND (cancel_requested OR pause_requested OR deadline_at <= now())
"""

STEP_FIELDS = (
    "id", "path", "kind", "name", "state", "request", "result", "answer", "usage", "error", "args_hash",
    "idempotency_key", "attempts", "seq", "tool_call_id",
)  # fmt: skip
STEPS = f"""
SELECT log.last_seq, {columns(Step, STEP_FIELDS, "s.")} FROM (
    SELECT coalesce(max(last_seq), 0) AS last_seq FROM {table(RunEvents)}
    WHERE tenant_id = %(tenant)s AND run_id = %(run)s
) log LEFT JOIN {table(Step)} s ON s.tenant_id = %(tenant)s AND s.run_id = %(run)s ORDER BY s.seq
"""

# As the index `run_remembered` has it.
REMEMBERED = f"e.status = '{RunStatus.COMPLETED.value}' AND e.parent_id IS NULL AND e.component_kind <> '{JOB}'"

# What was said before this run was made, or before the one it was forked from. What its first model call was told is
# kept with that step, by ids: a later pass sees no more, though a run that had ended may be committed late. First the
# newest summary, then the newest runs behind it, read from the index `run_remembered` and no others; last, whether any
# run of the session has read untrusted content, whose words the summary and the answers may carry on.
HISTORY = f"""
WITH asking AS (
    SELECT r.tenant_id, r.session_id, coalesce((r.spec->>'history_before')::timestamptz, r.created_at) AS before, (
        SELECT s.request->'remembers' FROM {table(Step)} s
        WHERE s.tenant_id = r.tenant_id AND s.run_id = r.id AND s.path = '1.model'
    ) AS told
    FROM {table(Run)} r WHERE r.tenant_id = %(tenant_id)s AND r.id = %(run_id)s
), summary AS (
    SELECT s.id, s.text, s.until_at, s.until_id FROM asking a CROSS JOIN LATERAL (
        SELECT n.id, n.text, n.until_at, n.until_id FROM {table(SessionSummary)} n
        WHERE n.tenant_id = a.tenant_id AND n.session_id = a.session_id AND n.created_at < a.before
        AND CASE WHEN a.told IS NULL THEN true ELSE coalesce(a.told->>'summary' = n.id::text, false) END
        ORDER BY n.until_at DESC, n.until_id DESC LIMIT 1
    ) s
)
SELECT id, NULL::timestamptz, text, NULL FROM summary
UNION ALL
SELECT h.id, h.ended_at, h.input, h.output FROM asking a LEFT JOIN summary s ON true CROSS JOIN LATERAL (
    SELECT e.id, e.ended_at, left(e.input, %(chars)s) AS input, left(e.output, %(chars)s) AS output
    FROM {table(Run)} e WHERE e.tenant_id = a.tenant_id AND e.session_id = a.session_id
    AND {REMEMBERED}
    AND (e.ended_at, e.id) > (coalesce(s.until_at, '-infinity'), coalesce(s.until_id, '{UUID(int=0)}'))
    AND e.ended_at < a.before
    AND CASE WHEN a.told IS NULL THEN true ELSE a.told->'runs' ? e.id::text END
    ORDER BY e.ended_at DESC, e.id DESC LIMIT %(most)s
) h
UNION ALL
SELECT NULL, NULL, NULL, NULL FROM asking a WHERE EXISTS (
    SELECT FROM {table(Run)} e WHERE e.tenant_id = a.tenant_id AND e.session_id = a.session_id
    AND e.created_at < a.before AND e.reads_untrusted
)
"""

LAST_SEQ = f"SELECT coalesce(max(last_seq), 0) FROM {table(RunEvents)} WHERE tenant_id = %s AND run_id = %s"
LOG = f"""
SELECT first_seq, lines FROM {table(RunEvents)}
WHERE tenant_id = %s AND run_id = %s AND last_seq > %s ORDER BY first_seq LIMIT {LOG_PAGE_ROWS}
"""
STATUS = f"SELECT status FROM {table(Run)} WHERE tenant_id = %s AND id = %s"


async def claim(
    pool: AsyncConnectionPool,
    *,
    owner: str,
    limit: int,
    most_per_tenant: int,
    turns: Sequence[UUID] = (),
    jobs: bool = False,
) -> list[Claimed]:
    """Take the lease of runs, or of jobs, that wait or whose owner is gone.

    `turns` are the tenants that this process served last, the latest at the end.
    """
    parameters = {"owner": owner, "limit": limit, "most_per_tenant": most_per_tenant, "turns": list(turns)}
    async with pool.connection() as connection:
        cursor = await connection.execute(CLAIM_JOBS if jobs else CLAIM, parameters)
        return [Claimed(*row) for row in await cursor.fetchall()]


async def renew(connection: AsyncConnection[Any], *, owner: str, run_ids: list[UUID]) -> dict[UUID, tuple[int, bool]]:
    """Prolong the leases that still are ours; return {run id: (fence, cancel requested)}."""
    cursor = await connection.execute(RENEW, [owner, run_ids])
    return {run_id: (fence, cancel) for run_id, fence, cancel in await cursor.fetchall()}


async def requests(pool: AsyncConnectionPool, *, owner: str, run_ids: list[UUID]) -> Requests:
    """Return what shall become of the runs that we hold."""
    async with pool.connection() as connection:
        cursor = await connection.execute(REQUESTS, [owner, run_ids])
        rows = await cursor.fetchall()
    return Requests(
        cancelled={run_id for run_id, cancel, _ in rows if cancel},
        overdue={run_id for run_id, cancel, overdue in rows if overdue and not cancel},
        pausing={run_id for run_id, cancel, overdue in rows if not (cancel or overdue)},
    )


async def load_steps(pool: AsyncConnectionPool, *, tenant_id: UUID, run_id: UUID) -> tuple[list[StepRecord], int]:
    """Return the journal of a run and the seq of its last event."""
    async with pool.connection() as connection:
        cursor = await connection.execute(STEPS, {"tenant": tenant_id, "run": run_id}, prepare=True)
        rows = await cursor.fetchall()
    return [_record(step) for _, *step in rows if step[0] is not None], rows[0][0]


async def load_history(pool: AsyncConnectionPool, *, tenant_id: UUID, run_id: UUID, runs: int, chars: int) -> History:
    """Return what a run is told of its session: a summary, and the newest finished runs behind it that fit."""
    asked = {"tenant_id": tenant_id, "run_id": run_id, "chars": chars_read(chars), "most": runs * LATE}
    async with pool.connection() as connection:
        cursor = await connection.execute(HISTORY, asked, prepare=True)  # planning takes ten times as long
        rows = await cursor.fetchall()
    is_tainted = any(row_id is None for row_id, *_ in rows)
    summary = next((Summary(row_id, text) for row_id, at, text, _ in rows if at is None and row_id is not None), None)
    behind = [Said(row_id, at, said or "", answer or "") for row_id, at, said, answer in rows if at is not None]
    behind.sort(key=lambda said: (said.ended_at, said.run_id), reverse=True)
    return replace(recall(summary, behind, runs=runs, chars=chars), is_tainted=is_tainted)


async def last_seq(pool: AsyncConnectionPool, *, tenant_id: UUID, run_id: UUID) -> int:
    """Return the seq of a run's newest event."""
    async with pool.connection() as connection:
        cursor = await connection.execute(LAST_SEQ, [tenant_id, run_id])
        row = await cursor.fetchone()
    return int(row[0]) if row else 0


async def read_log(pool: AsyncConnectionPool, *, tenant_id: UUID, run_id: UUID, after: int) -> list[Line]:
    """Return a page of committed events with seq > after; an empty list when there are none."""
    async with pool.connection() as connection:
        cursor = await connection.execute(LOG, [tenant_id, run_id, after])
        rows = await cursor.fetchall()
    lines: list[Line] = []
    for first_seq, text in rows:
        numbered = enumerate(text.encode().split(b"\n"), first_seq)
        lines.extend(Line(seq, data) for seq, data in numbered if seq > after)
    return lines


async def status_of(pool: AsyncConnectionPool, *, tenant_id: UUID, run_id: UUID) -> RunStatus | None:
    async with pool.connection() as connection:
        cursor = await connection.execute(STATUS, [tenant_id, run_id])
        row = await cursor.fetchone()
    return RunStatus(row[0]) if row else None


def _record(row: Sequence[Any]) -> StepRecord:
    values = dict(zip(STEP_FIELDS, row, strict=True))
    values["kind"], values["state"] = StepKind(values["kind"]), StepState(values["state"])
    return StepRecord(**values)
