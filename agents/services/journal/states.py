"""The state of a session as the journal reads and replaces it: only what stands as it was seen is replaced."""

from __future__ import annotations

from typing import Final

from psycopg_pool import AsyncConnectionPool

from agentos.core.types import JsonObject, json_text
from agents.engine.ports import SeenState
from agents.engine.run_info import RunInfo
from agents.engine.steps import Statement
from agents.models import Run, Session
from agents.services.sql import table

_OF_RUN: Final = "r.tenant_id = %s AND r.id = %s AND s.tenant_id = r.tenant_id AND s.id = r.session_id"
STATE: Final = f"""
SELECT s.state::text, EXISTS (
    SELECT FROM {table(Run)} e WHERE e.tenant_id = r.tenant_id AND e.session_id = r.session_id
    AND e.reads_untrusted AND e.id <> r.id
) FROM {table(Session)} s, {table(Run)} r WHERE {_OF_RUN}
"""
REPLACE: Final = f"""
UPDATE {table(Session)} s SET state = %s::jsonb, updated_at = now() FROM {table(Run)} r
WHERE {_OF_RUN} AND s.state = %s::jsonb
"""


async def read(pool: AsyncConnectionPool, run: RunInfo) -> SeenState:
    """Return the state of the run's session; another run of it, however late it began, may have tainted it."""
    async with pool.connection() as connection:
        cursor = await connection.execute(STATE, [run.tenant_id, run.run_id])
        row = await cursor.fetchone()
    return SeenState(*row) if row else SeenState("{}")


def replacing(run: RunInfo, seen: str, state: JsonObject) -> Statement:
    """Return the statement that replaces the state; it locks the session's row until its write commits."""
    parameters = (json_text(state), run.tenant_id, run.run_id, seen)
    return Statement(REPLACE, parameters, "The state of the session has changed meanwhile.")
