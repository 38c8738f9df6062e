"""The hash of a password, which only the machine's own role reads."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models.sql.compiler import SQLCompiler

APPLICATION = "default"


class PasswordHash(models.CharField):  # type: ignore[type-arg]
    """Reads as empty over the application's connection, whose role may not select the column."""

    def select_format(self, compiler: SQLCompiler, sql: str, params: Any) -> tuple[str, Any]:
        return ("''", []) if compiler.using == APPLICATION else (sql, params)

    def deconstruct(self) -> Any:
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.CharField", args, kwargs
