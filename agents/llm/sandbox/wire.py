"""Reads the body of a chat request, as strictly as OpenAI does, into values for the answerer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import orjson

from agents.llm.sandbox import tokens
from agents.llm.sandbox.errors import ApiError

_ROLES = frozenset({"system", "developer", "user", "assistant", "tool"})
_OVERHEAD_TOKENS = 3


@dataclass(frozen=True, slots=True)
class SentCall:
    """A tool call in an earlier assistant message of the request."""

    id: str
    tool: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the request, its text parts joined."""

    role: str
    text: str
    calls: tuple[SentCall, ...] = ()
    tool_call_id: str = ""


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool on offer; `schema` is the JSON schema of its arguments."""

    name: str
    description: str
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A chat request, checked.

    `must_call` says that the answer has to be a tool call; `tools` are only those that may be called.
    `answer_schema` is set for `json_schema`, `wants_json` for both JSON formats.
    """

    model: str
    messages: tuple[Message, ...]
    tools: tuple[Tool, ...]
    must_call: bool
    parallel: bool
    stream: bool
    include_usage: bool
    max_tokens: int | None
    stop: tuple[str, ...]
    wants_json: bool
    answer_schema: Mapping[str, Any] | None
    prompt_tokens: int
    digest: str
    conversation: str


def read_body(body: bytes) -> dict[str, Any]:
    """Parse a request body. Raises: ApiError when it is no JSON object."""
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ApiError(400, "We could not parse the JSON body of your request.") from error
    if not isinstance(data, dict):
        raise ApiError(400, "The JSON body of the request must be an object.")
    return data


def read_model(data: Mapping[str, Any], known: Sequence[str], default: str | None = None) -> str:
    """Return the requested model. Raises: ApiError 404 for one that is not `known`."""
    model = data.get("model", default)
    if not isinstance(model, str) or not model:
        raise ApiError(400, "you must provide a model parameter", "model")
    if model not in known:
        raise unknown_model(model)
    return model


def unknown_model(model: str) -> ApiError:
    """Make the 404 of a model that is not there."""
    message = f"The model `{model}` does not exist or you do not have access to it."
    return ApiError(404, message, "model", "model_not_found")


def read_chat(data: Mapping[str, Any], known: Sequence[str]) -> ChatRequest:
    """Check a chat request. Raises: ApiError."""
    model = read_model(data, known)
    if data.get("n") not in (None, 1):
        raise ApiError(400, "The sandbox model answers with one choice: n must be 1.", "n")
    raw = data.get("messages")
    messages = _messages(raw)
    tools = _tools(data.get("tools"))
    callable_tools, must_call = _choice(data.get("tool_choice"), tools)
    wants_json, schema = _format(data.get("response_format"), messages)
    options = data.get("stream_options") or {}
    spoken = orjson.dumps([message for message in raw or () if message.get("role") not in _UNSPOKEN])
    return ChatRequest(
        model=model,
        messages=messages,
        tools=callable_tools,
        must_call=must_call,
        parallel=data.get("parallel_tool_calls") is not False,
        stream=data.get("stream") is True,
        include_usage=isinstance(options, dict) and options.get("include_usage") is True,
        max_tokens=_limit(data),
        stop=_stop(data.get("stop")),
        wants_json=wants_json,
        answer_schema=schema,
        prompt_tokens=_prompt_tokens(messages, data.get("tools")),
        digest=_digest(orjson.dumps(raw)),
        conversation=_digest(spoken),
    )


# A system message may hold the date, and a retried conversation is still the same one.
_UNSPOKEN = ("system", "developer")


def _digest(data: bytes) -> str:
    return blake2b(data, digest_size=12).hexdigest()


def _messages(raw: object) -> tuple[Message, ...]:
    if not isinstance(raw, list) or not raw:
        raise ApiError(400, "'messages' must be a list with at least one message.", "messages")
    messages = tuple(_message(item, index) for index, item in enumerate(raw))
    _check_order(messages)
    return messages


def _message(item: object, index: int) -> Message:
    where = f"messages[{index}]"
    if not isinstance(item, dict) or item.get("role") not in _ROLES:
        raise ApiError(400, f"{where} must be an object with one of the roles {sorted(_ROLES)}.", where)
    calls = item.get("tool_calls") or []
    if not isinstance(calls, list):
        raise ApiError(400, f"{where}.tool_calls must be a list.", f"{where}.tool_calls")
    content = item.get("content")
    if content is None and not (item["role"] == "assistant" and calls):
        raise ApiError(400, f"{where}.content must not be null.", f"{where}.content")
    return Message(
        role=item["role"],
        text=text_of(content, f"{where}.content"),
        calls=tuple(_sent_call(call, f"{where}.tool_calls[{place}]") for place, call in enumerate(calls)),
        tool_call_id=str(item.get("tool_call_id") or ""),
    )


def text_of(content: object, where: str) -> str:
    """Join the text parts of a message's content. Raises: ApiError."""
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if not isinstance(content, list) or not all(isinstance(part, dict) for part in content):
        raise ApiError(400, f"{where} must be a string or a list of parts.", where)
    return "\n".join(str(part["text"]) for part in content if part.get("type") == "text" and "text" in part)


def _sent_call(call: object, where: str) -> SentCall:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(call, dict) or not isinstance(function, dict) or not isinstance(call.get("id"), str):
        raise ApiError(400, f"{where} must be a function call with an id.", where)
    return SentCall(call["id"], str(function.get("name", "")), str(function.get("arguments", "")))


def _check_order(messages: Sequence[Message]) -> None:
    """Hold the caller to OpenAI's rule that each tool call is answered before anything else is said."""
    open_ids: list[str] = []
    for index, message in enumerate(messages):
        if message.role == "tool":
            if message.tool_call_id not in open_ids:
                text = "a message with role 'tool' must answer a tool call of the assistant message before it"
                raise ApiError(400, f"Invalid parameter: {text}.", f"messages[{index}].role")
            open_ids.remove(message.tool_call_id)
            continue
        _refuse_open(open_ids)
        open_ids = [call.id for call in message.calls]
    _refuse_open(open_ids)


def _refuse_open(open_ids: Sequence[str]) -> None:
    if open_ids:
        text = "An assistant message with 'tool_calls' must be followed by tool messages for each of its ids"
        raise ApiError(400, f"{text}; missing: {', '.join(open_ids)}.", "messages")


def _tools(raw: object) -> tuple[Tool, ...]:
    if raw is None:
        return ()
    if not isinstance(raw, list) or not raw:
        raise ApiError(400, "'tools' must be a list with at least one tool.", "tools")
    return tuple(_tool(item, f"tools[{index}]") for index, item in enumerate(raw))


def _tool(item: object, where: str) -> Tool:
    function = item.get("function") if isinstance(item, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise ApiError(400, f"{where} must be of type 'function' with a name.", where)
    schema = function.get("parameters") or {}
    if not isinstance(schema, dict):
        raise ApiError(400, f"{where}.function.parameters must be a JSON schema.", where)
    return Tool(function["name"], str(function.get("description") or ""), schema)


def _choice(choice: object, tools: tuple[Tool, ...]) -> tuple[tuple[Tool, ...], bool]:
    """Return the tools that may be called and whether one must be."""
    if choice is None or choice == "auto":
        return tools, False
    if choice == "none":
        return (), False
    if not tools:
        raise ApiError(400, "'tool_choice' is only allowed when 'tools' are specified.", "tool_choice")
    if choice == "required":
        return tools, True
    if isinstance(choice, dict) and choice.get("type") == "allowed_tools":
        return _allowed(choice.get("allowed_tools"), tools)
    return _named(choice, tools), True


def _named(choice: object, tools: tuple[Tool, ...]) -> tuple[Tool, ...]:
    function = choice.get("function") if isinstance(choice, dict) else None
    name = function.get("name") if isinstance(function, dict) else None
    named = tuple(tool for tool in tools if tool.name == name)
    if not named:
        raise ApiError(400, "'tool_choice' must be none, auto, required or name one of 'tools'.", "tool_choice")
    return named


def _allowed(allowed: object, tools: tuple[Tool, ...]) -> tuple[tuple[Tool, ...], bool]:
    if not isinstance(allowed, dict) or not isinstance(allowed.get("tools"), list):
        raise ApiError(400, "'allowed_tools' must hold a mode and tools.", "tool_choice")
    return sum((_named(item, tools) for item in allowed["tools"]), ()), allowed.get("mode") == "required"


def _format(raw: object, messages: Sequence[Message]) -> tuple[bool, Mapping[str, Any] | None]:
    kind = raw.get("type") if isinstance(raw, dict) else raw
    if kind in (None, "text"):
        return False, None
    if kind == "json_object":
        if not any("json" in message.text.lower() for message in messages):
            text = "'messages' must contain the word 'json' to use 'response_format' of type 'json_object'."
            raise ApiError(400, text, "messages")
        return True, None
    holder = raw.get("json_schema") if isinstance(raw, dict) else None
    schema = holder.get("schema") if isinstance(holder, dict) else None
    if kind != "json_schema" or not isinstance(schema, dict):
        raise ApiError(400, "'response_format' must be text, json_object or json_schema.", "response_format")
    return True, schema


def _limit(data: Mapping[str, Any]) -> int | None:
    for name in ("max_completion_tokens", "max_tokens"):
        limit = data.get(name)
        if limit is None:
            continue
        if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
            raise ApiError(400, f"'{name}' must be a whole number of at least 1.", name)
        return limit
    return None


def _stop(raw: object) -> tuple[str, ...]:
    if raw is None:
        return ()
    stops = [raw] if isinstance(raw, str) else raw
    if not isinstance(stops, list) or not all(isinstance(item, str) and item for item in stops):
        raise ApiError(400, "'stop' must be a string or a list of strings.", "stop")
    return tuple(stops)


def _prompt_tokens(messages: Sequence[Message], raw_tools: object) -> int:
    total = _OVERHEAD_TOKENS
    for message in messages:
        total += _OVERHEAD_TOKENS + tokens.count(message.text)
        total += sum(tokens.count(call.tool) + tokens.count(call.arguments) for call in message.calls)
    return total + (len(orjson.dumps(raw_tools)) // 4 if raw_tools else 0)
