"""Shapes of the privacy routes on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from ninja import Schema
from pydantic import ConfigDict, Field

from accounts.privacy.datamap import LONGEST_DAYS, SHORTEST_DAYS


class AboutIn(Schema):
    """Whom it is about: a user's id or e-mail address; oneself without it."""

    user: str = Field("", max_length=254, examples=["member@acme.test"])


class EraseIn(Schema):
    """Whom it is about has to be said, also when it is oneself: what can't be taken back befalls nobody by default."""

    model_config = ConfigDict(extra="forbid")

    user: str = Field(min_length=1, max_length=254, examples=["member@acme.test"])
    confirm: bool = Field(False, description="Must be true: an erasure can't be taken back.")


class JobOut(Schema):
    """An export or an erasure. `progress` counts rows by table; the receipt comes with the end and is signed."""

    id: UUID
    kind: Literal["export", "erase"]
    subject: UUID = Field(alias="subject_id")
    requested_by: UUID | None = Field(alias="requested_by_id")
    status: Literal["pending", "running", "done", "failed"]
    stage: str
    progress: dict[str, int]
    receipt: dict[str, Any] | None
    error_code: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


class HoldIn(AboutIn):
    """Without `user` the whole tenant is put on hold."""

    reason: str = Field(max_length=500, examples=["Case 12/2026: keep everything"])
    until: datetime | None = None


class HoldOut(Schema):
    id: UUID
    user: UUID | None = Field(alias="user_id")
    reason: str | None
    placed_by: UUID = Field(alias="placed_by_id")
    placed_at: datetime
    until: datetime | None
    lifted_by: UUID | None = Field(alias="lifted_by_id")
    lifted_at: datetime | None


class LimitIn(Schema):
    days: int | None = Field(None, ge=SHORTEST_DAYS, le=LONGEST_DAYS)


class RetentionOut(Schema):
    """How long rows of one kind stay. `days` is what counts here; null for as long as what they are about."""

    name: str
    says: str
    days: float | None
    own_days: int | None = Field(None, description="This tenant's own limit.")


class ChoicesIn(Schema):
    """What one may correct and choose about oneself; what is left out stays as it is."""

    name: str | None = Field(None, max_length=200)
    memory: bool | None = Field(None, description="Agents may remember what I say beyond its session.")
    learning: bool | None = Field(None, description="What I say may make agents better for others.")


class HeldOut(Schema):
    """What is held of oneself in this tenant: how many rows, in which tables, and for how long."""

    user: UUID
    email: str
    name: str
    memory: bool
    learning: bool
    rows: dict[str, int]
    retention: dict[str, str]
    on_hold: bool
