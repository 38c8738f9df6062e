"""Values that a name such as `api_key` marks as secret, and the marks of a placeholder."""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from governance.guardrails.findings import Finding
from governance.guardrails.needles import places

# The word a secret's name ends with, and what must stand before it for the words that say little alone.
_CORES: dict[str, re.Pattern[str] | None] = {
    **dict.fromkeys(
        ("password", "passwd", "passphrase", "passwort", "passcode", "mot de passe", "contraseña", "contrasena", "kennwort",
         "secret", "credential", "credentials", "authorization", "apikey", "session_id", "sessionid", "session_cookie"),
        None,
    ),
    "pass": re.compile(r"[_\-]\Z"),
    "pw": re.compile(r"[_\-]\Z"),
    "pwd": re.compile(r"(?:[_\-]|(?<![a-z])db|(?<![a-z]))\Z"),
    "token": re.compile(r"(?<!page_)(?<!page)(?<!next_)(?<!continuation)(?<!csrf)(?<!sync_)(?<!cancel)\Z"),
    "key": re.compile(
        r"(?:api|access|auth|private|encryption|signing|master|account|secret|storage|license|subscription|service|"
        r"deploy|shared ?access|client|ssh|pgp|aes|hmac|app|admin|bot|webhook)[_\-. ]?\Z"
    ),
}  # fmt: skip
# A secret ends where a script begins that is written without blanks.
_AFTER_CORE = re.compile(
    r"(?:[_\-.]?(?:\d{1,2}|prod(?:uction)?|dev|live|staging|test|value|id))?"
    r"(?P<middle>[\"'\])*`]{0,4}(?:[ \t]{0,12}(?::=|=>|->|={1,2}|:|>)"
    r"|(?: \w[\w.@\-]{0,23}){0,6}? (?:is|was|are|=)(?: now| set to)?:?(?= ))[ \t]{0,12}\n?[ \t]{0,12})"
    r"(?P<scheme>(?:bearer|basic|token|digest|apikey) {1,2})?"
    r"(?:[rbuf]{0,2}[\"'`*]{1,3})?(?P<value>[^\s\"'`<>,;\u2e80-\u9fff\uac00-\ud7af]{4,400})",
    re.IGNORECASE,
)
_FLAG = re.compile(
    r"(?:(?<=\s)|(?<=^))(?:--(?:password|passwd|token|api-key|secret|pass)[ =]|-u [\w.@\-]{1,40}:|sshpass -p ?|-p(?=['\"])|"
    r"login [\w.@\-]{1,60}\s{1,8}password )[\"']?(?P<value>[^\s\"'`<>]{4,200})"
)
_BEARER = re.compile(r"(?<![A-Za-z])(?:[Bb]earer|BEARER) {1,2}[\"'`]?(?P<value>[A-Za-z0-9._~+/\-]{12,2000}={0,2})")
_BASIC = re.compile(
    r"(?<![A-Za-z])(?:[Bb]asic|BASIC) {1,2}[\"'`]?(?P<value>[A-Za-z0-9+/\-_]{8,400}={0,2})(?![A-Za-z0-9])"
)

_PLACEHOLDER = re.compile(
    r"x{4,}|\*{3,}|\.{3,}|…|•{2,}|your|example|sample|placeholder|change[_\- ]?(?:me|this|it)|replace|insert|dummy|"
    r"redacted|removed|hidden|masked|omitted|todo|fixme|<|>|\$\{|\{\{|\}\}|\$\(|%\(|%s|%[a-z_]+%|^\$[a-z_]+$|^@|"
    r"my[_\-]?(?:secret|token|key|password|api)|(?:secret|token|key|password)[_\-]?here|fake|not[_\-]?(?:a|real)|"
    r"^(?:null|none|undefined|true|false|string|required|optional|n/?a|tbd|empty|unset|default)$|_{4,}|-{4,}|#{3,}|^\[",
    re.IGNORECASE,
)
_SAME = re.compile(r"(.)\1{7,}")
_CODE = re.compile(
    r"[()\[\]{}|\\]|^(?:os|process|env|config|settings|secrets?|self|this|var|data|local|module|request|req|params|ctx|app|st|"
    r"ENV|vault|ssm|arn|kms|file|https?|op|sm|gcp|aws|azure|projects|import|await|new)[.:]|"
    r"^[a-z_]+(?:\.[a-zA-Z_]+)+$|^/|^\./|^~/|^!|^&|^\$|:$",
)
_TYPE_WORD = re.compile(
    r"(?:secret|token|key|password|credential|passwd|auth|param|name|ref|field|value|env|type)s?", re.IGNORECASE
)
_DATE = re.compile(r"\d{1,4}[-/.:]\d{1,2}[-/.:]\d{1,4}")
_VERSION = re.compile(r"v?\d+(?:\.\d+)+\Z")
_MIXED_WITH_SIGNS = re.compile(r"[A-Za-z][@#$%^&*+=~!?]+[A-Za-z]")
_PASSWORD_CORE = re.compile(r"pass|pw|contrase|kennwort|mot de")


def find(text: str, lower: str) -> Iterator[Finding]:
    """Yield the values of a folded text whose name or header says that they are secret."""
    yield from _named(text, lower)
    for match in _FLAG.finditer(text):
        if _secret(match["value"], password=True, prose=False):
            yield Finding("password", *match.span("value"), 0.8)
    for match in _BEARER.finditer(text):
        value = match["value"].rstrip(".")
        if not placeholder(value) and varied(value) and not _CODE.search(value):
            yield Finding("bearer_token", match.start("value"), match.start("value") + len(value), 0.85)
    for match in _BASIC.finditer(text):
        if _user_and_password(match["value"]):
            yield Finding("basic_auth", *match.span("value"), 0.9)


def _named(text: str, lower: str) -> Iterator[Finding]:
    """Yield the values that stand after a name such as `api_key` or "password"."""
    for at, core in places(lower, _CORES):
        before = _CORES[core]
        if before is not None and not before.search(lower[max(0, at - 16) : at]):
            continue
        match = _AFTER_CORE.match(text, at + len(core))
        if match is None or match["scheme"]:  # the header rules below judge a scheme
            continue
        value = match["value"].rstrip(".,:)]}*\\")
        password = _PASSWORD_CORE.match(core) is not None
        if _secret(value, password=password, prose=" " in match["middle"].strip() or match["middle"].strip().isalpha()):
            kind = "password" if password else "api_key"
            yield Finding(kind, match.start("value"), match.start("value") + len(value), 0.8)


def placeholder(value: str) -> bool:
    """Tell whether a value only holds the place of a secret."""
    return _PLACEHOLDER.search(value) is not None or _SAME.search(value) is not None or len(set(value)) < 4


def varied(value: str) -> bool:
    """Tell whether a value looks drawn at random rather than written as words."""
    digits = sum(character.isdigit() for character in value)
    if digits == 0:
        mixed = value != value.lower() and value != value.upper()
        return mixed and len(value) >= 16 and _entropy(value) >= 3.5 and _turns(value) >= 3
    return _entropy(value) >= 2.7 and not (digits < 3 and len(value) > 18 and value.count("-") + value.count("_") > 2)


def _turns(value: str) -> int:
    """Count changes from lower to upper case; words have few."""
    return sum(a.islower() and b.isupper() for a, b in pairwise(value))


def _entropy(value: str) -> float:
    total = len(value)
    return -sum(count / total * math.log2(count / total) for count in Counter(value).values())


def _secret(value: str, *, password: bool, prose: bool) -> bool:
    if len(value) < (5 if password else 10) or placeholder(value) or _CODE.search(value):
        return False
    if _DATE.fullmatch(value) or _VERSION.match(value):
        return False
    has_digit = any(character.isdigit() for character in value)
    if not has_digit and _TYPE_WORD.search(value):
        return False
    if not password:
        return varied(value) and (has_digit or _turns(value) >= 3)
    has_letter = any(character.isalpha() for character in value)
    if has_digit and has_letter:
        return not (prose and re.fullmatch(r"\d+[a-z]{1,6}|\d+-[a-z]+|[a-z]+-\d{1,2}", value))
    if has_digit:
        return len(value) >= 6 and not prose
    return _MIXED_WITH_SIGNS.search(value) is not None


def _user_and_password(value: str) -> bool:
    """Tell whether a value is the base64 of `user:password`."""
    try:
        plain = base64.b64decode(value + "=" * (-len(value) % 4), validate=True)
    except (binascii.Error, ValueError):
        return False
    return b":" in plain and plain.isascii() and plain.decode().isprintable()
