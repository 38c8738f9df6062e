"""Standing rules: consent in advance to so many calls of the like, until a time. The gate looks for them here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from accounts import audit, principals
from accounts.principals import Principal
from accounts.tenancy import tenant_scope
from agentos.core.clock import rfc3339_ms
from agentos.core.errors import Invalid, NotFound
from agentos.core.types import JsonObject, clean_text
from agents.engine.run_info import RunInfo
from agents.engine.tools import Tool
from agents.registry import registry
from governance.models import StandingRule
from governance.policy import conditions, rules
from governance.policy.conditions import MAX_CONDITIONS, Condition
from governance.policy.rules import Terms
from governance.services import revoking
from governance.services.delegations import DECIDE, READ, check_person, check_until
from governance.services.voting import is_one_of

REVOKED_BY: Final = ("created_by_id",)
MOST_USES: Final = 1_000
MOST_REASON_CHARS: Final = 200


@dataclass(frozen=True, slots=True)
class Wanted:
    """A standing rule as somebody wants it; `requester_id` None: for what anybody else asks."""

    component_id: str
    tool_name: str
    conditions: Sequence[str]
    most: int
    until: datetime
    reason: str
    requester_id: UUID | None = None


def make(principal: Principal, wanted: Wanted) -> StandingRule:
    """Consent in advance. Commits; audited. Raises: PolicyDenied, Invalid."""
    check_person(principal)
    principal.require(DECIDE)
    lines = _checked_conditions(wanted)
    check_until(wanted.until)
    reason = clean_text(wanted.reason).strip()
    if not 1 <= len(reason) <= MOST_REASON_CHARS:
        raise Invalid(f"Say why, in at most {MOST_REASON_CHARS} characters.", code="reason_missing")
    if not 1 <= wanted.most <= MOST_USES:
        raise Invalid(f"`most` is 1 to {MOST_USES}.", code="bad_most")
    if wanted.requester_id == principal.user_id:
        raise Invalid("Nobody consents in advance to what she asks herself.", code="own_request")
    with tenant_scope(principal.tenant_id, principal.user_id):
        made = StandingRule.objects.create(
            tenant_id=principal.tenant_id,
            component_id=wanted.component_id,
            tool_name=wanted.tool_name,
            conditions="\n".join(map(str, lines)),
            requester_id=wanted.requester_id,
            most=wanted.most,
            until=wanted.until,
            reason=reason,
            created_by_id=principal.user_id,
        )
        _record(principal, "standing_rule.made", made)
    return made


def revoke(principal: Principal, *, rule_id: UUID) -> StandingRule:
    """Take a standing rule back: its maker, or who manages approvals. Commits; audited.

    Raises: NotFound, PolicyDenied, Conflict when that was done before.
    """
    check_person(principal)
    with tenant_scope(principal.tenant_id, principal.user_id):
        found = revoking.revoke(principal, visible(principal), rule_id, by=REVOKED_BY)
        _record(principal, "standing_rule.revoked", found)
    return found


def visible(principal: Principal) -> QuerySet[StandingRule]:
    """Return all rules for who reads approvals, else those by her and for her. Caller holds the scope."""
    rows = StandingRule.objects.filter(tenant_id=principal.tenant_id).select_related("created_by", "requester")
    hers = Q(created_by_id=principal.user_id) | Q(requester_id=principal.user_id)
    return rows if principal.has(READ) else rows.filter(hers)


def find(run: RunInfo, tool: Tool, arguments: JsonObject, terms: Terms) -> StandingRule | None:
    """Return a rule that consents to this call: of somebody who may still decide it, and none where it takes more.

    The machine's own look-up, in the system role; the gate's statement counts its use.
    """
    if terms.quorum > 1 or terms.separate:
        return None
    live = StandingRule.objects.using("system").filter(
        tenant_id=run.tenant_id, component_id=run.spec.id, tool_name=tool.name, revoked_at=None, until__gt=Now()
    )
    live = live.filter(Q(requester_id=run.user_id) | Q(requester=None), used__lt=F("most"))
    for rule in live.exclude(created_by_id=run.user_id).order_by("until", "id"):
        if _meets(rule, arguments) and _may_decide(rule, terms, run):
            return rule
    return None


def _meets(rule: StandingRule, arguments: JsonObject) -> bool:
    lines = rule.conditions.splitlines()
    return bool(lines) and all(conditions.holds(conditions.parse(line), arguments) for line in lines)


def _may_decide(rule: StandingRule, terms: Terms, run: RunInfo) -> bool:
    maker = principals.load(rule.created_by_id, rule.tenant_id)
    if maker is None or run.account_id in maker.keys:
        return False
    return maker.has(DECIDE) and is_one_of(maker, terms.roles, terms.people)


def _checked_conditions(wanted: Wanted) -> list[Condition]:
    """Return the conditions as they are kept. Raises: Invalid for a tool that is not there, and for none at all."""
    try:
        tool = registry.get("agent", wanted.component_id).tool(wanted.tool_name)
    except NotFound:
        tool = None
    if tool is None or rules.asks_for_data(tool):
        raise Invalid("There is no such tool that waits for consent.", code="unknown_tool")
    lines = [conditions.parse(line) for line in wanted.conditions if line.strip()]
    if not 1 <= len(lines) <= MAX_CONDITIONS:
        raise Invalid(f"Say which calls: 1 to {MAX_CONDITIONS} conditions.", code="bad_condition")
    for line in lines:
        conditions.check(line, tool.parameters, tool.name)
    return lines


def _record(principal: Principal, action: str, rule: StandingRule) -> None:
    detail = {
        "tool": rule.tool_name,
        "component": rule.component_id,
        "most": rule.most,
        "used": rule.used,
        "until": rfc3339_ms(rule.until),
    }
    personal, subjects = {"reason": rule.reason}, (rule.created_by_id,)
    entry = audit.Entry(action, "standing_rule", str(rule.id), detail, principal.user_id, personal, subjects)
    audit.append([entry], tenant_id=principal.tenant_id)
