"""Old sessions and runs, made by SQL as the superuser: copies of a run that the server has really stored."""

from __future__ import annotations

from uuid import UUID

from agentos.bench.meter import Meter

# Foreign keys are not checked for these copies; they point where the original points.
_TRUSTING = "SET session_replication_role = replica"
_SESSIONS = """
INSERT INTO agents_session
SELECT made.* FROM agents_run run
JOIN agents_session old ON old.id = run.session_id
CROSS JOIN generate_series(1, %s) AS number
CROSS JOIN LATERAL jsonb_populate_record(old, jsonb_build_object(
    'id', uuidv7(), 'session_id', %s::text || number, 'user_id', %s::uuid,
    'created_at', now() - interval '40 days', 'updated_at', now() - make_interval(mins => number))) AS made
WHERE run.id = %s
"""
# Materialized: each pair of session and number gets an id of its own, once.
_RUNS = """
WITH fresh AS MATERIALIZED (
    SELECT uuidv7() AS id, session.id AS session_id, session.user_id,
        now() - interval '30 days' + make_interval(secs => number) AS at
    FROM agents_session session CROSS JOIN generate_series(1, %s) AS number WHERE starts_with(session.session_id, %s)
)
INSERT INTO agents_run
SELECT made.* FROM agents_run old CROSS JOIN fresh
CROSS JOIN LATERAL jsonb_populate_record(old, jsonb_build_object(
    'id', fresh.id, 'root_id', fresh.id, 'session_id', fresh.session_id, 'user_id', fresh.user_id,
    'created_at', fresh.at, 'ended_at', fresh.at)) AS made
WHERE old.id = %s
"""


def make_sessions(meter: Meter, *, like: str, prefix: str, sessions: int, runs: int, user_id: UUID | str) -> list[str]:
    """Give a user `sessions` sessions with `runs` finished runs each; return their session ids."""
    meter.execute(_TRUSTING)
    meter.execute(_SESSIONS, sessions, prefix, user_id, like)
    meter.execute(_RUNS, runs, prefix, like)
    meter.execute("SET session_replication_role = origin")
    meter.execute("ANALYZE agents_session, agents_run")
    return [f"{prefix}{number}" for number in range(1, sessions + 1)]
