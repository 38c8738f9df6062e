"""What a text must hold for an expression to match: told from the expression, and never too much."""

from __future__ import annotations

import re
from cProfile import Profile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.guardrails import pii, secrets
from governance.guardrails.detector import Detector
from governance.guardrails.needed import DIGIT, needed, signs

PROSE = (
    "We opened a ticket and a colleague will look into it tomorrow morning, for the client is closed then. Thank you "
)


@pytest.mark.parametrize(
    ("pattern", "needs"),
    [
        (r"ab", []),
        (r"a\d", [DIGIT]),
        (r"[0-9]{2,3}@", [DIGIT, "@"]),
        (r"\d?[a1]*", []),
        (r"(?i:k)(?=[^\n]{0,9}7)", [DIGIT]),
        (r"(?<=7)a(?!8)[^9]", []),
        (r"(?:\d\.|@)[:=]", [DIGIT + "@", ":="]),
        (r"(?:\d|a)", []),
        (r"²", ["²"]),
        (r"[A-Z]{1,3}+(?>-)", ["-"]),
    ],
    ids=str,
)
def test_what_every_match_holds_is_told(pattern: str, needs: list[str]) -> None:
    told = ["".join(sorted(need, key=lambda sign: (sign != DIGIT, sign))) for need in needed(pattern)]
    assert sorted(told) == sorted(needs)


def test_digits_of_any_script_are_digits() -> None:
    assert DIGIT in signs("a٣") and DIGIT not in signs("a²")
    assert re.search(r"\d", "²") is None


@given(text=st.text(alphabet="aK1٣²@.:=-\n ", max_size=8))
@pytest.mark.parametrize(
    "pattern", [r"(?:\d\.|@)[:=]?", r"(?i:k)(?=[^\n]{0,9}\d)|-", r"[\d²]{1,2}(?:=|a)", r"[.@]++:?"]
)
def test_no_text_lacks_it_in_which_the_expression_matches(pattern: str, text: str) -> None:
    if re.search(pattern, text) is not None:
        assert not any(need.isdisjoint(signs(text)) for need in needed(pattern))


@pytest.mark.parametrize("detector", [pii.DETECTOR, secrets.DETECTOR], ids=lambda one: one.name)
def test_what_looks_for_numbers_is_not_asked_of_prose(detector: Detector) -> None:
    def searches(text: str) -> int:
        detector.tail.begin(text, text.lower())  # compiles
        profile = Profile()
        profile.runcall(detector.tail.begin, text, text.lower())
        return sum(entry.callcount for entry in profile.getstats() if "'search' of" in str(entry.code))

    assert searches(PROSE) + 2 < searches(f"{PROSE}7")
