"""Numbers that open something, in anybody's words: what leads to one, what it opens and what else it could be stand around it."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import chain, pairwise

from governance.guardrails.expressions import expression
from governance.guardrails.findings import Finding
from governance.guardrails.once import once
from governance.guardrails.reading import Reading
from governance.guardrails.secrets import looks
from governance.guardrails.secrets.opening_words import (
    LONGEST_WORD,
    OPENED,
    OPENED_WITHIN,
    REACH_BEFORE,
    REACH_BEHIND,
    SOUGHT,
    UNSPACED,
    Says,
    Word,
    Words,
)

_OPENED = Says.SURELY | Says.LOCKS | Says.CARRIERS
_NEAREST = Says.NAMES | Says.FIGURES | Says.TYPING | Says.LOCKS | Says.CARRIERS
_CODE = (
    r"\d{1,2}(?P<sign> ?[\-–·] ?)\d{1,2}(?:(?P=sign)\d{1,2}){1,5}"  # wheels, turns of a dial
    r"|\d(?:(?: |, )\d){3,7}|\d\d \d\d(?: \d\d?)?|\d{3,4}[ \-]\d{3,4}(?: \d{3})?"
    r"|[#*]?(?:[A-ZА-Я]\d{2,4}[A-ZА-Я]|[A-ZА-Я]{0,2}\d{3,12}|\d{3,8}[A-ZА-Я]{1,2}|\d{1,3}[A-ZА-Я]{1,2}\d{1,5})[#*]?"
)
_NUMBER = expression(rf"(?P<value>{_CODE})(?![^\W{UNSPACED}]|[/%€$£°_@=]|:(?!\s)|[.\-–']\d|,\d(?!\d?[{UNSPACED}])| \d)")
_BEGUN = r"[#*]?[A-ZА-Я]{0,2}\d(?:[ \-–·]{0,3}\d|, \d|[A-ZА-Я])"
# Where one may begin: its first sign, which is searched for fast, and then what stands around that.
_PLACE = expression(
    rf"[\d#*A-ZА-Я](?<![^\W{UNSPACED}].)(?:(?<![./+\-–#$€£%@&?<\\~^_].)(?<!\d[:,' ].)(?<!\d\) .)(?<!\w\[.)(?<!\b[xyzXYZ]=.)(?<![^\W{UNSPACED}]:.)|(?<=\b[A-Z]-.))"
    rf"(?<=(?={_BEGUN}).)"
)
_ANY = expression(r"\d[\d \-–·]?\d")
# The end of a text that may still be such a number, or be told by what follows.
TAIL = (
    rf"(?<![^\W{UNSPACED}])(?:{_BEGUN}{{2,15}}[#*]?(?:[^\w\n.;!?]+[^\n.;!?\d]{{0,{REACH_BEHIND + 12}}})?[.;!?]?"
    rf"|{_BEGUN}{{0,15}}[ \-–·,]{{0,3}})"
)
# A table's column for codes.
_COLUMN = expression(
    r"(?<![a-z])(?:[a-z]{0,14}codes?|pins?|combinations?|kombination|combinaison|códigos?|codic[ei]|kod|kod[ey]|koden|kód|koodi|код)(?![a-z])"
)
ENOUGH = 1.72


def find(reading: Reading) -> Iterator[Finding]:
    """Yield the numbers of a folded text that open a door, a device or an account."""
    if not reading.speaks(_ANY):
        return
    judged = _Judged(reading)
    for match in _numbers(reading.text):
        if judged.opens(match):
            yield Finding("pin", *match.span("value"), 0.7)


def _numbers(text: str) -> Iterator[re.Match[str]]:
    last = 0  # where the one before ended
    for place in _PLACE.finditer(text):
        match = _NUMBER.match(text, place.start()) if place.start() >= last else None
        if match is not None:
            last = match.end("value")
            yield match


class _Judged:
    """Judges a number once among the same words, whichever digits it has."""

    def __init__(self, reading: Reading) -> None:
        self._reading, self._text, self._lower = reading, reading.text, reading.lower
        # One word has a digit that says something: where it stands no digit is like another.
        self._alike = reading.text if _WORD_WITH_DIGIT in reading.lower else reading.levelled
        self._words, self._care = Words(reading.lower), reading.care("opening")
        self._cells = {cell.start for cell in reading.tables.cells(_COLUMN)}
        self._known: dict[tuple[object, ...], bool] = {}
        self._among: dict[tuple[object, ...], bool] = {}

    def opens(self, number: re.Match[str]) -> bool:
        """Tell whether a number opens something; numbers must come in their order.

        Of a text with so many among words of their own that may, each that is left is taken to do so.
        """
        if self._care.spent:
            return True
        start, end = number.span("value")
        if not self._could(start, end) or self._words.called_other(start):
            return False
        value, first = number["value"], max(0, start - REACH_BEFORE - LONGEST_WORD)
        among = self._alike[first : end + REACH_BEHIND + LONGEST_WORD]
        key = among, start - first, end - start, start in self._cells, _kind(value)
        verdict = self._known.get(key)
        if verdict is None:
            verdict = self._known[key] = self._words.speak(start, end) and self._scored(value, start, end)
        return verdict and not _counts_up(value) and not _SIGNS_WITH.fullmatch(value)

    def _could(self, start: int, end: int) -> bool:
        """Tell whether a word stands near a number that names what opens or is opened; else nothing is read around it."""
        if start in self._cells:
            return True
        first = bisect_left(self._opened, start - REACH_BEFORE)
        return first < len(self._opened) and self._opened[first] < end + REACH_BEHIND + LONGEST_WORD

    @once
    def _opened(self) -> list[int]:
        """Where such words stand, or what is in such a word."""
        lower, places = self._lower, self._reading.places
        whole = (
            at
            for at, word in places(OPENED)
            if not (lower[at - 1 : at].isalpha() or lower[at + len(word) : at + len(word) + 1].isalpha())
        )
        return sorted(chain(whole, (at for at, _ in places(OPENED_WITHIN))))

    def _scored(self, value: str, start: int, end: int) -> bool:
        """Tell whether the words around let a number open something; it is asked once for words that say the same."""
        before, behind = self._words.around(start, end)
        if value[0] == "#" and not (before and before[0].says & _LEADS_TO_KEYS):  # the number of a ticket
            return False
        named = start in self._cells
        spaced = bool(behind) and (behind[0].start == end or (behind[0].start == end + 1 and self._lower[end] == " "))
        said = _said(before), _said(behind)
        plural = bool(behind) and behind[0].plural
        sign = bool(behind) and behind[0].end - behind[0].start == 1
        key = (self._alike[start:end], _kind(value), named, *said, spaced, sign, plural, _of_several(before))
        opens = self._among.get(key)
        if opens is None:
            opens = _could_open(said, value, named=named)
            if opens and self._care.taken():
                opens = _Around((before, behind), value, spaced=spaced, named=named).score >= ENOUGH
            self._among[key] = opens
        return opens


def _said(words: list[Word]) -> tuple[int, ...]:
    return tuple([word.says for word in words])


def _of_several(before: list[Word]) -> bool:
    """Tell whether the word before a number is the last of several that name what is opened."""
    if len(before) < FEWEST_OF_NAME:
        return False
    last, first = before[:FEWEST_OF_NAME]
    return (
        last.says & Says.FURTHER != 0
        and last.start - first.end == 1
        and first.says & (Says.LOCKS | Says.NUMBERED) == Says.LOCKS
    )


def _could_open(said: Iterable[Iterable[int]], value: str, *, named: bool) -> bool:
    """Tell whether what the words around a number say together may be enough, in any order."""
    says = Says.NAMES if named else 0
    for word in chain.from_iterable(said):
        says |= word
    if says & Says.NAMES:
        return says & (_OPENED | Says.OPENING | Says.SETTING | Says.OWNERS) != 0 or not value.isalnum()
    return says & Says.LOCKS != 0 or (says & Says.CARRIERS != 0 and says & Says.OPENING != 0)


_WORD_WITH_DIGIT = "2fa"


def _kind(value: str) -> tuple[bool, ...]:
    """Return all that tells apart numbers of the same form."""
    return (
        value[0] == "0",
        value.endswith("00"),
        looks.YEAR.match(value) is not None,
        _TIME.fullmatch(value) is not None,
    )


_LEADS_TO_KEYS = Says.TYPING | Says.NAMES | Says.SAID | Says.BY
_SIGNS_WITH = expression(r"[RHEP]S(?:256|384|512)")  # what tokens are signed with


def _counts_up(value: str) -> bool:
    """Tell whether digits with signs between are a count: 1 2 3 4."""
    parts = [int(part) for part in _PART.findall(value)]
    return len(parts) >= FEWEST_WHEELS and len({second - first for first, second in pairwise(parts)}) == 1


class _Around:
    """What the words around a number say together. What is written nearest counts most."""

    def __init__(self, words: tuple[list[Word], list[Word]], value: str, *, spaced: bool, named: bool = False) -> None:
        """Take the words before and behind a number.

        `spaced`: a blank at most parts it from the word behind. `named`: the column of a table where it stands is for codes.
        """
        self._before, self._behind = words
        self._value, self._spaced = value, spaced
        self._said = self._asked = self._alone = self._owned = False
        self._crossed = 0  # other numbers between
        self._content = self._lines = 0  # words of their own, and ends of sentences, between
        self._led = dict.fromkeys(_WEIGHTS, 0.0)
        self._against = 0.0
        if named:
            self._said, self._led[Says.NAMES] = True, _WEIGHTS[Says.NAMES]

    @property
    def score(self) -> float:
        """How surely the number opens something; below 0 if it is called something else."""
        if self._is_other() or self._goes_on():
            return -1.0
        led = self._led
        named = max(led[Says.NAMES], led[Says.FIGURES])
        lead = max(named, led[Says.TYPING], led[Says.BY], led[Says.SETTING])
        lead += 0.2 * (sum(1 for way in _WAYS if led[way]) - 1) + led[Says.SURELY] if lead else 0.0
        what = self._what()
        if not what and not led[Says.SURELY]:
            return 0.0
        score = lead + what + led[Says.OPENING] + (led[Says.PARTICLES] if led[Says.LOCKS] else 0.0) + self._form()
        score += 0.3 * self._said + 0.5 * self._asked + 0.35 * self._by_itself()
        score += 0.6 * (self._alone and not named and (self._said or self._wheels()))
        score += 0.25 * self._typed()
        score += 0.2 * bool(not lead and self._said and led[Says.OPENING] >= _NEAR_OPENING)  # "unlock my phone: 2580"
        score += 0.8 * (self._beside and not named and not self._said)
        return score - self._against

    @property
    def _beside(self) -> bool:
        """Tell whether the number stands right behind what it opens, and nothing goes on with it."""
        if looks.YEAR.match(self._value):
            return False
        sign = self._behind and self._behind[0].says & Says.JOINING and self._behind[0].end - self._behind[0].start == 1
        ends = not self._behind or not self._spaced or sign or self._behind[0].says & Says.ENDS
        locked = self._before and self._before[0].says & (Says.LOCKS | Says.NUMBERED) == Says.LOCKS
        return bool(ends and (locked or _of_several(self._before)))

    def _by_itself(self) -> bool:
        """Tell whether the number is a sentence or a line."""
        ends = not self._behind or self._behind[0].says & Says.ENDS
        return bool(ends and self._before and self._before[0].says & Says.ENDS)

    def _what(self) -> float:
        """How surely the words speak of what is opened, or of a code that is set."""
        led = self._led
        if led[Says.NAMES]:
            form = 0.5 * (self._wheels() or _GROUPS.fullmatch(self._value) is not None)
            opening = led[Says.OPENING] if led[Says.OPENING] >= _NEAR_OPENING else 0.0
            return max(led[Says.LOCKS], led[Says.CARRIERS], opening, led[Says.SETTING], form)
        return max(led[Says.LOCKS], led[Says.CARRIERS] if led[Says.OPENING] else 0.0)

    def _wheels(self) -> bool:
        """Tell whether the number stands as wheels and dials do."""
        return not self._value.isalnum() and len(_PART.findall(self._value)) >= FEWEST_WHEELS

    def _is_other(self) -> bool:
        """Read what stands before, the nearest first; tell whether it calls the number something else."""
        nearest = beside = True
        of = 0  # what the word behind says
        for index, word in enumerate(self._before):
            says = word.says
            if says & Says.ENDS:
                self._lines += not of & Says.ENDS
                self._asked |= bool(says & Says.ASKS) and self._content <= FEW
                if self._lines > MOST_LINES:
                    break
            elif says & Says.NUMBER:
                self._crossed += 1
                if self._crossed > MOST_CROSSED:
                    break
            elif says & SOUGHT:
                if nearest and self._content == 0 and self._calls_other(says, index):
                    return True
                self._take(says)
                self._said |= beside and bool(says & Says.SURELY) and self._plain()
                if says & Says.NAMES and self._said and not self._content and self._is_owned(index):
                    self._led[Says.SURELY] = _WEIGHTS[Says.SURELY]
                nearest = nearest and not says & _NEAREST
            elif says & Says.SAID:
                self._said |= self._content == 0 and self._lines <= 1 and not self._crossed
            elif index == 0 and (says & Says.COUNTING or (says & Says.HOURS and self._dated())):
                return True
            elif says & (Says.OTHERS | Says.MEASURES):
                if not self._amounts(says, index, of) and (
                    of & (Says.NAMES | Says.FIGURES) or (nearest and not self._content and not self._crossed)
                ):
                    return True
                self._against += self._denies(index, of)
                self._content += 1
            elif not says & (Says.JOINING | Says.COUNTING):
                self._content += 1
                self._against += 0.35 * (index == 0)
            beside = beside and bool(says & (Says.FURTHER | Says.OWNERS))
            of = says
        return self._owned

    def _is_owned(self, index: int) -> bool:
        """Tell whether a name is somebody's and alone of its kind, as in "your code: 482913"."""
        owner = self._before[index + 1].says if index + 1 < len(self._before) else 0
        return owner & Says.OWNERS != 0 and self._value.isdigit() and len(self._value) == DIGITS_SENT

    def _amounts(self, says: int, index: int, of: int) -> bool:
        """Tell whether a unit belongs to an amount of its own, after which a verb says what the number is."""
        before = self._before[index + 1].says if index + 1 < len(self._before) else 0
        return bool(says & Says.MEASURES and of & Says.SAID and before & Says.NUMBER)

    def _plain(self) -> bool:
        """Tell whether a name right beside the number is enough: not of two long groups, nor among a board's pins."""
        grouped = " " in self._value and _GROUPS.fullmatch(self._value) is None
        return not grouped and not self._on_a_board

    @once
    def _on_a_board(self) -> bool:
        """Whether pins of a board are spoken of."""
        return any(word.says & Says.BOARDS for words in (self._before, self._behind) for word in words)

    def _dated(self) -> bool:
        return _TIME.fullmatch(self._value) is not None or looks.YEAR.match(self._value) is not None

    def _denies(self, index: int, of: int) -> float:
        """How much a word further away speaks against the number, that says what another thing is."""
        before = self._before[index + 1].says if index + 1 < len(self._before) else 0
        if before & Says.NAMES:  # the code of another thing, the state of one
            return 1.2
        if of & Says.LOCKS and self._before[index].says & Says.NUMBERED:  # a room's door
            return 0.0
        if (of | before) & Says.NUMBER:  # it says that of another number
            return 0.0
        return 0.4 if self._crossed or self._lines else 0.6

    def _calls_other(self, says: int, index: int) -> bool:
        """Tell whether the nearest word calls the number something else, or numbers what it means itself."""
        if says & Says.NAMES and says & Says.OTHERS and not says & Says.SURELY:
            return True
        if says & Says.NAMES or self._crossed:
            return False
        self._owned = index == 0 and bool(says & Says.CARRIERS) and not says & Says.LOCKS
        return bool(says & Says.OTHERS) or (index == 0 and bool(says & (Says.NUMBERED | Says.COUNTING)))

    def _take(self, says: int) -> None:
        near = self._lines == 0 and self._content <= 1 and not self._crossed
        weight = 1.0 - 0.05 * self._content if near else _NEARNESS[self._lines] - 0.15 * (self._content > FEW)
        self._said |= bool(says & Says.SAID) and near
        self._owned &= not (says & Says.NAMES and self._content <= 1)
        self._alone |= near and bool(says & Says.LOCKS) and not says & Says.NUMBERED
        for one, most in _weighed(says):
            if one != Says.BY or not (self._content or self._lines):
                self._led[one] = max(self._led[one], weight * most)

    def _goes_on(self) -> bool:
        """Read what stands behind; tell whether the number counts or measures what follows."""
        said = parted = new_clause = False
        asked = any(word.says & Says.ASKS for word in self._behind) and looks.YEAR.match(self._value) is not None
        content = owner = 0
        for index, word in enumerate(self._behind):
            says = word.says
            if says & (Says.ENDS | Says.NUMBER):
                break
            first = index == 0 and self._spaced
            if first and not says & SOUGHT and says & (Says.MEASURES | Says.UNITS | Says.OTHERS):
                return True
            if first and (not says or (says & Says.COUNTING and not self._typed())) and self._value[-1] not in "#*":
                self._against += (
                    1.2 if says or self._behind[0].plural else 0.8 if looks.YEAR.match(self._value) else 0.5
                )
            said |= (first or parted) and bool(says & Says.SAID) and not asked
            parted = (parted and says & Says.JOINING != 0) or (
                index == 0 and self._spaced and self._is_comma(word)
            )  # "4471, that's the code"
            if said and index <= FEW and says & (Says.OTHERS | Says.MEASURES):
                return True
            if says & SOUGHT and (says & Says.NAMES or not says & Says.OTHERS):
                own = Says.SURELY if owner and says & Says.NAMES and self._is_whole(index) else 0
                self._take_behind(says | own, index, said=said, weight=0.93 - 0.15 * max(0, content - 1))
            elif says & Says.OTHERS and not self._led[Says.SURELY]:
                self._against += 0.3 if new_clause else 0.6
            new_clause |= index > 0 and self._is_comma(word)
            content += not says
            owner = says & Says.OWNERS
        return False

    @staticmethod
    def _is_comma(word: Word) -> bool:
        return bool(word.says & Says.JOINING) and word.end - word.start == 1

    def _typed(self) -> bool:
        """Tell whether what somebody does with the keys stands right before: a date may follow, up to which that is so."""
        return bool(self._before) and bool(self._before[0].says & Says.TYPING)

    def _is_whole(self, index: int) -> bool:
        """Tell whether a name behind is all of it, as in "is your code", not in "your code base" or "your code as a customer"."""
        name, *after = self._behind[index : index + 3]
        counted = any(word.says & Says.COUNTING for word in (name, *after))
        return not counted and (not after or bool(after[0].says))

    def _take_behind(self, says: int, index: int, *, said: bool, weight: float) -> None:
        led = self._led
        if says & Says.NAMES and (said or led[Says.BY]):
            led[Says.NAMES] = max(led[Says.NAMES], 1.2)
            self._said |= said
            if said and says & Says.SURELY and looks.YEAR.match(self._value) is None:
                led[Says.SURELY] = _WEIGHTS[Says.SURELY]
        if says & Says.TYPING and index <= FEW:
            led[Says.TYPING] = max(led[Says.TYPING], 1.0)
        if says & Says.OPENING and index == 0 and self._spaced:  # "4471 opens the gate"
            led[Says.BY] = max(led[Says.BY], 0.5)
        for one in (Says.LOCKS, Says.CARRIERS, Says.OPENING, Says.PARTICLES, Says.SETTING):
            if says & one:
                led[one] = max(led[one], (weight if index else 0.9) * _WEIGHTS[one])

    def _form(self) -> float:
        """How much the number looks like a code."""
        value = self._value
        digits = sum(map(str.isdigit, value))
        written = len(value) if value[0].isalpha() and value[-1].isalpha() else digits
        score = 0.9 if value[-1] in "#*" or value[0] in "#*" else 0.0
        score += (
            0.3 * (value[0] == "0")
            + 0.3 * (value[-1].isalpha() or (value[0].isalpha() and digits > 3))
            + 0.3 * self._wheels()
        )
        if (
            looks.YEAR.match(value)
            and not self._led[Says.SURELY]
            and not (self._led[Says.NAMES] and self._led[Says.CARRIERS])
        ):
            score -= 0.3
        if written < USUAL_DIGITS[0]:
            score -= 0.28 if self._opened_by() else 0.5 if self._said and self._led[Says.LOCKS] else 0.8
        score -= 1.2 * (digits > USUAL_DIGITS[1] and not self._right_behind())
        score -= 1.2 * (digits > MOST_DIGITS and not self._led[Says.CARRIERS])
        return score - 0.5 * value.endswith("00")

    def _opened_by(self) -> bool:
        """Tell whether a lock is said to open by the number: many have three wheels."""
        by, *further = self._before[:3] or [Word(0, 0, 0)]
        opening = any(word.says & Says.OPENING for word in further)
        ends = bool(self._behind) and self._behind[0].says & Says.PARTICLES
        return bool(by.says & Says.BY and self._led[Says.LOCKS] and (opening or ends))

    def _right_behind(self) -> bool:
        named = next((word for word in self._before if not word.says & (Says.SAID | Says.JOINING)), None)
        return named is not None and bool(named.says & Says.NAMES)


_WAYS = (Says.NAMES, Says.FIGURES, Says.TYPING, Says.BY, Says.SETTING)
_WEIGHTS = {
    Says.NAMES: 1.2,
    Says.FIGURES: 0.8,
    Says.SURELY: 0.5,
    Says.TYPING: 1.0,
    Says.BY: 0.7,
    Says.OPENING: 0.5,
    Says.PARTICLES: 0.4,
    Says.SETTING: 0.7,
    Says.LOCKS: 1.0,
    Says.CARRIERS: 0.9,
}


@cache
def _weighed(says: int) -> tuple[tuple[int, float], ...]:
    return tuple((one, most) for one, most in _WEIGHTS.items() if says & one)


_NEARNESS = (0.9, 0.6, 0.45)  # by the ends of sentences between
FEWEST_OF_NAME = 2  # words: "key safe"
DIGITS_SENT = 6  # of a code that is sent, as most are
FEW, MOST_LINES, MOST_CROSSED, FEWEST_WHEELS, USUAL_DIGITS, MOST_DIGITS = 4, 2, 5, 3, (4, 8), 10
_NEAR_OPENING = 0.46
_PART, _GROUPS, _TIME = (
    expression(r"\d+"),
    expression(r"\d{3}[ \-]\d{3}"),
    expression(r"(?:[01]\d|2[0-3])[0-5][05]"),
)
