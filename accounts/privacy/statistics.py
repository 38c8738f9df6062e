"""The planner's statistics hold values of columns: after an erasure they are taken anew, as the tables' owner.

An empty table keeps its old statistics through ANALYZE, so they are cleared first where PostgreSQL can (18 and newer).
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connections

from accounts.privacy.datamap import DataClass, Table, fields_of, tables

CLEARS_FROM = 180000


def forget(names: Iterable[str]) -> None:
    """Take the statistics of these tables anew; names that are no tables are passed over."""
    wanted = set(names)
    connection = connections["owner"]
    with connection.cursor() as cursor:
        for table in tables():
            if table.name in wanted:
                if connection.pg_version >= CLEARS_FROM:  # type: ignore[attr-defined]
                    for column in _columns(table):
                        cursor.execute("SELECT pg_clear_attribute_stats('public', %s, %s, false)", [table.name, column])
                cursor.execute(f'ANALYZE "{table.name}"')


def _columns(table: Table) -> list[str]:
    personal = table.of_class(DataClass.PERSONAL, DataClass.SENSITIVE, DataClass.SECRET)
    return [str(field.column) for field in fields_of(table.model) if field.name in personal]
