"""Filters of the console's pages: how stored text, times and JSON are shown to a person who has to trust them."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from decimal import Decimal

from django import template

from accounts.showing import visible
from agentos.core.clock import utc_now
from agentos.core.errors import NotFound
from agentos.core.types import Json
from agents.llm.prices import PLAY_RATES
from agents.registry import registry

register = template.Library()

_UNITS = (("day", 86_400), ("h", 3_600), ("min", 60))


register.filter(visible)


@register.filter
def agent_name(component_id: str) -> str:
    """Return the name that people know a component by; of one that is gone, its id."""
    try:
        return registry.get("agent", component_id).label
    except NotFound:
        return component_id


@register.filter
def json_value(value: Json) -> str:
    """Return text as it is, and anything else as indented JSON."""
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False, default=str)


@register.filter
def json_kind(value: Json) -> str:
    """Name the type of a JSON value in a word, so that the text "250" is not taken for the number."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "yes or no"
    if isinstance(value, int | float):
        return "number"
    return "text" if isinstance(value, str) else "list" if isinstance(value, list) else "object"


@register.filter
def usd(amount: Decimal | str | None) -> str:
    """Return money with as many digits as it has, at least cents: `$0.20`, `$0.000125`."""
    if amount is None:
        return "unknown"
    whole, _, part = f"{Decimal(amount):f}".partition(".")
    return f"${whole}.{part.rstrip('0').ljust(2, '0')}"


@register.filter
def is_play_money(model: str) -> bool:
    """Tell whether a model's price is the sandbox's: shown, counted, and paid by nobody."""
    return model in PLAY_RATES


@register.filter
def span(length: timedelta | None) -> str:
    """Return a length of time with at most two units, e.g. `3 h 12 min`, `840 ms`."""
    if length is None:
        return ""
    seconds = max(0.0, length.total_seconds())
    if seconds < 60:
        return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.{0 if seconds >= 10 else 1}f} s"
    parts, rest = [], int(seconds)
    for unit, size in _UNITS:
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count} {unit}{'s' if unit == 'day' and count > 1 else ''}")
    return " ".join(parts[:2])


@register.filter
def age(moment: datetime) -> str:
    """Return how long ago a moment was, in its largest unit."""
    passed = utc_now() - moment
    if passed < timedelta(seconds=10):
        return "just now"
    number, unit = span(timedelta(seconds=int(passed.total_seconds()))).split(" ")[:2]
    return f"{number} {unit} ago"


@register.filter
def remaining(moment: datetime) -> str:
    """Return how long it is until a moment, or `expired`."""
    left = moment - utc_now()
    return span(timedelta(seconds=int(left.total_seconds()))) if left > timedelta(0) else "expired"
