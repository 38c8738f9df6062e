"""Who sees what of whom: one answer from a reader's scopes and a field's class, for API, admin, CSV and trace alike.

One's own data is shown. Of others, `privacy:personal` shows who they are, `privacy:sensitive` what they said; without
it a text is masked: one sees that it is there, not what it says. Secrets are hidden from everybody.

Whoever shows rows asks `as_seen` for them, whoever writes single values `seen_field`, whoever searches `hides`. Rows
about others are noted on the way, for the audit trail (`accounts.reading`); `note` does it for what is shown otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Any, Final, TypeVar, cast
from uuid import UUID

from django.db.models import Case, F, Model, QuerySet, TextField, Value, When
from django.db.models.expressions import Combinable
from django.db.models.query import ModelIterable

from accounts import reading
from accounts.principals import Principal
from accounts.privacy.datamap import DataClass, Table, class_of, table_of
from agentos.core.errors import PolicyDenied
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
    if not (_masks(reader, rows.model) or table_of(rows.model).about_column):
        return rows
    shown: Any = rows.all()
    shown._hints = {**shown._hints, _READER: reader}  # what Django hands on to clones
    shown._iterable_class = _Seen
    return cast(QuerySet[Row], shown)


def note(reader: Principal, row: Model) -> None:
    """Note for the audit trail that a reader is shown a row, where it is about somebody else."""
    subject = row.__dict__.get(table_of(type(row)).about_column)
    if isinstance(subject, UUID):
        note_id(reader, type(row), row.pk, subject=subject)


def note_id(reader: Principal, model: type[Model], row_id: UUID, *, subject: UUID) -> None:
    """Note that a reader is shown something of a row that is about somebody, where that is not herself."""
    if subject != reader.user_id:
        reading.note(reader, str(model._meta.model_name), str(row_id), subject, _shown(reader, table_of(model)))


def mask_row(reader: Principal, row: Row) -> Row:
    """Put each field of a row, in place, as the reader may see it; saving the row raises then."""
    note(reader, row)
    return _masked_row(reader, row)


def _masked_row(reader: Principal, row: Row) -> Row:
    if isinstance(row._state.fields_cache, _Related):
        return row
    table, absent = table_of(type(row)), row.get_deferred_fields()
    subject = _subject(table, row)
    for name, known in table.classes.items():
        if showing(reader, known, subject=subject) is Showing.SHOWN or table.is_sealed(name):
            continue
        plain = frozenset(table.plain.get(name, "").split())
        value = MASK if name in absent else masked(getattr(row, name), plain)
        setattr(row, name, None if known is DataClass.SECRET else value)
        row.save = _refuse_to_save  # type: ignore[method-assign]
    row._state.fields_cache = _Related(reader, row._state.fields_cache)
    return row


def column(reader: Principal, model: type[Model], lookup: str, *, subject: str) -> Combinable:
    """Return a text of a query that names columns, as the reader may see it; `subject` leads to whom it is about."""
    if not hides(reader, model, lookup):
        return F(lookup)
    return Case(When(**{subject: reader.user_id}, then=F(lookup)), default=Value(MASK), output_field=TextField())


def hides(reader: Principal, model: type[Model], lookup: str) -> bool:
    """Tell whether a search by a lookup, such as `user__email__startswith`, would tell what a reader is not shown."""
    for part in lookup.split("__"):
        found = table_of(model).classes.get(part)
        if found is None:
            return False  # a transform, a lookup or a key: what came before it was a field that is shown
        if showing(reader, found) is not Showing.SHOWN:
            return True
        related = model._meta.get_field(part).related_model
        if not isinstance(related, type):
            return False
        model = related
    return False


class _Related(dict[str, Any]):
    """The rows that a masked row refers to: each is masked when it is read."""

    def __init__(self, reader: Principal, known: dict[str, Any]) -> None:
        super().__init__(known)
        self._reader = reader
        for row in known.values():
            self._mask(row)

    def __setitem__(self, name: str, row: Any) -> None:
        self._mask(row)
        super().__setitem__(name, row)

    def _mask(self, row: Any) -> None:
        if isinstance(row, Model):
            _masked_row(self._reader, row)


class _Seen(ModelIterable):  # type: ignore[type-arg]
    """Yields the rows of a query as its reader may see them."""

    def __iter__(self) -> Iterator[Model]:
        reader = cast(Any, self.queryset)._hints[_READER]
        masks = _masks(reader, self.queryset.model)
        for row in super().__iter__():
            note(reader, row)
            yield _masked_row(reader, row) if masks else row


def _masks(reader: Principal, model: type[Model]) -> bool:
    """Tell whether there may be anything in a model's rows that a reader is not shown."""
    return not all(map(reader.has, SCOPES.values())) or bool(table_of(model).of_class(DataClass.SECRET))


def _shown(reader: Principal, table: Table) -> frozenset[str]:
    """Return the classes of what a reader is shown of others' rows of a table."""
    return frozenset(known.value for known in SCOPES if reader.has(SCOPES[known]) and table.of_class(known))


def _subject(table: Table, row: Model) -> UUID | None:
    """Return whose a row is, where a column of its own says so; a user's row is her own."""
    if table.is_of_users:
        return cast(UUID, row.pk)
    for subject in table.owners():
        if "__" not in subject.path:
            value = row.__dict__.get(f"{subject.path}_id", row.__dict__.get(subject.path))
            return value if isinstance(value, UUID) else None
    return None


def _refuse_to_save(*args: object, **kwargs: object) -> None:
    raise PolicyDenied("You are not shown all of this, so you can't change it.", code="masked")


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
