"""Who sees what of whom: one answer from a reader's scopes and a field's class, for API, admin, CSV and trace alike.

One's own data is shown. Of others, `privacy:personal` shows who they are, `privacy:sensitive` what they said; without
it a text is masked: one sees that it is there, not what it says. Secrets are hidden from everybody.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final
from uuid import UUID

from django.db.models import Model

from accounts.principals import Principal
from accounts.privacy.datamap import DataClass, class_of
from agentos.core.types import Json, JsonObject

MASK: Final = "•••"
SCOPES: Final = {DataClass.PERSONAL: "privacy:personal", DataClass.SENSITIVE: "privacy:sensitive"}


class Showing(StrEnum):
    SHOWN = "shown"
    MASKED = "masked"
    HIDDEN = "hidden"


def showing(reader: Principal, known: DataClass, *, subject: UUID | None = None) -> Showing:
    """Return how a reader may see a field of a class that is about a subject."""
    match known:
        case DataClass.NONE:
            return Showing.SHOWN
        case DataClass.SECRET:
            return Showing.HIDDEN
    if subject is not None and subject == reader.user_id:
        return Showing.SHOWN
    return Showing.SHOWN if reader.has(SCOPES[known]) else Showing.MASKED


def seen(reader: Principal, known: DataClass, value: Json, *, subject: UUID | None = None) -> Json:
    """Return a value as the reader may see it; None where it is hidden."""
    match showing(reader, known, subject=subject):
        case Showing.SHOWN:
            return value
        case Showing.MASKED:
            return masked(value)
        case Showing.HIDDEN:
            return None


def seen_field(reader: Principal, row: Model, field: str, *, subject: UUID | None = None) -> Json:
    """Return a row's field as the reader may see it, by its class in the data map."""
    return seen(reader, class_of(type(row), field), getattr(row, field), subject=subject)


def seen_keys(
    reader: Principal, known: DataClass, values: JsonObject, keys: Iterable[str], *, subject: UUID | None
) -> JsonObject:
    """Return an object with the named keys as the reader may see them, the others as they are."""
    chosen = {key: seen(reader, known, values[key], subject=subject) for key in keys if key in values}
    return {**values, **chosen}


def masked(value: Json) -> Json:
    """Return the shape of a value without its content: an address keeps its domain, a list its length."""
    if value is None or value == "" or isinstance(value, bool):
        return value
    if isinstance(value, dict):
        return {key: masked(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [masked(item) for item in value]
    name, at, domain = str(value).rpartition("@")
    if at and name and " " not in str(value):
        return f"{name[0]}{MASK}@{domain}"
    return MASK
