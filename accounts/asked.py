"""Queries that every page asks: Django puts their SQL together once, which takes it several times as long as to ask."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from copy import copy
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from uuid import UUID

from django.core.exceptions import EmptyResultSet
from django.db import connection, connections
from django.db.models import Model, QuerySet

from accounts.trips import planned_once

if TYPE_CHECKING:
    from accounts.principals import Principal

Row = TypeVar("Row", bound=Model)
_ANY_ID, _ANY_TENANT, _ANY_ROLE = UUID(int=0), UUID(int=1), "\N{SYMBOL FOR NULL}role"
_RIGHTS_MOST = 256  # tenants make roles of their own


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


class CountedOften:
    """How many rows somebody finds, by a query that differs among those with the same rights only by who they are.

    `build` returns it for a principal without keys, asks the database for nothing itself, and is called once for each
    set of rights.
    """

    def __init__(self, build: Callable[[Principal], QuerySet[Any, Any]]) -> None:
        self._build = build
        self._made: dict[tuple[object, ...], tuple[str, tuple[Any, ...]]] = {}

    def of(self, principal: Principal) -> int:
        """Return how many she finds. The caller is inside her tenant scope."""
        rights = principal.scopes, principal.limits is None, principal.via  # all that `Principal.has` looks at
        made = self._made.get(rights)  # pages run in several threads
        if made is None:
            made = self._make(principal)
            if len(self._made) >= _RIGHTS_MOST:
                self._made.clear()
            self._made[rights] = made
        sql, values = made
        if not sql:
            return 0
        who = {_ANY_TENANT: principal.tenant_id, _ANY_ID: principal.user_id, _ANY_ROLE: principal.role}
        with planned_once(), connection.cursor() as cursor:
            cursor.execute(sql, _filled(values, who))
            return int(cursor.fetchone()[0])

    def _make(self, principal: Principal) -> tuple[str, tuple[Any, ...]]:
        """Return the statement for anybody with her rights, and its values; an empty one where there can be no row."""
        anybody = replace(principal, tenant_id=_ANY_TENANT, user_id=_ANY_ID, role=_ANY_ROLE, keys=frozenset())
        found = self._build(anybody).order_by().values("pk")
        try:
            sql, values = found.query.get_compiler(using=connection.alias).as_sql()
        except EmptyResultSet:
            return "", ()
        return f"SELECT count(*) FROM ({sql}) AS counted", tuple(values)


def _filled(values: Iterable[Any], who: Mapping[Any, Any]) -> list[Any]:
    """Put somebody where anybody stands, in lists too."""
    return [
        _filled(value, who)
        if isinstance(value, list)
        else who.get(value, value)
        if isinstance(value, (UUID, str))
        else value
        for value in values
    ]
