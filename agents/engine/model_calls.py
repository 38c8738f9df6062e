"""What a model is asked and what it answers, in the terms of the chat-completions wire."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from agentos.core.types import JsonObject


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
