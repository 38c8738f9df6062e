"""Set-based SQL for the hot path, with every table, column and type taken from the models."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, cast

from django.db import connections, models


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
