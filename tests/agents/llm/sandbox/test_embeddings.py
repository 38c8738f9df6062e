"""Embeddings through the official client: shape, determinism and nearness."""

import base64
import math
import struct
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai import AsyncOpenAI, BadRequestError

from agents.llm.sandbox.embeddings import embed

MODEL = "sandbox-embedding"


def nearness(one: str, other: str) -> float:
    return math.fsum(a * b for a, b in zip(embed(one, 256), embed(other, 256), strict=True))


async def test_one_unit_vector_for_each_text(client: AsyncOpenAI) -> None:
    answer = await client.embeddings.create(model=MODEL, input=["a refund", "a restart"])
    assert [item.index for item in answer.data] == [0, 1]
    assert [len(item.embedding) for item in answer.data] == [256, 256]
    for item in answer.data:
        assert math.isclose(math.hypot(*item.embedding), 1, rel_tol=1e-5)
    assert answer.data[0].embedding != answer.data[1].embedding
    assert answer.usage.prompt_tokens == answer.usage.total_tokens == 4


async def test_the_encodings_say_the_same(client: AsyncOpenAI, sandbox_url: str) -> None:
    plain = await client.embeddings.create(model=MODEL, input="hello", encoding_format="float", dimensions=64)
    packed = httpx.post(
        f"{sandbox_url}/embeddings",
        json={"model": MODEL, "input": "hello", "encoding_format": "base64", "dimensions": 64},
    ).json()
    unpacked = struct.unpack("<64f", base64.b64decode(packed["data"][0]["embedding"]))
    assert plain.data[0].embedding == pytest.approx(unpacked, abs=1e-7)
    assert plain.data[0].embedding == pytest.approx(list(embed("hello", 64)), abs=1e-7)


async def test_token_ids_are_inputs_too(client: AsyncOpenAI) -> None:
    one = await client.embeddings.create(model=MODEL, input=[1, 2, 3])
    many = await client.embeddings.create(model=MODEL, input=[[1, 2, 3], [4]])
    assert len(one.data) == 1
    assert one.data[0].embedding == many.data[0].embedding


@pytest.mark.parametrize(
    ("text", "near", "far"),
    [
        ("How do I reset my password?", "password reset instructions", "quarterly revenue by region"),
        (
            "The printer on floor 3 is jammed",
            "printers jam on the third floor",
            "cancel my subscription today",
        ),
        ("refund for order 1042", "refunding the orders", "holiday calendar of the office"),
        ("database connection timeouts", "timeout connecting to databases", "a recipe for apple pie"),
        ("misspeled documentaton", "misspelled documentation", "weather in Paris"),
    ],
)
def test_similar_texts_are_nearer(text: str, near: str, far: str) -> None:
    assert nearness(text, near) > nearness(text, far) + 0.2


@settings(deadline=None)
@given(st.text(min_size=1, max_size=80), st.sampled_from([1, 7, 256, 1536]))
def test_every_text_has_the_same_unit_vector_each_time(text: str, dimensions: int) -> None:
    vector = embed(text, dimensions)
    assert len(vector) == dimensions
    assert math.isclose(math.hypot(*vector), 1, rel_tol=1e-4)
    assert vector == embed(text, dimensions)


@pytest.mark.parametrize(
    "change",
    [
        {"input": ""},
        {"input": []},
        {"input": ["a", ""]},
        {"input": [None]},
        {"input": 3},
        {"dimensions": 0},
        {"dimensions": 5000},
        {"encoding_format": "hex"},
    ],
)
async def test_bad_requests_are_refused(client: AsyncOpenAI, change: dict[str, Any]) -> None:
    with pytest.raises(BadRequestError):
        await client.embeddings.create(**{"model": MODEL, "input": "x", **change})
