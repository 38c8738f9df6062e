"""A text as one look of a guard reads it: what several rules ask about it is found out once."""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any, Final

from governance.guardrails.care import Care
from governance.guardrails.cues import Cue, Held, telling
from governance.guardrails.expressions import expression
from governance.guardrails.findings import Finding
from governance.guardrails.folding import lower
from governance.guardrails.needles import Automaton, Needles, Union, every, join
from governance.guardrails.once import once
from governance.guardrails.tables import Tables

SURE = 0.9  # the score of a finding that makes others at its place needless
# Words that are judged with care in one text: as many beside names of secrets hold nothing but noise, or secrets.
FEWEST_JUDGED, CHARACTERS_FOR_ONE = 300, 150
# Places of one rule's names that are looked at: the densest code, which tests a log-in, has 19 in a thousand characters.
FEWEST_PLACES, CHARACTERS_FOR_A_PLACE = 300, 50
_ANY_RULES: Final = Union()
_NOWHERE: Final[Iterator[Any]] = iter(())
_DIGIT, _QUOTE = expression(r"\d"), expression(r"[\"'`“”„«»]")
_COULD_BE = expression(r"(?=.*[^\W\d_])(?=.*[\d#$%^&*+~!?])")


@cache
def _cue(pattern: str, flags: int) -> Cue | re.Pattern[str]:
    """Return what finds the same as an expression, faster in a long text."""
    return Cue(pattern) if flags == re.UNICODE and telling(pattern) else re.compile(pattern, flags)


@cache
def _alone(needles: Needles) -> Automaton:
    return Automaton((needles,))


class Reading:
    """A folded text, the same in lower case, its tables, and what was said of its words.

    It lives as long as one look at the text: words that may be secret are remembered no longer.
    """

    def __init__(
        self, text: str, lowered: str | None = None, *, tries: float = math.inf, rules: Union = _ANY_RULES
    ) -> None:
        """Take a text, how many tries at the places of words it is worth, and whose needles are looked for at once."""
        self.text, self.rules = text, rules
        self.lower = lower(text) if lowered is None else lowered
        self._begun: dict[tuple[frozenset[str], str, bool], Sequence[tuple[int, tuple[str, ...]]]] = {}
        self._written: dict[Needles, list[tuple[int, str]]] = {}
        self._spoken: dict[int, bool] = {}
        self._verdicts: dict[tuple[Callable[[str], bool], str], bool] = {}
        self._asked = 0
        self.begun: dict[int, int] = {}  # where findings begin so far, and end: others needn't try there
        self._tries = tries
        self.left = False  # whether a rule left places untried, having no tries or looks for them
        self._standing: dict[int, list[int]] = {}
        self._cut: dict[int, set[int]] = {}
        self._cares: dict[str, Care] = {}
        self._told: dict[int, int] = {}

    @property
    def exhausted(self) -> bool:
        """Whether rules have taken all tries or looks, so that none should read the whole text again."""
        return self.left or any(care.spent for care in self._cares.values())

    @once
    def tables(self) -> Tables:
        """The tables of the text."""
        return Tables(self.text, self.lower)

    def care(self, rule: str, times: int = 1) -> Care:
        """Return the looks that a rule has left; of those that take little it has so many times more."""
        care = self._cares.get(rule)
        if care is None:
            care = self._cares[rule] = Care(self.text, times)
        return care

    def tell(self, finding: Finding) -> None:
        """Take note of what a rule found that is sure of it."""
        _, start, end, score = finding
        if score >= SURE and self._told.get(start, 0) < end:
            self._told[start] = end

    def told(self, start: int) -> int:
        """Return where what a sure rule found at a place ends, or 0: others needn't look there."""
        return self._told.get(start, 0)

    @once
    def numbered(self) -> bool:
        """Whether any digit stands in the text."""
        return _DIGIT.search(self.text) is not None

    @once
    def quoted(self) -> bool:
        """Whether any quotation mark stands in the text."""
        return _QUOTE.search(self.text) is not None

    @once
    def longest(self) -> int:
        """How long what stands between blanks is at most."""
        return max(map(len, self.text.split()), default=0)

    @once
    def levelled(self) -> str:
        """The text with every digit the same: words with other numbers among them need no other thought."""
        levelled = self.text
        for digit in "123456789":
            levelled = levelled.replace(digit, "0")  # takes a fifth of what a table of letters does
        return levelled

    @once
    def _automaton(self) -> Automaton:
        """What looked for all strings that the rules had asked for when this look began."""
        return self.rules.automaton()

    @once
    def _stood(self) -> dict[str, list[int]]:
        """Where strings of all rules stand."""
        return self._automaton.places(self.lower)

    @once
    def _strings(self) -> frozenset[str]:
        """The strings of all rules that stand."""
        return frozenset(self._stood)

    def places_of(self, needles: Needles, *, whole: bool = False) -> Sequence[tuple[int, tuple[str, ...]]]:
        """Return, place by place, the needles that stand in lower case.

        `whole` leaves those out that end inside a word of a longer one.
        """
        known, (words, after) = needles in self._automaton.rules, needles.same
        if known and words.isdisjoint(self._strings):  # so most rules'
            return ()
        key = (words & self._strings if known else words, after, whole)  # others of which the same stand find the same
        places = self._begun.get(key)
        if places is None:
            stood = self._stood
            if not known:
                self.rules.learn(needles)
                stood = _alone(needles).places(self.lower)
            places = self._begun[key] = needles.standing(self.lower, stood, whole=whole)
        return places

    def around(self, needles: Needles, before: int, behind: int) -> list[tuple[int, int]]:
        """Return the parts of the text that reach from so far before needles to so far behind their places, apart."""
        parts: list[tuple[int, int]] = []
        for at, _ in self.places_of(needles):
            join(parts, (max(0, at - before), at + behind))
        return parts

    def standing(self, needles: Needles, *, whole: bool = False) -> Iterator[tuple[int, str]]:
        """Yield every place with each needle that stands there."""
        return ((at, needle) for at, standing in self.places_of(needles, whole=whole) for needle in standing)

    def first(self, needles: Needles, *, where: Callable[[int], bool] | None = None) -> Iterator[tuple[int, str]]:
        """Yield whole needles that stand, place by place, so many as any document has; those behind are `left`.

        Places where a rule can find nothing don't count.
        """
        left = FEWEST_PLACES + len(self.text) // CHARACTERS_FOR_A_PLACE
        for at, needle in self.standing(needles, whole=True):
            if where is not None and not where(at):
                continue
            left -= 1
            if left < 0:
                self.left = True
                return
            yield at, needle

    def stands(self, needles: Needles | tuple[str, ...]) -> bool:
        """Tell whether any of the needles, or of lasting strings, stands in the text."""
        return bool(self._that_stand(needles) if isinstance(needles, tuple) else self.places_of(needles))

    def written(self, needles: Needles) -> list[tuple[int, str]]:
        """Return every place of needles that stand in the text as it is written; they are looked for once."""
        known = self._written.get(needles)
        if known is None:
            stood = _alone(needles).places(self.text)
            known = self._written[needles] = [
                (at, needle) for at, standing in needles.standing(self.text, stood) for needle in standing
            ]
        return known

    def places(self, needles: tuple[str, ...]) -> Iterator[tuple[int, str]]:
        """Yield where literal strings stand in lower case, string by string; each is looked for once."""
        for needle in self._that_stand(needles):
            for at in self._where(needle):
                yield at, needle

    def matches(
        self,
        pattern: re.Pattern[str],
        needles: tuple[str, ...],
        price: int = 1,
        *,
        where: Callable[[int], bool] | None = None,
    ) -> Iterator[re.Match[str]]:
        """Return where a pattern matches the text from the place of a literal string on.

        A try has a price. Places where a rule can find nothing take none; those for which the text has no tries any more
        are `left`.
        """
        standing = self._that_stand(needles)
        return self._matched(pattern, standing, price, where) if standing else _NOWHERE

    def _matched(
        self, pattern: re.Pattern[str], standing: Sequence[str], price: int, where: Callable[[int], bool] | None
    ) -> Iterator[re.Match[str]]:
        match_at, text = pattern.match, self.text
        for needle in standing:
            for at in self._where(needle):
                if where is not None and not where(at):
                    continue
                if not self.tried(price):
                    return
                match = match_at(text, at)
                if match is not None:
                    yield match

    def each(
        self, needles: Needles, price: int = 1, *, whole: bool = True, where: Callable[[int], bool] | None = None
    ) -> Iterator[tuple[int, str]]:
        """Return where many literal strings stand in lower case, place by place, as long as the text has tries left.

        Places where a rule can find nothing take no try.
        """
        places = self.places_of(needles, whole=whole)
        return self._each(places, price, where) if places else _NOWHERE

    def _each(
        self, places: Sequence[tuple[int, tuple[str, ...]]], price: int, where: Callable[[int], bool] | None
    ) -> Iterator[tuple[int, str]]:
        for at, needle in ((at, needle) for at, standing in places for needle in standing):
            if where is not None and not where(at):
                continue
            if not self.tried(price):
                return
            yield at, needle

    def tried(self, price: int) -> bool:
        """Take a try; tell whether the text had one, or else its place is `left`."""
        self._tries -= price
        if self._tries >= 0:
            return True
        self.left = True
        return False

    def _that_stand(self, strings: tuple[str, ...]) -> Sequence[str]:
        """Return the lasting strings that stand anywhere, of most rules none."""
        kept, stand = self._automaton.kept.get(id(strings)), self._strings
        known = self._automaton.set_of(strings) if kept is None else kept[1]
        if known is None:
            return [one for one in strings if self._where(one)]
        return () if known.isdisjoint(stand) else [one for one in strings if one in stand]

    def _where(self, string: str) -> list[int]:
        """Return the places of a lasting string."""
        places = self._stood.get(string)
        if places is None:
            places = []
            if string not in self._automaton.words:
                self.rules.learn(strings=(string,))
                places = self._stood[string] = list(every(self.lower, string))
        return places

    def speaks(self, of: re.Pattern[str] | Cue) -> bool:
        """Tell whether a lasting pattern matches anywhere in the text in lower case."""
        spoken = self._spoken.get(id(of))  # its hash would be made of the whole expression, each time
        if spoken is None:
            begun = self._automaton.kept.get(id(of))
            silent = begun is not None and begun[1].isdisjoint(self._strings)
            spoken = self._spoken[id(of)] = not silent and self._said(of)
        return spoken

    def _said(self, of: re.Pattern[str] | Cue) -> bool:
        cue = of if isinstance(of, Cue) else _cue(of.pattern, of.flags)
        if not isinstance(cue, Cue):
            return cue.search(self.lower) is not None
        if not cue.parts[1]:
            self._automaton.set_of(cue.heads, of)
        return next(self._led(cue), None) is not None

    def _led(self, cue: Cue) -> Iterator[re.Match[str]]:
        """Yield where a cue matches the text in lower case, tried where a match can begin; matches may overlap."""
        lower, (led, loose) = self.lower, cue.parts
        for heads, _, whole in led if self._that_stand(cue.heads) else ():
            for head in self._that_stand(heads):
                for place in self._where(head):
                    found = whole.match(lower, place)
                    if found is not None:
                        yield found
        for one in loose:
            yield from one.finditer(lower)

    def each_of(self, cue: Cue) -> Iterator[re.Match[str]]:
        """Yield where a lasting cue, of one expression, matches the text in lower case, in order, apart."""
        led, loose = cue.parts
        if loose:
            yield from loose[0].finditer(self.lower)
            return
        match_at, last = led[0].whole.match, 0
        for place in sorted({at for at, _ in self.places(cue.heads)}):
            if place >= last and (found := match_at(self.lower, place)) is not None:
                yield found
                last = max(place + 1, found.end())

    def near(self, cues: tuple[Cue, ...], start: int, end: int) -> bool:
        """Tell whether any of lasting cues, each of one expression, begins between two places.

        They are looked for in the text once.
        """
        places = self._standing.get(id(cues))
        if places is None:
            places = self.begins(cues)
        return bool(places) and _any_between(places, start, end)

    def holds(self, held: Held, start: int, end: int) -> bool:
        """Tell whether expressions may match the words in lower case between two places, also those that are cut at the first."""
        places = self._standing.get(id(held))
        if places is None:
            places = self._hold(held)
        return _any_between(places, start, end) or start in self._cut[id(held)]

    def _hold(self, held: Held) -> list[int]:
        """Return where the text in lower case holds what one of expressions needs; keep where a cut makes it a word."""
        words, lower = {at for at, _ in self.places(held.words)}, self.lower
        cut = self._cut[id(held)] = {at for at in words if at and "a" <= lower[at - 1] <= "z"}
        places = self._standing[id(held)] = sorted({*words - cut, *(at for at, _ in self.places(held.parts))})
        return places

    def begins(self, cues: tuple[Cue, ...]) -> list[int]:
        """Return where lasting cues, each of one expression, begin in the text in lower case, in order."""
        places = self._standing.get(id(cues))
        if places is None:
            places = self._standing[id(cues)] = sorted(match.start() for cue in cues for match in self._led(cue))
        return places

    def wrote(self, needles: Needles, start: int, end: int) -> bool:
        """Tell whether any of needles stands between two places of the text as it is written."""
        places = self._standing.get(id(needles))
        if places is None:
            places = self._standing[id(needles)] = [at for at, _ in self.written(needles)]
        return _any_between(places, start, end)

    def named(self, words: tuple[str, ...], start: int, end: int) -> bool:
        """Tell whether any of lasting literal strings begins between two places in lower case.

        Rules that look before each of many findings ask here first: the strings are looked for in the text once.
        """
        places = self._standing.get(id(words))
        if places is None:
            places = self._standing[id(words)] = sorted(at for at, _ in self.places(words))
        return _any_between(places, start, end)

    @property
    def hasty(self) -> bool:
        """Whether so many words were asked about that others are judged by what they could be."""
        return self._asked > FEWEST_JUDGED + len(self.text) // CHARACTERS_FOR_ONE

    def likely(self, how: Callable[[str], bool], word: str) -> bool:
        """Tell the same, but of so many words only; of more a secret is likely that could be one at all."""
        verdict = self._verdicts.get((how, word))
        if verdict is None:
            self._asked += 1
            verdict = self._verdicts[how, word] = _COULD_BE.search(word) is not None if self.hasty else how(word)
        return verdict

    def looks(self, how: Callable[[str], bool], word: str) -> bool:
        """Tell what `how` says of a word, which is asked once for each word."""
        verdict = self._verdicts.get((how, word))
        if verdict is None:
            verdict = self._verdicts[how, word] = how(word)
        return verdict


def _any_between(places: list[int], start: int, end: int) -> bool:
    if not places:  # as of most words that rules ask about at each of many places
        return False
    first = bisect_left(places, start)
    return first < len(places) and places[first] < end
