"""Identity papers: values that a label in front of them names, and those whose own form gives them away."""

from __future__ import annotations

from collections.abc import Iterator

from governance.guardrails import folding
from governance.guardrails.expressions import expression
from governance.guardrails.findings import Finding
from governance.guardrails.needles import Needles
from governance.guardrails.pii import insurances
from governance.guardrails.pii.id_checks import of_somebody
from governance.guardrails.pii.repeated import Repeated
from governance.guardrails.reading import Reading

_LABELS = {
    "passport": r"passports?|reisepass(?:nummer)?|pasaporte|passeport|passaporto|paspoort",
    "driver_license": r"driv(?:er|ing|er'?s|ers'?)[- ]licen[cs]es?|(?:state )?dl (?:number|no|#)|d/l|dl(?=[:#])|"
    r"f(?:ü|ue)hrerschein(?:nummer)?|permiso de conducir|permis de conduire|patente di guida|rijbewijs",
    "national_id": r"national[ _\-]?(?:id(?:entity|entification)?(?:[ _]?card)?)(?:[ _]?(?:number|no))?|identity card|id card|residence permit",
    "medical_id": r"mrn|medical record|hosp(?:ital)?\.? (?:no|num|id)|patient id|health (?:card|plan|insurance)(?: id)?|"
    r"medicaid|krankenversichertennummer",
}
_VALUES = {
    "passport": r"[A-Za-z]{0,3}\d{6,9}[A-Za-z]?(?![0-9A-Za-z_])",
    "driver_license": r"(?=[A-Za-z\d\-]*\d{3})[A-Za-z]{0,5}\d[A-Za-z\d]{3,16}(?:[- ]\d[\dA-Z]{1,8}){0,3}(?![0-9A-Za-z_])"
    r"|[A-Z]{1,2}\d{0,3}(?:-\d{2,6}){1,4}(?![0-9A-Za-z_])|[A-Z]{5}\d{6}[A-Z\d]{5}(?![0-9A-Za-z_])",
    "national_id": r"[A-Z]{0,5} ?\d[\dA-Z]{0,15}(?:[ .\-/][\dA-Z]{0,3}\d[\dA-Z]{0,8}){0,6}(?:[ .\-]?[A-Z\d])?(?![0-9A-Za-z_])",
    "medical_id": r"[A-Z]{0,4}-?\d(?:[ \-]?\d){4,14}(?![0-9A-Za-z_])",
}
_FILLER = (
    r"(?:[ \t:#=\-(_]*+(?:number|numbers|num|nummer|no\.?|n°|nr\.?|nbr|id|card|is|was|are|of|for|the|code|und|and|"
    r"issued|ending in|lautet|est|es|è|account|record|identification)\b){0,5}[ \t:#=\"'(*`]{0,5}\.?[ ]?"
)
_LABELLED = expression(  # where one of `STARTS` stands
    r"(?:" + "|".join(f"(?P<{kind}>{words})" for kind, words in _LABELS.items()) + ")(?![a-z])"
)
LONGEST_LABEL = 36
STARTS = Needles((
    "passport", "reisepass", "pasaporte", "passeport", "passaporto", "paspoort", "driv", "state dl", "dl", "d/l",
    "führerschein", "fuehrerschein", "permiso de", "permis de", "patente di", "rijbewijs", "national", "nino",
    "ni number", "identity card", "id card", "aadha", "pan ", "cpf", "curp", "dni", "nie", "nif", "codice", "steuer",
    "social insurance", "sin ", "tax file", "tfn", "medicare", "nhs", "insee", "sécurit", "securit", "bsn",
    "burgerservice", "pesel", "personnummer", "hkid", "nric", "voter id", "residence permit", "green card",
    "alien reg", "personalausweis", "sozialvers", "rg ", "rut",
    "mrn", "hosp", "medical record", "patient id", "health ", "medicaid", "krankenv",
), after=r"(?<![0-9A-Za-z_])")  # fmt: skip
_FILLED = expression(_FILLER)
_VALUE = {kind: expression(pattern) for kind, pattern in _VALUES.items()}
_LEAST_DIGITS = {"passport": 6, "driver_license": 4, "national_id": 5, "medical_id": 5}
_LATER = expression(
    r"([A-Z\d](?<![0-9A-Za-z_.].)(?:(?<=[A-Z])[A-Z]?\d|(?<=\d))\d{5,8}[A-Z]?) (?:is|was) (?:my|his|her|their|the|your) (?:\w{1,12} ){0,2}(?i:(passport)|(driv\w{1,8} licen[cs]e|licen[cs]e))"
)
_SAID_LATER = tuple(
    f" {verb} {whose} " for verb in ("is", "was") for whose in ("my", "his", "her", "their", "the", "your")
)
_DIGIT = expression(r"\d")
# Numbers whose name stands a sentence before, or whose place in a record says what they are.
_ELSEWHERE = (
    (
        expression(
            r"(?i:passport|reisepass|passeport|pasaporte|passaporto)\b[^\n.\d]{0,60}[.,;–-] ?(?i:(?:the|its|my|his|her|die|la|le|el|il) )?(?i:numbers?|no\.?|nr\.?|nummer|num[ée]ro|número|numero)"
            r"(?i: (?:is|was|ist|war|est|es|è|era|lautet))?:? (?P<passport>[A-Z]{0,3}\d{6,9}[A-Z]?)(?![0-9A-Za-z_])"
        ),
        ("pass", "reisepass", "pasaporte"),
    ),
    (
        expression(
            r"(?i:driv(?:er'?s?|ing) licen[cs]e|licen[cs]e|führerschein)\b[^\n.\d]{0,60}[.,;–-] ?(?i:(?:the|its|my|his|her) )?(?i:numbers?|no\.?|nr\.?|nummer)(?i: (?:is|was|ist|lautet))?:? "
            r"(?P<driver_license>[A-Z]{1,5}\d[A-Z\d]{5,14})(?![0-9A-Za-z_])"
        ),
        ("driv", "führerschein"),
    ),
    (
        expression(
            r"(?i:doc(?:type|_type)?)[\"']?\s?[=: ]\s?[\"']?P\b[\"']?[^\n]{0,40}?(?<![A-Za-z])(?i:num(?:ber)?|no|doc_?no|docnum)[\"']?\s?[=: ]\s?[\"']?"
            r"(?P<passport>[A-Z]{0,2}\d{6,9}[A-Z]?)(?![0-9A-Za-z_])"
        ),
        ("doc",),
    ),
    (
        expression(r"PID\|\d{0,4}\|(?:[^|\n]{0,40}\|)?(?P<medical_id>[A-Z]{0,4}\d[\w\-]{3,19})(?=[\^|~\n])"),
        ("pid|",),
    ),
    # in records whose parts say of whom or of what
    (
        expression(
            r"(?i:(?:driv(?:ers?|ing)[ _\-]?)?licen[cs]e)\"\s?:\s?\{[^{}]{0,80}?\"(?i:number|no|num|id)\"\s?:\s?\"(?P<driver_license>(?=[A-Z\-]*\d)[A-Z\d][A-Z\d \-]{4,18})\""
        ),
        ("driv", "licen"),
    ),
    (
        expression(
            r"(?i:medical record)[^\n{}]{0,12}\"\s?\}[^{}]{0,30}\"value\"\s?:\s?\"(?P<medical_id>[A-Z]{0,3}-?\d[\d\-]{4,14})\""
        ),
        ("medical record",),
    ),
    (
        expression(r"(?i:member id)[ :#]{1,3}(?P<medical_id>[A-Z]{2,4} ?\d{3,4}(?: \d{2,4}){1,3})(?![0-9A-Za-z])"),
        ("member id",),
    ),
    # in the messages of airlines and of those who pay for health
    (expression(r"DOCS \w\w HK\d{1,2}[/ ]P/[A-Z]{2,3}/(?P<passport>[A-Z0-9]{6,12})(?=/)"), ("docs ",)),
    (
        expression(
            r"DOCS \w\w HK\d{1,2}[/ ]P/[A-Z]{2,3}/[A-Z0-9]{6,12}/[A-Z]{2,3}/(?P<date_of_birth>\d\d[A-Z]{3}\d\d)(?=/)"
        ),
        ("docs ",),
    ),
    (expression(r"NM1\*\w\w\*1\*[^~\n]{0,80}?\*MI\*(?P<medical_id>[A-Z0-9]{6,20})(?![A-Z0-9])"), ("nm1*",)),
    (expression(r"PID\|(?:[^|\n]{0,60}\|){10}(?P<address>\d[^|\n^]{3,40}\^[^|\n]{3,60})(?=\||\n|\Z)"), ("pid|",)),
    # announced, whether its check digit is right or not
    (expression(r"SIN\b[^\n\d]{0,30}(?P<national_id>\d{3}-\d{3}-\d{3})(?![\d-])"), ("sin",)),
    (  # the form between that asks for it
        expression(
            r"(?:SIN|NAS)\b[^\n\d]{0,20}\b(?:for|pour|on|sur) [^\n\d]{0,12}\b[TW]-?\d[A-Z]?\b[^\n\d]{0,16}(?P<national_id>\d{3}[ \-]?\d{3}[ \-]?\d{3})(?![\d-])"
        ),
        ("sin", "nas"),
    ),
)


def find(reading: Reading) -> Iterator[Finding]:
    """Yield passports, licences, national and medical numbers of a folded text."""
    text, lower = reading.text, reading.lower
    labels = Repeated(_LABELLED, folding.lower(reading.levelled), LONGEST_LABEL)
    for at, _ in reading.places_of(STARTS):
        label = labels.match(at)
        if label is None:
            continue
        kind, end = label.lastgroup or "", at + label.end()
        filled = _FILLED.match(lower, end)
        value = _VALUE[kind].match(text, filled.end() if filled else end)
        if value is not None and _credible(kind, value[0]):
            yield Finding(kind, *value.span(), 0.9)
    for pattern, needles in _ELSEWHERE:
        for match in reading.matches(pattern, needles):
            group = match.lastgroup or ""
            yield Finding(group, *match.span(group), 0.85)
    yield from insurances.find(reading)
    for match in _LATER.finditer(text) if reading.stands(_SAID_LATER) else ():
        yield Finding("passport" if match[2] else "driver_license", *match.span(1), 0.85)


def _credible(kind: str, value: str) -> bool:
    if len(_DIGIT.findall(value)) < _LEAST_DIGITS[kind]:
        return False
    if not value.isalnum() and _DAY.fullmatch(value):
        return False
    return kind != "national_id" or of_somebody(_SIGNS.sub("", value))


# A date and perhaps the hour.
_DAY = expression(r"(?:(?:19|20)\d\d[-/.]\d\d[-/.]\d\d|\d\d[-/.]\d\d[-/.](?:19|20)\d\d)(?: .*)?")
_SIGNS = expression(r"[ .\-/]")
