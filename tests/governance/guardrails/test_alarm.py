"""What stands in every text with a finding: signs, and words that are looked for all at once."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from governance import guardrails
from governance.guardrails import pii, secrets
from governance.guardrails.detector import Alarm
from governance.guardrails.needles import Automaton
from governance.guardrails.pii import detecting as of_pii
from governance.guardrails.reading import Reading

DATA = Path(guardrails.__file__).parent / "data"

ALARM = Alarm(r"\d|-(?<=a-)b", words=["pass", "passwort", "mot de passe"], said=r"\bone two\b")


@pytest.mark.parametrize(
    ("text", "stands"),
    [("", False), ("my pas swort", False), ("7", True), ("a-b", True), ("b-b", False), ("My PaSSword", True), ("Mot de pa\u017f\u017fe", True), ("ONE two", True), ("bone two", False)],
)  # fmt: skip
def test_signs_stand_as_they_are_and_words_in_either_case(text: str, stands: bool) -> None:
    assert ALARM.stands(text) is stands


def test_what_stands_outside_two_places_does_not_alarm() -> None:
    assert ALARM.stands("a pass b", 2, 6)
    assert not ALARM.stands("a pass b", 3) and not ALARM.stands("a pass b", 0, 5)
    assert ALARM.stands("a-b", 1)


@pytest.mark.parametrize("before", range(Alarm.BLOCK - 5, Alarm.BLOCK + 2))
def test_a_word_is_found_wherever_it_begins(before: int) -> None:
    assert ALARM.stands(f"{' ' * before}pass")
    assert not ALARM.stands(f"{' ' * before}pas")


def test_nothing_is_read_behind_the_first_word(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    places = Automaton.places

    def noted(automaton: Automaton, text: str) -> dict[str, list[int]]:
        read.append(text)
        return places(automaton, text)

    monkeypatch.setattr(Automaton, "places", noted)
    assert ALARM.stands("pass " * Alarm.BLOCK)
    assert len(read) == 1 and len(read[0]) < 2 * Alarm.BLOCK


def test_words_in_either_case_are_tried_where_one_may_begin() -> None:
    alarm = Alarm(led=(r"(?<!\w)(?:[vV][iI][aA]\b|[dD][oO][tT])", r"(?<!\w)(?:via\b|dot)"))
    assert all(map(alarm.stands, ("Via", "so vIA, then", "a dotted line", "o" * Alarm.BLOCK + " via")))
    assert not any(map(alarm.stands, ("", "trivia", "viable", "aDOT", "do t")))
    assert alarm.stands("so via b", 3, 6) and not alarm.stands("so via b", 4) and not alarm.stands("so via b", 0, 5)


@pytest.mark.parametrize("text", ["", "Please refund my last order, it was billed twice.", "ok"])
def test_a_text_that_does_not_alarm_is_read_by_no_rule_for_personal_data(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object, **__: object) -> Reading:
        raise AssertionError("it was read")

    monkeypatch.setattr(of_pii, "Reading", never)
    assert pii.detect(text) == []


def test_rules_for_personal_data_find_nothing_where_nothing_alarms(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = (DATA / "pii_varied.jsonl").read_text("utf-8").splitlines()
    parts = {part for line in lines for part in re.split(r"[\d@\n]+|(?<=[.!?]) ", json.loads(line)["text"])}
    quiet = [part for part in parts if part and not pii.DETECTOR.alarm.stands(part)]
    monkeypatch.setattr(Alarm, "stands", lambda *_: True)
    assert len(quiet) > 1_000 and not any(map(pii.detect, quiet))


@pytest.mark.parametrize(
    "alarming",
    ["7", "aB", "a" * 14, "ABC-DEF", "a=b", "a*#b", "----", "\u200b", "a|b", "a\tb", "a,b", 'a;"b', "('a", ", 'a", "one, Two", "contraseña", "PASSWORT"],
)  # fmt: skip
def test_secrets_alarm_at_each_sign(alarming: str) -> None:
    assert secrets.DETECTOR.alarm.stands(f"so {alarming} there")


@pytest.mark.parametrize(
    "plain", ["Ab", "a" * 13, "AB-DEF", "ABC-de", "a = b", "7"[1:], "---", "a, b", "(a", "one of two"]
)
def test_secrets_alarm_at_nothing_less(plain: str) -> None:
    assert not secrets.DETECTOR.alarm.stands(f"so {plain} there")
