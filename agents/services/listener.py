"""Hears what other processes notify, and tells those here whom it concerns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol
from uuid import UUID

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from agentos.core.ids import parse_id
from agents.engine.spec import JOB
from agents.services import halted
from agents.services.hub import Hub
from agents.services.live import Live
from agents.services.notifications import CANCEL, CLAIMABLE, EVENTS, HALT, INBOX, PAUSE


class Wake(Protocol):
    def __call__(self, *, runs: bool = True, jobs: bool = True) -> None:
        """Look for claimable runs, or jobs, now."""
        ...


class Listener:
    """Listens on a connection of its own. What was notified while it had none is made up for when it has one."""

    def __init__(self, url: str, *, name: str, pool: AsyncConnectionPool, hub: Hub, live: Live, wake: Wake) -> None:
        self._url, self._name, self._pool = url, name, pool
        self._hub, self._live, self._wake = hub, live, wake
        self._hears: dict[str, Callable[[str], None]] = {
            EVENTS: self._written,
            CLAIMABLE: self._claimable,
            CANCEL: self._cancelled,
            PAUSE: self._paused,
            INBOX: self._inbox,
        }

    async def listen_for_ever(self) -> None:
        async with await AsyncConnection.connect(self._url, autocommit=True) as connection:
            for channel in (HALT, *self._hears):
                await connection.execute(f"LISTEN {channel}")
            self._hub.hint_all()
            self._wake()
            async for note in connection.notifies():
                if note.channel == HALT:
                    self._live.stops.halted = await halted.read(self._pool)
                else:
                    self._hears[note.channel](note.payload)

    def _written(self, payload: str) -> None:
        writer, _, written = payload.partition(" ")
        if writer == self._name:
            return
        if written == "*":
            self._hub.hint_all()
        for run_id in _ids(written):
            self._hub.hint(run_id)

    def _claimable(self, payload: str) -> None:
        self._wake(runs=payload != JOB, jobs=payload == JOB)

    def _cancelled(self, payload: str) -> None:
        for run_id in _ids(payload):
            self._live.cancel(run_id)

    def _paused(self, payload: str) -> None:
        for run_id in _ids(payload.removeprefix("-")):
            self._live.pause(run_id, requested=not payload.startswith("-"))

    def _inbox(self, payload: str) -> None:
        for tenant_id in _ids(payload):
            self._hub.hint(tenant_id)


def _ids(payload: str) -> Iterator[UUID]:
    """Yield what is an id of what a notification lists."""
    return (found for text in payload.split(",") if (found := parse_id(text)))
