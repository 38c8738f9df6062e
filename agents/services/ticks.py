"""What a process looks after every second: it asks in one statement what there is to do, and does only that."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, TypeAlias, TypeVar

from django.db.models import QuerySet
from psycopg_pool import AsyncConnectionPool

Tick: TypeAlias = Callable[[], object]
Rows: TypeAlias = Callable[[], QuerySet[Any]] | str  # rows, or a statement that finds them
T = TypeVar("T", bound=Tick)

_due: Final[dict[Tick, tuple[Rows, ...]]] = {}


def due(*rows: Rows) -> Callable[[T], T]:
    """Say when a tick has something to do: when one of these has a row. One that does not say so is always done."""

    def said(tick: T) -> T:
        _due[tick] = rows
        return tick

    return said


class Ticks:
    """The ticks of a process."""

    def __init__(self, ticks: Iterable[Tick] = ()) -> None:
        self._ticks = tuple(ticks)
        self._statement: tuple[str, list[Any]] | None = None

    async def due(self, pool: AsyncConnectionPool) -> list[Tick]:
        """Return those that have something to do. Raises: psycopg.Error."""
        if not self._ticks:
            return []
        if self._statement is None:
            self._statement = _statement(self._ticks)
        async with pool.connection() as connection:
            found = await (await connection.execute(*self._statement)).fetchone()
        assert found is not None
        return [tick for tick, is_due in zip(self._ticks, found, strict=True) if is_due]


def _statement(ticks: Iterable[Tick]) -> tuple[str, list[Any]]:
    """Return the statement that says of each tick whether it has something to do, and its values."""
    columns: list[str] = []
    values: list[Any] = []
    for tick in ticks:
        looks = []
        for rows in _due.get(tick, ("SELECT",)):
            sql, given = (rows, ()) if isinstance(rows, str) else _compiled(rows())
            looks.append(f"EXISTS ({sql})")
            values += given
        columns.append(" OR ".join(looks))
    return f"SELECT {', '.join(columns)}", values


def _compiled(rows: QuerySet[Any]) -> tuple[str, tuple[Any, ...]]:
    sql, values = rows.order_by().values("pk").query.get_compiler(using=rows.db).as_sql()
    return str(sql), tuple(values)
