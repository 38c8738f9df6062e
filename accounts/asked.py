"""Queries that every page asks: Django puts their SQL together once, which takes it several times as long as to ask."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from functools import cached_property
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.db import connections
from django.db.models import Model, QuerySet

from accounts.trips import planned_once

Row = TypeVar("Row", bound=Model)
_ANY_ID = UUID(int=0)


class AskedOften(Generic[Row]):
    """A query that differs from one time to the next by one id; `build` returns it for an id, and is called once."""

    def __init__(self, build: Callable[[UUID], QuerySet[Row]]) -> None:
        self._build = build

    def rows(self, of: UUID) -> list[Row]:
        """Ask it for an id; return what it finds."""
        queryset, made, sql, values = self._made
        compiler, asked = copy(made), queryset.all()
        compiler.connection = connections[queryset.db]
        compiler.as_sql = lambda: (sql, tuple(of if value == _ANY_ID else value for value in values))
        asked.query.get_compiler = lambda using: compiler  # type: ignore[method-assign, assignment, misc]
        with planned_once(using=queryset.db):
            return list(asked)

    @cached_property
    def _made(self) -> tuple[QuerySet[Row], Any, str, tuple[Any, ...]]:
        queryset = self._build(_ANY_ID)
        compiler = queryset.query.get_compiler(using=queryset.db)
        sql, values = compiler.as_sql()
        return queryset, compiler, sql, tuple(values)
