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
from agents.engine.status import RunStatus, StepKind, StepState
from agents.engine.steps import RunChange, Write
from agents.registry import registry
from agents.services import queue
from agents.services.journal import JournalWriter, RunJournal
from agents.services.queue import Claimed

logger = logging.getLogger(__name__)


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
    try:
        spec = pinned_spec(claimed.component_kind, claimed.component_id, claimed.spec)
    except NotFound:
        spec = AgentSpec(claimed.component_id, "")
        journal = writer.open(info_of(claimed, spec), fence=claimed.fence, next_seq=last_seq + 1)
        return await _fail(journal, "component_gone", "The component of this run is no longer installed.")
    info = info_of(claimed, spec)
    journal = writer.open(info, fence=claimed.fence, next_seq=last_seq + 1)
    if claimed.recoveries > queue.MAX_RECOVERIES:
        return await _fail(journal, "too_many_recoveries", "The run was interrupted too often and was given up.")
    history = await queue.load_history(pool, tenant_id=claimed.tenant_id, run_id=claimed.run_id, runs=spec.history_runs)
    state = LoopState(
        info,
        conversation(spec.instructions, history, claimed.message),
        steps={step.path: step for step in steps},
        first_start=last_seq == 0,
        age_seconds=claimed.age_seconds,
    )
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
        await _fail(journal, error.code, error.detail)
    except Exception as error:
        # The supervisor's edge: one run's bug must not take the process down, and its text may hold secrets.
        logger.exception("run %s failed with %s", state.info.run_id, type(error).__name__)
        await _fail(journal, "internal_error", "The run failed inside the server.")


async def _stop(state: LoopState, journal: RunJournal, reason: StopReason) -> None:
    try:
        if reason is StopReason.DRAIN:
            await journal.commit(Write(run=RunChange(RunStatus.PENDING, usage=state.metrics())))
            return
        write = Write(
            events=[(events.RUN_CANCELLED, {"reason": "The run was cancelled."})],
            run=RunChange(RunStatus.CANCELLED, usage=state.metrics()),
        )
        for step in state.steps.values():
            if not step.state.is_final and step.kind is StepKind.TOOL:
                started = step.state is StepState.STARTED and step.attempts > 0
                step.state = StepState.UNKNOWN if started else StepState.REFUSED
                write.steps.append(step)
        await journal.commit(write)
    except LeaseLost:
        logger.info("run %s: the lease was lost while it was stopped", state.info.run_id)


async def _fail(journal: RunJournal, code: str, text: str) -> None:
    try:
        await journal.commit(
            Write(
                events=[(events.RUN_ERROR, {"content": text, "error_type": code, "error_id": code})],
                run=RunChange(RunStatus.ERROR, error_code=code, error_text=text),
            )
        )
    except LeaseLost:
        logger.info("run %s: the lease was lost while it failed", journal.info.run_id)
