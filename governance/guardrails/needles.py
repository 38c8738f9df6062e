"""Finding where literal strings stand: all of them in one pass, no regular expression."""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from types import ModuleType

from ahocorasick_rs import AhoCorasick, Implementation

from governance.guardrails.expressions import expression, put_off
from governance.guardrails.once import once


def places(text: str, needles: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Yield the place and the needle of every occurrence, needle by needle."""
    for needle in needles:
        for at in every(text, needle):
            yield at, needle


def every(text: str, needle: str) -> Iterator[int]:
    """Yield the places of a string, also of those that overlap."""
    at = text.find(needle)
    while at >= 0:
        yield at
        at = text.find(needle, at + 1)


def matches(pattern: re.Pattern[str], text: str, lower: str, needles: Iterable[str]) -> Iterator[re.Match[str]]:
    """Yield where a pattern matches from a needle's place on; the needles are looked for in lower case."""
    for at, _ in places(lower, needles):
        match = pattern.match(text, at)
        if match is not None:
            yield match


class Needles:
    """Many literal strings that a rule begins at."""

    def __init__(self, needles: Iterable[str], *, after: str = "") -> None:
        """Take the needles and an expression of what may stand before one, of no length."""
        self.words = tuple(needles)
        self._after = expression(after) if after else None
        self.same = frozenset(self.words), after  # as of others that find the same
        put_off(lambda: self._ended)

    @once
    def _begun(self) -> dict[str, tuple[str, ...]]:
        """The needles that each begins with, the longest first, as in every rule that has the same."""
        lengths = sorted({len(needle) for needle in self.words}, reverse=True)
        return {
            needle: tuple(dict.fromkeys(needle[:length] for length in lengths if needle[:length] in self.same[0]))
            for needle in self.words
        }

    @once
    def _ended(self) -> dict[str, tuple[str, ...]]:
        """Those of them that don't end inside a word."""
        return {
            needle: tuple(one for one in begun if not needle[len(one) : len(one) + 1].isalpha())
            for needle, begun in self._begun.items()
        }

    @once
    def _alone(self) -> Automaton:
        return Automaton((self,))

    def places(self, text: str, *, whole: bool = False) -> Iterator[tuple[int, str]]:
        """Yield the place and the needle of every occurrence, place by place.

        `whole` leaves out what ends inside a word of a longer one, as "pass" in "password".
        """
        for place, needles in self.standing(text, self._alone.places(text), whole=whole):
            for needle in needles:
                yield place, needle

    def standing(
        self, text: str, stood: Mapping[str, Sequence[int]], *, whole: bool = False
    ) -> list[tuple[int, tuple[str, ...]]]:
        """Return the places where needles stand, and those, told where each string stands in the text."""
        standing = self.same[0].intersection(stood)
        needles, after = self._ended if whole else self._begun, self._after
        those: dict[int, tuple[str, ...]] = {}
        for needle in sorted(standing, key=len):  # the longest at a place is the last
            those.update(dict.fromkeys(stood[needle], needles[needle]))
        places: Iterable[int] = sorted(those) if len(standing) > 1 else those  # of one they are in order
        if after is not None:
            may = after.match
            places = [place for place in places if may(text, place) is not None]
        return [(place, those[place]) for place in places]


class Union:
    """The literal strings of many rules: one pass finds where all of them stand, however many there are.

    What a rule asks for that is none of them is learned: from the next look on it is found in that pass, too.
    """

    def __init__(self, rules: Iterable[Needles] = ()) -> None:
        self._rules = set(rules)
        self._strings: set[str] = set()
        self._built: Automaton | None = None
        put_off(self.automaton)

    @classmethod
    def of(cls, modules: Iterable[ModuleType]) -> Union:
        """Return the union of what modules hold."""
        return cls(held for module in modules for held in vars(module).values() if isinstance(held, Needles))

    def learn(self, *rules: Needles, strings: Iterable[str] = ()) -> None:
        """Take rules and lasting strings, never any of a text: they are kept for good."""
        self._rules.update(rules)
        self._strings.update(strings)
        self._built = None

    def automaton(self) -> Automaton:
        """Return what looks for all that is known by now."""
        built = self._built
        if built is None:
            built = self._built = Automaton(tuple(self._rules), tuple(self._strings))
        return built


class Automaton:
    """Aho and Corasick's: it takes as long for thousands of strings as for one, a hundredth of what an expression takes."""

    MOST_KEPT = 10_000  # sets: rules have some thousand; who asks with strings made anew each time can't fill memory

    def __init__(self, rules: Iterable[Needles], strings: Iterable[str] = ()) -> None:
        self.rules = frozenset(rules)
        self.words = frozenset(chain(strings, *(rule.words for rule in self.rules)))
        self._words = tuple(self.words)
        self._automaton = AhoCorasick(self._words, implementation=Implementation.ContiguousNFA)
        self.kept: dict[int, tuple[object, frozenset[str]]] = {}  # by the identity of what stays alive here

    def set_of(self, strings: tuple[str, ...], by: object = None) -> frozenset[str] | None:
        """Return lasting strings as a set, or None if any of them isn't looked for here.

        It is kept by their identity, or by that of another lasting object.
        """
        key = strings if by is None else by
        known = self.kept.get(id(key))
        if known is None:
            if not self.words.issuperset(strings):
                return None
            if len(self.kept) >= self.MOST_KEPT:
                self.kept.clear()
            known = self.kept[id(key)] = key, frozenset(strings)
        return known[1]

    def places(self, text: str) -> dict[str, list[int]]:
        """Return where each string stands that does so anywhere, in order."""
        found: defaultdict[int, list[int]] = defaultdict(list)
        for number, place, _ in self._automaton.find_matches_as_indexes(_whole(text), overlapping=True):
            found[number].append(place)
        return {self._words[number]: places for number, places in found.items()}


def _whole(text: str) -> str:
    """Return a text without halves of characters, which no string holds and the automaton doesn't take."""
    return text if text.isascii() else _HALF.sub("?", text)


_HALF = expression("[\ud800-\udfff]")


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


def letter_by_letter(words: Iterable[str]) -> str:
    """Return a pattern of whole words, the longest first: it tries a letter once for all that have it in common."""
    following: dict[str, list[str]] = {}
    for word in words:
        following.setdefault(word[:1], []).append(word[1:])
    ends = following.pop("", None) is not None
    branches = [re.escape(letter) + letter_by_letter(rests) for letter, rests in following.items()]
    either = branches[0] if len(branches) == 1 else f"(?:{'|'.join(branches)})" if branches else ""
    return f"(?:{either})?" if ends and either else either


def zones(pattern: re.Pattern[str], text: str, before: int, after: int) -> list[tuple[int, int]]:
    """Return the parts of a text that reach from so far before a match to so far after one, in order, apart."""
    parts: list[tuple[int, int]] = []
    start, end = 0, -1  # of the part that may go on
    for match in pattern.finditer(text):
        begin = match.start() - before
        if begin > end:
            if end >= 0:
                parts.append((start, end))
            start = max(0, begin)
        end = match.end() + after
    if end >= 0:
        parts.append((start, min(len(text), end)))
    return parts


def join(parts: list[tuple[int, int]], part: tuple[int, int]) -> None:
    """Add a part to those of a text; what overlaps the last becomes one."""
    if parts and parts[-1][0] <= part[0] <= parts[-1][1]:
        parts[-1] = parts[-1][0], max(parts[-1][1], part[1])
    else:
        parts.append(part)


class Blocks:
    """Tells where in a long text any of some patterns can match, block by block, each looked through once.

    Rules that begin at many places ask here first. The answer may be yes a block too far, never no where one is.
    """

    SIZE, LONGEST = 128, 16  # characters of a block, and of a match

    def __init__(self, pattern: re.Pattern[str], text: str, *others: re.Pattern[str]) -> None:
        """Take patterns apart: joined they are tried one after the other at each place, which takes twice as long."""
        self._patterns, self._text = (pattern, *others), text
        self._known: dict[int, bool] = {}
        self._empty = 0, -1  # the blocks that were asked about last and hold nothing
        self._full = -1  # the block that was found last to hold a match

    def any(self, start: int, end: int) -> bool:
        """Tell whether a pattern may match between two places."""
        first_block, last_block = max(0, start) // self.SIZE, end // self.SIZE
        if first_block <= self._full <= last_block:
            return True
        if self._empty[0] <= first_block and last_block <= self._empty[1]:
            return False
        for block in range(first_block, last_block + 1):
            holds = self._known.get(block)
            if holds is None:
                holds = self._known[block] = self._holds(block)
            if holds:
                self._full = block
                return True
        self._empty = first_block, last_block
        return False

    def _holds(self, block: int) -> bool:
        first, last = max(0, block * self.SIZE - self.LONGEST), (block + 1) * self.SIZE + self.LONGEST
        for pattern in self._patterns:  # noqa: SIM110  # an `any` takes as long as the searches
            if pattern.search(self._text, first, last) is not None:
                return True
        return False


class Spans:
    """Tells where in a long text the matches of a pattern lie, however long: they are looked for once, by the first."""

    def __init__(self, pattern: re.Pattern[str], text: str) -> None:
        self._pattern, self._text = pattern, text

    @once
    def _bounds(self) -> tuple[list[float], list[int]]:
        spans = [match.span() for match in self._pattern.finditer(self._text)]
        return [*(start for start, _ in spans), math.inf], [end for _, end in spans]

    def any(self, start: int, end: int) -> bool:
        """Tell whether any of a match stands between two places."""
        starts, ends = self._bounds
        return starts[bisect_right(ends, start)] < end
