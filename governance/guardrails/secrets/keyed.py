"""Numbers that people key in to open something, to switch an alarm off or to be let use a machine, in any words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from governance.guardrails.cues import Cue
from governance.guardrails.expressions import expression
from governance.guardrails.findings import Finding
from governance.guardrails.needles import Blocks, Needles, beginnings, shortest
from governance.guardrails.reading import Reading
from governance.guardrails.secrets import looks
from governance.guardrails.secrets.locks import LOCK, OPENS, VALUE


def find(reading: Reading) -> Iterator[Finding]:
    """Yield the numbers of a folded text that are keyed in somewhere, and those that stand beside a lock's name."""
    if reading.speaks(_NUMBER):
        yield from _typed(reading)
        yield from _of_alarms(reading)
    if reading.speaks(_APART):
        yield from _of_wheels(reading)
    yield from _in_words(reading)


_NUMBER, _APART = expression(r"\d{4}"), expression(r"\d[ \-–·]\d[ \-–·]\d[ \-–·]\d")
# Words that lead to a number that is keyed in, as in "type 77014" and "tu tapes 4406"; and to what something is done with.
_TYPING = (
    "type ", "enter ", "key in ", "punch in ", "punch ", "tap in ", "tap ", "press ", "dial ", "tippe", "tipp ", "gib ", "drück", "wähl", "tape", "compose", "saisi", "fais ", "faites ", "marca", "marque ", "teclea", "pulsa", "introduc", "digit", "premi ", "inseri", "aperte ", "tecle ",
    "toets", "druk ", "wpis", "naciśnij ", "kodem ", "wciśnij ", "набер", "набир", "введи", "ввод", "нажми", "кодом ", "slå ", "tryck ", "tast", "indtast", "näppäile ", "koodilla ", "zadej ", "kódem ", "kóddal ", "tuşla", "codul ",
)  # fmt: skip
_BY_WHAT = ("with ", "using ", "use ", "mit ", "mittels ", "nimm ", "avec ", "con ", "com ", "met ", "med ")
LEADING = beginnings(shortest(_TYPING), both_cases=True)
_LEADS = Needles((*_TYPING, *_BY_WHAT))
_LED = expression(
    rf"[^\W\d_]{{0,4}} ?(?:(?:in|the|code|pin|it|dann|den|die|das|der|le|la|les|el|il|lo|o|de|het|code|código|codice|kod|код|koden|user|user-code|number|nummer|zahl|numéro|número|numero|touches|:) ?){{0,3}}[\"'„“«(]?{VALUE}(?P<ends>[\"'”“»)]?(?:[.,;!)]|[ \t]{{0,8}}(?:\n|\Z)| (?:[(–—\-&+→>]|and\b|then\b|within\b|to\b|followed\b|at\b|und\b|dann\b|innerhalb\b|et\b|puis\b|dans\b|y\b|luego\b|e\b|poi\b|entro\b|en\b|dan\b|binnen\b|i\b|potem\b|potom\b|a\b|и\b|потом\b|затем\b|och\b|sedan\b|og\b|ja\b)))?",
    re.IGNORECASE,
)
_SURELY_LEADS = frozenset(
    {"kodem ", "кодом ", "koodilla ", "kódem ", "kóddal ", "codul ", "key in ", "punch in ", "tap in "}
)
REACH_OF_LEAD, REACH_BEFORE, REACH_BEHIND = 40, 90, 60
_CLAUSE = expression(r"[.;!?]\s|\n")
# What else numbers are for.
_OTHER = Cue(
    r"\b(?:error|fault|vorgang|aktenzeichen|referen|fehler|erreur|errore|order|bestell|article|artikel|part (?:no|number)|model|version|ticket|invoice|rechnung|facture|room|raum|zimmer|call\b|calls\b|called|ring\b|phone\b|telephone|téléphon|extension|durchwahl|hotline|anrufen|ruf \b|llama|chiama|bel \b|toll|events?|visitors|people|units|pieces|watt|volt|lumen|serial|seriennummer|postal|postcode|plz|zip code|since|seit|depuis|desde|report|reports|shows|zeigt|meldet|affiche|muestra|port\b|error code)",
)


def _typed(reading: Reading) -> Iterator[Finding]:
    text, lower = reading.text, reading.lower
    numbers = Blocks(_NUMBER, lower)
    for at, cue in reading.each(_LEADS, price=2, whole=False, where=lambda at: numbers.any(at, at + REACH_OF_LEAD)):
        match = _LED.match(text, at + len(cue.rstrip()))
        if match is None or looks.YEAR.match(match["value"]) or lower[at - 1 : at].isalpha():
            continue
        if not (match["ends"] is not None or cue in _SURELY_LEADS or match["value"].endswith("#")):
            continue
        by_what = cue in _BY_WHAT
        clause = _clause(lower, at, match.end("value"), 0 if by_what else REACH_BEHIND)
        if by_what and not OPENS.search(clause):
            continue
        if LOCK.search(clause) and not _OTHER.search(clause):
            yield Finding("pin", *match.span("value"), 0.7)


def _clause(lower: str, start: int, end: int, behind: int = 0) -> str:
    """Return the sentence that a place stands in, as far as it is near: what stands behind an answer waits for."""
    begin = max(0, start - REACH_BEFORE)
    parts = _CLAUSE.split(lower[begin:start])
    return parts[-1] + lower[start:end] + _CLAUSE.split(lower[end : end + behind], maxsplit=1)[0]


# "Alarm aus: 5521", "Alarmanlage unscharf = 4471#"
_ALARM = Needles(("alarm", "сигнализация", "larm ", "allarme"))
_SWITCHED = expression(
    rf"[^\W\d_]{{0,8}} ?(?:aus|ein|an|scharf|unscharf|off|on|arm|disarm|off code|on code|code|uit|aan|off/on|on/off|arr[êe]t|désarm\w{{0,4}}|éteint|éteindre|apaga\w{{0,2}}|quita\w?|desactiva\w?|spento|spegni\w{{0,2}}|disattiva\w{{0,2}}|wył\w{{0,8}}|выкл\w{{0,8}}|снят\w{{0,4}}|av)(?:schalten|stellen|machen)?(?: ?[:=]| -| –| →| code| is| ist):? {{1,3}}{VALUE}",
    re.IGNORECASE,
)


def _of_alarms(reading: Reading) -> Iterator[Finding]:
    for at, cue in reading.each(_ALARM, whole=False):
        match = _SWITCHED.match(reading.text, at + len(cue.rstrip()))
        if match is None or looks.YEAR.match(match["value"]):
            continue
        if not _OTHER.search(_clause(reading.lower, at, match.end("value"))):
            yield Finding("pin", *match.span("value"), 0.7)


# "bike shed padlock 0-4-7-1", "Zahlenschloss am Keller: 3 7 0 5": wheels, digit by digit.
_WHEELS = Needles((
    "lock", "combo", "combination", "schloss", "tresor", "safe", "tastenfeld", "keypad", "key pad", "garage", "zahlencode", "türcode", "cadenas", "antivol", "coffre", "digicode", "candado", "caja fuerte", "taquilla", "lucchetto", "cassaforte", "tastierino", "cadeado", "cofre", "slot", "kluis", "kłódk", "sejf", "zamek", "замок", "сейф", "hänglås", "kassaskåp", "riippuluk", "zámek", "code", "código", "codice", "kod ", "код", "pin",
))  # fmt: skip
_DIGIT_BY_DIGIT = expression(
    r"[^\W\d_]{0,10}[^\n\d.;!?]{0,44}?(?<![\d\-–·] )(?<![\w.\-–·/])(?P<value>\d(?P<sign> ?[\-–·] ?| )\d(?:(?P=sign)\d){2,6})(?![\w/:%]| ?[.,\-–·/] ?\d| \d)",
    re.IGNORECASE,
)
FEWEST_STEPS = 2


def _of_wheels(reading: Reading) -> Iterator[Finding]:
    lower = reading.lower
    digits = Blocks(_APART, lower)
    for at, cue in reading.each(_WHEELS, price=2, whole=False, where=lambda at: digits.any(at, at + REACH_OF_WHEELS)):
        match = _DIGIT_BY_DIGIT.match(reading.text, at + len(cue.rstrip()))
        if match is None or not _turned(match["value"]):
            continue
        clause = _clause(lower, at, match.end("value"))
        spaced = (
            cue in _CODES and match["sign"] == " " and match[0][0] != "-" and _ENDS.match(lower, match.end("value"))
        )
        if (spaced or _LOCKED.search(clause)) and not _OTHER.search(clause):
            yield Finding("pin", *match.span("value"), 0.7)


_CODES = frozenset({"code", "código", "codice", "kod ", "код", "pin", "combo", "combination", "zahlencode", "türcode"})
_ENDS = expression(r"[.,;!)]|\s{0,3}(?:\n|\Z)| (?:and|then|und|dann|et|puis|y|e|en|i|och)\b")
_LOCKED = Cue(
    r"lock\b|locker|padlock|"
    + LOCK.pattern
    + r"|schloss|antivol|zahlencode|kombination|zamek|riippuluk|wheels?\b|dial\b|keys?\b"
)
REACH_OF_WHEELS = 64


def _turned(value: str) -> bool:
    """Tell whether digits are no count: 1 2 3 4."""
    digits = [int(sign) for sign in value if sign.isdigit()]
    return len({second - first for first, second in pairwise(digits)}) >= FEWEST_STEPS


# "the alarm code is four nine one seven": digits in words, as people say them.
_SAID_DIGITS = (
    "zero", "oh", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "null", "eins", "zwei", "zwo", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun", "zéro", "un", "deux", "trois", "quatre", "cinq", "sept", "huit", "neuf",
    "cero", "uno", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve", "due", "tre", "quattro", "cinque", "sei", "sette", "otto", "nove", "um", "dois", "três", "quatro", "sete", "oito", "nul", "een", "twee", "drie", "vijf", "zes", "zeven", "negen",
    "jeden", "dwa", "trzy", "cztery", "pięć", "sześć", "siedem", "osiem", "dziewięć", "noll", "ett", "två", "fyra", "fem", "sju", "åtta", "nio", "ноль", "один", "два", "три", "четыре", "пять", "шесть", "семь", "восемь", "девять",
)  # fmt: skip
SAID = rf"(?:{'|'.join(sorted(_SAID_DIGITS, key=len, reverse=True))})"
TWO_SAID = rf"\b{SAID}[ ,\-]{{1,2}}{SAID}\b"
# The second of two, where a word begins.
_BEFORE_SECOND = "|".join(rf"(?<=\b{digit}[ ,-])|(?<=\b{digit}, )" for digit in _SAID_DIGITS)
SECOND_SAID = rf"(?={SAID}\b)(?:{_BEFORE_SECOND})"
_AT_SAID = Needles(
    (
        "code",
        "código",
        "codice",
        "kod ",
        "kód",
        "код",
        "pin",
        "passcode",
        "combination",
        "kombination",
        "combinaison",
        "combinación",
        "combinazione",
        "geheimzahl",
    )
)
_IN_WORDS = expression(
    rf"[^\n\d.;!?]{{0,60}}?\b(?P<value>{SAID}(?:[ ,\-]{{1,2}}{SAID}){{3,9}})\b(?! (?:percent|prozent|euros?|times|mal|years?))",
    re.IGNORECASE,
)
_TWO_SAID = expression(TWO_SAID)
_OTHER_CODE = expression(
    r"\b(?:error|status|postal|post|zip|area|country|dialling|dialing|exit|event|product|item|fehler|vor|plz|erreur|errore)[ \-]?\Z"
)


def _in_words(reading: Reading) -> Iterator[Finding]:
    for at, cue in reading.each(_AT_SAID, price=4, whole=False) if reading.speaks(_TWO_SAID) else ():
        match = _IN_WORDS.match(reading.text, at + len(cue))
        if match is not None and not _OTHER_CODE.search(reading.lower, max(0, at - LONGEST_KIND), at):
            yield Finding("pin", *match.span("value"), 0.7)


LONGEST_KIND = 12
