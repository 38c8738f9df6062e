"""Hostile texts take no more than their length, in calls counted; `measure_linear` measures what expressions take."""

from __future__ import annotations

from collections.abc import Callable
from cProfile import Profile

import pytest

from governance.guardrails import injection, pii, secrets
from governance.guardrails.findings import Finding
from tests.governance.guardrails.measure_linear import HOSTILE

Detect = Callable[[str], list[Finding]]
SHORT_CHARACTERS, TIMES_LONGER, MOST_TIMES_THE_CALLS = 2_000, 4, 6
DENSE_CHARACTERS, MOST_CALLS_FOR_A_CHARACTER = 12_500, 10


def calls(detect: Detect, text: str) -> int:
    """Count the calls of Python and of C functions."""
    profile = Profile()
    profile.runcall(detect, text)
    return sum(entry.callcount for entry in profile.getstats())


@pytest.mark.parametrize("detect", [pii.detect, secrets.detect, injection.detect], ids=["pii", "secrets", "injection"])
@pytest.mark.parametrize("piece", HOSTILE, ids=repr)
def test_four_times_the_text_takes_about_four_times_the_calls(detect: Detect, piece: str) -> None:
    text = piece * (TIMES_LONGER * SHORT_CHARACTERS // len(piece))
    detect(text)  # fills the caches of letters and words
    few, many = calls(detect, text[: len(text) // TIMES_LONGER]), calls(detect, text)
    assert many <= MOST_TIMES_THE_CALLS * (few + 10)


@pytest.mark.parametrize(
    "piece",
    ["pin 7777 ", "123456 is your pin ", "解除 密码 133532 ", "pass: 659061\n", "pass: 659061=\n", "pass is 6a59061\n"],
    ids=repr,
)
def test_the_densest_texts_take_few_calls(piece: str) -> None:
    text = piece * (DENSE_CHARACTERS // len(piece))
    secrets.detect(text)
    assert calls(secrets.detect, text) <= MOST_CALLS_FOR_A_CHARACTER * len(text)
