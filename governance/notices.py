"""What waits for a person and what she was told in the browser, in the words of now, as far as she may still see it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db.models import QuerySet
from django.db.models.functions import Now

from accounts.principals import Principal
from accounts.tenancy import tenant_scope
from agentos.core.clock import rfc3339_ms
from agentos.core.types import JsonObject
from agents import selectors as agent_selectors
from governance import selectors
from governance.models import Channel, Notice
from governance.services import wording

FRESH: Final = timedelta(minutes=5)
MOST: Final = 20


def fresh(principal: Principal, *, without: Collection[UUID] = ()) -> list[JsonObject]:
    """Return what she was told in the last minutes, the newest first, but for the notices that she has seen."""
    return _told(principal, list(_mine(principal, without, FRESH)[:MOST]))


def waiting(principal: Principal) -> int:
    """Return how much waits for this very person: decisions, and calls of which she says what became of them."""
    with tenant_scope(principal.tenant_id, principal.user_id):
        return selectors.count(principal, selectors.MINE) + agent_selectors.unknown_count(principal)


def recent(principal: Principal) -> list[JsonObject]:
    """Return what she was told lately, the newest first."""
    return _told(principal, list(_mine(principal, (), None)[:MOST]))


def _mine(principal: Principal, without: Collection[UUID], age: timedelta | None) -> QuerySet[Notice]:
    rows = Notice.objects.using("system").filter(
        tenant_id=principal.tenant_id, user_id=principal.user_id, channel=Channel.BROWSER
    )
    rows = rows if age is None else rows.filter(created_at__gt=Now() - age)
    return rows.exclude(id__in=list(without)).select_related("announcement__switch").order_by("-created_at", "-id")


def _told(principal: Principal, notices: list[Notice]) -> list[JsonObject]:
    found = zip(notices, wording.for_each(notices, principal) if notices else (), strict=True)
    return [
        {
            "id": str(notice.id),
            "kind": words.kind.value,
            "title": words.title,
            "effect_text": words.effect,
            "link": words.path,
            "at": rfc3339_ms(notice.created_at),
        }
        for notice, words in found
        if words is not None
    ]
