"""Who sees what of whom: one answer from a reader's scopes and a field's class, for API, admin, CSV and trace alike.

One's own data is shown. Of others, `privacy:personal` shows who they are, `privacy:sensitive` what they said; without
it a text is masked: one sees that it is there, not what it says. Secrets are hidden from everybody.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Any, Final, TypeVar, cast
from uuid import UUID

from django.db.models import Model, QuerySet
from django.db.models.query import ModelIterable

from accounts.principals import Principal
from accounts.privacy.datamap import DataClass, Table, class_of, table_of
from agentos.core.errors import ConfigError
from agentos.core.types import Json

Row = TypeVar("Row", bound=Model)
MASK: Final = "•••"
_READER: Final = "reader"
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


def as_seen(reader: Principal, rows: QuerySet[Row]) -> QuerySet[Row]:
    """Return the rows with each field as the reader may see it. They are for showing: saving one raises."""
    if all(reader.has(scope) for scope in SCOPES.values()) and not table_of(rows.model).of_class(DataClass.SECRET):
        return rows
    shown: Any = rows.all()
    shown._hints = {**shown._hints, _READER: reader}  # what Django hands on to clones
    shown._iterable_class = _Seen
    return cast(QuerySet[Row], shown)


def mask_row(reader: Principal, row: Row) -> Row:
    """Put each field of a row, in place, as the reader may see it; saving the row raises then."""
    table = table_of(type(row))
    subject = _subject(table, row)
    for name, known in table.classes.items():
        if known is DataClass.NONE or name in row.get_deferred_fields():
            continue
        if showing(reader, known, subject=subject) is not Showing.SHOWN:
            value = getattr(row, name)
            plain = frozenset(table.plain.get(name, "").split())
            setattr(row, name, None if known is DataClass.SECRET else masked(value, plain))
            row.save = _refuse_to_save  # type: ignore[method-assign]
    return row


def hides(reader: Principal, model: type[Model], field: str) -> bool:
    """Tell whether a search in a field would tell a reader what she is not shown."""
    known = table_of(model).classes.get(field, DataClass.NONE)
    return showing(reader, known) is not Showing.SHOWN


class _Seen(ModelIterable):  # type: ignore[type-arg]
    """Yields the rows of a query as its reader may see them."""

    def __iter__(self) -> Iterator[Model]:
        reader = cast(Any, self.queryset)._hints[_READER]
        for row in super().__iter__():
            yield mask_row(reader, row)


def _subject(table: Table, row: Model) -> UUID | None:
    """Return whose a row is, where a column of its own says so."""
    for subject in table.owners():
        if "__" not in subject.path:
            value = row.__dict__.get(f"{subject.path}_id", row.__dict__.get(subject.path))
            return value if isinstance(value, UUID) else None
    return None


def _refuse_to_save(*args: object, **kwargs: object) -> None:
    raise ConfigError("This row was masked for a reader: it must not be stored.")


def masked(value: Json, plain: frozenset[str] = frozenset(), place: str = "") -> Json:
    """Return the shape of a value without its content: an address keeps its domain, a list its length.

    `plain` names keys of objects, dotted, whose values are kept.
    """
    if value is None or value == "" or isinstance(value, bool):
        return value
    if isinstance(value, dict):
        return {key: _part(item, plain, f"{place}{key}") for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [masked(item) for item in value]
    name, at, domain = str(value).rpartition("@")
    if at and name and " " not in str(value):
        return f"{name[0]}{MASK}@{domain}"
    return MASK


def _part(value: Json, plain: frozenset[str], place: str) -> Json:
    return value if place in plain else masked(value, plain, f"{place}.")
