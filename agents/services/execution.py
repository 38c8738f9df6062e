"""Takes one claimed run through the loop: loads its journal, enters the loop, sees to how it ends."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import TypeAlias

from django.db import InterfaceError, OperationalError
from psycopg_pool import AsyncConnectionPool

from accounts import seam
from agentos.core.errors import AgentOSError, InputBlocked, LeaseLost, NotFound, whereabouts
from agentos.core.types import JsonObject
from agents.engine import events
from agents.engine.history import History
from agents.engine.loop import work
from agents.engine.messages import conversation
from agents.engine.ports import Ports
from agents.engine.run_info import RunInfo
from agents.engine.spec import JOB, AgentSpec, JobSpec
from agents.engine.state import LoopState
from agents.engine.status import GIVEN_UP, RunStatus
from agents.engine.steps import Statement, StepRecord, Write, WriteRefused
from agents.models import Step
from agents.registry import registry
from agents.services import authority, jobs, queue, summaries
from agents.services.ahead import Ahead
from agents.services.history import remembered
from agents.services.journal.run_journal import RunJournal
from agents.services.journal.storing import NOT_STORED
from agents.services.journal.writer import JournalWriter
from agents.services.queue import Claimed

logger = logging.getLogger(__name__)

COMPONENT_GONE = "component_gone", "The component of this run is no longer installed."
DATABASE_GONE = *NOT_STORED, OperationalError, InterfaceError
BLOCKED = InputBlocked.code, "A guardrail blocked this input."
OVERDUE = "deadline", "The run was not done by its deadline."
TOO_MANY_RECOVERIES = GIVEN_UP, "The run was interrupted too often and was given up."


EARLIER = "an earlier run of this session"  # what a run is tainted by whose history carries it on

# Background work by its id, and what of its answer is kept.
Job: TypeAlias = tuple[JobSpec, Callable[[RunInfo, JsonObject, str], Sequence[Statement]]]
JOBS: dict[str, Job] = {summaries.SPEC.id: (summaries.SPEC, summaries.kept)}


class StopReason(StrEnum):
    """Why the supervisor ends a task; it is the message of the task's cancellation."""

    CANCEL = "cancel"  # somebody asked for it
    DEADLINE = "deadline"  # its time is over, waiting included
    DRAIN = "drain"  # this process is going away
    LOST = "lost"  # the lease is somebody else's


def pinned_spec(kind: str, component_id: str, pinned: JsonObject) -> AgentSpec:
    """Return today's component with what the run pinned at its start. Raises: NotFound."""
    spec: AgentSpec = _job(component_id)[0] if kind == JOB else registry.get(kind, component_id)
    return spec.as_pinned(pinned)


def _job(component_id: str) -> Job:
    if component_id not in JOBS:
        raise NotFound("There is no such background work.")
    return JOBS[component_id]


async def execute(
    claimed: Claimed, *, pool: AsyncConnectionPool, writer: JournalWriter, ports: Ports, ahead: Ahead | None = None
) -> None:
    """Work on a run that was claimed, from wherever its journal stands."""
    info, refusal = _known(claimed)
    ahead = ahead or Ahead()
    if ahead.history is None and not claimed.is_job:
        ahead.history = asyncio.ensure_future(remembered(info, pool))  # read beside the journal
    try:
        await _execute(claimed, info, refusal, ahead, pool=pool, writer=writer, ports=ports)
    finally:
        if ahead.history is not None:
            ahead.history.cancel()


def read_ahead(ahead: Ahead, claimed: Claimed, answered: Step, pool: AsyncConnectionPool) -> None:
    """Begin to read what `execute` will want of a run. Its lock is held by whoever has answered this step of it."""

    async def journal() -> tuple[list[StepRecord], int]:
        steps, last_seq = await queue.load_steps(pool, tenant_id=claimed.tenant_id, run_id=claimed.run_id)
        known = queue.record_of(answered)
        return [known if step.path == known.path else step for step in steps], last_seq

    info, _ = _known(claimed)
    ahead.journal, ahead.history = asyncio.ensure_future(journal()), asyncio.ensure_future(remembered(info, pool))
    for reading in (ahead.journal, ahead.history):
        reading.add_done_callback(lambda done: done.cancelled() or done.exception())  # nobody may ever want it


def _known(claimed: Claimed) -> tuple[RunInfo, tuple[str, str] | None]:
    """Return what a run works by, and why it may not go on where its component is gone."""
    try:
        spec = pinned_spec(claimed.component_kind, claimed.component_id, claimed.spec)
    except NotFound:
        return info_of(claimed, AgentSpec(claimed.component_id, "")), COMPONENT_GONE
    return info_of(claimed, spec), None


async def _execute(
    claimed: Claimed,
    info: RunInfo,
    refusal: tuple[str, str] | None,
    ahead: Ahead,
    *,
    pool: AsyncConnectionPool,
    writer: JournalWriter,
    ports: Ports,
) -> None:
    steps, last_seq, stopped = await _loaded(claimed, ahead, pool)
    journal = writer.open(info, fence=claimed.fence, next_seq=last_seq + 1)
    state = LoopState(
        info,
        [],
        steps={step.path: step for step in steps},
        first_start=last_seq == 0,
        worked_seconds=claimed.worked_seconds,
    )
    if stopped is StopReason.LOST:
        return None
    if stopped is not None or claimed.cancel_requested:
        return await asyncio.shield(_stop(state, journal, stopped or StopReason.CANCEL))
    if not (claimed.message or claimed.is_job):  # its process died before it could say so
        refusal = BLOCKED
    if claimed.is_overdue:
        refusal = OVERDUE
    if claimed.recoveries > queue.MAX_RECOVERIES:
        refusal = TOO_MANY_RECOVERIES
    if refusal:
        return await _fail(state, journal, *refusal)
    if claimed.is_job:
        spec, keeps = _job(claimed.component_id)
        if not (claimed.is_new or await seam.in_background_thread(jobs.may_go_on, spec, info)):
            return await _cancel(state, journal, jobs.OPTED_OUT)
        state.keeps = lambda said: (*jobs.consented(spec, info), *keeps(info, claimed.spec, said))
        state.messages = conversation(info.spec.instructions, [], info.input)
    return await run_loop(state, journal, ports, history=ahead.history)


async def _loaded(
    claimed: Claimed, ahead: Ahead, pool: AsyncConnectionPool
) -> tuple[list[StepRecord], int, StopReason | None]:
    """Load the journal to its end even when the run is stopped meanwhile: how it stops has to be written there."""
    if claimed.is_new:
        return [], 0, None
    loading = ahead.journal or asyncio.ensure_future(
        queue.load_steps(pool, tenant_id=claimed.tenant_id, run_id=claimed.run_id)
    )
    try:
        steps, last_seq = await asyncio.shield(loading)
    except asyncio.CancelledError as stopped:
        steps, last_seq = await loading
        return steps, last_seq, _reason(stopped)
    return steps, last_seq, None


def info_of(claimed: Claimed, spec: AgentSpec) -> RunInfo:
    return RunInfo(
        run_id=claimed.run_id,
        tenant_id=claimed.tenant_id,
        user_id=claimed.user_id,
        session_id=claimed.session_id,
        spec=spec,
        model=claimed.model,
        input=claimed.message,
        fallbacks=tuple(claimed.spec.get("fallbacks", ())),
        **authority.of(claimed.spec),
    )


async def run_loop(
    state: LoopState, journal: RunJournal, ports: Ports, *, history: Awaitable[History] | None = None
) -> None:
    """Enter the loop; end the run rightly whatever comes out of it. Then ask for a summary, if one is due."""
    bound = replace(ports, journal=journal)
    known = History()
    try:
        if history is not None:
            known = await history
            state.remembers = known.pin
            state.messages = conversation(state.info.spec.instructions, known.exchanges, state.info.input)
            if known.is_tainted:
                state.untrusted.append(EARLIER)
        await work(state, bound)
    except LeaseLost:
        logger.info("run %s: the lease was lost", state.info.run_id)
    except asyncio.CancelledError as stopped:
        reason = _reason(stopped)
        if reason is not StopReason.LOST:
            await asyncio.shield(_stop(state, journal, reason))
    except DATABASE_GONE as error:
        # Nothing can be written now, and nothing is wrong with the run: whoever gets its lease goes on.
        logger.warning("run %s: the database is not reachable (%s)", state.info.run_id, type(error).__name__)
    except WriteRefused as refused:
        await _cancel(state, journal, refused.detail)
    except AgentOSError as error:
        await _fail(state, journal, error.code, error.detail)
    except Exception as error:  # noqa: BLE001
        # The supervisor's edge: one run's bug must not take the process down, and its text may hold secrets.
        logger.error("run %s failed: %s", state.info.run_id, whereabouts(error))
        await _fail(state, journal, "internal_error", "The run failed inside the server.")
    if known.leaving is not None and not journal.drain_requested:
        writer = journal.writer
        await asyncio.sleep(summaries.PAUSE_SECONDS)
        async with writer.beside:
            await summaries.ask(writer.pool, state.info, known, begin_job=writer.begin_job)


def _reason(stopped: asyncio.CancelledError) -> StopReason:
    return StopReason(stopped.args[0]) if stopped.args else StopReason.DRAIN


async def _stop(state: LoopState, journal: RunJournal, reason: StopReason) -> None:
    if reason is StopReason.DEADLINE:
        return await _fail(state, journal, *OVERDUE)
    if reason is not StopReason.DRAIN:
        return await _cancel(state, journal, "The run was cancelled.")
    try:
        await journal.commit(Write(run=state.change(RunStatus.PENDING)))
    except LeaseLost:
        logger.info("run %s: the lease was lost while it was handed on", state.info.run_id)


async def _cancel(state: LoopState, journal: RunJournal, reason: str) -> None:
    write = state.closing()
    write.events.append((events.RUN_CANCELLED, {"reason": reason}))
    write.run = state.change(RunStatus.CANCELLED)
    try:
        await journal.commit(write)
    except LeaseLost:
        logger.info("run %s: the lease was lost while it was cancelled", state.info.run_id)


async def _fail(state: LoopState, journal: RunJournal, code: str, text: str) -> None:
    write = state.closing()
    write.events.append((events.RUN_ERROR, {"content": text, "error_type": code, "error_id": code}))
    write.run = state.change(RunStatus.ERROR, code=code, text=text)
    try:
        await journal.commit(write)
    except LeaseLost:
        logger.info("run %s: the lease was lost while it failed", journal.info.run_id)
