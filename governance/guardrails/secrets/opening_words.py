"""What words say of a number near them, in the languages of `opening.toml`, and the words of a text as far as numbers stand near."""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from functools import reduce
from itertools import chain
from operator import attrgetter, or_
from pathlib import Path
from typing import NamedTuple

from governance.guardrails.expressions import expression
from governance.guardrails.needles import shortest


class Says:
    """What a word, or a sign, says of a number near it, each a bit; the table of words has one list for each of the first."""

    NAMES = 1  # what is called so lets somebody in
    SURELY = 2  # and nothing else is called so
    TYPING = 4
    OPENING = 8
    LOCKS = 16
    NUMBERED = 32
    CARRIERS = 64
    BY = 128
    SAID = 256
    JOINING = 512
    OTHERS = 1024
    COUNTING = 2048
    MEASURES = 4096
    FIGURES = 8192
    PARTICLES = 16384
    SETTING = 32768
    HOURS = 65536
    UNITS = 131072
    NUMBER = 262144
    ENDS = 524288  # a sentence or a line
    ASKS = 1048576
    OWNERS = 2097152
    FURTHER = 4194304  # of several words, any but the first
    BOARDS = 8388608


SOUGHT = (
    Says.NAMES
    | Says.FIGURES
    | Says.TYPING
    | Says.OPENING
    | Says.PARTICLES
    | Says.LOCKS
    | Says.CARRIERS
    | Says.BY
    | Says.SETTING
)
_LETTER = r"[^\W\d_]"
# Vowels and tones of India's scripts and of Thai, which are no letters and stand in words.
_MARKS = r"\u0900-\u0903\u093a-\u094f\u0981-\u0983\u09bc-\u09cd\u0a3c-\u0a4d\u0abc-\u0acd\u0bbe-\u0bcd\u0c3e-\u0c4d\u0cbc-\u0ccd\u0d3e-\u0d4d\u0e31\u0e34-\u0e3a\u0e47-\u0e4e"
UNSPACED = "\u0e00-\u0e7f\u3040-\u9fff\uac00-\ud7af"  # scripts without blanks
_SHORTENED = (
    r"(?<!\.)(?<!\b\w)(?<!\b\d\d)(?<!\b(?:nr|no|st|dr|og|ug|dg|eg|ca|mr|ms))(?<!\b(?:ext|str|tel|inc|bzw|int|mrs|ref))"
)
_WORDS = expression(
    rf"2fa\b|{_LETTER}+(?:['’\-]{_LETTER}+|[{_MARKS}]{_LETTER}*)*|\d+|(?:[!?;]|(?=\.){_SHORTENED}\.)(?=[\s\"'”»)]|\Z)|\n|[。？！；]|[:=：→]|\||,"
)
REACH_BEFORE, REACH_BEHIND, LONGEST_WORD, MOST_WORDS = 150, 32, 40, 28
_start = attrgetter("start")
_new = tuple.__new__  # without the look at names of fields, which takes as long as all else of a word


class Word(NamedTuple):
    says: int
    start: int
    end: int
    plural: bool = False  # whether an unknown word could be what is counted


class _Several(NamedTuple):
    """Words that say something together; `begun`: the last may go on."""

    words: str
    says: int
    begun: bool

    def stands(self, lower: str, start: int) -> bool:
        """Tell whether a text has just these words from `start`."""
        if not lower.startswith(self.words, start):
            return False
        end = start + len(self.words)
        return self.begun or not lower[end : end + 1].isalpha() or _OF_UNSPACED.match(lower, end) is not None


class _Table:
    """What words say, by how they begin or end."""

    def __init__(self) -> None:
        raw = tomllib.loads(Path(__file__).with_name("opening.toml").read_text("utf-8"))
        self._whole: dict[str, int] = {}
        self._begun: dict[str, int] = {}
        self._ended: dict[str, int] = {}
        self._within: dict[str, int] = {}
        self.several: dict[str, tuple[_Several, ...]] = {}  # words together, by the first
        self.further: set[str] = set()  # those that others may stand before, and say then what they say together
        for name, listed in raw.items():
            for word in listed.split():
                self._put(word.replace("_", " "), getattr(Says, name.upper()) | (Says.NAMES if name == "surely" else 0))
        # Most words begin and end as none of these does, and hold no letter of theirs.
        self._beginnings = {word[:SHORTEST] for word in self._begun}
        self._endings = {word[-SHORTEST:] for word in self._ended}
        self._letters = frozenset(chain.from_iterable(self._within))

    def telling(self, says: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return words that say any of some, and strings of which one is in any other word, or words, that does."""
        parts = chain(*(kept.items() for kept in (self._begun, self._ended, self._within)))
        together = (several.words for each in self.several.values() for several in each if several.says & says)
        return (
            tuple(word for word, said in self._whole.items() if said & says),
            tuple(shortest(chain((part for part, said in parts if said & says), together))),
        )

    def _put(self, word: str, says: int) -> None:
        bare = word.strip("*")
        if " " in word:
            first, *further = bare.split(" ")
            self.several[first] = (*self.several.get(first, ()), _Several(bare, says, word.endswith("*")))
            self.further.update(further)
            return
        kept = self._whole
        if word.endswith("*"):
            kept = self._begun
        elif word.startswith("*"):
            kept = self._ended
        elif _OF_UNSPACED.match(word):
            kept = self._within
        kept[bare] = kept.get(bare, 0) | says

    def says(self, word: str) -> int:
        """Return what a word says; of one with a hyphen all parts do."""
        if word[0] >= UNSPACED[0] and _OF_UNSPACED.match(word):
            if self._letters.isdisjoint(word):
                return 0
            return _joined(says for part, says in self._within.items() if part in word)
        known = self._one(word)
        if not word.isalpha() and _PARTS.search(word):
            known |= _joined(map(self._one, _PARTS.split(word)))
        return known

    def _one(self, word: str) -> int:
        known = self._whole.get(word, 0)
        named = 0
        if word[:SHORTEST] in self._beginnings:
            for letters in range(SHORTEST, len(word) + 1):
                known |= self._begun.get(word[:letters], 0)
        if word[-SHORTEST:] in self._endings:
            for letters in range(SHORTEST, len(word)):
                ending = self._ended.get(word[-letters:], 0)
                if ending:
                    named = ending | self._compounded(word[:-letters])  # of the longest
        return (known & ~Says.OTHERS if named & Says.LOCKS else known) | named

    def _compounded(self, first: str) -> int:
        """Return what the first part of a word of two says, which may end in a letter that joins them."""
        parts = [first[: len(first) - joint] for joint in range(3) if len(first) - joint >= SHORTEST]
        known = (self._whole.get(part, 0) or self._of_ending(part) for part in parts)
        says = next(filter(None, known), 0) & ~Says.SAID
        return says & ~Says.OTHERS if says & Says.LOCKS else says

    def _of_ending(self, word: str) -> int:
        """Return what the longest ending of a word says of locks: "Haustür" of "Haustürcode"."""
        if word[-SHORTEST:] not in self._endings:
            return 0
        ends = (self._ended.get(word[at:], 0) for at in range(1, len(word) - SHORTEST + 1))
        return next(filter(None, ends), 0) & Says.LOCKS


# A word that says only the first of these calls a number so.
_CALLING = Says.OTHERS | Says.SURELY | Says.ENDS | Says.NUMBER
SHORTEST = 3  # letters of how a word begins or ends
_OF_UNSPACED, _PARTS = expression(rf"[{UNSPACED}]"), expression(r"['’\-]")
_PLURAL = ("s", "en", "er", "ow", "ów", "ов", "i")
_SIGNS = {
    "\n": Says.ENDS, ".": Says.ENDS, "!": Says.ENDS, ";": Says.ENDS, "。": Says.ENDS, "！": Says.ENDS, "；": Says.ENDS, "?": Says.ENDS | Says.ASKS, "？": Says.ENDS | Says.ASKS,
    ":": Says.SAID, "=": Says.SAID, "：": Says.SAID, "→": Says.SAID, "|": Says.JOINING, ",": Says.JOINING,
}  # fmt: skip


_GREEK = frozenset("αάβγδεέζηήθιίϊΐκλμνξοόπρσςτυύϋΰφχψωώ")


def _joined(all_: Iterable[int]) -> int:
    return reduce(or_, all_, 0)


_TABLE = _Table()
# Without any of these a number opens nothing.
OPENED, OPENED_WITHIN = _TABLE.telling(Says.NAMES | Says.LOCKS | Says.CARRIERS)


class Words:
    """The words of a text and what they say, each looked at once, as far as numbers stand near."""

    def __init__(self, lower: str) -> None:
        self._lower = lower
        self._known: dict[str, tuple[int, bool, tuple[_Several, ...]]] = {}
        self._words: list[Word] = []
        self._several = 0  # where the last words that stand together end
        self._sought: list[int] = []  # where those begin that lead to a number
        self._rest: Iterator[re.Match[str]] = iter(())
        self._end = -REACH_BEFORE - 1  # of the last word

    def called_other(self, start: int) -> bool:
        """Tell whether the word right before a number calls it something else, whatever stands around: "port 22"."""
        lower = self._lower
        if lower[start - 1 : start] != " ":
            return False
        _, blank, word = lower[max(0, start - LONGEST_WORD) : start - 1].rpartition(" ")
        if not blank or not word.isalpha() or word in _TABLE.further:
            return False
        says = (self._known.get(word) or self._known_now(word))[0]
        return says & _CALLING == Says.OTHERS and (says & SOUGHT != 0 or not says & Says.SAID)

    def speak(self, start: int, end: int) -> bool:
        """Tell whether any word near a number says that it could open something; numbers must come in their order."""
        if self._end < start - REACH_BEFORE:
            self._words, self._sought = [], []
            self._rest = _WORDS.finditer(self._lower, max(0, start - REACH_BEFORE - LONGEST_WORD))
        if self._end <= end + REACH_BEHIND:
            self._read(end + REACH_BEHIND)
        first = bisect_left(self._sought, start - REACH_BEFORE)
        return first < len(self._sought) and self._sought[first] < end + REACH_BEHIND

    def around(self, start: int, end: int) -> tuple[list[Word], list[Word]]:
        """Return the words before a number, the nearest first, and behind it."""
        words = self._words
        at = bisect_left(words, start, key=_start)
        first = bisect_left(words, start - REACH_BEFORE, max(0, at - MOST_WORDS), at, key=_start)
        last = bisect_left(words, end, at, min(len(words), at + MOST_WORDS), key=_start)
        behind = bisect_left(words, end + REACH_BEHIND, last, min(len(words), last + MOST_WORDS), key=_start)
        return words[first:at][::-1], words[last:behind]

    def _read(self, end: int) -> None:
        """Take the words of the text up to the first that ends behind a place: in a log there are thousands."""
        known_of, take, seek = self._known.get, self._words.append, self._sought.append
        for match in self._rest:
            word, (start, last) = match[0], match.span()
            says, plural, together = known_of(word) or self._known_now(word)
            if start < self._several:  # the first has said it
                says, plural = Says.JOINING | Says.FURTHER, False
            elif together or word == ";":
                says = self._together(word, start, says, together)
                plural = plural and not says
            take(_new(Word, (says, start, last, plural)))
            if says & SOUGHT:
                seek(start)
            if last > end:
                self._end = last
                return
        self._end = len(self._lower) + 1

    def _known_now(self, word: str) -> tuple[int, bool, tuple[_Several, ...]]:
        says = _SIGNS.get(word, 0) or (Says.NUMBER if word.isdigit() else _TABLE.says(word))
        known = says, not says and word.endswith(_PLURAL), _TABLE.several.get(word, ())
        self._known[word] = known
        return known

    def _together(self, word: str, start: int, says: int, together: tuple[_Several, ...]) -> int:
        """Return what a word says with those that follow it, or a sign with the letter before."""
        if word == ";" and self._lower[start - 1 : start] in _GREEK:  # asks there
            says |= Says.ASKS
        for several in together:
            if several.stands(self._lower, start):
                says = several.says if several.says & Says.OTHERS else says & ~Says.OTHERS | several.says
                self._several = start + len(several.words)
        return says
