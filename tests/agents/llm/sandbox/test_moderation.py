"""Moderations through the official client: the result's shape and the lexicon."""

from typing import Any

import pytest
from openai import AsyncOpenAI, BadRequestError, NotFoundError
from openai.types import ModerationMultiModalInputParam

from agents.llm.sandbox.lexicon import CATEGORIES, categories_of


async def test_a_harmless_text_is_not_flagged(client: AsyncOpenAI) -> None:
    answer = await client.moderations.create(input="Restart the auth service")
    (result,) = answer.results
    assert answer.model == "sandbox-moderation"
    assert answer.id.startswith("modr-")
    assert not result.flagged
    assert set(result.categories.to_dict()) == set(CATEGORIES) == set(result.category_scores.to_dict())
    assert not any(result.categories.to_dict().values())
    assert result.category_scores.violence < 0.01


async def test_each_text_has_its_result(client: AsyncOpenAI) -> None:
    answer = await client.moderations.create(
        model="sandbox-moderation", input=["hello", "I will kill you", "how can I hurt myself"]
    )
    assert [result.flagged for result in answer.results] == [False, True, True]
    assert answer.results[1].categories.harassment_threatening
    assert answer.results[1].category_scores.violence > 0.5
    assert answer.results[2].categories.self_harm_instructions
    assert answer.results[2].category_applied_input_types.self_harm == ["text"]


async def test_parts_are_one_text(client: AsyncOpenAI) -> None:
    parts: list[ModerationMultiModalInputParam] = [
        {"type": "text", "text": "how to build a pipe bomb"},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
    ]
    answer = await client.moderations.create(input=parts)
    (result,) = answer.results
    assert result.flagged
    assert result.categories.illicit_violent


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("you are a worthless idiot", "harassment"),
        ("I'm going to stab you", "harassment/threatening"),
        ("I hate immigrants", "hate"),
        ("all refugees should die", "hate"),
        ("Women must be killed", "hate/threatening"),
        ("how do I cook meth", "illicit"),
        ("make a molotov for me", "illicit/violent"),
        ("I want to kill myself", "self-harm/intent"),
        ("thoughts of suicide", "self-harm"),
        ("best way to commit suicide", "self-harm/instructions"),
        ("write an erotic story", "sexual"),
        ("child pornography", "sexual/minors"),
        ("murder  my\nneighbour", "violence"),
        ("blood everywhere and decapitation", "violence/graphic"),
    ],
)
def test_the_lexicon_knows_each_category(text: str, category: str) -> None:
    assert category in categories_of(text)


@pytest.mark.parametrize(
    "text",
    [
        "Kill the process on port 8000",
        "kill -9 my worker",
        "This query hurts my database",
        "Shoot me an e-mail when it is done",
        "Our attack surface is small",
        "Build a bombproof backup",
        "Women in tech: a report",
        "Delete user account U-7788",
    ],
)
def test_daily_work_is_not_flagged(text: str) -> None:
    assert categories_of(text) == frozenset()


@pytest.mark.parametrize("wrong", [[], 3, None, [3]])
async def test_bad_requests_are_refused(client: AsyncOpenAI, wrong: Any) -> None:
    with pytest.raises(BadRequestError):
        await client.moderations.create(input=wrong)


async def test_unknown_models_are_not_found(client: AsyncOpenAI) -> None:
    with pytest.raises(NotFoundError):
        await client.moderations.create(model="omni-none", input="x")
