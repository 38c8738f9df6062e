"""What a transaction in few round trips leaves behind on its connection when it fails."""

from __future__ import annotations

import psycopg
import pytest
from django.conf import settings

from agents.services.journal.trips import in_few_trips

LOOKS = "SELECT %s::int + 1"


@pytest.fixture
async def connection(acme):
    url = settings.DATABASE_URLS["system"]
    async with await psycopg.AsyncConnection.connect(url, autocommit=True, prepare_threshold=1) as connection:
        yield connection


async def divide(connection, *then: str) -> None:
    """Fail, and let statements follow in the same trip: the server never gets to see them."""
    async with in_few_trips(connection):
        await connection.execute("SELECT 1 / 0")
        for sql in then:
            await connection.execute(sql, [1])


async def fails(connection, *then: str) -> None:
    with pytest.raises(psycopg.errors.DivisionByZero):
        await divide(connection, *then)


async def test_a_failed_transaction_leaves_no_statement_that_only_the_client_believes_prepared(connection):
    await fails(connection)  # the first one rolls back with nothing prepared
    await connection.execute(LOOKS, [1])
    await fails(connection, LOOKS)  # here it would be prepared, behind a failure
    cursor = await connection.execute(LOOKS, [1])
    assert await cursor.fetchone() == (2,)


async def test_a_connection_goes_on_after_many_failures(connection):
    for _ in range(8):
        await fails(connection, LOOKS)
        async with in_few_trips(connection):
            cursor = await connection.execute(LOOKS, [2])
            assert await cursor.fetchone() == (3,)
