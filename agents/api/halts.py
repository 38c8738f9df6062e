"""Kill switches over HTTP: what stands, halting, releasing."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.http import HttpRequest
from ninja import Field, Router, Schema

from accounts.auth import principal_of, scope, signed_in
from accounts.seam import in_thread
from agents.banner import Banner, banners
from agents.models import KillSwitch
from agents.services import switches

router = Router(tags=["operations"])


class HaltIn(Schema):
    target: str = Field(max_length=250, examples=["tool:process_refund", "component:agent:helpdesk", "tenant"])
    reason: str = Field(max_length=500, examples=["Refunds go out twice"])


class HaltOut(Schema):
    """A switch that stands. `id` is null for the operator's, which halts everything."""

    id: UUID | None
    target: str
    reason: str
    by: str = Field(examples=["admin@acme.test"])
    since: datetime


class SwitchOut(Schema):
    id: UUID
    target: str
    reason: str
    created_at: datetime
    released_at: datetime | None


@router.get("/halts", response=list[HaltOut], summary="List what is halted")
@signed_in
async def list_halts(request: HttpRequest) -> list[Banner]:
    """List what is halted now, with who, why and since when."""
    return await in_thread(banners, principal_of(request))


@router.post("/halts", response=SwitchOut, summary="Halt")
@scope("halts:write")
async def make_halt(request: HttpRequest, body: HaltIn) -> KillSwitch:
    """Halt the tenant, a component or a tool: no new step within two seconds, in any process."""
    return await in_thread(switches.halt, principal_of(request), target=body.target, reason=body.reason)


@router.delete("/halts/{switch_id}", response=SwitchOut, summary="Release")
@scope("halts:write")
async def release_halt(request: HttpRequest, switch_id: UUID) -> KillSwitch:
    """Release what a switch halts; its runs go on by themselves."""
    return await in_thread(switches.release, principal_of(request), switch_id=switch_id)
