"""Names that a form, a record or their bearer gives: what stands behind "Full name:" and "my name is"."""

from __future__ import annotations

import re
from collections.abc import Iterator

from governance.guardrails.findings import Finding
from governance.guardrails.needles import Needles, any_case, by_length
from governance.guardrails.reading import Reading

_PART = r"[^\W\d_a-z][^\W\d_]?['’]?[^\W\d_][^\W\d_'’\-]{0,20}(?:-[^\W\d_a-z][^\W\d_]{1,20})?"
_PARTICLE = r"(?:de|da|do|dos|das|di|del|della|van|von|der|den|ten|la|le|el|al|bin|ibn|af)"
_FULL = rf"{_PART}(?: [^\W\d_a-z]\.)?(?: (?:{_PARTICLE} ){{0,2}}{_PART}){{1,3}}"
_EAST_ASIAN = r"[々\u3400-\u9fff]{1,4}[ 　]?[\u3040-\u30ff\u3400-\u9fff]{1,4}"
# What people say before their names.
SAID = (
    "my name is", "my name's", "mein name ist", "ich heiße", "ich heisse", "je m'appelle", "je m’appelle", "mon nom est", "me llamo",
    "mi nombre es", "mi chiamo", "il mio nome è", "meu nome é", "me chamo", "chamo-me", "mijn naam is", "ik heet", "nazywam się",
    "benim adım", "mera naam", "jag heter", "jeg hedder", "jmenuji se",
)  # fmt: skip
# What a field is called that holds a whole name, and somebody behind whom one stands after a sign such as a colon.
FIELDS = (
    "full name", "full legal name", "full_name", "fullname", "legal name", "patient name", "patient's name", "cardholder name", "cardholder", "card holder",
    "name on card", "account holder", "beneficiary name", "emergency contact", "next of kin", "maiden name", "caller name", "employee name", "applicant name",
    "passenger name", "kontoinhaber", "kontoinhaberin", "karteninhaber", "versicherungsnehmer", "vor- und nachname", "titulaire du compte", "titular de la cuenta",
    "titular da conta", "nombre completo", "nombre y apellidos", "nome completo", "nome e cognome", "nom complet", "nom et prénom", "volledige naam",
    "rekeninghouder", "imię i nazwisko", "ad soyad", "adı soyadı", "isim soyisim",
)  # fmt: skip
BEARERS = (
    "patient", "patientin", "caller", "applicant", "policyholder", "insured", "versicherter", "versicherte", "ansprechpartner", "ansprechpartnerin",
    "titulaire", "titular", "intestatario", "paciente", "paziente",
)  # fmt: skip
# What one is called that holds a part of one.
PARTS = (
    "first name", "first_name", "firstname", "last name", "last_name", "lastname", "given name", "given_name", "family name", "family_name", "surname",
    "maiden name", "maiden_name", "vorname", "nachname", "prénom", "prenom", "nom de famille", "apellido", "apellidos", "cognome", "sobrenome", "apelido",
    "voornaam", "achternaam", "imię", "nazwisko", "soyadı",
)  # fmt: skip
IDEOGRAPHS = ("氏名", "お名前", "姓名")
# What stands there that is no name.
_NO_NAME = re.compile(
    r"(?:Not|Your|The|This|That|Please|Enter|Must|Required|Optional|Unknown|None|Null|String|Text|Test|Example|Name|First|Last|Field|Value|True|False|Is|Should|Invalid|N/A|TBD|See|As|Of|And|Or)\b"
    r"|.*\b(?:Inc|Corp|GmbH|Ltd|LLC|AG|SA|Group|Bank|Hospital|Clinic|Team|Services?|Support|Systems?|Department|Portal|Records?|Data|Safety|Care|Assistant|Bot|Committee|Company|Office|Association)\b"
)
_BETWEEN = r"(?:[ \t]?[:：=|>][ \t]?[\"'*]{0,2}|[\"'*]{1,2}[ \t]?[:=][ \t]?[\"'*]{0,2}|\*\* ?)"
CALLED = Needles({*SAID, *FIELDS, *BEARERS, *PARTS}, after=r"(?<![^\W\d_])")
_AFTER_SAID = re.compile(rf" (?P<name>{_FULL})")
_AFTER_FIELD = re.compile(rf"(?: is)?[ \t:：=\"'*|>\-]{{1,4}}(?P<name>{_FULL})(?![^\W_])")
_AFTER_BEARER = re.compile(rf"{_BETWEEN}(?P<name>{_FULL})(?![^\W_])")
_AFTER_PART = re.compile(rf"(?: is |{_BETWEEN})(?P<name>{_PART}(?: {_PART}){{0,2}})(?![^\W_])")
_KINDS = ((SAID, _AFTER_SAID), (FIELDS, _AFTER_FIELD), (BEARERS, _AFTER_BEARER), (PARTS, _AFTER_PART))
_AFTER_IDEOGRAPHS = re.compile(rf"(?:は|[:：]) ?(?P<name>{_EAST_ASIAN})(?![\u3400-\u9fff])")


_BEHIND = {
    needle: tuple(behind for needles, behind in _KINDS if needle in needles)
    for needles, _ in _KINDS
    for needle in needles
}


def find(reading: Reading) -> Iterator[Finding]:
    """Yield the names of a folded text that their place or their bearer calls so."""
    text, lower = reading.text, reading.lower
    for at, needle in reading.standing(CALLED):
        for behind in _BEHIND[needle]:
            match = behind.match(text, at + len(needle))
            if match is not None and not _NO_NAME.match(match["name"]):
                yield Finding("person", *match.span("name"), 0.7)
    if not lower.isascii():
        for at, needle in reading.places(IDEOGRAPHS):
            match = _AFTER_IDEOGRAPHS.match(text, at + len(needle))
            if match is not None:
                yield Finding("person", *match.span("name"), 0.7)


# For texts that arrive in pieces: words by which a name may be called so, and what is held from one on.
TELLING = (
    "name", "holder", "cardholder", "contact", "kin", "card", "heiße", "heisse", "appelle", "nom", "llamo", "nombre", "chiamo", "nome", "chamo", "naam", "heet",
    "nazywam", "adım", "heter", "hedder", "jmenuji", "full_name", "fullname", "kontoinhaber", "kontoinhaberin", "karteninhaber", "versicherungsnehmer", "rekeninghouder",
    "soyad", "soyisim", "apellidos", "completo", "complet", *BEARERS, *(part for part in PARTS if part.isidentifier()),
)  # fmt: skip
TELLING_OF_IDEOGRAPHS = r"名(?:前|[は:： ]|\Z)"
TAILS = (
    rf"{any_case(by_length(TELLING))}(?i:(?:['’]s)?(?:-me)?(?: [^\W\d_]{{1,9}}){{0,3}}?)"
    rf"[ \t:：=|>\"'*\-]{{0,5}}(?:(?:[^\W\d_a-z][\w'’.\-]{{0,22}}+|{_PARTICLE}) ?){{0,8}}",
    r"(?:氏|お|姓)?名前?[は:： ]{0,3}[々\u3040-\u30ff\u3400-\u9fff ]{0,9}",
)
