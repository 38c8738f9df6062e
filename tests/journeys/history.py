"""A month of runs and approvals, put into a tenant's tables as the engine leaves them: for lists and dashboards."""

from __future__ import annotations

import json
import random
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

DAYS = 30
_RUN = """
INSERT INTO agents_run (id, tenant_id, user_id, session_id, root_id, component_kind, component_id, spec, spec_hash,
    model, status, fence, lease_owner, recoveries, cancel_requested, input, output, error_code, error_text, usage,
    cost_usd, is_demo, created_at, ended_at)
SELECT %(id)s, s.tenant_id, s.user_id, s.id, %(id)s, 'agent', s.component_id, %(spec)s, '',
    'sandbox-strong', %(status)s, 0, '', 0, false, %(input)s, %(output)s, %(code)s, '', %(usage)s, %(cost)s, true,
    %(begun)s, %(ended)s
FROM agents_session s WHERE s.id = %(session)s
"""
_STEP = """
INSERT INTO agents_step (id, tenant_id, user_id, run_id, path, seq, kind, name, state, tool_call_id, args_hash,
    idempotency_key, request, error, attempts, started_at, ended_at)
SELECT %(step)s, tenant_id, user_id, id, '1.0', 2, 'tool', 'process_refund', %(state)s, 'call_1', '', '', '{}', '', 1,
    created_at, ended_at FROM agents_run WHERE id = %(id)s
"""
_APPROVAL = """
INSERT INTO governance_approval (id, tenant_id, run_id, step_path, tool_call_id, tool_name, tool_version, component_id,
    arguments, args_hash, effect_text, version, requester_id, status, reason, decided_by_id, decided_at, expires_at,
    is_demo, created_at, approver_roles)
SELECT %(approval)s, r.tenant_id, r.id, '1.0', 'call_1', 'process_refund', '1', r.component_id, %(arguments)s, '',
    %(says)s, 1, r.user_id, %(decision)s, %(reason)s, u.id, %(decided)s, %(decided)s, true, r.created_at, '{}'
FROM agents_run r, accounts_user u WHERE r.id = %(id)s AND u.email = %(decider)s
"""


def write(database_url: str, *, tenant: str = "acme", seed: int = 7) -> int:
    """Insert the month that ended yesterday, as a superuser; return how many runs. The same each time but for ids."""
    chance = random.Random(seed)
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    with psycopg.connect(database_url) as connection:
        sessions = _sessions(connection, tenant)
        made = 0
        for back in range(1, DAYS):
            day = today - timedelta(days=back)
            busy = 4 if day.weekday() >= 5 else 11
            for _ in range(chance.randint(busy, 2 * busy)):
                begun = day + timedelta(hours=chance.uniform(7, 19))
                _insert(connection, chance, sessions, begun, f"approver@{tenant}.test")
                made += 1
    return made


def _sessions(connection: Any, tenant: str) -> dict[str, uuid.UUID]:
    rows = connection.execute(
        "SELECT DISTINCT ON (component_id) component_id, s.id FROM agents_session s "
        "JOIN accounts_tenant t ON t.id = s.tenant_id WHERE t.slug = %s",
        [tenant],
    )
    return dict(rows.fetchall())


def _insert(connection: Any, chance: random.Random, sessions: dict[str, uuid.UUID], begun: datetime, by: str) -> None:
    agent = chance.choice(["approvals", "helpdesk", "helpdesk"])
    status = chance.choices(["completed", "error", "cancelled"], [92, 6, 2])[0]
    blocked = status == "error" and chance.random() < 0.3
    first, tokens = chance.lognormvariate(-0.7, 0.5), int(chance.lognormvariate(7.2, 0.5))
    wait = timedelta(seconds=chance.lognormvariate(6.5, 1.2)) if agent == "approvals" else timedelta(seconds=4)
    customer, amount = f"C-{chance.randint(1000, 4000)}", chance.choice([40, 80, 120, 250, 900])
    run: dict[str, Any] = {
        "id": uuid.uuid4(),
        "session": sessions[agent],
        "status": status,
        "input": None if blocked else f"Please refund ${amount} to {customer}" if agent == "approvals" else "Is it up?",
        "output": "Done." if status == "completed" else None,
        "code": "input_blocked" if blocked else "provider_error" if status == "error" else "",
        "usage": json.dumps({} if blocked else {"total_tokens": tokens, "time_to_first_token": round(first, 3)}),
        "cost": None if blocked else round(tokens * 4e-6, 6),
        "begun": begun,
        "ended": begun + wait,
        "spec": json.dumps(_noted(chance, blocked)),
    }
    connection.execute(_RUN, run)
    if agent != "approvals" or blocked:
        return
    decision = chance.choices(["approved", "rejected", "expired"], [85, 12, 3])[0]
    done = {"approved": "done", "rejected": "refused", "expired": "refused"}[decision]
    connection.execute(_STEP, {**run, "step": uuid.uuid4(), "state": done})
    call = {
        "approval": uuid.uuid4(),
        "arguments": json.dumps({"customer_id": customer, "amount": amount, "reason": "billed twice"}),
        "says": f"Refund ${amount}.00 to {customer}",
        "decision": decision,
        "reason": "The carrier shows it as delivered." if decision == "rejected" else "",
        "decided": begun + wait,
        "decider": by,
    }
    connection.execute(_APPROVAL, {**run, **call})


def _noted(chance: random.Random, blocked: bool) -> dict[str, Any]:
    """Return what guards did about a run's message, as its spec keeps it."""
    guard, kinds = chance.choice([("pii", ["ssn"]), ("injection", ["prompt_injection"]), ("secrets", ["openai_key"])])
    if not blocked and chance.random() > 0.06:
        return {}
    did = "block" if blocked else "flag" if guard == "injection" else "redact"
    return {"guards": [{"guard": guard, "did": did, "place": "input", "kinds": kinds}]}
