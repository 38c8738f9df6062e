"""Faults asked for by a marker or drawn from a rate, as the official client meets them."""

import itertools
from collections.abc import AsyncIterator
from typing import Any

import pytest
from openai import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AsyncOpenAI,
    AuthenticationError,
    BadRequestError,
    InternalServerError,
    RateLimitError,
)

from agents.llm.sandbox.faults import FaultBook
from agents.llm.sandbox.markers import Fault, read_markers
from agents.llm.sandbox.options import FaultRate, SandboxOptions, parse_fault_rate
from agents.llm.sandbox.thread import running
from tests.agents.llm.sandbox.offers import MODEL, RESTART, body, calls_of, reply_to


async def chunks(client: AsyncOpenAI, text: str) -> AsyncIterator[tuple[str, str | None]]:
    async for chunk in await client.chat.completions.create(**body(text), stream=True):
        yield chunk.choices[0].delta.content or "", chunk.choices[0].finish_reason


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("401", AuthenticationError),
        ("429", RateLimitError),
        ("500", InternalServerError),
        ("503", InternalServerError),
        ("418", APIStatusError),
    ],
)
async def test_a_marked_status_is_an_error_of_the_client(
    client: AsyncOpenAI, kind: str, error: type[APIStatusError]
) -> None:
    for stream in (False, True):
        with pytest.raises(error) as caught:
            await client.chat.completions.create(**body(f"Hello [[fault:{kind}]]"), stream=stream)
        assert caught.value.status_code == int(kind)
        assert "injected" in caught.value.message
        assert ("retry-after" in caught.value.response.headers) is (kind in ("429", "503"))


async def test_the_clients_own_retries_get_over_two_failures(sandbox_url: str) -> None:
    async with AsyncOpenAI(base_url=sandbox_url, api_key="any", max_retries=2) as client:
        answer = await client.chat.completions.create(**body("Two failures, then well [[fault:429x2]]"))
    assert "Two failures" in (answer.choices[0].message.content or "")


async def test_counted_faults_are_of_one_conversation_and_begin_anew(client: AsyncOpenAI) -> None:
    async def fails(text: str, system: str) -> bool:
        messages = [{"role": "system", "content": system}, {"role": "user", "content": text}]
        try:
            await client.chat.completions.create(**body(messages))
        except InternalServerError:
            return True
        return False

    assert await fails("one [[fault:500x1]]", "It is Monday")
    assert await fails("two [[fault:500x1]]", "It is Monday")
    # The system message may hold the time, and yet the conversation is the same.
    assert not await fails("one [[fault:500x1]]", "It is Tuesday")
    assert not await fails("two [[fault:500x1]]", "It is Monday")
    assert await fails("one [[fault:500x1]]", "It is Monday")


async def test_a_cut_stream_ends_without_a_finish(client: AsyncOpenAI) -> None:
    got = [item async for item in chunks(client, "[[say:one two three four five six]] [[fault:cut]]")]
    assert [finish for _, finish in got] == [None] * len(got)
    text = "".join(content for content, _ in got)
    assert text
    assert "one two three four five six".startswith(text)
    assert text != "one two three four five six"


async def test_a_cut_happens_as_often_as_asked(client: AsyncOpenAI) -> None:
    text = "[[say:one two three four]] [[fault:cutx1]]"
    assert [finish async for _, finish in chunks(client, text)][-1] is None
    assert [finish async for _, finish in chunks(client, text)][-1] == "stop"


async def test_a_dropped_connection_is_a_connection_error(client: AsyncOpenAI) -> None:
    with pytest.raises((APIConnectionError, OSError)):
        await client.chat.completions.create(**body("Hello [[fault:drop]]"))


async def test_a_slow_stream_stalls_and_then_is_complete(client: AsyncOpenAI) -> None:
    got = [item async for item in chunks(client, "[[say:one two three]] [[fault:slow]] [[stall:1]]")]
    assert "".join(content for content, _ in got) == "one two three"
    assert got[-1][1] == "stop"


async def test_a_hanging_request_gives_nothing_until_the_client_leaves(client: AsyncOpenAI) -> None:
    with pytest.raises(APITimeoutError):
        await client.with_options(timeout=0.2).chat.completions.create(**body("Hello [[fault:hang]]"))
    assert (await client.chat.completions.create(**body("Still there?"))).choices


async def test_only_the_last_message_carries_markers(client: AsyncOpenAI) -> None:
    messages = [
        {"role": "user", "content": "Hello [[fault:500]]"},
        {"role": "assistant", "content": "Hello."},
        {"role": "user", "content": "What did I just ask?"},
    ]
    answer = await client.chat.completions.create(**body(messages))
    assert (answer.choices[0].message.content or "").endswith('"Hello"')


@pytest.mark.parametrize(
    "marker",
    ["[[fault:none]]", "[[ttft:soon]]", "[[tokens:0]]", "[[say:no end", "[[call:{}]]", "[[call:t {]"],
)
async def test_a_marker_that_cant_be_read_is_a_bad_request(client: AsyncOpenAI, marker: str) -> None:
    with pytest.raises(BadRequestError, match="sandbox marker"):
        await client.chat.completions.create(**body(f"Hello {marker}"))


def test_markers_are_taken_out_of_the_text() -> None:
    markers = read_markers('[[ttft:5]] Restart  [[call:a {"x": [["]]"]]}]] now [[fault:429x2]]')
    assert markers.text == "Restart now"
    assert markers.ttft_ms == 5
    assert markers.faults == {"fault": Fault("429", 2)}
    assert [(call.tool, call.arguments) for call in markers.script[0].calls] == [("a", '{"x": [["]]"]]}')]
    assert read_markers("a [[wiki]] link").text == "a [[wiki]] link"


def test_call_and_say_markers_script_the_turn() -> None:
    text = '[[call:restart_service {"service_name": "a"}]] [[call:unknown_tool]] [[then]] [[say:All done.]]'
    reply = reply_to(text, [RESTART])
    assert calls_of(reply) == [("restart_service", {"service_name": "a"}), ("unknown_tool", {})]
    messages: list[dict[str, Any]] = [
        {"role": "user", "content": text},
        {
            "role": "assistant",
            "tool_calls": [{"id": "1", "type": "function", "function": {"name": "t", "arguments": "{}"}}],
        },
        {"role": "tool", "tool_call_id": "1", "content": "ok"},
    ]
    assert reply_to(messages, [RESTART]).say == "All done."
    assert reply_to("[[say:Exactly this]] [[call:t]]").say == "Exactly this"


def test_arguments_may_be_broken_on_purpose() -> None:
    assert reply_to("[[call:restart_service {oops]]", [RESTART]).calls[0].arguments == "{oops"


def test_drawn_faults_follow_the_seed() -> None:
    rates = [FaultRate("429", 0.3), FaultRate("cut", 0.2)]

    def sequence(seed: int) -> list[str | None]:
        book = FaultBook(rates, seed)
        return [book.drawn() for _ in range(200)]

    assert sequence(1) == sequence(1)
    assert sequence(1) != sequence(2)
    assert {"429", "cut", None} == set(sequence(1))
    assert sequence(1).count(None) > sequence(1).count("429") > sequence(1).count("cut") > 0


async def test_the_server_draws_faults_for_chat_only() -> None:
    with running(SandboxOptions(ttft_ms=0, token_ms=0, faults=(FaultRate("500", 1),))) as url:
        async with AsyncOpenAI(base_url=url, api_key="any", max_retries=0) as client:
            with pytest.raises(InternalServerError):
                await client.chat.completions.create(**body("Hello"))
            assert (await client.moderations.create(input="Hello")).results


def test_fault_rates_are_read_and_checked() -> None:
    assert parse_fault_rate("429:0.1") == FaultRate("429", 0.1)
    assert parse_fault_rate("slow") == FaultRate("slow", 1.0)
    for text in ("429:2", "tea:0.1", "429:often", "200:0.5", ""):
        with pytest.raises(ValueError, match="is not a fault"):
            parse_fault_rate(text)
    with pytest.raises(ValueError, match="more than 1"):
        SandboxOptions(faults=(FaultRate("429", 0.7), FaultRate("500", 0.7)))


async def test_moderation_and_embedding_have_markers_of_their_own(client: AsyncOpenAI) -> None:
    text = "Hello [[moderation-fault:503]] [[embedding-fault:500]]"
    with pytest.raises(InternalServerError):
        await client.moderations.create(input=text)
    with pytest.raises(InternalServerError):
        await client.embeddings.create(model="sandbox-embedding", input=text)
    assert (await client.chat.completions.create(**body(text))).model == MODEL
    assert (await client.moderations.create(input="[[fault:500]]")).results


async def test_a_client_that_hangs_up_leaves_the_server_well(client: AsyncOpenAI) -> None:
    stream = await client.chat.completions.create(**body("[[tokens:500]] [[token:20]] Go on"), stream=True)
    seen = [chunk async for chunk in _first(stream, 3)]
    await stream.close()
    assert len(seen) == 3
    assert (await client.chat.completions.create(**body("Still there?"))).choices


async def _first(stream: AsyncIterator[object], count: int) -> AsyncIterator[object]:
    for _ in itertools.repeat(None, count):
        yield await anext(aiter(stream))
