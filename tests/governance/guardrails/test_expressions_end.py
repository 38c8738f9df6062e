"""Expressions that rules ask at each place where a word stands: one without an end makes a text of such words take its square."""

from __future__ import annotations

import re
from collections.abc import Iterator
from re import _parser  # type: ignore[attr-defined]
from typing import Any

import pytest

from governance.guardrails import secrets
from governance.guardrails.reading import Reading
from governance.guardrails.secrets import asked as codes_asked_for
from governance.guardrails.secrets import commands, told

# Wakes every rule; each then tells what it asks.
WAKING = (
    "password pw pass secret token key login user account wifi wi-fi network netz seed backup recovery phrase psk use to open reset 12 opens 1. "
    '[1,2] auth cookie: basic bearer totp otp code pin https:// = @ : "a1b2" Ab1#cd jwt. client( connect( keypair smtp --pass | a | b |'
)


def endless(parsed: Any) -> bool:
    """Tell whether an expression repeats something without an end."""
    if isinstance(parsed, (tuple, list, _parser.SubPattern)):
        if len(parsed) == 3 and parsed[1] is _parser.MAXREPEAT:
            return True
        return any(map(endless, parsed))
    return False


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> set[re.Pattern[str]]:
    """The expressions that one look at a text asks at the places of words."""
    patterns = {*commands.COMMANDS.values(), told.OPENS}

    def of_reading(self: Reading, pattern: re.Pattern[str], needles: Any, *rest: Any, **care: Any) -> Iterator[Any]:
        patterns.add(pattern)
        return iter(())

    monkeypatch.setattr(Reading, "matches", of_reading)
    secrets.detect(WAKING)
    return patterns


def test_what_is_asked_at_each_place_of_a_word_has_an_end(asked: set[re.Pattern[str]]) -> None:
    assert len(asked) > 70
    assert [one.pattern for one in asked if endless(_parser.parse(one.pattern, one.flags))] == []


@pytest.mark.parametrize("pattern", [r"a\w*b", r"(?:a[^b]+)c", r"(?=a*)b", r"a(?:b|c\s*)"])
def test_an_expression_without_an_end_is_told(pattern: str) -> None:
    assert endless(_parser.parse(pattern))
    assert not endless(_parser.parse(re.sub(r"[*+]", "{1,9}", pattern)))


@pytest.mark.parametrize("word", ["Ab" * 200, "A" * 400, "A1" * 200, "aB3_" * 100, "a-" * 200, "aB." * 130])
@pytest.mark.parametrize("name", ["Authorization: ApiKey ", "api_key = ", "the password is "])
def test_a_long_word_is_told_at_once_however_it_could_be_parted(name: str, word: str) -> None:
    """An expression that tries every way to part a word would not end before the sun does."""
    assert secrets.detect(f"{name}{word}Key") == secrets.detect(f"{name}{word}Key")


def parts_words_in_every_way(parsed: Any) -> bool:
    """Tell whether an expression repeats words of no certain length with nothing certain between them."""
    if not isinstance(parsed, (tuple, list, _parser.SubPattern)):
        return False
    if len(parsed) == 3 and parsed[1] != 1 and isinstance(parsed[2], _parser.SubPattern):
        optional = [part for part in _body(parsed[2]) if str(part[0]).endswith("REPEAT") and part[1][0] == 0]
        longer = any(str(kind) == "MAX_REPEAT" and most > 1 for kind, (_, most, _) in optional)
        if longer and len(_body(parsed[2])) - len(optional) <= 1:
            return True
    return any(map(parts_words_in_every_way, parsed))


def _body(repeated: Any) -> list[Any]:
    """Return the parts of what is repeated, without the group around them."""
    parts = list(repeated)
    return list(parts[0][1][3]) if len(parts) == 1 and str(parts[0][0]) == "SUBPATTERN" else parts


def test_an_answer_of_many_letters_is_not_parted_in_every_way() -> None:
    assert parts_words_in_every_way(_parser.parse(r"(?:[a-z]\w{0,9},? ?){0,4}\d"))
    assert not parts_words_in_every_way(_parser.parse(codes_asked_for._ANSWER.pattern))
