"""What one flush stores, in one transaction: steps, events, run states, guarded statements, audit."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from psycopg import AsyncConnection

from accounts.journal_audit import append_async
from agentos.core.ids import new_id
from agentos.core.types import JsonObject, json_text
from agents.engine.ports import RunInfo
from agents.engine.status import RunStatus, StepState
from agents.engine.steps import AuditEntry, RunChange, Statement, StepRecord
from agents.models import Run, RunEvents, Step
from agents.services.crash import crash_in_flush
from agents.services.notifications import EVENTS, MAX_PAYLOAD_BYTES
from agents.services.sql import columns, recordset, table

if TYPE_CHECKING:
    from agents.services.journal import RunJournal

STEP_FIELDS = (
    "id", "tenant", "user", "run", "path", "seq", "kind", "name", "state", "tool_call_id", "args_hash",
    "idempotency_key", "request", "answer", "result", "error", "usage", "attempts", "started_at", "ended_at",
)  # fmt: skip
STEP_CHANGES = (
    "seq", "state", "request", "answer", "result", "error", "usage", "attempts", "ended_at",
)  # fmt: skip
EVENT_FIELDS = ("id", "tenant", "user", "run", "first_seq", "last_seq", "lines", "created_at")

LOCK = f"SELECT id, fence FROM {table(Run)} WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE"


class StatementRefused(Exception):
    """A guarded statement touched no row."""

    def __init__(self, refusal: str) -> None:
        super().__init__(refusal)
        self.refusal = refusal


@dataclass(slots=True)
class Record:
    """One run's share of a flush."""

    info: RunInfo
    fence: int
    first_seq: int
    waiters: list[asyncio.Future[None] | None]
    journal: RunJournal = field(init=False)
    lines: list[bytes] = field(default_factory=list)
    steps: dict[str, JsonObject] = field(default_factory=dict)
    audit: list[AuditEntry] = field(default_factory=list)
    statements: list[Statement] = field(default_factory=list)
    change: RunChange | None = None

    def add_step(self, step: StepRecord, now: datetime) -> None:
        """Take a copy of the step as it stands; a later one of the same path replaces it."""
        started = self.steps.get(step.path, {}).get("started_at", now)
        ended = now if step.state.is_final else None
        self.steps[step.path] = {
            "id": step.id,
            "tenant_id": self.info.tenant_id,
            "user_id": self.info.user_id,
            "run_id": self.info.run_id,
            "path": step.path,
            "seq": step.seq,
            "kind": step.kind.value,
            "name": step.name[:200],
            "state": step.state.value,
            "tool_call_id": step.tool_call_id[:200],
            "args_hash": step.args_hash,
            "idempotency_key": step.idempotency_key,
            "request": step.request,
            "answer": step.answer,
            "result": step.result,
            "error": step.error,
            "usage": step.usage,
            "attempts": step.attempts,
            "started_at": started,
            "ended_at": ended,
        }


async def store(connection: AsyncConnection[Any], records: list[Record], *, process: str, is_retry: bool) -> set[UUID]:
    """Store the records whose fence holds, and return their run ids. Raises: StatementRefused, psycopg.Error.

    A retry follows a commit whose answer was lost: what had been stored then is not stored or audited again.
    """
    async with connection.transaction():
        cursor = await connection.execute(LOCK, [[record.info.run_id for record in records]])
        fences = dict(await cursor.fetchall())
        held = [record for record in records if fences.get(record.info.run_id) == record.fence]
        stored = await _stored_before(connection, held) if is_retry else set()
        for record in held:
            await _guard(connection, record.statements)
        async with connection.pipeline():
            await _store_steps(connection, held)
            await _store_events(connection, held)
            await _store_changes(connection, held)
            await _notify(connection, held, process)
        if audit := _audit([record for record in held if record.info.run_id not in stored]):
            await append_async(connection, audit)
        crash_in_flush("before", held)
    crash_in_flush("after", held)
    return {record.info.run_id for record in held}


async def _stored_before(connection: AsyncConnection[Any], records: list[Record]) -> set[UUID]:
    """Return the runs whose first event of this flush is in the log already."""
    wanted = {(record.info.run_id, record.first_seq) for record in records if record.lines}
    cursor = await connection.execute(
        f"SELECT run_id, first_seq FROM {table(RunEvents)} WHERE run_id = ANY(%s) AND first_seq = ANY(%s)",
        [[run_id for run_id, _ in wanted], [seq for _, seq in wanted]],
    )
    return {run_id for run_id, seq in await cursor.fetchall() if (run_id, seq) in wanted}


async def _guard(connection: AsyncConnection[Any], statements: Iterable[Statement]) -> None:
    for statement in statements:
        cursor = await connection.execute(statement.sql, statement.parameters)
        if cursor.rowcount != 1:
            raise StatementRefused(statement.refusal)


def _upsert_steps() -> str:
    names = columns(Step, STEP_FIELDS)
    changes = ", ".join(f"{name} = EXCLUDED.{name}" for name in columns(Step, STEP_CHANGES).split(", "))
    return (
        f"INSERT INTO {table(Step)} AS s ({names}) SELECT {columns(Step, STEP_FIELDS, 'x.')} "
        f"FROM {recordset(Step, STEP_FIELDS)} "
        f"ON CONFLICT (tenant_id, run_id, path) DO UPDATE SET {changes}"
    )


async def _store_steps(connection: AsyncConnection[Any], records: list[Record]) -> None:
    if rows := [row for record in records for row in record.steps.values()]:
        await connection.execute(_upsert_steps(), [json_text(rows)])


async def _store_events(connection: AsyncConnection[Any], records: list[Record]) -> None:
    rows = [
        {
            "id": new_id(),
            "tenant_id": record.info.tenant_id,
            "user_id": record.info.user_id,
            "run_id": record.info.run_id,
            "first_seq": record.first_seq,
            "last_seq": record.first_seq + len(record.lines) - 1,
            "lines": b"\n".join(record.lines).decode(),
            "created_at": "now",
        }
        for record in records
        if record.lines
    ]
    if rows:
        sql = (
            f"INSERT INTO {table(RunEvents)} ({columns(RunEvents, EVENT_FIELDS)}) "
            f"SELECT {columns(RunEvents, EVENT_FIELDS, 'x.')} FROM {recordset(RunEvents, EVENT_FIELDS)} "
            "ON CONFLICT (tenant_id, run_id, first_seq) DO NOTHING"
        )
        await connection.execute(sql, [json_text(rows)])


# A run that pauses is claimable at once when what it waits for has come meanwhile: its cancellation, an answer, or,
# when it waits for no answer, the end of a pause by hand.
_STEPS_OF_RUN = f"SELECT 1 FROM {table(Step)} s WHERE s.tenant_id = r.tenant_id AND s.run_id = r.id AND s.state"
CHANGE = f"""
UPDATE {table(Run)} r SET
    status = CASE WHEN x.status = '{RunStatus.PAUSED.value}' AND (r.cancel_requested OR NOT r.pause_requested AND (
        EXISTS ({_STEPS_OF_RUN} = '{StepState.ANSWERED.value}')
        OR NOT EXISTS ({_STEPS_OF_RUN} IN ('{StepState.WAITING.value}', '{StepState.UNKNOWN.value}'))
    )) THEN '{RunStatus.PENDING.value}' ELSE x.status END,
    output = coalesce(x.output, r.output),
    error_code = x.error_code, error_text = x.error_text,
    usage = coalesce(x.usage, r.usage),
    cost_usd = CASE WHEN x.usage IS NULL THEN r.cost_usd ELSE x.cost_usd END,
    lease_owner = CASE WHEN x.release THEN '' ELSE r.lease_owner END,
    lease_until = CASE WHEN x.release THEN NULL ELSE r.lease_until END,
    ended_at = CASE WHEN x.final THEN now() ELSE r.ended_at END
FROM jsonb_to_recordset(%s::jsonb) AS x(
    id uuid, status text, output text, error_code text, error_text text, usage jsonb, cost_usd numeric,
    release boolean, final boolean
) WHERE r.id = x.id
"""


async def _store_changes(connection: AsyncConnection[Any], records: list[Record]) -> None:
    rows = [
        {
            "id": record.info.run_id,
            "status": change.status.value,
            "output": change.output,
            "error_code": change.error_code,
            "error_text": change.error_text,
            "usage": change.usage,
            "cost_usd": change.cost_usd,
            "release": change.release,
            "final": change.status.is_final,
        }
        for record in records
        if (change := record.change) is not None
    ]
    if rows:
        await connection.execute(CHANGE, [json_text(rows)])


async def _notify(connection: AsyncConnection[Any], records: list[Record], process: str) -> None:
    written = [str(record.info.run_id) for record in records if record.lines]
    if not written:
        return
    payload = f"{process} {','.join(written)}"
    if len(payload) > MAX_PAYLOAD_BYTES:
        payload = f"{process} *"
    await connection.execute("SELECT pg_notify(%s, %s)", [EVENTS, payload])


def _audit(records: list[Record]) -> dict[UUID, list[AuditEntry]]:
    entries: dict[UUID, list[AuditEntry]] = {}
    for record in records:
        for entry in record.audit:
            actor = entry.actor_id or record.info.user_id
            dressed = AuditEntry(entry.action, entry.object_type, entry.object_id, entry.detail, actor)
            entries.setdefault(record.info.tenant_id, []).append(dressed)
    return entries
