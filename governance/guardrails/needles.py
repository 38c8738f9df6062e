"""Finding where literal strings stand: one pass of the fast substring search for each, no regular expression."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

LONG_TEXT = 4096


def places(text: str, needles: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Yield the place and the needle of every occurrence, needle by needle."""
    present = set(text) if len(text) >= LONG_TEXT else None
    for needle in needles:
        if present is not None and (needle[0] not in present or needle[-1] not in present):
            continue  # saves looking through a long text of few letters
        at = text.find(needle)
        while at >= 0:
            yield at, needle
            at = text.find(needle, at + len(needle))


def matches(pattern: re.Pattern[str], text: str, lower: str, needles: Iterable[str]) -> Iterator[re.Match[str]]:
    """Yield where a pattern matches from a needle's place on; the needles are looked for in lower case."""
    for at, _ in places(lower, needles):
        match = pattern.match(text, at)
        if match is not None:
            yield match


def any_case(words: Iterable[str]) -> str:
    """Return a pattern of the words in any case.

    It looks at the first letter first: else each word is tried at each place, which takes many times as long.
    """
    known = tuple(words)
    firsts = "".join(sorted({re.escape(word[0]) for word in known}))
    return f"(?i:(?=[{firsts}])(?:{'|'.join(map(re.escape, known))}))"


class Blocks:
    """Tells where in a long text a pattern can match, block by block, each looked through once.

    Rules that begin at many places ask here first. The answer may be yes a block too far, never no where one is.
    """

    SIZE, LONGEST = 128, 16  # characters of a block, and of a match

    def __init__(self, pattern: re.Pattern[str], text: str) -> None:
        self._pattern, self._text = pattern, text
        self._known: dict[int, bool] = {}

    def any(self, start: int, end: int) -> bool:
        """Tell whether the pattern may match between two places."""
        for block in range(max(0, start) // self.SIZE, end // self.SIZE + 1):
            holds = self._known.get(block)
            if holds is None:
                first, last = block * self.SIZE - self.LONGEST, (block + 1) * self.SIZE + self.LONGEST
                holds = self._known[block] = self._pattern.search(self._text, max(0, first), last) is not None
            if holds:
                return True
        return False
