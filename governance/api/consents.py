"""Delegations and standing rules over HTTP: what there is, given and taken back by people."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest
from ninja import Field, Router, Schema, Status

from accounts.auth import principal_of, scope
from accounts.principals import Principal
from accounts.privacy.access import as_seen
from accounts.seam import in_thread
from accounts.tenancy import tenant_scope
from governance.models import Delegation, StandingRule
from governance.services import delegations, standing_rules
from governance.services.revoking import Consent
from governance.services.standing_rules import Wanted

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
    giver: UUID = Field(validation_alias="giver_id")
    delegate: UUID = Field(validation_alias="delegate_id")
    tool: str
    reason: str
    until: datetime
    created_at: datetime
    revoked_at: datetime | None


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
    component: str = Field(validation_alias="component_id")
    tool: str = Field(validation_alias="tool_name")
    conditions: list[str]
    most: int
    used: int
    until: datetime
    reason: str
    requester: UUID | None = Field(validation_alias="requester_id")
    created_by: UUID = Field(validation_alias="created_by_id")
    created_at: datetime
    revoked_at: datetime | None

    @staticmethod
    def resolve_conditions(row: StandingRule) -> list[str]:
        return row.conditions.splitlines()


@router.get("/delegations", response=list[DelegationOut], summary="List delegations")
@scope("runs:read")
async def list_delegations(request: HttpRequest) -> list[Delegation]:
    """List whose right to decide is lent to whom, the newest first; without `approvals:read` one's own."""
    return await in_thread(_newest, principal_of(request), delegations.visible)


@router.post("/delegations", response={201: DelegationOut}, summary="Delegate")
@scope("approvals:decide")
async def give(request: HttpRequest, body: DelegationIn) -> Status[Delegation]:
    """Let a member vote in one's place, about some tools, for some time. Takes a person."""
    return Status(201, await in_thread(delegations.give, principal_of(request), **body.dict()))


@router.post("/delegations/{delegation_id}/revoke", response=DelegationOut, summary="Revoke a delegation")
@scope("approvals:read")
async def revoke_delegation(request: HttpRequest, delegation_id: UUID) -> Delegation:
    """Take it back: the giver, the delegate, or who manages approvals."""
    return await in_thread(delegations.revoke, principal_of(request), delegation_id=delegation_id)


@router.get("/standing-rules", response=list[StandingRuleOut], summary="List standing rules")
@scope("runs:read")
async def list_rules(request: HttpRequest) -> list[StandingRule]:
    """List what is consented to in advance, the newest first; without `approvals:read` one's own."""
    return await in_thread(_newest, principal_of(request), standing_rules.visible)


@router.post("/standing-rules", response={201: StandingRuleOut}, summary="Consent in advance")
@scope("approvals:decide")
async def make_rule(request: HttpRequest, body: StandingRuleIn) -> Status[StandingRule]:
    """Consent to so many calls of the like, until a time. Takes a person; never counts where more than one must."""
    return Status(201, await in_thread(standing_rules.make, principal_of(request), body.wanted))


@router.post("/standing-rules/{rule_id}/revoke", response=StandingRuleOut, summary="Revoke a standing rule")
@scope("approvals:read")
async def revoke_rule(request: HttpRequest, rule_id: UUID) -> StandingRule:
    """Take it back: its maker, or who manages approvals."""
    return await in_thread(standing_rules.revoke, principal_of(request), rule_id=rule_id)


def _newest(principal: Principal, visible: Callable[[Principal], QuerySet[Consent]]) -> list[Consent]:
    with tenant_scope(principal.tenant_id, principal.user_id):
        return list(as_seen(principal, visible(principal)).order_by("-created_at", "-id")[:MOST])
