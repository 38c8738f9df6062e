"""Builds the conversation that a model sees."""

from __future__ import annotations

from collections.abc import Sequence

from agentos.core.types import Json, JsonObject, json_object, json_text
from agents.engine.model_calls import ModelReply

REFUSED = "Refused: "
EDITED = "The approver has changed the arguments of this call to"
MAX_RESULT_CHARS = 50_000


def conversation(instructions: str, history: Sequence[tuple[str, str]], message: str) -> list[JsonObject]:
    """Return system message, earlier (input, output) pairs, and the new message."""
    messages: list[JsonObject] = [{"role": "system", "content": instructions}]
    for asked, answered in history:
        messages.append({"role": "user", "content": asked})
        messages.append({"role": "assistant", "content": answered})
    messages.append({"role": "user", "content": message})
    return messages


def assistant_message(reply: ModelReply) -> JsonObject:
    message: JsonObject = {"role": "assistant", "content": reply.text or None}
    if reply.tool_calls:
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": _sendable(call.arguments)}}
            for call in reply.tool_calls
        ]
    return message


def _sendable(arguments: str) -> str:
    """Return arguments as a provider takes them back: cut ones would be refused as broken JSON."""
    return arguments if json_object(arguments) is not None else "{}"


def tool_message(call_id: str, result: Json) -> JsonObject:
    content = result if isinstance(result, str) else json_text(result)
    return {"role": "tool", "tool_call_id": call_id, "content": content[:MAX_RESULT_CHARS]}
