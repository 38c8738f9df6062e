"""Set-based SQL for the hot path, with every table, column and type taken from the models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, TypeVar, cast

from django.db import connections, models

Row = TypeVar("Row", bound=models.Model)


def table(model: type[models.Model]) -> str:
    return f'"{model._meta.db_table}"'


def column(model: type[models.Model], name: str) -> str:
    """Return the column of a field. Raises: FieldDoesNotExist."""
    return str(_field(model, name).column)


def _field(model: type[models.Model], name: str) -> models.Field[Any, Any]:
    return cast("models.Field[Any, Any]", model._meta.get_field(name))


@lru_cache
def recordset(model: type[models.Model], fields: Sequence[str], alias: str = "x") -> str:
    """Return `jsonb_to_recordset(%s::jsonb) AS x(column type, ...)`: one parameter holds all rows."""
    connection = connections["system"]
    typed = ", ".join(f"{column(model, name)} {_field(model, name).db_type(connection)}" for name in fields)
    return f"jsonb_to_recordset(%s::jsonb) AS {alias}({typed})"


def columns(model: type[models.Model], fields: Sequence[str], prefix: str = "") -> str:
    return ", ".join(f"{prefix}{column(model, name)}" for name in fields)


def all_fields(model: type[models.Model]) -> tuple[str, ...]:
    return tuple(field.name for field in model._meta.concrete_fields)


def read_as(model: type[Row], fields: tuple[str, ...], values: Sequence[Any], *, using: str = "default") -> Row:
    """Return what the ORM would of a row's columns; other fields are read from the database when they are asked for."""
    connection = connections[using]
    names, conversions = _conversions(model, fields)
    converted = list(values)
    for place, convert in conversions:
        converted[place] = convert(converted[place], None, connection)
    return model.from_db(using, names, converted)


@lru_cache
def _conversions(
    model: type[models.Model], fields: tuple[str, ...]
) -> tuple[list[str], list[tuple[int, Callable[[Any, Any, Any], Any]]]]:
    found = [_field(model, name) for name in fields]
    conversions = [
        (place, convert)
        for place, field in enumerate(found)
        for convert in field.get_db_converters(connections["default"])  # type: ignore[attr-defined]  # the stubs lack it
    ]
    return [field.attname for field in found], conversions


@lru_cache
def insert_into(model: type[models.Model]) -> str:
    """Return the statement that stores one row; `row_of` gives its parameters."""
    names = all_fields(model)
    return f"INSERT INTO {table(model)} ({columns(model, names)}) VALUES ({', '.join(['%s'] * len(names))})"


def row_of(made: models.Model, *, using: str = "default") -> list[Any]:
    """Return the values of a new object's fields, none of which is left to the database."""
    connection = connections[using]
    fields = made._meta.concrete_fields
    return [field.get_db_prep_save(field.pre_save(made, add=True), connection) for field in fields]


def value_of(model: type[models.Model], name: str, value: Any, *, using: str = "default") -> Any:
    """Return a field's value as a statement's parameter."""
    return _field(model, name).get_db_prep_save(value, connections[using])
