"""The data map: of every field its class, of every table whose it is and how long it stays. The one list of its kind.

Each app declares its tables in its `data_map.py`, which is discovered as `admin.py` is. Export, erasure, retention,
masking and `docs/data-map.md` are made from it, so a table that is declared is covered, and one that is not fails a
test.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from functools import cached_property
from typing import Any, TypeAlias

from django.conf import settings
from django.db.models import Field, ForeignKey, Model

from agentos.core.errors import ConfigError

AnyField: TypeAlias = "Field[Any, Any]"


class DataClass(StrEnum):
    """What a field may tell of a person."""

    NONE = "none"  # nothing: ids (pseudonyms), states, numbers, names of code
    PERSONAL = "personal"  # who she is or what she did: names, addresses, texts that identify
    SENSITIVE = "sensitive"  # what she said or was told: conversations, arguments, results
    SECRET = "secret"  # noqa: S105  # what opens something: shown to nobody, exported to nobody


class Fate(StrEnum):
    """What erasure does with the rows of a subject."""

    DELETE = "delete"  # the row goes
    BLANK = "blank"  # the row is somebody else's too: her fields in it are emptied
    SHRED = "shred"  # her values in it are under her key, which goes
    ID = "id"  # her id stays as a pseudonym, nothing else is hers


@dataclass(frozen=True)
class Subject:
    """A way from a row to a user: `path` is an ORM lookup that ends at her id."""

    path: str
    fate: Fate
    fields: tuple[str, ...] = ()  # of BLANK: a field, or `field.key` for one key of a JSON object


@dataclass(frozen=True)
class Retention:
    """How long rows stay after their clock; None for as long as what they are about. A tenant may shorten it."""

    name: str
    days: float | None
    says: str

    @property
    def age(self) -> timedelta | None:
        days = settings.RETENTION_DAYS.get(self.name, self.days)
        return None if days is None else timedelta(days=days)


STANDING = Retention("standing", None, "as long as what it describes is there")
RUNS = Retention("runs", None, "until erased, or as AGENTOS_RETENTION_DAYS and the tenant say, since last used")
TOKENS = Retention("tokens", 30, "30 days after its end")
DAY = Retention("day", 1, "one day")
WEEK = Retention("week", 7, "one week")
RECORDS = Retention("records", None, "kept as evidence; what is personal in it dies with its subject's key")
FOR_GOOD = (STANDING, RECORDS)  # nothing lets these go by their age
SHORTEST_DAYS, LONGEST_DAYS = 1, 36_500
RETENTIONS = {rule.name: rule for rule in (STANDING, RUNS, TOKENS, DAY, WEEK, RECORDS)}


@dataclass(frozen=True)
class Table:
    """One table as its app declares it."""

    model: type[Model]
    classes: dict[str, DataClass]
    subjects: tuple[Subject, ...]
    retention: Retention
    clock: str  # an ORM lookup to the time that the retention counts from; empty: it goes with what it hangs on
    about: str  # why there is no subject, where there is none
    leaves_id: bool = False  # readers may still ask for the row by its id: they are told that it is gone
    plain: Mapping[str, str] = field(default_factory=dict)  # of JSON fields: dotted keys that tell nothing of anybody
    alive: tuple[str, tuple[str, ...]] | None = None  # a lookup, and the values with which a row never expires

    @property
    def name(self) -> str:
        return self.model._meta.db_table

    @property
    def label(self) -> str:
        return self.model._meta.label

    def owners(self) -> Iterator[Subject]:
        """Yield the subjects whose rows these are."""
        return (subject for subject in self.subjects if subject.fate is Fate.DELETE)

    @property
    def is_of_users(self) -> bool:
        """Tell whether each row is a user."""
        return any(subject.path == self.model._meta.pk.name for subject in self.subjects)

    @cached_property
    def about_column(self) -> str:
        """Return the attribute that holds whom a row is about, and whose reading by others is audited; "" for none."""
        if self.is_of_users:
            return str(self.model._meta.pk.attname)
        direct = (each for each in self.subjects if each.fate is not Fate.ID and "__" not in each.path)
        columns = {field.name: field.attname for field in fields_of(self.model)}
        return next((columns[each.path] for each in direct), "")

    def is_sealed(self, field: str) -> bool:
        """Tell whether what is somebody's in a field is under her key, and opened for each reader by itself."""
        return self.classes[field] is DataClass.PERSONAL and any(each.fate is Fate.SHRED for each in self.subjects)

    def of_class(self, *classes: DataClass) -> list[str]:
        return [name for name, known in self.classes.items() if known in classes]


def owner(path: str) -> Subject:
    """The row is hers: erasure deletes it, export has it whole."""
    return Subject(path, Fate.DELETE)


def author(path: str, *fields: str) -> Subject:
    """She wrote these fields in a row that is not hers: erasure empties them, export has them."""
    return Subject(path, Fate.BLANK, fields)


def sealed(path: str) -> Subject:
    """What is hers in the row is under her key."""
    return Subject(path, Fate.SHRED)


def pseudonym(path: str) -> Subject:
    """Her id stays in the row."""
    return Subject(path, Fate.ID)


_tables: dict[type[Model], Table] = {}


def declare(
    model: type[Model],
    *,
    none: str = "",
    personal: str = "",
    sensitive: str = "",
    secret: str = "",
    subjects: Sequence[Subject] = (),
    retention: Retention = STANDING,
    clock: str = "",
    about: str = "",
    leaves_id: bool = False,
    plain: Mapping[str, str] | None = None,
    alive: tuple[str, tuple[str, ...]] | None = None,
) -> None:
    """Declare a table: each field, by name, in one of the four classes. Raises: ConfigError for a second time."""
    if model in _tables:
        raise ConfigError(f"{model._meta.label} is in the data map already.")
    given = (
        (DataClass.NONE, none),
        (DataClass.PERSONAL, personal),
        (DataClass.SENSITIVE, sensitive),
        (DataClass.SECRET, secret),
    )
    classes: dict[str, DataClass] = {}
    for known, names in given:
        for name in names.split():
            if name in classes:
                raise ConfigError(f"{model._meta.label}.{name} has two classes in the data map.")
            classes[name] = known
    _tables[model] = Table(model, classes, tuple(subjects), retention, clock, about, leaves_id, plain or {}, alive)


def tables() -> list[Table]:
    """Return every declared table, those that refer to others before them: rows can be deleted in this order."""
    refers = {model: _referred(model) for model in _tables}
    ordered: list[Table] = []
    waiting = sorted(_tables.values(), key=lambda table: table.name)
    while waiting:
        referred = {model for table in waiting for model in refers[table.model]}
        free = [table for table in waiting if table.model not in referred]
        if not free:
            names = ", ".join(table.name for table in waiting)
            raise ConfigError(f"These tables refer to each other in a circle: {names}.")
        ordered += free
        waiting = [table for table in waiting if table.model in referred]
    return ordered


def table_of(model: type[Model]) -> Table:
    """Raises: ConfigError for a table that nobody declared."""
    try:
        return _tables[model]
    except KeyError:
        raise ConfigError(f"{model._meta.label} is not in the data map: declare it in its app's data_map.py.") from None


def class_of(model: type[Model], field: str) -> DataClass:
    """Return the class of a field. Raises: ConfigError for one that nobody declared."""
    found = table_of(model).classes.get(field)
    if found is None:
        raise ConfigError(f"{model._meta.label}.{field} is not in the data map.")
    return found


def fields_of(model: type[Model]) -> list[AnyField]:
    """Return the fields that are columns of the model's table."""
    return [field for field in model._meta.local_fields if field.concrete and field.column is not None]


def _referred(model: type[Model]) -> set[Any]:
    """Return the other models that a model's foreign keys lead to."""
    return {field.related_model for field in fields_of(model) if isinstance(field, ForeignKey)} - {model}
