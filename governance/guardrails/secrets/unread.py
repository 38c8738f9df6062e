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
BLOCK = 64  # characters; a secret begins in the block of a place that was not read, or in the next
_WALLET = r"[A-Za-z]{3,8}(?:[ ,]{1,2}[A-Za-z]{3,8}){11,}+"
_COULD_BE = expression(
    # all behind a sign, in quotes or not
    r"[:=：][ \t]{0,2}(?:(?P<phrase>"
    + _WALLET
    + r")|[\"'“](?P<quoted>[^\"'”\n]{4,80})[\"'”]|(?P<set>(?!(?:None|True|False|null|true|false|self|str|int|string)\b)[^\s\"'`<>,;:=]{4,400}))"
    # any word with a digit or a sign
    r"|(?<![^\s\"'`<>,;:=(\[{|/])(?P<word>(?=[^\s\"'`<>,;:=]{0,40}[\d#$%^&*+~!?@])[^\s\"'`<>,;:=]{4,400})"
    # and what could be the words of a wallet
    r"|(?<![A-Za-z])(?P<words>" + _WALLET + ")"
)


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
    for match in _COULD_BE.finditer(reading.text) if blocks else ():
        group = match.lastgroup or "word"
        block = match.start(group) // BLOCK
        if match.start(group) in reading.begun:
            continue
        wallet = group in {"words", "phrase"}
        if wallet or block in blocks or block - 1 in blocks:
            yield Finding("seed_phrase" if wallet else "password", *match.span(group), 0.5)
