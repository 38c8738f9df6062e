"""What may go on at the end of a text: a tail says what its expressions joined would say."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance import guardrails
from governance.guardrails import pii, secrets
from governance.guardrails.detector import TAIL_CHARACTERS, Detector
from governance.guardrails.folding import fold
from governance.guardrails.tails import Tail, alternatives

DATA = Path(guardrails.__file__).parent / "data"
DETECTORS = (pii.DETECTOR, secrets.DETECTOR)


def joined(tail: Tail, text: str) -> int:
    found = re.compile(tail.pattern).search(text)
    return found.start() if found is not None else len(text)


def begun(tail: Tail, text: str) -> int:
    folded = fold(text)
    assert folded.text == text
    return tail.begin(text, folded.lower)


@pytest.mark.parametrize("detector", DETECTORS, ids=lambda one: one.name)
def test_texts_cut_anywhere_may_go_on_from_where_the_expressions_joined_say(detector: Detector) -> None:
    draw, asked = random.Random(7), 0
    for path in sorted(DATA.glob(f"{detector.name}*.jsonl")):
        for line in path.read_text("utf-8").splitlines():
            text = fold(json.loads(line)["text"]).text
            end = draw.randint(1, len(text))
            for piece in (text[max(0, end - TAIL_CHARACTERS) : end], text[max(0, end - 60) : end].upper()):
                if fold(piece).text == piece:
                    assert begun(detector.tail, piece) == joined(detector.tail, piece), piece
                    asked += 1
    assert asked > 2_000


@pytest.mark.parametrize("detector", DETECTORS, ids=lambda one: one.name)
@given(text=st.text(alphabet='pinPINcodeİıſ use 12-.:|@\n"', max_size=40))
def test_so_may_any_text(detector: Detector, text: str) -> None:
    assert begun(detector.tail, text) == joined(detector.tail, text)


@given(text=st.text(alphabet="abPpINin 1\n", max_size=16))
def test_what_begins_with_anything_is_found_as_well(text: str) -> None:
    tail = Tail(r"(?i:pin|p)[^\n]{0,3}|[ab]{1,2}(?:\n|[^|)]){2}|(?=[a-z])\d?[ab|]?1", after=r"(?<![N])")
    assert begun(tail, text) == joined(tail, text)


def test_alternatives_are_parted_at_the_outermost_bars() -> None:
    assert alternatives(r"a|[|(]\|b|(c|(?:d|e)[^]|])|\(|f") == ["a", r"[|(]\|b", "(c|(?:d|e)[^]|])", r"\(", "f"]
