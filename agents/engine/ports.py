"""What the loop needs of the world. Each protocol is implemented by a higher layer, or by `engine.testing`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from agentos.core.credentials import Credentials
from agentos.core.errors import ToolFailed
from agentos.core.types import Json, JsonObject
from agents.engine.allowance import BOUNDLESS, Allowance
from agents.engine.model_calls import ModelReply, ModelRequest, Usage
from agents.engine.run_info import RunInfo
from agents.engine.steps import Statement, StepRecord, Write
from agents.engine.tools import Tool
from agents.engine.verdicts import Verdict, Withdrawal


class ModelPort(Protocol):
    """A model provider. Raises: ProviderError (retryable or not), also when a stream ends without finish_reason."""

    async def reply(self, request: ModelRequest, heard: Callable[[str], object]) -> ModelReply:
        """Give `heard` the text as it comes, wherever that is, and return the whole reply."""
        ...


@dataclass(frozen=True, slots=True)
class SeenState:
    """A session's state as the JSON text that `replace_state` wants to see again.

    `is_tainted`: another run of the session has read what strangers may have written, and may have kept it there.
    """

    text: str
    is_tainted: bool = False


class JournalPort(Protocol):
    """The durable record of one run, held under its lease. Order is kept between all three calls."""

    @property
    def pause_requested(self) -> bool:
        """Tell whether the run shall stop before its next step, because somebody asked for it."""
        ...

    @property
    def drain_requested(self) -> bool:
        """Tell whether the run shall be handed on before its next step, because this process goes away."""
        ...

    def halted_by(self, *tools: str) -> str:
        """Return the kill switch that halts the run, or one of these tools in it; nothing when none does."""
        ...

    def emit(self, name: str, payload: JsonObject, *, can_wait: bool = False) -> None:
        """Queue an event for the next flush, or for whatever is stored next; readers see it after the commit."""
        ...

    def put(self, write: Write, *, can_wait: bool = False) -> None:
        """Queue a write for the next flush; one that can wait lets what follows within a moment go with it.

        Raises: LeaseLost when that is known already.
        """
        ...

    async def commit(self, write: Write) -> None:
        """Return once the write and all before it are durable. Raises: LeaseLost, WriteRefused."""
        ...

    async def session_state(self) -> SeenState:
        """Return the state of the run's session as it stands now."""
        ...

    def replace_state(self, seen: str, state: JsonObject) -> Statement:
        """Return what replaces the session's state with its write, if it is still what was seen."""
        ...


class HookPort(Protocol):
    """Governance, as the loop calls it. An exception here refuses the call or ends the run: it fails closed."""

    async def offered(self, run: RunInfo) -> Sequence[Tool]:
        """Return the tools that a model may be told of, at each of its calls. What is left out is refused as well.

        Raises: PolicyDenied when the run may not go on at all.
        """
        ...

    async def before_tool(self, run: RunInfo, tool: Tool, step: StepRecord, arguments: JsonObject) -> Verdict:
        """Judge a call. A step with a requirement and no answer is asked about anew."""
        ...

    def withdraw(self, run: RunInfo, step: StepRecord, reason: str) -> Withdrawal:
        """Take back what was asked about a call, or the consent that was given, before it is asked about anew."""
        ...

    async def after_tool(self, run: RunInfo, tool: Tool, step: StepRecord, result: Json) -> Json:
        """Return what a tool said, a failure's words too, as it may be kept; note on the step what was done."""
        ...

    async def output_filter(self, run: RunInfo) -> OutputFilter | None: ...


class OutputFilter(Protocol):
    """Holds back text that could still become a finding. `notes`: what guards found, complete after `finish`."""

    notes: list[JsonObject]

    def feed(self, delta: str) -> str: ...

    def finish(self) -> str: ...

    async def arguments(self, written: str) -> tuple[str, str]:
        """Return a call's arguments as they may be kept, and why it must not be made, or nothing."""
        ...


async def allow_all(run: RunInfo, tokens: int, cost_usd: Decimal) -> Allowance:
    """Keep no budgets."""
    return BOUNDLESS


def unpriced(model: str, usage: Usage) -> Decimal | None:
    """Know no price."""
    return None


async def unconnected(run: RunInfo, kind: str) -> Credentials:
    """Have no connections."""
    raise ToolFailed(f"There is no connection {kind}.", code="connection_missing")


@dataclass(frozen=True, slots=True)
class Ports:
    """All that the loop reaches. `cost_of` says what a call of a model costs in USD, None when nobody knows.

    `allow` is asked when a run has used up what it was allowed. Raises: LimitExceeded when there is no more.
    `connect` gives a tool the credentials of a kind for the run's user; it raises ToolFailed when there are none.
    """

    model: ModelPort
    journal: JournalPort
    hooks: HookPort
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    cost_of: Callable[[str, Usage], Decimal | None] = unpriced
    allow: Callable[[RunInfo, int, Decimal], Awaitable[Allowance]] = allow_all
    connect: Callable[[RunInfo, str], Awaitable[Credentials]] = unconnected
