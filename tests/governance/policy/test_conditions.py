"""Conditions: read from text, checked against a tool's schema, judged on arguments; unclear is neither yes nor no."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from agentos.core.errors import Invalid
from agents.engine.tools import tool
from governance.policy import conditions, globs
from governance.policy.conditions import holds, parse


class Place(BaseModel):
    country: str
    floor: int | None = None


@tool(effect="outward", says="Pay {amount}")
async def pay(
    amount: Annotated[Decimal, Field(gt=0)],
    to: str,
    region: Literal["eu", "us"] = "eu",
    tags: list[str] | None = None,
    place: Place | None = None,
    urgent: bool = False,
) -> str:
    """Pay."""
    return ""


@pytest.mark.parametrize(
    ("text", "arguments", "expected"),
    [
        ("amount >= 500", {"amount": 500}, True),
        ("amount >= 500", {"amount": 499.99}, False),
        ("amount>500", {"amount": 500}, False),
        ("amount < 0.3", {"amount": "0.29"}, True),
        ("amount <= 1", {"amount": "NaN"}, None),
        ("amount >= 500", {"amount": True}, None),
        ("amount >= 500", {}, None),
        ("amount >= 500", {"amount": None}, None),
        ("amount >= 500", {"amount": "lots"}, None),
        ("amount >= 500", {"amount": "1" * 101}, None),
        ("amount == 250", {"amount": "250.00"}, True),
        ("amount != 250", {"amount": 250.0}, False),
        ('to == "a"', {"to": "a"}, True),
        ('to == "a"', {"to": 1}, None),
        ('to != "a"', {"to": None}, True),
        ("to == null", {"to": None}, True),
        ("urgent == true", {"urgent": True}, True),
        ("urgent == true", {"urgent": 1}, None),
        ('region in ["eu", "us"]', {"region": "us"}, True),
        ('region in ["eu", "us"]', {"region": "asia"}, False),
        ("amount in [1, 2]", {"amount": 2.0}, True),
        ('region in ["eu"]', {"region": ["eu"]}, None),
        ('region in ["eu"]', {}, None),
        ('to contains "acme"', {"to": "x@acme.test"}, True),
        ('tags contains "a"', {"tags": ["b"]}, False),
        ('tags contains "a"', {"tags": None}, None),
        ('to matches "*@acme.test"', {"to": "x@acme.test"}, True),
        ('to matches "*@acme.test"', {"to": "x@acme.test.evil"}, False),
        ('to matches "*"', {}, None),
        ("tags exists", {"tags": None}, False),
        ("tags exists", {"tags": []}, True),
        ('place.country == "DE"', {"place": {"country": "DE"}}, True),
        ('place.country == "DE"', {"place": None}, None),
    ],
)
def test_what_holds(text: str, arguments: dict[str, Any], expected: bool | None) -> None:
    assert holds(parse(text), arguments) is expected


@pytest.mark.parametrize(
    "text",
    [
        "", "amount", "amount >=", "amount >= many", "amount => 5", 'amount >= "5"', "amount >= true", "a..b == 1",
        "to == unquoted", "to in 5", "to in []", "to in [[1]]", "to matches 5", "to exists 5", "to == {}",
        "amount >= NaN", "amount >= 1; drop", "to matches " + '"' + "a" * 2000 + '"',
    ],
)  # fmt: skip
def test_what_is_no_condition(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse(text)
    assert refused.value.code == "bad_condition"


@pytest.mark.parametrize(
    "text",
    ["amount >= 5", 'to matches "a*"', 'region in ["eu"]', 'tags contains "a"', "tags exists", 'place.country == "DE"',
     "place.floor > 3", "urgent == true", "place == null"],
)  # fmt: skip
def test_what_fits_a_tool(text: str) -> None:
    conditions.check(parse(text), pay.parameters, "pay")
    assert parse(str(parse(text))) == parse(text)


@pytest.mark.parametrize(
    "text", ["nothing == 1", "to >= 5", 'amount == "x"', "urgent > 1", 'place.street == "x"', 'amount matches "5*"',
     "amount.x > 5", 'tags.first == "a"', 'amount in [500, "a"]', 'region in ["eu", 5]'],
)  # fmt: skip
def test_what_does_not_fit_a_tool(text: str) -> None:
    with pytest.raises(Invalid, match="pay"):
        conditions.check(parse(text), pay.parameters, "pay")


@given(st.text(alphabet="ab*", max_size=8), st.text(alphabet="ab", max_size=8))
def test_a_pattern_is_about_the_whole_text(pattern: str, text: str) -> None:
    def slow(pattern: str, text: str) -> bool:
        if not pattern:
            return not text
        if pattern[0] == "*":
            return slow(pattern[1:], text) or (bool(text) and slow(pattern, text[1:]))
        return bool(text) and text[0] == pattern[0] and slow(pattern[1:], text[1:])

    assert globs.matches(pattern, text) is slow(pattern, text)


@pytest.mark.parametrize("name", ["pay?", "[p]ay", "PAY", "pay\n", "xpay"])
def test_nothing_but_the_star_is_special(name: str) -> None:
    assert not globs.matches(name, "pay")
    assert globs.matches(name, name)
