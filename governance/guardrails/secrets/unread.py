"""What stands in a text that no rule reads to its end: with more names of secrets than any that people write, or nothing but secrets.

There a rule decides that is stricter than all others: what could be a secret is taken for one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from governance.guardrails.expressions import expression
from governance.guardrails.findings import Finding
from governance.guardrails.needles import join
from governance.guardrails.reading import Reading

# What the places of words are tried for in one text, a try of most expressions being 1. The densest of real prose and
# code, which tests a log-in, takes 150 for each thousand characters, a log of nothing but failed log-ins 230, a short page on
# nothing but passwords 720.
FEWEST_TRIES, TRIES_FOR_A_CHARACTER = 4_000, 0.25
# Secrets that are told one by one. Of a file of nothing but keys all that could be one is.
FEWEST_TOLD, CHARACTERS_FOR_ONE_TOLD = 150, 125
STRICT = 0.5  # how sure that is
LONG = 12_000  # characters: a shorter text is read by all rules even so
BEHIND = 128  # characters behind a place in which a secret begins that it names
BEFORE, LONGEST = 4, 400  # characters of the sign, blanks and a quote before what is taken for one, and of that
_COULD_BE = expression(
    # all behind a sign, in quotes or not
    r"[:=：][ \t]{0,2}(?:[\"'“](?P<quoted>[^\"'”\n]{4,80})[\"'”]|(?P<set>(?!(?:None|True|False|null|true|false|self|str|int|string)\b)[^\s\"'`<>,;:=]{4,400}))"
    # any word with a digit, a sign, or a capital inside
    r"|(?<![^\s\"'`<>,;:=(\[{|/])(?P<word>(?=[^\s\"'`<>,;:=]{0,40}(?:[\d#$%^&*+~!?@]|[a-z][A-Z]))[^\s\"'`<>,;:=]{4,400})"
)
# What could be the words of a wallet, which may stand far from what names them.
_WALLET = expression(r"(?<![A-Za-z])[A-Za-z]{3,8}+(?:[ ,]{1,2}+[A-Za-z]{3,8}+){11,}+")


def worth(text: str) -> float:
    """Return how many tries a text is worth."""
    return FEWEST_TRIES + TRIES_FOR_A_CHARACTER * len(text)


def is_left(reading: Reading, sure: int) -> bool:
    """Tell whether the rest of the rules don't read a long text: one has left places, or so many secrets are found.

    `sure` is how many of the latter rules found that read any text to its end.
    """
    length, told = len(reading.text), len(reading.begun) - sure
    return length > LONG and (reading.left or told >= FEWEST_TOLD + length // CHARACTERS_FOR_ONE_TOLD)


def find(reading: Reading) -> Iterator[Finding]:
    """Yield all that could be a secret in a folded text, but for what is found."""
    yield from _between(reading, 0, len(reading.text))
    yield from _wallets(reading)


def around(reading: Reading, places: Iterable[int]) -> Iterator[Finding]:
    """Yield what could be a secret at places of a folded text, and behind them; wallets wherever they stand."""
    parts: list[tuple[int, int]] = []
    for place in places:
        join(parts, (place, place + BEHIND))
    for begin, end in parts:
        yield from _between(reading, begin, end)
    if parts:
        yield from _wallets(reading)


def _between(reading: Reading, begin: int, end: int) -> Iterator[Finding]:
    """Yield what could be a secret between two places; of what only a sign parts, as in `a1:b2:c3`, one."""
    text, ends, first, last = reading.text, reading.begun, 0, -1
    for match in _COULD_BE.finditer(text, max(0, begin - BEFORE), end + LONGEST):
        start, stop = match.span(match.lastgroup or "word")
        if start >= end:
            break
        if start < begin or ends.get(start, 0) >= stop:
            continue
        if start > last + 1 or text[last:start].isspace():
            if last >= 0:
                yield Finding("password", first, last, STRICT)
            first = start
        last = stop
    if last >= 0:
        yield Finding("password", first, last, STRICT)


def _wallets(reading: Reading) -> Iterator[Finding]:
    for match in _WALLET.finditer(reading.text):
        if reading.begun.get(match.start(), 0) < match.end():
            yield Finding("seed_phrase", *match.span(), STRICT)
