"""Telephone numbers: written forms find candidates, the words around and the numbering plans decide."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import TypeAlias

import phonenumbers

from governance.guardrails.expressions import expression
from governance.guardrails.findings import Finding
from governance.guardrails.needles import zones
from governance.guardrails.once import once
from governance.guardrails.pii import examples, lines, phone_words
from governance.guardrails.pii.phone_words import Words, digits_of
from governance.guardrails.reading import Reading

WHOSE_FOR_A_LOOK = 2  # numbers whose owner is asked for, which takes a part of the time of a look at words
MOST_LOOKUPS = 100  # of numbering plans in one text; beyond, a number counts if its shape does
_REGIONS = ("GB", "DE", "FR", "IT", "AU", "NL", "BE", "CH", "AT", "JP", "ZA", "IE", "SE", "TR", "IN", "BR", "KR", "CN")
_BARE_REGIONS = (
    "US",
    "CN",
    "IN",
    "ES",
    "BR",
    "PL",
    "MX",
    "SG",
    "NO",
    "DK",
    "PT",
    "RU",
    "IT",
    "GR",
    "CZ",
    "AR",
    "CO",
    "CL",
    "PE",
)

_EXTENSION = r"(?:,? ?(?:x|ext\.?|extension) ?\d{1,6})?(?![0-9A-Za-z]|-[A-Z](?![a-z]))"
# What stands before a number, told behind its first sign: that is searched for fast.
_STARTED, _STARTED_APART = r"(?<![0-9A-Za-z_].)(?<!\d[.,].)", r"(?<![0-9A-Za-z_].)(?<!\d[.,].)(?<![\-/].)"
_PLUS = expression(
    r"[+%0](?<![0-9A-Za-z_].)(?:(?<=\+)|(?<=%)2[Bb]|(?<=0)(?<!\d[ \-].)(?<![A-Z]-.)0(?=[1-9]))[ ]?(\(?\d(?:[ .\-/()]{0,3}\d){6,14})"
    + _EXTENSION
)
_AREA = r"(?:\(\d{3}\)[ .\-]?|\d{3}[ .\-])"
_AMERICAN = expression(
    rf"([+(\d]{_STARTED_APART}(?:(?:(?<=\+)1|(?<=0)01|(?<=1))[ .\-]?{_AREA}|(?<=\()\d{{3}}\)[ .\-]?|(?<=\d)\d\d[ .\-]))"
    r"(\d{3}[ .\-]\d{4})(?![ .\-/]?\d{3}|-\d)" + _EXTENSION
)
_GROUPS = r"\)?(?:[ .\-/]{1,3}\d{2,8}){1,5}"
_TRUNK = expression(rf"[(0]{_STARTED_APART}(?:(?<=\()0|(?<=0))\d{{1,5}}{_GROUPS}{_EXTENSION}")
_LOOSE = expression(
    rf"[(\d]{_STARTED}(?:(?<![\-/].)|(?<= [\-/].))"
    rf"(?:(?<=\d)\d{{6,14}}|(?:(?<=\()\d{{2,5}}|(?<=\d)\d{{1,4}}){_GROUPS}){_EXTENSION}"
)
_BRAZILIAN = expression(rf"\({_STARTED}" + r"\d\d\) ?9?\d{4}[\- ]\d{4}" + _EXTENSION)
_RUSSIAN = expression(rf"8{_STARTED}" + r"[ \-(]{1,2}[3-9]\d{2}[) \-]{1,2}\d{3}[ \-]?\d\d[ \-]?\d\d" + _EXTENSION)
_COLUMN = expression(
    r"(?<![a-z])(?:phone|mobile|tel|telephone|cell|telefon\w*|handy\w*|m[óo]vil|tel[ée]fono|t[ée]l[ée]phone|celular|telefone|"
    r"whatsapp|msisdn|phone[_ ]?\w{0,6})(?![a-z])|телефон|电话|手机|電話|전화"
)
_DATE = expression(
    r"(?:19|20)\d\d[-/. ][01]?\d[-/. ][0-3]?\d(?: \d\d)?|\d{1,2}[-/.]\d{1,2}[-/.](?:\d{4}|\d\d)|(?:19|20)\d\d ?[-/] ?(?:19|20)\d\d|"
    r"\d{1,3}(?:\.\d{1,3}){3}|\d{3}-\d\d-\d{4}"
)
_LINK = expression(
    r"(?:\bwa\.me/|\b(?:tel|sms|callto):|[?&](?:phone|tel|mobile|msisdn|to)=|\b(?:msisdn|wa_?id|calling_?number|called_?number|caller_?id|cli|ani|[ab]_?party|from_number|to_number|phone_?number)[\"']?\s?[=:]\s?[\"']?|(?<![a-z])(?:cell|mob(?:ile)?|tel|phone?|handy)(?=\d{10,12}(?!\d)))(?:\+|%2B|00)?(?P<number>0?[1-9]\d(?:[-. ]?\d){6,13})(?!\w)",
    re.IGNORECASE,
)
# What stands in every such link, and how far behind its begin: a look for it takes a fraction of the time.
AHEAD_OF_LINKED = 2
_IN_LINKS = (
    "phon", "tel", "cell", "mob", "handy", "wa.me/", "sms:", "callto:", "to=", "msisdn", "wa_id", "waid", "calling", "called", "caller", "cli", "ani", "party", "to_number", "tonumber", "from_number", "fromnumber",
)  # fmt: skip
_NOT_LINKED = expression(
    r"phon(?!e?[=_n\d])|tel(?![:=\d])|cell(?!\d)|mob(?!ile[=\d]|\d)|handy(?!\d)"
)  # the first of these as words for themselves


def find(reading: Reading) -> Iterator[Finding]:
    """Yield the telephone numbers of a folded text."""
    of_an_office: Callable[[int], bool] | None = None
    for finding in _written(reading):
        of_an_office = of_an_office or lines.in_tables(reading)
        if not of_an_office(finding.start):
            yield finding


def _written(reading: Reading) -> Iterator[Finding]:
    text, parts = reading.text, zones(_RUN, reading.text, REACH_BEFORE, REACH_AFTER)
    if parts:
        yield from _in_runs(reading, parts)
    for cell in reading.tables.cells(_COLUMN):
        written = text[cell.start : cell.end]
        if _CELL.fullmatch(written) and 7 <= len(digits_of(written)) <= 15:
            yield Finding("phone", cell.start, cell.end, 0.85)


def _in_runs(reading: Reading, parts: list[tuple[int, int]]) -> Iterator[Finding]:
    """Yield the numbers around runs of digits."""
    text = reading.text
    plans = _Plans()
    ends: set[int] = set()
    judged, nobodys = _Judged(reading, plans), _Nobodys(reading)
    for match in _anywhere(_PLUS, text, parts if _holds(text, _ABROAD) else []):
        end = match.end() if plans.spent and _BELIEVED.match(match[0]) else judged.end(match)
        if end > 0 and not nobodys.has(match.start(), end):
            ends.add(end)
            yield Finding("phone", match.start(), end, 0.95)
    for pattern, signs, judge, score in _NATIONAL:
        if not _holds(text, signs):
            continue
        for match in _anywhere(pattern, text, parts if pattern is not _LOOSE else judged.spoken(parts)):
            if match.end() not in ends and judged.by(judge, match) and not nobodys.has(*match.span()):
                ends.add(match.end())
                yield Finding("phone", *match.span(), score)
    for match in _links(reading):
        if match.end() not in ends:
            ends.add(match.end())
            yield Finding("phone", *match.span("number"), 0.9)


# Digits enough for a telephone number, and how far around them what begins and ends one may stand.
_RUN = expression(r"\d(?:[ .\-/()]{0,4}\d){6,}+")
REACH_BEFORE, REACH_AFTER = 16, 32


def _holds(text: str, signs: tuple[str, ...]) -> bool:
    """Tell whether a text holds a sign without which a form isn't written."""
    return any(sign in text for sign in signs)


def _anywhere(pattern: re.Pattern[str], text: str, parts: list[tuple[int, int]]) -> Iterator[re.Match[str]]:
    for start, end in parts:
        yield from pattern.finditer(text, start, end)


def _links(reading: Reading) -> Iterator[re.Match[str]]:
    """Yield the numbers in links and beside names of fields, tried where one can begin."""
    text, lower = reading.text, reading.lower
    for place in sorted({at for at, _ in reading.places(_IN_LINKS)}):
        if _NOT_LINKED.match(lower, place) is not None:
            continue
        tried = (_LINK.match(text, at) for at in range(max(0, place - AHEAD_OF_LINKED), place + 1))
        if (match := next(filter(None, tried), None)) is not None:
            yield match


_CELL = expression(r"[+(]{0,2}\d[\d ().\-/]{5,22}")


_Judge: TypeAlias = Callable[["Words", re.Match[str], "_Plans"], bool]


class _Plans:
    """Asks the library about numbering plans, a bounded number of times for one text."""

    def __init__(self) -> None:
        self.left = MOST_LOOKUPS

    @property
    def spent(self) -> bool:
        """Whether none is left."""
        return self.left < 0

    def possible(self, digits: str) -> bool:
        self.left -= 1
        return self.left < 0 or _possible(digits)

    def grouped(self, written: str) -> bool:
        """Tell whether some country writes a number in these groups, each joined to the next by a hyphen."""
        self.left -= 1
        return self.left < 0 or _grouped(written)

    def valid(self, digits: str, regions: tuple[str, ...]) -> bool:
        self.left -= 1
        return self.left < 0 or _valid_in(digits, regions)


class _Judged:
    """Judges each number once among the same words."""

    def __init__(self, reading: Reading, plans: _Plans) -> None:
        self._reading, self._text, self._plans = reading, reading.levelled, plans
        self._known: dict[tuple[int, int, str], Words] = {}
        self._care = reading.care("phones")

    def spoken(self, parts: list[tuple[int, int]]) -> list[tuple[int, int]]:
        """Return the parts of the text whose numbers stand among any words."""
        return [part for part in parts if phone_words.spoken(self._text, *part)]

    def by(self, judge: _Judge, match: re.Match[str]) -> bool:
        """Tell whether somebody takes it for a telephone's."""
        if judge is _loose and self._reading.told(match.start()) >= match.end():
            return False
        if judge is _loose and not phone_words.could_tell(self._reading, *match.span()):
            return False
        words = self._around(match)
        if judge is _loose and not words.telling:
            return False
        key = judge, match[0]
        verdict = words.judged.get(key)
        if verdict is None:
            verdict = words.judged[key] = judge(words, match, self._plans)
        return verdict

    def end(self, match: re.Match[str]) -> int:
        """Return where an international number ends, or -1."""
        words, written = self._around(match), match[0]
        length = words.ends.get(written)
        if length is None:
            length = words.ends[written] = _international_end(words, match, self._plans) - match.start()
        return match.start() + length if length > 0 else -1

    def _around(self, match: re.Match[str]) -> Words:
        start, end = match.span()
        first = max(0, start - phone_words.BEFORE)
        key = start - first, end - start, self._text[first : end + phone_words.AFTER]
        words = self._known.get(key)
        if words is None:
            words = Words(self._reading, start, end)
            if words.silent or self._care.taken():
                self._known[key] = words
            else:
                words.suspect()
        return words


@lru_cache(maxsize=2048)
def _possible(digits: str) -> bool:
    try:
        return phonenumbers.is_possible_number(phonenumbers.parse("+" + digits))
    except phonenumbers.NumberParseException:
        return False


@lru_cache(maxsize=2048)
def _valid_in(digits: str, regions: tuple[str, ...]) -> bool:
    for region in regions:
        try:
            if phonenumbers.is_valid_number(phonenumbers.parse(digits, region)):
                return True
        except phonenumbers.NumberParseException:
            continue
    return False


@lru_cache(maxsize=2048)
def _grouped(written: str) -> bool:
    groups = _GROUP.findall(written)
    for region in _REGIONS:
        try:
            number = phonenumbers.parse(written, region)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(number):
            usual = _GROUP.findall(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL))
            if groups == usual or all(len(group) >= FEWEST_IN_GROUP for group in groups[1:]):
                return True
    return False


_GROUP, FEWEST_IN_GROUP = expression(r"\d+"), 3
_PARTED = expression(r"\(?\d{2,5}\)?(?:-\d{2,8}){2,5}")


# Of America, whose numbers have an area behind the country's code.
_AREALESS, LONGEST_CODE, LONGEST_AREALESS = expression(r"\+1[ .\-]?\d{3}[ .\-]?\d{4}\Z"), 3, 8  # digits, with the code


class _Nobodys:
    """Tells which numbers are lines for everybody, measures, or printed for trying."""

    def __init__(self, reading: Reading) -> None:
        self._reading, self._text = reading, reading.text
        self._whose = reading.care("whose", WHOSE_FOR_A_LOOK)

    def has(self, start: int, end: int) -> bool:
        """Tell whether the number between two places is one of them."""
        if self._whose.spent:  # of so many some are somebody's
            return False
        text, reading = self._text, self._reading
        written = digits_of(text[start:end]).removeprefix("00")
        if (
            lines.free(written)
            or written.endswith(_BLANK)
            or (len(written) >= LONGEST_COUNTED and written in _COUNTED)
            or (len(written) <= LONGEST_AREALESS and _AREALESS.search(text, max(0, start - LONGEST_CODE), end))
            or lines.of_a_switchboard(text, start, end)
            or self._measured(start, end)
        ):
            return True
        self._whose.taken()
        return (
            examples.tested(reading, start)
            or lines.of_all(reading, start, end)
            or examples.printed(reading, start, end, written)
        )

    def _measured(self, start: int, end: int) -> bool:
        """Tell whether a number is a decimal one in a row of such, or what a device says of where it is."""
        text = self._text
        if (
            text.find(".", start, end) >= 0
            and _DECIMAL_ALONE.fullmatch(text, start, end)
            and (_CELL_BEFORE.search(text, max(0, start - 2), start) or _CELL_AFTER.match(text, end))
        ):
            return True
        return _MEASURED.match(text, end) is not None or (self._located and self._in_a_sentence(start))

    @once
    def _located(self) -> bool:
        """Whether a receiver of satellites speaks anywhere."""
        return _OF_A_RECEIVER.search(self._text) is not None

    def _in_a_sentence(self, start: int) -> bool:
        line = self._text.rfind("\n", max(0, start - LONGEST_SENTENCE), start) + 1
        return _SENTENCE.match(self._text, line, start) is not None


# The last group of a price, with a comma, or a unit.
_MEASURED = expression(
    r",\d\d(?=[;\s]|\.?\Z)(?! \d\d)"
    r"| ?(?:pp[mb]|[kMG]?Wh|[kMG]?Hz|rpm|[hkM]?Pa|m?bar|[mµkn]g|[mµkcn]m|k?m²|m³|lux|[mµn]s|[kMG]B|bytes|pcs|Stk|€|EUR|USD|°C?)(?=[^\w²³])"
)
_DECIMAL_ALONE = expression(r"[+\-]?\d{4,7}\.\d{2,8}")
_CELL_BEFORE, _CELL_AFTER = expression(r"\d,\Z|[NSEW],\Z"), expression(r",(?:[\dNSEW\-+,]|\n)")
_OF_A_RECEIVER = expression(r"[$!](?:G[A-Z]|BD|AI|P[A-Z])[A-Z]{2,4},")
_SENTENCE, LONGEST_SENTENCE = expression(rf"[^\n]{{0,40}}?{_OF_A_RECEIVER.pattern}"), 120
_BLANK = "0000000"  # what forms show before a number is filled in
_COUNTED, LONGEST_COUNTED = "01234567890123456789", 9  # digits in their order are nobody's
SHORTEST_ABROAD = 10
_BELIEVED = expression(r"\+(?! ?\(?\d{1,3}\.\d{4})")  # how a number begins that is no degree of latitude
_DECIMAL = expression(r"\d{1,3}\.\d{4,}(?: \d{1,3}\.\d+)?")  # degrees of latitude


def _international_end(words: Words, match: re.Match[str], plans: _Plans) -> int:
    """Return where an international number ends, without number groups that follow it, or -1."""
    number, end = match[1], match.end()
    if _DECIMAL.fullmatch(number) and not words.claimed:
        return -1
    if match[0].startswith("00") and _NOT_A_NUMBER.match(match[0]):
        return -1
    if match[0].startswith("00") and not words.claimed:
        plain = " " not in number and "-" not in number
        if plain or len(digits_of(number)) < SHORTEST_ABROAD or words.denied or words.thing:
            return -1
    for _ in range(4):
        digits = digits_of(number.replace("(0)", ""))
        if len(digits) < 7:
            return -1
        if plans.possible(digits) or (match[0][0] == "+" and len(digits) >= SHORTEST_ABROAD and words.claimed):
            return end
        number = re.sub(r"[ .\-/()]+\d+$", "", number)
        end = match.start(1) + len(number)
    return -1


def _american(words: Words, match: re.Match[str], _plans: _Plans) -> bool:
    prefix, local = match.groups()
    area = digits_of(prefix)[-3:]
    if len(set(area + local[:3] + local[4:])) == 1 or _NOT_A_NUMBER.match(match[0]) or words.denied:
        return False
    if words.another:
        return False
    return area != NO_AREA and ((area[0] > "1" and local[0] > "1") or words.claimed)


NO_AREA = "555"  # of America


def _trunk(words: Words, match: re.Match[str], plans: _Plans) -> bool:
    written = match[0]
    digits = digits_of(written)
    if not 9 <= len(digits) <= 13 or _DATE.fullmatch(written) or _NOT_A_NUMBER.match(written) or words.denied:
        return False
    if len(set(digits)) == 1:
        return False
    if words.claimed:
        return True
    if words.thing or words.refused or "  " in written:  # columns of counters
        return False
    if words.signed or not words.regular:  # as angles are, and counters
        return False
    return plans.grouped(written) if _PARTED.fullmatch(written) else plans.valid(digits, _REGIONS)


# An angle, a tariff's number, a date with an hour after it, and an American postal code.
_NOT_A_NUMBER = expression(
    r"\d{1,3} [0-5]\d [0-5]\d\.\d+\Z|[1-9]\d{3}\.\d\d\.\d\d(?:[. ]\d\d)?\Z|\d{1,2}[-/.] ?\d{1,2}[-/.] ?(?:19|20)\d\d\b|\d{7}-\d\d\.(?:19|20)\d\d|\d{5}-\d{3,4}\Z|123[-. ]456[-. ]7890|\(123\) ?456-7890|0?123[-. ]?4567(?:[-. ]?890?)?\Z"
)


def _shaped(words: Words, _match: re.Match[str], _plans: _Plans) -> bool:
    return not words.denied


def _loose(words: Words, match: re.Match[str], plans: _Plans) -> bool:
    """Accept other digits only if the words around say that they are a telephone number."""
    written = match[0]
    digits = digits_of(written)
    if not 7 <= len(digits) <= 15 or _DATE.match(written) or _NOT_A_NUMBER.match(written) or len(set(digits)) == 1:
        return False
    if (
        words.labelled
        or (_CHINESE_MOBILE.fullmatch(digits) and words.chinese)
        or (digits != written and words.beside_a_name and plans.valid(digits, _MOBILE_REGIONS))
    ):
        return True
    if not words.claimed:
        return False
    if not digits.isdecimal() or digits != written:
        return len(digits) != 8 or not written.startswith(("19", "20"))
    if len(digits) == 10 and digits[0] > "1":
        return True  # any of several countries' mobiles; ids and timestamps of that length begin with 0 or 1
    if plans.valid(digits, _REGIONS if digits[0] == "0" else _BARE_REGIONS):
        return True
    return len(digits) > SHORTEST_ABROAD and plans.valid("+" + digits, ("US",))


_MOBILE_REGIONS = ("IT", "PL", "ES", "PT", "GR", "CZ", "US", "IN", "MX")
_CHINESE_MOBILE = expression(r"1[3-9]\d{9}")


_ABROAD = ("+", "%2B", "%2b", "00")
# Forms without a country code: how they look, of which signs each has one, who decides, how sure that is.
_NATIONAL: tuple[tuple[re.Pattern[str], tuple[str, ...], _Judge, float], ...] = (
    (_AMERICAN, (" ", ".", "-", ")"), _american, 0.9),
    (_TRUNK, ("0",), _trunk, 0.85),
    (_BRAZILIAN, ("(",), _shaped, 0.9),
    (_RUSSIAN, ("8 ", "8-", "8("), _trunk, 0.85),
    (_LOOSE, ("",), _loose, 0.8),
)
