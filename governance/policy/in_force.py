"""The policy in force of each tenant, kept for the gate: read through the system role, at most 1.5 seconds old."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from accounts.kept import Kept
from agents.engine.tools import Level
from governance.models import PolicyRule, PolicyStatus
from governance.policy import conditions, rules
from governance.policy.rules import Call, Decision, Rule, Terms

KEPT_SECONDS: Final = 1.5  # a change counts everywhere within two seconds, the time to read it included


@dataclass(frozen=True, slots=True)
class InForce:
    """A tenant's rules as compiled from its active version; number 0 where there is none."""

    number: int = 0
    rules: tuple[Rule, ...] = ()


kept: Kept[InForce] = Kept(seconds=KEPT_SECONDS, most=10_000)


async def of(tenant_id: UUID) -> InForce:
    """Return what is in force for a tenant."""
    return await kept.get(tenant_id, lambda: load(tenant_id))


async def decide(call: Call, *, tenant_id: UUID) -> Decision:
    """Decide about a call by the policy of its tenant."""
    return rules.decide(call, (await of(tenant_id)).rules)


def load(tenant_id: UUID) -> InForce:
    """Read what is in force. Raises: Invalid for a rule that cannot be read: then nothing can be decided."""
    found = PolicyRule.objects.using("system").filter(tenant_id=tenant_id, version__status=PolicyStatus.ACTIVE)
    rows = list(found.select_related("version").order_by("position"))
    return InForce(rows[0].version.number, compiled(rows, rows[0].version.number)) if rows else InForce()


def compiled(rows: Iterable[PolicyRule], number: int | None = None) -> tuple[Rule, ...]:
    """Return a version's rules as they are decided by, in their order; no number: they are tried. Raises: Invalid."""
    place_of = "what is tried" if number is None else f"policy {number}"
    return tuple(_compiled(row, f"rule {place} of {place_of}") for place, row in enumerate(rows, 1))


def _compiled(row: PolicyRule, name: str) -> Rule:
    lines = [line for line in row.conditions.splitlines() if line.strip()]
    return Rule(
        name=name,
        tool=row.tool,
        level=Level(row.level),
        component=row.component,
        role=row.role,
        conditions=tuple(conditions.parse(line) for line in lines),
        loosens=row.loosens,
        terms=Terms(
            quorum=row.quorum,
            roles=(row.approver_role,) if row.approver_role else (),
            people=tuple(row.approvers) or None,
            expiry_hours=row.expiry_hours,
            escalation_role=row.escalation_role,
            escalation_hours=row.escalation_hours,
            separate=row.separate,
            reasoned=row.reasoned,
        ),
        note=row.note,
    )
