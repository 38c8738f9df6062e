"""What a run is told of its session: read in one statement, beside its journal."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from psycopg_pool import AsyncConnectionPool

from agents.engine.history import LATE, PINNED, History, Said, Summary, chars_read, recall
from agents.engine.run_info import RunInfo
from agents.engine.spec import JOB
from agents.engine.status import RunStatus
from agents.models import Run, SessionSummary, Step
from agents.services.sql import table

# As the index `run_remembered` has it.
REMEMBERED = f"e.status = '{RunStatus.COMPLETED.value}' AND e.parent_id IS NULL AND e.component_kind <> '{JOB}'"

# To cut a text takes longer than to read its row, so only the few that are too long are cut.
SAID = ", ".join(
    f"CASE WHEN octet_length(e.{text}) <= %(chars)s THEN e.{text} ELSE left(e.{text}, %(chars)s) END AS {text}"
    for text in ("input", "output")
)

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
    SELECT e.id, e.ended_at, {SAID}
    FROM {table(Run)} e WHERE e.tenant_id = a.tenant_id AND e.session_id = a.session_id
    AND {REMEMBERED}
    AND (e.ended_at, e.id) > (coalesce(s.until_at, '-infinity'), coalesce(s.until_id, '{UUID(int=0)}'))
    AND e.ended_at < a.before
    AND CASE WHEN a.told IS NULL THEN true ELSE a.told->'runs' ?| ARRAY[right(e.id::text, {PINNED}), e.id::text] END
    ORDER BY e.ended_at DESC, e.id DESC LIMIT %(most)s
) h
UNION ALL
SELECT NULL, NULL, NULL, NULL FROM asking a WHERE EXISTS (
    SELECT FROM {table(Run)} e WHERE e.tenant_id = a.tenant_id AND e.session_id = a.session_id
    AND e.created_at < a.before AND e.reads_untrusted
)
"""


async def remembered(info: RunInfo, pool: AsyncConnectionPool) -> History:
    """Return what the session said before this run."""
    spec = info.spec
    if spec.history_runs < 1:
        return History()
    known = {"tenant_id": info.tenant_id, "run_id": info.run_id}
    return await load_history(pool, **known, runs=spec.history_runs, chars=spec.history_chars)


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
