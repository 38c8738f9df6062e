"""The gateway over real sockets: the sandbox model for what providers mean to do, a raw server for what they do."""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import Iterator

import orjson
import pytest

from agentos.core.errors import ConfigError
from agentos.core.types import JsonObject
from agents.engine.model_calls import ModelRequest
from agents.llm.client import ModelGateway, _encoded
from agents.llm.sandbox.thread import running
from tests.agents.llm.asking import KEY, PROMPT, WHOLE, asking, failure, gateway
from tests.agents.llm.wire import DONE, chunked, delta, refusal, serving


@pytest.fixture(scope="module")
def sandbox() -> Iterator[str]:
    with running() as url:
        yield url


# The sandbox model


async def test_text_comes_in_pieces_and_the_whole_reply_last(sandbox: str) -> None:
    texts: list[str] = []
    async with gateway(sandbox) as model:
        reply = await model.reply(asking("[[token:2]] Tell me a story"), texts.append)
    assert all(texts)
    assert len(texts) > 1
    assert reply.text == "".join(texts)
    assert (reply.finish_reason, reply.model) == ("stop", "sandbox-strong")
    assert reply.usage.input_tokens > 0
    assert reply.usage.output_tokens > 0


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


def test_a_body_holds_no_more_memory_than_it_has_bytes() -> None:
    """It lives as long as its answer streams, thousands at once."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        bodies = [_encoded({"messages": [{"role": "user", "content": "x" * 9_000}]}) for _ in range(20)]
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 1.1 * sum(map(len, bodies))
