"""What one flush stores, in one transaction: steps, events, run states, guarded statements, audit.

Most flushes hold nothing but text and ends of steps: they are one statement, which costs one round trip. A pause, a
guarded statement or an audit row has to look again after its run is locked, and takes the longer road.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection, AsyncCursor

from accounts.journal_audit import append_locked, lock_heads
from agentos.core.ids import new_id_text
from agentos.core.types import JsonObject, json_text
from agents.engine.run_info import RunInfo
from agents.engine.state import is_tainting
from agents.engine.status import RunStatus, StepState
from agents.engine.steps import AuditEntry, RunChange, Statement, StepRecord
from agents.models import Run, RunEvents, Step
from agents.services.crash import crash_in_flush, is_armed
from agents.services.journal.run_journal import RunJournal
from agents.services.journal.trips import in_few_trips
from agents.services.notifications import CLAIMABLE, EVENTS, MAX_PAYLOAD_BYTES
from agents.services.sql import columns, recordset, table

STEP_FIELDS = (
    "id", "tenant", "user", "run", "path", "seq", "kind", "name", "state", "tool_call_id", "args_hash",
    "idempotency_key", "request", "answer", "result", "error", "usage", "attempts", "started_at", "ended_at",
)  # fmt: skip
STEP_CHANGES = (
    "seq", "state", "request", "answer", "result", "error", "usage", "attempts", "ended_at",
)  # fmt: skip
EVENT_FIELDS = ("id", "tenant", "user", "run", "first_seq", "last_seq", "lines", "created_at")

LOCK = f"SELECT id, fence FROM {table(Run)} WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE"
RUN_ROW = (
    "id uuid, fence bigint, status text, output text, error_code text, error_text text, usage jsonb, "
    "cost_usd numeric, release boolean, final boolean, halted_by text"
)


# On the run, which is locked, not on its session: another order of locks would be one too many.
TAINT = f"UPDATE {table(Run)} SET reads_untrusted = true WHERE id = ANY(%s) AND NOT reads_untrusted"

STORED_BEFORE = f"""
SELECT run_id, first_seq FROM {table(RunEvents)}
WHERE tenant_id = ANY(%s) AND run_id = ANY(%s) AND first_seq = ANY(%s)
"""


class _NotHeld(Exception):
    """The fence of a run whose statements are guarded has moved on: nothing of it is done."""


class StatementRefused(Exception):
    """A guarded statement touched no row."""

    def __init__(self, refusal: str) -> None:
        super().__init__(refusal)
        self.refusal = refusal


@dataclass(slots=True, eq=False)
class Record:
    """One run's share of a flush."""

    journal: RunJournal
    first_seq: int
    waiters: list[asyncio.Future[None]] = field(default_factory=list)
    lines: list[bytes] = field(default_factory=list)
    steps: dict[str, JsonObject] = field(default_factory=dict)
    audit: list[AuditEntry] = field(default_factory=list)
    statements: list[Statement] = field(default_factory=list)
    change: RunChange | None = None
    is_tainting: bool = False  # one of its steps has read what strangers may have written

    @property
    def info(self) -> RunInfo:
        return self.journal.info

    @property
    def fence(self) -> int:
        return self.journal.fence

    @property
    def is_plain(self) -> bool:
        """Tell whether nothing of it depends on what is found once the run is locked."""
        pauses = self.change is not None and self.change.status is RunStatus.PAUSED
        return not (pauses or self.statements or self.audit or self.is_tainting)

    def add_step(self, step: StepRecord, now: datetime) -> None:
        """Take a copy of the step as it stands; a later one of the same path replaces it."""
        started = self.steps.get(step.path, {}).get("started_at", now)
        ended = now if step.state.is_final else None
        self.is_tainting = self.is_tainting or is_tainting(step.state, step.request)
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


async def store_at_once(connection: AsyncConnection[Any], records: list[Record], *, process: str) -> list[Record]:
    """Store plain records with one statement, and return those that were stored. Raises: psycopg.Error.

    Left out are runs whose fence has moved on, and runs that somebody else has locked just now: `store` tells which.
    """
    rows = json_text(_run_rows(records)), json_text(_step_rows(records)), json_text(_event_rows(records))
    cursor = await connection.execute(_at_once(), [*rows, EVENTS, _hint(records, process)])
    held = {run for run, _ in await cursor.fetchall()}
    return records if len(held) == len(records) else [record for record in records if record.journal.run in held]


async def store(
    connection: AsyncConnection[Any], records: list[Record], *, process: str, is_retry: bool
) -> list[Record]:
    """Store the records whose fence holds, and return them. Raises: StatementRefused, psycopg.Error.

    Guarded statements come with a record that is alone. A retry follows a commit whose answer was lost: what had been
    stored then is not stored or audited again.
    """
    held: list[Record] = []
    with contextlib.suppress(_NotHeld):
        async with in_few_trips(connection) as pipeline:
            asked = await _ask(connection, records, is_retry=is_retry)
            made = _made(records)  # while the database takes its locks
            await pipeline.sync()
            held, stored = await asked.found(records)
            for statement, values in made if len(held) == len(records) else _made(held):
                await connection.execute(statement, values)
            if hint := _hint(held, process):
                await connection.execute("SELECT pg_notify(%s, %s)", [EVENTS, hint])
            if audit := _audit([record for record in held if record.info.run_id not in stored]):
                await append_locked(connection, asked.heads, audit)
            if is_armed():
                await pipeline.sync()
            crash_in_flush("before", held)
    crash_in_flush("after", held)
    return held


@dataclass(slots=True)
class _Asked:
    """What the first trip of a flush asks for, in the order of its locks."""

    locked: AsyncCursor[Any]
    guards: list[tuple[AsyncCursor[Any], str]]
    heads: AsyncCursor[Any]
    before: AsyncCursor[Any] | None

    async def found(self, records: list[Record]) -> tuple[list[Record], set[UUID]]:
        """Return the records whose fence holds, and the runs that had been stored before.

        Raises: StatementRefused, _NotHeld when a guarded statement was not for us to make.
        """
        fences = dict(await self.locked.fetchall())
        held = [record for record in records if fences.get(record.info.run_id) == record.fence]
        if self.guards and not held:
            raise _NotHeld
        for guard, refusal in self.guards:
            if guard.rowcount != 1:
                raise StatementRefused(refusal)
        rows = set(await self.before.fetchall()) if self.before else set()
        return held, {record.info.run_id for record in held if (record.info.run_id, record.first_seq) in rows}


async def _ask(connection: AsyncConnection[Any], records: list[Record], *, is_retry: bool) -> _Asked:
    ids = [record.info.run_id for record in records]
    return _Asked(
        await connection.execute(LOCK, [ids]),
        [
            (await connection.execute(statement.sql, statement.parameters), statement.refusal)
            for record in records
            for statement in record.statements
        ],
        await lock_heads(connection, {record.info.tenant_id for record in records if record.audit}),
        await connection.execute(STORED_BEFORE, [*_places(records)]) if is_retry else None,
    )


def _places(records: list[Record]) -> tuple[list[UUID], list[UUID], list[int]]:
    """Return where the records' events stand: tenants, runs, first numbers."""
    tenants = list({record.info.tenant_id for record in records})
    return tenants, [record.info.run_id for record in records], [record.first_seq for record in records]


def _made(records: list[Record]) -> list[tuple[str, list[Any]]]:
    """Return the statements that store steps, events, taints and changes of runs, with their values."""
    made: list[tuple[str, list[Any]]] = []
    if rows := _step_rows(records):
        made.append((_insert_steps(), [json_text(rows)]))
    if rows := _event_rows(records):
        made.append((_insert_events(), [json_text(rows)]))
    if tainting := [record.info.run_id for record in records if record.is_tainting]:
        made.append((TAINT, [tainting]))
    if rows := [row for row in _run_rows(records) if row["status"]]:
        made.append((CHANGE, [json_text(rows)]))
    return made


def _step_rows(records: list[Record]) -> list[JsonObject]:
    return [row for record in records for row in record.steps.values()]


def _event_rows(records: list[Record]) -> list[JsonObject]:
    rows = []
    for record in records:
        if record.lines:
            journal, first_seq = record.journal, record.first_seq
            info = journal.info
            rows.append(
                {
                    "id": new_id_text(),
                    "tenant_id": info.tenant_id,
                    "user_id": info.user_id,
                    "run_id": journal.run,
                    "first_seq": first_seq,
                    "last_seq": first_seq + len(record.lines) - 1,
                    "lines": b"\n".join(record.lines).decode(),
                    "created_at": "now",
                }
            )
    return rows


def _run_rows(records: list[Record]) -> list[JsonObject]:
    """Return each run with its fence and, when it changes, how."""
    return [
        {"id": (journal := record.journal).run, "fence": journal.fence, "status": None}
        if (change := record.change) is None
        else {
            "id": record.journal.run,
            "fence": record.journal.fence,
            "status": change.status.value,
            "output": change.output,
            "error_code": change.error_code,
            "error_text": change.error_text,
            "usage": change.usage,
            "cost_usd": change.cost_usd,
            "release": change.release,
            "final": change.status.is_final,
            "halted_by": change.halted_by,
        }
        for record in records
    ]


@cache
def _insert_steps(only: str = "") -> str:
    """Store steps as they are now; one that was stored before, and answered since, stays answered on a retry."""
    names = columns(Step, STEP_FIELDS)
    changes = ", ".join(f"{name} = EXCLUDED.{name}" for name in columns(Step, STEP_CHANGES).split(", "))
    return (
        f"INSERT INTO {table(Step)} AS s ({names}) SELECT {columns(Step, STEP_FIELDS, 'x.')} "
        f"FROM {recordset(Step, STEP_FIELDS)} {only} "
        f"ON CONFLICT (tenant_id, run_id, path) DO UPDATE SET {changes} "
        f"WHERE NOT (s.state = '{StepState.ANSWERED.value}' AND s.seq = EXCLUDED.seq "
        f"AND EXCLUDED.state IN ('{StepState.WAITING.value}', '{StepState.UNKNOWN.value}'))"
    )


@cache
def _insert_events(only: str = "") -> str:
    return (
        f"INSERT INTO {table(RunEvents)} ({columns(RunEvents, EVENT_FIELDS)}) "
        f"SELECT {columns(RunEvents, EVENT_FIELDS, 'x.')} FROM {recordset(RunEvents, EVENT_FIELDS)} {only} "
        "ON CONFLICT (tenant_id, run_id, first_seq) DO NOTHING"
    )


def _change(status: str, rows: str) -> str:
    return f"""
UPDATE {table(Run)} r SET
    status = {status},
    output = coalesce(x.output, r.output),
    halted_by = x.halted_by,
    error_code = x.error_code, error_text = x.error_text,
    usage = coalesce(x.usage, r.usage),
    cost_usd = CASE WHEN x.usage IS NULL THEN r.cost_usd ELSE x.cost_usd END,
    lease_owner = CASE WHEN x.release THEN '' ELSE r.lease_owner END,
    lease_until = CASE WHEN x.release THEN NULL ELSE r.lease_until END,
    ended_at = CASE WHEN x.final THEN now() ELSE r.ended_at END
FROM {rows} WHERE r.id = x.id AND x.status IS NOT NULL
"""


def _found(states: str) -> str:
    """Return whether a run has a step in one of the states. A scalar, so that it is looked up by the run's index."""
    return (
        f"coalesce((SELECT true FROM {table(Step)} s WHERE s.tenant_id = r.tenant_id AND s.run_id = r.id "
        f"AND s.state IN ({states}) LIMIT 1), false)"
    )


# A run that pauses is claimable at once when what it waits for has come meanwhile: its cancellation, an answer, or,
# when it waits for no answer, the end of a pause by hand. What a kill switch halted waits for its release.
_PAUSED = f"""CASE WHEN x.status = '{RunStatus.PAUSED.value}' AND (r.cancel_requested
    OR NOT r.pause_requested AND x.halted_by = '' AND (
        {_found(f"'{StepState.ANSWERED.value}'")}
        OR NOT {_found(f"'{StepState.WAITING.value}', '{StepState.UNKNOWN.value}'")}
    )) THEN '{RunStatus.PENDING.value}' ELSE x.status END"""
CHANGE = f"""
WITH changed AS ({_change(_PAUSED, f"jsonb_to_recordset(%s::jsonb) AS x({RUN_ROW})")} RETURNING r.status)
SELECT pg_notify('{CLAIMABLE}', '') FROM changed WHERE status = '{RunStatus.PENDING.value}' LIMIT 1
"""


@cache
def _at_once() -> str:
    """Return the statement that locks the runs, keeps those whose fence holds, and stores what belongs to them.

    It asks for the runs as an array: a join alone reads all runs in a database that is young.
    """
    only = "JOIN held ON held.id = x.run_id"
    return f"""
WITH x AS MATERIALIZED (SELECT * FROM jsonb_to_recordset(%s::jsonb) AS x({RUN_ROW})),
held AS MATERIALIZED (
    SELECT r.id FROM {table(Run)} r JOIN x ON x.id = r.id AND x.fence = r.fence
    WHERE r.id = ANY(ARRAY(SELECT id FROM x)) ORDER BY r.id FOR NO KEY UPDATE OF r SKIP LOCKED
),
steps AS ({_insert_steps(only)}),
events AS ({_insert_events(only)}),
changes AS ({_change("x.status", "x JOIN held USING (id)")})
SELECT id::text, (SELECT pg_notify(%s, hint) FROM (VALUES (%s)) AS told(hint) WHERE hint <> '') FROM held
"""


def _hint(records: list[Record], process: str) -> str:
    """Return what the other processes are told, which runs were written; nothing when no event was."""
    written = [record.journal.run for record in records if record.lines]
    if not written:
        return ""
    payload = f"{process} {','.join(written)}"
    return payload if len(payload) <= MAX_PAYLOAD_BYTES else f"{process} *"


def _audit(records: list[Record]) -> dict[UUID, list[AuditEntry]]:
    entries: dict[UUID, list[AuditEntry]] = {}
    for record in records:
        for entry in record.audit:
            actor = entry.actor_id or record.info.user_id
            dressed = AuditEntry(entry.action, entry.object_type, entry.object_id, entry.detail, actor)
            entries.setdefault(record.info.tenant_id, []).append(dressed)
    return entries
