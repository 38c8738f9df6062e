"""Plays a component's scenario: each scripted turn goes to the sandbox model and the tools really run."""

from __future__ import annotations

import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

from agentos.core.types import JsonObject, json_object, json_text
from agents.engine.messages import REFUSED, assistant_message, tool_message
from agents.engine.model_calls import ModelReply, ModelRequest, ToolCall
from agents.engine.spec import AgentSpec
from agents.engine.tools import Level, RunContext, Tool
from agents.llm.client import ModelGateway
from agents.llm.sandbox.scenario import FILE_NAME, load_scenarios
from agents.llm.sandbox.thread import running

CATALOG = Path(__file__).parents[3] / "agents" / "catalog"
CONTEXT = RunContext(UUID(int=1), UUID(int=2), UUID(int=3), "session", "call", "key-1")


def folder(spec: AgentSpec) -> Path:
    return CATALOG / f"{spec.kind}s" / spec.id


def turns(spec: AgentSpec) -> list[JsonObject]:
    return list(tomllib.loads((folder(spec) / FILE_NAME).read_text())["turns"])


def turn(spec: AgentSpec, user: str) -> JsonObject:
    return next(turn for turn in turns(spec) if turn["user"] == user)


@asynccontextmanager
async def model_of(spec: AgentSpec) -> AsyncIterator[ModelGateway]:
    """A gateway to a sandbox model that knows the component's scenario."""
    with running(scenarios=load_scenarios([folder(spec)])) as url:
        gateway = ModelGateway(url, "sk-test")
        try:
            yield gateway
        finally:
            await gateway.close()


async def play(model: ModelGateway, spec: AgentSpec, said: str, human: JsonObject | None = None) -> list[ModelReply]:
    """Return the model's replies to one message, with every call run or answered as `human` says."""
    messages: list[JsonObject] = [
        {"role": "system", "content": spec.instructions},
        {"role": "user", "content": said},
    ]
    replies: list[ModelReply] = []
    while not replies or replies[-1].tool_calls:
        assert len(replies) < 5
        request = ModelRequest("sandbox-strong", messages, [tool.definition for tool in spec.tools])
        replies.append(await model.complete(request))
        messages.append(assistant_message(replies[-1]))
        messages += [tool_message(call.id, await outcome(spec, call, human or {})) for call in replies[-1].tool_calls]
    return replies


async def outcome(spec: AgentSpec, call: ToolCall, human: JsonObject) -> str:
    """Return what the model is told of a call. The arguments have to fit the tool."""
    tool = spec.tool(call.name)
    arguments = json_object(call.arguments)
    assert tool is not None
    assert arguments is not None
    tool.validate(arguments)
    if (answer := _answer(tool, human)) is not None:
        return answer
    filled = {**arguments, **{name: human["values"][name] for name in tool.input_fields}}
    return str(await tool.call(CONTEXT, tool.validate(filled)))


def _answer(tool: Tool, human: JsonObject) -> str | None:
    if tool.asks:
        return json_text(human["selected"])
    if tool.level is Level.EXTERNAL:
        return str(human["result"])
    consent = {Level.CONFIRM: "confirmed", Level.APPROVE: "approved"}.get(tool.level)
    return REFUSED + str(human["note"]) if consent and not human[consent] else None
