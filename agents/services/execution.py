"""Takes one claimed run through the loop: loads its journal, enters the loop, sees to how it ends."""

from __future__ import annotations

import asyncio
import logging
from enum import StrEnum

from psycopg_pool import AsyncConnectionPool

from agentos.core.errors import AgentOSError, LeaseLost, NotFound
from agentos.core.types import JsonObject
from agents.engine import events
from agents.engine.loop import work
from agents.engine.messages import conversation
from agents.engine.ports import Ports, RunInfo
from agents.engine.spec import AgentSpec
from agents.engine.state import LoopState
from agents.engine.status import RunStatus
from agents.engine.steps import RunChange, Write
from agents.registry import registry
from agents.services import queue
from agents.services.journal import JournalWriter, RunJournal
from agents.services.queue import Claimed

logger = logging.getLogger(__name__)

COMPONENT_GONE = "component_gone", "The component of this run is no longer installed."
TOO_MANY_RECOVERIES = "too_many_recoveries", "The run was interrupted too often and was given up."


class StopReason(StrEnum):
    """Why the supervisor ends a task; it is the message of the task's cancellation."""

    CANCEL = "cancel"  # somebody asked for it
    DRAIN = "drain"  # this process is going away
    LOST = "lost"  # the lease is somebody else's


def pinned_spec(kind: str, component_id: str, pinned: JsonObject) -> AgentSpec:
    """Return today's component with what the run pinned at its start. Raises: NotFound."""
    from dataclasses import replace

    spec = registry.get(kind, component_id)
    return replace(spec, instructions=pinned.get("instructions", spec.instructions))


async def execute(claimed: Claimed, *, pool: AsyncConnectionPool, writer: JournalWriter, ports: Ports) -> None:
    """Work on a run that was claimed, from wherever its journal stands."""
    steps, last_seq = await queue.load_steps(pool, tenant_id=claimed.tenant_id, run_id=claimed.run_id)
    refusal: tuple[str, str] | None = None
    try:
        spec = pinned_spec(claimed.component_kind, claimed.component_id, claimed.spec)
    except NotFound:
        spec, refusal = AgentSpec(claimed.component_id, ""), COMPONENT_GONE
    info = info_of(claimed, spec)
    journal = writer.open(info, fence=claimed.fence, next_seq=last_seq + 1)
    state = LoopState(
        info,
        [],
        steps={step.path: step for step in steps},
        first_start=last_seq == 0,
        worked_seconds=claimed.worked_seconds,
    )
    if claimed.recoveries > queue.MAX_RECOVERIES:
        refusal = TOO_MANY_RECOVERIES
    if refusal:
        return await _fail(state, journal, *refusal)
    history = await queue.load_history(pool, tenant_id=claimed.tenant_id, run_id=claimed.run_id, runs=spec.history_runs)
    state.messages = conversation(spec.instructions, history, claimed.message)
    return await run_state(state, journal, ports)


def info_of(claimed: Claimed, spec: AgentSpec) -> RunInfo:
    return RunInfo(
        claimed.run_id,
        claimed.tenant_id,
        claimed.user_id,
        claimed.session_id,
        spec,
        claimed.model,
        claimed.message,
        tuple(claimed.spec.get("fallbacks", ())),
    )


async def run_state(state: LoopState, journal: RunJournal, ports: Ports) -> None:
    """Enter the loop; end the run rightly whatever comes out of it."""
    bound = Ports(ports.model, journal, ports.hooks)
    try:
        await work(state, bound)
    except LeaseLost:
        logger.info("run %s: the lease was lost", state.info.run_id)
    except asyncio.CancelledError as stopped:
        reason = stopped.args[0] if stopped.args else StopReason.DRAIN
        if reason == StopReason.LOST:
            return
        await asyncio.shield(_stop(state, journal, StopReason(reason)))
    except AgentOSError as error:
        await _fail(state, journal, error.code, error.detail)
    except Exception as error:
        # The supervisor's edge: one run's bug must not take the process down, and its text may hold secrets.
        logger.exception("run %s failed with %s", state.info.run_id, type(error).__name__)
        await _fail(state, journal, "internal_error", "The run failed inside the server.")


async def _stop(state: LoopState, journal: RunJournal, reason: StopReason) -> None:
    try:
        if reason is StopReason.DRAIN:
            await journal.commit(Write(run=RunChange(RunStatus.PENDING, usage=state.metrics())))
            return
        write = state.closing()
        write.events.append((events.RUN_CANCELLED, {"reason": "The run was cancelled."}))
        write.run = RunChange(RunStatus.CANCELLED, usage=state.metrics())
        await journal.commit(write)
    except LeaseLost:
        logger.info("run %s: the lease was lost while it was stopped", state.info.run_id)


async def _fail(state: LoopState, journal: RunJournal, code: str, text: str) -> None:
    write = state.closing()
    write.events.append((events.RUN_ERROR, {"content": text, "error_type": code, "error_id": code}))
    write.run = RunChange(RunStatus.ERROR, error_code=code, error_text=text)
    try:
        await journal.commit(write)
    except LeaseLost:
        logger.info("run %s: the lease was lost while it failed", journal.info.run_id)
