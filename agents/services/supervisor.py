"""Holds the runs of one process: adopts its own, claims what is left, stops what was asked to stop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any
from uuid import UUID

import psycopg
from django.conf import settings
from django.db import Error
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from accounts.seam import in_thread
from agentos.core.clock import monotonic
from agents.engine.ports import Ports
from agents.models import Step
from agents.services import halted, queue
from agents.services.ahead import Ahead
from agents.services.crash import CrashPoint, crash_here
from agents.services.execution import StopReason, execute, read_ahead
from agents.services.hub import Hub
from agents.services.jobs import ClosedGates, NewJob
from agents.services.journal.writer import JournalWriter
from agents.services.leases import Leases
from agents.services.ledger import Ledger, NoLedger
from agents.services.listener import Listener
from agents.services.live import Live
from agents.services.places import Places
from agents.services.queue import Claimed
from agents.services.stops import Stops
from agents.services.ticks import Tick, Ticks

logger = logging.getLogger(__name__)

TICK_SECONDS = 1.0
DRAIN_SECONDS: int = settings.DRAIN_SECONDS
MOST_RUNS, MOST_JOBS = 3_000, 4
CLAIMED_AT_ONCE = 50
TRIAL_SECONDS = 60.0  # most runs have ended by then, and what ends a process mostly does so at once

Loop = Callable[[], Coroutine[Any, Any, None]]


@dataclass(slots=True)
class Lane:
    """Runs that are claimed together. What waits in one lane holds up nobody in the other."""

    places: Places
    is_background: bool
    claimable: asyncio.Event = field(default_factory=asyncio.Event)
    taking: asyncio.Lock = field(default_factory=asyncio.Lock)  # from looking for room until it is taken
    on_trial: dict[UUID, float] = field(default_factory=dict)  # runs whose last chance it is, and since when


class Supervisor:
    """One per process. `name` is unique per start, so a restarted process never renews its predecessor's leases.

    `jobs` and `job_ports` are for background work: its places, and its own way to the model.
    """

    def __init__(
        self,
        pool: AsyncConnectionPool,
        *,
        url: str,
        hub: Hub,
        ports: Ports,
        ticks: Iterable[Tick] = (),
        runs: Places | None = None,
        job_ports: Ports | None = None,
        jobs: Places | None = None,
        ledger: Ledger | None = None,
    ) -> None:
        self.name = f"{os.uname().nodename[:30]}-{os.getpid()}-{secrets.token_hex(4)}"
        self.pool, self.hub, self.ports = pool, hub, ports
        self.job_ports = replace(job_ports or ports, hooks=ClosedGates())
        self.ledger = ledger or NoLedger()
        self.stops = Stops()
        self.live = Live(self.stops)
        self.leases = Leases(url, owner=self.name, live=self.live)
        self.listener = Listener(url, name=self.name, pool=pool, hub=hub, live=self.live, wake=self.wake)
        self.writer = JournalWriter(pool, hub, process=self.name, ledger=self.ledger, stops=self.stops)
        self.writer.begin_job = self.begin_job
        self.runs = runs or Places("runs", most=MOST_RUNS, most_per_tenant=MOST_RUNS)
        self.jobs = jobs or Places("jobs", most=MOST_JOBS, most_per_tenant=MOST_JOBS)
        self._lane, self._job_lane = Lane(self.runs, is_background=False), Lane(self.jobs, is_background=True)
        self._ticks = Ticks(ticks)
        self._loops: list[asyncio.Task[None]] = []
        self._event_loop: asyncio.AbstractEventLoop | None = None

    @property
    def is_well(self) -> bool:
        """Tell whether leases are being renewed: what `/api/ready` reports."""
        if self.writer.has_failed or any(loop.done() for loop in self._loops):
            return False
        return not self.stops.is_draining and self.leases.are_renewed

    async def start(self) -> None:
        self._event_loop = asyncio.get_running_loop()
        self.writer.start()
        self.stops.halted = await halted.read(self.pool)
        loops: list[Loop] = [self.leases.renew_for_ever, self.listener.listen_for_ever, self._tick_loop]
        loops += [partial(self._claim_loop, lane) for lane in (self._lane, self._job_lane) if lane.places.most]
        for loop in loops:
            self._loops.append(asyncio.create_task(self._forever(loop)))

    async def drain(self) -> None:
        """Claim nothing more, let live runs reach a step's edge, and give back those that take too long."""
        self.stops.is_draining = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(TICK_SECONDS), self._lane.taking, self._job_lane.taking:
                pass  # what was being claimed just then has come
        await self.live.wait(DRAIN_SECONDS)
        await self.live.give_back()

    async def stop(self) -> None:
        """Drain, and end the loops."""
        await self.drain()
        for loop in self._loops:
            loop.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)
        await self.live.give_back()  # what a decision gave it meanwhile
        await self.writer.close()
        await self.ledger.close()

    def adopt(
        self, run_id: UUID, tenant_id: UUID, work: Coroutine[Any, Any, None], *, lane: Lane | None = None
    ) -> None:
        """Work on a run whose lease this process holds."""
        lane = lane or self._lane
        lane.places.take(tenant_id)
        self.live.add(run_id, work).add_done_callback(lambda _: self._leave(tenant_id, lane))

    def wake(self, *, runs: bool = True, jobs: bool = True) -> None:
        """Look for claimable runs, or jobs, now."""
        if runs:
            self._lane.claimable.set()
        if jobs:
            self._job_lane.claimable.set()

    def _leave(self, tenant_id: UUID, lane: Lane) -> None:
        if lane.is_background and not lane.places.has_room(tenant_id):
            lane.claimable.set()  # others may have waited for this
        lane.places.leave(tenant_id)

    async def _forever(self, loop: Loop) -> None:
        """Keep one of the loops going through database outages; one that ends by itself has ended for good."""
        while True:
            try:
                return await loop()
            except (psycopg.Error, PoolTimeout, OSError) as error:
                logger.warning("supervisor: the database is not reachable (%s)", type(error).__name__)
                await asyncio.sleep(1)

    async def _claim_loop(self, lane: Lane) -> None:
        while not self.stops.is_draining:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TICK_SECONDS):
                    await lane.claimable.wait()
            lane.claimable.clear()
            if self.writer.storing.trouble:
                continue  # to take a run up counts as a recovery, and it would not come far
            async with lane.taking:
                await self._claim(lane)

    async def _claim(self, lane: Lane) -> None:
        """Claim what there is room for."""
        places = lane.places
        room = places.most - places.taken
        while room > 0 and not self.stops.is_draining:
            claimed = await queue.claim(
                self.pool,
                owner=self.name,
                limit=min(room, CLAIMED_AT_ONCE),
                most_per_tenant=places.most_per_tenant,
                turns=places.turns,
                jobs=lane.is_background,
                last_chance=self._have_stood_trial(lane),
            )
            if claimed:
                crash_here(CrashPoint.CLAIM_AFTER_COMMIT)
            for run in claimed:
                self._take(run, lane)
            room -= len(claimed)
            if len(claimed) < CLAIMED_AT_ONCE:
                break

    def _have_stood_trial(self, lane: Lane) -> bool:
        """Tell whether the runs that came here last for their last chance have ended, or have lived for long."""
        live, since = {*self.live.run_ids}, monotonic() - TRIAL_SECONDS
        lane.on_trial = {run: at for run, at in lane.on_trial.items() if run in live and at > since}
        return not lane.on_trial

    async def begin_job(self, job: NewJob) -> None:
        """Let a job be stored, and work on it when there is room here; else any process may claim it.

        Raises: Unavailable.
        """
        lane = self._job_lane
        async with lane.taking:
            is_taking = self._event_loop is not None and not self.stops.is_draining
            job.owner = self.name if is_taking and lane.places.has_room(job.tenant_id) else ""
            await self.writer.store_job(job)
            if job.is_stored and job.owner:
                crash_here(CrashPoint.CLAIM_AFTER_COMMIT)
                self._take(job.claimed, lane)

    def has_room(self, tenant_id: UUID) -> bool:
        """Tell whether this process may take one more run of a tenant; from any thread."""
        return self._event_loop is not None and not self.stops.is_draining and self.runs.has_room(tenant_id)

    def read_ahead(self, run: Claimed, answered: Step) -> Ahead:
        """Begin to read what a run will want whose lock the caller holds, who lets it go on; from any thread."""
        assert self._event_loop is not None
        ahead = Ahead()
        with contextlib.suppress(RuntimeError):  # the event loop has ended
            self._event_loop.call_soon_threadsafe(read_ahead, ahead, run, answered, self.pool)
        return ahead

    def take_soon(self, run: Claimed, ahead: Ahead | None = None) -> None:
        """Work on a run whose lease this process has just committed; from any thread.

        Raises: RuntimeError when the event loop has ended.
        """
        assert self._event_loop is not None
        self._event_loop.call_soon_threadsafe(self._take, run, self._lane, ahead)

    def _take(self, run: Claimed, lane: Lane, ahead: Ahead | None = None) -> None:
        if run.is_last_chance:
            lane.on_trial[run.run_id] = monotonic()
        ports = self.job_ports if lane.is_background else self.ports
        work = execute(run, pool=self.pool, writer=self.writer, ports=ports, ahead=ahead)
        self.adopt(run.run_id, run.tenant_id, work, lane=lane)
        self.live.pause(run.run_id, requested=run.pause_requested)

    async def _tick_loop(self) -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            await self.writer.storing.try_again(self.pool)
            self.hub.stall(lasts=self.writer.storing.lasts)
            self.stops.halted = await halted.read(self.pool)
            await self._ask_for_stops()
            for tick in await self._ticks.due(self.pool):
                await self._tick(tick)

    async def _ask_for_stops(self) -> None:
        if not (run_ids := self.live.run_ids):
            return
        asked = await queue.requests(self.pool, owner=self.name, run_ids=run_ids)
        self.stops.pausing = asked.pausing
        for run_id in asked.cancelled:
            self.live.cancel(run_id)
        for run_id in asked.overdue:
            self.live.cancel(run_id, StopReason.DEADLINE)

    async def _tick(self, tick: Tick) -> None:
        try:
            await in_thread(tick)
        except Error as error:
            logger.warning("tick %s failed (%s)", getattr(tick, "__qualname__", tick), type(error).__name__)
