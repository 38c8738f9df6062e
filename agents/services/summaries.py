"""The rolling summary of a session: stored as a job when one is due, and kept as the job ends."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import psycopg
from django.db import Error as DatabaseFailure
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from agentos.core.errors import ConfigError, ProviderError, Unavailable
from agentos.core.ids import new_id
from agentos.core.types import JsonObject
from agents.engine.history import History, Said, bounded, chars_read, fitting, shortened, transcript
from agents.engine.limits import Limits
from agents.engine.run_info import RunInfo
from agents.engine.spec import JobSpec, Keeps, Model, text
from agents.engine.steps import Statement
from agents.models import Run, Session, SessionSummary
from agents.services import jobs, tenant_models
from agents.services.history import REMEMBERED, SAID
from agents.services.sql import table

logger = logging.getLogger(__name__)

SPEC: Final = JobSpec(
    id="session-summary",
    instructions=text("summary.md"),
    model=Model.FAST,
    limits=Limits(turns=1, tool_calls=0, wall_seconds=600, deadline_seconds=86_400),
    keeps=Keeps.SESSION,
)
ORDER: Final = "summary"  # in a job's spec: {until_at, until_id, runs}, up to where it sums up and how many runs
PAUSE_SECONDS: Final = 0.1  # after a run, before a summary is asked for: who answers at once goes first
MOST_RUNS: Final = 50  # that one job takes over: a session that was long before its first summary catches up
SUMMARY_CHARS: Final = 4_000
NOT_NEWEST: Final = "The session has a summary that reaches as far."

# Refused when another summary reaches as far: two jobs that raced leave one, and the newest never goes back.
KEEP: Final = f"""
INSERT INTO {table(SessionSummary)}
    (id, tenant_id, user_id, session_id, made_by_id, until_at, until_id, runs, text, created_at)
SELECT %s, r.tenant_id, r.user_id, r.session_id, r.id, %s, %s, %s, %s, now() FROM {table(Run)} r
WHERE r.tenant_id = %s AND r.id = %s AND NOT EXISTS (
    SELECT 1 FROM {table(SessionSummary)} s
    WHERE s.tenant_id = r.tenant_id AND s.session_id = r.session_id AND (s.until_at, s.until_id) >= (%s, %s)
)
ON CONFLICT (tenant_id, session_id, until_at, until_id) DO NOTHING
"""


# What the next summary takes over, oldest first, each row with the newest one. Nothing while one is under way, or when
# the session has got one that the run has not seen.
DUE: Final = f"""
WITH asking AS (
    SELECT r.tenant_id, r.session_id FROM {table(Run)} r
    JOIN {table(Session)} s ON s.tenant_id = r.tenant_id AND s.id = r.session_id AND s.expires_at IS NULL
    WHERE r.tenant_id = %(tenant_id)s AND r.id = %(run_id)s
), newest AS (
    SELECT n.id, n.text, n.runs, n.until_at, n.until_id FROM asking CROSS JOIN LATERAL (
        SELECT * FROM {table(SessionSummary)} s
        WHERE s.tenant_id = asking.tenant_id AND s.session_id = asking.session_id
        ORDER BY s.until_at DESC, s.until_id DESC LIMIT 1
    ) n
)
SELECT coalesce(n.text, ''), coalesce(n.runs, 0), h.id, h.ended_at, coalesce(h.input, ''), coalesce(h.output, '')
FROM asking LEFT JOIN newest n ON true CROSS JOIN LATERAL (
    SELECT e.id, e.ended_at, {SAID}
    FROM {table(Run)} e WHERE e.tenant_id = asking.tenant_id AND e.session_id = asking.session_id AND {REMEMBERED}
    AND (e.ended_at, e.id) > (coalesce(n.until_at, '-infinity'), coalesce(n.until_id, '{UUID(int=0)}'))
    AND (e.ended_at, e.id) <= (%(until_at)s, %(until_id)s)
    ORDER BY e.ended_at, e.id LIMIT {MOST_RUNS}
) h
WHERE n.id IS NOT DISTINCT FROM %(seen)s::uuid AND NOT {jobs.IS_HELD_UP}
ORDER BY h.ended_at, h.id
"""


async def ask(pool: AsyncConnectionPool, info: RunInfo, history: History, *, begin_job: jobs.BeginJob) -> None:
    """Let a job be stored that sums up a run's session as far as its history says, if that is due.

    Nobody waits for it: what fails here is tried again by the next run of the session.
    """
    if (leaving := history.leaving) is None:
        return
    asked = {
        "tenant_id": info.tenant_id,
        "run_id": info.run_id,
        "chars": chars_read(SPEC.history_chars),
        "until_at": leaving.ended_at,
        "until_id": leaving.run_id,
        "seen": history.summary and history.summary.id,
        "job": SPEC.id,
    }
    try:
        models = await tenant_models.current(info.tenant_id)
        async with pool.connection() as connection:
            rows = await (await connection.execute(DUE, asked, prepare=True)).fetchall()
        if rows:
            await begin_job(jobs.NewJob(SPEC, info, models, *_made_of(rows)))
    except (psycopg.Error, PoolTimeout, DatabaseFailure, ConfigError, Unavailable) as error:
        logger.warning("run %s: no summary was asked for (%s)", info.run_id, type(error).__name__)


def _made_of(rows: Sequence[Sequence[Any]]) -> tuple[str, JsonObject]:
    """Return what the model is to sum up, and the job's order."""
    text, runs = rows[0][:2]
    chars = SPEC.history_chars
    taken = fitting([bounded(Said(*said), chars) for _, _, *said in rows], chars)
    until = taken[-1]
    order = {"until_at": until.ended_at.isoformat(), "until_id": str(until.run_id), "runs": len(taken) + runs}
    return transcript(text, taken), {ORDER: order}


def newest_of(session: Session) -> SessionSummary | None:
    """Return the summary of a session that reaches furthest. The caller is inside its tenant's scope."""
    return session.summaries.order_by("-until_at", "-until_id").first()


def kept(info: RunInfo, pinned: JsonObject, said: str) -> tuple[Statement, ...]:
    """Return what stores the summary as its job ends. Raises: ProviderError when the model said nothing."""
    if not said.strip():
        raise ProviderError("The model wrote no summary.", code="summary_empty")
    order = pinned[ORDER]
    until = datetime.fromisoformat(order["until_at"]), UUID(order["until_id"])
    row = new_id(), *until, order["runs"], shortened(said.strip(), SUMMARY_CHARS)
    return (Statement(KEEP, (*row, info.tenant_id, info.run_id, *until), NOT_NEWEST),)
