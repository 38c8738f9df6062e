"""Delegations and standing rules over HTTP: what there is, given and taken back by people."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Field, Router, Schema, Status

from accounts.auth import principal_of, scope
from accounts.principals import Principal
from accounts.privacy.access import as_seen
from accounts.seam import in_thread
from accounts.tenancy import tenant_scope
from governance.models import Delegation, StandingRule
from governance.services import delegations, standing
from governance.services.standing import Wanted

router = Router(tags=["approvals"])
MOST = 200


class DelegationIn(Schema):
    to: str = Field(max_length=254, examples=["admin@acme.test"], description="A member who reads what calls hold")
    tool: str = Field(
        max_length=200, examples=["process_*"], description="A name, or its beginning with a * at the end"
    )
    until: datetime
    reason: str = Field("", max_length=200)


class DelegationOut(Schema):
    """Who may vote in whose place, on calls of which tools, until when."""

    id: UUID
    giver: UUID
    delegate: UUID
    tool: str
    reason: str
    until: datetime
    created_at: datetime
    revoked_at: datetime | None

    @classmethod
    def of(cls, row: Delegation) -> DelegationOut:
        return cls(giver=row.giver_id, delegate=row.delegate_id, **_plain(row, cls))


class StandingRuleIn(Schema):
    component: str = Field(max_length=100, examples=["approvals"])
    tool: str = Field(max_length=200, examples=["process_refund"])
    conditions: list[str] = Field(min_length=1, max_length=20, examples=[["amount <= 50"]])
    most: int = Field(examples=[10], description="How many calls")
    until: datetime
    reason: str = Field(max_length=200)
    requester: UUID | None = Field(None, description="For what she asks; nobody: for what anybody else asks")

    @property
    def wanted(self) -> Wanted:
        return Wanted(
            self.component, self.tool, self.conditions, self.most, self.until, self.reason, requester_id=self.requester
        )


class StandingRuleOut(Schema):
    """Consent given in advance, and how often it was used."""

    id: UUID
    component: str
    tool: str
    conditions: list[str]
    most: int
    used: int
    until: datetime
    reason: str
    requester: UUID | None
    created_by: UUID
    created_at: datetime
    revoked_at: datetime | None

    @classmethod
    def of(cls, row: StandingRule) -> StandingRuleOut:
        named: dict[str, Any] = {
            "component": row.component_id,
            "tool": row.tool_name,
            "conditions": row.conditions.splitlines(),
        }
        return cls(requester=row.requester_id, created_by=row.created_by_id, **named, **_plain(row, cls))


@router.get("/delegations", response=list[DelegationOut], summary="List delegations")
@scope("runs:read")
async def list_delegations(request: HttpRequest) -> list[DelegationOut]:
    """List whose right to decide is lent to whom, the newest first; without `approvals:read` one's own."""
    return await in_thread(_delegations, principal_of(request))


@router.post("/delegations", response={201: DelegationOut}, summary="Delegate")
@scope("approvals:decide")
async def give(request: HttpRequest, body: DelegationIn) -> Status[DelegationOut]:
    """Let a member vote in one's place, about some tools, for some time. Takes a person."""
    give = partial(delegations.give, principal_of(request), **body.dict())
    return Status(201, DelegationOut.of(await in_thread(give)))


@router.post("/delegations/{delegation_id}/revoke", response=DelegationOut, summary="Revoke a delegation")
@scope("approvals:read")
async def revoke_delegation(request: HttpRequest, delegation_id: UUID) -> DelegationOut:
    """Take it back: the giver, the delegate, or who manages approvals."""
    revoke = partial(delegations.revoke, principal_of(request), delegation_id=delegation_id)
    return DelegationOut.of(await in_thread(revoke))


@router.get("/standing-rules", response=list[StandingRuleOut], summary="List standing rules")
@scope("runs:read")
async def list_rules(request: HttpRequest) -> list[StandingRuleOut]:
    """List what is consented to in advance, the newest first; without `approvals:read` one's own."""
    return await in_thread(_rules, principal_of(request))


@router.post("/standing-rules", response={201: StandingRuleOut}, summary="Consent in advance")
@scope("approvals:decide")
async def make_rule(request: HttpRequest, body: StandingRuleIn) -> Status[StandingRuleOut]:
    """Consent to so many calls of the like, until a time. Takes a person; never counts where more than one must."""
    return Status(201, StandingRuleOut.of(await in_thread(standing.make, principal_of(request), body.wanted)))


@router.post("/standing-rules/{rule_id}/revoke", response=StandingRuleOut, summary="Revoke a standing rule")
@scope("approvals:read")
async def revoke_rule(request: HttpRequest, rule_id: UUID) -> StandingRuleOut:
    """Take it back: its maker, or who manages approvals."""
    return StandingRuleOut.of(await in_thread(partial(standing.revoke, principal_of(request), rule_id=rule_id)))


def _delegations(principal: Principal) -> list[DelegationOut]:
    with tenant_scope(principal.tenant_id, principal.user_id):
        rows = as_seen(principal, delegations.visible(principal)).order_by("-created_at")
        return [DelegationOut.of(row) for row in rows[:MOST]]


def _rules(principal: Principal) -> list[StandingRuleOut]:
    with tenant_scope(principal.tenant_id, principal.user_id):
        rows = as_seen(principal, standing.visible(principal)).order_by("-created_at")
        return [StandingRuleOut.of(row) for row in rows[:MOST]]


def _plain(row: Delegation | StandingRule, shape: type[Schema]) -> dict[str, Any]:
    """Return the fields that are called and mean the same on the wire."""
    renamed = {"giver", "delegate", "component", "tool", "conditions", "requester", "created_by"}
    if isinstance(row, Delegation):
        renamed -= {"tool"}
    return {name: getattr(row, name) for name in shape.model_fields if name not in renamed}
