"""Keeps the leases of a process's runs: renewed in time, or the runs are given up before another may claim them."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final
from uuid import UUID

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
    """Renews on a connection of its own, by this process's monotonic clock.

    A run whose row somebody holds costs no other its lease: it is tried again soon, and has its own time until then.
    """

    def __init__(self, url: str, *, owner: str, live: Live) -> None:
        self._url, self._owner, self._live = url, owner, live
        self._renewed_at = time.monotonic()
        self._missed: dict[UUID, float] = {}  # runs that the last renewal left out, and when they were renewed
        self._timer: asyncio.TimerHandle | None = None

    @property
    def are_renewed(self) -> bool:
        return _seconds_left(self._renewed_at) > 0

    @property
    def _patience_seconds(self) -> float:
        """How long to wait for the database: no longer than the runs that are held allow."""
        left = _seconds_left(self._renewed_at)
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
        if not self.are_renewed:
            self._live.cancel_all(StopReason.LOST)
        for run_id in [run_id for run_id, renewed_at in self._missed.items() if _seconds_left(renewed_at) <= 0]:
            del self._missed[run_id]
            self._live.cancel(run_id, StopReason.LOST)
        left = _seconds_left(min([self._renewed_at, *self._missed.values()]))
        self._timer = asyncio.get_running_loop().call_later(max(left, RETRY_SECONDS), self._give_up_unrenewed)

    async def _renew_again_and_again(self) -> None:
        while True:
            try:
                async with asyncio.timeout(self._patience_seconds):
                    opened = await AsyncConnection.connect(self._url, autocommit=True, connect_timeout=3)
                async with opened as connection:
                    while True:
                        await self._renew(connection)
                        await self._try_missed(connection, until=time.monotonic() + RENEW_SECONDS)
            except (psycopg.Error, OSError, TimeoutError):
                await asyncio.sleep(RETRY_SECONDS)

    async def _renew(self, connection: AsyncConnection[Any]) -> None:
        asked_at, run_ids = time.monotonic(), self._live.run_ids
        held = await self._ask(connection, run_ids)
        missed = {run_id: self._missed.get(run_id, self._renewed_at) for run_id in held}
        self._missed, self._renewed_at = missed, asked_at

    async def _try_missed(self, connection: AsyncConnection[Any], *, until: float) -> None:
        """Wait until the next renewal of all, and try those that this one left out."""
        while (left := until - time.monotonic()) > 0:
            await asyncio.sleep(min(left, RETRY_SECONDS) if self._missed else left)
            live = set(self._live.run_ids)
            if missed := [run_id for run_id in self._missed if run_id in live]:
                held = await self._ask(connection, missed)
                missed = [run_id for run_id in missed if run_id in held]
            self._missed = {run_id: self._missed[run_id] for run_id in missed if run_id in self._missed}

    async def _ask(self, connection: AsyncConnection[Any], run_ids: list[UUID]) -> set[UUID]:
        """Renew those that are ours and have not ended; stop those that shall end. Return those whose rows are held."""
        async with asyncio.timeout(self._patience_seconds):
            renewed = await queue.renew(connection, owner=self._owner, run_ids=run_ids)
        for run_id, is_cancelled in renewed.items():
            if is_cancelled:
                self._live.cancel(run_id)
        return {run_id for run_id, is_cancelled in renewed.items() if is_cancelled is None}


def _seconds_left(renewed_at: float) -> float:
    """How long runs that were renewed then may be worked on."""
    return renewed_at + LEASE_SECONDS - LEASE_MARGIN_SECONDS - time.monotonic()
