"""Keeps the leases of a process's runs: renewed in time, or the runs are given up before another may claim them."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final

import psycopg
from psycopg import AsyncConnection

from agents.services import queue
from agents.services.execution import StopReason
from agents.services.live import Live
from agents.services.queue import LEASE_SECONDS

RENEW_SECONDS: Final = LEASE_SECONDS / 3
RETRY_SECONDS: Final = 0.5
LEASE_MARGIN_SECONDS: Final = LEASE_SECONDS / 5  # an owner that cannot renew stops this long before its lease ends


class Leases:
    """Renews on a connection of its own, by this process's monotonic clock."""

    def __init__(self, url: str, *, owner: str, live: Live) -> None:
        self._url, self._owner, self._live = url, owner, live
        self._renewed_at = time.monotonic()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def are_renewed(self) -> bool:
        return self._seconds_left > 0

    @property
    def _seconds_left(self) -> float:
        """How long the runs may be worked on without being renewed."""
        return self._renewed_at + LEASE_SECONDS - LEASE_MARGIN_SECONDS - time.monotonic()

    @property
    def _patience_seconds(self) -> float:
        """How long to wait for the database: no longer than the runs that are held allow."""
        left = self._seconds_left
        return min(left, RENEW_SECONDS) if left > 0 else RENEW_SECONDS

    async def renew_for_ever(self) -> None:
        self._give_up_unrenewed()
        try:
            await self._renew_again_and_again()
        finally:
            if self._timer is not None:
                self._timer.cancel()

    def _give_up_unrenewed(self) -> None:
        """Look when the runs may be worked on no longer: a wait for the database that is cut short may still go on."""
        left = self._seconds_left
        if left <= 0:
            self._live.cancel_all(StopReason.LOST)
        self._timer = asyncio.get_running_loop().call_later(max(left, RETRY_SECONDS), self._give_up_unrenewed)

    async def _renew_again_and_again(self) -> None:
        while True:
            try:
                async with asyncio.timeout(self._patience_seconds):
                    opened = await AsyncConnection.connect(self._url, autocommit=True, connect_timeout=3)
                async with opened as connection:
                    while True:
                        async with asyncio.timeout(self._patience_seconds):
                            await self._renew(connection)
                        await asyncio.sleep(RENEW_SECONDS)
            except (psycopg.Error, OSError, TimeoutError):
                await asyncio.sleep(RETRY_SECONDS)

    async def _renew(self, connection: AsyncConnection[Any]) -> None:
        asked_at = time.monotonic()
        cancelled = await queue.renew(connection, owner=self._owner, run_ids=self._live.run_ids)
        self._renewed_at = asked_at
        for run_id in cancelled:
            self._live.cancel(run_id)
