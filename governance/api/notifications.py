"""The routes `/api/notifications...`: what one was told and wants to be told; the tenant's endpoints."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Field, Router, Schema, Status

from accounts.auth import principal_of, scope, signed_in
from accounts.seam import in_thread
from agentos.core.types import JsonObject
from governance import notices
from governance.models import Endpoint, Kind
from governance.services import endpoints, preferences

router = Router(tags=["notifications"])


class NoticeOut(Schema):
    id: UUID
    kind: Kind
    title: str = Field(examples=["Approval needed"])
    effect_text: str = Field(description="What the call does, in the tool's plain words")
    link: str = Field(description="The page to open; it decides nothing")
    at: datetime


class PreferenceOut(Schema):
    kind: Kind
    label: str
    email: bool
    browser: bool


class PreferencesIn(Schema):
    choices: dict[str, dict[str, bool]] = Field(examples=[{"approval.requested": {"email": False}}])


class EndpointIn(Schema):
    channel: str = Field(examples=["webhook", "slack"])
    name: str = Field(max_length=100, examples=["Operations"])
    url: str = Field(max_length=2_000, description="Write-only", examples=["https://hooks.example.com/agentos"])
    kinds: list[str] = Field(examples=[["approval.requested"]])
    tells_effect: bool = Field(False, description="Whether it is told what a call does: that may be personal")


class EndpointChange(Schema):
    kinds: list[str] | None = None
    tells_effect: bool | None = None
    is_active: bool | None = None


class EndpointOut(Schema):
    id: UUID
    channel: str
    name: str
    host: str
    kinds: list[str]
    tells_effect: bool
    is_active: bool
    off_reason: str
    previous_until: datetime | None = Field(description="Until when the secret before this one signs as well")
    created_at: datetime


class EndpointMade(EndpointOut):
    secret: str = Field(description="Signs what is sent to a webhook; shown this once")


@router.get("/notifications", response=list[NoticeOut])
@signed_in
async def list_notices(request: HttpRequest) -> list[JsonObject]:
    """List what one was told lately in the browser, as far as one may still see it."""
    return await in_thread(notices.recent, principal_of(request))


@router.get("/notifications/preferences", response=list[PreferenceOut])
@signed_in
async def get_preferences(request: HttpRequest) -> list[JsonObject]:
    """Return what one is told, and by which channel."""
    return _choices(await in_thread(preferences.mine, principal_of(request)))


@router.put("/notifications/preferences", response=list[PreferenceOut])
@signed_in
async def put_preferences(request: HttpRequest, body: PreferencesIn) -> list[JsonObject]:
    """Choose for the kinds and channels that are named; the others stay as they are."""
    return _choices(await in_thread(preferences.choose, principal_of(request), body.choices))


@router.get("/notifications/endpoints", response=list[EndpointOut])
@scope("notifications:read")
async def list_endpoints(request: HttpRequest) -> list[Endpoint]:
    """List the tenant's endpoints, without what is sealed."""
    return await in_thread(endpoints.listing, principal_of(request))


@router.post("/notifications/endpoints", response={201: EndpointMade})
@scope("notifications:write")
async def add_endpoint(request: HttpRequest, body: EndpointIn) -> Status[JsonObject]:
    """Add a Slack webhook or a signed webhook."""
    return Status(201, _made(await in_thread(endpoints.add, principal_of(request), **dict(body))))


@router.patch("/notifications/endpoints/{endpoint_id}", response=EndpointOut)
@scope("notifications:write")
async def change_endpoint(request: HttpRequest, endpoint_id: UUID, body: EndpointChange) -> Endpoint:
    """Change what an endpoint is told, or switch it off and on."""
    return await in_thread(endpoints.change, principal_of(request), endpoint_id=endpoint_id, **dict(body))


@router.post("/notifications/endpoints/{endpoint_id}/rotate", response=EndpointMade)
@scope("notifications:write")
async def rotate_secret(request: HttpRequest, endpoint_id: UUID) -> JsonObject:
    """Give a webhook a new secret; the old one signs as well for a day."""
    return _made(await in_thread(endpoints.rotate, principal_of(request), endpoint_id=endpoint_id))


@router.delete("/notifications/endpoints/{endpoint_id}", response={204: None})
@scope("notifications:write")
async def delete_endpoint(request: HttpRequest, endpoint_id: UUID) -> None:
    """Delete an endpoint, with what waits for it."""
    await in_thread(endpoints.delete, principal_of(request), endpoint_id=endpoint_id)


def _choices(found: preferences.Choices) -> list[JsonObject]:
    return [
        {"kind": kind, "label": kind.label, **{channel.value: wanted for channel, wanted in channels.items()}}
        for kind, channels in found.items()
    ]


def _made(made: endpoints.Made) -> dict[str, Any]:
    shown = {name: getattr(made.endpoint, name) for name in EndpointOut.model_fields}
    return {**shown, "secret": made.secret}
