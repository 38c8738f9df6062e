"""The route that tells what was used, and what budgets leave."""

from __future__ import annotations

from datetime import date

from django.http import HttpRequest
from ninja import Router, Schema
from pydantic import Field

from accounts.auth import principal_of, signed_in
from accounts.seam import in_thread
from agentos.core.types import JsonObject
from governance.usage import Span, usage

router = Router(tags=["usage"])


class Amounts(Schema):
    """What runs used. `unpriced_runs` are those whose cost is not known; it is missing in `cost_usd`."""

    runs: int
    input_tokens: int
    output_tokens: int
    total_tokens: int
    cost_usd: str = Field(examples=["1.25"])
    unpriced_runs: int


class DayOut(Amounts):
    day: date


class UserOut(Amounts):
    user_id: str
    email: str | None


class ComponentOut(Amounts):
    component_kind: str
    component_id: str


class BudgetOut(Schema):
    """A budget in the period that runs now. One for each user shows one's own share."""

    id: str
    name: str
    measure: str = Field(examples=["usd"])
    period: str = Field(examples=["day"])
    limit: str
    used: str
    reserved: str
    left: str
    starts_at: str | None
    user_id: str | None
    each_user: bool
    component_kind: str | None
    component_id: str | None


class UsageOut(Schema):
    """Days are whole and in UTC. A run counts for the day on which it started."""

    since: date
    until: date
    total: Amounts
    days: list[DayOut]
    users: list[UserOut]
    components: list[ComponentOut]
    budgets: list[BudgetOut]


@router.get("/usage", response=UsageOut, summary="Tokens, cost and runs")
@signed_in
async def get_usage(request: HttpRequest, since: date | None = None, until: date | None = None) -> JsonObject:
    """Return what was used by day, user and component, and what budgets leave; without `usage:read` one's own."""
    return await in_thread(usage, principal=principal_of(request), span=Span.of(since, until))
