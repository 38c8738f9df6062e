"""Rows that a measurement needs, made by SQL as the superuser.

A budget; and old sessions and runs: copies of a run that the server has really stored.
"""

from __future__ import annotations

from uuid import UUID

from agentos.bench.meter import Meter
from agents.engine.history import OVERDUE
from agents.engine.spec import AgentSpec

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
# A session with five windows has been summed up, as its jobs leave it. Each has come another way towards the next
# summary, evenly: from one to five windows of short runs stand behind the last.
_SUMMARIES = """
INSERT INTO agents_sessionsummary
    (id, tenant_id, user_id, session_id, made_by_id, until_at, until_id, runs, text, created_at)
SELECT uuidv7(), last.tenant_id, last.user_id, last.session_id, last.id, last.ended_at, last.id, place.runs,
    repeat('The user said "ok" and was told some forty words. ', 40), last.ended_at
FROM agents_session session CROSS JOIN LATERAL (
    SELECT %s - (substring(session.session_id FROM '[0-9]+$')::int - 1) * %s / %s AS runs
) AS place CROSS JOIN LATERAL (
    SELECT run.* FROM agents_run run
    WHERE run.tenant_id = session.tenant_id AND run.session_id = session.id
    ORDER BY run.created_at LIMIT 1 OFFSET place.runs - 1
) AS last
WHERE starts_with(session.session_id, %s)
"""

_BUDGET = """
INSERT INTO governance_budget
    (id, tenant_id, name, measure, period, "limit", each_user, component_kind, component_id, is_active, created_at,
    updated_at)
SELECT gen_random_uuid(), id, 'money per day', 'usd', 'day', 1000000, false, '', '', true, now(), now()
FROM accounts_tenant WHERE slug = %s
"""


def make_budget(meter: Meter, tenant: str) -> None:
    """Give a tenant a budget that nothing here exceeds: what it costs to keep one is part of every figure."""
    meter.execute(_BUDGET, tenant)


def make_sessions(meter: Meter, *, like: str, prefix: str, sessions: int, runs: int, user_id: UUID | str) -> list[str]:
    """Give a user `sessions` sessions with `runs` finished runs each; return their session ids."""
    meter.execute(_TRUSTING)
    meter.execute(_SESSIONS, sessions, prefix, user_id, like)
    meter.execute(_RUNS, runs, prefix, like)
    if runs >= OVERDUE * AgentSpec.history_runs:
        window = AgentSpec.history_runs
        meter.execute(_SUMMARIES, runs - window, (OVERDUE - 1) * window, sessions, prefix)
    meter.execute("SET session_replication_role = origin")
    meter.execute("VACUUM (ANALYZE) agents_session, agents_run, agents_sessionsummary")
    return [f"{prefix}{number}" for number in range(1, sessions + 1)]
