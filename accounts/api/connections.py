"""The routes `/api/connections...`: credentials go in and never come out."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Field, Router, Schema

from accounts.auth import principal_of, signed_in
from accounts.connections import Level, kinds
from accounts.models import Connection
from accounts.seam import in_thread
from accounts.services import connections
from agentos.core.types import JsonObject

router = Router(tags=["connections"])


class KindOut(Schema):
    name: str = Field(examples=["mail"])
    fields: list[str] = Field(examples=[["host", "username", "password"]])
    secrets: list[str]
    levels: list[Level]


class ConnectionIn(Schema):
    kind: str = Field(max_length=64, examples=["mail"])
    level: Level = Field(Level.USER, description="Whose it is: one's own, or the tenant's")
    label: str = Field("", max_length=100)
    values: dict[str, str] = Field(description="By field; write-only", examples=[{"host": "mail.example"}])


class ConnectionOut(Schema):
    """A connection without its credentials, which nothing shows again."""

    id: UUID
    kind: str
    level: Level
    label: str
    changed_at: datetime


@router.get("/connections/kinds", response=list[KindOut])
@signed_in
async def list_kinds(request: HttpRequest) -> list[JsonObject]:
    """List the kinds of connections and the fields of each."""
    return [
        {"name": kind.name, "fields": kind.fields, "secrets": kind.secrets, "levels": kind.levels}
        for kind in kinds().values()
    ]


@router.get("/connections", response=list[ConnectionOut])
@signed_in
async def list_connections(request: HttpRequest) -> list[JsonObject]:
    """List one's own connections and, with `connections:read`, the tenant's."""
    return [_shown(row) for row in await in_thread(connections.listing, principal_of(request))]


@router.put("/connections", response=ConnectionOut)
@signed_in
async def put_connection(request: HttpRequest, body: ConnectionIn) -> JsonObject:
    """Store credentials, in place of those that were there. The tenant's take `connections:write`."""
    return _shown(await in_thread(connections.put, principal_of(request), **dict(body)))


@router.delete("/connections/{connection_id}", response={204: None})
@signed_in
async def revoke_connection(request: HttpRequest, connection_id: UUID) -> None:
    """Delete a connection; its credentials are shredded."""
    await in_thread(connections.revoke, principal_of(request), connection_id=connection_id)


def _shown(row: Connection) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ("id", "kind", "level", "label", "changed_at")}
