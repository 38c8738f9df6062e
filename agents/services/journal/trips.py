"""A transaction in few round trips: its statements go out together, and only an answer that is read is waited for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from psycopg import AsyncConnection, AsyncPipeline
from psycopg.pq import TransactionStatus


@asynccontextmanager
async def in_few_trips(connection: AsyncConnection[Any]) -> AsyncIterator[AsyncPipeline]:
    """Open a transaction; commit it with the last statements, or roll it back whatever is raised.

    What a statement found is there after a fetch, or after `sync` of the pipeline, and so is its failure: nothing that
    follows a failed one is done.
    """
    try:
        async with connection.pipeline() as pipeline:
            await connection.execute("BEGIN")
            yield pipeline
            await connection.execute("COMMIT")
    except BaseException:
        if connection.info.transaction_status in (TransactionStatus.INTRANS, TransactionStatus.INERROR):
            await connection.rollback()  # not by a statement: the driver has to forget what the server never prepared
        raise
