"""Finding where literal strings stand: one pass of the fast substring search for each, no regular expression."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from types import ModuleType

from governance.guardrails.expressions import expression, put_off
from governance.guardrails.once import once

LONG_TEXT = 4096


def places(text: str, needles: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Yield the place and the needle of every occurrence, needle by needle."""
    present = set(text) if len(text) >= LONG_TEXT else None
    for needle in needles:
        if present is not None and (needle[0] not in present or needle[-1] not in present):
            continue  # saves looking through a long text of few letters
        for at in _every(text, needle):
            yield at, needle


def _every(text: str, needle: str) -> Iterator[int]:
    at = text.find(needle)
    while at >= 0:
        yield at
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
        self.words = tuple(needles)
        self._after = expression(after) if after else None
        self.united = False  # whether the needles are looked for among those of other rules
        put_off(lambda: (self._ended, self._rising, self._known))
        put_off(lambda: self.united or (self._beginning, self._longest))

    @once
    def _beginning(self) -> re.Pattern[str]:
        return re.compile((self._after.pattern if self._after is not None else "") + beginnings(self._heads))

    @once
    def _heads(self) -> list[str]:
        return shortest(needle[: self.LETTERS] for needle in self.words)

    @once
    def _longest(self) -> dict[str, re.Pattern[str]]:
        """By the first word of a beginning, what finds the longest needle that begins so."""
        words, known = {_FIRST_WORD.sub("", head) or head[0] for head in self._heads}, by_length(self.words)
        return {word: _any_of(needle for needle in known if needle.startswith(word)) for word in words}

    @once
    def _begun(self) -> dict[str, tuple[str, ...]]:
        """The needles that each begins with."""
        return {needle: tuple(one for one in self.words if needle.startswith(one)) for needle in self.words}

    @once
    def _ended(self) -> dict[str, tuple[str, ...]]:
        """Those of them that don't end inside a word."""
        return {
            needle: tuple(one for one in begun if not needle[len(one) : len(one) + 1].isalpha())
            for needle, begun in self._begun.items()
        }

    @once
    def _rising(self) -> tuple[str, ...]:
        return tuple(sorted(self.words, key=len))

    @once
    def _known(self) -> frozenset[str]:
        return frozenset(self.words)

    def begun(self, text: str, *, whole: bool = False) -> Iterator[tuple[int, tuple[str, ...]]]:
        """Yield the places where needles stand, and those.

        `whole` leaves out what ends inside a word of a longer one, as "pass" in "password".
        """
        needles = self._ended if whole else self._begun
        for beginning in self._beginning.finditer(text):
            place = beginning.start()
            longest = self._longest[beginning[0]].match(text, place)
            if longest is not None:
                yield place, needles[longest[0]]

    def places(self, text: str, *, whole: bool = False) -> Iterator[tuple[int, str]]:
        """Yield the place and the needle of every occurrence, place by place."""
        for place, needles in self.begun(text, whole=whole):
            for needle in needles:
                yield place, needle

    def standing(
        self, text: str, stood: dict[str, list[int]], *, whole: bool = False
    ) -> Iterator[tuple[int, tuple[str, ...]]]:
        """Yield the same, told where each needle stands in the text."""
        if self._known.isdisjoint(stood):
            return
        needles, after = self._ended if whole else self._begun, self._after
        longest: dict[int, str] = {}
        for needle in self._rising:
            if needle in stood:
                longest.update(dict.fromkeys(stood[needle], needle))
        for place in sorted(longest):
            if after is None or after.match(text, place) is not None:
                yield place, needles[longest[place]]

    def at(self, text: str, place: int) -> tuple[str, ...]:
        """Return the needles that stand at a place."""
        beginning = self._beginning.match(text, place)
        longest = self._longest[beginning[0]].match(text, place) if beginning is not None else None
        return self._begun[longest[0]] if longest is not None else ()

    def matches(self, pattern: re.Pattern[str], text: str, lower: str) -> Iterator[re.Match[str]]:
        """Yield where a pattern matches from a needle's place on; the needles are looked for in lower case."""
        for place, _ in self.places(lower):
            match = pattern.match(text, place)
            if match is not None:
                yield match


class Union:
    """The needles of many rules: one pass finds where all of them stand, however many rules there are."""

    FEW: int = 160  # needles that are found faster one by one

    def __init__(self, rules: Iterable[Needles]) -> None:
        self.rules = frozenset(rule for rule in rules if min(map(len, rule.words)) > 1)
        self._words = {word: frozenset(word) for rule in self.rules for word in rule.words}
        for rule in self.rules:
            rule.united = True
        put_off(lambda: (self._ascii, self._any))

    @once
    def _ascii(self) -> _Trie:
        return _Trie(filter(str.isascii, self._words))

    @once
    def _any(self) -> _Trie:
        return _Trie(self._words)

    @classmethod
    def of(cls, modules: Iterable[ModuleType]) -> Union:
        """Return the union of what modules hold."""
        return cls(held for module in modules for held in vars(module).values() if isinstance(held, Needles))

    def places(self, text: str) -> dict[str, list[int]]:
        """Return where each needle stands that does so anywhere, in order."""
        if len(text) >= LONG_TEXT:  # of a shorter one it takes longer to ask for the letters of each needle
            letters = set(text)
            possible = [word for word, needed in self._words.items() if needed <= letters]
            if len(possible) <= self.FEW:
                return {word: stood for word in possible if (stood := list(_every(text, word)))}
        return (self._ascii if text.isascii() else self._any).places(text)


class _Trie:
    """An expression of the first letter of needles that tells by what follows whether any stands there."""

    HEAD = 2  # letters by which the longest needle is looked up

    def __init__(self, words: Iterable[str]) -> None:
        known = set(words)
        rests: dict[str, list[str]] = {}
        longest: dict[str, list[str]] = {}
        for word in shortest(known):
            rests.setdefault(word[0], []).append(word[1:])
        for word in by_length(known):
            longest.setdefault(word[: self.HEAD], []).append(word)
        self._search = expression("|".join(f"{re.escape(one)}(?={beginnings(rests[one])})" for one in sorted(rests)))
        self._longest = {head: _any_of(all_) for head, all_ in longest.items()}
        self._begun = {word: [word[:end] for end in range(2, len(word) + 1) if word[:end] in known] for word in known}

    def places(self, text: str) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        longest, begun, head = self._longest, self._begun, self.HEAD
        for beginning in self._search.finditer(text):
            place = beginning.start()
            word = longest[text[place : place + head]].match(text, place)
            assert word is not None  # or the expression would not have stopped here
            for needle in begun[word[0]]:
                found.setdefault(needle, []).append(place)
        return found


def _any_of(words: Iterable[str]) -> re.Pattern[str]:
    """Return what finds the first of some words that stands at a place, nothing where there are none."""
    return expression("|".join(map(re.escape, words)) or r"(?!)")


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


_FIRST_WORD = expression(r"(?<=.)\W.*")  # what follows it


def beginnings(words: Iterable[str], *, ahead: bool = False, both_cases: bool = False, after: str = "") -> str:
    """Return a pattern that tells words apart letter by letter, and eats no more than the first word of each.

    None of them may begin another. Letters in both cases take less than an expression that minds no case. What must
    not stand `after`, one character, is looked for behind the first letter: that letter is what a search looks for.
    """
    following: dict[str, list[str]] = {}
    for word in words:
        if word:
            following.setdefault(word[0], []).append(word[1:])
    branches: list[str] = []
    for letter, rests in sorted(following.items()):
        cases = f"[{letter.lower()}{letter.upper()}]" if both_cases and letter.isalpha() else re.escape(letter)
        behind = rf"(?<!{after}.)" if after else ""
        branch = cases + behind + beginnings(rests, ahead=True, both_cases=both_cases)
        branches.append(f"(?={branch})" if ahead and _SIGN.match(letter) else branch)
    return branches[0] if len(branches) == 1 else f"(?:{'|'.join(branches)})" if branches else ""


_SIGN = expression(r"\W")


def zones(pattern: re.Pattern[str], text: str, before: int, after: int) -> list[tuple[int, int]]:
    """Return the parts of a text that reach from so far before a match to so far after one, in order, apart."""
    parts: list[tuple[int, int]] = []
    for match in pattern.finditer(text):
        join(parts, (max(0, match.start() - before), min(len(text), match.end() + after)))
    return parts


def join(parts: list[tuple[int, int]], part: tuple[int, int]) -> None:
    """Add a part to those of a text; what overlaps the last becomes one."""
    if parts and parts[-1][0] <= part[0] <= parts[-1][1]:
        parts[-1] = parts[-1][0], max(parts[-1][1], part[1])
    else:
        parts.append(part)


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
