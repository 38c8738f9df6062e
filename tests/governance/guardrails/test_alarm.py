"""What stands in every text with a finding: signs, and words that are looked for all at once."""

from __future__ import annotations

import pytest

from governance.guardrails import secrets
from governance.guardrails.detector import Alarm
from governance.guardrails.needles import Automaton

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
