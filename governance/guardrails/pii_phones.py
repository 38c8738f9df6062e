"""Telephone numbers: written forms find candidates, the words around and the numbering plans decide."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import TypeAlias

import phonenumbers

from governance.guardrails import labels, pii_examples, pii_things
from governance.guardrails.cues import Cue
from governance.guardrails.findings import Finding
from governance.guardrails.needles import beginnings, zones
from governance.guardrails.pii_numbers import DENIAL
from governance.guardrails.reading import Reading

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

_NAMED = Cue(
    r"\b(?:(?:tele)?phones?(?![a-z])|tel\b|mobiles?(?![a-z])|mob\b|cell(?:phone|ular)?s?\b|fax\b|(?:call|dial|(?<!o-)ring)(?:ed|ing|s|er)?\b"
    r"|text(?:ed|ing)? (?:me|us|him|her|them|at|to)\b|sms\b|whats?app?\b|signal\b|viber\b|hotline\b|msisdn|imsg\b|facetime\b"
    r"|(?:contact|reach)(?:ed|able|s|ing)?\b|landline\b|(?:direct|private|personal|home) line\b|(?:hit|call|ring|on) (?:my|his|her) line\b|caller[ _]?(?:id|number|num)\b|cli\b|call-?back (?:number|no|nr|on|at|phone)\b|call-?back(?= {0,2}[:#]| ?$)|contact[ _](?:no|nr|number)\b|(?:otp|sms|text|code|whatsapp)\w* (?:was |were )?(?:stop )?(?:sent |delivered )?(?:to|from)\b|m-?pesa\b|tfno\b|(?:il|suo|mio|tuo|o|seu|meu|el|le|son) n[uú]m[eé]ro (?:(?:nuovo|vecchio|novo|antigo|nuevo|viejo|nouveau) )?(?:(?:d[eio]l?|della|da|de la|do) (?:[^\W\d_]{2,14} ){1,3})(?:è|é|es|est)|numero (?=\d)|voice ?mail\b|ph\b|messages? (?:me|from|on|at)\b|missed call|calling from"
    r"|(?:my|his|her|mein\w?|mon|mi|meu|il mio|il suo|o meu|mijn|mit[t]?|min|mój|moj[ea]?|můj|môj|benim|nummeret|numarası|new|old|other|our|their|your|home|work|office|contact|emergency|private|personal|direct|alternate|neue|alte|nuevo|nouveau|nuovo|novo|nieuwe|nowy|nové|nytt?) (?:new |neue |nowy |nov[oý] )?"
    r"(?:num[a-zéæ]{2,5}|n[uú]mero|tlf|nr|číslo|broj)\b"
    r"|(?:my|his|her|their) (?:\w{1,8} )?(?:number|nr|no)\b|handy(?:nummer)?\b|telefon\w*|rufnummer\b|festnetz\b|mobil(?:nummer|funk|e|ní)?\b|durchwahl\b|rückruf\b|anruf\w*|erreich\w*"
    r"|m[óo]vil\b|tel[ée]fono\b|cel\b|fijo\b|ll[áa]m\w*|llamad\w*|t[ée]l[ée]phone\b|tél\b|portable\b|fixe\b|appel\w*|joindre\b|joignable\b"
    r"|celular\b|telefone\b|telem[óo]vel\b|tlm\b|zap\b|fone\b|lig(?:ar\w{0,4}|ue|a|uem|assem?|o)(?:-?(?:me|lhe|nos))?\b(?: para| pra| ao?)?(?: o)?|contato\b|contacto\b|cellulare\b|chiam\w+|bel(?:t|len)?\b|terugbel\w*|mobiel\w*"
    r"|kom(?:[óo]rk\w*)?\b|(?:za)?dzwo[nń]\w*|tlf\b|puh\w*|gsm\b|soit\w*|volejte|zavol\w*|hívj\w*|hívható|sun[aă]\w*|nazov\w*|cep\b|ara(?:yın|yabilir\w*)?\b"
    r"|sđt\b|điện thoại|gọi\b|telp\w*|telepon\b|hp\b|hubungi\b|wa\b)"
    r"|телефон|тел\b|моб\b|мобильн|мобільн|звон|дзвон|(?:мой|мій|его|её) номер|обад|τηλ|κινητ|καλέσ|טלפון|נייד|התקשר|هاتف|جوال|موبايل|اتصل|رقمي|تلفن"
    r"|फ़?ोन|मोबाइल|कॉल|नंबर|โทร|电话|電話|手机|手機|联系|聯絡|打給|打给|连络|連絡|携帯|전화|연락|휴대폰|핸드폰|제 번호|(?<=[a-z])(?:['’]s|s['’]) (?:\w{1,8} )?(?:number|nr)\b|[☎📞📱]"
)
_LABEL = Cue(
    r"(?:phones?|tel|telephone|mobile|cell(?:phone)?|fax|whats?app|call me (?:at|on|back on)|reach me (?:at|on)|"
    r"telefon\w*|handy(?:nummer)?|m[óo]vil|tel[ée]fono|t[ée]l[ée]phone|celular|cellulare|telem[óo]vel|tlm|κινητ[όο]|τηλ\w*|тел\w*|[☎📞📱])"
    r"[\s.:#=\"'(\-]*(?:number|no|nr|is|n°)?[\s.:#=\"'(\-]*(?:is|was|:)?[\s:\"'(]*$"
)
_EXTENSION = r"(?:,? ?(?:x|ext\.?|extension) ?\d{1,6})?(?![0-9A-Za-z]|-[A-Z](?![a-z]))"
_START = r"(?<![0-9A-Za-z_])(?<![\d][.,])"
_PLUS = re.compile(
    r"(?<![0-9A-Za-z_])(?:\+|%2[Bb]|(?<!\d[ \-])00(?=[1-9]))[ ]?(\(?\d(?:[ .\-/()]{0,3}\d){6,14})" + _EXTENSION
)
_AMERICAN = re.compile(
    _START + r"(?<![\-/])((?:(?:\+|00)?1[ .\-]?)?(?:\(\d{3}\)[ .\-]?|\d{3}[ .\-]))(\d{3}[ .\-]\d{4})"
    r"(?![ .\-/]?\d{3}|-\d)" + _EXTENSION
)
_TRUNK = re.compile(_START + r"(?<![\-/])\(?0\d{1,5}\)?(?:[ .\-/]{1,3}\d{2,8}){1,5}" + _EXTENSION)
_LOOSE = re.compile(
    _START + r"(?:(?<![\-/])|(?<= -)|(?<= /))(?:\d{7,15}|\(?\d{2,5}\)?(?:[ .\-/]{1,3}\d{2,8}){1,5})" + _EXTENSION
)
_BRAZILIAN = re.compile(_START + r"\(\d\d\) ?9?\d{4}[\- ]\d{4}" + _EXTENSION)
_RUSSIAN = re.compile(_START + r"8[ \-(]{1,2}[3-9]\d{2}[) \-]{1,2}\d{3}[ \-]?\d\d[ \-]?\d\d" + _EXTENSION)
_COLUMN = re.compile(
    r"(?<![a-z])(?:phone|mobile|tel|telephone|cell|telefon\w*|handy\w*|m[óo]vil|tel[ée]fono|t[ée]l[ée]phone|celular|telefone|"
    r"whatsapp|msisdn|phone[_ ]?\w{0,6})(?![a-z])|телефон|电话|手机|電話|전화"
)
_DATE = re.compile(
    r"(?:19|20)\d\d[-/. ][01]?\d[-/. ][0-3]?\d(?: \d\d)?|\d{1,2}[-/.]\d{1,2}[-/.](?:\d{4}|\d\d)|(?:19|20)\d\d ?[-/] ?(?:19|20)\d\d|"
    r"\d{1,3}(?:\.\d{1,3}){3}|\d{3}-\d\d-\d{4}"
)
_LINK = re.compile(
    r"(?:\bwa\.me/|\b(?:tel|sms|callto):|[?&](?:phone|tel|mobile|msisdn|to)=|\b(?:msisdn|wa_?id|calling_?number|called_?number|caller_?id|cli|ani|[ab]_?party|from_number|to_number|phone_?number)[\"']?\s?[=:]\s?[\"']?)(?:\+|%2B|00)?(?P<number>[1-9]\d(?:[-. ]?\d){6,13})(?!\w)",
    re.IGNORECASE,
)
# What stands in every such link: a look for it takes a fraction of the time.
_LINKED = re.compile(
    beginnings(
        ("wa.me/", "tel:", "sms:", "callto:", "phone=", "tel=", "mobile=", "to=", "msisdn", "wa_id", "waid", "calling", "called", "caller", "cli", "ani", "party", "to_number", "tonumber", "from_number", "fromnumber", "phone_number", "phonenumber")
    )
)  # fmt: skip
_NOT_DIGIT = re.compile(r"\D")
_EXTENSION_PART = re.compile(r",? ?(?:x|e)[a-z.]* ?\d+$")


def find(reading: Reading) -> Iterator[Finding]:
    """Yield the telephone numbers of a folded text."""
    text, lower = reading.text, reading.lower
    plans = _Plans()
    ends: set[int] = set()
    judged = _Judged(text, plans)
    parts = zones(_RUN, text, REACH_BEFORE, REACH_AFTER)
    for match in _anywhere(_PLUS, text, parts):
        end = judged.end(match)
        if end > 0 and not _fiction(reading, match.start(), end):
            ends.add(end)
            yield Finding("phone", match.start(), end, 0.95)
    for pattern, judge, score in _NATIONAL:
        for match in _anywhere(pattern, text, parts):
            if match.end() not in ends and judged.by(judge, match) and not _fiction(reading, *match.span()):
                ends.add(match.end())
                yield Finding("phone", *match.span(), score)
    for match in _anywhere(_LINK, text, parts if _LINKED.search(lower) else []):
        if match.end() not in ends:
            ends.add(match.end())
            yield Finding("phone", *match.span("number"), 0.9)
    for cell in reading.tables.cells(_COLUMN):
        written = text[cell.start : cell.end]
        if _CELL.fullmatch(written) and 7 <= len(_digits(written)) <= 15:
            yield Finding("phone", cell.start, cell.end, 0.85)


# Digits enough for a telephone number, and how far around them what begins and ends one may stand.
_RUN = re.compile(r"\d(?:[ .\-/()]{0,4}\d){6,}+")
REACH_BEFORE, REACH_AFTER = 16, 32


def _anywhere(pattern: re.Pattern[str], text: str, parts: list[tuple[int, int]]) -> Iterator[re.Match[str]]:
    for start, end in parts:
        yield from pattern.finditer(text, start, end)


_CELL = re.compile(r"[+(]{0,2}\d[\d ().\-/]{5,22}")


_Judge: TypeAlias = Callable[[str, re.Match[str], "_Plans"], bool]


class _Plans:
    """Asks the library about numbering plans, a bounded number of times for one text."""

    def __init__(self) -> None:
        self.left = MOST_LOOKUPS

    def possible(self, digits: str) -> bool:
        self.left -= 1
        return self.left < 0 or _possible(digits)

    def valid(self, digits: str, regions: tuple[str, ...]) -> bool:
        self.left -= 1
        return self.left < 0 or _valid_in(digits, regions)


class _Judged:
    """Judges each number once among the same words."""

    BEFORE, AFTER = 104, 64  # characters around a number that anything here reads

    def __init__(self, text: str, plans: _Plans) -> None:
        self._text, self._plans = text, plans
        self._known: dict[tuple[object, int, int, str], int] = {}

    def by(self, judge: _Judge, match: re.Match[str]) -> bool:
        """Tell whether somebody takes it for a telephone's."""
        key = self._key(judge, match)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = judge(self._text, match, self._plans)
        return known == 1

    def end(self, match: re.Match[str]) -> int:
        """Return where an international number ends, or -1."""
        key = self._key(None, match)
        known = self._known.get(key)
        if known is None:
            end = _international_end(self._text, match, self._plans)
            known = self._known[key] = end - match.start() if end > 0 else -1
        return known + match.start() if known > 0 else -1

    def _key(self, judge: object, match: re.Match[str]) -> tuple[object, int, int, str]:
        start, end = match.span()
        first = max(0, start - self.BEFORE)
        return judge, start - first, end - start, self._text[first : end + self.AFTER]


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


def _digits(written: str) -> str:
    return _NOT_DIGIT.sub("", _EXTENSION_PART.sub("", written))


def _fiction(reading: Reading, start: int, end: int) -> bool:
    written = _digits(reading.text[start:end]).removeprefix("00")
    return reading.speaks(pii_examples.TRIED) and pii_examples.printed(reading.text, start, end, written)


SHORTEST_ABROAD = 10
_DECIMAL = re.compile(r"\d{1,3}\.\d{4,}(?: \d{1,3}\.\d+)?")  # degrees of latitude


def _international_end(text: str, match: re.Match[str], plans: _Plans) -> int:
    """Return where an international number ends, without number groups that follow it, or -1."""
    number, end = match[1], match.end()
    if _DECIMAL.fullmatch(number) and not _claimed(text, match):
        return -1
    if match[0].startswith("00") and not _claimed(text, match):
        plain = " " not in number and "-" not in number
        if plain or len(_digits(number)) < SHORTEST_ABROAD or _denied(text, match.start()) or _thing(text, match):
            return -1
    for _ in range(4):
        digits = _digits(number.replace("(0)", ""))
        if len(digits) < 7:
            return -1
        if plans.possible(digits) or (match[0][0] == "+" and len(digits) >= SHORTEST_ABROAD and _claimed(text, match)):
            return end
        number = re.sub(r"[ .\-/()]+\d+$", "", number)
        end = match.start(1) + len(number)
    return -1


def _american(text: str, match: re.Match[str], _plans: _Plans) -> bool:
    prefix, local = match.groups()
    area = _digits(prefix)[-3:]
    if len(set(area + _digits(local))) == 1 or _NOT_A_NUMBER.match(match[0]) or _denied(text, match.start()):
        return False
    if not _claimed(text, match) and (_thing(text, match) or pii_examples.refused(text, *match.span())):
        return False
    return (area[0] > "1" and local[0] > "1") or _claimed(text, match)


def _trunk(text: str, match: re.Match[str], plans: _Plans) -> bool:
    written = match[0]
    digits = _digits(written)
    if (
        not 9 <= len(digits) <= 13
        or _DATE.fullmatch(written)
        or _NOT_A_NUMBER.match(written)
        or _denied(text, match.start())
    ):
        return False
    if _claimed(text, match):
        return True
    if _thing(text, match) or pii_examples.refused(text, *match.span()):
        return False
    return _regular(text, match) and plans.valid(digits, _REGIONS)


# A date with an hour after it, and an American postal code.
_NOT_A_NUMBER = re.compile(
    r"\d{1,2}[-/.] ?\d{1,2}[-/.] ?(?:19|20)\d\d\b|\d{5}-\d{3,4}\Z|123[-. ]456[-. ]7890|\(123\) ?456-7890|0?123[-. ]?4567(?:[-. ]?890?)?\Z"
)
MOST_PAIRS = 5  # as French numbers have; lottery draws have more


def _regular(text: str, match: re.Match[str]) -> bool:
    """Tell whether a number is written as people write one: one sign throughout, no digits before it."""
    signs = set(re.sub(r"[\d()]+", "", match[0]).replace(" ", ""))
    return (
        len(signs) <= 1
        and not re.search(r"\d[ ,]$", text[max(0, match.start() - 2) : match.start()])
        and (len(re.findall(r"\d+", match[0])) <= MOST_PAIRS)
    )


def _thing(text: str, match: re.Match[str]) -> bool:
    """Tell whether the words around a number speak of something that isn't a telephone."""
    return pii_things.numbered(text, match.start()) or pii_things.spoken_of(text, match.start(), match.end())


def _shaped(text: str, match: re.Match[str], _plans: _Plans) -> bool:
    return not _denied(text, match.start())


def _loose(text: str, match: re.Match[str], plans: _Plans) -> bool:
    """Accept other digits only if the words around say that they are a telephone number."""
    written = match[0]
    digits = _digits(written)
    if not 7 <= len(digits) <= 15 or _DATE.match(written) or _NOT_A_NUMBER.match(written) or len(set(digits)) == 1:
        return False
    if (
        _LABEL.search(labels.before(text, match.start()))
        or _chinese(text, match, digits)
        or _beside_a_name(text, match, digits, plans)
    ):
        return True
    if not _claimed(text, match):
        return False
    if not digits.isdecimal() or digits != written:
        return len(digits) != 8 or not written.startswith(("19", "20"))
    if len(digits) == 10 and digits[0] > "1":
        return True  # any of several countries' mobiles; ids and timestamps of that length begin with 0 or 1
    if plans.valid(digits, _REGIONS if digits[0] == "0" else _BARE_REGIONS):
        return True
    return len(digits) > SHORTEST_ABROAD and plans.valid("+" + digits, ("US",))


def _beside_a_name(text: str, match: re.Match[str], digits: str, plans: _Plans) -> bool:
    """Tell whether a mobile number in groups stands right beside somebody's name."""
    if len(digits) < SHORTEST_MOBILE or digits == match[0] or _denied(text, match.start()) or _thing(text, match):
        return False
    before = _NAME_BEFORE.search(text, max(0, match.start() - 60), match.start())
    return (before is not None or _NAME_AFTER.match(text, match.end()) is not None) and plans.valid(
        digits, _MOBILE_REGIONS
    )


SHORTEST_MOBILE = 9
_MOBILE_REGIONS = ("IT", "PL", "ES", "PT", "GR", "CZ", "US", "IN", "MX")
_NAME = r"[^\W\d_a-z][^\W\d_A-Z]{1,20}"
_NAME_BEFORE = re.compile(rf"(?<!\w){_NAME} {_NAME} ?[,:;|(–\-] ?\Z")
_NAME_AFTER = re.compile(rf" ?\({_NAME}(?: {_NAME})?\)")


def _chinese(text: str, match: re.Match[str], digits: str) -> bool:
    """Tell whether a Chinese mobile number stands right among Chinese words."""
    near = text[match.start() - 1 : match.start()] + text[match.end() : match.end() + 1]
    return (
        _CHINESE_MOBILE.fullmatch(digits) is not None
        and _IDEOGRAPH.search(near) is not None
        and not _thing(text, match)
        and not _denied(text, match.start())
    )


_CHINESE_MOBILE, _IDEOGRAPH = re.compile(r"1[3-9]\d{9}"), re.compile(r"[\u4e00-\u9fff]")


def _denied(text: str, start: int) -> bool:
    return DENIAL.search(labels.before(text, start)) is not None


def _claimed(text: str, match: re.Match[str]) -> bool:
    """Tell whether a word such as "call" is near, with none such as "order" right before the number."""
    window = labels.before(text, match.start())
    if DENIAL.search(window):
        return False
    if (
        window.endswith(": ") and len(_digits(match[0])) >= SHORTEST_MOBILE
    ):  # what the colon announces may have been named long before
        window = labels.before(text, match.start(), LONGEST_ANNOUNCED)
    if _NAMED.search(window) or _NAMED.search(labels.said_after(text, match.end())):
        return True
    return _FOLLOWS.match(text, match.end()) is not None


LONGEST_ANNOUNCED = 96
# What is said of a telephone right after its number.
_FOLLOWS = re.compile(
    r"[ ,;–—\-]{1,3}\(?(?:call|ring|text me|phone|mobile|cell|whats?app|zap|cel(?:ular|l)?|tel|m[óo]vil|handy|mobil|portable|sms)\b|[にへ]?(?:お)?電話",
    re.IGNORECASE,
)


# Forms without a country code: how they look, who decides, how sure that is.
_NATIONAL: tuple[tuple[re.Pattern[str], _Judge, float], ...] = (
    (_AMERICAN, _american, 0.9),
    (_TRUNK, _trunk, 0.85),
    (_BRAZILIAN, _shaped, 0.9),
    (_RUSSIAN, _trunk, 0.85),
    (_LOOSE, _loose, 0.8),
)
