"""Expressions for the words around a value. Rules ask them at thousands of places of a hostile text.

What begins a match is looked for first, by an expression that tells words apart letter by letter: an alternative of
hundreds of words tries them one after the other at each place, which takes fifty times as long. And what was said of
the same words is remembered as long as one look at a text lasts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from itertools import chain
from re import _parser  # type: ignore[attr-defined]
from typing import Any, Final, NamedTuple, TypeAlias

from governance.guardrails.expressions import expression, put_off
from governance.guardrails.needles import beginnings, shortest
from governance.guardrails.once import once

LETTERS: Final = 4  # of a beginning
LETTERS_HELD: Final = 12  # of what a match holds: "domicilio so", which most who write of a home don't
FEWEST_LETTERS: Final = 2  # of a beginning that isn't everywhere, as letters of few languages aren't either
MOST_CHOICES: Final = 12  # of a set of letters in one
AHEAD: Final = 1  # how the parser calls looking there
WORD: Final = "\0"  # before a string that begins a word

_Said: TypeAlias = dict[tuple[object, str, int], Any]
_SAID: ContextVar[_Said | None] = ContextVar("said", default=None)
_Heads: TypeAlias = tuple[set[str], set[str]]  # whole ones, and those that what follows goes on


class Led(NamedTuple):
    """An expression of which is known what every match begins with: `hint` finds any of the `heads`."""

    heads: tuple[str, ...]
    hint: re.Pattern[str]
    whole: re.Pattern[str]


@contextmanager
def one_look() -> Iterator[None]:
    """Remember what cues say of words until the block ends, no longer: the words may be secret."""
    token = _SAID.set({})
    try:
        yield
    finally:
        _SAID.reset(token)


def asked_once(judge: Callable[[str], bool]) -> Callable[[str], bool]:
    """Return a judge of words that thinks about each once in a look."""

    @wraps(judge)
    def asked(word: str) -> bool:
        said = _SAID.get()
        if said is None:
            return judge(word)
        key = (judge, word, 0)
        verdict: bool | None = said.get(key)
        if verdict is None:
            verdict = said[key] = judge(word)
        return verdict

    return asked


class Cue:
    """Several expressions as one, to be asked of short pieces of a text in lower case."""

    def __init__(self, *patterns: str) -> None:
        self._patterns, self.pattern = patterns, "|".join(patterns)
        put_off(lambda: (self.heads, self.blind))

    @once
    def parts(self) -> tuple[list[Led], list[re.Pattern[str]]]:
        """The expressions of which is known what every match begins with, and the others."""
        known = {pattern: shortest(begun(pattern)) for pattern in self._patterns}
        return (
            [
                Led(tuple(heads), expression(beginnings(heads)), expression(led))
                for led, heads in known.items()
                if _leads(heads)
            ],
            [expression(loose) for loose, heads in known.items() if not _leads(heads)],
        )

    @once
    def heads(self) -> tuple[str, ...]:
        """What matches begin with of the expressions of which that is known."""
        return tuple(chain.from_iterable(one.heads for one in self.parts[0]))

    @once
    def blind(self) -> bool:
        """Whether it finds the same whichever digits stand there."""
        return not any(map(tells_digits, self._patterns))

    def search(self, words: str, start: int = 0) -> re.Match[str] | None:
        """Return a match, of each expression the first."""
        said = _SAID.get()
        if said is None:
            return self._search(words, start)
        key = (self, words, start)
        if key not in said:
            said[key] = self._search(words, start)
        found: re.Match[str] | None = said[key]
        return found

    def stands(self, words: str) -> bool:
        """Tell whether there is a match in words that are asked about once only."""
        return self._search(words, 0) is not None

    def finditer(self, text: str) -> Iterator[re.Match[str]]:
        """Yield where the one expression that this is of matches a long text."""
        led, loose = self.parts
        if loose:
            yield from loose[0].finditer(text)
            return
        hint, whole, place = led[0].hint.search, led[0].whole.match, 0
        while (begun := hint(text, place)) is not None:
            place = begun.start() + 1
            if (found := whole(text, place - 1)) is not None:
                yield found
                place = max(place, found.end())

    def match(self, words: str, place: int) -> re.Match[str] | None:
        """Return the match that begins at a place, of the one expression that this is of."""
        led, loose = self.parts
        if loose:
            return loose[0].match(words, place)
        _, hint, whole = led[0]
        return whole.match(words, place) if hint.match(words, place) is not None else None

    def _search(self, words: str, start: int) -> re.Match[str] | None:
        led, unled = self.parts
        for _, hint, whole in led:
            begun = hint.search(words, start)
            while begun is not None:
                place = begun.start()
                found = whole.match(words, place)
                if found is not None:
                    return found
                begun = hint.search(words, place + 1)
        for loose in unled:
            found = loose.search(words, start)
            if found is not None:
                return found
        return None


class Held:
    """What matches of any of several expressions hold: where none of it stands, none of them needs to be asked."""

    def __init__(self, *of: Cue | re.Pattern[str]) -> None:
        self._patterns = tuple(one.pattern for one in of)
        put_off(lambda: self._strings)

    @once
    def _strings(self) -> set[str]:
        """Return the strings of which every match holds one. Raises: ValueError where that can't be told."""
        known = [held(pattern) for pattern in self._patterns]
        if not all(known):
            raise ValueError(self._patterns)
        return set().union(*known)

    @once
    def words(self) -> tuple[str, ...]:
        """Those that stand behind no small letter of ASCII."""
        return tuple(string[1:] for string in self._strings if string[0] == WORD)

    @once
    def parts(self) -> tuple[str, ...]:
        """Those that may stand inside a word."""
        return tuple(string for string in self._strings if string[0] != WORD)


def _leads(heads: list[str]) -> bool:
    """Tell whether it is worth looking for these first: an expression looks for single letters as fast itself."""
    return any(len(head) > 1 for head in heads)


def telling(pattern: str) -> bool:
    """Tell whether matches of an expression begin with letters enough to look for those first."""
    known = begun(pattern)
    return bool(known) and all(len(head) >= FEWEST_LETTERS or not head.isascii() for head in known)


def heads(pattern: str) -> str:
    """Return an expression, fast to try, of what every match of another begins with."""
    return beginnings(shortest(begun(pattern)))


def begun(pattern: str, letters: int = LETTERS) -> set[str]:
    """Return what every match of an expression begins with, or nothing if that can't be told."""
    whole, open_ = _heads(_parser.parse(pattern), letters)
    return set() if "" in whole | open_ else {head[:letters] for head in whole | open_}


def held(pattern: str) -> set[str]:
    """Return strings of which every match of an expression holds one, those with most letters, or nothing.

    `WORD` before one says that it begins a word.
    """
    return _held(list(_parser.parse(pattern)), "")


def _held(parsed: list[tuple[Any, Any]], begins: str) -> set[str]:
    """Return the best of what may follow one another from any part on, and of what parts hold inside.

    `begins` is `WORD` where the first of the parts begins a word.
    """
    known: list[set[str]] = []
    for place, (kind, value) in enumerate(parsed):
        before = (WORD if _bounds(*parsed[place - 1]) else "") if place else begins
        branches = value[1] if str(kind) == "BRANCH" else [value[3]] if str(kind) == "SUBPATTERN" else []
        inside = [_held(list(branch), before) for branch in branches]
        known += [set().union(*inside)] if inside and all(inside) else []
        following = set().union(*_heads(parsed[place:], LETTERS_HELD))
        known += [{before * head[0].isalnum() + head for head in following}] if all(following) else []
    return max(known, key=_telling, default=set())


def _telling(strings: set[str]) -> tuple[int, int, int]:
    """Return what is most for strings that stand in the fewest texts."""
    letters = min((sum(map(str.isalpha, one)) for one in strings), default=0)
    return letters, sum(one[0] == WORD for one in strings), -len(strings)


def _bounds(kind: Any, value: Any) -> bool:
    """Tell whether a part says that no small letter stands before it."""
    if str(kind) != "ASSERT_NOT" or value[0] == AHEAD or [str(of) for of, _ in value[1]] != ["IN"]:
        return str(value) == "AT_BOUNDARY"
    members = {str(one) for _, one in value[1][0][1]}
    negated = "None" in members
    return bool(members & ({"CATEGORY_NOT_WORD"} if negated else {"CATEGORY_WORD", str((ord("a"), ord("z")))}))


def _heads(parsed: Iterable[tuple[Any, Any]], letters: int) -> _Heads:
    whole: set[str] = set()
    open_ = {""}
    for kind, value in parsed:
        whole |= {head for head in open_ if len(head) >= letters}
        open_ -= whole
        ends, goes_on = _choices(str(kind), value, letters)
        whole |= {head + choice for head in open_ for choice in ends}
        open_ = {head + choice for head in open_ for choice in goes_on}
    return whole, open_


def _choices(kind: str, value: Any, letters: int) -> _Heads:
    """Return what one part of an expression may begin with; a part of any letters ends what is known."""
    if kind == "ASSERT" and value[0] == AHEAD:  # what it says of what follows goes for all
        ends, goes_on = _heads(value[1], letters)
        return (set(), {""}) if "" in ends | goes_on else (ends | goes_on, set())
    if kind in ("AT", "ASSERT", "ASSERT_NOT"):
        return set(), {""}
    if kind == "LITERAL":
        return set(), {chr(value)}
    if kind == "IN":
        return _letters(value)
    if kind == "SUBPATTERN":
        return _heads(value[3], letters)
    if kind == "ATOMIC_GROUP":
        return _heads(value, letters)
    if kind == "BRANCH":
        parted = [_heads(branch, letters) for branch in value[1]]
        return set().union(*(ends for ends, _ in parted)), set().union(*(goes_on for _, goes_on in parted))
    if kind.endswith("REPEAT"):
        least, most, repeated = value
        ends, goes_on = _heads(repeated, letters)
        skipped = set() if least else {""}
        return (ends, goes_on | skipped) if most == 1 else (ends | goes_on | skipped, set())
    return {""}, set()


def tells_digits(pattern: str) -> bool:
    """Tell whether an expression finds some digits and not others."""
    return _tells_digits(_parser.parse(pattern))


def _tells_digits(parsed: Any) -> bool:
    if not isinstance(parsed, (tuple, list, _parser.SubPattern)):
        return False
    if len(parsed) == 2 and str(parsed[0]) in ("LITERAL", "NOT_LITERAL"):
        return chr(parsed[1]).isdigit()
    if len(parsed) == 2 and str(parsed[0]) == "RANGE":
        first, last = map(chr, parsed[1])
        return ("0" < first <= "9") or ("0" <= last < "9")
    return any(map(_tells_digits, parsed))


def _letters(choices: list[tuple[Any, Any]]) -> _Heads:
    letters: set[str] = set()
    for kind, value in choices:
        if str(kind) == "LITERAL":
            letters.add(chr(value))
        elif str(kind) == "RANGE" and value[1] - value[0] < MOST_CHOICES:
            letters |= set(map(chr, range(value[0], value[1] + 1)))
        else:
            return {""}, set()
    return set(), letters
