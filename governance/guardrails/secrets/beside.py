"""Passwords beside what they are for, with no sign or verb between: a name, a network, another log-in, how they are written."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from operator import itemgetter

from governance.guardrails.cues import Cue
from governance.guardrails.expressions import expression
from governance.guardrails.findings import Finding
from governance.guardrails.needles import Blocks, Needles
from governance.guardrails.reading import Reading
from governance.guardrails.secrets import looks, plain, said, words
from governance.guardrails.secrets.told import ROLE, bare, finding
from governance.guardrails.secrets.vocabulary import COMMON, NAMES

_END = r"(?=[\"'`)\],;!?。、»›”“」』]| [»›]|\.?(?:[\s)]|\Z))"
_VALUE = rf"(?:[\"'`„“”«‹*]{{1,2}} ?)?(?P<value>[^\s\"'`<>,;()/|„“”«»‹›\[\]{{}}\\]{{5,48}}){_END}"


def find(reading: Reading) -> Iterator[Finding]:
    """Yield the passwords of a folded text that stand beside what they open."""
    for rule in (_named, _of_networks, _offered, _after_logins, _hinted):
        for found in rule(reading):
            if found.start not in reading.begun:
                yield found


# "password Exit-Pursued-By-A-Bear", "mdp chocapic.08.lea", "password PELICAN"
_AT_NAMES = Needles((*NAMES, *COMMON))
_BESIDE = expression(rf"[\"'”»*_`]{{0,3}}(?:[ \t]?[:=])?[ \t]{{1,3}}{_VALUE}")


def _named(reading: Reading) -> Iterator[Finding]:
    shaped = Blocks(_LOOKS[0], reading.text, *_LOOKS[1:])
    for at, name in reading.first(_AT_NAMES, where=lambda at: shaped.any(at, at + LONGEST_NAMED)):
        end = said.ended(reading.text, reading.lower, at, name)
        match = _BESIDE.match(reading.text, end) if end and end + 1 not in reading.begun else None
        if match is None or match.start("value") in reading.begun:
            continue
        if _own(reading, bare(match)) or _odd(reading.text[at:end], bare(match)):
            yield finding(match)


# What is in every such value: other words go on with a sentence.
_LOOKS = expression(r"[_.!+&\-](?<=\w.)[_.!+&\-]?\w"), expression(r"[A-Z]{6}"), expression(r"[b-df-hj-np-tv-xz]{6}")
LONGEST_NAMED = 80


def _own(reading: Reading, value: str) -> bool:
    """Tell whether a value is coined, or several words of somebody's own joined by signs."""
    return (not reading.hasty and said.likely(reading, value)) or (_joined(value) and reading.looks(words.own, value))


def _joined(value: str) -> bool:
    """Tell whether words are joined as no sentence, file or address joins them: twice, or with capitals behind a sign."""
    return _JOINED.fullmatch(value) is not None and _FILE.search(value) is None and ROLE.match(value) is None


_JOINED = expression(
    r"(?=[^\d]{0,32}\d|(?:[^\W_]{1,20}[_.!+&]){2}|(?-i:[A-Z])[^\W_]{2,20}(?:-[^\W_]{1,20}){2}|(?-i:[A-Z][a-zà-ÿ]{2,20}[\-_.!+&]{1,2}[A-Z]))"
    r"[^\W\d_]{2,20}(?:[\-_.!+&]{1,2}[^\W_]{1,20}){1,6}[!?]?",
)
_FILE = expression(
    r"\.(?:com|net|org|io|dev|de|fr|es|it|nl|pl|eu|uk|py|js|tsx?|go|rs|rb|php|java|sh|sql|md|log|txt|json|html?|ya?ml|toml|ini|cfg|conf|env|csv|pdf|docx?|xlsx?|zip|example|local|service|internal|lan)\Z"
)


def _odd(name: str, value: str) -> bool:
    """Tell whether a word is in capitals where its name is not, or can't be said at all."""
    shouted = _SHOUTED.fullmatch(value) is not None and not name.isupper() and plain.told(value.lower())
    return shouted or (_UNSPEAKABLE.fullmatch(value) is not None and not looks.placeholder(value))


_SHOUTED, _UNSPEAKABLE = expression(r"[A-Z]{6,16}"), expression(r"[b-df-hj-np-tv-xz]{6,16}")

# "Wi-Fi: Sandpiper_Guest / Key: dunes.and.gulls.77", "Netz heißt Dachboden, Schlüssel …"
_AT_KEYS = Needles((
    "key", "schlüssel", "clé", "clef", "clave", "clau", "chiave", "chave", "sleutel", "klucz", "nyckel", "nøkkel", "nøgle", "klíč", "ключ", "avain", "cheie", "kulcs", "anahtar",
))  # fmt: skip
_NETWORK = expression(
    r"(?<![a-z])(?:wi-?fi|wireless|wlan|w-lan|ssid|network|hotspot|netz|netzwerk|netzname|réseau|red|rede|rete|netwerk|sieć|сеть|router|internet|fewo\w{0,20})(?![a-z])"
)
_KEY = expression(rf"[ \t]?[:=]?[ \t]{{1,3}}{_VALUE}")
REACH_OF_NETWORK = 100


def _of_networks(reading: Reading) -> Iterator[Finding]:
    networks = Blocks(_NETWORK, reading.lower)
    for at, name in reading.each(_AT_KEYS, where=lambda at: networks.any(at - REACH_OF_NETWORK, at)):
        if reading.lower[at - 1 : at].isalpha() or not _before(reading, _NETWORK, at, REACH_OF_NETWORK):
            continue
        match = _KEY.match(reading.text, at + len(name))
        if match is not None and (
            _own(reading, bare(match))
            or looks.noisy(bare(match))
            or _drawn(bare(match))
            or _GROUPS.fullmatch(bare(match))
        ):
            yield finding(match)


def _drawn(value: str) -> bool:
    """Tell whether letters of both cases and digits are mixed as machines do."""
    return _DRAWN.fullmatch(value) is not None and not looks.placeholder(value)


_DRAWN = expression(r"(?=[^a-z]*[a-z])(?=[^A-Z]*[A-Z])(?=[^\d]*\d)[A-Za-z\d]{8,32}")
_GROUPS = expression(r"\d{4}(?:-\d{4}){2,7}")


def _before(reading: Reading, what: re.Pattern[str], at: int, reach: int) -> bool:
    return what.search(reading.lower, max(0, at - reach), at) is not None


# "we changed the wifi, it's pebble-otter-62 now", "it lets you in with Kranich.526.Ufer"
_LEAD = (
    r"(?:(?<![\w'’])(?:with|type|types|enter|use|try|takes|is|it'?s|its|put in|then|mit|dann|danach|ist|tippe?|unten|comme|c'est|es|et|puis|con|luego|entonces|responda|messo|è|poi|met|dus|muesch|cu|wpisz|potem|дальше|это)"
    r"|(?:field|box|feld|riquadro|okienku|campo|champ|case|veld|set\?|[:→–])),?:? [\"'`„“«]?"
)
_AFTER_LEAD = expression(_LEAD + r"\Z", re.IGNORECASE)
_SIGN = expression(r"[\d!&+_]")
_OFFERED = expression(
    r"(?<![^\s\"'`„“«])(?P<value>(?=[^\s]{0,40}[\d!&+_])[^\W\d_][^\s\"'`<>,;:()/|„“”«»‹›\[\]{}\\]{5,48})" + _END
)
# What is spoken of where somebody lets another in.
_ACCESS = Cue(
    r"(?<![a-z])(?:wi-?fi|wlan|internet|network|log(?:s|ged)?[ \-]?(?:in|ins|out|on)|sign(?:s|ed)?[ \-]?(?:in|out)|accounts?|konto|compte|cuenta|contul|mailbox|portal|shared drive|terminal|archive"
    r"|passwor[dt]|kennwort|protected|unlock\w*|locked|(?:lets|gets?) (?:you|me|him|her|us|them|u) in(?:to)?|kicks you out|fragt dich|find my \w+|l'espace|painel|entre no|entra|intrați|входа|inlog|netflix|spid"
    r"|second field|zweites feld|zweiten feld|secondo riquadro|secondo campo|drugim okienku|drugim polu|segundo campo|deuxième champ|tweede veld)(?![a-z])"
)
_OF_ACCESS, REACH_OF_ACCESS, LONGEST_LEAD = (_ACCESS,), 130, 14


def _offered(reading: Reading) -> Iterator[Finding]:
    """Yield what is offered by a verb or a sign, where what stands before speaks of access."""
    if not (reading.speaks(_ACCESS) and reading.speaks(_SIGN)):
        return
    for match in _OFFERED.finditer(reading.text):
        start = match.start("value")
        if (
            start not in reading.begun
            and reading.near(_OF_ACCESS, start - REACH_OF_ACCESS, start)
            and _AFTER_LEAD.search(reading.text, max(0, start - LONGEST_LEAD), start)
            and _mixed(reading, bare(match))
        ):
            yield finding(match)


def _mixed(reading: Reading, value: str) -> bool:
    """Tell whether a value is words with digits and a capital or a sign, as nobody writes in a sentence."""
    if looks.hexadecimal(value) or _PRODUCT.fullmatch(value) or _FILE.search(value):
        return False
    return (_MIXED.fullmatch(value) is not None and _own(reading, value)) or (
        _SIGNED.fullmatch(value) is not None and reading.looks(words.own, value)
    )


_MIXED = expression(
    r"[^\W\d_]{4,20}\d{3,6}[^\W\d_]{0,20}[!?]?|(?=[^\d]{1,40}\d)[^\W\d_]{3,20}(?:[!?_.\-+&]{1,2}[^\W_]{1,20}){1,4}[!?]?|[^\W\d_]{3,20}\d{1,6}[^\W\d_]{4,20}[!?]?|[^\W\d_]{4,20}\d{2,6}[!?]"
)
_SIGNED = expression(
    r"(?=[^\W\d]{0,40}(?:[!&+]|[A-Z]|_[^\W_]{1,20}_[^\W\d]))[^\W\d_]{3,20}[!_&+][^\W_]{2,20}(?:[!_.&+\-][^\W_]{2,20}){0,4}"
)
_PRODUCT = expression(
    r"(?i:fritz!\w+|\w+[_\-][25](?:[._]4)?G(?:Hz)?)|[A-Z]{1,6}-?\d{1,6}|[A-Za-z]{2,}-\d{1,2}|[a-z\-]{3,24}-\d{4}|[a-z]{3,12}(?:19|20)\d\d"
)

# "salon@ and Balayage4Days!", "santa.office4@ / hohoho-Rudolf-4"
_AFTER_LOGIN = expression(rf"@,? (?:/|and|und|et|y|e|en|i|with|mit|avec|con|then|dann|,)[ ]{_VALUE}", re.IGNORECASE)


def _after_logins(reading: Reading) -> Iterator[Finding]:
    for match in reading.matches(_AFTER_LOGIN, ("@ ", "@, ")):
        if reading.text[match.start() - 1 : match.start()].isalnum() and _own(reading, bare(match)):
            yield finding(match)


# "verbosirregulares (todo junto)", "lavande et miel (avec les espaces)": how it is written is said of nothing else.
_AT_HINTS = Needles((
    "all one word", "one word", "no space", "with spaces", "with the spaces", "with a space", "capital", "all lower", "lower case", "lowercase", "capitals matter", "case matters",
    "todo junto", "sin espacio", "con espacios", "todo en minúscula", "con mayúscula", "alles klein", "alles zusammen", "zusammengeschrieben", "ohne leerzeichen", "mit leerzeichen", "groß geschrieben", "großes ", "mit großem",
    "avec les espaces", "avec des espaces", "sans espace", "tout attaché", "en minuscule", "tout en un mot", "tutto attaccato", "senza spazi", "con gli spazi", "tutto minuscolo", "tudo junto", "sem espaço", "com espaços",
    "aan elkaar", "zonder spatie", "met spaties", "bez spacji", "razem", "małymi", "слитно", "без пробел", "с маленькой",
))  # fmt: skip
REACH_OF_NAME = 60


def _hinted(reading: Reading) -> Iterator[Finding]:
    """Yield what stands before a remark on how it is written, behind a password's name."""
    text = reading.text
    named: list[tuple[int, str]] | None = None
    for at, _ in reading.each(_AT_HINTS, whole=False):
        if named is None:
            named = list(reading.standing(_AT_NAMES))
        first, behind = (bisect_left(named, place, key=itemgetter(0)) for place in (at - REACH_OF_NAME + 1, at))
        for place, name in reversed(named[first:behind]):
            end = said.ended(text, reading.lower, place, name)
            match = _HINTED.fullmatch(text, end, at) if end else None
            if match is not None and _worded(reading, bare(match)):
                yield finding(match)
                break


_HINTED = expression(
    r"[\"'”»*]{0,2}(?:[ \t]?[:=]| is| ist| est| es| è| é)?[ \t]{1,3}[\"'“„«]?"
    r"(?P<value>[^\s\"'`<>,;()/|„“”«»‹›:]{3,40}(?: [^\s\"'`<>,;()/|„“”«»‹›:.]{1,20}){0,4})[\"'”»]?(?: \(|, )(?:[\w']{1,8} )?"
)


def _worded(reading: Reading, value: str) -> bool:
    return (
        plain.told(value)
        if " " not in value
        else reading.looks(words.own, value) or _OF_WORDS.fullmatch(value) is not None
    )


_OF_WORDS = expression(r"[^\W\d_]{3,20} (?:and|&|et|und|y|e|en|i|in|of) [^\W\d_]{1,20}")


# The end of a text that may still be a password, or be told by how it is said to be written.
TAIL = (
    rf"(?i:{_LEAD})[^\s]{{0,50}}\s?|(?i:{'|'.join(_AT_KEYS.words)})[ \t:=\"'`„“«‹*]{{0,6}}[^\s]{{0,50}}\s?"
    rf"|@,? (?:\w{{1,4}} |[/,] )?[^\s]{{0,50}}\s?"
)
