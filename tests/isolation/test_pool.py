"""Tenants take turns on very few connections, and some turns break: nobody finds anything of the one before."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator

import pytest
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from accounts.seam import Seam
from accounts.tenancy import tenant_scope
from agents.models import Run
from tests.isolation.planting import Garden

CONNECTIONS = 2
TURNS = 120
SET = "SELECT set_config('agentos.tenant', %s, true), set_config('agentos.user', %s, true)"
SEEN = "SELECT DISTINCT input FROM agents_run"
SETTINGS = "SELECT concat(current_setting('agentos.tenant', true), current_setting('agentos.user', true))"
ENDINGS = ("commit", "commit", "raise", "database error", "cancel", "roll back a savepoint")


class Broken(Exception):
    """Breaks a turn in its middle."""


@pytest.fixture
async def pool(database: None) -> AsyncIterator[AsyncConnectionPool]:
    """A pool of the application's role, as the hot path has one of the system's."""
    url, size = settings.DATABASE_URLS["app"], CONNECTIONS
    pool = AsyncConnectionPool(url, min_size=size, max_size=size, open=False, kwargs={"autocommit": True})
    await pool.open()
    yield pool
    await pool.close()


async def words_of(connection: AsyncConnection) -> set[str]:
    return {word for (word,) in await (await connection.execute(SEEN)).fetchall()}


async def turn(pool: AsyncConnectionPool, garden: Garden, ending: str, pause: float) -> set[str]:
    """Take one turn and return what was seen in it. Raises: what its ending says."""
    async with pool.connection() as connection, connection.transaction():
        await connection.execute(SET, [str(garden.tenant.id), str(garden.user.id)])
        seen = await words_of(connection)
        await asyncio.sleep(pause)
        if ending == "raise":
            raise Broken
        if ending == "cancel":
            asyncio.current_task().cancel()  # type: ignore[union-attr]
            await asyncio.sleep(1)
        if ending == "database error":
            await connection.execute("SELECT 1/0")
        if ending == "roll back a savepoint":
            try:
                async with connection.transaction():
                    await connection.execute(SET, ["", ""])
                    raise Broken
            except Broken:
                seen |= await words_of(connection)
        return seen


async def test_an_async_pool_keeps_nothing_of_a_turn(
    pool: AsyncConnectionPool, hers: Garden, colleagues: Garden, strangers: Garden
) -> None:
    order = random.Random(7)
    plan = [(order.choice((hers, colleagues, strangers)), order.choice(ENDINGS)) for _ in range(TURNS)]
    turns = [turn(pool, garden, ending, order.random() / 500) for garden, ending in plan]
    results = await asyncio.gather(*turns, return_exceptions=True)
    for (garden, ending), result in zip(plan, results, strict=True):
        if isinstance(result, set):
            assert result == {garden.marker}, ending
        else:
            assert ending in ("raise", "database error", "cancel"), result
    for _ in range(CONNECTIONS * 3):
        async with pool.connection() as connection:
            assert await words_of(connection) == set()
            assert await (await connection.execute(SETTINGS)).fetchone() == ("",)


def look(garden: Garden, ending: str) -> set[str]:
    """Take a turn on a thread of the seam, through the ORM without a filter. Raises: what its ending says."""
    with tenant_scope(garden.tenant.id, garden.user.id):
        seen = set(Run.objects.values_list("input", flat=True))
        if ending in ("raise", "cancel"):
            raise Broken
        if ending == "database error":
            connection.cursor().execute("SELECT 1/0")
        if ending == "roll back a savepoint":
            try:
                with transaction.atomic(), connection.cursor() as cursor:
                    cursor.execute(SET, ["", ""])
                    raise Broken
            except Broken:
                seen |= set(Run.objects.values_list("input", flat=True))
        return seen


def bare() -> tuple[int, str]:
    """Return what a turn without a scope finds: how many runs, and which settings."""
    with connection.cursor() as cursor:
        cursor.execute(SETTINGS)
        return Run.objects.count(), cursor.fetchone()[0]


async def test_the_seams_threads_keep_nothing_of_a_turn(hers: Garden, colleagues: Garden, strangers: Garden) -> None:
    seam, order = Seam(CONNECTIONS), random.Random(7)
    plan = [(order.choice((hers, colleagues, strangers)), order.choice(ENDINGS)) for _ in range(TURNS)]
    jobs = []
    for garden, ending in plan:
        jobs.append(seam.run(lambda garden=garden, ending=ending: look(garden, ending)))  # type: ignore[misc]
        jobs.append(seam.run(bare))
    results = await asyncio.gather(*jobs, return_exceptions=True)
    seam.close()
    assert set(results[1::2]) == {(0, "")}
    for (garden, ending), result in zip(plan, results[::2], strict=True):
        if isinstance(result, set):
            assert result == {garden.marker}, ending
        else:
            assert isinstance(result, Broken | DatabaseError), result


async def test_two_scopes_at_the_same_time_see_each_its_own(
    pool: AsyncConnectionPool, hers: Garden, strangers: Garden
) -> None:
    both = asyncio.Barrier(CONNECTIONS)

    async def inside(garden: Garden) -> set[str]:
        async with pool.connection() as connection, connection.transaction():
            await connection.execute(SET, [str(garden.tenant.id), str(garden.user.id)])
            await both.wait()
            return await words_of(connection)

    assert await asyncio.gather(inside(hers), inside(strangers)) == [{hers.marker}, {strangers.marker}]
