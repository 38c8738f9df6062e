"""What stands where a text was not read rule by rule, having more names of secrets than any that people write.

There a rule decides that is stricter than all others: what could be a secret is taken for one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from governance.guardrails.expressions import expression
from governance.guardrails.findings import Finding
from governance.guardrails.reading import Reading

# What the places of words are tried for in one text, a try of most expressions being 1. The densest of real prose and
# code, which tests a log-in, takes 150 for each thousand characters, a log of nothing but log-ins 210.
FEWEST_TRIES, TRIES_FOR_A_CHARACTER = 1_200, 0.18
LONGEST, BEFORE = 400, 4  # characters of what is taken for one, and of the sign, blanks and a quote before it
BLOCK = 64  # characters; a secret begins in the block of a place that was not read, or in the next
_COULD_BE = expression(
    # all behind a sign, in quotes or not
    r"[:=：][ \t]{0,2}(?:[\"'“](?P<quoted>[^\"'”\n]{4,80})[\"'”]|(?P<set>(?!(?:None|True|False|null|true|false|self|str|int|string)\b)[^\s\"'`<>,;:=]{4,400}))"
    # any word with a digit or a sign
    r"|(?<![^\s\"'`<>,;:=(\[{|/])(?P<word>(?=[^\s\"'`<>,;:=]{0,40}[\d#$%^&*+~!?@])[^\s\"'`<>,;:=]{4,400})"
)
# What could be the words of a wallet, which may stand far from what names them.
_WALLET = expression(r"(?<![A-Za-z])[A-Za-z]{3,8}+(?:[ ,]{1,2}+[A-Za-z]{3,8}+){11,}+")


def worth(text: str) -> float:
    """Return how many tries a text is worth."""
    return FEWEST_TRIES + TRIES_FOR_A_CHARACTER * len(text)


def find(reading: Reading) -> Iterator[Finding]:
    """Yield what could be a secret behind the names of a folded text that no rule had a try left for."""
    yield from _within(reading, reading.unread(BLOCK))


def around(reading: Reading, places: Iterable[int]) -> Iterator[Finding]:
    """Yield what could be a secret at places of a folded text, and behind them."""
    yield from _within(reading, {place // BLOCK for place in places})


def _within(reading: Reading, blocks: set[int]) -> Iterator[Finding]:
    if not blocks:
        return
    text, begun = reading.text, reading.begun
    for match in _WALLET.finditer(text):
        if match.start() not in begun:
            yield Finding("seed_phrase", *match.span(), 0.5)
    for first, last in _stretches(blocks):
        for match in _COULD_BE.finditer(text, max(0, first * BLOCK - BEFORE), (last + 2) * BLOCK + LONGEST):
            start, end = match.span(match.lastgroup or "word")
            if start >= (last + 2) * BLOCK:
                break
            if start >= first * BLOCK and start not in begun:
                yield Finding("password", start, end, 0.5)


def _stretches(blocks: set[int]) -> Iterator[tuple[int, int]]:
    """Yield the first and the last block of those without more than one other between."""
    ordered = sorted(blocks)
    first = last = ordered[0]
    for block in ordered[1:]:
        if block > last + 2:
            yield first, last
            first = block
        last = block
    yield first, last
