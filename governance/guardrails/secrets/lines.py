"""Secrets that a line holds: passwords of several words, a file with a user and a password, a wallet's words below a sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator

from governance.guardrails.expressions import expression
from governance.guardrails.findings import Finding
from governance.guardrails.needles import Needles
from governance.guardrails.reading import Reading
from governance.guardrails.secrets import forms, looks, words
from governance.guardrails.secrets.names import PASSWORDS, opens


def find(reading: Reading) -> Iterator[Finding]:
    """Yield what whole lines of a folded text hold."""
    yield from _phrased(reading)
    yield from _in_files(reading)
    yield from _wallets(reading)
    yield from _unspoken(reading)


# "passwort: alte möwe 5 uhr", "password is lazy otter 2023 – …", PASSWORD='three old goats / one bridge'
_AT_PASSWORDS = Needles(PASSWORDS)
_WORDS = r"[^\s\"`<>,;:|(){}\[\]=\\]{1,20}(?: [^\s\"`<>,;:|(){}\[\]=\\]{1,20}){1,6}?"
_TOLD = expression(
    rf"[*_]{{0,2}}(?P<sign> ?[:=]| is| ist| lautet| est| es| è| é| -| –)[*_]{{0,2}}[ \t]{{1,3}}(?=[^\n]{{0,60}}\d)(?P<value>{_WORDS})(?=[ \t]{{0,8}}(?:\r?\n|\Z)| [–—\-] |[.,;](?:\s|\Z))"
)
_QUOTED = expression(
    r"[\"'`\])]{0,3} ?(?:=|:|=>|:=) ?(?P<quote>[\"'])(?P<value>[^\W\d_][^\"\n<>{}$\\;:()|=]{6,60}?)(?P=quote)(?=\s|\Z|[,;)])"
)
_BARE = expression(rf" (?P<value>{_WORDS})(?=[ \t]{{0,8}}(?:\r?\n|\Z))")
# Where such a line begins, in a quoted mail or a list, and who says one.
_BEGINS = expression(
    r"(?:\A|\n)[ \t>*\-•]{0,8}(?:(?:\[[^\]\n]{3,20}\] ?)?[A-ZÀ-Ý][\w .]{0,20}: )?(?:[\w'’\-]{2,16}[ \-_]){0,3}\Z"
)
_SAYS = expression(r"(?:\A|\n)(?:\[[^\]\n]{3,20}\] ?)?[A-ZÀ-Ý][\w .]{0,20}: \Z")
_LOGIN = expression(
    r"\b(?:log-?in|user(?:name)?|acct|account|usr|wi-?fi|wlan|ssid|benutzer|konto|usuario|compte|utente|vpn|ftp)\b"
)
_EVERYDAY = frozenset({"pass", "clave", "parole", "parola"})
REACH_OF_LINE, REACH_OF_LOGIN = 64, 200


def _phrased(reading: Reading) -> Iterator[Finding]:
    text, lower = reading.text, reading.lower
    for at, core in reading.first(_AT_PASSWORDS):
        end = at + len(core)
        match = (
            _TOLD.match(text, end) or _QUOTED.match(text, end) or (_BARE.match(text, end) if core == "pass" else None)
        )
        if match is None or not reading.tried(1) or not opens(text, lower, at, core):
            continue
        floor = max(0, at - REACH_OF_LINE)
        bare = match.re is _BARE
        if (bare or core in _EVERYDAY) and not _LOGIN.search(lower, max(0, at - REACH_OF_LOGIN), at):
            continue
        if (bare and not _SAYS.search(text, floor, at)) or (
            match.re is _TOLD and match["sign"][-1] in "=:-–" and not _BEGINS.search(text, floor, at)
        ):
            continue
        if reading.looks(words.phrased, match["value"]):
            yield Finding("password", *match.span("value"), 0.7)


# $ cat auth.txt, and below a user's name and what lets them in
_AT_CAT = Needles(("cat ",))
_FILE = expression(
    r"cat (?P<file>[^\s|;&<>]{1,80})[ \t]{0,4}(?P<about>#[^\n]{0,80})?\r?\n(?P<user>[\w.@\-]{2,64})\r?\n(?P<value>[^\s]{5,64})(?=[ \t]{0,8}(?:\r?\n|\Z))"
)
_OF_LOGINS = expression(r"auth|login|passw?|cred|/up\b|userpass", re.IGNORECASE)
_OF_PASSWORDS = expression(r"auth-user-pass|line 2 password|password on line 2")


def _in_files(reading: Reading) -> Iterator[Finding]:
    for at, _ in reading.standing(_AT_CAT):
        match = _FILE.match(reading.text, at)
        if match is None or not reading.tried(1):
            continue
        if not (_OF_LOGINS.search(match["file"]) or reading.speaks(_OF_PASSWORDS)):
            continue
        if reading.likely(looks.coined, match["value"]):
            yield Finding("password", *match.span("value"), 0.7)


# "I want to move my wallet. Are these words right?", and in the line below twelve of them
_BELOW = expression(
    r"[^\n]{0,130}\n{1,2}[ \t>*\"`]{0,4}(?P<value>[a-zà-ž\u0300-\u0308]{3,9}(?: [a-zà-ž\u0300-\u0308]{3,9}){11,23})[ \t\"`.]{0,4}(?=\r?\n|\Z)"
)
_LENGTHS = frozenset({12, 15, 18, 21, 24})
_IN_NO_WALLET = frozenset(["the", "and", "for", "are", "was", "not", "but", "never", "please", "with", "from", "your", "our", "has", "had", "his", "her", "its", "who", "were", "been", "would", "does", "did", "because", "partner", "tax"])  # fmt: skip


def _wallets(reading: Reading) -> Iterator[Finding]:
    for match in reading.matches(_BELOW, forms.SEEDS) if reading.speaks(_TWELVE) else ():
        said = match["value"].split()
        if len(said) in _LENGTHS and len(set(said)) > len(said) // 2 and not _IN_NO_WALLET.intersection(said):
            yield Finding("seed_phrase", *match.span("value"), 0.8)


_TWELVE = expression(r"\n[ \t>*\"`]{0,4}[a-zà-ž\u0300-\u0308]{3,9}(?: [a-zà-ž\u0300-\u0308]{3,9}){11}")


# "source password yelrdxyiqzzq": letters that no language has words of, at the end of a line.
_LETTERS = expression(
    r"[*_]{0,2}(?: ?[:=]| is| ist| est| es| è)? {1,2}[\"'`]?(?P<value>[a-z]{8,24})(?=[\"'`]?[.,;]?[ \t]{0,4}(?:\r?\n|\Z))"
)
_ODD = expression(r"q(?!u)|[jqxz][^aeiouy]|[^aeiou]{5}")
FEWEST_ODD = 2


def _unspoken(reading: Reading) -> Iterator[Finding]:
    for at, core in reading.first(_AT_PASSWORDS):
        match = _LETTERS.match(reading.text, at + len(core))
        if match is not None and len(_ODD.findall(match["value"])) >= FEWEST_ODD:
            yield Finding("password", *match.span("value"), 0.7)
