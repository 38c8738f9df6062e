"""What policies there are to read: the versions, and for each tool the level in force with its reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.core.paginator import Page, Paginator
from django.db.models import Prefetch, QuerySet

from accounts.models import TenantRole
from accounts.principals import Principal
from accounts.tenancy import tenant_scope
from agentos.core.errors import NotFound
from agents.engine.tools import Tool
from agents.registry import registry
from governance.models import PolicyRule, PolicyStatus, PolicyVersion
from governance.policy import rules
from governance.policy.in_force import compiled
from governance.policy.rules import Call, Decision, Rule
from governance.policy.wanted import Wanted, wanted_of

READ: Final = "policies:read"
MOST_VERSIONS: Final = 100
VERSIONS_A_PAGE: Final = 20


@dataclass(frozen=True, slots=True)
class ToolLevel:
    """A tool of a component, and what is in force for any call of it."""

    component: str
    tool: Tool
    decision: Decision


@dataclass(frozen=True, slots=True)
class Current:
    """The version in force and the draft, where there are such."""

    active: PolicyVersion | None
    draft: PolicyVersion | None


@dataclass(frozen=True, slots=True)
class Overview(Current):
    """What is current, and the tools under the version in force."""

    tools: list[ToolLevel]

    @property
    def loosened(self) -> bool:
        return self.active is not None and any(rule.loosens for rule in rules_of(self.active))


def current(principal: Principal) -> Current:
    """Return what is in force and what is drafted. Raises: PolicyDenied."""
    principal.require(READ)
    with tenant_scope(principal.tenant_id, principal.user_id):
        found = {row.status: row for row in _versions(principal).exclude(status=PolicyStatus.SUPERSEDED)}
    return Current(found.get(PolicyStatus.ACTIVE), found.get(PolicyStatus.DRAFT))


def overview(principal: Principal) -> Overview:
    """Return what is current, with the level in force of every tool. Raises: PolicyDenied, Invalid."""
    found = current(principal)
    return Overview(found.active, found.draft, levels(lines(found.active)))


def levels(in_force: Sequence[Rule]) -> list[ToolLevel]:
    """Return the level of every installed tool under these rules, for any role and arguments."""
    return [
        ToolLevel(place, tool, rules.decide(Call(tool, place, None, None), in_force))
        for spec in registry.all()
        for place in (f"{spec.kind}:{spec.id}",)
        for tool in spec.tools
    ]


def versions(principal: Principal) -> list[PolicyVersion]:
    """Return the newest versions with their rules, the newest first. Raises: PolicyDenied."""
    principal.require(READ)
    with tenant_scope(principal.tenant_id, principal.user_id):
        return list(_versions(principal)[:MOST_VERSIONS])


def versions_page(principal: Principal, number: str) -> Page[PolicyVersion]:
    """Return a page of all versions, the newest first: the last one for a number beyond. Raises: PolicyDenied."""
    principal.require(READ)
    with tenant_scope(principal.tenant_id, principal.user_id):
        found = Paginator(_versions(principal), VERSIONS_A_PAGE).get_page(number)
        found.object_list = list(found.object_list)
    return found


def version(principal: Principal, number: int) -> PolicyVersion:
    """Return one version with its rules. Raises: NotFound."""
    with tenant_scope(principal.tenant_id, principal.user_id):
        found = _versions(principal).filter(number=number).first()
    if found is None:
        raise NotFound("There is no such version.")
    return found


def roles(principal: Principal) -> list[str]:
    """Return the names of the tenant's roles."""
    with tenant_scope(principal.tenant_id, principal.user_id):
        found = TenantRole.objects.filter(tenant_id=principal.tenant_id).order_by("name")
        return list(found.values_list("name", flat=True))


def lines(row: PolicyVersion | None) -> tuple[Rule, ...]:
    """Return a version's rules as they are decided by; none where there is no version. Raises: Invalid."""
    return compiled(rules_of(row), row.number) if row else ()


def difference(before: PolicyVersion, after: PolicyVersion) -> list[tuple[str, Rule]]:
    """Return the rules of both as ("gone" or "new" or "same", rule): first what is gone, then the later one's."""
    stood, stands = (set(wanted_of(rules_of(row))) for row in (before, after))
    gone = [("gone", line) for wanted, line in _paired(before) if wanted not in stands]
    return gone + [("same" if wanted in stood else "new", line) for wanted, line in _paired(after)]


def _paired(row: PolicyVersion) -> list[tuple[Wanted, Rule]]:
    return list(zip(wanted_of(rules_of(row)), lines(row), strict=True))


def rules_of(row: PolicyVersion) -> list[PolicyRule]:
    """Return the rules of a version that was read here, in their order."""
    return list(row.rules.all())


def _versions(principal: Principal) -> QuerySet[PolicyVersion]:
    ordered = Prefetch("rules", PolicyRule.objects.order_by("position"))
    return PolicyVersion.objects.filter(tenant_id=principal.tenant_id).prefetch_related(ordered).order_by("-number")
