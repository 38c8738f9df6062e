"""Fixed lengths, stamps and pace: what a load test relies on."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator

import httpx
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai import AsyncOpenAI

from agents.llm.sandbox import tokens
from agents.llm.sandbox.chat import ChatEndpoint
from agents.llm.sandbox.options import SandboxOptions
from agents.llm.sandbox.scenario import ScenarioBook
from agents.llm.sandbox.thread import running
from tests.agents.llm.sandbox.offers import APPROVALS, body

LENGTH = 40


@pytest.fixture(scope="module")
def bench_url() -> Iterator[str]:
    with running(SandboxOptions(ttft_ms=0, token_ms=1, tokens=LENGTH, bench_stamp=True)) as url:
        yield url


@pytest.fixture
async def bench(bench_url: str) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=bench_url, api_key="any", max_retries=0) as client:
        yield client


async def contents(client: AsyncOpenAI, text: str) -> list[str]:
    stream = await client.chat.completions.create(**body(text), stream=True)
    return [chunk.choices[0].delta.content async for chunk in stream if chunk.choices[0].delta.content]


@pytest.mark.parametrize("text", ["Hi", "A much longer message. " * 30])
async def test_a_fixed_length_is_exactly_that_many_deltas(bench: AsyncOpenAI, text: str) -> None:
    assert len(await contents(bench, text)) == LENGTH
    assert len(await contents(bench, f"{text} [[tokens:7]]")) == 7
    answer = await bench.chat.completions.create(**body(text))
    assert answer.usage is not None
    assert answer.usage.completion_tokens == LENGTH


async def test_stamps_are_the_monotonic_time_of_each_token(bench: AsyncOpenAI) -> None:
    before = time.monotonic_ns() // 1000
    got = await contents(bench, "Hi")
    after = time.monotonic_ns() // 1000
    stamps = [int(token.strip().removeprefix("t")) for token in got]
    assert all(token == f"t{stamp} " for token, stamp in zip(got, stamps, strict=True))
    assert [before, *stamps, after] == sorted([before, *stamps, after])
    # Never faster than its pace; slower is the machine's affair.
    assert stamps[-1] - stamps[0] >= (LENGTH - 2) * 1000 * 0.9


async def test_a_fixed_length_leaves_tool_calls_alone(bench: AsyncOpenAI) -> None:
    answer = await bench.chat.completions.create(**body("Delete user U-1", APPROVALS))
    (call,) = answer.choices[0].message.tool_calls or []
    assert call.type == "function"
    assert orjson.loads(call.function.arguments) == {"user_id": "U-1"}


async def test_many_streams_at_once_are_all_complete(bench: AsyncOpenAI) -> None:
    got = await asyncio.gather(*[contents(bench, f"Stream {number}") for number in range(60)])
    assert [len(stream) for stream in got] == [LENGTH] * 60


def test_each_token_is_a_write_of_its_own(bench_url: str) -> None:
    with httpx.stream("POST", f"{bench_url}/chat/completions", json={**body("Hi"), "stream": True}) as response:
        text = b"".join(response.iter_raw()).decode()
    assert text.count('"content":"t') == LENGTH


@settings(deadline=None)
@given(st.text())
def test_tokens_join_back_to_the_text(text: str) -> None:
    assert "".join(tokens.pieces(text)) == text
    assert tokens.count(text) == len(tokens.pieces(text))


@settings(deadline=None)
@given(st.lists(st.text(min_size=1), max_size=9), st.integers(1, 20))
def test_exactly_gives_exactly(given_tokens: list[str], length: int) -> None:
    made = tokens.exactly(given_tokens, length)
    assert len(made) == length
    assert made[: len(given_tokens)] == given_tokens[:length]
    assert all(made)


def test_options_refuse_what_can_only_be_a_mistake() -> None:
    with pytest.raises(ValueError, match="negative"):
        SandboxOptions(ttft_ms=-1)
    with pytest.raises(ValueError, match="negative"):
        SandboxOptions(token_ms=-0.1)
    with pytest.raises(ValueError, match="at least 1"):
        SandboxOptions(tokens=0)


@pytest.mark.parametrize("text", ["[[ttft:3600000]] Hi", "[[ttft:0]] [[token:3600000]] [[say:one two three]]"])
async def test_who_hangs_up_before_a_late_token_is_not_waited_for(text: str) -> None:
    """A server that ends gives up its calls; the model, which ends behind it, would be held up by them."""
    endpoint = ChatEndpoint(SandboxOptions(), ScenarioBook(()))
    sent: list[object] = []

    async def gone() -> dict[str, str]:
        return {"type": "http.disconnect"}

    async def send(message: object) -> None:
        sent.append(message)

    async with asyncio.timeout(60):
        await endpoint(orjson.dumps({**body(text), "stream": True}), gone, send, [])
    assert sent
