"""Whether the database takes what this process stores: learnt from its own writes, and tried once a second while not.

A full disk still answers what is read, and takes what happens to fit into a page. So a write that works proves nothing
once another has been refused: what ends the trouble is a trial that needs new pages, which is then taken back.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from uuid import UUID

import psycopg
from psycopg_pool import AsyncConnectionPool

from accounts import away
from agentos.core.errors import Unavailable
from agents.models import RunEvents
from agents.services.queue import LEASE_SECONDS
from agents.services.sql import table

logger = logging.getLogger(__name__)

GRACE_SECONDS: Final = 2.0  # a connection that broke is replaced long before
PATIENCE_SECONDS: Final = LEASE_SECONDS * 2 / 3
RETRY_SECONDS: Final = 5
TRIAL_BYTES: Final = 256 * 1024
NOT_STORED: Final = away.OF_DRIVER
SILENT: Final = "The database does not take what is written."
WHY: Final = {
    "53100": "The database's disk is full.",
    "25006": "The database can be read only.",
}
# Somebody's lock, a deadlock, a statement that was ended: the next may go through.
PASSING: Final = ("40", "55", "57014")

NOBODY: Final = UUID(int=0)
TRIAL: Final = f"""
INSERT INTO {table(RunEvents)} (id, tenant_id, user_id, run_id, first_seq, last_seq, lines, created_at)
VALUES (%(nobody)s, %(nobody)s, %(nobody)s, %(nobody)s, 1, 1, %(text)s, now())
"""


class Storing:
    """What is known of this process's writes."""

    def __init__(self) -> None:
        self._under_way: dict[object, float] = {}
        self._failing_since: float | None = None
        self._why = ""

    @contextmanager
    def one(self) -> Iterator[None]:
        """Note how the write that is made inside goes."""
        write = object()
        self._under_way[write] = time.monotonic()
        try:
            yield
        except NOT_STORED as error:
            self._failed(error)
            raise
        finally:
            del self._under_way[write]

    @property
    def trouble(self) -> str:
        """Say why nothing can be stored now; nothing when it can, as far as is known."""
        if self._failing_since is not None and (self._why or _age(self._failing_since) >= GRACE_SECONDS):
            return self._why or SILENT
        return SILENT if self._is_stuck else ""

    @property
    def lasts(self) -> bool:
        """Tell whether the trouble has lasted so long that nobody should wait for its end."""
        return self._is_stuck or (self._failing_since is not None and _age(self._failing_since) >= PATIENCE_SECONDS)

    def check(self) -> None:
        """Raises: Unavailable when nothing can be stored now."""
        if trouble := self.trouble:
            raise Unavailable(f"{trouble} Try again.", retry_after_seconds=RETRY_SECONDS, code="database_unavailable")

    async def try_again(self, pool: AsyncConnectionPool) -> None:
        """Find out whether it can be stored again, where a write has failed: by one that leaves nothing."""
        if self._failing_since is None:
            return
        try:
            async with pool.connection() as connection, connection.transaction(force_rollback=True):
                await connection.execute(TRIAL, {"nobody": NOBODY, "text": secrets.token_hex(TRIAL_BYTES // 2)})
        except NOT_STORED as error:
            self._failed(error)
        else:
            logger.info("storing: the database takes what is written again")
            self._failing_since, self._why = None, ""

    @property
    def _is_stuck(self) -> bool:
        return any(_age(began) >= PATIENCE_SECONDS for began in self._under_way.values())

    def _failed(self, error: psycopg.Error) -> None:
        state = error.sqlstate or ""
        if state.startswith(PASSING):
            return
        if self._failing_since is None:
            logger.warning("storing: the database did not take a write (%s %s)", type(error).__name__, state)
            self._failing_since = time.monotonic()
        self._why = WHY.get(state, SILENT if state.startswith(("53", "58")) else "")


def _age(moment: float) -> float:
    return time.monotonic() - moment
