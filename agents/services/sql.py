"""Set-based SQL for the hot path, with every table, column and type taken from the models."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from django.db import connections, models


def table(model: type[models.Model]) -> str:
    return f'"{model._meta.db_table}"'


def column(model: type[models.Model], name: str) -> str:
    """Return the column of a field. Raises: FieldDoesNotExist."""
    return str(model._meta.get_field(name).column)


@lru_cache
def recordset(model: type[models.Model], fields: Sequence[str], alias: str = "x") -> str:
    """Return `jsonb_to_recordset(%s::jsonb) AS x(column type, ...)`: one parameter holds all rows."""
    connection = connections["system"]
    typed = ", ".join(
        f"{column(model, name)} {model._meta.get_field(name).db_type(connection)}" for name in fields
    )
    return f"jsonb_to_recordset(%s::jsonb) AS {alias}({typed})"


def columns(model: type[models.Model], fields: Sequence[str], prefix: str = "") -> str:
    return ", ".join(f"{prefix}{column(model, name)}" for name in fields)
