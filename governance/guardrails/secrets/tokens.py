"""Credentials that their own form gives away: providers' key formats, private keys, passwords in URLs."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from governance.guardrails.detector import Block
from governance.guardrails.expressions import expression
from governance.guardrails.findings import Finding
from governance.guardrails.needles import Needles
from governance.guardrails.reading import Reading
from governance.guardrails.secrets import looks

_CLASSES = {
    "<a>": "[A-Za-z0-9]",
    "<l>": "[a-z0-9]",
    "<A>": "[A-Z0-9]",
    "<h>": "[a-f0-9]",
    "<x>": "[a-fA-F0-9]",
    "<u>": r"[A-Za-z0-9_\-]",
    "<b>": "[A-Za-z0-9+/]",
}
SHORTEST_SHAPE = 29  # a product key; some addresses of streams are shorter
SHORTEST = 14  # every token is longer; so is the beginning of a private key


@dataclass(frozen=True, slots=True)
class _Formats:
    """The table of `formats.toml`: by beginning, what may follow; what starts anywhere; names of services, parted by "|".

    And all kinds of credentials that it tells.
    """

    beginnings: dict[str, list[tuple[str, re.Pattern[str]]]]
    shapes: re.Pattern[str]
    providers: str
    kinds: frozenset[str]


def _load() -> _Formats:
    raw = tomllib.loads(Path(__file__).with_name("formats.toml").read_text("utf-8"))
    beginnings: dict[str, list[tuple[str, re.Pattern[str]]]] = {}
    for kind, starts, rest in raw["keys"]:
        pattern = expression(_written_out(rest))
        for start in starts.split():
            beginnings.setdefault(start, []).append((kind, pattern))
    kinds = dict.fromkeys(kind for kind, _ in raw["shapes"])
    shapes = "|".join(
        f"(?P<{kind}>{'|'.join(_written_out(shape) for one, shape in raw['shapes'] if one == kind)})" for kind in kinds
    )
    providers = "|".join(name.strip() for name in raw["providers"].split("|"))
    whole = expression(
        rf"(?<![A-Za-z0-9_\-.])(?=(?:[A-Za-z0-9_.\-]|~..\d)[A-Za-z0-9_.~\-:/+]{{{SHORTEST_SHAPE - 1}}}|rtmp)(?:{shapes})"
    )
    return _Formats(beginnings, whole, providers, frozenset(kind for kind, *_ in (*raw["keys"], *raw["shapes"])))


def _written_out(pattern: str) -> str:
    for short, whole in _CLASSES.items():
        pattern = pattern.replace(short, whole)
    return pattern[:-1] + r"(?![A-Za-z0-9_\-])" if pattern.endswith("!") else pattern


FORMATS = _load()
KINDS = FORMATS.kinds
# A token doesn't begin in the middle of a word, but may right behind a line's end that is written out.
BEGINNINGS = Needles(FORMATS.beginnings, after=r"(?<![A-Za-z0-9_\-])|(?<=\\[ntr])")
_AZURE_SIGNATURE = expression(
    r"(?<![A-Za-z0-9_\-.])sig=(?P<value>[A-Za-z0-9%+/_\-]{40,80}(?:=|%3[dD])|[A-Za-z0-9_\-]{43}(?![\w\-]))"
)
_PRESIGNED = expression(r"(?<![A-Za-z0-9])X-(?:Amz|Goog)-Signature=(?P<value>[0-9a-fA-F]{64,512})(?![0-9a-fA-F])")
_AWS_SECRET = expression(r"(?<![A-Za-z0-9/+=_\-.])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=_\-])")
_AWS_NEAR, REACH_OF_AWS = ("aws", "secret", "akia", "asia", "amazon"), 100
_SITE_KEY = expression(r"site[_\-]?key[\"']?\s?[:=]\s?[\"']?\Z", re.IGNORECASE)  # what a page shows everybody
_HEX = expression(r"[0-9a-fA-F]+")

PEM = Block(
    "private_key",
    expression(
        r"-----BEGIN(?:[A-Z0-9 ]{0,24} PRIVATE KEY(?: BLOCK)?| OpenVPN (?:Static key V\d|tls-crypt-v2 (?:client|server) key))-----|PuTTY-User-Key-File-\d:[^\n]{0,60}\n"
    ),
    expression(
        r"(?:(?:Proc-Type|DEK-Info|Comment|Version|Charset|Encryption|Public-Lines|Private-Lines|Private-MAC|Key-Derivation|"
        r"Argon2-\w{1,12}):?[^\n]{0,200}(?:\n|\Z)"
        r"|(?:Private|Public|Proc|DEK|Key)-[A-Za-z]{0,10}\Z"  # such a line, begun
        r"|\s++|\\[nrt]|[A-Za-z0-9+/=]{16,}+|[A-Za-z0-9+/=]{1,15}+(?=[ \t]*(?:[\r\n\\\-]|\Z)))*+"
        r"(?:-----END[A-Z0-9 ]{0,12}(?:OpenVPN [\w \-]{5,30})?[A-Z0-9 ]{0,28}-----|-----(?:E|EN|END[\w ]{0,40}-{0,4})?\Z|-{1,4}\Z|\\\Z)?+"
    ),
)
MOST_LINES = 51  # behind the first: as many as 4,096 bits have, and less than is held at all
_LINE = r"[A-Za-z0-9+/]{1,76}={0,2}"
# Lines that may turn out to be a private key's, whose first line is missing; certificates have theirs.
KEY_LINES = Block(
    PEM.kind,
    expression(
        r"(?:^|(?<=\n))(?<![A-Za-z0-9+/=]\n)(?<![A-Za-z0-9+/=]\r\n)(?<!-\n)(?<!-\r\n)"
        r"(?=[^\n]*[A-Z])(?=[^\n]*[a-z])(?=[^\n]*[0-9+/])[A-Za-z0-9+/]{40,76}={0,2}\r?\n"
    ),
    expression(
        rf"(?:{_LINE}\r?\n){{0,{MOST_LINES}}}+"
        rf"(?:-----END[A-Z0-9 ]{{0,40}}-{{5}}|(?:{_LINE}\r?|-{{1,5}}|-----(?:E|EN|END[A-Z0-9 ]{{0,40}}-{{0,4}}))\Z)?+"
    ),
)
SHORTEST_KEY, _LEFT_OUT = 100, (".", "…", "[", "<", "*")  # "MIIEpAIBAAKCAQEA..." in a manual
_KEY_MATERIAL = expression(r"[A-Za-z0-9+/=]{16}")

_URL_PASSWORD = expression(r"[A-Za-z0-9._~%!$&'*+=,\-]{0,80}:([^\s/\"'<>`]{1,128}(?:/[^\s/@\"'<>`]{0,64})?)@[\w\[]")
_GIT_TOKEN = expression(r"https://(?P<value>[A-Za-z0-9_\-]{20,100})@(?:dev\.azure|github|gitlab)[\w.\-]{0,40}/")
_EASY_CONNECT = expression(
    r"(?<![\w/@.\-])[\w$#]{1,30}/(?P<value>[^\s/@\"'<>`]{4,64})@//[\w.\-]{1,100}(?::\d{2,5})?/\w"
)  # Oracle's
_SCHEME = expression(r"[A-Za-z][A-Za-z0-9+.\-]{1,24}\Z")


def find(reading: Reading) -> Iterator[Finding]:
    """Yield the credentials of a folded text that their form gives away."""
    text = reading.text
    yield from _url_passwords(text)
    if reading.longest < SHORTEST:
        return
    reach, nested, passed = 0, 0, 0  # of the tokens so far, how many begin in one another, one for all
    for at, start in reading.written(BEGINNINGS):
        if at < passed:
            continue
        for found in _token(text, at, start):
            reach, nested = max(reach, found.end), nested + 1 if at < reach else 0
            if nested > MOST_NESTED:
                passed = end_of_run(text, reach)
                found = found._replace(end=passed)
            yield found
    for match in FORMATS.shapes.finditer(text):
        group = "telegram" if match.lastgroup == "telegram_token" else match.lastgroup or ""
        if not looks.placeholder_token(match[group]):
            yield Finding(match.lastgroup or "", *match.span(group), 0.95)
    for match in _AZURE_SIGNATURE.finditer(text) if "sig=" in text else ():
        yield Finding("azure_signature", *match.span("value"), 0.95)
    for match in _PRESIGNED.finditer(text) if "-Signature=" in text else ():
        yield Finding("presigned_url", *match.span("value"), 0.9)
    for match in _AWS_SECRET.finditer(text) if reading.stands(_AWS_NEAR) else ():
        near = reading.named(_AWS_NEAR, match.start() - REACH_OF_AWS, match.start())
        if near and _aws_secret(match[0]) and not _SITE_KEY.search(text, max(0, match.start() - 24), match.start()):
            yield Finding("aws_secret_key", *match.span(), 0.95)
    yield from _private_keys(text)
    yield from _ends_of_keys(text)


MOST_NESTED = 6  # tokens in one another that are judged; of more all up to the next blank is masked
_RUN_END = expression(r"[\s\"'`<>;]|\Z")


def end_of_run(text: str, start: int) -> int:
    """Return where what stands without a blank ends."""
    end = _RUN_END.search(text, start)
    return end.start() if end is not None else len(text)


def _aws_secret(value: str) -> bool:
    if not any(character.isdigit() for character in value):  # a long name in camel case
        return False
    return looks.varied(value) and not (_HEX.fullmatch(value) or looks.placeholder_token(value))


def _token(text: str, at: int, start: str) -> Iterator[Finding]:
    for kind, rest in FORMATS.beginnings[start]:
        match = rest.match(text, at + len(start))
        if match is None:
            continue
        body = match[0].rstrip("-_.")
        if kind == "jwt" and _UNSIGNED.search(body):
            continue
        made = kind != "private_key" and looks.placeholder_token(body)
        if body and not made and not _words(body, kind):
            yield Finding(kind, at, at + len(start) + len(body), 0.99)


def _words(body: str, kind: str) -> bool:
    """Tell whether what follows a short beginning such as "sk-" reads as words with hyphens."""
    return kind in _WORDY and looks.wordy(body, looks.SURE_WORD_LENGTH)


_UNSIGNED = expression(r"\.(?:[a-z_\-]{0,40}|[A-Z_\-]{0,40})\Z")  # "….signature"
_WORDY = frozenset(
    {
        "openai_key",
        "payment_key",
        "mandrill_key",
        "model_key",
        "saas_token",
        "teams_token",
        "pubnub_key",
        "aiven_password",
    }
)


def _private_keys(text: str) -> Iterator[Finding]:
    for opening in PEM.opening.finditer(text):
        body = PEM.body.match(text, opening.end())
        if body is None or (len(body[0]) < SHORTEST_KEY and text.startswith(_LEFT_OUT, body.end())):
            continue
        if _KEY_MATERIAL.search(body[0]):
            end = opening.end() + len(body[0].rstrip())
            yield Finding(PEM.kind, opening.start(), end, 1.0)


def _ends_of_keys(text: str) -> Iterator[Finding]:
    """Yield what stands before the last line of a private key whose first line is missing."""
    last = 0
    for end in _END_OF_KEY.finditer(text):
        floor = max(last, text.rfind("-----", last, end.start()))
        body = _LINES_OF_KEY.search(text, max(floor, end.start() - LONGEST_BODY), end.start())
        last = end.end()
        if body is not None and text.find("BEGIN", max(0, floor - REACH_BEGIN), floor) < 0:
            yield Finding(PEM.kind, *body.span(), 0.9)


_END_OF_KEY = expression(r"-----END[A-Z0-9 ]{0,24} PRIVATE KEY(?: BLOCK)?-----")
_LINES_OF_KEY = expression(r"(?<![A-Za-z0-9+/=])[A-Za-z0-9+/]{40,76}=*(?:\s{1,3}[A-Za-z0-9+/]{4,76}=*){0,80}\s{1,3}\Z")
LONGEST_BODY, REACH_BEGIN = 4000, 40


_PORT_AND_OPTIONS = expression(r"\d{2,5};[A-Za-z]{2,24}=")  # "sqlserver://host:1433;user=orchard@host"


def _url_passwords(text: str) -> Iterator[Finding]:
    at = text.find("://")
    while at >= 0:
        scheme = _SCHEME.search(text[max(0, at - 25) : at])
        match = _URL_PASSWORD.match(text, at + 3) if scheme else None
        if (
            match is not None
            and not looks.placeholder(match[1])
            and match[1].lower() not in _WORDS
            and not text.startswith(match[1] + ":", at + 3)
            and _PORT_AND_OPTIONS.match(match[1]) is None
        ):
            yield Finding("url_password", *match.span(1), 0.9)
        at = text.find("://", at + 3)
    for match in _GIT_TOKEN.finditer(text) if "@dev.azure" in text or "@github" in text or "@gitlab" in text else ():
        if looks.noisy(match["value"]):
            yield Finding("url_password", *match.span("value"), 0.9)
    for match in _EASY_CONNECT.finditer(text) if "@//" in text else ():
        if not looks.placeholder(match["value"]) and match["value"].lower() not in _WORDS:
            yield Finding("url_password", *match.span("value"), 0.9)


_WORDS = frozenset(
    {
        "password",
        "pass",
        "passwd",
        "pwd",
        "secret",
        "token",
        "pw",
        "port",
        "credentials",
        "passwort",
        "kennwort",
        "geheim",
        "contraseña",
        "contrasena",
        "clave",
        "motdepasse",
        "mdp",
        "senha",
        "parola",
        "wachtwoord",
        "hasło",
        "haslo",
        "lösenord",
        "losenord",
        "salasana",
        "heslo",
        "jelszo",
        "sifre",
        "şifre",
        "пароль",
        "密码",
        "密碼",
        "パスワード",
        "비밀번호",
        "userpass",
        "mypass",
    }
)
