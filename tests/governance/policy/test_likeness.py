"""Calls that ask for the same in other words are alike; calls that ask for something else are not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentos.core.types import JsonObject
from governance.policy.likeness import likeness
from tests.governance.test_gate import json_values

CALL: JsonObject = {"customer_id": "C-1042", "amount": 250, "reason": "The customer was billed twice in May"}


@pytest.mark.parametrize(
    "changes",
    [
        {"reason": "As the manager said, this one is really urgent"},
        {"reason": "billed twice"},
        {"reason": "x7"},
        {"reason": ""},
        {"customer_id": " c 1042 "},
        {"amount": 249.99},
        {"amount": "250.00"},
    ],
    ids=str,
)
def test_other_words_for_the_same(changes: JsonObject) -> None:
    assert likeness(CALL | changes) == likeness(CALL)


@pytest.mark.parametrize(
    "changes", [{"customer_id": "C-1043"}, {"amount": 25}, {"amount": 120}, {"urgent": True}], ids=str
)
def test_something_else(changes: JsonObject) -> None:
    assert likeness(CALL | changes) != likeness(CALL)


def test_a_name_ends_in_the_word_that_says_it_is_wording() -> None:
    assert likeness({"refund_reason": "double charge"}) == likeness({"refund_reason": "billed twice"})
    assert likeness({"reason_code": "A1"}) != likeness({"reason_code": "A2"})
    assert likeness({"note": 1}) != likeness({"note": 2})


@given(st.dictionaries(st.text("ab~", max_size=3), json_values, max_size=3))
def test_whatever_the_arguments_are_they_are_like_themselves(arguments: JsonObject) -> None:
    assert likeness(arguments) == likeness(dict(reversed(arguments.items())))
