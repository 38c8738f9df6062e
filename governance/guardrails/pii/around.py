"""Numbers whose kind is said anywhere near: after them, sentences before, or elsewhere in the same record."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from governance.guardrails import checksums, labels
from governance.guardrails.cues import Cue
from governance.guardrails.expressions import expression
from governance.guardrails.findings import Finding
from governance.guardrails.needles import Needles
from governance.guardrails.pii.numbers import DENIAL
from governance.guardrails.reading import Reading

BEFORE, AFTER = 60, 110  # characters around a word that may hold its number
REACH_NAME = 40  # characters before a number that may name it
# The first sign of a number, told before what stands around it: that is searched for fast.
_BEGUN = r"[0-9A-Z](?<![0-9A-Za-z_].)(?<!\d[.,\-/].)(?<![$€£].)(?=[0-9A-Z .\-]{4})"
_END = r"(?![0-9A-Za-z_%]|[.,\-/:]\d)"
_ANNOUNCED = Cue(
    r"(?:\b(?:numbers?|num|no|nr|nummer|num[ée]ro|n[úu]mero|numer|nbr|id|is|est|es|ist|lautet|[eé]|è|one|ends?|reads?|says?|be|shows?|carries)\b\.?|(?:nr|nummer|nummeret|numret)\b\.?|[№°º:=#])"
    r"(?: (?:is|was|est|es|ist|è|[eé]|now|the|still))?[\s:=#\"'(`*]{1,4}$"
)
_ANOTHER = Cue(
    r"\b(?:tel|phone|mobile|telephone|telefon\w*|handy|call(?:ed)?|fax|account|konto\w*|iban|invoice|order|ticket|tracking|booking|reservation|amount|price|"
    r"version|serial|flight|part|model|vin|plate|form|formular\w*|modell?o?|ribbon|module|zip|postcode|ean|isbn|salary|paid|policy|commit|build|port|key)\b[^\n]{0,12}$"
)
INVALID = expression(
    r"\b(?:invalid|mismatch|checksum|fails? (?:the )?check|wrong check|not valid|ungültig)|test_|_test"
)
# What a field is called whose record says the kind.
_GENERIC = expression(r"(?<![a-z_])(?:id|number|no|num|nr|value|code|ref)[\"']\s?[:=]\s?[\"']?$")
_UPDATE = expression(r"KB\d|EP\d|SN\d|CVE")  # of a program, a patent, a device
FEWEST_DIFFERENT = 4  # characters of a number that isn't made up
_DATE = expression(r"(?:19|20)\d\d[-/. ]?(?:0[1-9]|1[0-2])[-/. ]?[0-3]\d\Z|[0-3]?\d[-/.][01]?\d[-/.](?:19|20)?\d\d\Z")


@dataclass(frozen=True, slots=True)
class _Around:
    """What a kind of number is called, what else must be spoken of, and how it is written.

    `shape` matches the first sign of a number; the group `number` is all of it.
    """

    kind: str
    needles: Needles
    shape: re.Pattern[str]
    among: Cue | None
    unless: Cue | None = None
    check: Callable[[str], bool] | None = None


def _around(
    kind: str, words: str, shape: str, *, among: str = "", unless: str = "", check: Callable[[str], bool] | None = None
) -> _Around:
    return _Around(
        kind,
        Needles(words.split("|")),
        expression(f"{_BEGUN}(?<=(?=(?P<number>(?:{shape}){_END})).)"),
        Cue(among) if among else None,
        Cue(unless) if unless else None,
        check,
    )


_NOT_DIGIT = expression(r"\D")


def _digits(written: str) -> str:
    return _NOT_DIGIT.sub("", written)


def _american(written: str) -> bool:
    digits = _digits(written)
    return digits[:3] not in {"000", "666"} and digits[3:5] != "00" and digits[5:] != "0000" and len(set(digits)) > 2


def _canadian(written: str) -> bool:
    return checksums.luhn(_digits(written))


_LICENCES = (
    r"[A-Z]\d{4}[ \-]?\d{5}[ \-]\d{5}|[A-Z]\d{3}[ \-]\d{3,4}[ \-]\d{2,4}(?:[ \-]\d{2,4}){0,2}|[A-Z9]{5} ?\d{6} ?[A-Z9]{2} ?[A-Z0-9]{3}|"
    r"(?=[A-Z0-9]*[A-Z])(?=(?:[A-Z]*\d){4})[A-Z0-9]{7,14}|(?=(?:\d*[A-Z]){3})(?=(?:[A-Z]*\d){3})[A-Z0-9]{9,14}|(?=[A-Z]*\d)[A-Z0-9]{11}|\d{6,12}"
)
KINDS = (
    _around(
        "passport",
        "passport|reisepass|pasaporte|passeport|passaport|paspoort|paszport|pasový|pasu|útlevél|паспорт|pasaport|paspor|διαβατ|护照|護照|旅券|パスポート|여권|جواز|דרכון|pass nr|passnummer|"
        "traveller|traveler|passenger|travel doc|issuing|issuer|nationality|visa |airline",
        r"[A-Z]{1,2}\d{6,8}[A-Z]?|\d{2}[A-Z]{2}\d{5}|(?=(?:[A-Z]*\d){2})(?=\w*[A-Z])[CFGHJKLMNPRTVWXYZ][CFGHJKLMNPRTVWXYZ0-9]{8}|[A-Z]\d[A-Z\d]{6}\d|\d{9}",
        among=r"passport|reisepass|pasaporte|passeport|passaport|paspoort|paszport|útlevél|паспорт|pasaport|paspor|διαβατ|护照|護照|旅券|パスポート|여권|جواز|דרכון|"
        r"\btype[\"']?\s?[:=]\s?[\"']?p\b|\bnew (?:british|german|french|american|us|uk|canadian|australian|indian|irish|dutch|italian|spanish) one\b",
    ),
    _around(
        "driver_license",
        "driver|driving|licence|license|führerschein|fuehrerschein|fahrerlaubnis|conducir|conduire|permis :|permis:|permis n|patente|rijbewijs|prawo jazdy|prawa jazdy|körkort|kørekort|førerkort|ajokort|řidičsk|vodičsk|"
        "conducere|ehliyet|водительск|удостоверен|habilitação|habilitacao|cnh|carteira de motorista|运転免許|運転免許|驾驶证|驾照|운전면허|dmv|dvla|operator lic",
        _LICENCES,
        among=r"driv(?!e\b)|\blicen[cs]e[\"']?\s?:\s?\{[^{}]*\b(?:province|state|issuer|country|class|expiry|expires)\b|licen[cs]e[ds]? (?:holder|no|num|class|plate)|\blicen[cs]e\b[^\n]{0,40}(?:\b(?:province|state|class|issued|expires|holder|surrender\w*|suspend\w*|lost|renew\w*|photo)\b)|"
        r"führer|fahrer|\bpermis ?(?::|n[°º])|conduc|condui|patente|rijbew|jazdy|körk|kørek|fører|ajok|řidič|vodič|ehliyet|водит|habilita|\bcnh\b|motorista|免許|驾|면허|\bdmv\b|\bdvla\b",
        unless=r"\b(?:kernel|installed|usb|linux|windows)\b|\bpatente (?:ep|de|us|es|it)\d|software|licen[cs]e key|activation|\bmit\b|apache|\bgpl|open source|fishing|driver version|printer|nvidia|firmware|patente industrial|brevet|\bpatents?\b",
    ),
    _around(
        "national_id",
        "ausweis|identity card|id card|carte d'identité|carte nationale d'identité|carta d'identità|carta di identità|documento de identidad|cédula|dowód osobisty|dowodu osobistego|"
        "identiteitskaart|id-kort|občansk|osobná karta|személyi|buletin|удостоверение личности|ταυτότητα",
        r"(?=[A-Z0-9]*[A-Z])(?=(?:[A-Z]*\d){4})[A-Z0-9]{9,10}|[A-Z]{2}\d{6}|[A-Z]{2}\d{5}[A-Z]{2}|[A-Z]{3}\d{6}",
        unless=r"dienstausweis|studierendenausweis|bibliotheksausweis|ausweispflicht|\bcard reader",
    ),
    _around(
        "ssn",
        "ssn|social security|soc sec|social sec|social insurance",
        r"\d{3}[ .\-]?\d{2}[ .\-]?\d{4}",
        check=_american,
    ),
    _around(
        "national_id",
        "social insurance|assurance sociale",
        r"\d{3}[ \-]\d{3}[ \-]\d{3}",
        check=_canadian,
    ),
    _around(
        "medical_id",
        "sanitari|sanitària|patient|pacient|paciente|paziente|patiënt|health card|health insurance|krankenvers|versichertenn|gesundheitskarte|medical record|mrn|medicare|medicaid|nhs|vitale|mutuelle|"
        "hospital|пациент|полис|患者|診察|保険証|病历|医保|환자|건강보험",
        r"[A-Z]{4,10}\d{6,12}|[A-Z]\d{9}|[A-Z]{2,3}-\d{5,9}|[A-Z]{1,3}\d{6,10}|\d{7,10}[A-Z]|\d{5,10}|\d{3}[ \-]\d{3}[ \-]\d{4}",
        among=r"tarjeta|targeta|tessera|health|medical|kranken|versicher|gesundheit|nhs|mrn|record|wristband|chart|number|no\b|nr\b|n[uú]mero|karte|card|carte|полис|карт|番号|号|번호",
        unless=r"\b(?:number of|total|count|enrolled|lot|batch|ndc|device|model|serial|room|ward phone)\b",
    ),
)  # fmt: skip


def find(reading: Reading) -> Iterator[Finding]:
    """Yield the numbers of a folded text that a word somewhere near calls a person's."""
    if not _SOME_NUMBER.search(reading.text):
        return
    for around in KINDS:
        if reading.stands(around.needles) and not reading.speaks(INVALID) and _spoken_of(reading, around):
            yield from _near_words(reading, around)


def _spoken_of(reading: Reading, around: _Around) -> bool:
    if around.among is not None and not reading.speaks(around.among):
        return False
    return around.unless is None or not reading.speaks(around.unless)


def _near_words(reading: Reading, around: _Around) -> Iterator[Finding]:
    text = reading.text
    known: dict[tuple[int, str], bool] = {}
    care = reading.care(f"around {around.kind}")
    for start, end in _shaped(text, around.shape, _zones(reading, around)):
        if reading.told(start) >= end or not reading.looks(_possible, text[start:end]):
            continue
        if around.check is not None and not reading.looks(around.check, text[start:end]):
            continue
        before = max(0, start - REACH_NAME)
        key = start - before, reading.levelled[before:end]
        if key not in known:
            known[key] = not care.taken() or _credible(reading.levelled, start, end, around.kind)
        if known[key]:
            yield Finding(around.kind, start, end, 0.7)


def _shaped(text: str, shape: re.Pattern[str], zones: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield where numbers of a shape stand, apart."""
    last = 0  # where the one before ended
    for zone in zones:
        for match in shape.finditer(text, *zone):
            start, end = match.span("number")
            if start >= last:
                last = end
                yield start, end


def _zones(reading: Reading, around: _Around) -> list[tuple[int, int]]:
    """Return the parts of paragraphs around the words, in order, apart."""
    text, parts = reading.text, list[tuple[int, int]]()
    parted = "\n\n" in text
    for at, _ in reading.places_of(around.needles):
        floor, limit = max(0, at - BEFORE), min(len(text), at + AFTER)
        above, below = (text.rfind("\n\n", floor, at), text.find("\n\n", at, limit)) if parted else (-1, -1)
        start, end = (above + 2 if above >= 0 else floor), (below if below >= 0 else limit)
        if parts and start <= parts[-1][1]:
            parts[-1] = parts[-1][0], max(end, parts[-1][1])
        else:
            parts.append((start, end))
    return parts


def _possible(written: str) -> bool:
    """Tell whether a number is no date, run or number of an update."""
    return len(set(written)) >= FEWEST_DIFFERENT and _DATE.match(written) is None and _UPDATE.match(written) is None


def _credible(words: str, start: int, end: int, kind: str) -> bool:
    """Tell whether a number isn't called something else right before it; all digits of the words are the same."""
    window = _GENERIC.sub("", labels.before(words, start, REACH_NAME))
    if DENIAL.search(window) or _ANOTHER.search(window):
        return False
    if words[start:end].isdigit() and kind != "ssn":
        return _ANNOUNCED.search(window) is not None
    return True


_SOME_NUMBER = expression(r"[0-9A-Z](?:(?<=\d)(?:[ .\-/]?[0-9A-Z]){5}|[0-9A-Z]{6})")
