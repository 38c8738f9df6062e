"""Findings: what stands in their place, and what overlapping ones become."""

from __future__ import annotations

import pytest

from governance.guardrails.findings import Finding, merge, redact
from governance.guardrails.folding import fold


def test_redact_keeps_the_rest() -> None:
    text = "mail a@b.de or call 5"
    assert redact(text, [Finding("email", 5, 11, 0.9)]) == "mail [redacted: email] or call 5"
    assert redact(text, []) == text


def test_overlapping_findings_get_one_mask_named_by_the_surest() -> None:
    found = [Finding("api_key", 0, 6, 0.5), Finding("aws_key", 4, 9, 0.9), Finding("phone", 20, 22, 0.4)]
    assert merge(found) == [Finding("aws_key", 0, 9, 0.9), Finding("phone", 20, 22, 0.4)]
    assert redact("0123456789", found[:2]) == "[redacted: aws_key]9"


def test_touching_findings_stay_apart() -> None:
    found = [Finding("a", 0, 2, 0.5), Finding("b", 2, 4, 0.5)]
    assert redact("xxyy", found) == "[redacted: a][redacted: b]"


def test_folding_leads_back_to_the_original() -> None:
    text = "a\u200b٤１–ﬁ\u00a0z"
    folded = fold(text)
    assert folded.text == "a41-ﬁ z"
    assert folded.span(1, 3) == (2, 4)
    assert text[slice(*folded.span(0, 2))] == "a\u200b٤"


@pytest.mark.parametrize("plain", [0, 40], ids=["many moved", "few moved"])
def test_each_folded_character_knows_where_it_came_from(plain: int) -> None:
    text = f"\u200b№ 5{'é' * plain}x\u200b\u200b{'b' * plain}№\u200b"
    folded = fold(text)
    alone = [(place, fold(character).text) for place, character in enumerate(text)]
    assert folded.origins == [place for place, became in alone for _ in became]
    assert folded.text == "".join(became for _, became in alone)


def test_folding_of_ascii_moves_nothing() -> None:
    assert fold("Plain 1").span(2, 5) == (2, 5)
    assert fold("Plain 1").lower == "plain 1"


def test_lower_case_keeps_the_length() -> None:
    assert len(fold("İSTANBUL 5").lower) == len("İSTANBUL 5")
