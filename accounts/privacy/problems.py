"""Finds what is missing in the data map: fields, tables, ways to a subject. A test fails for whatever it finds."""

from __future__ import annotations

from collections.abc import Iterator

from django.apps import apps
from django.contrib.auth import get_user_model
from django.core.exceptions import FieldDoesNotExist
from django.db import models

from accounts.privacy.datamap import DataClass, Fate, Table, fields_of, tables

WITHOUT_MODEL = {"django_migrations": "Which migrations ran."}
_OF_PERSONS = (DataClass.PERSONAL, DataClass.SENSITIVE)


def problems() -> Iterator[str]:
    """Yield a sentence for each thing that the map leaves open or says wrongly."""
    declared = {table.model: table for table in tables()}
    for model in all_models():
        if model not in declared:
            yield f"{model._meta.label} is not in the data map: declare it in its app's data_map.py."
    for table in declared.values():
        yield from _fields(table)
        yield from _subjects(table)
        if table.clock and not isinstance(_resolved(table.model, table.clock), models.DateTimeField):
            yield f"{table.label}: the clock {table.clock} is no time of its row."


def all_models() -> list[type[models.Model]]:
    """Return the models that have a table, those that Django makes for many-to-many relations included."""
    found = apps.get_models(include_auto_created=True)
    return [model for model in found if model._meta.managed and not model._meta.proxy]


def _fields(table: Table) -> Iterator[str]:
    there = {field.name for field in fields_of(table.model)}
    for name in sorted(there - set(table.classes)):
        yield f"{table.label}.{name} has no class: say none, personal, sensitive or secret in the data map."
    for name in sorted(set(table.classes) - there):
        yield f"{table.label}.{name} is in the data map but not in the model."


def _subjects(table: Table) -> Iterator[str]:
    if not table.subjects and not table.about and table.of_class(*_OF_PERSONS):
        yield f"{table.label} holds something personal of nobody: give the way to its subject, or say `about` whom."
    ways = {subject.path.partition("__")[0] for subject in table.subjects}
    for field in fields_of(table.model):
        if isinstance(field, models.ForeignKey) and field.related_model is get_user_model() and field.name not in ways:
            yield f"{table.label}.{field.name} leads to a user: say what it is to her (owner, author, pseudonym)."
    for subject in table.subjects:
        yield from _way(table, subject.path)
        for name in subject.fields:
            if table.classes.get(name.partition(".")[0]) not in _OF_PERSONS:
                yield f"{table.label}.{name} is an author's, so it must be personal or sensitive."
        if subject.fate is Fate.BLANK and not subject.fields:
            yield f"{table.label}: say which fields are the author's ({subject.path})."


def _way(table: Table, path: str) -> Iterator[str]:
    """Check that a path ends at a user, or at a plain id of one."""
    end = _resolved(table.model, path)
    user = get_user_model()
    ends_well = end is not None and (
        end.related_model is user
        or isinstance(end, models.UUIDField | models.JSONField)
        or (end.model is user and end.primary_key)
    )
    if not ends_well:
        yield f"{table.label}: {path} does not lead to a user."


def _resolved(model: type[models.Model], path: str) -> models.Field[object, object] | None:
    """Return the field at the end of a lookup; a JSON field ends it, whatever keys follow."""
    found: models.Field[object, object] | None = None
    for part in path.split("__"):
        try:
            field = model._meta.get_field(part)
        except FieldDoesNotExist:
            return None
        if not isinstance(field, models.Field):
            return None
        found = field
        if isinstance(field, models.JSONField):
            return found
        if field.related_model is not None and isinstance(field.related_model, type):
            model = field.related_model
    return found
