"""Names that a form, a record or their bearer gives: what stands behind "Full name:" and "my name is"."""

from __future__ import annotations

import re
from collections.abc import Iterator

from governance.guardrails.cues import Cue, asked_once
from governance.guardrails.detector import WORD_END
from governance.guardrails.expressions import expression
from governance.guardrails.findings import Finding
from governance.guardrails.needles import Needles, beginnings, by_length, shortest
from governance.guardrails.pii import examples, offices
from governance.guardrails.pii.addresses import NUMBERED_FIRST
from governance.guardrails.pii.name_words import (
    ANY,
    APPOSED,
    BEARERS,
    CONFIDED,
    FIELDS,
    GREETINGS,
    HEADS,
    HONORED,
    I_AM,
    IDEOGRAPHS,
    KIN,
    MYSELF,
    NEXT_FIELDS,
    NOBODYS,
    OF_ARABIC_AND_HEBREW,
    OF_THINGS,
    PAPERS,
    PARTS,
    SAID,
    SALUTATIONS,
    TITLED,
    TITLES,
)
from governance.guardrails.reading import Reading

_PART = (  # gives no letter back: what follows a part is none
    r"[^\W\d_a-z](?:[^\W\d_]?['’][^\W\d_]{1,21}+|[^\W\d_]{1,22}+)(?:-[^\W\d_a-z][^\W\d_]{1,20}+)?"
)
_PARTICLE = r"(?:de|da|do|dos|das|di|del|della|van|von|der|den|ten|la|le|el|al|bin|ibn|af)"
_INITIAL = r"[^\W\d_a-z]\."
_FULL = rf"(?:{_PART}(?: {_INITIAL}| [^\W\d_a-z](?= ))?|{_INITIAL}(?: ?{_INITIAL})?)(?: (?:{_PARTICLE} ){{0,2}}{_PART}){{1,3}}"
_TURNED = rf"[A-ZÀ-Þ][A-ZÀ-Þ'’\-]{{1,24}}+, {_PART}(?: {_INITIAL}| {_PART})?"  # the surname first, in great letters
_NAME = rf"(?:{TITLES}\.? )?(?!{TITLES}\b)(?P<name>{_TURNED}|{_FULL})(?![^\W_])"
_EAST_ASIAN = r"(?:[々\u3400-\u9fff]{1,4}[ 　]?[\u3040-\u30ff\u3400-\u9fff]{1,4}|[가-힣]{2,4})"
_EASTERN = r"[\u0590-\u06ff\u0900-\u097f\u0e00-\u0e7f'\"-]{2,20}"
# More of what somebody or something is called before the sign: an ending, words, a remark in brackets.
_MORE = r"[^\W\d_]{0,8}+(?:(?:['’]s)?[ _/][^\W\d_]{1,14}+){0,3}(?: ?\([^()\n]{1,24}\))?"
_CLOSED = r"</(?:dt|th|td|b|strong|label|span|p)>\s{0,3}:?\s{0,3}<(?:dd|td|span|p|div)\b[^<>]{0,40}>"
_BETWEEN = rf"(?:[ \t]?[:：=>][ \t]?[\"'*]{{0,2}}[ \t\n]{{0,4}}|[\"'*]{{1,2}}[ \t]?[:=][ \t]?[\"'*]{{0,2}}[ \t]?| ?\.{{3,40}} ?|{_CLOSED})"
_CELLS = r"[ \t]?\|[ \t]?"
_ONLY_CELL = r"(?(cell)(?=[ \t]{0,9}(?:\|[ \t]*)?(?:\n|\Z)))"
_CELL_ENDS = r"(?=[ \t]?(?:[|;]|\t| {2}|\n|\Z))"
_BORN = r"(?:geb|born|née?|nacid|nat[oa] |ur\. |född|født|dob|\*)"
_AFTER_SAID = expression(rf",? {_NAME}")
_AFTER_FIELD = expression(
    rf"(?:{_MORE}(?:{_BETWEEN}|(?P<cell>{_CELLS})|\n[ \t]{{0,8}})|(?:in| is|['’]s)?[ \t\"'*>\-]{{1,4}}){_NAME}{_ONLY_CELL}"
)
_AFTER_BEARER = expression(rf"{_MORE}(?:{_BETWEEN}|(?P<cell>{_CELLS})){_NAME}{_ONLY_CELL}")
_AFTER_PART = expression(
    rf"{_MORE}(?: is |{_BETWEEN}|{_CELLS}|[ \t]{{2,9}}(?=[^\W\d_a-z]['’]?[^\W\d_A-Z]))(?P<name>{_PART}(?: {_PART}){{0,2}}(?: {_INITIAL})?)(?![^\W_])"
)
_AFTER_GREETING = expression(rf"[,.]?[ \t]?\n\s{{0,3}}{_NAME}(?=[ \t]?(?:\n|,|\Z))")
_AFTER_CLOSING = expression(rf"[,.]? {_NAME}(?=[ \t]?(?:\n|\Z))")
_HOUSE_AHEAD = rf"(?:\d{{1,4}} ?(?:bis|ter|[a-z])?,? (?:[A-Z]|{NUMBERED_FIRST})|Flat|Apt|Unit)"
_AFTER_PAPER = expression(
    rf"(?: [^\W\d_]{{1,14}}+){{0,3}}?[ \t]?(?:[:：\-–—][ \t]?|of |von |de )?\n?[ \t]{{0,8}}{_NAME}(?=[ \t]?[,|]?[ \t]?\n|,? {_HOUSE_AHEAD})"
)
_AFTER_KIN = expression(rf" (?P<name>{_PART}(?: {_PART}){{0,2}}),? \(?(?={_BORN})")
_AFTER_TITLE = expression(rf"\.? {_NAME}{_CELL_ENDS}")
_AFTER_ROLE = expression(
    rf"[^\W\d_]{{0,8}} {_NAME}(?:{_CELL_ENDS}|(?=,? \(?(?:{_BORN}|residing|resident|living|of \d|aged|age \d|dob|tel)))"
)
_TOLD_OF = (
    r"(?:born|née?\b|nat[oa]\b|nacid[oa]|geb(?:\.|oren)|nascid|urodz|ur\.|con (?:dni|nie|nif|n\.i\.|pasaporte|domicilio)|provist[oa]|titular|mayor de edad|vecin[oa]|d\.?n\.?i\b|nie\b|cnp\b|c\.?f\.|codice fiscale|pesel|legitymuj|zam\.|zamieszka|"
    r"aged\b|age \d|of \d|resid|demeurant|domicili|wohnhaft|dob\b|d\.o\.b|nhs|ssn|svnr|tel\b|tel\.|тел|portador|inscrit|cpf\b|identificad|ci-après|nachfolgend|en adelante|hereinafter|cuenta\b|iban|konto\b|r\. ?č|passport|reisepass|pasaporte|mobile|handy|member no|policy no)"
)
_AFTER_HONORED = expression(rf"\.?[ªº]? {_NAME}(?=,? \(?(?i:{_TOLD_OF}))")
_AFTER_I = expression(rf" (?:a |o )?{_NAME}(?=[,.;]|\Z| (?:and|und|et|y|e) )")
_AFTER_HEAD = expression(rf"[ \t]?[\"']?{_NAME}[\"']? ?<(?=[^<>\s@]{{1,64}}@)")
_AFTER_APPOSED = expression(rf", {_NAME},")
_AFTER_CONFIDED = expression(rf"[:;–—\-]? ?(?:[^\W\d_A-Z]{{1,10}} ){{0,3}}{_NAME}")
_AFTER_MYSELF = expression(rf" {_NAME},")
_AFTER_SALUTATION = expression(rf" (?={TITLES}\b){_NAME}(?=[,:!\n]|\Z)")
_ROLES = tuple(word for word in BEARERS if word not in OF_THINGS)
_KINDS = (
    (SAID, (_AFTER_SAID,)),
    (FIELDS, (_AFTER_FIELD,)),
    (BEARERS, (_AFTER_BEARER,)),
    (PARTS, (_AFTER_PART,)),
    (ANY, (_AFTER_BEARER,)),
    (GREETINGS, (_AFTER_GREETING, _AFTER_CLOSING)),
    (PAPERS, (_AFTER_PAPER,)),
    (KIN, (_AFTER_KIN,)),
    (TITLED, (_AFTER_TITLE,)),
    (_ROLES, (_AFTER_ROLE,)),
    (HEADS, (_AFTER_HEAD,)),
    (MYSELF, (_AFTER_MYSELF,)),
    (APPOSED, (_AFTER_APPOSED,)),
    (CONFIDED, (_AFTER_CONFIDED,)),
    (SALUTATIONS, (_AFTER_SALUTATION,)),
    (HONORED, (_AFTER_HONORED,)),
    (I_AM, (_AFTER_I,)),
)
_BEHIND = {
    needle: tuple(behind for needles, every in _KINDS if needle in needles for behind in every)
    for needles, _ in _KINDS
    for needle in needles
}
CALLED = Needles(_BEHIND, after=r"(?<![^\W\d_])")
_OF_ANYTHING = frozenset(ANY)
_OF_PARTS, _FIRST_OF_CELLS = {_AFTER_PART, _AFTER_KIN}, {_AFTER_TITLE, _AFTER_ROLE}
_OF_A_MODEL = expression(r"(?<=[^\W\d_A-Z] )[A-Z]{1,4}-\d")  # "reports: Printer KX-400 jams"
# "Please be patient: …" calls nobody a patient.
_ADJECTIVE, LONGEST_VERB = expression(r"\b(?:be|being|stay|remain|are|more|very|so) \Z"), 8
_CELL_BEGINS, LONGEST_MARK = expression(r"(?:\A|[\n\t|;]|  )[ \t]{0,2}(?:[\-–*•] )?\Z"), 6
_AFTER_EASTERN = expression(rf"[ \t]?[:：=][ \t]?(?P<name>{_EASTERN}(?: {_EASTERN}){{1,3}})(?=[ \t]?(?:[\n,،.;]|\Z))")
_AFTER_IDEOGRAPHS = expression(
    rf"(?:は|[:：]) ?(?P<name>(?!必|任|未|同|无|無|不|选|選|请|請|필수|입력|미정|없음){_EAST_ASIAN})(?![\u3400-\u9fff가-힣])"
)
# "My name is": two words, or three where the third is a family's, and the sentence ends or goes on with "and".
OWN_EASTERN = ("اسمي", "שמי")
_AFTER_OWN = expression(
    r"[ :]{1,2}(?:هو |הוא )?(?!(?:في|على|من|مع|إلى|لا|ليس|غير|كان|לא|על|של|עם) )(?P<name>[\u0590-\u06ff'\"-]{2,20} (?!و|ו)[\u0590-\u06ff'\"-]{2,20}(?: ال[\u0600-\u06ff]{2,20})?)(?= ?(?:[\n,،.;]|\Z)| [وו])"
)
EASTERN = Needles(OF_ARABIC_AND_HEBREW)
# What is said of people beside a name.
_PERSONAL = (
    Cue(
        r"(?<![a-z])(?:dob|d\.o\.b|birth|born|age\b|gender|sex\b|phone|tel\b|mobile|cell\b|e-?mail|ssn|passport|home address|patient|customer|client|employee|tenant|student|guest|guardian|applicant|"
        r"contact|mrn|nationality|marital|geburt|geb\.|geschlecht|handy|kunde|naissance|nacimiento|tel[ée]fono|t[ée]l[ée]phone|correo|telefon|telefoon|nascita|nascimento|cpf|dni|geboorte|urodz|pesel|född|født|personn|rodn[éeá]|isikuk|kimlik|cnp\b|oib\b|jmbg|iban\b|asmens k|cf\b|codice fisc|bsn\b|nif\b|nie\b)|телефон|паспорт"
    ),
)
REACH, REACH_AFTER = 120, 48


def find(reading: Reading) -> Iterator[Finding]:
    """Yield the names of a folded text that their place or their bearer calls so."""
    for name in _called(reading):
        if not examples.nobodys_name(reading, name.start, name.end) and not examples.shown(reading, name.start):
            yield name


def _called(reading: Reading) -> Iterator[Finding]:
    text, seen = reading.text, set[tuple[int, int]]()
    for at, needle in reading.standing(CALLED):
        for behind in _BEHIND[needle]:
            match = behind.match(text, at + len(needle))
            if match is None or (needle in _OF_ANYTHING and not _of_somebody(reading, at, match.end("name"))):
                continue
            if _ADJECTIVE.search(reading.lower, max(0, at - LONGEST_VERB), at):
                continue
            if behind is _AFTER_CONFIDED and match["name"].split()[0].lower() not in offices.GIVEN:
                continue
            if behind in _FIRST_OF_CELLS and not _CELL_BEGINS.search(text, max(0, at - LONGEST_MARK), at):
                continue
            start, end = (
                match.start("name"),
                match.start("name") + _length(match["name"], 1 if behind in _OF_PARTS else 2),
            )
            if start < end and (start, end) not in seen and not _is_model(text, start, end):
                seen.add((start, end))
                yield Finding("person", start, end, 0.7)
    yield from _in_records(reading)
    yield from _in_tables(reading)
    if not reading.lower.isascii():
        yield from _far(reading)


def _is_model(text: str, start: int, end: int) -> bool:
    return _OF_A_MODEL.match(text, max(start, text.rfind(" ", start, end) + 1)) is not None


def _in_records(reading: Reading) -> Iterator[Finding]:
    """Yield names that the form of a record gives away: of tickets, cards, and hospitals."""
    for pattern, needles in _RECORDS if _OF_RECORDS.search(reading.lower) else ():
        for match in reading.matches(pattern, needles):
            for name in range(1, pattern.groups + 1):
                if match[name] and _length(match[name], 1):
                    yield Finding("person", *match.span(name), 0.8)
    for ticket in _TICKET.finditer(reading.text) if _OF_A_TICKET.search(reading.text) else ():
        yield Finding("person", *ticket.span(), 0.8)


def _in_tables(reading: Reading) -> Iterator[Finding]:
    """Yield the names below a column for names of people or for parts of them."""
    for cell in reading.tables.cells(_COLUMN):
        written = reading.text[cell.start : cell.end]
        if _CELL.fullmatch(written) and _length(written, 1) == len(written):
            yield Finding("person", cell.start, cell.end, 0.7)


_COLUMN_NAME = (
    r"(?:(?:first|last|given|family|full|sur|fore|customer|patient|guest|employee|tenant|student|contact|passenger)[ _]?name|surname|given|vorname|nachname|pr[ée]nom|apellidos?|cognome|sobrenome|voornaam|achternaam|"
    r"imi[ęe]|nazwisko|förnamn|efternamn|fornavn|etternavn|etunimi|sukunimi|jméno|příjmení|фамилия|имя)"
)
_COLUMN = expression(rf"(?<![^\s;,|\"'`]){_COLUMN_NAME}(?![^\s;,|\"'`])")
_CELL = expression(rf"{_PART}(?: (?:{_PARTICLE} ){{0,2}}{_PART}){{0,3}}")


def _far(reading: Reading) -> Iterator[Finding]:
    """Yield names in scripts that have no great letters."""
    for at, needles in reading.places_of(EASTERN):
        match = _AFTER_EASTERN.match(reading.text, at + len(max(needles, key=len)))
        if match is not None:
            yield Finding("person", *match.span("name"), 0.7)
    for at, needle in reading.places(OWN_EASTERN):
        match = _AFTER_OWN.match(reading.text, at + len(needle))
        if match is not None:
            yield Finding("person", *match.span("name"), 0.7)
    for at, needle in reading.places(IDEOGRAPHS):
        match = _AFTER_IDEOGRAPHS.match(reading.text, at + len(needle))
        if match is not None:
            start, end = match.span("name")
            yield Finding("person", start, start + len(_ENDING.sub("", reading.text[start:end])), 0.7)


_ENDING = expression(r"(?:です|で)\Z")


def _of_somebody(reading: Reading, start: int, end: int) -> bool:
    return reading.near(_PERSONAL, start - REACH, start) or reading.near(_PERSONAL, end, end + REACH_AFTER)


def _length(written: str, fewest: int) -> int:
    """Return how many characters of what is written are a name of so many parts, up to the next field; 0 for nobody's."""
    end, parts = 0, 0
    for word in _WORD.finditer(written):
        if word[0].lower() in NEXT_FIELDS and parts:
            break
        if not _of_a_name(word[0]):
            return 0
        if word[0] not in _PARTICLES:
            end, parts = word.end(), parts + 1
    end += written.startswith(".", end) and end >= 2 and not written[end - 2].isalpha()  # of an initial
    return end if parts >= fewest else 0


@asked_once
def _of_a_name(word: str) -> bool:
    """Tell whether somebody may be called so."""
    if word.lower() in NOBODYS or _ABSTRACT.search(word):
        return False
    return _great(word) or word in _PARTICLES


_WORD = expression(r"[^\W\d_][\w'’]*")
# How words end that name what things do or are, and hardly anybody's name does.
_ABSTRACT = expression(
    r"(?i:(?<!asun)(?<!concep)(?<!encarna)tions?|(?<!cle)(?<!sar)ments?|(?<!ver)onics|graphics|(?<!dela)ware|ology|[ai]bility|i[sz]ation|ungen|(?<!r)schaft|keiten|isierung)\Z"
)
_PARTICLES = frozenset(_PARTICLE.removeprefix("(?:").removesuffix(")").split("|"))


def _great(word: str) -> bool:
    return word[0].isupper() or word[0].lower() == word[0].upper()


_OF_PEOPLE = r"(?:(?:full|real|first|last|guest|customer|patient|contact|your|holder|card|parent|child|student)[_ -]?name|guest|patient|customer|client|tenant|holder|owner|contact|passenger|applicant|nombre|nom|nome|naam|requester|reporter|assignee)"
# "May I have your full name?", and what the next to speak begins with.
_ASKED = r"(?i:(?<=your )name|(?<=full )name|(?<=first )name|(?<=last )name|(?<=ihr )name|(?<=ihren )namen?|wie heißen sie|(?<=votre )nom|(?<=su )nombre|(?<=tu )nombre|come si chiama|(?<=suo )nome|(?<=seu )nome|(?<=uw )naam|imię i nazwisko)[^\n?]{0,40}\?[^\n]{0,8}"
_TURN = (
    r"\n{1,2}(?:[\[(]?\d[\d:. ,/\-]{3,20}(?:[ap]m)?[\])]? ?(?:- )?)?[\"'*<]{0,2}[^\W\d][\w .]{0,16}[\"'*>]{0,2}[ ]?[:>] ?"
    r"(?i:(?:it'?s|it is|yes|sure|hi|ja|oui|sí|i'm|i am|this is|ich bin|c'est|je suis|soy|sono|mein name ist)[, ]{1,2}){0,3}"
)
_HELD = rf"\"({_PART}(?: {_PART})?)\""
_RECORDS = (
    (expression(rf"FN(?:;[^:\n]{{1,40}})?:({_FULL})(?![^\W_])"), ("fn:", "fn;")),
    (expression(rf"N(?:;[^:\n]{{1,40}})?:({_PART}(?: {_PART})?;{_PART}(?: {_PART})?)(?=;)"), ("n:", "n;")),
    (
        expression(rf"<(?:\w{{1,9}}:)?(?:given|family)(?: [^<>\n]{{0,40}})?>({_PART}(?: {_PART}){{0,2}})(?=</)"),
        ("<given", "<family"),
    ),
    (
        expression(rf"(?:ATTENDEE|ORGANIZER);(?![^:\n]{{0,99}}TYPE=R)[^:\n]{{0,60}}?CN=\"?({_FULL})(?=[;:\",])"),
        ("attendee;", "organizer;"),
    ),
    (expression(rf"\"family\"\s?:\s?{_HELD}[^{{}}]{{0,40}}\"given\""), ('"family"',)),
    (expression(rf"\"given\"\s?:\s?\[\s{{0,9}}{_HELD}(?:,\s{{0,9}}{_HELD})?(?:,\s{{0,9}}{_HELD})?"), ('"given"',)),
    (expression(rf"\"name\"\s?:\s?\[\s{{0,9}}\{{[^{{}}]{{0,60}}?\"text\"\s?:\s?\"({_FULL})\""), ('"name"',)),
    (expression(rf"Patient/[\w\-]{{1,40}}\"[^{{}}]{{0,20}}\"display\"\s?:\s?\"({_FULL})\""), ("patient/",)),
    (
        expression(rf"{_ASKED}{_TURN}{_NAME}"),
        ("name", "wie heißen sie", "nom ", "nombre", "come si chiama", "nome", "naam", "imię i nazwisko"),
    ),
    (expression(rf"(?i:cn): ?({_FULL})(?=\n|\Z)"), ("cn:",)),
    (expression(rf"(?i:sn): ?({_PART})(?=\n|\Z)"), ("sn: ",)),
    (expression(rf"name=\"{_OF_PEOPLE}\"[^<>]{{0,60}}? value=\"({_FULL})\""), ('name="',)),
    (expression(r"(?:NM1\*(?:IL|QC|74|85)\*1\*)([A-Z'\- ]{2,30}\*[A-Z'\-]{2,25})(?=\*)"), ("nm1*",)),
    (expression(r"NAD\+(?:CN|DP|FL|UC|IV)\+{1,4}([A-Z'\-]{2,25}[ :][A-Z'\-]{2,25})(?=[+':])"), ("nad+",)),
    (
        expression(r"PID\|[^\n]{0,100}?\|([A-Z][A-Z'\-]{1,25}\^[A-Z][A-Z'\-]{1,25}(?:\^[A-Z'.\-]{1,25})?)(?=[|^\n])"),
        ("pid|",),
    ),
)
_OF_RECORDS = expression(beginnings(shortest(needle for _, needles in _RECORDS for needle in needles)))
_OF_A_TICKET = expression(r"/(?<=[A-Z]{3}/)[A-Z]{3}")
_TICKET = expression(r"(?<![A-Z/])[A-Z]{3,25}/[A-Z]{3,25}(?: [A-Z]{3,20})? (?:MRS?|MS|MSTR|MISS|CHD)\b")


def _telling(needle: str) -> str:
    """Return the word of a needle by which texts in pieces are told: one that says most, and may be its last."""
    words: list[str] = re.findall(r"[\w’']+", needle)
    return next((word for word in words if word in ANY), max(words, key=len))


# For texts that arrive in pieces: words by which a name may be called so, and what is held from one on.
_TOLD_APART = {*MYSELF, *HEADS, *I_AM, *HONORED} - {word for words in (BEARERS, KIN, TITLED) for word in words}
_TOLD = shortest({_telling(needle) for needle in _BEHIND if needle not in _TOLD_APART})
_HEADS = ("from", "to", "cc", "bcc", "by", "author", "committer", "tagger", "maintainer", "von", "an", "de", "da", "van", "sender")  # fmt: skip
_HEADED = rf"(?:{'|'.join(_HEADS)}):"
_SELF = rf"(?:{'|'.join(MYSELF)})"
TELLING = frozenset(_TOLD)
OPENING = frozenset((
    *(f"{head}:" for head in _HEADS), *MYSELF, *(word + WORD_END * word[-1].isalpha() for word in _TOLD_APART if word in HONORED or word in I_AM),
    "n:", "n;", "fn:", "fn;", "cn:", "sn:", "nad+", 'family"', "family>", 'given"', "given>", "attendee;", "organizer;",
))  # fmt: skip
OF_A_TICKET = r"[A-Z]{3}/[A-Z]"
_LAST_WORDS = shortest(
    {re.split("[ -]", phrase)[-1] for phrase in (*OF_ARABIC_AND_HEBREW, *OWN_EASTERN) if phrase < "\u0e00"}
)
# Where words aren't parted each letter leaves at once: the last of what names a name is held.
TELLING_OF_IDEOGRAPHS = (
    rf"名(?:前|[は:： ]|\Z)|(?:[人者]|義人)[:： ]|[명름함인자주ลย](?:[:： ]|\Z)|{'|'.join(_LAST_WORDS)}"
)
_BEGUN = rf"(?:(?:[^\W\d_a-z][\w'’.\-]{{0,22}}+|{_PARTICLE}),? ?){{0,8}}"
TAILS = (
    rf"{beginnings(_TOLD, both_cases=True)}[^\W\d_]{{0,12}}(?:(?:['’]s?)?(?:-me|,)?[ _/][^\W\d_]{{0,14}}){{0,4}}?(?: ?\([^()\n]{{0,24}}\)?)?"
    rf"(?:</?[\w\s=\"]{{0,40}}|[\s:：=|>\"'*.,\-]){{0,44}}{_BEGUN}(?:\d{{1,4}} ?[a-z]{{0,10}}|\(?[a-z*]{{1,9}}\.?)?",
    rf"(?:[A-Za-z]{{1,12}}_){{0,3}}(?i:{'|'.join(ANY)})(?:[ _/][^\W\d_]{{1,14}}){{0,3}}(?: ?\([^()\n]{{0,24}}\)?)?[\s:：=|>\"'*]{{1,9}}[^\W\d_a-z]{_BEGUN}(?s:.{{0,{REACH_AFTER + 8}}})",
    rf"(?i:{_HEADED})[ \t]?[\"']?(?:[^\W\d_a-z][^\n<]{{0,60}}(?:<[^\n<>@]{{0,64}})?)?",
    rf"(?i:{_SELF})(?: {_BEGUN})?",
    rf"(?i:{'|'.join(map(re.escape, by_length((*HONORED, *I_AM))))})[.ªº]{{0,2}}(?: (?:[ao] )?{_BEGUN}(?:,? ?\(?[^\n]{{0,16}})?)?",
    rf"(?i:{_COLUMN_NAME})\"?[,;\t](?! )[^\n]{{0,100}}",  # of the head of a table
    r"(?i:[fcs]?n)[:;][^\n]{0,60}",
    r"\"name\"\s?:\s?\[[^\]]{0,140}",
    r"Patient/[^{}]{0,110}",
    r"(?i:name|nom|nombre|heißen sie|chiama|nome|naam|nazwisko)[^\n?]{0,40}\?[^\n]{0,8}(?:\n{1,2}[^\n]{0,90})?",
    r"name=\"[^<>]{0,150}",
    r"(?:NM1\*|PID\||NAD\+)[^~\n']{0,180}",
    rf"(?:{'|'.join(OWN_EASTERN)})(?:[ :]{{1,2}}[\u0590-\u06ff'\"-]{{0,20}}){{0,6}}",
    r"(?:family|given)[\">][^{}]{0,120}",
    r"(?i:attendee|organizer);[^\n]{0,160}",
    r"[A-Z]{3,25}/[A-Z ]{0,50}",
    rf"(?:{'|'.join(OF_ARABIC_AND_HEBREW)})(?:[ \t]?[:：=](?: ?[\u0590-\u06ff\u0900-\u097f\u0e00-\u0e7f'\"\-]{{0,20}}){{0,5}})?",
    rf"(?:氏|お|姓|[患契約申請込名义義收联系请]{{0,3}}[者人])?名?前?[は:： ]{{0,3}}[々\u3040-\u30ff\u3400-\u9fff ]{{0,9}}|(?:{'|'.join(word for word in IDEOGRAPHS if word >= '가')})[:： ]{{0,3}}[가-힣]{{0,5}}",
)
