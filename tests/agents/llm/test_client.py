"""The gateway over real sockets: the sandbox model for what providers mean to do, a raw server for what they do."""

from __future__ import annotations

import asyncio
import gzip
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager

import orjson
import pytest

from agentos.core.errors import ConfigError, ProviderError
from agentos.core.types import JsonObject
from agents.engine.ports import ModelReply, ModelRequest, ToolCall
from agents.llm.client import ModelGateway
from agents.llm.sandbox.thread import running
from tests.agents.llm.wire import DONE, call, chunked, delta, event, refusal, response, serving

KEY = "sk-test-0123456789"
PROMPT = "the secret wedding is on Friday"
WHOLE = response(delta("Good "), delta("morning."), delta(finish="stop"), DONE)


def asking(text: str = PROMPT, *, tools: list[JsonObject] | None = None, seconds: float = 20) -> ModelRequest:
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": text}]
    return ModelRequest("sandbox-strong", messages, tools or [], timeout_seconds=seconds)


@asynccontextmanager
async def gateway(url: str, **options: float) -> AsyncIterator[ModelGateway]:
    made = ModelGateway(url, KEY, embedding_model="sandbox-embedding", moderation_model="sandbox-moderation", **options)
    try:
        yield made
    finally:
        await made.close()


async def failure(url: str, request: ModelRequest | None = None, **options: float) -> ProviderError:
    async with gateway(url, **options) as model:
        with pytest.raises(ProviderError) as caught:
            await model.complete(request or asking())
    assert KEY not in caught.value.detail
    assert PROMPT not in caught.value.detail
    return caught.value


@pytest.fixture(scope="module")
def sandbox() -> Iterator[str]:
    with running() as url:
        yield url


# The sandbox model


async def test_text_comes_in_pieces_and_the_whole_reply_last(sandbox: str) -> None:
    async with gateway(sandbox) as model, aclosing(model.stream(asking("[[token:2]] Tell me a story"))) as parts:
        received = [part async for part in parts]
    *texts, reply = received
    assert isinstance(reply, ModelReply)
    assert all(isinstance(text, str) and text for text in texts)
    assert len(texts) > 1
    assert reply.text == "".join(map(str, texts))
    assert (reply.finish_reason, reply.model) == ("stop", "sandbox-strong")
    assert reply.usage.input_tokens > 0
    assert reply.usage.output_tokens > 0
    assert reply.time_to_first_token_ms is not None


async def test_tool_calls_come_with_id_name_and_arguments(sandbox: str) -> None:
    tool: JsonObject = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
    async with gateway(sandbox) as model:
        reply = await model.complete(asking('[[call:look {"at": "x"}]][[call:look {"at": "y"}]] go', tools=[tool]))
    assert [(item.name, orjson.loads(item.arguments)) for item in reply.tool_calls] == [
        ("look", {"at": "x"}),
        ("look", {"at": "y"}),
    ]
    assert len({item.id for item in reply.tool_calls}) == 2
    assert reply.finish_reason == "tool_calls"


async def test_a_schema_shapes_the_answer(sandbox: str) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    form = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
    request = asking("How many? 3")
    async with gateway(sandbox) as model:
        reply = await model.complete(ModelRequest(request.model, request.messages, response_format=form))
    assert isinstance(orjson.loads(reply.text)["n"], int)


@pytest.mark.parametrize(
    ("marker", "code", "retryable"),
    [
        ("fault:429", "provider_rate_limited", True),
        ("fault:500", "provider_unavailable", True),
        ("fault:503", "provider_unavailable", True),
        ("fault:401", "provider_auth", False),
        ("fault:cut", "provider_stream_cut", True),
        ("fault:drop", "provider_stream_cut", True),
    ],
)
async def test_the_sandbox_faults_are_told_apart(sandbox: str, marker: str, code: str, retryable: bool) -> None:
    error = await failure(sandbox, asking(f"[[{marker}]] {PROMPT}"))
    assert (error.code, error.retryable) == (code, retryable)


async def test_a_rate_limit_says_when_to_come_back(sandbox: str) -> None:
    assert (await failure(sandbox, asking("[[fault:429]] hi"))).retry_after_seconds == 0.25


async def test_an_unknown_model_is_missing(sandbox: str) -> None:
    request = asking()
    error = await failure(sandbox, ModelRequest("no-such-model", request.messages))
    assert (error.code, error.retryable) == ("provider_model_missing", False)


async def test_a_wrong_path_points_at_the_base_url(sandbox: str) -> None:
    error = await failure(sandbox.removesuffix("/v1"))
    assert error.code == "provider_protocol"
    assert "OPENAI_BASE_URL" in error.detail


async def test_embeddings_keep_their_order_over_batches(sandbox: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.llm.client.EMBEDDING_BATCH", 2)
    texts = ["red", "green", "blue", "red", "black"]
    async with gateway(sandbox) as model:
        vectors = await model.embed(texts)
        assert await model.embed([]) == []
    assert len(vectors) == 5
    assert vectors[0] == vectors[3]
    assert vectors[0] != vectors[1]
    assert sum(number * number for number in vectors[0]) == pytest.approx(1, abs=1e-3)


async def test_moderation_returns_what_is_flagged_only(sandbox: str) -> None:
    async with gateway(sandbox) as model:
        assert await model.moderate("Good morning.") == {}
        flagged = await model.moderate("I will kill you")
        assert await model.models() == ["sandbox-strong", "sandbox-fast", "sandbox-embedding", "sandbox-moderation"]
    assert flagged
    assert all(0 < score <= 1 for score in flagged.values())


async def test_without_a_model_name_there_are_no_embeddings_and_no_moderation() -> None:
    model = ModelGateway("http://127.0.0.1:1/v1", KEY)
    with pytest.raises(ConfigError, match="AGENTOS_MODEL_EMBEDDING"):
        await model.embed(["x"])
    with pytest.raises(ConfigError, match="AGENTOS_MODEL_MODERATION"):
        await model.moderate("x")
    await model.close()


# What goes out


async def test_the_request_carries_key_model_and_options_once() -> None:
    tool: JsonObject = {"type": "function", "function": {"name": "look", "parameters": {}}}
    async with serving(WHOLE) as wire, gateway(wire.url) as model:
        await model.complete(asking(tools=[tool]))
        await model.complete(asking("a lone \ud83d surrogate"))
    head = wire.heads[0].lower()
    assert head.startswith("post /v1/chat/completions http/1.1")
    assert f"authorization: bearer {KEY}" in head
    assert head.count("content-type: application/json") == 1
    assert "accept-encoding: identity" in head
    assert wire.bodies[0] == {
        "model": "sandbox-strong",
        "messages": asking().messages,
        "stream": True,
        "stream_options": {"include_usage": True},
        "tools": [tool],
    }
    assert wire.bodies[1]["messages"][1]["content"] == "a lone  surrogate"
    assert "tools" not in wire.bodies[1]


async def test_nothing_is_sent_twice_by_the_client() -> None:
    async with serving(refusal(503, {"message": "busy"})) as wire:
        await failure(wire.url)
    assert len(wire.heads) == 1


async def test_a_connection_is_used_again() -> None:
    pieces = chunked(delta("one"), delta(finish="stop"), DONE)
    async with serving(pieces, keep=True) as wire, gateway(wire.url) as model:
        for _ in range(3):
            assert (await model.complete(asking())).text == "one"
    assert (wire.connections, len(wire.heads)) == (1, 3)


async def test_many_streams_do_not_wait_for_each_other() -> None:
    many = 150
    async with serving(WHOLE, barrier=many) as wire, gateway(wire.url) as model:
        replies = await asyncio.gather(*(model.complete(asking()) for _ in range(many)))
    assert {reply.text for reply in replies} == {"Good morning."}


@pytest.mark.parametrize(
    ("url", "key", "named"),
    [
        ("ftp://host/v1", KEY, "OPENAI_BASE_URL"),
        ("host/v1", KEY, "OPENAI_BASE_URL"),
        ("http://me:hush@host/v1", KEY, "OPENAI_BASE_URL"),
        ("http://host:port/v1", KEY, "OPENAI_BASE_URL"),
        ("http://host/v1", "sk-\u043a\u043b\u044e\u0447", "OPENAI_API_KEY"),
        ("http://host/v1", "sk-one\nX-Evil: 1", "OPENAI_API_KEY"),
    ],
)
def test_a_wrong_set_up_is_refused_without_repeating_it(url: str, key: str, named: str) -> None:
    with pytest.raises(ConfigError, match=named) as caught:
        ModelGateway(url, key)
    assert "hush" not in caught.value.detail
    assert key not in caught.value.detail


async def test_a_server_without_keys_and_a_key_with_a_line_end() -> None:
    async with serving(WHOLE) as wire:
        for key in ("", KEY + "\n"):
            model = ModelGateway(wire.url, key)
            assert (await model.complete(asking())).text == "Good morning."
            await model.close()
    assert f"bearer {KEY}\r\n" in wire.heads[1].lower()


# What comes back


@pytest.mark.parametrize(
    ("status", "error", "code", "retryable"),
    [
        (400, {"code": "context_length_exceeded", "message": PROMPT}, "context_length", False),
        (400, {"message": "This model's maximum context length is 8192 tokens"}, "context_length", False),
        (413, {"message": "too big"}, "context_length", False),
        (400, {"code": "content_filter", "message": PROMPT}, "provider_content_filter", False),
        (
            400,
            {"code": "unsupported_value", "param": "tools", "message": f"{KEY} {PROMPT}"},
            "provider_rejected",
            False,
        ),
        (422, "plain text", "provider_rejected", False),
        (401, {"message": f"Incorrect API key provided: {KEY}"}, "provider_auth", False),
        (403, {"message": "no"}, "provider_auth", False),
        (404, {"code": "model_not_found", "message": "x"}, "provider_model_missing", False),
        (404, {"message": "model 'x' not found, try pulling it first"}, "provider_model_missing", False),
        (404, {"message": "no route"}, "provider_protocol", False),
        (408, {"message": "late"}, "provider_unavailable", True),
        (429, {"code": "insufficient_quota", "message": "You exceeded"}, "provider_quota", False),
        (429, {"message": "slow down"}, "provider_rate_limited", True),
        (500, {"message": PROMPT}, "provider_unavailable", True),
        (529, {"message": "overloaded"}, "provider_unavailable", True),
    ],
)
async def test_a_status_says_who_has_to_act(status: int, error: JsonObject | str, code: str, retryable: bool) -> None:
    async with serving(refusal(status, error)) as wire:
        found = await failure(wire.url)
    assert (found.code, found.retryable) == (code, retryable)


async def test_a_rejection_names_the_parameter() -> None:
    async with serving(refusal(400, {"code": "unsupported_value", "param": "messages[0].role"})) as wire:
        assert "messages[0].role" in (await failure(wire.url)).detail


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "7", "Retry-After-Ms": "1500"}, 1.5),
        ({"Retry-After": "-3"}, 0.0),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
        ({"Retry-After": "soon"}, None),
        ({}, None),
    ],
)
async def test_when_to_come_back(headers: dict[str, str], seconds: float | None) -> None:
    async with serving(refusal(429, {"message": "slow down"}, headers)) as wire:
        assert (await failure(wire.url)).retry_after_seconds == seconds


async def test_a_redirect_is_not_followed_with_the_key() -> None:
    async with serving(WHOLE) as target:
        async with serving(response(status=307, headers={"Location": f"{target.url}/chat/completions"})) as wire:
            error = await failure(wire.url)
        assert target.heads == []
    assert (error.code, error.retryable) == ("provider_protocol", False)


async def test_a_web_page_is_no_model() -> None:
    async with serving(response(b"<html>Sign in</html>", kind="text/html; charset=utf-8")) as wire:
        error = await failure(wire.url)
    assert (error.code, error.retryable) == ("provider_protocol", False)
    assert "OPENAI_BASE_URL" in error.detail


async def test_an_answer_that_is_not_streamed_is_read_whole() -> None:
    message = {"role": "assistant", "content": "All at once.", "tool_calls": [call(None, id="c", name="look")]}
    body = {
        "model": "m-2",
        "choices": [{"message": message, "finish_reason": "tool_calls"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 4},
    }
    pretty = orjson.dumps(body, option=orjson.OPT_INDENT_2)
    async with serving(response(pretty[:40], pretty[40:], kind="application/json")) as wire, gateway(wire.url) as model:
        reply = await model.complete(asking())
    assert (reply.text, reply.model, reply.usage.total_tokens) == ("All at once.", "m-2", 7)
    assert reply.tool_calls == (ToolCall("c", "look", "{}"),)


async def test_a_server_that_compresses_unasked_is_understood() -> None:
    body = gzip.compress(delta("Small.") + delta(finish="stop") + DONE)
    async with serving(response(body, headers={"Content-Encoding": "gzip"})) as wire, gateway(wire.url) as model:
        assert (await model.complete(asking())).text == "Small."


async def test_what_is_broken_off_after_the_end_is_whole() -> None:
    pieces = chunked(delta("Enough."), delta(finish="stop"), whole=False)
    async with serving(pieces) as wire, gateway(wire.url) as model:
        assert (await model.complete(asking())).text == "Enough."


@pytest.mark.parametrize(
    "pieces",
    [
        response(delta("Half an")),
        response(delta("Half an"), DONE),
        response(delta("Half an"), b'data: {"choices": [{"del'),
        chunked(delta("Half an"), whole=False),
        response(),
    ],
)
async def test_what_is_broken_off_before_the_end_is_cut(pieces: tuple[bytes, ...]) -> None:
    async with serving(pieces) as wire:
        error = await failure(wire.url)
    assert (error.code, error.retryable) == ("provider_stream_cut", True)


async def test_an_error_in_mid_answer_is_no_answer() -> None:
    async with serving(response(delta("Half an"), event({"error": {"message": f"{KEY} {PROMPT}"}}))) as wire:
        assert (await failure(wire.url)).code == "provider_unavailable"


# Time and absence


async def test_nobody_there() -> None:
    server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    error = await failure(f"http://127.0.0.1:{port}/v1")
    assert (error.code, error.retryable) == ("provider_unreachable", True)


async def test_a_connection_dropped_before_the_answer_is_no_timeout() -> None:
    async with serving(()) as wire:
        error = await failure(wire.url)
    assert (error.code, error.retryable) == ("provider_unreachable", True)


@pytest.mark.parametrize("pieces", [(), response(delta("Half an"))])
async def test_silence_ends_by_itself(pieces: tuple[bytes, ...]) -> None:
    async with serving(pieces, hang=True) as wire:
        error = await failure(wire.url, idle_seconds=0.1)
    assert (error.code, error.retryable) == ("provider_timeout", True)


@pytest.mark.parametrize("pieces", [(), response(delta("Half an"))])
async def test_the_whole_answer_has_a_limit_too(pieces: tuple[bytes, ...]) -> None:
    async with serving(pieces, hang=True) as wire:
        error = await failure(wire.url, asking(seconds=0.1), idle_seconds=30)
        await asyncio.wait_for(wire.gone.wait(), 5)
    assert (error.code, error.retryable) == ("provider_timeout", True)


@pytest.mark.parametrize("pieces", [(), response(delta("Half an"))])
async def test_a_cancelled_call_hangs_up_at_once(pieces: tuple[bytes, ...]) -> None:
    async with serving(pieces, hang=True) as wire, gateway(wire.url) as model:
        task = asyncio.ensure_future(model.complete(asking()))
        await asyncio.wait_for(wire.asked.wait(), 5)
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(wire.gone.wait(), 5)


async def test_a_closed_iterator_hangs_up() -> None:
    async with serving(response(delta("Half an")), hang=True) as wire, gateway(wire.url) as model:
        async with aclosing(model.stream(asking())) as parts:
            assert await anext(parts) == "Half an"
        await asyncio.wait_for(wire.gone.wait(), 5)


async def test_nothing_is_logged_of_key_or_prompt(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with serving(refusal(400, {"message": f"{KEY} {PROMPT}"})) as wire:
        await failure(wire.url)
    assert KEY not in caplog.text
    assert PROMPT not in caplog.text
