"""The wire's shapes for signing in and for the audit trail."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from ninja import Field, Schema
from pydantic import AwareDatetime

from accounts.services.service_accounts import DEFAULT_DAYS, LONGEST_DAYS


class TokenIn(Schema):
    email: str = Field(max_length=254, examples=["member@acme.test"])
    password: str = Field(max_length=1024, examples=["demo"])
    tenant: str | None = Field(None, max_length=64, description="Slug or id, if hers are several.")
    otp: str | None = Field(None, max_length=40, description="The code of the second factor, if she has one.")


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
    actor: str | None = Field(
        None, description="The actor's e-mail address, while she is a member, or of an operator who entered."
    )
    action: str = Field(examples=["approval.approved"])
    object_type: str
    object_id: str
    detail: dict[str, Any]
    hash: str


class AuditFilter(Schema):
    cursor: str = Field("", max_length=20)
    limit: int = Field(50, ge=1, le=200)
    action: str = Field("", max_length=64, examples=["approval.approved"])
    object_type: str = Field("", max_length=64, examples=["approval"])
    object_id: str = Field("", max_length=200)
    actor: str = Field("", max_length=254, description="A user's id or e-mail address")
    since: AwareDatetime | None = None
    until: AwareDatetime | None = Field(None, description="Exclusive")


class PageMeta(Schema):
    """Where a page stands in its list, as AgentOS says it."""

    page: int
    limit: int
    total_pages: int
    total_count: int
    search_time_ms: float

    @classmethod
    def of(cls, page: int, limit: int, total_count: int, *, search_time_ms: float = 0) -> PageMeta:
        pages = -(-total_count // limit)
        return cls(page=page, limit=limit, total_pages=pages, total_count=total_count, search_time_ms=search_time_ms)


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


class ScopeItem(Schema):
    scope: str = Field(max_length=200, examples=["agents:run"])
    effect: Literal["allow"] = "allow"


class ServiceAccountIn(Schema):
    name: str = Field(max_length=100, examples=["ci"])
    scopes: list[ScopeItem | str] | None = Field(None, description="Defaults to running components and reading.")
    expires_in_days: int = Field(DEFAULT_DAYS, ge=1, le=LONGEST_DAYS)
    never_expires: bool = Field(False, description="Has to be said; then `expires_in_days` does not count.")
    user_id: UUID | None = Field(None, description="The member whom it acts for; yourself by default.")

    def scope_names(self) -> list[str] | None:
        if self.scopes is None:
            return None
        return [item if isinstance(item, str) else item.scope for item in self.scopes]


class RotateIn(Schema):
    overlap_seconds: int = Field(86_400, ge=0, le=2_592_000, description="How long the key before it still works.")
    expires_in_days: int = Field(DEFAULT_DAYS, ge=1, le=LONGEST_DAYS)
    never_expires: bool = False


class ServiceAccountOut(Schema):
    id: UUID
    name: str
    principal: str = Field(examples=["sa:ci"])
    token_prefix: str = Field(description="What the key begins with.")
    scopes: list[ScopeItem]
    created_at: int
    expires_at: int | None
    last_used_at: int | None = Field(description="To the minute.")
    rotated_at: int | None
    previous_until: int | None = Field(description="Until when the key before this one works.")
    revoked_at: int | None
    user_id: UUID
    shown_to: list[UUID] = Field(
        description="Whom a key of it was shown, its maker first: they approve none of its calls."
    )
    outgrown_by: list[UUID] = Field(
        description="Who knows a key of it that works and may less than it by now: replace it."
    )


class NewServiceAccountOut(ServiceAccountOut):
    token: str = Field(description="The key. It is shown this once.")


class ServiceAccountPage(Schema):
    data: list[ServiceAccountOut]
    meta: PageMeta


class ServiceAccountFilter(Schema):
    page: int = Field(1, ge=1, le=100_000)
    limit: int = Field(20, ge=1, le=100)
    include_revoked: bool = True
