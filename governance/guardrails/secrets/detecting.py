"""Credentials in a text: known formats, private keys, passwords in URLs, values that a name calls secret."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain
from operator import attrgetter

from governance.guardrails.cues import one_look
from governance.guardrails.detector import Alarm, Detector, Words
from governance.guardrails.findings import Finding
from governance.guardrails.folding import INVISIBLE, STYLED, fold
from governance.guardrails.needles import Union, beginnings, shortest
from governance.guardrails.reading import Reading
from governance.guardrails.secrets import (
    answers,
    apart,
    asked,
    beside,
    both,
    broken,
    codes,
    columns,
    commands,
    dials,
    dictated,
    forms,
    handed,
    jars,
    lines,
    logins,
    near,
    opening,
    pairs,
    phrases,
    pins,
    places,
    said,
    sentences,
    set,
    setup,
    shown,
    spelt,
    talks,
    tokens,
    told,
    unread,
    values,
    vocabulary,
    whole,
    written,
)
from governance.guardrails.secrets.harmless import harmless
from governance.guardrails.tails import Tail

_APP_PASSWORDS = ("app pass", "app-pass", "application pass", "application-pass")
# After these a password of plain letters may follow.
_NAMES = (
    "password",
    "phrase",
    "passwort",
    "kennwort",
    "contraseña",
    "senha",
    "wachtwoord",
    "hasło",
    "пароль",
    "mot de passe",
    "lösenord",
    "api key",
    "setup key",
    "authenticator",
    "qr code",
    "qr-code",
    "pw ",
    "pass:",
    "pass ",
    "pw:",
    "pw?",
    "psk",
    "pwd",
    "passwd",
    "pass=",
    "pass'",
    'pass"',
    "pass =",
    "secret",
    "storepass",
    "requirepass",
    "community",
    "snmp",
    "ipmitool",
    "identified by",
    "net user ",
    "convertto-securestring",
    "--user",
    " -u ",
    "sshpass",
    "wifi:",
    "chpasswd",
    "docker login",
    "ldap",
    "clave",
    "mdp",
    "jelszó",
    "salasana",
    "adgangskode",
    "heslo",
    "parola",
    "şifre",
    "lozinka",
    "wifi",
    "wi-fi",
    "wlan",
    "ssid",
    "haslo",
    "kodeord",
    "passord",
    "contrasena",
    'pass "',
    "code word",
    "codeword",
    "codewort",
    "memorable word",
    "safe word",
    "safeword",
    "mot de code",
    "palabra clave",
    "parola d'ordine",
    'echo "',
    "echo '",
    "printf '",
    'printf "',
)
_TELLING = (*vocabulary.NAMES, *_APP_PASSWORDS, *forms.SEEDS, *answers.SECURITY, *_NAMES)
_JOINING = "@#$%^&*+=~!?"
# Each sign that may alarm, and what tells that it does: a search for the signs alone passes over all else.
_ALARM = Alarm(
    rf"[\dA-Z{_JOINING}\-{STYLED}{INVISIBLE}|\t,;(](?:(?<=[\d{STYLED}{INVISIBLE}|\t])|(?<=[a-z][A-Z])|(?<=[A-Za-z][{_JOINING}])[{_JOINING}]*[A-Za-z]"
    r"|(?<=-)(?:---|(?<=[A-Z]{3}-)[A-Z]{3})|(?<=[,;])[A-Za-z\"]|(?<=[(,])\s?')",
    r"[^\s\"]{14}",
    words=_TELLING,
    said=spelt.TWO_SAID,
)
_TAIL = Tail(
    r"-{2,5}(?:B[A-Za-z0-9 \-]{0,48})?-{0,5}|PuTTY-User-Key-File-\d:[^\n]{0,60}"
    r"|[A-Za-z0-9_\-+/.~%]{16,220}={0,2}[ ,\-]{0,2}(?:i|w|wa|(?:is\b|was\b|\()[^\n]{0,40})?"
    r"|[^\s\"'`]{5,64}[\"'`]? (?:[iawce]|is|as|was|ist|est|es|als|co\w{0,3})?(?: [^\n]{0,36})?"
    # words with hyphens between, and how they are written
    r"|(?<![\w\-])[^\W\d_]{2,20}(?:-[^\W\d_]{0,20}){2,7}[\"'”»]?(?:,? ?[^\W\d_]{0,8}(?: [^\W\d_]{0,12}){0,2})?"
    r"|(?<![\w\-])[^\W\d_]{2,20}-[^\W\d_]{0,20}"
    # words behind a name, in quotes or not
    rf"|(?i:{beginnings(shortest(vocabulary.NAMES))})[^\n]{{0,120}}"
    # what is told after the value: what it opens
    r"|(?=[A-Za-z])(?=[^\s\"]{0,40}\d)[^\s\"]{2,40}[@#$%^&*+~!?._\-][^\s\"]{0,40}(?:\"?\s[^\n]{0,60}|\")?"
    r"|(?i:us(?:e|ed|ing|a)|try|type|enter|nimm|nutze|utiliser?|gebruik|użyj|использу\w+) [^\s]{3,50}(?: [^\n.]{0,60})?(?:(?: [^\s]{3,50})? [^\n.]{0,60})?"
    r"|(?i:us[ae]r?|utilise[zr]?|inserisci|digite|saisissez|gebruik|nutzen?|verwenden?|använd|bru[gk]) (?:[^\s]{1,4} ){0,2}(?i:código|code|codice|kod)[^\n.]{0,50}"
    r"|(?i:(?:tele)?phone pass|(?:telefon-?|kunden|vertrags)(?:pass|kenn)|contract pass|(?:memorable|secret|security) word|safe ?word|code ?wor[dt]|mot (?:de code|secret)|palabra (?:clave|secreta)|parola (?:d'ordine|chiave|segreta)|palavra secreta|geheim woord|hasło (?:do umowy|telefoniczne)|кодовое слово|кодове слово)[^\n?]{0,60}(?:\?\s{0,3}[^\n]{0,90})?"
    # a number that opens something, and what is said after it
    rf"|{opening.TAIL}"
    # a number and a side, which others may follow
    rf"|{dials.TAIL}"
    # what stands beside a log-in, a network or what lets in
    rf"|{beside.TAIL}"
    rf"|(?i:{spelt.TWO_SAID}(?:[ ,\-]{{1,2}}[^\W\d_]{{0,8}}){{0,8}}[ ,\-]{{0,2}})"
    # a wallet's words that are a sentence, the key of a disk
    r"|(?<=[.?!:\n] )(?:[a-zà-ž\u0300-\u0308]{3,9} ){3,23}[a-zà-ž\u0300-\u0308]{0,9}|(?<![\w\-])[A-Z\d]{4}(?:-[A-Z\d]{0,4}){1,5}"
    # what is said of the line above
    r"|(?m:^)(?:[^\n]{0,48}[:>\]] )?(?=[^\s]{0,47}\d)[^\s\"'`]{6,50}[ \t]{0,4}\n[^\n]{0,90}"
    # a list of codes, and what they are in the line below
    rf"|(?m:^)(?i:(?:{codes.LINE_OF_CODES}){{1,16}})\s{{0,4}}[^\n]{{0,110}}"
    rf"|(?m:^)(?i:{codes.BEFORE_CODES}(?:{codes.ONE_CODE}[ \t,;|]{{1,8}}){{0,4}}(?=[a-z]{{0,5}}\d)[a-z\d]{{3,6}}(?:[ \-][a-z\d]{{0,6}}){{0,7}}[ \t\r|]{{0,4}})"
    # a row that a statement inserts
    r"|(?<=[\s,])\((?:[^()\n]{0,60},\s{0,4})?[A-Za-z]{0,2}'[^()\n]{0,230}\)?"
    # a line of nothing but two words in quotes
    r"|(?<![^\n])\"[^\s\"]{1,60}\" ?\"?[^\s\"]{0,90}\"?[ \t]{0,8}"
    # a key's bytes, which only their number tells
    r"|(?i:key|keypair|secret)(?:\[\w{0,12}\])?[\"']?\s?[:=]\s?(?i:new )?(?i:byte)?[\w\[\]]{0,12}[\[({]\s{0,12}(?i:[\da-fx]{1,4}\s?,\s{0,12}){0,64}(?i:[\da-fx]{0,4})"
    # a row of a table
    r"|(?m:^)(?:[^\n|]{0,40}\||[^\n,;\t]{0,50}[,;\t](?=\S))[^\n]{0,150}"
    # the line below what speaks of a wallet, and what somebody says without a sign
    rf"|(?i:{forms.SEED_WORDS})[^\n]{{0,130}}(?:\n{{1,2}}[ \t>*\"`]{{0,4}}(?:[a-zà-ž\u0300-\u0308]{{3,9}} )*[a-zà-ž\u0300-\u0308]{{0,9}}[ \t\"`.]{{0,4}})?"
    r"|(?i:: pass) [^\n]{0,80}"
    # the first word of what a wallet's words are called
    r"|(?i:frase|fraza|kurtarma|obnovovací) [^\n]{0,30}"
    # phrases of words, and names before a value
    r"|(?i:phrase|pass(?:w|[\"'\])_]{0,3}\s?[=:,>|])|storepass |keypass |requirepass |pw|psk|secret[\"'\s]{0,3}[:=!]|community |identified by|ipmitool|net use|securestring|sshpass|mot de passe|contraseña|clave|mdp|lösenord|jelszó|heslo|salasana|adgangskode|şifre|parola|senha|kennwort|wachtwoord|hasł|парол)[^\n]{0,150}"
    r"|(?i:totp|2fa|mfa|authenticator|otp|setup key|(?:can['’]?t|cannot|unable to) scan|qr[ \-]code|configura|einrichtung)[^\n]{0,120}(?:\n\s{0,24}[a-zA-Z2-7]{0,4}(?:[ \-][a-zA-Z2-7]{0,4}){0,15})?"
    r"|(?i:(?:backup|recovery|secours|respaldo|recuper|wiederherst|notfall|резервн)[\w \-]{0,24})[^\n]{0,150}"
    r"|(?i:insert into |wi-?fi|wlan|ssid|netz|network|hotspot)[^\n]{0,160}"
    r"|(?i:echo|printf) (?:-\w{1,2} )?[\"']?[^\s\"'|]{4,160}[\"']? ?(?:>{1,2} ?[\w./~\-]{0,80}|\|? ?(?:sudo )?(?:sudo|[a-z]{0,10})(?: -?S?)?)"
    # words in quotes that are written into what asks for them
    r"|(?i:echo|printf) (?:-\w{1,2} |[\"']%s(?:\\n)?[\"'] )?(?:[\"'](?:[^\"'\n]{0,100}(?:[\"'] ?(?:\|[^\n|]{0,140})?)?)?)?"
    # what a device's management is asked with
    r"|(?i:community|communauté|comunidad|comunità)[^\n]{0,110}"
    r"|(?i:key1)[\"']?\s?[:=]\s?[\"']?[A-Za-z0-9]{0,40}[\"']?[,;\s\"']{0,12}(?i:k|ke|key|key2)?[\"':=\s]{0,5}[A-Za-z0-9]{0,32}"
    # four groups of letters among the arguments of a call that logs in
    r"|(?i:login|auth)\([^()\n]{0,140}"
    # six digits that somebody is in a hurry with, and words in their order on a line of their own
    r"|[:>\n] ?\d{3}[ \-]?\d{3}(?: [^\n]{0,56})?"
    r"|(?i:ledger|trezor|wallet|metamask|phantom|seed)[^\n]{0,60}\n\s{0,2}[^\n]{0,70}(?:\n\s{0,2}(?:[a-zà-ž\u0300-\u0308]{3,9} ){0,23}[a-zà-ž\u0300-\u0308]{0,9})?"
    # a cookie in JSON, which only what stands below it may tell from other values
    r"|(?i:[\"']value[\"']\s{0,4}:\s{0,4}[\"'][^\s\"']{8,170}[\"'][^\x00]{0,60})"
    # blocks below a name, and what is said after some words
    r"|(?i:phrase|password|passwort|secret)[^\n:]{0,92}:[ |>\-]{0,6}\n{1,2}[^\n]{0,100}(?:\n[^\n]{0,100})?"
    r"|(?i:the usual|wie immer|comme d'habitude|la de siempre|la solita)[^\n]{0,120}"
    rf"|(?i:{forms.SEED_WORDS})[^\n:=：]{{0,90}}[:=：]?[\s\"']{{0,4}}(?:(?:\d{{1,2}}[.)] ?)?(?:[^\W\d_]|[\u0300-\u0308]){{1,9}}[ ,\n\u3000]{{1,2}}){{0,23}}[\w.)\u0300-\u0308]{{0,9}}"
)


Find = Callable[[Reading], Iterator[Finding]]

_SURE = (tokens.find, columns.find)  # a form, or a table's head, tells what they find: they read any text to its end
_FINDERS = (
    values.find,
    near.find,
    commands.find,
    forms.find,
    jars.find,
    logins.find,
    told.find,
    phrases.find,
    dictated.find,
    pairs.find,
    both.find,
    places.find,
    set.find,
    said.find,
    sentences.find,
    setup.find,
    lines.find,
    opening.find,
    dials.find,
    codes.find,
    pins.find,
    spelt.find,
    written.find,
    shown.find,
    answers.find,
    whole.find,
    asked.find,
    handed.find,
    talks.find,
    apart.find,
    beside.find,
)


DENIALS = 6  # times as many as of looks, of what is no secret: more than a file of nothing but sums has
RULES = Union.of(map(sys.modules.__getitem__, {finder.__module__ for finder in (*_SURE, *_FINDERS)}))


def detect(text: str) -> list[Finding]:
    """Return the credentials in a text, by place; findings may overlap."""
    if not _ALARM.stands(text):
        return []
    folded = fold(text)
    reading = Reading(folded.text, folded.lower, tries=unread.worth(folded.text), rules=RULES)
    found: dict[tuple[str, int, int], Finding] = {}
    denied = reading.care("secrets.denied", times=DENIALS)
    with one_look():
        for one in _told(reading, (*_FINDERS, partial(broken.find, read=_read_again))):
            if one[:3] in found:
                continue
            if one.score > unread.STRICT and not denied.spent and harmless(reading, one):
                denied.taken()
                continue
            reading.begun[one.start] = max(one.end, reading.begun.get(one.start, 0))
            found[one[:3]] = one  # two rules may say the same
    kept = found.values() if folded.origins is None else map(folded.moved, found.values())
    return sorted(kept, key=attrgetter("start", "end", "kind"))


def _told(reading: Reading, finders: Iterable[Find]) -> Iterator[Finding]:
    """Yield what is sure, then what the other rules find as long as they read a text."""
    yield from chain.from_iterable(finder(reading) for finder in _SURE)
    sure = len(reading.begun)
    for one in chain.from_iterable(finder(reading) for finder in finders if not unread.is_left(reading, sure)):
        yield one
        if unread.is_left(reading, sure):
            break
    if reading.left or unread.is_left(reading, sure):
        yield from unread.find(reading)


def _read_again(text: str) -> Iterator[Finding]:
    """Yield what is found in a text that was mended."""
    return _told(Reading(text, tries=unread.worth(text), rules=RULES), _FINDERS)


DETECTOR = Detector(
    "secrets",
    detect,
    _ALARM,
    _TAIL,
    Words(frozenset(_TELLING), frozenset(), (spelt.SECOND_SAID,)),
    (tokens.KEY_LINES, tokens.PEM),
)
