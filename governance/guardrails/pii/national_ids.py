"""National numbers: those that a name announces, and those that their form and check give away."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from governance.guardrails.cues import Cue
from governance.guardrails.expressions import expression
from governance.guardrails.findings import Finding
from governance.guardrails.needles import Automaton, Needles, beginnings, join, shortest
from governance.guardrails.pii.national_table import ENTRIES, LEADING, NEEDLES, National, glued
from governance.guardrails.pii.numbers import denied
from governance.guardrails.reading import Reading

REACH, LONGEST = 44, 40  # characters between a number's name and the number, and of a number
MOST_LETTERS = 24  # of a number before its first digit
READ = 160  # characters from a name on that tell what it announces
# What takes a part of the time of a look at words: a glance behind a name, and one all around it for a check digit.
GLANCES_FOR_A_LOOK, ROUNDS_FOR_A_LOOK = 8, 3
_DIGIT = expression(r"\d")
_BREAK = expression(
    r"\d|(?<!\bn)(?<!\bno)(?<!\bnr)(?<!\bnum)(?<!\bnúm)(?<!\bč)[.] [^\W\d_]|[!?;] [^\W\d_]|\n[^\n]*\n|[{}]",
    re.IGNORECASE,
)
_NEXT = expression(r"[ ,;/&\n]{1,3}(?:(?:and|und|et|y|e|i|en|og|och|ja|и|or|oder)[ \n])?(?:\w{1,12}: ?)?")
_NEAR = expression(
    r"[\s:#=\"'`(\[*.,_\-|/№º°]{0,6}(?:\([^()\n\d]{1,20}\)[\s:=]{0,3})?(?:(?<![^\W_])(?:number|n|n\.o|č|no|num|núm|nr|nº|n°|is|was|of|mi|my|é|es|è|ist|lautet|est|er|to|the|card|code|id|nbr|num|no\.|my|mein|meine|mon|ma|mio|mia|meu|minha|mijn|min|mitt|mój|moje|jest|saya|aku|anda|adalah|là|của|tôi|em|мой|моя|issued|number on file|on file|ca|ny|tx|fl|il|pa|oh|ga|nc|mi|nj|va|wa|az|co|nv|tn|md|mn|wi|"
    r"номер|номера|число|رقم|número|numero|numéro|nummer|number is|de|del|di|do|da|dela|dele)(?![^\W_])[\s:#=\"'`(*.,_\-№º°]{0,4}){0,4}\Z",
    re.IGNORECASE,
)
_OTHER_NUMBER = Cue(
    r"\b(?:orders?|invoices?|tickets?|tracking|bookings?|flights?|rooms?|phones?|tel|price|version|serial|model|parts?|page|"
    r"fees?|costs?|rechnung\w*|bestell\w*|factura|facture|commande|pedido)\b",
)
_GLUED = tuple(needle for needle in NEEDLES if glued(needle))
_NEEDLES_OF_DIGITS = {  # whose words tell digits apart
    needle
    for needle, entries in NEEDLES.items()
    if any(re.search(r"[a-z]\d", entry.words.pattern) for entry in entries)
}
OF_WORDS = Needles(NEEDLES.keys() - set(_GLUED), after=r"(?<![^\W\d_])")
_ANYWHERE = Automaton((OF_WORDS,), _GLUED)
OF_WORDS_INSIDE = Needles(NEEDLES.keys() - set(_GLUED))
_BEGINNINGS = Automaton((), NEEDLES)
_HUMP = expression(r"[A-Z](?<=[a-z].)")
_ALONE = [entry for entry in ENTRIES if entry.alone is not None and not entry.alone.pattern]


_HINTED = [entry for entry in ENTRIES if entry.alone is not None and entry.alone.pattern]


@lru_cache(maxsize=256)
def _any_of(hinted: tuple[National, ...]) -> re.Pattern[str]:
    """Return what finds where a number that needs no name could begin, some of them hinted at."""
    shapes = "|".join(entry.shape.pattern.removeprefix(LEADING) for entry in (*_ALONE, *hinted))
    return re.compile(f"{_BEGUN}(?<=(?={shapes}).)", re.DOTALL)


# The first sign of what may be such a number. It is told first and what stands before it then: that is searched for fast.
_BEGUN = r"[0-9A-Z](?<![0-9A-Za-z_].)(?<![0-9][.,\-/].)(?=[ .\-/]?[0-9A-Z][0-9A-Z .\-/]{4})(?!(?<=\d) \d \d )"


class _AnyWord:
    """Finds a name of any of them: an expression of all the words takes ten times as long."""

    def search(self, words: str, pos: int = 0) -> re.Match[str] | None:
        """Return where a name stands first, from a place on."""
        while (begun := _WORD_BEGUN.search(words, pos)) is not None:
            at = begun.start()
            for letters in _LETTERS:
                for entry in NEEDLES.get(words[at : at + letters], ()):
                    found = entry.words.match(words, at)
                    if found is not None:
                        return found
            pos = at + 1
        return None


_ANY_WORD = _AnyWord()
_WORD_BEGUN = expression(beginnings(shortest(NEEDLES)))
_LETTERS = sorted(set(map(len, NEEDLES)))
_SOME_NUMBER = expression(r"[0-9A-Z](?:(?<=\d)(?:[ .\-/()]{0,2}[0-9A-Z]){4}|[0-9A-Z]{6})")
SHORT_WORD = 3  # letters of a name that means other things too


def find(reading: Reading) -> Iterator[Finding]:
    """Yield the national numbers of a folded text."""
    text, lower = reading.text, reading.lower
    if not _SOME_NUMBER.search(text):
        return
    spoken = lower.replace("_", " ")  # names of columns and fields
    names = _Names(reading, spoken)
    around: dict[National, list[tuple[int, int]]] = {}
    named_at = list(_named(reading, spoken))
    for at, needles in named_at:
        if names.spent:
            break
        named = names.read(needles, at)
        for kind, start, end in named.numbers:
            yield Finding(kind, at + start, at + end, 0.92)
        for entry, length in named.alone:
            names.rounds.taken()
            join(around.setdefault(entry, []), _zone(text, at, at + length))
    for entry, parts in around.items():
        yield from _around(entry, reading, parts)
    if names.spent:
        yield from _unread(reading, named_at)
    yield from _without_words(reading)
    yield from _in_tables(reading)


def _named(reading: Reading, spoken: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Yield where a number's name may begin: a word, one in a name in camel case, or any place of some scripts."""
    stood = None if spoken == reading.lower else _ANYWHERE.places(spoken)

    def standing(names: Needles) -> Iterable[tuple[int, tuple[str, ...]]]:
        return reading.places_of(names) if stood is None else names.standing(spoken, stood)

    yield from standing(OF_WORDS)
    humps = {hump.start() for hump in _HUMP.finditer(reading.text)}
    for at, needles in standing(OF_WORDS_INSIDE) if humps else ():
        if at in humps:
            yield at, needles
    if not spoken.isascii():
        glued_at = (
            reading.places(_GLUED) if stood is None else ((at, one) for one in _GLUED for at in stood.get(one, ()))
        )
        for at, needle in glued_at:
            yield at, (needle,)


@lru_cache(maxsize=1024)
def _called(needles: tuple[str, ...]) -> tuple[National, ...]:
    """Return the entries whose names begin with one of these words."""
    return tuple(dict.fromkeys(entry for needle in needles for entry in NEEDLES[needle]))


class _Named(NamedTuple):
    """What stands behind a name, from its place on: numbers, and entries without one, which are looked for around it."""

    numbers: list[tuple[str, int, int]]
    alone: list[tuple[National, int]]


_NOTHING = _Named([], [])


@dataclass(slots=True)
class _Promise:
    """What a name says of the number behind it, whatever its digits are; places are counted from the name on."""

    entry: National
    end: int  # of the name
    first: int  # the first digit, or -1
    near: bool
    alone: bool  # without a number behind it, one is looked for around
    meant: dict[int, bool] = field(default_factory=dict)  # whether a number that begins at a place is


class _Names:
    """Reads what names announce in a text: once for the same words up to a digit, whatever comes then."""

    def __init__(self, reading: Reading, spoken: str) -> None:
        self._reading, self._spoken = reading, spoken
        self._promised: dict[tuple[tuple[str, ...], str], list[_Promise]] = {}
        self._firsts: dict[int, int] = {}
        self._care, self._numbers = reading.care("names"), reading.care("numbers")
        self._glances = reading.care("glances", GLANCES_FOR_A_LOOK)
        self.rounds = reading.care("rounds", ROUNDS_FOR_A_LOOK)
        self._untried: dict[tuple[tuple[str, ...], str], _Named] = {}  # by all that is written in reach
        self._passed: dict[tuple[National, str], bool] = {}
        self._told: set[tuple[National, int]] = set()  # entries, and where their numbers begin

    @property
    def spent(self) -> bool:
        """Whether names were read so often that every number around one is believed."""
        return self._numbers.spent or self._glances.spent or self.rounds.spent

    def read(self, needles: tuple[str, ...], at: int) -> _Named:
        """Return what stands behind the names that begin at a place with these words, or nothing if none does."""
        written = needles, self._reading.text[at : at + READ]
        named = self._untried.get(written)
        if named is None:
            named, untried = self._read(needles, at)
            if untried:
                self._untried[written] = named
        return named

    def _read(self, needles: tuple[str, ...], at: int) -> tuple[_Named, bool]:
        """Return the same, and whether what is written there says so alone: no number had to be tried."""
        key = needles, self._up_to_a_digit(at)
        promises = self._promised.get(key)
        if promises is None:
            if not self._care.taken():
                return self._glanced(needles, at), False
            promises = list(self._promising(needles, at))
            if _NEEDLES_OF_DIGITS.isdisjoint(needles):
                self._promised[key] = promises
        if not promises:
            return _NOTHING, True
        named, tried = self._named(at, promises)
        return named, not tried and all(promise.end + REACH + LONGEST <= READ for promise in promises)

    def _up_to_a_digit(self, at: int) -> str:
        """Return all that decides what a name promises: what follows on its line up to a digit, or all in reach."""
        text = self._reading.text
        first = _DIGIT.search(text, at, at + READ)
        beyond = first is None or text.find("\n", at, first.start()) >= 0
        return self._reading.levelled[at : at + READ if beyond or first is None else first.end()]

    def _promising(self, needles: tuple[str, ...], at: int) -> Iterator[_Promise]:
        reading = self._reading
        for entry in _called(needles):
            word = entry.words.match(self._spoken, at)
            if word is None or not (entry.among is None or reading.speaks(entry.among)):
                continue
            end = word.end()
            short = end - at <= SHORT_WORD
            near = entry.near or (not entry.checks and short and not glued(word[0]))
            unlike = short and not reading.text[at:end].isupper()
            alone = entry.sure and not unlike and not reading.speaks(_INVALID)
            first = self._first_digit(end)
            if first >= 0 or alone:
                yield _Promise(entry, end - at, first - at if first >= 0 else -1, near, alone)

    def _named(self, at: int, promises: list[_Promise]) -> tuple[_Named, bool]:
        """Return what keeps the promises, and whether any number was tried for that."""
        numbers, alone, looked_at = dict[tuple[str, int, int], None](), [], set[int]()
        for promise in promises:
            found = False
            span = self._first_number(promise, at) if promise.first >= 0 else None
            while span is not None:
                looked_at.add(span[0])
                if not self._passes(promise.entry, *span):
                    break
                numbers[promise.entry.kind, span[0] - at, span[1] - at] = None
                found = True
                span = self._next(promise.entry, *span)
            if promise.alone and not found:
                alone.append((promise.entry, promise.end))
        for _ in looked_at:
            self._numbers.taken()
        return _Named(list(numbers), alone), bool(looked_at)

    def _glanced(self, needles: tuple[str, ...], at: int) -> _Named:
        """Return the first number behind one of too many names that looks like what it calls, and passes its check."""
        alone = []
        if _DIGIT.search(self._reading.text, at, at + REACH + LONGEST) is not None:
            self._glances.taken()
        for entry in _called(needles):
            word = entry.words.match(self._spoken, at)
            if word is not None and (entry.among is None or self._reading.speaks(entry.among)):
                end = word.end()
                number = entry.shape.search(self._reading.text, end, end + REACH + LONGEST)
                if number is not None:
                    self._numbers.taken()
                if number is not None and self._passes(entry, *number.span()):
                    return _Named([(entry.kind, number.start() - at, number.end() - at)], [])
                alone += [(entry, end - at)] if entry.sure else []
        return _Named([], alone)

    def _passes(self, entry: National, start: int, end: int) -> bool:
        written = self._reading.text[start:end]
        passes = self._passed.get((entry, written))
        if passes is None:
            passes = self._passed[entry, written] = entry.passes(self._reading, written)
        return passes

    def _next(self, entry: National, start: int, end: int) -> tuple[int, int] | None:
        """Return where the next of several numbers stands, unless another name was told of them."""
        text = self._reading.text
        following = _NEXT.match(text, end)
        number = entry.shape.match(text, following.end()) if following is not None else None
        if number is None:
            return None
        if (entry, start) in self._told:
            return None
        self._told.add((entry, start))
        return number.span()

    def _first_number(self, promise: _Promise, at: int) -> tuple[int, int] | None:
        """Return where the number stands that a name means."""
        text = self._reading.text
        end, first = at + promise.end, at + promise.first
        end += text.startswith(".", end)  # of an abbreviation
        number = promise.entry.shape.search(text, max(end, first - MOST_LETTERS), min(len(text), first + LONGEST))
        if number is None or number.start() > first:
            return None
        start = number.start() - at
        meant = promise.meant.get(start)
        if meant is None:
            meant = promise.meant[start] = self._means(promise, end, number.start())
        return number.span() if meant else None

    def _means(self, promise: _Promise, end: int, start: int) -> bool:
        """Tell whether what stands between a name and a number lets it be the one that the name means."""
        if promise.near and not _NEAR.fullmatch(self._reading.text, end, start):
            return False
        return _OTHER_NUMBER.search(self._reading.lower[end - 1 : start], 1) is None

    def _first_digit(self, end: int) -> int:
        """Return where the first digit in the sentence behind a name's end stands, or -1."""
        known = self._firsts.get(end)
        if known is None:
            text = self._reading.text
            behind = end + text.startswith(".", end)
            first = _BREAK.search(text, behind, behind + REACH)
            known = self._firsts[end] = first.start() if first is not None and first[0].isdigit() else -1
        return known


def _zone(text: str, begin: int, finish: int) -> tuple[int, int]:
    """Return the part of a paragraph around a name that may hold its number."""
    start, end = max(0, begin - AROUND // 2), min(len(text), finish + AROUND)
    above, below = text.rfind("\n\n", start, begin), text.find("\n\n", finish, end)
    return (above if above >= 0 else start), (below if below >= 0 else end)


def _around(entry: National, reading: Reading, parts: list[tuple[int, int]]) -> Iterator[Finding]:
    """Yield the numbers with a right check digit in the sentences around names."""
    text = reading.text
    for start, end in parts:
        for match in entry.shape.finditer(text, start, end):
            if not entry.passes(reading, match[0]):
                continue
            if not denied(reading, match.start(), REACH):
                yield Finding(entry.kind, *match.span(), 0.75)


def _unread(reading: Reading, named_at: list[tuple[int, tuple[str, ...]]]) -> Iterator[Finding]:
    """Yield all that could be a number around what could be a name: of a text with more than are read."""
    named: dict[str, list[int]] = {}
    for at, needles in sorted(named_at):
        for kind in _kinds(needles):
            named.setdefault(kind, []).append(at)
    kinds = [kind for kind in _RAREST if kind in named]  # gives a number its name
    last = 0  # where the number before ended
    for number in _SOME_ID.finditer(reading.text) if kinds else ():
        start, end = number.span("all")
        if start < last:
            continue
        last = end
        for kind in () if reading.told(start) else kinds:
            if _reached(named[kind], start, end):
                yield Finding(kind, start, end, 0.92)
                break


def _reached(names: list[int], start: int, end: int) -> bool:
    """Tell whether a number stands where any of the names, in order, reaches, or begins or ends there."""
    last = bisect_left(names, end + AROUND // 2) - 1
    return last >= 0 and start < names[last] + READ


@lru_cache(maxsize=1024)
def _kinds(needles: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(entry.kind for entry in _called(needles)))


_RAREST = [kind for kind, _ in reversed(Counter(entry.kind for entry in ENTRIES).most_common())]
# The group is all of it: the first sign is told first, which is searched for fast.
_SOME_ID = expression(
    r"[0-9A-Z](?<![0-9A-Za-z_].)(?<![0-9][.,\-/].)(?<=(?=(?P<all>(?=[A-Z]*\d)[0-9A-Z]{7,}|(?:[A-Z]{1,6}[ \-]?)?\d(?:(?:[ .\-/+(№]{0,3}|,? (?:номер|No?) )[0-9A-Z]){4,23}+)).)"
)


def _in_tables(reading: Reading) -> Iterator[Finding]:
    """Yield the numbers in cells of tables below a column with their name."""
    named: dict[str, list[National]] = {}
    shaped: dict[tuple[str, str], list[National]] = {}  # what may stand in a cell, whichever digits it has
    for column, start, end in reading.tables.cells(_ANY_WORD):
        if column not in named:
            named[column] = _named_in(column)
        written = reading.text[start:end]  # alone: before it, a comma and a digit are another cell's
        form = column, reading.levelled[start:end]
        if form not in shaped:
            shaped[form] = [one for one in named[column] if not one.blind or one.shape.fullmatch(written)]
        for entry in shaped[form]:
            if entry.shape.fullmatch(written) and entry.passes(reading, written):
                yield Finding(entry.kind, start, end, 0.85)


def _named_in(column: str) -> list[National]:
    """Return the entries that a column's name calls."""
    begun = {entry for needle in _BEGINNINGS.places(column) for entry in NEEDLES[needle]}
    return [entry for entry in ENTRIES if entry in begun and entry.words.search(column)] if begun else []


_INVALID = expression(r"\b(?:invalid|mismatch|checksum|ungültig)|test_")
AROUND = 120  # characters after a name, half as many before: a stream is held back for these


def _without_words(reading: Reading) -> Iterator[Finding]:
    """Yield the numbers that their form and check give away, some only among words of their country."""
    text = reading.text
    hinted = tuple([entry for entry in _HINTED if entry.alone is not None and reading.speaks(entry.alone)])
    seeking = (*_ALONE, *hinted)
    known: dict[tuple[int, str], tuple[str, int] | None] = {}
    shaped: dict[tuple[int, str], tuple[National, ...]] = {}  # what could stand there, whichever digits it has
    for begun in _any_of(hinted).finditer(text):
        at = begun.start()
        told = reading.told(at)
        if told and not _GOES_ON.match(text, told):
            continue
        before = min(at, BEFORE_NUMBER)
        read = before, text[at - before : at + LONGEST_NUMBER]
        if read not in known:
            form = before, reading.levelled[at - before : at + LONGEST_NUMBER]
            if form not in shaped:
                shaped[form] = tuple(entry for entry in seeking if not entry.blind or entry.shape.match(text, at))
            known[read] = next(_passing(reading, shaped[form], at), None)
        if (number := known[read]) is not None and not denied(reading, at):
            yield Finding(number[0], at, at + number[1], 0.86)


def _passing(reading: Reading, entries: tuple[National, ...], at: int) -> Iterator[tuple[str, int]]:
    """Yield the kinds of numbers that stand at a place by their form and check, and how long they are."""
    for entry in entries:
        number = entry.shape.match(reading.text, at)
        if number is not None and entry.passes(reading, number[0]):
            yield entry.kind, number.end() - at


_GOES_ON = expression(r"[ .\-/]{0,2}[\w&]")  # what is written behind a number that may be longer
BEFORE_NUMBER, LONGEST_NUMBER = 2, 56  # characters that a shape reads
