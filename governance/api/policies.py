"""Policies over HTTP: what is in force and why, changed rule by rule, put in force, gone back from."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any, Literal
from uuid import UUID

from django.http import HttpRequest
from ninja import Field, Router, Schema

from accounts.auth import only_reads, principal_of, scope
from accounts.seam import in_thread
from governance.models import PolicyRule, PolicyVersion
from governance.policy import selectors as policy_selectors
from governance.policy import simulation
from governance.policy.selectors import Overview, ToolLevel
from governance.policy.simulation import Ruled, Simulation
from governance.services import policies
from governance.services.policies import Wanted

router = Router(tags=["policies"])
LevelName = Literal["allow", "confirm", "approve", "deny"]


class RuleIn(Schema):
    """A rule; the tool is the one of the route. `conditions` are one comparison each, and all have to hold."""

    level: LevelName = Field(examples=["approve"])
    component: str = Field("", max_length=200, examples=["agent:approvals"])
    role: str = Field("", max_length=48)
    conditions: list[str] = Field([], max_length=20, examples=[["amount >= 500"]])
    loosens: bool = False
    quorum: int = 1
    approver_role: str = Field("", max_length=48)
    approvers: list[UUID] = Field([], max_length=50)
    expiry_hours: int | None = None
    escalation_role: str = Field("", max_length=48)
    escalation_hours: int | None = None
    separate: bool = False
    reasoned: bool = False
    note: str = Field("", max_length=200)

    def wanted(self, tool: str) -> Wanted:
        values = self.dict(exclude={"tool"}) | {
            "conditions": "\n".join(self.conditions),
            "approvers": tuple(self.approvers),
        }
        return Wanted(tool=tool, **values)


class NamedRuleIn(RuleIn):
    tool: str = Field(max_length=200, examples=["process_*"])


class RuleOut(NamedRuleIn):
    name: str = Field(examples=["rule 1 of policy 3"])

    @classmethod
    def of(cls, row: PolicyRule, place: int, number: int) -> RuleOut:
        named = {name: getattr(row, name) for name in policies.FIELDS}
        lines = [line for line in row.conditions.splitlines() if line.strip()]
        return cls(**named | {"conditions": lines, "name": f"rule {place} of policy {number}"})


class VersionOut(Schema):
    """One numbered version with its rules."""

    number: int
    status: str = Field(examples=["active"])
    reason: str
    restores: int | None
    created_at: datetime
    created_by: UUID = Field(validation_alias="created_by_id")
    activated_at: datetime | None
    activated_by: UUID | None = Field(validation_alias="activated_by_id")
    rules: list[RuleOut]

    @staticmethod
    def resolve_rules(row: PolicyVersion) -> list[RuleOut]:
        return [RuleOut.of(rule, place, row.number) for place, rule in enumerate(policy_selectors.rules_of(row), 1)]


class ToolLevelOut(Schema):
    """`declared` is what the code says, `level` what is in force, `reason` the rule or the tool itself."""

    tool: str
    component: str = Field(examples=["agent:approvals"])
    declared: str
    level: str
    reason: str
    sometimes: list[str] = Field(description="Rules that apply to some arguments or roles")
    loosened: bool


class PoliciesOut(Schema):
    active: VersionOut | None
    draft: VersionOut | None
    tools: list[ToolLevelOut]
    loosened: bool = Field(description="A rule in force lowers what a tool's code wants")

    @staticmethod
    def resolve_tools(found: Overview) -> list[ToolLevelOut]:
        return [_tool(one) for one in found.tools]


class PutIn(Schema):
    rules: list[RuleIn] = Field(max_length=50)
    reason: str = Field("", max_length=500)
    activate: bool = Field(True, description="At once in force; otherwise it joins the draft")


class ReasonIn(Schema):
    reason: str = Field("", max_length=500)


class RollBackIn(ReasonIn):
    number: int = Field(ge=1, le=2_000_000_000)


class SimulateIn(Schema):
    """What is tried: these rules as the whole policy, or without any the draft."""

    days: int = Field(7, ge=1, le=simulation.MOST_DAYS)
    rules: list[NamedRuleIn] | None = Field(None, max_length=policies.MOST_RULES)


class ExampleOut(Schema):
    """A call, as far as the caller may see it."""

    run_id: UUID
    at: datetime
    by: str | None
    arguments: dict[str, Any] | None


class RuledOut(Schema):
    level: str = Field(examples=["approve"])
    says: str = Field(examples=["approve, by 2 people"])
    reason: str = Field(validation_alias="rule")

    @staticmethod
    def resolve_says(ruled: Ruled) -> str:
        return str(ruled)


class ChangeOut(Schema):
    component: str
    tool: str
    direction: Literal["stricter", "looser", "other"] = Field(validation_alias="word")
    count: int
    before: RuledOut
    after: RuledOut
    examples: list[ExampleOut]


class SimulationOut(Schema):
    """What a replay has found. `unknown` counts calls of tools that are no longer here."""

    days: int
    calls: int = Field(description="How many were looked at: those that the caller may see, the newest first")
    changed: int
    cut: bool = Field(description="There were more than were looked at")
    unknown: dict[str, int]
    changes: list[ChangeOut]


@router.get("/policies", response=PoliciesOut, summary="Show policies")
@scope("policies:read")
async def show_policies(request: HttpRequest) -> Overview:
    """Show what is in force, the draft, and for each tool its level with the reason."""
    return await in_thread(policy_selectors.overview, principal_of(request))


@router.get("/policies/versions", response=list[VersionOut], summary="List policy versions")
@scope("policies:read")
async def list_versions(request: HttpRequest) -> list[PolicyVersion]:
    """List the newest hundred versions, the newest first."""
    return await in_thread(policy_selectors.versions, principal_of(request))


@router.post("/policies/activate", response=VersionOut, summary="Put the draft in force")
@scope("policies:write")
async def activate_draft(request: HttpRequest, body: ReasonIn) -> PolicyVersion:
    """Put the draft in force as the next version."""
    made = await in_thread(policies.activate, principal_of(request), reason=body.reason)
    return await in_thread(policy_selectors.version, principal_of(request), made.number)


@router.post("/policies/rollback", response=VersionOut, summary="Go back to a version")
@scope("policies:write")
async def roll_back(request: HttpRequest, body: RollBackIn) -> PolicyVersion:
    """Put an earlier version's rules in force anew, as a new version."""
    made = await in_thread(policies.roll_back, principal_of(request), number=body.number, reason=body.reason)
    return await in_thread(policy_selectors.version, principal_of(request), made.number)


@router.delete("/policies/draft", response={204: None}, summary="Discard the draft")
@scope("policies:write")
async def discard_draft(request: HttpRequest) -> None:
    """Drop the draft; what is in force stays."""
    await in_thread(policies.discard, principal_of(request))


@router.post("/policies/simulate", response=SimulationOut, summary="Try a policy on recent calls")
@scope("policies:read")
@only_reads
async def simulate(request: HttpRequest, body: SimulateIn) -> Simulation:
    """Replay the tool calls of the last days: what would have been decided otherwise. Changes nothing."""
    if body.rules is None:
        replay = partial(simulation.of_draft, principal_of(request), days=body.days)
    else:
        wanted = [rule.wanted(rule.tool) for rule in body.rules]
        replay = partial(simulation.of_rules, principal_of(request), wanted, days=body.days)
    return await in_thread(replay)


@router.put("/policies/{tool}", response=VersionOut, summary="Set a tool's rules")
@scope("policies:write")
async def put_policy(request: HttpRequest, tool: str, body: PutIn) -> PolicyVersion:
    """Replace the rules of one tool or pattern. To loosen takes policies:loosen too."""
    wanted = [rule.wanted(tool) for rule in body.rules]
    change = partial(policies.put, tool=tool, rules=wanted, reason=body.reason, activate=body.activate)
    made = await in_thread(change, principal_of(request))
    return await in_thread(policy_selectors.version, principal_of(request), made.number)


def _tool(found: ToolLevel) -> ToolLevelOut:
    decision = found.decision
    return ToolLevelOut(
        tool=found.tool.name,
        component=found.component,
        declared=found.tool.level.value,
        level=decision.level.value,
        reason=decision.why,
        sometimes=[str(one) for one in decision.perhaps],
        loosened=decision.rule is not None and decision.rule.loosens,
    )
