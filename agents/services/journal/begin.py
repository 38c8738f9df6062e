"""Stores new runs: session, idempotency key, run and audit row of a whole batch in one transaction; jobs go along."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection, AsyncCursor

from accounts.journal_audit import append_locked, lock_heads
from accounts.models import Membership
from agentos.core.errors import PolicyDenied, Unavailable
from agentos.core.ids import new_id
from agentos.core.ratelimits import RateLimit
from agentos.core.types import JsonObject, json_text
from agents.engine.allowance import BOUNDLESS, Allowance
from agents.engine.limits import WEEK_SECONDS
from agents.engine.status import RunStatus
from agents.engine.steps import GUARDS, AuditEntry
from agents.models import Run, Session
from agents.services import authority, idempotency
from agents.services.crash import CrashPoint, crash_here, is_armed
from agents.services.idempotency import First, Key, Taking
from agents.services.jobs import NewJob, store
from agents.services.journal import children
from agents.services.journal.children import Family, Parent
from agents.services.journal.trips import in_few_trips
from agents.services.ledger import Ledger, Starting
from agents.services.notifications import CLAIMABLE
from agents.services.queue import LEASE_SECONDS
from agents.services.sql import table

NO_MEMBER = "You are no member of this tenant any more."


@dataclass(slots=True)
class Begin:
    """A run to be stored. After `done`: `attached_to` is the first run of the same idempotency key, if there is one."""

    run_id: UUID
    tenant_id: UUID
    user_id: UUID
    session_id: str
    component_kind: str
    component_id: str
    spec: JsonObject
    acting: JsonObject  # its authority, as `services.authority` gives it: nothing starts without one
    spec_hash: str
    model: str
    message: str | None
    owner: str  # the process that takes the lease; empty: claimable by any
    deadline_seconds: float = WEEK_SECONDS
    session_hours: int | None = None  # of a temporary session: when it is deleted
    charges: tuple[Any, ...] = ()  # the ledger's
    guards: tuple[JsonObject, ...] = ()  # what they noted about the message
    allowance: Allowance = BOUNDLESS
    limits: tuple[RateLimit, ...] = ()
    parent: Parent | None = None  # the run that starts it
    root_id: UUID | None = None
    key: Key | None = None
    session_is_new: bool = False
    attached_to: UUID | None = None
    refusal: Exception | None = None
    created_at: datetime | None = None
    done: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def note(self, guards: tuple[JsonObject, ...]) -> None:
        """Keep what guards did about the message, in the run's row and on the trail: which, and kinds, never text."""
        self.guards, self.spec = guards, {**self.spec, GUARDS: list(guards)}

    def finish(self) -> None:
        if self.done.done():
            return
        if self.refusal is not None:
            self.done.set_exception(self.refusal)
        else:
            self.done.set_result(None)

    def refuse(self, error: Exception) -> None:
        """Answer the caller of a run that the database did not take."""
        self.refusal = Unavailable("The run could not be stored; try again.", retry_after_seconds=1)
        self.refusal.__cause__ = error
        self.finish()

    @property
    def status(self) -> RunStatus:
        return RunStatus.RUNNING if self.owner else RunStatus.PENDING


MEMBERS = f"""
SELECT m.tenant_id, m.user_id FROM {table(Membership)} m
JOIN unnest(%s::uuid[], %s::uuid[]) AS x(tenant_id, user_id) USING (tenant_id, user_id)
ORDER BY m.id FOR KEY SHARE OF m
"""
# Of the runs that begin a session together, the first one names its component.
RUNS = f"""
WITH x AS MATERIALIZED (SELECT * FROM jsonb_to_recordset(%s::jsonb) AS x(
    id uuid, parent_id uuid, root_id uuid, made_session uuid,
    tenant_id uuid, user_id uuid, session_id text, component_kind text, component_id text,
    hours int, spec jsonb, spec_hash text, model text, status text, owner text, input text, deadline_seconds float
)), sessions AS (
    INSERT INTO {table(Session)} AS s (
        id, tenant_id, user_id, session_id, component_kind, component_id, name, state, expires_at, created_at,
        updated_at
    )
    SELECT DISTINCT ON (x.tenant_id, x.user_id, x.session_id) x.made_session, x.tenant_id, x.user_id, x.session_id,
        x.component_kind, x.component_id, '', '{{}}'::jsonb, now() + make_interval(hours => x.hours), now(), now()
    FROM x ORDER BY x.tenant_id, x.user_id, x.session_id, x.id
    ON CONFLICT (tenant_id, user_id, session_id) DO UPDATE SET updated_at = now()
    RETURNING s.tenant_id, s.user_id, s.session_id, s.id, (xmax = 0) AS is_new
), runs AS (
    INSERT INTO {table(Run)} (
        id, tenant_id, user_id, session_id, parent_id, root_id, component_kind, component_id, spec, spec_hash, model,
        status, fence, lease_owner, lease_until, recoveries, deadline_at, cancel_requested, input, output,
        error_code, error_text, usage, is_demo, created_at, ended_at
    )
    SELECT x.id, x.tenant_id, x.user_id, s.id, x.parent_id, x.root_id, x.component_kind, x.component_id, x.spec,
        x.spec_hash, x.model, x.status, 1, x.owner,
        CASE WHEN x.status = '{RunStatus.RUNNING.value}' THEN now() + interval '{LEASE_SECONDS} seconds' END,
        0, now() + make_interval(secs => x.deadline_seconds), false, x.input, NULL, '', '', '{{}}'::jsonb, false, now(),
        NULL
    FROM x JOIN sessions s USING (tenant_id, user_id, session_id)
    ON CONFLICT (id) DO NOTHING
    RETURNING id, session_id, created_at
)
SELECT r.id, r.created_at, s.is_new FROM runs r JOIN sessions s ON s.id = r.session_id
"""


async def begin_runs(
    connection: AsyncConnection[Any], begins: list[Begin], ledger: Ledger, jobs: Sequence[NewJob] = ()
) -> None:
    """Store the runs, and jobs, and note on each how it went. A refused one answers its own caller only."""
    async with in_few_trips(connection) as pipeline:
        asked = await _ask(connection, begins, jobs, ledger)
        await _admit(connection, begins, asked)
        await _admit_children(connection, begins)
        await _reserve(connection, begins, jobs, ledger, asked)
        storing = [(job, await store(connection, job)) for job in sorted(jobs, key=lambda job: job.place)]
        if fresh := [begin for begin in begins if begin.attached_to is None and begin.refusal is None]:
            await _store_runs(connection, fresh)
        for job, cursor in storing:
            job.is_stored = await cursor.fetchone() is not None
        if unheld := [job.run_id for job in jobs if job.holds and not job.is_stored]:
            await ledger.give_back(connection, unheld)
        if is_armed():
            await pipeline.sync()
        crash_here(CrashPoint.BEGIN_BEFORE_COMMIT)
    crash_here(CrashPoint.BEGIN_AFTER_COMMIT)


async def _store_runs(connection: AsyncConnection[Any], fresh: list[Begin]) -> None:
    cursor = await connection.execute(RUNS, [json_text([_row(begin) for begin in fresh])])
    if any(begin.status is RunStatus.PENDING for begin in fresh):
        await connection.execute("SELECT pg_notify(%s, '')", [CLAIMABLE])
    heads = await lock_heads(connection, {begin.tenant_id for begin in fresh})
    stored = {run_id: (created_at, is_new) for run_id, created_at, is_new in await cursor.fetchall()}
    for begin in fresh:
        begin.created_at, begin.session_is_new = stored.get(begin.run_id, (None, False))
    await append_locked(connection, heads, _audit(fresh))


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the first trip asks for, in the order of its locks: members, keys, and what the ledger may charge."""

    members: AsyncCursor[Any] | None
    keys: Taking | None
    charged: Any


async def _ask(connection: AsyncConnection[Any], begins: list[Begin], jobs: Sequence[NewJob], ledger: Ledger) -> _Asked:
    """Keep the requesters members until the commit, and lock what the runs and jobs want.

    An erasure ends the membership first: it waits for this lock and then finds the run, or is seen here.
    """
    users = list({(begin.tenant_id, begin.user_id) for begin in begins})
    tenants_and_users = [tenant_id for tenant_id, _ in users], [user_id for _, user_id in users]
    wanted = [(begin.key, begin.tenant_id, begin.user_id, begin.run_id) for begin in begins if begin.key]
    return _Asked(
        await connection.execute(MEMBERS, tenants_and_users) if users else None,
        await idempotency.take_many(connection, wanted) if wanted else None,
        await ledger.lock(connection, [*begins, *jobs]),
    )


async def _admit(connection: AsyncConnection[Any], begins: list[Begin], asked: _Asked) -> None:
    """Refuse whoever is no member any more, and attach to its first run what has come before."""
    if asked.members is None:
        return
    members = set(await asked.members.fetchall())
    outcomes = await asked.keys.outcomes(connection) if asked.keys else {}
    for begin in begins:
        outcome = outcomes.get(begin.key.id) if begin.key else None
        if isinstance(outcome, First):
            begin.attached_to = outcome.run_id
        else:
            begin.refusal = outcome
    for begin in (refused := [begin for begin in begins if (begin.tenant_id, begin.user_id) not in members]):
        begin.refusal, begin.attached_to = PolicyDenied(NO_MEMBER, code="not_a_member"), None
    await _let_go(connection, begins, refused)


async def _admit_children(connection: AsyncConnection[Any], begins: list[Begin]) -> None:
    """Give the runs that others start their roots, and no more than their parents' authority.

    Refuse those that act for somebody else, or beyond a limit of their tree.
    """
    asked = [(begin, begin.parent) for begin in begins if begin.parent and begin.refusal is None]
    asked = [(begin, parent) for begin, parent in asked if begin.attached_to is None]
    if not asked:
        return
    found = await children.families(connection, [parent for _, parent in asked])
    for (begin, _), family in zip(asked, found, strict=True):
        if not isinstance(family, Family):
            begin.refusal = family
        elif family.user_id != begin.user_id:
            begin.refusal = PolicyDenied("A run starts others for its own user only.", code="not_its_user")
        else:
            begin.root_id = family.root_id
            begin.acting = authority.of_child(family.acting, begin.acting)
    await _let_go(connection, begins, [begin for begin, _ in asked if begin.refusal])


async def _reserve(
    connection: AsyncConnection[Any], begins: list[Begin], jobs: Sequence[NewJob], ledger: Ledger, asked: _Asked
) -> None:
    """Reserve what the new runs are charged, then jobs."""
    charged = {
        begin.run_id: begin for begin in begins if begin.charges and begin.attached_to is None and begin.refusal is None
    }
    reserving: list[Starting] = [*charged.values(), *(job for job in jobs if job.charges)]
    if reserving:
        await ledger.reserve(connection, reserving, asked.charged)
    await _let_go(connection, begins, [begin for begin in charged.values() if begin.refusal])


async def _let_go(connection: AsyncConnection[Any], begins: list[Begin], refused: list[Begin]) -> None:
    """Leave no key of the refused, and refuse those that share one with them."""
    if not refused:
        return
    await idempotency.give_back(connection, [begin.key for begin in refused if begin.key])
    refusals = {begin.run_id: begin.refusal for begin in refused}
    for begin in begins:
        if begin.attached_to in refusals:
            begin.refusal, begin.attached_to = refusals[begin.attached_to], None


def _row(begin: Begin) -> JsonObject:
    return {
        "id": begin.run_id,
        "parent_id": begin.parent and begin.parent.run_id,
        "root_id": begin.root_id or begin.run_id,
        "made_session": new_id(),
        "tenant_id": begin.tenant_id,
        "user_id": begin.user_id,
        "session_id": begin.session_id,
        "component_kind": begin.component_kind,
        "component_id": begin.component_id,
        "hours": begin.session_hours,
        "spec": {**begin.spec, **begin.acting},
        "spec_hash": begin.spec_hash,
        "model": begin.model,
        "status": begin.status.value,
        "owner": begin.owner,
        "input": begin.message,
        "deadline_seconds": begin.deadline_seconds,
    }


def _audit(begins: list[Begin]) -> dict[UUID, list[AuditEntry]]:
    entries: dict[UUID, list[AuditEntry]] = {}
    for begin in begins:
        detail: JsonObject = {"component": f"{begin.component_kind}:{begin.component_id}"}
        if begin.guards:
            detail["guards"] = list(begin.guards)
        entry = AuditEntry("run.started", "run", str(begin.run_id), detail, begin.user_id)
        entries.setdefault(begin.tenant_id, []).append(entry)
    return entries
