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


class Needles:
    """Many literal strings, looked for in one pass: an expression of how they begin finds where one may stand."""

    LETTERS = 6  # of a beginning: with fewer, many a word begins like one and must be looked at again

    def __init__(self, needles: Iterable[str], *, after: str = "") -> None:
        """Take the needles and an expression of what may stand before one, of no length."""
        known = self.words = tuple(needles)
        heads = shortest(needle[: self.LETTERS] for needle in known)
        self._beginning = re.compile(after + beginnings(heads))
        words = {_FIRST_WORD.sub("", head) or head[0] for head in heads}
        self._longest = {
            word: re.compile(
                "|".join(re.escape(needle) for needle in by_length(known) if needle.startswith(word)) or r"(?!)"
            ).match
            for word in words
        }
        self._begun = {needle: tuple(one for one in known if needle.startswith(one)) for needle in known}
        self._ended = {
            needle: [one for one in begun if not needle[len(one) : len(one) + 1].isalpha()]
            for needle, begun in self._begun.items()
        }

    def begun(self, text: str) -> Iterator[tuple[int, tuple[str, ...]]]:
        """Yield the places where needles stand, and those."""
        for beginning in self._beginning.finditer(text):
            place = beginning.start()
            longest = self._longest[beginning[0]](text, place)
            if longest is not None:
                yield place, self._begun[longest[0]]

    def places(self, text: str) -> Iterator[tuple[int, str]]:
        """Yield the place and the needle of every occurrence, place by place."""
        for place, needles in self.begun(text):
            for needle in needles:
                yield place, needle

    def stand(self, text: str) -> bool:
        """Tell whether any of the needles stands in a text."""
        return next(self.places(text), None) is not None

    def whole(self, text: str) -> Iterator[tuple[int, str]]:
        """Yield the same without the needles that end inside a word of a longer one, as "pass" in "password"."""
        for beginning in self._beginning.finditer(text):
            place = beginning.start()
            longest = self._longest[beginning[0]](text, place)
            if longest is not None:
                for needle in self._ended[longest[0]]:
                    yield place, needle

    def at(self, text: str, place: int) -> tuple[str, ...]:
        """Return the needles that stand at a place."""
        beginning = self._beginning.match(text, place)
        longest = self._longest[beginning[0]](text, place) if beginning is not None else None
        return self._begun[longest[0]] if longest is not None else ()

    def matches(self, pattern: re.Pattern[str], text: str, lower: str) -> Iterator[re.Match[str]]:
        """Yield where a pattern matches from a needle's place on; the needles are looked for in lower case."""
        for place, _ in self.places(lower):
            match = pattern.match(text, place)
            if match is not None:
                yield match


def by_length(words: Iterable[str]) -> list[str]:
    """Return the longest word first."""
    return sorted(words, key=len, reverse=True)


def shortest(words: Iterable[str]) -> list[str]:
    """Return the words that no other begins."""
    kept: list[str] = []
    for word in sorted(set(words), key=len):
        if not word.startswith(tuple(kept)):
            kept.append(word)
    return kept


_FIRST_WORD = re.compile(r"(?<=.)\W.*")  # what follows it


def beginnings(words: Iterable[str], *, ahead: bool = False, both_cases: bool = False) -> str:
    """Return a pattern that tells words apart letter by letter, and eats no more than the first word of each.

    None of them may begin another. Letters in both cases take less than an expression that minds no case.
    """
    following: dict[str, list[str]] = {}
    for word in words:
        if word:
            following.setdefault(word[0], []).append(word[1:])
    branches: list[str] = []
    for letter, rests in sorted(following.items()):
        cases = f"[{letter.lower()}{letter.upper()}]" if both_cases and letter.isalpha() else re.escape(letter)
        branch = cases + beginnings(rests, ahead=True, both_cases=both_cases)
        branches.append(f"(?={branch})" if ahead and _SIGN.match(letter) else branch)
    return branches[0] if len(branches) == 1 else f"(?:{'|'.join(branches)})" if branches else ""


_SIGN = re.compile(r"\W")


def zones(pattern: re.Pattern[str], text: str, before: int, after: int) -> list[tuple[int, int]]:
    """Return the parts of a text that reach from so far before a match to so far after one, in order, apart."""
    parts: list[tuple[int, int]] = []
    for match in pattern.finditer(text):
        start, end = max(0, match.start() - before), min(len(text), match.end() + after)
        if parts and start <= parts[-1][1]:
            parts[-1] = (parts[-1][0], max(end, parts[-1][1]))
        else:
            parts.append((start, end))
    return parts


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
        self._empty = 0, -1  # the blocks that were asked about last and hold nothing

    def any(self, start: int, end: int) -> bool:
        """Tell whether the pattern may match between two places."""
        first_block, last_block = max(0, start) // self.SIZE, end // self.SIZE
        if self._empty[0] <= first_block and last_block <= self._empty[1]:
            return False
        for block in range(first_block, last_block + 1):
            holds = self._known.get(block)
            if holds is None:
                first, last = block * self.SIZE - self.LONGEST, (block + 1) * self.SIZE + self.LONGEST
                holds = self._known[block] = self._pattern.search(self._text, max(0, first), last) is not None
            if holds:
                return True
        self._empty = first_block, last_block
        return False
