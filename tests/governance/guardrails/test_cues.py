"""Words around a value: a cue finds what its expression finds, and remembers it no longer than one look."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.guardrails.cues import Cue, asked_once, one_look, telling, tells_digits
from governance.guardrails.needles import letter_by_letter
from governance.guardrails.pii import hosts, numbers, phone_words, things
from governance.guardrails.pii.national_table import ENTRIES

PATTERNS = (
    r"\b(?:orders?|ord|no)\b",
    r"(?<![a-z])(?:(?:a|b)?rd|n[oé]r?|d{2,3}x)\s?$",
    r"(?:ord|é+r)(?= )|x-?[ab]",
    r"[a-z]{2}x|b",
    r"(?P<weak>rd)|(?:order|no)",
    r"(?=ord|b)[a-z]{2,4}e?|(?=x?)no",
)


@pytest.mark.parametrize("pattern", PATTERNS)
@given(words=st.text(alphabet="abdeornxé -", max_size=14), start=st.integers(0, 3))
def test_it_finds_what_its_expression_finds(pattern: str, words: str, start: int) -> None:
    found, expected = Cue(pattern).search(words, start), re.compile(pattern).search(words, start)
    assert (found and found.span()) == (expected and expected.span())


@pytest.mark.parametrize("pattern", PATTERNS)
@given(text=st.text(alphabet="abdeornxé -", max_size=24))
def test_it_finds_every_place(pattern: str, text: str) -> None:
    expected = [found.span() for found in re.finditer(pattern, text)]
    assert [found.span() for found in Cue(pattern).finditer(text)] == expected


@given(words=st.text(alphabet="abdeornxé -", max_size=14))
def test_of_several_expressions_one_is_enough(words: str) -> None:
    several = any(re.search(pattern, words) for pattern in PATTERNS)
    assert (Cue(*PATTERNS).search(words) is not None) == several


@pytest.mark.parametrize("cue", [numbers.DENIAL, things.THINGS, phone_words._NAMED, hosts._PERSON])
def test_the_long_lists_of_words_are_told_apart_by_their_beginnings(cue: Cue) -> None:
    led, loose = cue.parts
    assert led and not loose


def test_single_letters_are_looked_for_by_the_expression_itself() -> None:
    assert Cue(r"[#*]\d").heads == () and set(Cue(r"[#*]\d|no\d").heads) == {"#", "*", "no"}


def test_what_speaks_of_a_country_is_known_by_its_strings() -> None:
    spoken = [entry.alone.pattern for entry in ENTRIES if entry.alone is not None and entry.alone.pattern]
    assert [pattern for pattern in spoken if not telling(pattern)] == [r"[\u4e00-\u9fff]"]


def test_the_same_words_are_looked_through_once_in_a_look(monkeypatch: pytest.MonkeyPatch) -> None:
    cue, asked = Cue("order"), list[str]()

    def looked(words: str, start: int) -> None:
        asked.append(words)

    monkeypatch.setattr(cue, "_search", looked)
    with one_look():
        assert cue.search("a secret") is cue.search("a secret") is None
        assert asked == ["a secret"]
    with one_look():
        cue.search("a secret")
    cue.search("a secret")
    assert asked == ["a secret"] * 3


def test_a_judge_thinks_about_a_word_once_in_a_look() -> None:
    asked = list[str]()

    @asked_once
    def long(word: str) -> bool:
        asked.append(word)
        return len(word) > 3

    with one_look():
        assert [long("abc"), long("abcd"), long("abc"), long("abcd")] == [False, True, False, True]
        assert asked == ["abc", "abcd"]
    assert long("abcd")
    assert asked == ["abc", "abcd", "abcd"]


@pytest.mark.parametrize("pattern", [r"a[0-9]", r"\d+[\d.]", "x{2,3}", "[a-z]{0,24}", r"[^\W\d_]"])
def test_an_expression_of_any_digits_tells_none_apart(pattern: str) -> None:
    assert not tells_digits(pattern)


@pytest.mark.parametrize("pattern", [r"w-?[249]", r"(?<=2)x", "[1-9]", "a(?:b|c4)", "[^1]", "(?:x[5-9])?"])
def test_an_expression_of_some_digits_tells_them_apart(pattern: str) -> None:
    assert tells_digits(pattern)


@given(
    words=st.lists(st.text(alphabet="ab .", min_size=1, max_size=4), min_size=1, max_size=6),
    text=st.text(alphabet="ab .", max_size=8),
)
def test_words_letter_by_letter_are_the_longest_that_stand(words: list[str], text: str) -> None:
    found = re.match(letter_by_letter(words), text)
    assert (found and found[0]) == max(filter(text.startswith, words), key=len, default=None)
