"""The wire's shapes for signing in and for the audit trail."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from ninja import Field, Schema


class TokenIn(Schema):
    email: str = Field(max_length=254, examples=["member@acme.test"])
    password: str = Field(max_length=1024, examples=["demo"])
    tenant: str | None = Field(None, max_length=64, description="Slug or id, if hers are several.")


class RefreshIn(Schema):
    refresh: str = Field(max_length=8192)


class TokenOut(Schema):
    access: str
    refresh: str
    tenant: str = Field(examples=["acme"])
    scopes: list[str] = Field(examples=[["agents:read", "agents:run"]])
    expires_in: int = Field(description="Seconds until the access token expires.", examples=[600])


class LogoutIn(Schema):
    all: bool = Field(False, description="End every token and session of this user, not only this family.")


class MeUser(Schema):
    id: UUID
    email: str
    name: str


class MeTenant(Schema):
    id: UUID
    slug: str


class MeOut(Schema):
    user: MeUser
    tenant: MeTenant
    role: str = Field(examples=["member"])
    scopes: list[str]


class AuditRowOut(Schema):
    seq: int
    at: datetime
    actor_id: UUID | None = None
    actor: str | None = Field(None, description="The actor's e-mail address, while she is a member.")
    action: str = Field(examples=["approval.approved"])
    object_type: str
    object_id: str
    detail: dict[str, Any]
    hash: str


class AuditFilter(Schema):
    cursor: str = Field("", max_length=20)
    limit: int = Field(50, ge=1, le=200)
    action: str = Field("", max_length=64)
    object_id: str = Field("", max_length=200)


class CursorMeta(Schema):
    limit: int
    next_cursor: str | None = Field(None, description="The next page's `cursor`; null at the end.")


class AuditPage(Schema):
    data: list[AuditRowOut]
    meta: CursorMeta


class AuditVerdict(Schema):
    intact: bool
    rows: int = Field(description="The length of the trail.")
    first_bad_seq: int | None = None
