"""How a value looks: drawn at random, made up as a password, or only holding a secret's place."""

from __future__ import annotations

import math
import re
from collections import Counter
from itertools import pairwise

from governance.guardrails.cues import Cue, asked_once
from governance.guardrails.expressions import expression
from governance.guardrails.findings import Finding

_PLACEHOLDER = Cue(  # of words in lower case
    r"x{4,}|\*{3,}|\.{3,}|…|•{2,}|your|eintragen|inserire|insert|insérer|remplacer|reempla[cz]|hier[_\-]|aqu[ií]\b|votre[_\-]|dein[_\-e]|(?<![^\W_])(?:ditt|din|dit|twoje|sua|seu|tuo|tua|jouw|sinun|vaše|tvoje|ваш)[_\-]|example|sample|placeholder|change[_\- ]?(?:me|this|it)|replace|insert|dummy|"
    r"redacted|no_log|removed|filtered|hidden|masked|omitted|(?<![^\W_])todo(?![^\W_])|fixme|<|>|\$\{|\{\{|\}\}|\$\(|%\(|(?<![^\W_])%[sd](?![^\W_])|(?<![^\W_])%[a-z_]\w*%|^\$\w+$|^@|^:\w+$|^__\w+__$|"
    r"^(?:required|nullable|sometimes|string)\||my[_\-]?(?:secret|token|key|password|api)|(?:secret|token|key|password)[_\-]?here|fake|not[_\-]?(?:a|real)|"
    r"^(?:null|none|undefined|true|false|string|required|optional|n/?a|tbd|empty|unset|default)$|_{4,}|-{4,}|#{3,}|^\[",
)
# What no random token of a known form holds but by a chance of one in many millions.
_PLACEHOLDER_TOKEN = Cue(
    r"x{8,}|\*{3,}|\.{3,}|example|placeholder|redacted|change[_\-]?me|replace[_\-]?me|12345678901|abcdefghijk|"
    r"(?:^|[_\-.])(?:your|my|insert|xxx+|dummy|fake|put|some)[_\-.]|(?:key|token|secret|here)[_\-]?here$",
)
# Hashes and encrypted values: not what opens a door.
_SEALED = expression(
    r"\$(?:[0-8]|9(?=\$[^$\s]+\$)|2[abxy]|argon2\w*|y|pbkdf2\S*|scrypt)\$|\{(?:S?SHA\d*|CRYPT|ARGON2)\}|pbkdf2[_:]|scrypt:|bcrypt[_$:]|sha\d+[$:]|md5:|\*[0-9A-F]{40}\Z|"
    r"ENC[\[(]|\$ANSIBLE_VAULT|AgB[A-Za-z0-9]|vault:v\d|CiQ[A-Za-z0-9]|AQIC[A-Za-z0-9]"
)
# What manuals and standards print as examples.
_PRINTED = expression(
    r"correct.?horse.?battery|SflKxwRJSMeKKF2QT4fwpM|4eC39HqLyjWDarjtT1zdp7dc|BQokikJOvBiI2HlWgH4olfQ2|SplxlOBeZQQYbYS6WxSbIA|2YotnFZFEjr1zCsicMWpAA|"
    r"tGzv3JOkF0XG5Qx2TlKWIA|czZCaGRSa3F0MzpnWDFmQmF0M2JW|mF_9\.B5f-4\.1JqM|JBSWY3DPEHPK3PXP\Z|Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1|"
    r"ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80|AIzaSyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY|QWxhZGRpbjpvcGVu"
)
_DUMMY = expression(
    r"(?:new|old|current|confirm|repeat)_password\d?|(?:[a-z]{2,12}_){0,2}(?:sha|md)\d{1,3}_password|(?:test|dummy|demo|foo|bar|foobar|password|passw0rd|passwort|string)(?:pass(?:word)?|pw|user)?[\d!]{0,4}",
    re.IGNORECASE,
)
_SAME = expression(r"(.)\1{7,}")
_SAME_IN_TOKEN = expression(r"([^A/])\1{7,}|[A/]{16}")  # bytes of nothing are many "A" in a row
_CODE = expression(
    r"[()\[\]{}|\\]|^(?:os|process|env|config|settings|secrets?|self|this|var|data|local|module|request|req|params|ctx|app|st|"
    r"ENV|vault|ssm|arn|kms|file|https?|op|sm|gcp|aws|azure|projects|import|await|new)[.:]|"
    r"^[a-z_]+(?:\.[a-zA-Z_]+)+$|^/|^\./|^~/|^!|^&|^\$|:$",
)
_CALL = expression(
    r"^[x*!]{0,2}:\d*:\d*:|^[\w.\-]*\w[(\[]|^[(\[{|\\]|\\[nrtu]|^(?:os|process|env|config|settings|secrets?|self|vault|arn|https?)[.:]|^/|^\./|^~/|^\$|"
    r"^(?:user|form|body|cfg|conf|options|opts|args|account|credentials|auth|session|row|item|input|props|state|params|payload|event|"
    r"res|result|response|obj|model|entity|dto|cmd|ns|el|e)(?:\??\.[A-Za-z_]\w*)+\Z"
)
_CLASS = expression(r"[A-Z](?:[A-Za-z]|\d{1,5}(?!\d))*(?:Private|Public|Secret)Key")  # Ed25519PrivateKey
_TYPE_WORD = expression(
    r"(?:secret|token|key|password|credential|passwd|auth|param|name|ref|field|value|env|type)s?", re.IGNORECASE
)
YEAR = expression(r"(?:19|20)\d\d\Z")
_DATE = expression(r"\d{1,4}[-/.:]\d{1,2}[-/.:]\d{1,4}")
_VERSION = expression(r"v?\d+(?:\.\d+)+\Z")
_MIXED_WITH_SIGNS = expression(r"[^\W\d_][@#$%^&*+=~!?]+[^\W\d_]")
_UNSAID = expression(  # what prose says after "the password is", and what is no password
    r"\d+[a-z]{1,6}|\d+-[a-z]+|[a-z]+-\d{1,2}|[A-Z]{2,6}-\d+|(?i:sha-?\d+\w*|md5|base\d\d|utf-?\d+|oauth\d?|auth0|2fa|1password|x\.?509|"
    r"bcrypt\d*|aes-?\d+\w*|argon2\w*|pbkdf2\w*|rsa-?\d+|h\d|[a-z]\d|\d[a-z]|24/7|\d+(?:st|nd|rd|th|er|e|º|ª))"
)
_SEGMENT = expression(r"[-_.+/=%~]+")
# Digits strewn among letters, or many consonants in a row beside digits: no words.
_STREWN = expression(
    r"[A-Za-z]\d+[A-Za-z]+\d+[A-Za-z]|(?=[a-z]*\d)[a-z\d]*[b-df-hj-np-tv-xz]{5}|[b-df-hj-np-tv-xz]{5}[a-z]*\d"
)
_RUN = expression(r"[A-Z]?[a-z]+|[A-Z]+|\d+")
_HEX = expression(r"(?:0x)?(?:[0-9a-f]+|[0-9A-F]+)\Z")
UUID = expression(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\Z")

# A password of four words or more with signs between.
_PHRASE = expression(r"[A-Za-z]{3,12}(?:([\-_. ])[A-Za-z]{3,12})(?:\1[A-Za-z]{3,12}){2,6}")
_TELLING = expression(
    r"\b(?:the|see|your|from|vault|env|file|change|here|not|use|with|and|for|reset|must|set|value|in|this|that|stored|ask|please|is|are|will|never)\b",
    re.IGNORECASE,
)
FEWEST_TURNS = 5  # from small letters to capitals, of what looks like words with signs between
SHORTEST_LETTERS = 10  # of a password without digits and signs
FEWEST_DIFFERENT = 7  # characters of a random value of sixteen or more
SHORTEST_RANDOM, WORD_LENGTH, SURE_WORD_LENGTH = 16, 3.0, 4.5


def span(kind: str, match: re.Match[str], value: str, score: float) -> Finding:
    """Return the finding of a value, the beginning of a match's group of that name."""
    return Finding(kind, match.start("value"), match.start("value") + len(value), score)


@asked_once
def placeholder(value: str) -> bool:
    """Tell whether a value only holds the place of a secret."""
    return (
        _PLACEHOLDER.stands(value.lower())
        or _PRINTED.search(value) is not None
        or _DUMMY.fullmatch(value) is not None
        or _SEALED.match(value) is not None
        or _SAME.search(value) is not None
        or len(set(value)) < 4
    )


def placeholder_token(body: str) -> bool:
    """Tell the same of a token whose form is known: there, chance may write "fake" or "xxxx"."""
    if _PRINTED.search(body) is not None:
        return True
    return _PLACEHOLDER_TOKEN.stands(body.lower()) or _SAME_IN_TOKEN.search(body) is not None or len(set(body)) < 5


def varied(value: str) -> bool:
    """Tell whether a value looks drawn at random rather than written as words."""
    digits = sum(map(str.isdigit, value))
    if digits == 0:
        mixed = value != value.lower() and value != value.upper()
        return mixed and len(value) >= SHORTEST_RANDOM and entropy(value) >= 3.5 and _turns(value) >= 3
    if digits < 3 and len(value) > 18 and value.count("-") + value.count("_") > 2:
        return _turns(value) >= FEWEST_TURNS and not wordy(value)
    return entropy(value) >= 2.7


def wordy(value: str, length: float = WORD_LENGTH) -> bool:
    """Tell whether a value reads as words or numbers, of this length on average, with signs between them."""
    return all(
        len(segment) <= WORD_LENGTH
        or (runs := len(_RUN.findall(segment))) == 1
        or (len(segment) >= length * runs and not (len(segment) >= SHORTEST_RANDOM and _STREWN.search(segment)))
        for segment in _SEGMENT.split(value)
    )


def noisy(value: str) -> bool:
    """Tell whether a long value can hardly be anything but random characters."""
    if len(value) < SHORTEST_RANDOM or value.isdigit() or placeholder_token(value):
        return False
    if value.isalpha() and (value.islower() or value.isupper()):
        return False
    return len(set(value)) >= FEWEST_DIFFERENT and not wordy(value)


def at_random(value: str) -> bool:
    """Tell whether a value is a UUID, or can hardly be anything but random characters."""
    return noisy(value) or (UUID.match(value) is not None and not placeholder(value))


def stamped(value: str) -> bool:
    """Tell whether a value is random behind a short name of who made it, as services write keys that nobody listed yet."""
    stamp = _STAMP.match(value)
    if stamp is None or _PUBLIC_STAMPS.match(value):
        return False
    body = value[stamp.end() :]
    return (
        len(body) >= LONGEST_STAMPED_ID
        and body != body.lower()
        and body != body.upper()
        and sum(map(str.isdigit, body)) >= FEWEST_DIGITS
        and not wordy(body)
    )


_STAMP = expression(r"[a-z]{2,10}(?:_[a-z0-9]{1,8}){0,2}_(?=[A-Za-z0-9_\-]+\Z)")
_PUBLIC_STAMPS = expression(
    r"(?:cs|req|msg|evt|pub|pk|file|img|id|ref|run|resp|thread|call|toolu|chunk|index|page|test|cursor)_"
)
LONGEST_STAMPED_ID, FEWEST_DIGITS = 36, 3


def hexadecimal(value: str) -> bool:
    """Tell whether a value could be a hash: nothing but hexadecimal digits."""
    return _HEX.match(value) is not None


def entropy(value: str) -> float:
    """Return the bits that a character of the value carries."""
    total = len(value)
    return -sum(count / total * math.log2(count / total) for count in Counter(value).values())


def key(value: str) -> bool:
    """Tell whether a value that a name calls a key or a token looks like one."""
    if (
        len(value) < 10
        or placeholder(value)
        or _CODE.search(value)
        or _CLASS.fullmatch(value)
        or _DATE.fullmatch(value)
        or _VERSION.match(value)
    ):
        return False
    has_digit = any(map(str.isdigit, value))
    if _TYPE_WORD.search(value) and (not has_digit or (value.isupper() and "_" in value)):
        return False
    if wordy(value) and _SEGMENT.search(value) and (value.islower() or "." in value):  # the name of a resource
        return False
    return varied(value) and (has_digit or _turns(value) >= 3)


@asked_once
def told(value: str) -> bool:
    """Tell whether a value that a sentence calls a password looks like one."""
    return _password(value, prose=True)


@asked_once
def assigned(value: str) -> bool:
    """Tell whether a value that is set as a password looks like one."""
    return _password(value, prose=False)


def _password(value: str, *, prose: bool) -> bool:
    has_digit = any(map(str.isdigit, value))
    if not has_digit and len(value) < SHORTEST_LETTERS and not _MIXED_WITH_SIGNS.search(value):
        return False
    if len(value) < 5 or placeholder(value) or _DATE.fullmatch(value) or _VERSION.match(value):
        return False
    has_letter = any(map(str.isalpha, value))
    if (_CALL if has_digit and has_letter else _CODE).search(value):
        return False
    if value.isupper() and "_" in value and _TYPE_WORD.search(value):  # the name of a variable
        return False
    if has_digit and has_letter:
        return not (prose and _UNSAID.fullmatch(value))
    if has_digit:
        return len(value) >= 6 and not prose
    if _TYPE_WORD.search(value):
        return False
    if _PHRASE.fullmatch(value) and not _TELLING.search(value):
        return True
    return _MIXED_WITH_SIGNS.search(value) is not None or (
        not prose and len(value) >= SHORTEST_LETTERS and (not wordy(value) or _unspeakable(value))
    )


def _unspeakable(value: str) -> bool:
    """Tell whether letters of both cases are no words: of several of their pieces nobody could say any."""
    pieces = [piece for piece in _RUN.findall(value) if len(piece) > 1]
    return value.isalpha() and sum(_VOWEL.search(piece) is None for piece in pieces) >= 2


_VOWEL = expression(r"[aeiouy]", re.IGNORECASE)


def made_up(value: str) -> bool:
    """Tell whether a word is neither written in a sentence nor a number, a name or an address."""
    if not told(value) or _HOST.search(value) or _RELEASE.fullmatch(value):
        return False
    kinds = (str.islower, str.isupper, str.isdigit)
    several = sum(any(map(kind, value)) for kind in kinds)
    return several + any(not character.isalnum() and character not in "-_.:" for character in value) >= 3


def striking(word: str) -> bool:
    """Tell whether a word in a sentence can hardly be anything but a password: letters, digits and a sign inside."""
    if (
        _ARGUMENT.fullmatch(word)
        or _SIGNED.search(word.rstrip(".,:;!?)")) is None
        or _HYPHENED.fullmatch(word)
        or _PRODUCT.match(word)
    ):
        return False
    return made_up(word)


def coined(value: str) -> bool:
    """Tell whether a value looks like what people make up: a word with digits after it or inside, or more than that."""
    if not told(value) or _HOST.search(value) or _HYPHENED.fullmatch(value) or _PRODUCT.match(value):
        return False
    if _ARGUMENT.fullmatch(value) or _RELEASE.fullmatch(value):
        return False
    return made_up(value) or any(form.fullmatch(value) for form in (_COINED, _CHAINED, _STRAY))


_COINED = expression(
    r"[^\W\d_]{7,20}\d[!?#$%*]{0,2}|[^\W\d_]{3,20}[@#_.\-]?\d{2,6}[!?#$%*.+@]{0,2}|[^\W\d_]{2,16}\d{1,4}[^\W\d_]{1,16}\d{0,4}[!?#$%*]{0,2}|\d{1,4}[^\W\d_]{4,16}\d{0,4}[!#$]{0,2}|[^\W\d_]\w{2,}\d[^\W\d_]+\d\w*"
    # t00r-loo, p4nnekoek
    r"|(?!(?i:k8s|s3|v\d|h2|x86|i18n|e2e|l10n|b2b|p2p|m\d|t\d|c\d|r\d|a11y))(?=[^\d]*\d)[^\W\d_]{1,8}\d{1,2}[^\W\d_]{1,8}\d{1,2}[^\W\d_]{1,12}\d{0,4}"
    r"|(?!(?i:k8s|s3|v\d|h2|x86|i18n|e2e|l10n|b2b|p2p|m\d|t\d|c\d|r\d|a11y))[^\W\d_]\d{1,2}[^\W\d_]{4,16}\d{0,4}"
)
_RELEASE = expression(r"[A-Za-z]{2,16}\d{1,2}(?:\.\d{1,3}){1,3}")  # Ubuntu22.04
# Small letters and digits in turns, as machines draw them: no hash, which has no letter behind "f".
_STRAY = expression(r"(?=[a-z\d]{8,20}\Z)(?=[a-f\d]*[g-z])(?:[a-z]+\d+|\d+[a-z]+){2,}[a-z]*")
# Words and numbers with signs between, as people chain them.
_CHAINED = expression(
    r"(?=[^\d]*\d)(?=(?:[^a-z]*[a-z]){8})(?!test_)[^\W_]{1,12}([\-_])[^\W_]{1,12}(?:\1[^\W_]{1,12}){1,5}", re.IGNORECASE
)
# Machines, programs and places in a document, whose names end in digits as well.
_PRODUCT = expression(
    r"(?:office|windows?|win|chrome|firefox|python|node|java|php|port|version|server|srv|web|db|host|iphone|ipad|ios|android|excel|word|sha|aes|utf|base|route|gpt|llama|"
    r"ubuntu|debian|fedora|centos|macos|rhel|eth|wlan|bond|vlan|rack|room|floor|page|line|step|field|input|table|column|chapter|section|figure|ticket|case|order|issue|"
    r"invoice|release|build|branch|sprint|week|day|year|q(?=[1-4](?![a-z\d]))|fy|item|part|batch|model|series|type|level|stage|phase|test_|user|users|group|team|project|archive|node|worker|"
    r"cluster|prod|staging|dev|app|vm|pc|laptop|ws|gw|sw|router|switch|printer|ap|keepass|bitwarden|lastpass|1password|oauth|openvpn|wireguard|fritzbox|http|https|tls|ssl|"
    r"monday|tuesday|wednesday|thursday|friday|january|february|march|april|june|july|august|september|october|november|december|policy|index|repo|image|port|queue|сервер\w{0,2}|keepass)"
    r"[_\-]?\d+",
    re.IGNORECASE,
)
_ARGUMENT = expression(
    r"[A-Za-z]=[\d.]+|[A-Za-z_]{2,24}=(?:None|True|False|null|true|false|[\d.:/]{1,40}|[a-z_]+\d?)|[A-Z]\{[\w.]+\}?"
)  # of a call, and a type
_SIGNED = expression(
    r"[^\W_][@#$%^&*+=~!?][^\W_]|\w[#$%^&*]\Z|[^\W\d_]\d[^\W\d_]{2,}.*\d|[a-z][\-._][A-Z][a-z]+(?:\d{2,}|[\-._]\d{1,4})\Z|[a-z][A-Z][a-z]{2,}(?!19|20)\d{3,4}\Z|^[A-Z][a-zà-ÿ]{3,}([\-_.])\d{1,3}\1(?!prod|final|stable|draft|beta|alpha|test|staging|latest|release|west|east|north|south|main)[a-zà-ÿ]{3,}\Z"
)
_HYPHENED = expression(
    r"[A-Z]{1,6}[\-/]?\d+(?:[\-/.]\d+)*|\d+(?:[.,:/x\-]\d+)*\w{0,3}|[\w.+\-]+@[\w\-]+\.[\w.]+|[a-z\d_.\-]+@[a-z\d.\-]+(?::[\w./~\-]*)?"
)
_HOST = expression(r"@[\w\-]+\.[a-z]{2,}|\.(?:com|net|org|io|de|fr|py|js|log|txt|json|html)\b")


def _turns(value: str) -> int:
    """Count changes from lower to upper case; words have few."""
    return sum(a.islower() and b.isupper() for a, b in pairwise(value))
