"""Chat completions through the official client and a real server."""

from typing import Any

import httpx
import orjson
import pytest
from openai import AsyncOpenAI, BadRequestError, NotFoundError

from tests.agents.llm.sandbox.offers import APPROVALS, HELPDESK, MODEL, RESTART, after, body

REFUND_TEXT = "Please refund $250.00 to customer C-1042 due to a billing error"


async def streamed(client: AsyncOpenAI, request: dict[str, Any]) -> list[Any]:
    return [chunk async for chunk in await client.chat.completions.create(stream=True, **request)]


async def test_a_whole_answer_has_text_finish_and_usage(client: AsyncOpenAI) -> None:
    answer = await client.chat.completions.create(**body("Hello there"))
    choice = answer.choices[0]
    assert answer.model == MODEL
    assert answer.object == "chat.completion"
    assert choice.message.role == "assistant"
    assert "sandbox model" in (choice.message.content or "")
    assert choice.finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.prompt_tokens > 0
    assert answer.usage.completion_tokens > 5
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


async def test_a_stream_says_the_same_token_by_token(client: AsyncOpenAI) -> None:
    request = body("Tell me something nice about rivers")
    whole = await client.chat.completions.create(**request)
    chunks = await streamed(client, request)
    deltas = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices[0].delta.content]
    assert "".join(deltas) == whole.choices[0].message.content
    assert whole.usage is not None
    assert len(deltas) == whole.usage.completion_tokens
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [chunk.choices[0].finish_reason for chunk in chunks[:-1]] == [None] * (len(chunks) - 1)
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert len({chunk.id for chunk in chunks}) == 1
    assert all(chunk.usage is None for chunk in chunks)


async def test_include_usage_adds_a_last_chunk_without_choices(client: AsyncOpenAI) -> None:
    request = body("Tell me something nice about lakes")
    whole = await client.chat.completions.create(**request)
    chunks = await streamed(client, {**request, "stream_options": {"include_usage": True}})
    assert chunks[-1].choices == []
    assert chunks[-1].usage == whole.usage
    assert all(chunk.usage is None for chunk in chunks[:-1])


def test_the_bytes_of_a_stream_end_with_done(sandbox_url: str) -> None:
    response = httpx.post(f"{sandbox_url}/chat/completions", json={**body("Hello"), "stream": True})
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["x-request-id"].startswith("req_")
    frames = response.text.split("\n\n")
    assert frames[-2:] == ["data: [DONE]", ""]
    assert all(frame.startswith("data: {") for frame in frames[:-2])


async def test_a_tool_call_names_the_tool_and_finishes_with_tool_calls(client: AsyncOpenAI) -> None:
    answer = await client.chat.completions.create(**body(REFUND_TEXT, APPROVALS))
    choice = answer.choices[0]
    assert choice.finish_reason == "tool_calls"
    assert choice.message.content is None
    (call,) = choice.message.tool_calls or []
    assert call.type == "function"
    assert call.id.startswith("call_")
    assert call.function.name == "process_refund"
    assert orjson.loads(call.function.arguments) == {
        "customer_id": "C-1042",
        "amount": 250,
        "reason": "billing error",
    }


async def test_streamed_arguments_come_in_pieces_and_the_name_once(client: AsyncOpenAI) -> None:
    request = body(REFUND_TEXT, APPROVALS)
    whole = await client.chat.completions.create(**request)
    (expected,) = whole.choices[0].message.tool_calls or []
    assert expected.type == "function"
    chunks = await streamed(client, request)
    parts = [part for chunk in chunks for part in chunk.choices[0].delta.tool_calls or []]
    assert [part.function.name for part in parts] == ["process_refund"] + [None] * (len(parts) - 1)
    assert [part.id for part in parts] == [expected.id] + [None] * (len(parts) - 1)
    assert {part.index for part in parts} == {0}
    assert len(parts) > 5
    assert "".join(part.function.arguments for part in parts) == expected.function.arguments
    assert chunks[-1].choices[0].finish_reason == "tool_calls"


async def test_parallel_calls_have_their_own_index_and_id(client: AsyncOpenAI) -> None:
    request = body("Restart the auth service and open a ticket: login page is down", HELPDESK)
    chunks = await streamed(client, request)
    parts = [part for chunk in chunks for part in chunk.choices[0].delta.tool_calls or []]
    heads = [part for part in parts if part.id]
    assert [(part.index, part.function.name) for part in heads] == [
        (0, "restart_service"),
        (1, "create_support_ticket"),
    ]
    assert len({part.id for part in heads}) == 2
    second = "".join(part.function.arguments for part in parts if part.index == 1)
    assert orjson.loads(second)["title"] == "Login page is down"


async def test_without_parallel_calls_they_come_one_after_the_other(client: AsyncOpenAI) -> None:
    text = "Restart the auth service and open a ticket: login page is down"
    first = await client.chat.completions.create(**body(text, HELPDESK, parallel_tool_calls=False))
    assert [call.function.name for call in first.choices[0].message.tool_calls or []] == ["restart_service"]
    messages = after(text, ("restart_service", {"service_name": "auth"}, "Service auth restarted."))
    second = await client.chat.completions.create(**body(messages, HELPDESK, parallel_tool_calls=False))
    assert [call.function.name for call in second.choices[0].message.tool_calls or []] == ["create_support_ticket"]


async def test_call_ids_repeat_for_the_same_request_and_differ_within_a_conversation(
    client: AsyncOpenAI,
) -> None:
    async def call_id(messages: list[dict[str, Any]]) -> str:
        answer = await client.chat.completions.create(**body(messages, [RESTART]))
        (call,) = answer.choices[0].message.tool_calls or []
        return str(call.id)

    ask = {"role": "user", "content": "Restart the auth service"}
    first = await call_id([ask])
    assert await call_id([ask]) == first
    history = after("Restart the auth service", ("restart_service", {"service_name": "auth"}, "Restarted."))
    said = {"role": "assistant", "content": "It is restarted."}
    assert await call_id([*history, said, ask]) != first


async def test_max_tokens_cuts_text_and_arguments(client: AsyncOpenAI) -> None:
    for limit in ({"max_tokens": 3}, {"max_completion_tokens": 3}):
        answer = await client.chat.completions.create(**{**body("Hello there"), **limit})
        assert answer.choices[0].finish_reason == "length"
        assert answer.usage is not None
        assert answer.usage.completion_tokens == 3
    answer = await client.chat.completions.create(**body(REFUND_TEXT, APPROVALS, max_tokens=4))
    (call,) = answer.choices[0].message.tool_calls or []
    assert answer.choices[0].finish_reason == "length"
    assert call.type == "function"
    assert '{"customer_id"'.startswith(call.function.arguments)


async def test_exactly_enough_tokens_are_not_a_cut(client: AsyncOpenAI) -> None:
    for request in (body("Hello there"), body(REFUND_TEXT, APPROVALS)):
        whole = await client.chat.completions.create(**request)
        assert whole.usage is not None
        again = await client.chat.completions.create(**request, max_tokens=whole.usage.completion_tokens)
        assert again.choices[0] == whole.choices[0]


async def test_stop_ends_the_text(client: AsyncOpenAI) -> None:
    answer = await client.chat.completions.create(**body("[[say:one two three]]", stop=[" three"]))
    assert answer.choices[0].message.content == "one two"


async def test_tool_choice_none_answers_in_text(client: AsyncOpenAI) -> None:
    answer = await client.chat.completions.create(**body(REFUND_TEXT, APPROVALS, tool_choice="none"))
    assert answer.choices[0].message.tool_calls is None
    assert answer.choices[0].finish_reason == "stop"


async def test_tool_choice_required_calls_something(client: AsyncOpenAI) -> None:
    answer = await client.chat.completions.create(**body("Hello", HELPDESK, tool_choice="required"))
    (call,) = answer.choices[0].message.tool_calls or []
    assert call.type == "function"
    assert orjson.loads(call.function.arguments)


async def test_tool_choice_can_name_the_tool_or_narrow_the_offer(client: AsyncOpenAI) -> None:
    named = {"type": "function", "function": {"name": "generate_report"}}
    allowed = {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [named]}}
    for choice in (named, allowed):
        answer = await client.chat.completions.create(**body("Delete user U-7788", APPROVALS, tool_choice=choice))
        (call,) = answer.choices[0].message.tool_calls or []
        assert call.type == "function"
        assert call.function.name == "generate_report"
        assert set(orjson.loads(call.function.arguments)) == {"report_type", "period"}


async def test_json_formats_give_json(client: AsyncOpenAI) -> None:
    answer = await client.chat.completions.create(
        **body("As json with the keys city and country: Paris", response_format={"type": "json_object"})
    )
    assert set(orjson.loads(answer.choices[0].message.content or "")) == {"city", "country"}
    schema = {
        "type": "object",
        "properties": {
            "category": {"enum": ["billing", "technical", "account"]},
            "severity": {"enum": ["low", "medium", "high", "critical"]},
            "summary": {"type": "string", "maxLength": 40},
        },
        "required": ["category", "severity", "summary"],
        "additionalProperties": False,
    }
    wanted = {"type": "json_schema", "json_schema": {"name": "triage", "strict": True, "schema": schema}}
    answer = await client.chat.completions.create(
        **body("I was charged twice and need it fixed ASAP", response_format=wanted)
    )
    data = orjson.loads(answer.choices[0].message.content or "")
    assert (data["category"], data["severity"]) == ("billing", "high")
    assert len(data["summary"]) <= 40


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"n": 2}, "n"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "wizard", "content": "x"}]}, "messages[0]"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"tools": [{"type": "function"}]}, "tools[0]"),
        ({"stop": 3}, "stop"),
        ({"response_format": {"type": "json_object"}}, "messages"),
        ({"response_format": {"type": "json_schema"}}, "response_format"),
        ({"messages": after("x", ("t", {}, "r"))[:2]}, "messages"),
        ({"messages": after("x", ("t", {}, "r"))[::2]}, "messages[1].role"),
    ],
)
async def test_bad_requests_are_refused_with_the_parameter(
    client: AsyncOpenAI, change: dict[str, Any], param: str
) -> None:
    with pytest.raises(BadRequestError) as caught:
        await client.chat.completions.create(**{**body("Hello"), **change})
    assert caught.value.param == param
    assert caught.value.type == "invalid_request_error"


async def test_unknown_models_are_not_found(client: AsyncOpenAI) -> None:
    for name in ("gpt-nothing", "sandbox-embedding"):
        with pytest.raises(NotFoundError) as caught:
            await client.chat.completions.create(**{**body("Hello"), "model": name})
        assert caught.value.code == "model_not_found"
