"""Passwords in quotes or blocks, read to the sign that closes them, whatever signs and blanks they hold."""

from __future__ import annotations

import re
from collections.abc import Iterator

from governance.guardrails.expressions import expression
from governance.guardrails.findings import Finding
from governance.guardrails.needles import Needles
from governance.guardrails.reading import Reading
from governance.guardrails.secrets import looks, plain, words
from governance.guardrails.secrets.names import PASSWORDS, kind_of, opens


def find(reading: Reading) -> Iterator[Finding]:
    """Yield the passwords of a folded text that something closes behind them."""
    text, lower = reading.text, reading.lower
    for at, core in reading.first(_NAMES):
        end = at + len(core)
        if _BEGUN.match(text, end) is None or not reading.tried(1) or not opens(text, lower, at, core):
            continue
        head = lower[max(0, at - REACH_NAME) : at]
        if _ASKS.search(head):
            continue
        for pattern, how in _FORMS:
            match = pattern.match(text, end)
            if match is not None and not (match.groupdict().get("listed") and not _SETS.search(head)):
                value = match["value"]
                if reading.looks(how, value) or (_escaped(match) and reading.looks(plain.word, value)):
                    yield Finding(kind_of(core), *match.span("value"), 0.75)
                break
    yield from _quoted_words(reading)


# 'I know it is "old wooden boats again"': words of one's own, said to be what a password is.
_QUOTED_WORDS = expression(r"[\"'“„«`](?<!\w.)(?P<value>[^\W\d_]{2,14}(?: [^\W\d_]{2,14}){2,8})[\"'”“»`](?![\w\"'])")
_SAID_TO_BE = expression(
    r"(?P<name>pass ?phrase|phrase de passe|frase|wachtzin|password|passwort|kennwort|mot de passe|contraseña|senha|wachtwoord|hasło|парол\w)\b[^\n\"']{0,90}?"
    r"\b(?:it['’]s|is|was|ist|war|lautet|lautete|c['’]est|est|était|es|era|è|é|was het|jest|było|это|был):? \Z"
)
REACH_OF_SAID, FEWEST_WORDS = 130, 4


def _quoted_words(reading: Reading) -> Iterator[Finding]:
    for match in _QUOTED_WORDS.finditer(reading.text) if reading.speaks(_SPEAKS) else ():
        start = match.start()
        if not reading.looks(words.own, match["value"]) or not reading.tried(2):
            continue
        said = _SAID_TO_BE.search(reading.lower, max(0, start - REACH_OF_SAID), start)
        if said is not None and (len(match["value"].split()) >= FEWEST_WORDS or "phrase" in said["name"]):
            yield Finding("password", *match.span("value"), 0.7)


_SPEAKS = expression(
    r"phrase|frase|wachtzin|password|passwort|kennwort|mot de passe|contraseña|senha|wachtwoord|hasło|парол"
)


def _escaped(match: re.Match[str]) -> bool:
    """Tell whether a value stands in JSON that is written out in a string."""
    return match.string[match.start("value") - 2 : match.start("value") - 1] == "\\"


_NAMES = Needles((*PASSWORDS, "secret"))
REACH_NAME = 40
_SUFFIX = r"(?:[_\-.]?(?:\d{1,2}|prod(?:uction)?|dev|live|staging|value))?"
# password = "…", \"password\":\"…\", 'password' => '…', define('DB_PASSWORD', '…'), <add key="…" value="…">, <![CDATA[…]]>
_QUOTED = expression(
    rf"{_SUFFIX}(?:[\"'`\]\)\\]{{0,6}}(?:\s{{0,4}}(?::=|=>|={{1,2}}|:)\s{{0,4}}|(?P<listed> ?, ?)|[\"'] {{1,3}}value ?= ?)|>(?=<!))"
    r"(?:(?P<data><!\[CDATA\[)|[rbu]?(?P<quote>\\{0,3}[\"'`])) ?(?P<value>(?:(?!(?P=quote)|\]\]>)[^\n]){5,80}?) ?"
    r"(?(data)\]\]>|(?P=quote)(?![\w\"'`]| ?:[^:\n]| ?=[^>]))"
)
# passphrase: >\n  old wooden boats; secret:\n  value: old wooden boats; Password   old wooden boats
_BLOCK = expression(
    r"(?:(?: for| of| to)[^\n:]{2,30})?(?:: ?(?:[|>]-?)?[ \t]{0,4}\r?\n{1,2}(?:[ \t]{1,8}name: [^\n]{1,40}\n)?[ \t]{1,8}(?:value: [\"']?)?|[ \t]{3,20}(?=[^\n]{0,70}\d))(?P<value>[^\W_]{1,14}(?: [^\W_]{1,14}){2,8})[\"']?[ \t]{0,8}(?=\r?\n|\Z)"
)
# "a strong password for the router, saved it as well:" and on a line of its own below "**ksq4…**"
_BELOW = expression(
    r" [^\n:]{2,90}:[ \t]{0,4}\r?\n{1,2}(?P<mark>\*{1,2}|[`\"']|> ?)?(?P<value>[^\s\"'`<>*][^\s\"'`<>]{6,62}[^\s\"'`<>*:;,.]!?)(?(mark)\*{0,2}[`\"']?)[ \t]{0,4}(?=\r?\n|\Z)"
)
# How any of these goes on behind the name.
_BEGUN = expression(
    r"[\w\-.]{0,12}(?:[\"'`\])\\]{0,6}\s{0,4}(?::=|=>|={1,2}|[:,])\s{0,4}[rbu]?\\{0,3}[\"'`]|[\"'] {1,3}value ?=|><!\[|(?: [^\n:]{2,90})?:[ |>\-]{0,6}\r?\n|\t|[ \t]{3})"
)
# "The passphrase for the archive is:" and on a line of its own below "old wooden boats"
_WORDS_BELOW = expression(
    r"(?: [^\n:.]{2,60})? (?:is|are|reads|ist|lautet|est|es|è|é|to|jest|är|er)(?: now| jetzt| as follows| wie folgt)?: ?\r?\n{1,2}[ \t>]{0,4}(?P<value>[a-zß-ÿ]{2,14}(?: [^\W_]{1,14}){2,8})[ \t]{0,4}(?=\r?\n|\Z)"
)
# 2\tsmtp_password\tWq82=hhT;zz\n
_ROW = expression(r"\t(?P<value>[^\s]{6,64})(?=[\t\n]|\Z)")
# What asks for a password, shows one or speaks of it; and what makes a list of a name and a value: a call, rows of a database.
_ASKS = expression(
    r"(?:show|hide|enter|confirm|repeat|retype|verify|toggle|view|invalid|recover|lost|forgot|forgotten|reset|change|save|missing|validate|check|hash|hashed|get|generate|require|required|bad|wrong|weak|fake|test|label|error|hint|message|placeholder|title|no)[_\-. ]?\Z"
)
_SETS = expression(
    r"(?:env|set|put|prop|conf|define|param|option|fill|type)\w{0,12}\( ?[\"'][#.]?\w{0,30}\Z|, ?['\"][a-z.]{1,24}[_.]\Z"
)


def _in_row(value: str) -> bool:
    return looks.made_up(value.replace("<", "").replace(">", ""))


def _of_words(value: str) -> bool:
    """Tell whether words with blanks between them are somebody's own."""
    told = [word for word in value.lower().split() if word not in words.SAYING]
    mine = words.own(value) or (len(told) >= FEWEST_OF_OWN and words.own(" ".join(told)))
    return mine and _COUNTED.match(value) is None


def _mixed(value: str) -> bool:
    """Tell whether a value holds signs of several kinds: small letters, capitals, digits, others."""
    kinds = sum(any(map(kind, value)) for kind in (str.islower, str.isupper, str.isdigit))
    return kinds + (_SIGNS.search(value) is not None) >= FEWEST_KINDS


def _alone(value: str) -> bool:
    """Tell whether the only word of a line is a password with signs and digits."""
    return _mixed(value) and not _CODE.search(value) and looks.made_up(value)


def _closed(value: str) -> bool:
    """Tell whether all that stands between two quotes is a password with signs, which others end at, or blanks among them."""
    bare = value.replace("<", "").replace(">", "")
    if _CODE.search(value) or _MARKED_UP.search(value) or looks.placeholder(bare) or _TYPE.search(value):
        return False
    if " " in value:
        return any(map(str.isdigit, value)) and len(value.split()) <= MOST_WORDS and _of_words(value)
    return _mixed(value)


MOST_WORDS, FEWEST_KINDS, FEWEST_OF_OWN = 9, 3, 3
_SIGNS = expression(r"[^\w\-.]")
_COUNTED = expression(r"\d+ (?:bytes|characters|chars|days|items)")
_TYPE = expression(
    r"secret|token|passw|credential|passwd|param|field|string|\bvalue|:nn?ull|config|vault", re.IGNORECASE
)
# A call, a path, an address, a part of an expression or of a template, options of a rule.
_CODE = expression(
    r"\A[\w.]+\(.*\)\Z|\A(?:/|\.{1,2}/|~/|@|\$\w+\Z|!|&|-)|\w://|\A\w+:[a-z]|\\|\[[\^\w]-|\]\{|\{\d|\(\?|\.[*+]|\{\w*\}|\{\{|\$[({]|%[({sd]|<%|<\?|\|\||&&|[\w\"'] ?\? |\|\w+\||\w\.\w+\(|, ?[\"']|[\"'] ?[,+.]"
)
_MARKED_UP = expression(r"\A<[^<>]*>\Z|</|<(?:b|br|a|p|i|span|div|code|strong|em|input|label|kbd)\b")
_FORMS = ((_QUOTED, _closed), (_BLOCK, _of_words), (_ROW, _in_row), (_WORDS_BELOW, _of_words), (_BELOW, _alone))
