"""What the loop needs of the world. Each protocol is implemented by a higher layer, or by `engine.testing`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, Protocol, TypeAlias
from uuid import UUID

from agentos.core.credentials import Credentials
from agentos.core.errors import AgentOSError, ToolFailed
from agentos.core.types import Json, JsonObject
from agents.engine.spec import AgentSpec
from agents.engine.status import PauseKind
from agents.engine.steps import AuditEntry, Statement, StepRecord, Write
from agents.engine.tools import Tool


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call as the model asked for it. `arguments` is the raw JSON text; with a `fault` the call is not made."""

    id: str
    name: str
    arguments: str
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one model call, and what the provider said of them."""

    input_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    cached_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.reasoning_tokens + other.reasoning_tokens,
            self.cached_tokens + other.cached_tokens,
        )

    @property
    def total_tokens(self) -> int:
        return self.input_tokens + self.output_tokens


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One model call, in the terms of the chat-completions wire.

    `messages`: [{role, content, tool_calls?, tool_call_id?}]; `tools`: tool definitions. `tenant_id` says whose call it
    is, where tenants have providers of their own.
    """

    model: str
    messages: list[JsonObject]
    tools: list[JsonObject] = field(default_factory=list)
    response_format: JsonObject | None = None
    timeout_seconds: float = 120.0
    tenant_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class ModelReply:
    """The end of a model call: the whole text and the tool calls."""

    text: str
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: str = "stop"
    usage: Usage = Usage()
    model: str = ""
    time_to_first_token_ms: int | None = None


class ModelPort(Protocol):
    """A model provider. Raises: ProviderError (retryable or not), also when a stream ends without finish_reason."""

    def stream(self, request: ModelRequest) -> AsyncGenerator[str | ModelReply, None]:
        """Yield text deltas as they come, and last exactly one ModelReply."""
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


@dataclass(frozen=True, slots=True)
class RunInfo:
    """What stays the same for one run.

    It acts for its user: with what she may do *now*, within the scopes in `limits` if a program started it in her name
    (None: all of hers), and as long as that program's service account (`account_id`) stands.
    """

    run_id: UUID
    tenant_id: UUID
    user_id: UUID
    session_id: str
    spec: AgentSpec
    model: str
    input: str
    fallbacks: tuple[str, ...] = ()
    limits: tuple[str, ...] | None = None
    account_id: UUID | None = None


# What a hook may answer before a tool runs


@dataclass(frozen=True, slots=True)
class Allow:
    """Run it. `statements` and `audit` commit with the step's start, and the former can still refuse it."""

    statements: tuple[Statement, ...] = ()
    audit: tuple[AuditEntry, ...] = ()


@dataclass(frozen=True, slots=True)
class Refuse:
    """Do not run it; the text goes to the model."""

    reason: str


@dataclass(frozen=True, slots=True)
class Require:
    """Stop this branch until a human has answered.

    `requirement` is shown to clients; `statements` and `audit` commit with the waiting step.
    """

    kind: PauseKind
    requirement: JsonObject
    statements: tuple[Statement, ...] = ()
    audit: tuple[AuditEntry, ...] = ()


@dataclass(frozen=True, slots=True)
class Hold:
    """Leave the call as it is and pause the run; it is judged again when the run goes on.

    `statements` and `audit` commit with the pause, and keep the run paused.
    """

    reason: str
    statements: tuple[Statement, ...] = ()
    audit: tuple[AuditEntry, ...] = ()


Verdict: TypeAlias = Allow | Refuse | Require | Hold


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """What takes a question back that was put to a human; it commits with what is done instead.

    Its statements fail when she has answered meanwhile: then her answer is looked at first.
    """

    statements: tuple[Statement, ...] = ()
    audit: tuple[AuditEntry, ...] = ()


class WriteRefused(AgentOSError):
    """A guarded statement did not hold, so nothing of its write happened."""

    code = "write_refused"


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


@dataclass(frozen=True, slots=True)
class Allowance:
    """How much a run may use before it has to ask for more; None is without bound."""

    tokens: int | None = None
    cost_usd: Decimal | None = None

    def covers(self, tokens: int, cost_usd: Decimal) -> bool:
        """Tell whether something is left for a run that has used this much."""
        return (self.tokens is None or tokens < self.tokens) and (self.cost_usd is None or cost_usd < self.cost_usd)


BOUNDLESS: Final = Allowance()


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
