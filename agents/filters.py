"""Filters that several lists of the console share."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest

from accounts.showing import spelled_out
from agentos.core.clock import utc_now
from agents.engine.state import RUN_ENDED
from agents.engine.status import StepState
from agents.models import Run, Step
from agents.templatetags.console import agent_name

DAYS = "days"
HOLDING = "with"
GUARD = "guard"
_DID = {"": "Anything", "flag": "Flagged", "redact": "Redacted", "block": "Blocked"}
_NOTED = ("did", "guard", "place")
_BLOCKED = {"did": "block", "place": "input"}  # what is known of a blocked message, whichever guard it was


def days(since: date, until: date) -> str:
    """Return the filter's value for the days from one to another, both included."""
    return f"{since.isoformat()}..{until.isoformat()}"


class DaysFilter(admin.SimpleListFilter):
    """Rows that began on certain days, in UTC: `?days=2026-11-01..2026-11-30`."""

    title = "day"
    parameter_name = DAYS

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        today = utc_now().date()
        spans = (("Today", 1), ("Last 7 days", 7), ("Last 30 days", 30), ("Last 90 days", 90))
        offered = [(days(today - timedelta(days=length - 1), today), title) for title, length in spans]
        chosen = request.GET.get(DAYS, "")
        return offered if not chosen or chosen in dict(offered) else [*offered, (chosen, chosen.replace("..", " to "))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not (chosen := self.value()):
            return queryset
        since, until = _dates(chosen)
        begins = datetime.combine(since, datetime.min.time(), UTC)
        ends = datetime.combine(until, datetime.min.time(), UTC) + timedelta(days=1)
        return queryset.filter(created_at__gte=begins, created_at__lt=ends)


class ValuesFilter(admin.AllValuesFieldListFilter):
    """The values that the viewer's own rows have; what would hide or reorder them is spelled out."""

    def choices(self, changelist: Any) -> Iterator[Any]:
        for choice in super().choices(changelist):
            yield {**choice, "display": spelled_out(str(choice["display"]))}


class AgentsFilter(ValuesFilter):
    """The agents of the viewer's own rows, by the names that the lists give them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = "agent"

    def choices(self, changelist: Any) -> Iterator[Any]:
        everything, *agents = super().choices(changelist)
        yield everything
        yield from ({**choice, "display": agent_name(choice["display"])} for choice in agents)


class HoldingFilter(admin.SimpleListFilter):
    """Runs in which a call was refused or failed, or whose input a guard has blocked."""

    title = "what is in it"
    parameter_name = HOLDING

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("refused", "A refused call"), ("failed", "A failed step"), ("blocked", "Blocked by a guard")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Run]) -> QuerySet[Run]:
        steps = Step.objects.filter(tenant_id=OuterRef("tenant_id"), run_id=OuterRef("pk"))
        narrowed = {
            "refused": Exists(steps.filter(state=StepState.REFUSED).exclude(error=RUN_ENDED)),
            "failed": Exists(steps.filter(state=StepState.FAILED).exclude(error=RUN_ENDED)),
            "blocked": Q(error_code="input_blocked"),
        }
        chosen = self.value()
        return queryset.filter(narrowed[chosen]) if chosen in narrowed else queryset


class GuardFilter(admin.SimpleListFilter):
    """Runs in which a guard did something: `?guard=redact:pii:output`; what is left empty may be anything."""

    title = "guard"
    parameter_name = GUARD

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        offered = [(guard_hits(did), words) for did, words in _DID.items()]
        chosen = request.GET.get(GUARD, "")
        return offered if not chosen or chosen in dict(offered) else [*offered, (chosen, _hits_in_words(chosen))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Run]) -> QuerySet[Run]:
        if not (chosen := self.value()):
            return queryset
        note = _note(chosen)
        steps = Step.objects.filter(tenant_id=OuterRef("tenant_id"), run_id=OuterRef("pk"), seq__gt=0)
        in_step = Q(request__guards__contains=[note]) | Q(answer__guards__contains=[note])
        found = Q(spec__guards__contains=[note]) | Q(Exists(steps.filter(in_step)))
        if note.items() <= _BLOCKED.items():
            found |= Q(error_code="input_blocked")
        return queryset.filter(found)


def guard_hits(did: str = "", guard: str = "", place: str = "") -> str:
    """Return the filter's value for what a guard did somewhere."""
    return f"{did}:{guard}:{place}"


def _note(chosen: str) -> dict[str, str]:
    parts = chosen.split(":")
    if len(parts) != len(_NOTED) or parts[0] not in _DID:
        raise IncorrectLookupParameters
    return {name: part for name, part in zip(_NOTED, parts, strict=True) if part}


def _hits_in_words(chosen: str) -> str:
    note = _note(chosen)
    by, at = note.get("guard", ""), note.get("place", "")
    return spelled_out(f"{_DID[note.get('did', '')]}{f' by {by}' if by else ''}{f', {at}' if at else ''}")


def _dates(chosen: str) -> tuple[date, date]:
    since, _, until = chosen.partition("..")
    try:
        found = date.fromisoformat(since), date.fromisoformat(until or since)
    except ValueError:
        raise IncorrectLookupParameters from None
    if not (found[0].year >= 2000 and found[1].year < 9999):
        raise IncorrectLookupParameters
    return found
