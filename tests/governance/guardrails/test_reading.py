"""What is found out about a text once: its tables, what its words look like, where literal strings stand."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance import guardrails
from governance.guardrails import expressions, pii, secrets
from governance.guardrails import reading as reading_module
from governance.guardrails.cues import Cue, Held
from governance.guardrails.findings import Finding
from governance.guardrails.needles import Automaton, Needles, Spans, Union, places, zones
from governance.guardrails.pii.detecting import RULES as OF_PII
from governance.guardrails.reading import CHARACTERS_FOR_A_PLACE, FEWEST_PLACES, Reading
from governance.guardrails.secrets import broken
from governance.guardrails.secrets.detecting import RULES as OF_SECRETS
from governance.guards.judging import detectors

DATA = Path(guardrails.__file__).parent / "data"


def test_a_word_is_judged_once() -> None:
    asked: list[str] = []

    def how(word: str) -> bool:
        asked.append(word)
        return word == "b"

    reading = Reading("a b b")
    assert [reading.looks(how, word) for word in reading.text.split()] == [False, True, True]
    assert asked == ["a", "b"]


def test_spans_are_told_by_any_of_their_characters() -> None:
    spans = Spans(re.compile("b+"), "a bbb a b")
    assert [spans.any(0, end) for end in range(6)] == [False, False, False, True, True, True]
    assert [spans.any(start, 9) for start in (4, 5, 8, 9)] == [True, True, True, False]
    assert not spans.any(5, 8) and not Spans(re.compile("c"), "a b").any(0, 3)


def test_what_a_text_speaks_of_is_found_in_small_letters() -> None:
    reading = Reading("Of a Bank")
    assert reading.speaks(re.compile("bank")) and not reading.speaks(re.compile("Bank"))


def cells(text: str, columns: str) -> list[tuple[str, str]]:
    reading = Reading(text)
    return [(cell.column, text[cell.start : cell.end]) for cell in reading.tables.cells(re.compile(columns))]


def test_cells_of_several_tables_and_columns() -> None:
    text = "name;pass_word\nmira;one\n'bob';\"two\"\n\nend\n| host | token |\n|---|---|\n| a | b c |\n"
    assert cells(text, "pass|token") == [("pass word", "one"), ("pass word", "two"), ("token", "b c")]
    assert cells(text, "host") == [("host", "a")]
    assert cells(text, "nothing") == []


def test_lines_with_numbers_are_no_head_and_rows_of_another_length_end_a_table() -> None:
    assert cells("1,password\na,b\n", "password") == []
    assert cells("name,password\na,b\nx\nc,d\n", "password") == [("password", "b")]
    assert cells("name,password", "password") == []


NEEDLES = ("a", "ab", "abcde", "abcdf", "d/l", "dl", "n. ss", "n.i.f", "id card", "é")


@given(text=st.text(alphabet="abcdefnlisér/. ", max_size=30))
def test_needles_are_found_wherever_they_stand(text: str) -> None:
    alone = r"(?<![^\W\d_])"
    starts = {(at, needle) for at, needle in places(text, NEEDLES) if re.compile(alone).match(text, at)}
    assert set(Needles(NEEDLES, after=alone).places(text)) == starts


@given(text=st.text(alphabet="abcdefnlisér/. A", max_size=30), learned=st.sets(st.sampled_from(NEEDLES)))
def test_a_reading_knows_where_strings_stand_and_matches_there(text: str, learned: set[str]) -> None:
    union = Union()
    union.learn(strings=learned)
    reading = Reading(text, rules=union)
    assert list(reading.places(NEEDLES)) == list(places(reading.lower, NEEDLES)) == list(reading.places(NEEDLES))
    found = [match.span() for match in reading.matches(re.compile("A.", re.IGNORECASE), NEEDLES)]
    starts = [at for at, needle in places(reading.lower, NEEDLES) if needle[0] == "a"]
    assert found == [(at, at + 2) for at in starts if at + 2 <= len(reading.text)]


def test_a_needle_inside_a_word_of_a_longer_one_is_left_out() -> None:
    needles = Needles(("pass", "password", "key", "key pass"))
    assert list(needles.places("password", whole=True)) == [(0, "password")]
    assert list(needles.places("passwort key pass", whole=True)) == [
        (0, "pass"),
        (9, "key pass"),
        (9, "key"),
        (13, "pass"),
    ]


@given(text=st.text(alphabet="abcdefnlisér/. \ud800", max_size=30), learned=st.booleans())
def test_needles_of_all_rules_are_found_in_one_pass(text: str, learned: bool) -> None:
    alone = r"(?<![^\W\d_])"
    rules = Needles(NEEDLES[1:]), Needles(("abc", "n. ss", "cd"), after=alone), Needles(("c", "de"))
    union = Union(() if learned else rules)
    reading = Reading(text, rules=union)
    for rule, before in zip(rules, ("", alone, ""), strict=True):
        stand = {
            (at, needle)
            for needle in rule.words
            for at in range(len(text))
            if text.startswith(needle, at) and re.compile(before).match(text, at)
        }
        assert set(reading.standing(rule)) == stand
        assert reading.stands(rule) is bool(stand)


def test_what_rules_ask_for_is_learned_and_found_with_all_others_in_the_next_look(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    union, rule, looks = Union(), Needles(("key", "pin")), 0

    def counted(self: Automaton, text: str) -> dict[str, list[int]]:
        nonlocal looks
        looks += 1
        return places_of(self, text)

    places_of = Automaton.places
    monkeypatch.setattr(Automaton, "places", counted)
    for taken in (2, 1):  # the first look learns them
        looks, reading = 0, Reading("a pin, aaa", rules=union)
        assert reading.stands(rule) and list(reading.places(("aa",))) == [(7, "aa"), (8, "aa")]
        assert looks == taken
        assert list(reading.places(("aa", "aa"))) == 2 * [(7, "aa"), (8, "aa")]


@pytest.mark.parametrize(("guard", "rules"), [("secrets", OF_SECRETS), ("pii", OF_PII)])
def test_nothing_of_a_text_is_learned(guard: str, rules: Union) -> None:
    detect = detectors()[guard]
    lines = (DATA / f"{guard}_varied.jsonl").read_text("utf-8").splitlines()
    for line in lines:
        detect(json.loads(line)["text"].replace("7", "7ɮ").replace("3", "ɮ3"))
    known = rules.automaton().words
    assert len(known) > 1_500 and not any("ɮ" in string for string in known)


@pytest.mark.parametrize(("guard", "rules"), [("secrets", OF_SECRETS), ("pii", OF_PII)])
def test_strings_that_a_rule_asks_for_are_kept_once(guard: str, rules: Union) -> None:
    detect, lines = detectors()[guard], (DATA / f"{guard}_varied.jsonl").read_text("utf-8").splitlines()
    texts, kept = [json.loads(line)["text"] for line in lines], list[int]()
    for _ in range(3):  # in the first rules ask for what isn't known yet
        for text in texts:
            detect(text)
        kept.append(len(rules.automaton().kept))
    assert kept[1] == kept[2] > 10


def test_lasting_strings_are_a_set_of_an_automaton_that_looks_for_all_of_them() -> None:
    automaton, known, other = Automaton((), ("pin", "key")), ("pin", "key", "pin"), ("pin", "lock")
    assert automaton.set_of(known) == {"pin", "key"} and automaton.set_of(known) is automaton.set_of(known)
    assert automaton.set_of(other) is None


def test_strings_that_are_made_anew_each_time_fill_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Automaton, "MOST_KEPT", 5)
    automaton = Automaton((), ("pin", "key"))
    names = ["pin", "key"]
    for _ in range(20):
        assert automaton.set_of(tuple(names)) == {"pin", "key"}
    assert len(automaton.kept) <= 5


def test_a_text_is_asked_once_for_all_that_a_cue_begins_with(monkeypatch: pytest.MonkeyPatch) -> None:
    cue, union, asked = Cue("pin code", "key code", "lock code"), Union(), list[tuple[str, ...]]()
    union.learn(strings=cue.heads)
    set_of = Automaton.set_of

    def noted(automaton: Automaton, strings: tuple[str, ...], by: object = None) -> frozenset[str] | None:
        asked.append(strings)
        return set_of(automaton, strings, by)

    monkeypatch.setattr(Automaton, "set_of", noted)
    assert not Reading("nothing of it", rules=union).speaks(cue) and set(asked) == {cue.heads}
    assert Reading("a lock code", rules=union).speaks(cue)


def test_an_expression_that_begins_with_nothing_that_stands_is_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    pattern, union, tried = re.compile("(?:pin|key) code"), Union(), list[str]()
    led = Reading._led

    def noted(reading: Reading, cue: Cue) -> Iterator[re.Match[str]]:
        tried.append(reading.text)
        return led(reading, cue)

    monkeypatch.setattr(Reading, "_led", noted)
    texts = ("learns", "keeps", "nothing", "a key ", "a pin code")
    spoken = [Reading(text, rules=union).speaks(pattern) for text in texts]
    assert spoken == [False, False, False, False, True] and tried == ["learns", "keeps", "a key ", "a pin code"]


def test_nothing_of_a_rule_is_tried_where_none_of_its_strings_stands() -> None:
    reading, needles, strings = Reading("nothing"), Needles(("pin", "key")), ("pin", "key")
    assert not reading.stands(needles) and not reading.stands(strings)
    assert Reading("a key").stands(needles) and Reading("a key").stands(strings)
    assert list(reading.each(needles)) == [] and list(reading.matches(re.compile("pin"), strings)) == []


def test_zones_that_touch_are_one() -> None:
    assert zones(re.compile("x"), "..x.x......x", 1, 1) == [(1, 6), (10, 12)]
    assert zones(re.compile("x"), ".x..x......", 3, 2) == [(0, 7)]
    assert zones(re.compile("y"), "..x.x......x", 1, 1) == []


def test_parts_around_needles_that_touch_are_one() -> None:
    assert Reading("a--A------a").around(Needles(("a",)), 1, 3) == [(0, 6), (9, 13)]


def test_a_text_is_looked_through_once_for_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    class Digit:
        def search(self, text: str) -> None:
            asked.append(text)

    monkeypatch.setattr(reading_module, "_DIGIT", Digit())
    secrets.detect("Here is the password for the door, you know which: otter")
    assert len(asked) == 1


def test_signs_that_are_everywhere_are_not_looked_for_among_the_strings_of_all_rules() -> None:
    pii.detect("".join(f"w{n} (81.2.{n // 200 + 1}.{n % 200 + 1}) " for n in range(1_000)))
    assert OF_PII.automaton().words.isdisjoint(" (:!@")


@pytest.mark.parametrize(("tries", "left"), [(2, True), (4, False)])
def test_places_beyond_the_tries_of_a_text_are_left_and_that_is_told(tries: int, left: bool) -> None:
    reading = Reading("key a key b key c key d", tries=tries)
    assert len(list(reading.matches(re.compile("key"), ("key",)))) == tries
    assert reading.left is left


def test_every_rule_draws_on_the_tries_of_one_text() -> None:
    reading, names = Reading("pin a pin b key c key d", tries=3), Needles(("pin", "key"))
    assert [at for at, _ in reading.each(names, price=2)] == [0]
    assert list(reading.matches(re.compile("key"), ("key",))) == []
    assert reading.left


def test_so_many_places_of_one_rules_names_are_looked_at_and_those_behind_left() -> None:
    reading, names = Reading("pass " * 1_000), Needles(("pass",))
    seen = [at for at, _ in reading.first(names)]
    assert len(seen) == FEWEST_PLACES + 5_000 // CHARACTERS_FOR_A_PLACE
    assert reading.left


@pytest.mark.parametrize(
    ("text", "mended"), [("pass\n====\nword 1\n", 0), ("QUJDRA==\nab 1\n", 0), ("password: Hunt=\ner22!x\n", 1)]
)
def test_only_a_mail_whose_lines_were_broken_is_read_again(text: str, mended: int) -> None:
    read = list[str]()

    def counted(mended: str) -> Iterator[Finding]:
        read.append(mended)
        return iter(())

    list(broken.find(Reading(text), counted))
    assert len(read) == mended


HOLDING = (
    r"(?<![a-z])(?:order|new no)\b",
    r"\b(?:ord|\(no)[\s:]{0,2}$",
    r"(?<![^\W\d_])(?:no(?:de)?|\w{2,4}(?:rde|ax))(?![^\W\d_])",
    r"(?<!é)[a-z]{2}ord|(?:[éx] ?)?noé",
    r"(?<![^\w])x(?=or)",
    r"(?<!a[a-z])ord",
)


@pytest.mark.parametrize("pattern", HOLDING)
@given(text=st.text(alphabet="axdeornÉx( ", max_size=24), start=st.integers(-2, 24), length=st.integers(1, 24))
def test_where_nothing_stands_that_matches_hold_there_is_none(pattern: str, text: str, start: int, length: int) -> None:
    reading = Reading(text)
    if re.search(pattern, reading.lower[max(0, start) : start + length]) is not None:
        assert reading.holds(Held(re.compile(pattern)), start, start + length)


def test_what_a_word_begins_with_is_held_by_no_other_word_but_one_that_is_cut() -> None:
    reading, venue = Reading("an avenue, a street"), Held(re.compile(r"(?<![a-z])(?:venue|shop), "))
    assert reading.lower.index("venue, ") == 4
    assert not reading.holds(venue, 0, 19) and not reading.holds(venue, 5, 19)
    assert reading.holds(venue, 4, 19)


def test_what_holds_nothing_for_sure_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    # Whoever prepares all expressions after this would be refused, too.
    monkeypatch.setattr(expressions, "_PUT_OFF", [])
    with pytest.raises(ValueError, match="order"):
        Reading("order").holds(Held(re.compile(r"order|[a-z]{2,4}")), 0, 5)
