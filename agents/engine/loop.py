"""The one road of a run: start, resume and recovery all enter here with what the journal holds.

Finished steps are found again by their path, so a second pass over them costs nothing and repeats nothing.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Final, TypeAlias, assert_never

from agentos.core.errors import LimitExceeded, PolicyDenied, ProviderError
from agents.engine import events, messages
from agents.engine.asking import HaltedMeanwhile, ask_model, be_allowed
from agents.engine.calling import run_calls, told_to_model
from agents.engine.model_calls import ModelReply
from agents.engine.ports import Ports
from agents.engine.state import LoopState
from agents.engine.status import RunStatus, StepState
from agents.engine.steps import Statement, StepRecord, Write
from agents.engine.verdicts import Hold

CALLS_FIRST_SECONDS: Final = 0.001  # until they are on their way; what is asked beside them has time


@dataclass(frozen=True, slots=True)
class Completed:
    text: str
    statements: tuple[Statement, ...] = ()


@dataclass(frozen=True, slots=True)
class Paused:
    waiting: list[StepRecord]
    by_hand: bool = False
    halted_by: str = ""
    held: Hold | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    code: str
    text: str


@dataclass(frozen=True, slots=True)
class HandedOn:
    """The process goes away: any other may go on from here."""


Ending: TypeAlias = Completed | Paused | Failed | HandedOn


async def work(state: LoopState, ports: Ports) -> Ending:
    """Take a run as far as it goes and commit how it ended. Raises: LeaseLost, WriteRefused for what it keeps."""
    started = {"model": state.info.model, "model_provider": "openai"}
    if state.first_start:
        ports.journal.emit(events.RUN_STARTED, started, can_wait=state.info.is_job)
    else:
        ports.journal.emit(events.RUN_CONTINUED, {}, can_wait=True)  # a commit of its own would hold up the next step
    try:
        async with asyncio.timeout(max(0.0, state.info.spec.limits.wall_seconds - state.wall_seconds)):
            ending = await _turns(state, ports)
    except (LimitExceeded, PolicyDenied, ProviderError) as error:
        ending = Failed(error.code, error.detail)
    except TimeoutError:
        ending = Failed("limit_wall_time", f"The run took more than {state.info.spec.limits.wall_seconds} seconds.")
    await ports.journal.commit(_last_write(state, ending))
    return ending


async def _turns(state: LoopState, ports: Ports) -> Ending:
    turn = 0
    while True:
        turn += 1
        state.check_limits(turn)
        if stop := stops_before(state, ports, [f"{turn}.model"]):
            return stop
        try:
            reply = unique_calls(state, turn, await ask_model(state, ports, turn))
        except HaltedMeanwhile as halted:
            return Paused(state.waiting(), halted_by=halted.by)
        state.messages.append(messages.assistant_message(reply))
        if not reply.tool_calls:
            return Completed(reply.text, tuple(state.keeps(reply.text)))
        paths = [f"{turn}.{ordinal}" for ordinal in range(len(reply.tool_calls))]
        if stop := stops_before(state, ports, paths, *(call.name for call in reply.tool_calls)):
            return stop
        steps = await _called(state, ports, turn, reply)
        if waiting := [step for step in steps if not step.state.is_final]:
            halted_by = ports.journal.halted_by(*(step.name for step in waiting if step.state is StepState.STARTED))
            if halted_by or state.held:
                return Paused(state.waiting(), halted_by=halted_by, held=state.held)
            return Paused(waiting)
        for step in steps:
            state.messages.append(messages.tool_message(step.tool_call_id, told_to_model(step)))
            state.has_read(step)


async def _called(state: LoopState, ports: Ports, turn: int, reply: ModelReply) -> list[StepRecord]:
    """Let the calls be made; a run that goes on meanwhile learns what it may still use.

    What stands against that is met by the model's call that it is for, if there comes one.
    """
    calls = run_calls(state, ports, turn, reply.tool_calls)
    if state.allowance is not None:
        return await calls
    steps, _ = await asyncio.gather(calls, _allowed_beside(state, ports), return_exceptions=True)
    if isinstance(steps, BaseException):
        raise steps
    return steps


async def _allowed_beside(state: LoopState, ports: Ports) -> None:
    await asyncio.sleep(CALLS_FIRST_SECONDS)
    await be_allowed(state, ports)


def stops_before(state: LoopState, ports: Ports, paths: list[str], *tools: str) -> Paused | HandedOn | None:
    """Return how the run stops at this edge: somebody asked for it, and these steps are not all behind it."""
    known = [state.steps.get(path) for path in paths]
    if all(step is not None and step.state.is_final for step in known):
        return None
    if halted_by := ports.journal.halted_by(*tools):
        return Paused(state.waiting(), halted_by=halted_by)
    if ports.journal.pause_requested:
        return Paused(state.waiting(), by_hand=True)
    return HandedOn() if ports.journal.drain_requested else None


def unique_calls(state: LoopState, turn: int, reply: ModelReply) -> ModelReply:
    """Make every tool-call id unique within the run: clients answer by it, and some models repeat theirs."""
    used = {step.tool_call_id for step in state.tool_steps() if not step.path.startswith(f"{turn}.")}
    calls = []
    for ordinal, call in enumerate(reply.tool_calls):
        fresh = call.id if call.id and call.id not in used else f"{call.id or 'call'}_{turn}_{ordinal}"
        used.add(fresh)
        calls.append(replace(call, id=fresh))
    return replace(reply, tool_calls=tuple(calls))


def _last_write(state: LoopState, ending: Ending) -> Write:
    match ending:
        case Completed(text, statements):
            last = {"content": text, "content_type": "str", "metrics": state.metrics()}
            return Write(
                events=[(events.RUN_CONTENT_COMPLETED, {}), (events.RUN_COMPLETED, last)],
                statements=list(statements),
                run=state.change(RunStatus.COMPLETED, output=text),
            )
        case Paused(waiting, by_hand, halted_by, held):
            reason = events.HALTED if halted_by else held.reason if held else events.BY_HAND if by_hand else ""
            payload = events.stopped(waiting, reason) if reason else events.paused(waiting)
            return Write(
                events=[(events.RUN_PAUSED, payload)],
                statements=list(held.statements) if held else [],
                audit=list(held.audit) if held else [],
                run=replace(state.change(RunStatus.PAUSED), halted_by=halted_by),
            )
        case HandedOn():
            return Write(run=state.change(RunStatus.PENDING))
        case Failed(code, text):
            write = state.closing()
            write.events.append((events.RUN_ERROR, {"content": text, "error_type": code, "error_id": code}))
            write.run = state.change(RunStatus.ERROR, code=code, text=text)
            return write
        case _:
            assert_never(ending)
