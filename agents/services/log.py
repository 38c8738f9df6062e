"""A run's event log: read by whoever follows it, and appended to here while nobody holds the run.

What is appended goes under the run's lock, with its fence raised; a run that is held writes by the journal.
"""

from __future__ import annotations

from uuid import UUID

from django.db import connections
from django.db.models import Max
from psycopg_pool import AsyncConnectionPool

from agentos.core.clock import utc_now
from agentos.core.errors import NotFound
from agentos.core.types import JsonObject, json_bytes
from agents.models import Run, RunEvents
from agents.registry import registry
from agents.services.journal.lines import Line, encode
from agents.services.notifications import EVENTS
from agents.services.sql import table

PAGE_ROWS = 100
FEW_ROWS = 16  # of a reader who is nearly there; a row is what a run had to say at one moment
NEWEST = f"SELECT coalesce(max(last_seq), 0) FROM {table(RunEvents)} WHERE tenant_id = %s AND run_id = %s"
PAGE = f"""
SELECT first_seq, lines FROM {table(RunEvents)}
WHERE tenant_id = %s AND run_id = %s AND last_seq > %s ORDER BY first_seq LIMIT {{}}
"""


class Page(list[Line]):
    """Lines in order; `has_more` when others may follow that were there already."""

    has_more = False


async def newest(pool: AsyncConnectionPool, *, tenant_id: UUID, run_id: UUID) -> int:
    """Return the seq of a run's newest event, whoever writes the next."""
    async with pool.connection() as connection:
        cursor = await connection.execute(NEWEST, [tenant_id, run_id])
        row = await cursor.fetchone()
    return int(row[0]) if row else 0


async def page(
    pool: AsyncConnectionPool, *, tenant_id: UUID, run_id: UUID, after: int, most_rows: int = PAGE_ROWS
) -> Page:
    """Return a page of committed events with seq > after; an empty one when there are none."""
    async with pool.connection() as connection:
        cursor = await connection.execute(PAGE.format(most_rows), [tenant_id, run_id, after])
        rows = await cursor.fetchall()
    lines = Page()
    for first_seq, text in rows:
        numbered = enumerate(text.encode().split(b"\n"), first_seq)
        lines.extend(Line(seq, data) for seq, data in numbered if seq > after)
    lines.has_more = len(rows) == most_rows
    return lines


def last_seq(run: Run) -> int:
    """Return the seq of a run's newest event; it stays so while the caller holds the run's row lock."""
    of_run = RunEvents.objects.using(run._state.db).filter(tenant_id=run.tenant_id, run=run)
    return of_run.aggregate(last=Max("last_seq"))["last"] or 0


def append_event(run: Run, event: str, payload: JsonObject) -> None:
    last = last_seq(run)
    keys = {
        "agent_id": run.component_id,
        "agent_name": _label(run),
        "run_id": str(run.root_id),
        "session_id": run.session.session_id,
    }
    line = encode(event, payload, json_bytes(keys)[1:-1], utc_now())
    RunEvents.objects.using(run._state.db).create(
        tenant_id=run.tenant_id,
        user_id=run.user_id,
        run=run,
        first_seq=last + 1,
        last_seq=last + 1,
        lines=line.decode(),
    )
    notify(EVENTS, f"- {run.root_id}", using=run._state.db)


def _label(run: Run) -> str:
    """Return the name that the run's other events say; the id of what is no longer installed."""
    try:
        return registry.get(run.component_kind, run.component_id).label
    except NotFound:
        return run.component_id


def notify(channel: str, payload: str, *, using: str | None = None) -> None:
    """Tell every process, once the transaction of that connection commits."""
    with connections[using or "default"].cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [channel, payload])
