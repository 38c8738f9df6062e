"""The wire's shapes of knowledge bases."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from ninja import Field, Schema

from accounts.api.schemas import PageMeta


class PageAsked(Schema):
    page: int = Field(1, ge=1, le=10_000)
    limit: int = Field(20, ge=1, le=100)


class KnowledgeBaseIn(Schema):
    slug: str = Field(max_length=63, examples=["handbook"], description="Its name in scopes; it never changes")
    name: str = Field(max_length=100, examples=["Staff handbook"])
    description: str = Field("", max_length=500)
    untrusted: bool = Field(True, description="Strangers may have written in it; False takes guards:loosen")


class KnowledgeBaseChange(Schema):
    name: str | None = Field(None, max_length=100)
    description: str | None = Field(None, max_length=500)
    untrusted: bool | None = Field(None, description="False takes guards:loosen")


class KnowledgeBaseOut(Schema):
    id: UUID
    slug: str
    name: str
    description: str
    untrusted: bool
    created_by: UUID = Field(alias="created_by_id")
    created_at: datetime
    changed_at: datetime


class KnowledgeBasePage(Schema):
    data: list[KnowledgeBaseOut]
    meta: PageMeta
