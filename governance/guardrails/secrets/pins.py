"""Numbers that let in by where they stand: in lists of SIM cards, in settings of a smart home, in code that compares them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from governance.guardrails.expressions import expression
from governance.guardrails.findings import Finding
from governance.guardrails.reading import Reading
from governance.guardrails.secrets.asked import GOES_ON


def find(reading: Reading) -> Iterator[Finding]:
    """Yield the PINs of a folded text that lists, settings and code hold."""
    if reading.numbered:
        for rule in (_of_cards, _compared, _of_panels, _paired, _of_levels, _of_menus):
            yield from rule(reading)


# "PUK1: 48291736", and a list of SIM cards below a heading that names the PUK: eight digits end each line.
_PUK = expression(
    r"puk(?:[ \-]?(?:code|nummer))? ?[12]? ?[:=]? {0,16}(?P<value>\d{8})(?![\w/]|[.,\-]\d)", re.IGNORECASE
)
_PUK_LIST = expression(
    r"puks?(?:[\- ]?(?:list\w?|codes?|nummern|übersicht))?\b(?![^\n]{0,30}\b(?:is|are|in|at|see|im|sind|siehe|est|sont|son|voir)\b)[^\n.!?]{0,30}\n",
    re.IGNORECASE,
)
_PUK_LINE = expression(r"[^\n]{0,60}?(?<![\d./\-])(?P<value>\d{8})[ \t|\"]{0,8}\r?(?:\n|\Z)|[ \t|:\-]{1,60}\n")
MOST_CARDS = 30


def _of_cards(reading: Reading) -> Iterator[Finding]:
    for match in reading.matches(_PUK, ("puk",)):
        if not reading.lower[match.start() - 1 : match.start()].isalpha():
            yield Finding("pin", *match.span("value"), 0.7)
    for heading in reading.matches(_PUK_LIST, ("puk",)):
        place = heading.end()
        for _ in range(MOST_CARDS):
            line = _PUK_LINE.match(reading.text, place)
            if line is None:
                break
            place = line.end()
            if line["value"]:
                yield Finding("pin", *line.span("value"), 0.7)


# pin == "5093", enteredPin.equals("4471"), ALARM_CODE = "4471"
_NUMBER_IN_QUOTES = expression(r"[\"'](?P<value>\d{4,8})[\"']")
_COMPARED_WITH = expression(
    r"(?:pin|pin_?code|passcode|(?:door|alarm|gate|unlock|safe|master|staff|admin|access|entry|security)_?code)(?:[\"']?\])?\)? ?(?:={1,3}|:=|:|\.equals\(|\.compareto\() ?\Z"
)
_COMPARES_WITH = expression(r" ?(?:={2,3} ?|\.equals\()\$?(?:[a-z]+[._]?)?(?:pin|passcode)\b")
_POSTED = expression(r"\[[\"'](?:code|pin)[\"']\] ?={2,3} ?\Z")
_OPENS = expression(r"\) ?\{ ?(?:unlock|open|login|grant|allow|disarm)")
FEWEST_DIFFERENT, LONGEST_NAME = 2, 32


def _compared(reading: Reading) -> Iterator[Finding]:
    lower = reading.lower
    if "pin" in lower or "code" in lower:
        for match in _NUMBER_IN_QUOTES.finditer(lower):
            number = match["value"]
            if len(set(number)) >= FEWEST_DIFFERENT and number not in _COUNTED and _is_compared(reading, match):
                yield Finding("pin", *match.span("value"), 0.7)


def _is_compared(reading: Reading, number: re.Match[str]) -> bool:
    """Tell whether a number in quotes is what a code is or is compared with."""
    lower, start, end = reading.lower, number.start(), number.end()
    if lower[start - 1 : start] not in _BEFORE_NUMBER and lower[end : end + 1] not in _AFTER_NUMBER:
        return False
    if not reading.tried(2):
        return False
    begin = max(0, start - LONGEST_NAME)
    return (
        _COMPARED_WITH.search(lower, begin, start) is not None
        or _COMPARES_WITH.match(lower, end) is not None
        or (_OPENS.match(lower, end) is not None and _POSTED.search(lower, begin, start) is not None)
    )


_BEFORE_NUMBER, _AFTER_NUMBER = frozenset("=:( "), frozenset("=. ")
_COUNTED = frozenset({"1234", "12345", "123456", "1234567", "12345678"})  # stands for one in tests and manuals

# "alarm_control_panel:\n  - platform: manual\n    code: 4471": what a smart home lets in or disarms with.
_PANEL = expression(r"[^\x00]{0,100}?\b(?:code|pin)[\"']?: {0,2}[\"']?(?P<value>\d{4,8})[\"']?[ \t,}]{0,4}(?=\r?\n|\Z)")
_PANELS = ("alarm_control_panel", "alarm_disarm", "lock.unlock", "lock.open")
# "HomeKit setup code: 725-22-803", "Matter pairing code 3497-011-2332"
_PAIRED = expression(
    r"(?:homekit|homebridge|matter|pairing|setup|set-up)[^\n\d]{0,40}?[\s:\"](?P<value>\d{3}-\d{2}-\d{3}|\d{4}-\d{3}-\d{4})(?![\w\-])",
    re.IGNORECASE,
)


def _of_panels(reading: Reading) -> Iterator[Finding]:
    for match in reading.matches(_PANEL, _PANELS, price=2):
        yield Finding("pin", *match.span("value"), 0.7)


def _paired(reading: Reading) -> Iterator[Finding]:
    for match in reading.matches(_PAIRED, ("homekit", "homebridge", "matter", "pairing", "setup", "set-up")):
        yield Finding("pin", *match.span("value"), 0.7)


_PASSWORD = (
    "password", "passwort", "kennwort", "mot de passe", "contraseña", "clave", "senha", "wachtwoord", "hasło", "пароль", "lösenord", "adgangskode", "passord", "heslo", "parola", "jelszó", "salasana",
)  # fmt: skip
_NOTHING_ELSE = tuple(name for name in _PASSWORD if name != "clave")  # which numbers of goods and offices are called
_IN_MENUS = (*_NOTHING_ELSE, "pw")
_BESIDE = r"(?P<value>\d{4,10})(?![\w/%€$°\-]|[.,:]\d)"
# "the password of level 3: 20014": devices have one for each
_OF_LEVEL = expression(
    rf"(?:{'|'.join(_PASSWORD)}) (?:(?:for|of|für|der|de|di|del|da|do|van|para|pour|per|dla|для|till|til) )?(?:level|ebene|stufe|nivel|nível|niveau|livello|poziom\w?|уровня|úrovně|nivå)[ \-]?\d{{1,2}} ?(?:[:=→]|,|(?:is|ist|lautet|est|es|è|é|to|это|är|er|je)\b)(?: (?:is|ist|est|es|è|é))?:? {_BESIDE}(?=[ \t]{{0,4}}(?:[,;.()]|\r?\n|\Z)| {GOES_ON}\b)",
    re.IGNORECASE,
)
# "menu Supervisor, password 432289, option 4", "Persönliches Kennwort 62090802": beside its name, and nothing goes on with it
_IN_MENU = expression(
    rf"(?:{'|'.join(_NOTHING_ELSE)}|pwd?)(?:(?<!password) (?!seite\b|page\b)[^\W\d_]{{4,16}})? (?=\d{{5}}){_BESIDE}(?=[ \t]{{0,4}}(?:[,;.()]|\r?\n|\Z))",
    re.IGNORECASE,
)
_LED_TO, REACH_OF_LEAD = expression(r"[^\W\d_]{3,}[\"'”»)]?[,>/]? ?\Z"), 24
_OTHER_NUMBERS = expression(
    r"error|fehler|erreur|errore|erro\b|błąd|ошибк|fel\b|ticket|event|code|rfc|cve|hash|reset|wrong|falsch"
)


def _of_levels(reading: Reading) -> Iterator[Finding]:
    for match in reading.matches(_OF_LEVEL, _PASSWORD):
        yield Finding("pin", *match.span("value"), 0.7)


def _of_menus(reading: Reading) -> Iterator[Finding]:
    for match in reading.matches(_IN_MENU, _IN_MENUS):
        before = reading.lower[max(0, match.start() - REACH_OF_LEAD) : match.start()]
        said = before + reading.lower[match.start() : match.start("value")]
        number = match["value"]
        if _LED_TO.search(before) is None or _OTHER_NUMBERS.search(said) is not None or number in _COUNTED:
            continue
        if len(set(number)) > FEWEST_DIFFERENT:
            yield Finding("pin", *match.span("value"), 0.7)
