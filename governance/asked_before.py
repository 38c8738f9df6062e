"""What people were asked before about calls like this one, read just before they are asked again."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Final

from django.conf import settings
from django.db import connections

from agentos.core.types import JsonObject
from agents.engine.run_info import RunInfo
from agents.engine.status import StepKind, StepState
from agents.engine.steps import AuditEntry, Statement, StepRecord
from agents.engine.verdicts import Hold, Refuse, Require
from agents.models import Run, Step
from agents.services.sql import table
from governance.models import Approval, ApprovalStatus
from governance.policy.likeness import likeness

MOST_REFUSALS: Final = 2
MOST_OF_TOOL: Final = 6  # of whatever calls: other arguments each time are a way to go on asking, too
_LATEST_RUNS: Final = 200
_REFUSED: Final = (
    f"{MOST_REFUSALS} requests like this one have been refused in this session already, so nobody is asked again. "
    "Tell the user, and do something else."
)
_REFUSED_TOOL: Final = (
    f"{MOST_OF_TOOL} requests to use this tool have been refused in this session already, so nobody is asked again. "
    "Tell the user, and do something else."
)
_PENDING: Final = f"SELECT count(*) FROM {table(Approval)} WHERE tenant_id = %s AND status = '{ApprovalStatus.PENDING}'"
_READ: Final = f"""
SELECT ({_PENDING} AND run_id = %s), ({_PENDING} AND requester_id = %s), EXISTS (
    SELECT 1 FROM {table(Approval)} WHERE tenant_id = %s AND run_id = %s AND step_path = %s
    AND standing_rule_id IS NOT NULL
), (
    SELECT coalesce(jsonb_agg(s.request -> 'arguments'), '[]') FROM {table(Step)} s JOIN (
        SELECT r.tenant_id, r.id FROM {table(Run)} r JOIN {table(Run)} this
        ON this.tenant_id = r.tenant_id AND this.session_id = r.session_id
        WHERE this.tenant_id = %s AND this.id = %s ORDER BY r.created_at DESC LIMIT {_LATEST_RUNS}
    ) r ON s.tenant_id = r.tenant_id AND s.run_id = r.id
    WHERE s.kind = '{StepKind.TOOL}' AND s.name = %s AND s.state = '{StepState.REFUSED}'
    AND s.answer ->> 'confirmed' = 'false'
)::text
"""
_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"
_OTHERS: Final = f"{_PENDING} AND NOT (run_id = %s AND step_path = %s)"
_ROOM: Final = f"SELECT 1 WHERE ({_OTHERS} AND run_id = %s) < %s AND ({_OTHERS} AND requester_id = %s) < %s"
_FULL: Final = "as many approvals wait as may: call the tool again later."
_HOLD: Final = f"UPDATE {table(Run)} SET pause_requested = true, pause_reason = %s WHERE tenant_id = %s AND id = %s"


@dataclass(frozen=True, slots=True)
class Before:
    """How many like calls were refused in the session, and how many approvals wait: of the run, of its user.

    `by_rule` tells that a standing rule has let this very call begin, `refused_of_tool` counts refusals of all calls of
    the tool.
    """

    refused: int
    waiting_of_run: int
    waiting_of_user: int
    by_rule: bool = False
    refused_of_tool: int = 0


def read(run: RunInfo, step: StepRecord, arguments: JsonObject) -> Before:
    """Read it in the system role: the machine asks, whoever the run acts for."""
    tenant, run_id = run.tenant_id, run.run_id
    parameters = (tenant, run_id, tenant, run.user_id, tenant, run_id, step.path, tenant, run_id, step.name)
    with connections["system"].cursor() as cursor:
        cursor.execute(_READ, parameters)
        of_run, of_user, by_rule, refused = cursor.fetchone()
    wanted, calls = likeness(arguments), json.loads(refused)
    alike = sum(1 for each in calls if likeness(each) == wanted)
    return Before(alike, of_run, of_user, by_rule, len(calls))


def refusal(before: Before) -> Refuse | None:
    """Return why nobody is asked: people have said no to this."""
    if before.refused >= MOST_REFUSALS:
        return Refuse(_REFUSED)
    return Refuse(_REFUSED_TOOL) if before.refused_of_tool >= MOST_OF_TOOL else None


def flood(run: RunInfo, before: Before) -> Hold | None:
    """Return why nobody is asked yet: too many approvals wait already."""
    if before.waiting_of_run >= settings.APPROVALS_PER_RUN:
        return _held(run, f"{before.waiting_of_run} approvals of this run wait already")
    if before.waiting_of_user >= settings.APPROVALS_PER_USER:
        return _held(run, f"{before.waiting_of_user} approvals of this user wait already")
    return None


def bounded(run: RunInfo, step: StepRecord, verdict: Require) -> Require:
    """Let the call be asked about only if there still is room when that is stored, whoever asks in the same moment.

    A user's runs are counted one after the other, under a lock that is taken behind the run's and before the trail's.
    """
    call = run.tenant_id, run.run_id, step.path
    of_run, of_user = (*call, run.run_id), (*call, run.user_id)
    room = Statement(_ROOM, (*of_run, settings.APPROVALS_PER_RUN, *of_user, settings.APPROVALS_PER_USER), _FULL)
    lock = Statement(_LOCK, (f"agentos.asking.{run.tenant_id}.{run.user_id}",), _FULL)
    return replace(verdict, statements=(lock, room, *verdict.statements))


def _held(run: RunInfo, reason: str) -> Hold:
    statement = Statement(_HOLD, (reason, run.tenant_id, run.run_id), "there is no such run.")
    return Hold(reason, (statement,), (AuditEntry("run.held", "run", str(run.run_id), {"reason": reason}),))
