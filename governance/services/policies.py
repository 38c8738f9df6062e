"""Changes a tenant's policy: a draft is filled, checked, put in force as the next version, and gone back from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import Max, QuerySet
from django.db.models.functions import Now

from accounts import audit
from accounts.principals import Principal
from accounts.tenancy import tenant_scope
from agentos.core.errors import Conflict, Invalid, NotFound
from agentos.core.types import JsonObject, clean_text
from governance.models import PolicyRule, PolicyStatus, PolicyVersion
from governance.policy import checks
from governance.policy.in_force import kept
from governance.policy.wanted import FIELDS as FIELDS
from governance.policy.wanted import Wanted as Wanted
from governance.policy.wanted import wanted_of

READ, WRITE, LOOSEN = "policies:read", "policies:write", "policies:loosen"
MOST_RULES: Final = 200
MAX_REASON_CHARS: Final = 500


def draft(principal: Principal) -> PolicyVersion:
    """Return the tenant's draft; a new one begins as a copy of what is in force. Audited; commits.

    Raises: PolicyDenied, Conflict when somebody else begins one now.
    """
    principal.require(WRITE)
    with tenant_scope(principal.tenant_id, principal.user_id):
        if (found := _drafts(principal).first()) is not None:
            return found
        made = _begin(principal, _rules_of(_active(principal)))
        _record(principal, "policy.drafted", made)
    return made


def put(
    principal: Principal, *, tool: str, rules: Sequence[Wanted], reason: str = "", activate: bool = True
) -> PolicyVersion:
    """Replace the rules of one tool or pattern, at once in force or in the draft. Audited; commits.

    Raises: PolicyDenied, Invalid for a rule that does not fit, Conflict when a draft stands in the way of `activate`.
    """
    if any(rule.tool != tool for rule in rules):
        raise Invalid("The rules are not all about this tool.", code="other_tool")
    principal.require(WRITE)
    with tenant_scope(principal.tenant_id, principal.user_id):
        made = _drafts(principal).select_for_update().first()
        if made is not None and activate:
            raise Conflict("There is a draft: put it in force or discard it first.", code="draft_exists")
        made = made or _begin(principal, _rules_of(_active(principal)))
        others = [rule for rule in _rules_of(made) if rule.tool != tool]
        _fill(principal, made, [*others, *rules], reason)
        if activate:
            _activate(principal, made)
        else:
            _record(principal, "policy.changed", made, tool=tool)
        transaction.on_commit(kept.forget)
    return made


def fill(principal: Principal, *, rules: Sequence[Wanted], reason: str = "") -> PolicyVersion:
    """Give the draft these rules and no others. Audited; commits. Raises: PolicyDenied, Invalid, Conflict."""
    principal.require(WRITE)
    with tenant_scope(principal.tenant_id, principal.user_id):
        made = _drafts(principal).select_for_update().first() or _begin(principal, ())
        _fill(principal, made, rules, reason)
        _record(principal, "policy.changed", made)
    return made


def activate(principal: Principal, *, reason: str = "") -> PolicyVersion:
    """Put the draft in force, within two seconds in every process. Audited; commits.

    Raises: PolicyDenied without policies:write, or policies:loosen for a rule that newly loosens; NotFound, Invalid.
    """
    principal.require(WRITE)
    with tenant_scope(principal.tenant_id, principal.user_id):
        made = _drafts(principal).select_for_update().first()
        if made is None:
            raise NotFound("There is no draft.")
        made.reason = _cleaned(reason) or made.reason
        _activate(principal, made)
        transaction.on_commit(kept.forget)
    return made


def roll_back(principal: Principal, *, number: int, reason: str) -> PolicyVersion:
    """Put the rules of an earlier version in force anew, as a new version. A draft stays. Audited; commits.

    Raises: PolicyDenied as `activate`, NotFound, Invalid when a tool has changed since so that a rule no longer fits.
    """
    principal.require(WRITE)
    with tenant_scope(principal.tenant_id, principal.user_id):
        earlier = _versions(principal).exclude(status=PolicyStatus.DRAFT).filter(number=number).first()
        if earlier is None:
            raise NotFound("There is no such version that was in force.")
        if _drafts(principal).exists():
            raise Conflict("There is a draft: put it in force or discard it first.", code="draft_exists")
        made = _begin(principal, _rules_of(earlier))
        made.restores, made.reason = number, _cleaned(reason)
        _activate(principal, made)
        transaction.on_commit(kept.forget)
    return made


def discard(principal: Principal) -> None:
    """Drop the draft. Audited; commits. Raises: PolicyDenied, NotFound."""
    principal.require(WRITE)
    with tenant_scope(principal.tenant_id, principal.user_id):
        found = _drafts(principal).select_for_update().first()
        if found is None:
            raise NotFound("There is no draft.")
        _record(principal, "policy.discarded", found)
        found.rules.all().delete()
        found.delete()


def _versions(principal: Principal) -> QuerySet[PolicyVersion]:
    return PolicyVersion.objects.filter(tenant_id=principal.tenant_id)


def _drafts(principal: Principal) -> QuerySet[PolicyVersion]:
    return _versions(principal).filter(status=PolicyStatus.DRAFT)


def _active(principal: Principal) -> PolicyVersion | None:
    return _versions(principal).filter(status=PolicyStatus.ACTIVE).first()


def _rules_of(version: PolicyVersion | None) -> list[Wanted]:
    return wanted_of(version.rules.order_by("position")) if version else []


def _begin(principal: Principal, rules: Sequence[Wanted]) -> PolicyVersion:
    newest = _versions(principal).aggregate(newest=Max("number"))["newest"] or 0
    try:
        with transaction.atomic():
            made = PolicyVersion.objects.create(
                tenant_id=principal.tenant_id, number=newest + 1, created_by_id=principal.user_id
            )
    except IntegrityError:
        raise Conflict("Somebody else begins a draft now: look at theirs.", code="draft_exists") from None
    _store(made, rules)
    return made


def _fill(principal: Principal, version: PolicyVersion, rules: Sequence[Wanted], reason: str) -> None:
    checks.check(principal, rules)
    version.rules.all().delete()
    _store(version, rules)
    version.reason = _cleaned(reason) or version.reason
    version.save(update_fields=["reason"])


def _store(version: PolicyVersion, rules: Sequence[Wanted]) -> None:
    if len(rules) > MOST_RULES:
        raise Invalid(f"A policy has at most {MOST_RULES} rules.", code="too_many_rules")
    PolicyRule.objects.bulk_create(
        PolicyRule(
            tenant_id=version.tenant_id,
            version=version,
            position=place,
            **{name: getattr(rule, name) for name in FIELDS} | {"approvers": list(rule.approvers)},
        )
        for place, rule in enumerate(rules, 1)
    )


def _activate(principal: Principal, version: PolicyVersion) -> None:
    """Make a checked draft the one in force. The caller holds the scope; the old version's row is locked first."""
    before = _versions(principal).filter(status=PolicyStatus.ACTIVE).select_for_update().first()
    rules, stood = _rules_of(version), _rules_of(before)
    checks.check(principal, rules)
    loosening = [rule for rule in rules if rule.loosens]
    if any(rule not in stood for rule in loosening):
        principal.require(LOOSEN)
    if before is not None:
        before.status = PolicyStatus.SUPERSEDED
        before.save(update_fields=["status"])
    version.status, version.activated_by_id, version.activated_at = PolicyStatus.ACTIVE, principal.user_id, Now()
    version.save(update_fields=["status", "activated_by", "activated_at", "restores", "reason"])
    action = "policy.loosened" if loosening else "policy.activated"
    _record(principal, action, version, loosens=[rule.tool for rule in loosening], restores=version.restores)
    version.refresh_from_db()


def _cleaned(reason: str) -> str:
    return clean_text(reason).strip()[:MAX_REASON_CHARS]


def _record(principal: Principal, action: str, version: PolicyVersion, **detail: object) -> None:
    facts: JsonObject = {"number": version.number, "reason": version.reason}
    facts |= {name: value for name, value in detail.items() if value}
    entry = audit.Entry(action, "policy", str(version.id), facts, principal.user_id)
    audit.append([entry], tenant_id=principal.tenant_id)
