"""Codes that somebody says digit by digit, in words."""

from __future__ import annotations

import re
from collections.abc import Iterator

from governance.guardrails.expressions import expression
from governance.guardrails.findings import Finding
from governance.guardrails.needles import Needles, letter_by_letter
from governance.guardrails.reading import Reading

# "the alarm code is four nine one seven": digits in words, as people say them.
_SAID_DIGITS = (
    "zero", "oh", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "null", "eins", "zwei", "zwo", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun", "zéro", "un", "deux", "trois", "quatre", "cinq", "sept", "huit", "neuf",
    "cero", "uno", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve", "due", "tre", "quattro", "cinque", "sei", "sette", "otto", "nove", "um", "dois", "três", "quatro", "sete", "oito", "nul", "een", "twee", "drie", "vijf", "zes", "zeven", "negen",
    "jeden", "dwa", "trzy", "cztery", "pięć", "sześć", "siedem", "osiem", "dziewięć", "noll", "ett", "två", "fyra", "fem", "sju", "åtta", "nio", "ноль", "один", "два", "три", "четыре", "пять", "шесть", "семь", "восемь", "девять",
)  # fmt: skip
SAID = rf"(?:{'|'.join(sorted(_SAID_DIGITS, key=len, reverse=True))})"
_TRIED_ONCE = letter_by_letter(_SAID_DIGITS)
TWO_SAID = rf"\b{_TRIED_ONCE}[ ,\-]{{1,2}}{_TRIED_ONCE}\b"
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
        "clave",
        "senha",
        "шифр",
        "szyfr",
        "cifra",
        "geheim",
        "kode",
        "combination",
        "kombination",
        "combinaison",
        "combinación",
        "combinazione",
        "geheimzahl",
        "padlock",
        "keypad",
        "alarm",
        "safe",
        "gate",
        "panel",
        "cadenas",
        "coffre",
        "portal",
        "candado",
        "tresor",
        "schloss",
        "lucchetto",
        "cancello",
        "kluis",
    )
)
_IN_WORDS = expression(
    rf"[^\n\d;!?]{{0,130}}?(?<![\w\-])(?P<value>{SAID}(?:[ ,\-]{{1,2}}{SAID}){{3,9}})\b(?! (?:percent|prozent|euros?|times|mal|years?))",
    re.IGNORECASE,
)
_TWO_SAID = expression(TWO_SAID)
_OTHER_CODE = expression(
    r"\b(?:error|status|postal|post|zip|area|country|dialling|dialing|exit|event|product|item|fehler|vor|plz|erreur|errore)[ \-]?\Z"
)


def find(reading: Reading) -> Iterator[Finding]:
    """Yield the codes of a folded text whose digits are words."""
    for at, cue in reading.each(_AT_SAID, price=4, whole=False) if reading.speaks(_TWO_SAID) else ():
        match = _IN_WORDS.match(reading.text, at + len(cue))
        if match is not None and not _OTHER_CODE.search(reading.lower, max(0, at - LONGEST_KIND), at):
            yield Finding("pin", *match.span("value"), 0.7)


LONGEST_KIND = 12
