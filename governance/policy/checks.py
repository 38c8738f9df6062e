"""Checks rules before they are stored and before they are put in force: against tools, roles and members."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, cast

from django.conf import settings
from django.db.models import Field

from accounts import scopes
from accounts.models import Membership, TenantRole
from accounts.principals import Principal
from agentos.core.errors import Invalid
from agents.engine.tools import Level, Tool
from agents.registry import registry
from governance.models import PolicyRule
from governance.policy import conditions, globs, rules
from governance.policy.conditions import MAX_CONDITIONS
from governance.policy.wanted import Wanted

MAX_STARS: Final = 10
_CONSENT: Final = tuple(level.value for level in rules.CONSENT)


def check(principal: Principal, wanted: Sequence[Wanted]) -> None:
    """Check every rule; the caller holds the tenant's scope. Raises: Invalid, naming the rule by its place."""
    for place, rule in enumerate(wanted, 1):
        try:
            _check(principal, rule)
        except Invalid as error:
            raise Invalid(
                f"Rule {place}: {error.detail}",
                code=error.code,
                errors=[{"field": f"rules.{place - 1}", "message": error.detail}],
            ) from None


def _check(principal: Principal, rule: Wanted) -> None:
    _check_texts(rule)
    tools = _tools(rule)
    lines = [line for line in rule.conditions.splitlines() if line.strip()]
    if len(lines) > MAX_CONDITIONS:
        raise Invalid(f"A rule has at most {MAX_CONDITIONS} conditions.", code="bad_condition")
    for line in lines:
        condition = conditions.parse(line)
        for tool in tools:
            conditions.check(condition, tool.parameters, tool.name)
    _check_effect(rule, tools)
    _check_terms(principal, rule)


def _check_texts(rule: Wanted) -> None:
    for name in ("tool", "component", "role", "approver_role", "escalation_role", "note", "conditions"):
        value, most = getattr(rule, name), _most_chars(name)
        if len(value) > most or "\x00" in value:
            raise Invalid(f"`{name}` is longer than {most} characters.", code="too_long")
        if name in ("tool", "component") and value.count("*") > MAX_STARS:
            raise Invalid(f"`{name}` has more than {MAX_STARS} stars.", code="bad_pattern")
    if rule.level not in _CONSENT:
        raise Invalid(f"`level` is one of {', '.join(_CONSENT)}.", code="bad_level")


def _most_chars(name: str) -> int:
    field = cast("Field[Any, Any]", PolicyRule._meta.get_field(name))
    return field.max_length or 0


def _tools(rule: Wanted) -> list[Tool]:
    """Return the installed tools that a rule is about. Raises: Invalid where there is none."""
    specs = [
        spec
        for spec in registry.all()
        if not rule.component
        or globs.matches(rule.component, spec.id)
        or globs.matches(rule.component, f"{spec.kind}:{spec.id}")
    ]
    if not specs:
        raise Invalid("There is no such component.", code="unknown_component")
    found = [tool for spec in specs for tool in spec.tools if globs.matches(rule.tool, tool.name)]
    if not found:
        raise Invalid(f"There is no tool {rule.tool!r} here.", code="unknown_tool")
    return found


def _check_effect(rule: Wanted, tools: Sequence[Tool]) -> None:
    """Refuse what could never do anything: people would rely on it."""
    level = Level(rule.level)
    if rule.loosens:
        if level is Level.DENY or not any(
            not rules.asks_for_data(tool) and rules.is_stricter(tool.level, level) for tool in tools
        ):
            raise Invalid("This loosens nothing: the tools want no more than that.", code="no_effect")
    elif level is Level.ALLOW:
        raise Invalid("A rule to allow must say that it loosens.", code="no_effect")
    elif level is not Level.DENY and all(rules.asks_for_data(tool) for tool in tools):
        raise Invalid("This tool waits for data and not for consent: a rule can only deny it.", code="no_effect")


def _check_terms(principal: Principal, rule: Wanted) -> None:
    if rule.level != Level.APPROVE and _has_terms(rule):
        raise Invalid("Only a rule to approve says how that is done.", code="no_effect")
    if not 1 <= rule.quorum <= 20:
        raise Invalid("`quorum` is 1 to 20.", code="bad_quorum")
    for hours in (rule.expiry_hours, rule.escalation_hours):
        if hours is not None and not 1 <= hours <= 24 * 90:
            raise Invalid("Hours are 1 to 2160.", code="bad_hours")
    if bool(rule.escalation_role) != (rule.escalation_hours is not None):
        raise Invalid("An escalation has both a role and hours.", code="bad_escalation")
    ends = rule.expiry_hours or settings.APPROVAL_HOURS
    if rule.escalation_hours is not None and rule.escalation_hours >= ends:
        raise Invalid(f"It has expired by then: an escalation is before the end, {ends} h.", code="bad_escalation")
    if rule.approvers and len(set(rule.approvers)) < rule.quorum:
        raise Invalid("More have to approve than are named.", code="bad_quorum")
    _check_people(principal, rule)


def _has_terms(rule: Wanted) -> bool:
    named = rule.quorum != 1 or rule.approver_role or rule.approvers or rule.separate or rule.reasoned
    return bool(named or rule.expiry_hours or rule.escalation_role or rule.escalation_hours)


def _check_people(principal: Principal, rule: Wanted) -> None:
    for role in {rule.role, rule.approver_role, rule.escalation_role} - {""}:
        if not TenantRole.objects.filter(tenant_id=principal.tenant_id, name=role).exists():
            raise Invalid(f"There is no role {role!r}.", code="unknown_role")
    for role in {rule.approver_role, rule.escalation_role} - {""}:
        held = TenantRole.objects.filter(tenant_id=principal.tenant_id, name=role).values_list("scopes", flat=True)
        if not scopes.grants(frozenset(held[0]), "approvals:decide"):
            raise Invalid(f"The role {role!r} may not decide approvals.", code="bad_role")
    if rule.approvers:
        known = Membership.objects.filter(tenant_id=principal.tenant_id, user_id__in=rule.approvers).count()
        if known != len(set(rule.approvers)):
            raise Invalid("An approver is no member here.", code="unknown_member")
