"""Who works on which run: claim, renew, load. The one door through which a run starts or restarts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from psycopg import AsyncConnection
from psycopg.rows import class_row
from psycopg_pool import AsyncConnectionPool

from agentos.core.types import JsonObject
from agents.engine.spec import JOB
from agents.engine.status import RunStatus, StepKind, StepState
from agents.engine.steps import StepRecord
from agents.models import Run, RunEvents, Session, Step
from agents.services.sql import columns, table

LEASE_SECONDS: int = settings.LEASE_SECONDS
MAX_RECOVERIES = 5
SHARE_ON_TRIAL = 10  # of so many runs whose last chance it is one goes at a time


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

    @property
    def is_last_chance(self) -> bool:
        """Tell whether it is worked on, and given up should this process end, too."""
        return self.recoveries == MAX_RECOVERIES and not (self.cancel_requested or self.is_overdue)


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
# Runs whose last chance it is go a few at a time: the one that ends processes takes those beside it with it. No more
# than a tenth, since after five failures of the whole they are all that were at work, and none of them ends anything.
_LEFT = f"status = '{RunStatus.RUNNING.value}' AND lease_until < now()"
_ENDS = "(cancel_requested OR coalesce(deadline_at <= now(), false))"  # without being worked on
_LAST_CHANCE = f"(recoveries = {MAX_RECOVERIES - 1} AND NOT {_ENDS})"
_CLAIM = f"""
WITH last_chances AS MATERIALIZED (
    SELECT id FROM {table(Run)}
    WHERE %(last_chance)s AND parent_id IS NULL AND %(lane)s AND {_LEFT} AND {_LAST_CHANCE}
), on_trial AS (
    SELECT id FROM last_chances ORDER BY random()
    LIMIT greatest(1, (SELECT count(*) FROM last_chances) / {SHARE_ON_TRIAL})
), waiting AS (
    SELECT id, tenant_id, created_at FROM {table(Run)}
    WHERE parent_id IS NULL AND %(lane)s AND (status = '{RunStatus.PENDING.value}'
        OR ({_LEFT} AND (NOT {_LAST_CHANCE} OR id IN (SELECT id FROM on_trial))))
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
RETURNING r.id AS run_id, r.tenant_id, r.user_id, s.session_id, r.component_kind, r.component_id, r.spec, r.model,
    coalesce(r.input, '') AS message, r.fence, r.recoveries, r.cancel_requested, r.pause_requested,
    coalesce((r.usage->>'duration')::float, 0) AS worked_seconds, coalesce(r.deadline_at <= now(), false) AS is_overdue
"""
CLAIM = _CLAIM.replace("%(lane)s", f"component_kind <> '{JOB}'")
CLAIM_JOBS = _CLAIM.replace("%(lane)s", f"component_kind = '{JOB}'")

# A row that somebody else holds is left out: who waited for it would let all other leases run out meanwhile.
_OURS = f"lease_owner = %(owner)s AND status = '{RunStatus.RUNNING.value}' AND id = ANY(%(run_ids)s)"
RENEW = f"""
WITH ours AS (SELECT id FROM {table(Run)} WHERE {_OURS}),
free AS (SELECT id FROM {table(Run)} WHERE {_OURS} FOR NO KEY UPDATE SKIP LOCKED),
renewed AS (
    UPDATE {table(Run)} r SET lease_until = now() + interval '{LEASE_SECONDS} seconds'
    FROM free WHERE r.id = free.id RETURNING r.id, r.cancel_requested
)
SELECT id, cancel_requested FROM ours LEFT JOIN renewed USING (id)
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
) log LEFT JOIN {table(Step)} s ON s.tenant_id = %(tenant)s AND s.run_id = %(run)s ORDER BY s.seq, s.id
"""


async def claim(
    pool: AsyncConnectionPool,
    *,
    owner: str,
    limit: int,
    most_per_tenant: int,
    turns: Sequence[UUID] = (),
    jobs: bool = False,
    last_chance: bool = True,
) -> list[Claimed]:
    """Take the lease of runs, or of jobs, that wait or whose owner is gone.

    `turns` are the tenants that this process served last, the latest at the end. With `last_chance`, some of the runs
    that are given up should their process end once more are among them, one at least; else none.
    """
    parameters = {"owner": owner, "limit": limit, "most_per_tenant": most_per_tenant, "turns": list(turns)}
    parameters["last_chance"] = last_chance
    async with pool.connection() as connection, connection.cursor(row_factory=class_row(Claimed)) as cursor:
        await cursor.execute(CLAIM_JOBS if jobs else CLAIM, parameters)
        return await cursor.fetchall()


async def renew(connection: AsyncConnection[Any], *, owner: str, run_ids: list[UUID]) -> dict[UUID, bool | None]:
    """Prolong the leases that still are ours; tell of each whether its run shall end, None where its row is held."""
    cursor = await connection.execute(RENEW, {"owner": owner, "run_ids": run_ids})
    return dict(await cursor.fetchall())


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


def record_of(step: Step) -> StepRecord:
    """Return what a journal holds of a step."""
    return _record([getattr(step, name) for name in STEP_FIELDS])


def _record(row: Sequence[Any]) -> StepRecord:
    values = dict(zip(STEP_FIELDS, row, strict=True))
    values["kind"], values["state"] = StepKind(values["kind"]), StepState(values["state"])
    return StepRecord(**values)
