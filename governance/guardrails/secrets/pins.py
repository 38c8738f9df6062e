"""PINs: of cards, telephones and people, in lists of SIM cards and in code that compares them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain

from governance.guardrails.expressions import expression
from governance.guardrails.findings import Finding
from governance.guardrails.reading import Reading
from governance.guardrails.secrets import looks


def find(reading: Reading) -> Iterator[Finding]:
    """Yield the PINs of a folded text."""
    if reading.speaks(_DIGIT):
        for rule in (_pins, _aside, _of_cards, _compared):
            yield from rule(reading)


_DIGIT = expression(r"\d")
# "host PIN 640917#", "SIM: PIN 0427, PUK 37235172": a number behind the word, and nothing of hardware.
_PIN = expression(
    r"(?:pin|пин|passcode)(?:-code|-код|code)?(?: ?[12]| (?:карты|der karte|de la carte|de tarjeta|della carta))?(?P<sign> {1,14}(?=  )| {0,3}(?:[:=]|[.·_]{3,30}:?) {0,16}(?=  )| ?[:=]| is| ist| lautet| est| es| è| é| to| jest| är| er|['’]s|, use)? {1,2}(?P<value>\d{4,10}#?)(?![\w/]|[.,:\-]\d)",
    re.IGNORECASE,
)
_OF_PIN = expression(
    r"\b(?:then|dann|puis|luego|poi|dan|potem|mailbox|alarm|host|bitlocker|signal|whatsapp|2-step|banking|vault|safe|locker|entsperr|unlock|handy|participant|moderator|chair\w*|guest|attendee|conference|meeting|operator|driver|conductor|opérateur|operador|operatore|card|debit|sim|karten?|voicemail|mailbox|bank|phone|tablet|till|staff|admin|user|so|hsm|token|parental|kinder\w*|code|código|codice|kod)[ \-]?\Z"
)
_TYPES = expression(
    r"\b(?:type|enter|dial|press|tippe\w{0,2}|eingeben|tapez|tape|composez|compose|saisissez|marca|marque|teclea|digita|digite|digitare|toets|wpisz|введите|slå|tryk|tast)(?: in)?(?: the| il| le| el| o| de| den| die| din)? ?\Z"
)
_WITH_PIN = expression(
    r"\bsim\b|\bhandy\b|cell ?phone|smartphone|\btablet\b|téléphone|\bmóvil\b|cellulare|telefoon|telefonu?\b|voicemail|\bpuk\d?\b|iccid|dial-in|meeting id|\bcard\b|karte|tarjeta|\bcarte\b|carta|cartão|bancomat|bankpas|banking|kassen?\w{0,8}|bediener|cashier|operator|caissi|cajer|"
    # what has keys, and the sign that follows
    r"key ?pad\b|teclado|clavier|digicode|tastenfeld|tastatur|codeschloss|tastiera|tastierino|toetsenbord|codepaneel|klawiatur|клавиатур|кодов|knappsats|"
    r"almohadilla|cancelletto|\braute\b|touche dièse|\bdièse\b|hekje|krzyżyk|решётк|решетк|fyrkant|hash key|pound (?:key|sign)"
)
_PINS = ("pin", "пин", "passcode")


def _pins(reading: Reading) -> Iterator[Finding]:
    lower = reading.lower
    for match in reading.matches(_PIN, _PINS):
        at = match.start()
        if lower[at - 1 : at].isalnum() or (looks.YEAR.match(match["value"]) and not _said(lower, match)):
            continue
        hashed = match["value"].endswith("#")
        around = lower[max(0, at - REACH_OF_PIN) : match.end() + 20]
        before = max(0, at - 16)
        of_somebody = _OF_PIN.search(lower, before, at) or _TYPES.search(lower, before, at)
        told = of_somebody or _joined(lower, at) or _apposed(reading.text, match)
        if hashed or lower[at] == "п" or told or _WITH_PIN.search(around):
            yield Finding("pin", *match.span("value"), 0.7)


def _joined(lower: str, at: int) -> bool:
    """Tell whether the word ends another that says whose or what PIN it is, as in "Fahrer-PIN"."""
    return _JOINED.search(lower, max(0, at - LONGEST_NAME), at) is not None


def _apposed(text: str, pin: re.Match[str]) -> bool:
    """Tell whether "PIN 4096" stands for itself: between signs, or in a line of its own."""
    at, end = pin.start(), pin.end("value")
    return (
        text.startswith("PIN", at)
        and _PARTED.search(text, max(0, at - 8), at) is not None
        and _ENDS_CLAUSE.match(text, end) is not None
        and not _OF_HARDWARE.search(text, max(0, at - LONGEST_NAME), end)
    )


_PARTED = expression(
    r"(?:\A|\n[ \t>*•\-]{0,6}|\\n|[,;/|(–—-] ?|\b(?:is|ist|lautet|est|es|è|é|to|with|using|use|enter|type|mit|nimm|avec|con|usa|met|med|the|der|die|le|el|il|o) )\Z"
)
_OF_HARDWARE = expression(
    r"gpio|header|connector|stecker|socket|pinout|solder|lötst|led\b|\bpcb|arduino|esp32|article|art\.|order",
    re.IGNORECASE,
)
_JOINED = expression(r"(?<![^\W\d_])(?!gpio|multi|pogo|guide|dowel|cotter|io-|\w{0,3}bus)[^\W\d_]{3,}-\Z")


def _said(lower: str, pin: re.Match[str]) -> bool:
    """Tell whether a number that may be a year is what a PIN is said to be: nothing goes on behind it."""
    told = pin["sign"] or _CARRIER.search(lower, max(0, pin.start() - LONGEST_NAME), pin.start())
    return bool(told) and _ENDS_CLAUSE.match(lower, pin.end("value")) is not None


_ENDS_CLAUSE = expression(
    r"\\[nr]|[.,;!)]?\s{0,20}(?:\Z|\n)|[.,;!)]\s| ?[/|]|\s(?:und|and|et|y|e|en|i|btw|but|or|aber|mais|pero)\b"
)
REACH_OF_PIN = 60

# "the PIN of the company card (6634)", "my PIN (6634)": of what or whose it is stands beside.
_ASIDE = expression(
    r"(?:pin|pin[\- ]?code|geheimzahl|puk|passcode|пин|пин-код)\b(?P<about>[^\n.;:()\d]{0,48})\((?P<value>\d{4,8})\)(?![\w(])",
    re.IGNORECASE,
)
# "PIN for the company card ending 2281: 4096"
_NAMED = expression(
    r"(?:pin|geheimzahl|passcode|пин)\b\)?(?P<about> (?:\([^()\n]{2,30}\)|[^\n.;:()]{4,48}(?:\([^()\n]{1,24}\)[^\n.;:()]{0,20})?))(?::| is| ist| lautet| est| es| è| é| to| jest|[;,] (?P<so>it['’]s|which is|that is|che è|qui est|que es|que é|die ist|der ist|das ist|dat is|który to)) {1,2}(?P<value>\d{4,8})(?=[.,;:!)]?\s{0,20}(?:\Z|\n)|[.,;:!)]\s|\\[nr]|\s(?:und|and|et|y|e|en|i|btw|but|or|aber|mais|pero)\b)",
    re.IGNORECASE,
)
# "the PIN you gave me, 4291, is needed"
_GIVEN = expression(
    r"(?:pin|passcode)(?: code)?(?: that| which)? (?:you|i|we|he|she|they|[A-Z][a-z]{1,14}) (?:gave|sent|told|texted|set|chose|picked|use|mentioned|wanted|have)\b[^\n.;:\d]{0,30}?(?:[,:(]|[–—-]) ?(?:is |was |it['’]s )?(?P<value>\d{4,8})(?![\w/:%]|[.,\-]\d)",
    re.IGNORECASE,
)
_AT_ASIDE = ("pin", "geheimzahl", "puk", "passcode", "пин")
_CARRIER = expression(
    r", (?:che|which|that|die|der|qui|que|dat|który)\Z|geheimzahl|\bhost\b|chair\w*|moderator|organi[sz]er|conference|teilnehmer|card|mailbox|postfach|d[ée]bit|visa\b|karte|carte|tarjeta|cart[aã]o|\bcarta|bancomat|kaart|bankpas|kort\b|kart[aęyuы]|карт|account|konto|\bsim\b|phone|handy|tablet|\bsafe|tresor|door|\btür|alarm|\block|voicemail|banking|\btill\b|kasse|"
    r"\b(?:my|your|his|her|their|our|mein|dein|sein|ihr|mon|ton|son|votre|mi|tu|su|mio|suo|minha|seu|mijn|jouw|moj|mój|мой|мою)\w{0,2}\b"
)


def _aside(reading: Reading) -> Iterator[Finding]:
    lower = reading.lower
    for match in reading.matches(_SPACED, _AT_SPACED):
        if not reading.lower[match.start() - 1 : match.start()].isalpha():
            yield Finding("pin", *match.span("value"), 0.7)
    for match in reading.matches(_GIVEN, ("pin", "passcode")):
        if not looks.YEAR.match(match["value"]):
            yield Finding("pin", *match.span("value"), 0.7)
    patterns = (_ASIDE, _NAMED) if "(" in lower else (_NAMED,)
    for match in chain.from_iterable(reading.matches(pattern, _AT_ASIDE) for pattern in patterns):
        before = lower[max(0, match.start() - LONGEST_NAME) : match.start()]
        told_so = match.groupdict().get("so")
        if (match.re.pattern == _NAMED.pattern or not looks.YEAR.match(match["value"])) and (
            told_so or _CARRIER.search(before + match["about"].lower())
        ):
            yield Finding("pin", *match.span("value"), 0.7)


# "The personal identification number for this card is\n\n   6 5 1 8\n": digits with blanks between, alone.
_AT_SPACED = (
    "pin",
    "identification number",
    "geheimzahl",
    "code confidentiel",
    "code secret",
    "número secreto",
    "codice segreto",
)
_SPACED = expression(
    rf"(?:{'|'.join(_AT_SPACED)}|pincode)\b[^\n\d.?!]{{0,60}}(?:\n\s{{0,60}}| ?: {{1,4}}| (?:is|ist|lautet|est|es|è|é) {{1,4}})(?P<value>\d(?: {{1,3}}\d){{3,5}})(?=[ \t]{{0,20}}(?:\r?\n|\Z)|[.,;!](?!\d))",
    re.IGNORECASE,
)

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
    if not reading.tried(start, 2):
        return False
    begin = max(0, start - LONGEST_NAME)
    return (
        _COMPARED_WITH.search(lower, begin, start) is not None
        or _COMPARES_WITH.match(lower, end) is not None
        or (_OPENS.match(lower, end) is not None and _POSTED.search(lower, begin, start) is not None)
    )


_BEFORE_NUMBER, _AFTER_NUMBER = frozenset("=:( "), frozenset("=. ")
_COUNTED = frozenset({"1234", "12345", "123456", "1234567", "12345678"})  # stands for one in tests and manuals
