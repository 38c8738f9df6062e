"""Shapes of a run's events on the wire, for OpenAPI and its tests: streams send the stored lines as they are."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, TypeAlias

from ninja import Schema
from pydantic import ConfigDict, Field

from agentos.core.types import JsonObject

REF_TEMPLATE: Final = "#/components/schemas/{model}"
STREAM: Final[JsonObject] = {"text/event-stream": {"schema": {"$ref": REF_TEMPLATE.format(model="RunEvent")}}}


class ToolExecution(Schema):
    """A tool call as AgentOS shows it; one that waits also says what for (`kind`, `effect_text`, `why`, ...)."""

    model_config = ConfigDict(extra="allow")

    tool_call_id: str
    tool_name: str
    tool_args: dict[str, Any]
    tool_call_error: bool | None
    result: Any
    requires_confirmation: bool | None
    confirmed: bool | None
    confirmation_note: str | None
    requires_user_input: bool | None
    user_input_schema: list[dict[str, Any]] | None
    user_feedback_schema: list[dict[str, Any]] | None
    answered: bool | None
    external_execution_required: bool | None
    approval_id: str | None
    kind: str | None = None
    effect_text: str | None = None
    approval_url: str | None = None
    expires_at: str | None = None


class RunRequirement(Schema):
    """What a paused run waits for."""

    model_config = ConfigDict(extra="forbid")

    id: str
    tool_execution: ToolExecution
    user_input_schema: list[dict[str, Any]] | None
    user_feedback_schema: list[dict[str, Any]] | None
    confirmation: bool | None
    confirmation_note: str | None
    external_execution_result: str | None


class Tokens(Schema):
    """What model calls used."""

    input_tokens: int
    output_tokens: int
    total_tokens: int
    reasoning_tokens: int
    cache_read_tokens: int
    time_to_first_token: float = Field(description="In seconds")


class RunMetrics(Tokens):
    """What a run used; `cost` is null where the price of a call is not known."""

    model_config = ConfigDict(extra="forbid")

    cost: float | None
    model_calls: int
    tool_calls: int
    duration: float = Field(description="Seconds that were worked; waiting does not count")


class Event(Schema):
    """What every event says. Its `id:` in the stream is its place in the run's log, from 1 without gaps."""

    model_config = ConfigDict(extra="forbid")

    agent_id: str
    agent_name: str
    run_id: str
    session_id: str
    created_at: int = Field(description="Seconds since the epoch")
    ts: str = Field(examples=["2026-11-26T05:00:00.000Z"])


class RunStarted(Event):
    event: Literal["RunStarted"]
    model: str
    model_provider: str


class RunContinued(Event):
    """It goes on after a pause or in another process."""

    event: Literal["RunContinued"]


class ModelRequestStarted(Event):
    event: Literal["ModelRequestStarted"]
    model: str
    attempt: int
    fallback_from: str | None = Field(None, description="The model that this one is asked instead of")


class ModelRequestCompleted(Event, Tokens):
    event: Literal["ModelRequestCompleted"]
    model: str
    cost_usd: str | None


class RunContent(Event):
    """More text; several pieces may come as one."""

    event: Literal["RunContent"]
    content: str
    content_type: Literal["str"]


class RunContentReset(Event):
    """A model call was cut and is asked again: drop the text of all events since `from_seq`."""

    event: Literal["RunContentReset"]
    from_seq: int
    code: str | None = Field(None, description="Why, where it failed", examples=["provider_unavailable"])


class RunContentCompleted(Event):
    event: Literal["RunContentCompleted"]


class ToolCallStarted(Event):
    event: Literal["ToolCallStarted"]
    tool: ToolExecution


class ToolCallCompleted(Event):
    event: Literal["ToolCallCompleted"]
    tool: ToolExecution
    content: str | None
    error: str | None = None


class ToolCallError(Event):
    event: Literal["ToolCallError"]
    tool: ToolExecution
    content: str | None
    error: str | None = None


class RunPaused(Event):
    event: Literal["RunPaused"]
    content: str
    tools: list[ToolExecution]
    requirements: list[RunRequirement]
    reason: str | None = Field(None, description="Why it was stopped, where it waits for more than answers")


class RunCompleted(Event):
    """The end; `content` is the whole answer."""

    event: Literal["RunCompleted"]
    content: str
    content_type: Literal["str"]
    metrics: RunMetrics


class RunError(Event):
    """The end of a run that failed; `error_id` is the stable code."""

    event: Literal["RunError"]
    content: str
    error_type: str
    error_id: str


class RunCancelled(Event):
    event: Literal["RunCancelled"]
    reason: str


RunEvent: TypeAlias = Annotated[
    RunStarted
    | RunContinued
    | ModelRequestStarted
    | ModelRequestCompleted
    | RunContent
    | RunContentReset
    | RunContentCompleted
    | ToolCallStarted
    | ToolCallCompleted
    | ToolCallError
    | RunPaused
    | RunCompleted
    | RunError
    | RunCancelled,
    Field(discriminator="event"),
]


class ChildRun(Schema):
    """A run that another has started; `GET /api/runs/{run_id}` tells more."""

    model_config = ConfigDict(extra="forbid")

    run_id: str
    agent_id: str | None = None
    job_id: str | None = None
    status: Literal["PENDING", "RUNNING", "PAUSED", "COMPLETED", "CANCELLED", "ERROR"]


class RunOut(Schema):
    """A run as AgentOS shows it, with what it waits for."""

    model_config = ConfigDict(extra="forbid")

    run_id: str
    session_id: str
    parent_run_id: str | None
    agent_id: str | None = None
    job_id: str | None = None
    user_id: str
    status: Literal["PENDING", "RUNNING", "PAUSED", "COMPLETED", "CANCELLED", "ERROR"]
    pause_reason: str | None
    content: str
    content_type: Literal["str"]
    input: dict[str, str | None]
    model: str
    model_provider: str
    metrics: RunMetrics | dict[str, Any] = Field(description="Empty until it has stopped for the first time")
    cost_usd: str | None
    error_code: str | None
    tools: list[ToolExecution]
    requirements: list[RunRequirement]
    forked_from: dict[str, str] | None
    rerun_of: str | None
    children: list[ChildRun]
    created_at: int
    ended_at: int | None
    deadline_at: int | None
