"""What an answer may hold: every text goes through the guards, every value is of its field's type."""

from __future__ import annotations

from typing import Any

import pytest

from agentos.core.errors import Invalid
from agentos.core.types import Json
from agents.models import Step
from agents.services import answers
from agents.services.answers import MAX_VALUE_TEXTS, Answer


async def check(text: str) -> str:
    return text.replace("secret", "[removed]")


async def test_every_text_of_the_values_is_guarded_however_deep() -> None:
    values = {"note": ["secret", {"secret": [{"x": "a secret"}]}], "count": 3, "plain": "secret"}
    guarded = await Answer("c1", values=values, note="secret", result="secret").guarded(check)
    assert guarded.values == {
        "note": ["[removed]", {"[removed]": [{"x": "a [removed]"}]}],
        "count": 3,
        "plain": "[removed]",
    }
    assert (guarded.note, guarded.result) == ("[removed]", "[removed]")


async def test_nothing_said_stays_nothing() -> None:
    assert await Answer("c1", confirmed=True).guarded(check) == Answer("c1", confirmed=True)


async def test_too_many_texts_are_refused_before_any_is_guarded() -> None:
    with pytest.raises(Invalid):
        await Answer("c1", values={"x": ["a"] * (MAX_VALUE_TEXTS + 1)}).guarded(check)


def given(kind: str, value: Json, **field: Any) -> Json:
    schema = [{"name": "x", "field_type": kind, **field}]
    step = Step(request={"requirement": {"kind": "user_input", "user_input_schema": schema}})
    return answers._values(step, {"x": value})["x"]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("str", "text"),
        ("int", 5),
        ("int", "5"),
        ("float", 5),
        ("float", "250.00"),
        ("bool", False),
        ("bool", "true"),
        ("list", ["a"]),
        ("dict", {"a": 1}),
        ("date", "2026-01-01"),
    ],
)
def test_a_value_of_its_type_is_kept_as_it_is(kind: str, value: Json) -> None:
    assert given(kind, value) == value


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("str", ["ssn"]),
        ("str", {"a": "b"}),
        ("str", 7),
        ("int", "five"),
        ("int", "5.5"),
        ("int", True),
        ("int", 5.5),
        ("float", "NaN"),
        ("float", "1e400"),
        ("int", "1e3"),
        ("int", "٣"),
        ("int", "9" * 19),
        ("float", True),
        ("bool", "maybe"),
        ("bool", 1),
        ("list", "a"),
        ("dict", ["a"]),
    ],
)
def test_a_value_of_another_type_is_refused(kind: str, value: Json) -> None:
    with pytest.raises(Invalid, match="must be of type"):
        given(kind, value)


def test_an_offered_option_is_of_the_right_type() -> None:
    assert given("str", 5, options=[5, 6]) == 5
