"""Hostile texts cost no more than their length: four times the text, far less than sixteen times the work."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from governance.guardrails import injection, pii, secrets
from governance.guardrails.findings import Finding

SHORT_CHARACTERS = 10_000
TIMES_LONGER = 4
QUADRATIC = TIMES_LONGER**2

HOSTILE = [
    "a", " ", "\n", "a@", "a.", "1 2 3 4 ", "+1 415 555 0199 ", "4111 1111 1111 1112 ", "GB82 ", "AB ", "12 Aa Bb Cc ",
    "://a:", "password: a1 ", "api_key token ", "eyJa", "sk-", "-----BEGIN RSA PRIVATE KEY-----\n", "QUJD", "%41", "&#65;",
    "<!-- ", "![a](http://x", "<a ", "[(<", "ignore ", "ignore all the previous ", "to be or not if you are ", "i g n o r e ",
    "a\u200b", "aб", "send all the to ", "repeat the your system ", '"\'', "born ", "at dot ", "name is ",
]  # fmt: skip


@pytest.mark.parametrize("detect", [pii.detect, secrets.detect, injection.detect], ids=["pii", "secrets", "injection"])
@pytest.mark.parametrize("piece", HOSTILE)
def test_time_grows_with_the_text(detect: Callable[[str], list[Finding]], piece: str) -> None:
    text = piece * (TIMES_LONGER * SHORT_CHARACTERS // len(piece))
    few, many = _seconds(detect, text[:SHORT_CHARACTERS]), _seconds(detect, text)
    assert many < (QUADRATIC - 2) * few + 0.02


def _seconds(detect: Callable[[str], list[Finding]], text: str) -> float:
    """Return the best of two runs, in processor time, which other processes don't stretch much."""
    best = float("inf")
    for _ in range(2):
        began = time.process_time()
        detect(text)
        best = min(best, time.process_time() - began)
    return best
