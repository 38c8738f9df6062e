"""Numbers of members and policies of insurances, in many languages, said to be such."""

from __future__ import annotations

from collections.abc import Iterator

from governance.guardrails.cues import Cue
from governance.guardrails.expressions import expression
from governance.guardrails.findings import Finding
from governance.guardrails.pii.repeated import Repeated
from governance.guardrails.reading import Reading

_NUMBER = r"(?:numbers?|num(?:ber|mer|ero|éro|er)?|n[úu]mero|n[°ºr.]|nº|nos?\b\.?|nr\.?|id|#|policy|pol\.|police|p[óo]liza|polizza|polis|ap[óo]lice|\w{0,14}nummer|\w{0,14}nr|\w{0,14}schein)(?![^\W\d_])"
_VALUE = r"(?P<value>(?=(?:[A-Z .\-/]{0,9}\d){5})[A-Z0-9]{1,14}(?:[ .\-/][A-Z0-9]{1,10}){0,5}?)(?=\s{2}|[ ]?[,;|)\n\"'<]|\.?(?:\s|\Z)(?![A-Z]?\d))(?<![A-Z] [A-Z])"
_CALLED = expression(
    rf"(?i:insur|versicher|assur|segur|asegur|p[óo]liza|polizza|assicur|verzeker|polis|ubezpiecz|ap[óo]lice|försäkring|forsikring|pojist|страхов|полис)"
    rf"(?i:[^\n\d:;]{{0,40}}?(?:{_NUMBER}|(?P<sign>[:№])))(?i: (?:is|was|ist|lautet|est|es|è|é)\b)?[\s:.#()\"'=–-]{{1,12}}{_VALUE}"
)
# Of other things than insurances too, beside words for these.
_OF_MEMBERS = expression(
    rf"(?i:(?:policy|member(?:ship)?|subscriber|enrollee|beneficiary|certificate|plan)(?:['’]s)?[ _]?(?:id|numbers?|no|nr|nbr|#)\b)[.:]?(?: ?\([^()\n]{{1,40}}\))?(?i: is| was)?[\s:.#\"'=]{{1,12}}{_VALUE}"
)
# "My name is Odalys Wren, policy HOM/4471802/B": of whom it is, right before it.
_OF_WHO_WRITES = expression(
    rf"(?i:my name is|this is|i am|i['’]m|policy ?holder:?|insured:?) (?:(?![a-z])[^\W\d_][\w.'’\-]{{0,20}} ){{1,3}}(?![a-z])[^\W\d_][\w.'’\-]{{1,20}},? (?i:\(?(?:and )?(?:my )?policy(?: is)?) (?=[A-Z]){_VALUE}"
)
_OF_HEALTH = (
    Cue(
        r"(?<![a-z])(?:insur\w+|payers?|payors?|ppo|hmo|copay\w*|deductible|premium|claims?|claimant|prior auth\w*|drug|dx|diagnosis|coverage|health|medical|dental|pharmacy|rx|patient|prescri\w+|aetna|cigna|humana|anthem|kaiser|bcbs|blue cross|"
        r"unitedhealth\w*|bupa|allianz|axa|hiscox|no claims|windscreen|whiplash|collision|write-off|excess)(?![a-z])"
    ),
)
_HEALTH = expression(r"krank|health|versichertenn|gesund|santé|zorg|salud|salute|sanit|zdrow|medic|member|subscriber")
_OTHERS = expression(
    r"(?i:claim|schaden|quote|angebot|invoice|rechnung|order|form\b|article|artikel|law\b|act\b|fund|tax|steuer|company|register|hrb|since|seit|group|summe|betrag|amount|sum\b|premium|prämie|beitrag|cover|deckung|"
    r"number of|persons|pedido|bestell|commande|ordine|zamówi|encomenda|norma?\b|iso\b|nbr|gesetz|tarif|level)"
)
_DATE = expression(r"(?:19|20)\d\d[/.\- ]\d{1,2}(?:[/.\- ]\d{1,2})?\Z|\d{1,2}[/.\-]\d{1,2}[/.\-](?:19|20)?\d\d\Z")
_NEEDLES = ("insur", "versicher", "assur", "segur", "póliza", "poliza", "polizza", "assicur", "verzeker", "polis", "ubezpiecz", "apólice", "apolice", "försäkring", "forsikring", "pojist", "страхов", "полис")  # fmt: skip
_MEMBERS = ("policy", "member", "subscriber", "enrollee", "beneficiary", "certificate", "plan")
_WHO = ("my name is", "this is", "i am", "i'm", "i’m", "policyholder", "policy holder", "insured")
REACH, LONGEST_CALLED = 150, 164


def find(reading: Reading) -> Iterator[Finding]:
    """Yield the numbers that a folded text calls those of somebody with an insurance."""
    called = Repeated(_CALLED, reading.text, LONGEST_CALLED)
    for at, match in ((at, called.match(at)) for at, _ in reading.places(_NEEDLES)):
        if match is None:
            continue
        between = match[0][: match.start("value")]
        if match["sign"] and match["value"].replace(".", "").isdigit():  # a sum
            continue
        if not _OTHERS.search(between) and not _DATE.match(match["value"]):
            kind = "medical_id" if _HEALTH.search(between.lower()) else "insurance_number"
            yield Finding(kind, at + match.start("value"), at + match.end("value"), 0.8)
    for match in reading.matches(_OF_WHO_WRITES, _WHO) if "policy" in reading.lower else ():
        if not _DATE.match(match["value"]):
            yield Finding("insurance_number", *match.span("value"), 0.8)
    for match in reading.matches(_OF_MEMBERS, _MEMBERS):
        start = match.start()
        if reading.near(_OF_HEALTH, start - REACH, start) and not _DATE.match(match["value"]):
            kind = "insurance_number" if match[0][0] in "Pp" else "medical_id"
            yield Finding(kind, *match.span("value"), 0.8)
