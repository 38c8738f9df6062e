"""Ports in memory, for tests of agents and of the loop: a scripted model, a list for a journal, open gates."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from copy import deepcopy
from dataclasses import dataclass, field
from typing import TypeAlias
from uuid import UUID

from agentos.core.errors import ProviderError
from agentos.core.ids import new_id
from agentos.core.types import Json, JsonObject
from agents.engine.messages import conversation
from agents.engine.model_calls import ModelReply, ModelRequest, ToolCall, Usage
from agents.engine.ports import OutputFilter, Ports, SeenState
from agents.engine.run_info import RunInfo
from agents.engine.spec import AgentSpec
from agents.engine.state import LoopState
from agents.engine.status import PauseKind, StepState
from agents.engine.steps import Statement, StepRecord, Write, WriteRefused
from agents.engine.tools import Level, Tool
from agents.engine.verdicts import Allow, Refuse, Require, Verdict, Withdrawal

REPLACE_STATE = "replace the session's state"
Scripted: TypeAlias = str | list[tuple[str, JsonObject]] | ProviderError


class Speaking:
    """A model port whose replies are written as generators: `stream` yields text, and the reply last."""

    def stream(self, request: ModelRequest) -> AsyncGenerator[str | ModelReply, None]:
        raise NotImplementedError

    async def reply(self, request: ModelRequest, heard: Callable[[str], object]) -> ModelReply:
        async with aclosing(self.stream(request)) as parts:
            async for part in parts:
                if isinstance(part, ModelReply):
                    return part
                heard(part)
        raise ProviderError("The model's stream ended without an end.", code="provider_stream_cut", retryable=True)


@dataclass
class ScriptedModel(Speaking):
    """Answers each call with the next line of its script: text, tool calls, or a failure after some text."""

    script: Sequence[Scripted]
    requests: list[ModelRequest] = field(default_factory=list)

    async def stream(self, request: ModelRequest) -> AsyncGenerator[str | ModelReply, None]:
        line = self.script[len(self.requests)]
        self.requests.append(deepcopy(request))
        number = len(self.requests)
        if isinstance(line, ProviderError):
            yield "half a "
            raise line
        if isinstance(line, str):
            for word in line.split(" "):
                yield word + " "
            yield ModelReply(line, usage=Usage(10, len(line.split())), model=request.model)
            return
        calls = tuple(
            ToolCall(f"call_{number}_{position}", name, json.dumps(arguments))
            for position, (name, arguments) in enumerate(line)
        )
        yield ModelReply("", calls, "tool_calls", Usage(10, 5), request.model)


@dataclass
class MemoryJournal:
    """Keeps writes in order. `steps` and `events` are what a later process would find."""

    steps: dict[str, StepRecord] = field(default_factory=dict)
    events: list[tuple[str, JsonObject]] = field(default_factory=list)
    writes: list[Write] = field(default_factory=list)
    refuse_statements: bool = False
    state: str = "{}"
    pause_requested: bool = False
    drain_requested: bool = False
    halted: set[str] = field(default_factory=set)

    def halted_by(self, *tools: str) -> str:
        return next((f"tool:{name}" for name in tools if name in self.halted), "tenant" if "" in self.halted else "")

    def emit(self, name: str, payload: JsonObject, *, can_wait: bool = False) -> None:
        self.events.append((name, deepcopy(payload)))

    def put(self, write: Write, *, can_wait: bool = False) -> None:
        self.writes.append(write)
        self.events.extend(deepcopy(write.events))
        for step in write.steps:
            step.seq = len(self.events)
            self.steps[step.path] = deepcopy(step)

    async def commit(self, write: Write) -> None:
        if write.statements and self.refuse_statements:
            raise WriteRefused(write.statements[0].refusal)
        for statement in write.statements:
            self._execute(statement)
        self.put(write)

    def _execute(self, statement: Statement) -> None:
        if statement.sql == REPLACE_STATE:
            seen, state = statement.parameters
            if seen != self.state:
                raise WriteRefused(statement.refusal)
            self.state = str(state)

    async def session_state(self) -> SeenState:
        return SeenState(self.state)

    def replace_state(self, seen: str, state: JsonObject) -> Statement:
        return Statement(REPLACE_STATE, (seen, json.dumps(state)), "It has changed.")

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.events]


class PlainGates:
    """Gates without policy: each level asks the requester, and an answer is taken as it is."""

    async def offered(self, run: RunInfo) -> Sequence[Tool]:
        return run.spec.tools

    async def before_tool(self, run: RunInfo, tool: Tool, step: StepRecord, arguments: JsonObject) -> Verdict:
        if step.answer is not None:
            if step.answer.get("confirmed") is False:
                return Refuse(step.answer.get("note") or "the user said no.")
            return Allow()
        kind = _KINDS.get(tool.level, PauseKind.FEEDBACK if tool.asks else None)
        if tool.level is Level.DENY:
            return Refuse("This tool is switched off.")
        if kind is None:
            return Allow()
        return Require(kind, {"kind": kind.value, "effect_text": tool.effect_text(arguments)})

    def withdraw(self, run: RunInfo, step: StepRecord, reason: str) -> Withdrawal:
        return Withdrawal()

    async def after_tool(self, run: RunInfo, tool: Tool, step: StepRecord, result: Json) -> Json:
        return result

    async def output_filter(self, run: RunInfo) -> OutputFilter | None:
        return None


_KINDS = {
    Level.CONFIRM: PauseKind.CONFIRMATION,
    Level.APPROVE: PauseKind.APPROVAL,
    Level.INPUT: PauseKind.USER_INPUT,
    Level.EXTERNAL: PauseKind.EXTERNAL,
}
NOBODY = UUID(int=0)


def new_state(
    spec: AgentSpec, message: str, *, journal: MemoryJournal | None = None, run_id: UUID | None = None
) -> LoopState:
    """Return the state of a run as a process would load it from this journal."""
    info = RunInfo(run_id or new_id(), NOBODY, NOBODY, "session", spec, "test-model", message)
    steps = deepcopy(journal.steps) if journal else {}
    first = journal is None or not journal.events
    return LoopState(info, conversation(spec.instructions, [], message), steps=steps, first_start=first)


def answer(journal: MemoryJournal, path: str, said: JsonObject) -> None:
    """Store a human's answer on a waiting step, as the service does."""
    journal.steps[path].answer = said
    journal.steps[path].state = StepState.ANSWERED


async def no_sleep(seconds: float) -> None:
    """Wait for nothing."""


def memory_ports(script: Sequence[Scripted], journal: MemoryJournal) -> Ports:
    return Ports(ScriptedModel(script), journal, PlainGates(), no_sleep)
