"""The gate in SQL: statements that the journal commits with a step, in the system role, inside the flush.

One asks for an approval when a step begins to wait, one spends it when the tool really starts, one takes it back when
the tool has become another one. Each touches exactly one row or refuses the write, so a forged answer or changed
arguments stop at the database. Of the versions of a step's approval only the newest is ever spent, and only with the
votes of as many people as it takes, none of whom asked for it.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from accounts.models import ServiceAccount
from agentos.core.types import Json, JsonObject, canonical_sha256, json_text
from agents.engine.run_info import RunInfo
from agents.engine.status import StepState
from agents.engine.steps import Statement, StepRecord
from agents.engine.tools import Tool
from agents.models import Run, Step
from agents.services.authority import AUTHORITY
from agents.services.sql import columns, table
from governance.models import Approval, ApprovalStatus, StandingRule, Vote
from governance.policy.rules import PLAIN, Terms

EXACT_INTEGER: Final = 2**53 - 1  # beyond it RFC 8785 knows no integers, and a float is no longer exact
WARNS_AFTER: Final = 0.75  # of the time that an approval waits

_ASKED: Final = (
    "id", "tenant", "run", "step_path", "tool_call_id", "tool_name", "tool_version", "component_id",
    "arguments", "args_hash", "effect_text", "requester", "status", "reason", "version", "expires_at", "warn_at",
    "quorum", "approver_roles", "approvers", "separate", "reasoned", "escalation_role", "escalate_at", "is_demo",
    "created_at",
)  # fmt: skip
_CONSENTED: Final = (
    "id", "tenant", "run", "step_path", "tool_call_id", "tool_name", "tool_version", "component_id", "arguments",
    "args_hash", "effect_text", "requester", "is_demo", "status", "reason", "version", "decided_by", "standing_rule",
    "quorum", "approver_roles", "separate", "escalation_role", "decided_at", "consumed_at", "expires_at", "created_at",
)  # fmt: skip
_ANSWERED: Final = "it has been answered meanwhile."
_NOT_ASKED_TWICE: Final = "This call has been asked for and decided before: call the tool again to ask anew."
_NO_CONSENT: Final = "the consent that was given in advance has ended: call the tool again to ask for an approval."
_NOT_APPROVED: Final = (
    "there is no approval for exactly this call: it was not approved, it is spent, or the call is not the approved one."
)


def arguments_hash(
    *, tool_name: str, tool_version: str, arguments: JsonObject, run_id: UUID, step_path: str, tenant_id: UUID
) -> str:
    """Return what an approval is bound to: the hex SHA-256 of the call, its place and its tenant (RFC 8785).

    The same before and after a round trip through jsonb. Raises: ValueError for a number that is none in JSON.
    """
    return canonical_sha256(
        {
            "tool": tool_name,
            "version": tool_version,
            "arguments": _exact(arguments),
            "run": str(run_id),
            "step": step_path,
            "tenant": str(tenant_id),
        }
    )


def hash_of_call(run: RunInfo, tool: Tool, step: StepRecord, arguments: JsonObject) -> str:
    """Return the hash of the call as it is about to run."""
    return arguments_hash(
        tool_name=tool.name,
        tool_version=tool.schema_hash,
        arguments=arguments,
        run_id=run.run_id,
        step_path=step.path,
        tenant_id=run.tenant_id,
    )


def hash_of_row(approval: Approval) -> str:
    """Return the hash of the call that an approval shows, from its own columns."""
    return arguments_hash(
        tool_name=approval.tool_name,
        tool_version=approval.tool_version,
        arguments=approval.arguments,
        run_id=approval.run_id,
        step_path=approval.step_path,
        tenant_id=approval.tenant_id,
    )


def ask(
    approval_id: UUID,
    run: RunInfo,
    tool: Tool,
    step: StepRecord,
    arguments: JsonObject,
    *,
    hours: int,
    terms: Terms = PLAIN,
) -> Statement:
    """Return the statement that stores a pending approval with its terms, as the next version after void ones.

    `hours` is how long it waits. Asking again for the same pending call is fine.
    """
    call = hash_of_call(run, tool, step, arguments)
    parameters = (
        approval_id, run.tenant_id, run.run_id, step.path, step.tool_call_id[:200], tool.name,
        tool.schema_hash, run.spec.id, json_text(arguments), call, tool.effect_text(arguments), run.user_id,
        ApprovalStatus.PENDING.value, run.tenant_id, run.run_id, step.path, hours, hours * WARNS_AFTER, terms.quorum,
        list(terms.roles), None if terms.people is None else list(terms.people), terms.separate, terms.reasoned,
        terms.escalation_role, terms.escalation_hours, run.tenant_id, run.run_id, ApprovalStatus.PENDING.value,
    )  # fmt: skip
    return Statement(_ask_sql(), parameters, _NOT_ASKED_TWICE)


def spend(run: RunInfo, tool: Tool, step: StepRecord, arguments: JsonObject) -> Statement:
    """Return the statement that uses an approval up as the tool starts.

    A call that had started before, of a tool that may be repeated, goes on under its spent approval.
    """
    call = hash_of_call(run, tool, step, arguments)
    begun_before = step.attempts > 0 and tool.repeat != "once"
    parameters = (run.tenant_id, run.run_id, step.path, ApprovalStatus.APPROVED.value, call, begun_before)
    return Statement(_spend_sql(), parameters, _NOT_APPROVED)


def consent(
    approval_id: UUID, rule_id: UUID, run: RunInfo, tool: Tool, step: StepRecord, arguments: JsonObject
) -> Statement:
    """Return the statement that counts one use of a standing rule, and keeps it as an approval that is spent.

    It refuses when the rule is used up, over or revoked by then, or its maker's own run asks, or one that a service
    key started which she was shown.
    """
    call = hash_of_call(run, tool, step, arguments)
    parameters = (
        run.tenant_id, rule_id, tool.name, run.spec.id, run.user_id, run.user_id,
        run.tenant_id, run.run_id,
        approval_id, run.tenant_id, run.run_id, step.path, step.tool_call_id[:200], tool.name, tool.schema_hash,
        run.spec.id, json_text(arguments), call, tool.effect_text(arguments), run.user_id, run.tenant_id, run.run_id,
    )  # fmt: skip
    return Statement(_consent_sql(), parameters, _NO_CONSENT)


def void(run: RunInfo, step: StepRecord, reason: str) -> Statement:
    """Return the statement that takes back a step's approval, while it is as the step knows it and not spent."""
    known = ApprovalStatus.PENDING if step.state is StepState.WAITING else ApprovalStatus.APPROVED
    sql = (
        f"UPDATE {table(Approval)} SET status = %s, reason = %s, decided_at = coalesce(decided_at, now()) "
        "WHERE tenant_id = %s AND run_id = %s AND step_path = %s AND status = %s AND consumed_at IS NULL"
    )
    return Statement(
        sql, (ApprovalStatus.VOID.value, reason, run.tenant_id, run.run_id, step.path, known.value), _ANSWERED
    )


def still_waits(run: RunInfo, step: StepRecord) -> Statement:
    """Return the statement that fails when a waiting step has been answered meanwhile."""
    sql = f"UPDATE {table(Step)} SET state = state WHERE tenant_id = %s AND run_id = %s AND path = %s AND state = %s"
    return Statement(sql, (run.tenant_id, run.run_id, step.path, StepState.WAITING.value), _ANSWERED)


def _ask_sql() -> str:
    is_demo = f"SELECT r.is_demo FROM {table(Run)} r WHERE r.tenant_id = %s AND r.id = %s"
    version = (
        f"SELECT coalesce(max(v.version) FILTER (WHERE v.status <> '{ApprovalStatus.VOID.value}'), "
        f"max(v.version) + 1, 1) FROM {table(Approval)} v "
        "WHERE v.tenant_id = %s AND v.run_id = %s AND v.step_path = %s"
    )
    return (
        f"INSERT INTO {table(Approval)} AS a ({columns(Approval, _ASKED)}) "
        f"VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s::jsonb, %s, %s, %s, %s, '', ({version}), "
        "now() + make_interval(hours => %s::int), now() + make_interval(secs => %s::float8 * 3600), "
        "%s, %s::varchar[], %s::uuid[], %s, %s, %s, now() + make_interval(hours => %s::int), "
        f"coalesce(({is_demo}), false), now()) "
        "ON CONFLICT (tenant_id, run_id, step_path, version) DO UPDATE SET id = EXCLUDED.id "
        "WHERE a.status = %s AND a.args_hash = EXCLUDED.args_hash"
    )


def _consent_sql() -> str:
    is_demo = f"SELECT r.is_demo FROM {table(Run)} r WHERE r.tenant_id = %s AND r.id = %s"
    return (
        f"WITH used AS (UPDATE {table(StandingRule)} s SET used = s.used + 1 "
        "WHERE s.tenant_id = %s AND s.id = %s AND s.tool_name = %s AND s.component_id = %s "
        "AND s.created_by_id <> %s AND (s.requester_id IS NULL OR s.requester_id = %s) "
        "AND s.revoked_at IS NULL AND s.until > now() AND s.used < s.most "
        f"AND NOT EXISTS ({_shown_its_key('%s', '%s', 's.created_by_id')}) "
        "RETURNING s.id, s.created_by_id, s.reason, s.until) "
        f"INSERT INTO {table(Approval)} ({columns(Approval, _CONSENTED)}) "
        "SELECT %s, %s, %s, %s, %s, %s, %s, %s, %s::jsonb, %s, %s, %s, "
        f"coalesce(({is_demo}), false), '{ApprovalStatus.APPROVED.value}', used.reason, 1, used.created_by_id, "
        "used.id, 1, '{}', false, '', now(), now(), used.until, now() FROM used ON CONFLICT DO NOTHING"
    )


def _spend_sql() -> str:
    newer = (
        f"SELECT 1 FROM {table(Approval)} n WHERE n.tenant_id = a.tenant_id AND n.run_id = a.run_id "
        "AND n.step_path = a.step_path AND n.version > a.version"
    )
    votes = (
        f"FROM {table(Vote)} v WHERE v.tenant_id = a.tenant_id AND v.approval_id = a.id AND v.version = a.version "
        "AND v.args_hash = a.args_hash AND"
    )
    people = (
        f"SELECT count(DISTINCT coalesce(v.in_place_of_id, v.voter_id)) {votes} v.approves "
        "AND v.voter_id <> a.requester_id AND v.in_place_of_id IS DISTINCT FROM a.requester_id "
        f"AND NOT EXISTS ({_shown_its_key('a.tenant_id', 'a.run_id', 'v.voter_id, v.in_place_of_id')})"
    )
    return (
        f"UPDATE {table(Approval)} a SET consumed_at = coalesce(a.consumed_at, now()) "
        "WHERE a.tenant_id = %s AND a.run_id = %s AND a.step_path = %s AND a.status = %s AND a.args_hash = %s "
        "AND a.decided_by_id IS DISTINCT FROM a.requester_id AND (a.consumed_at IS NULL OR %s) "
        f"AND NOT EXISTS ({newer}) AND NOT EXISTS (SELECT {votes} NOT v.approves) "
        f"AND (a.standing_rule_id IS NOT NULL OR ({people}) >= a.quorum)"
    )


def _shown_its_key(tenant: str, run: str, people: str) -> str:
    """Return the query for the service account by which a run was started, if one of these was shown its key."""
    return (
        f"SELECT 1 FROM {table(Run)} r JOIN {table(ServiceAccount)} k "
        f"ON k.tenant_id = r.tenant_id AND k.id = (r.spec #>> '{{{AUTHORITY},account}}')::uuid "
        f"WHERE r.tenant_id = {tenant} AND r.id = {run} AND k.shown_to && ARRAY[{people}]"
    )


def _exact(value: Json) -> Json:
    """Spell whole numbers beyond 2**53 out: neighbours keep their own hashes, and jsonb rewrites 1e22 as digits.

    `~` marks such a number; a key that begins with it gets another, so that no object can pass for a number.
    """
    if isinstance(value, dict):
        return {f"~{key}" if key.startswith("~") else key: _exact(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_exact(item) for item in value]
    is_whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    if is_whole and abs(value) > EXACT_INTEGER:
        return {"~": str(int(value))}
    return value
