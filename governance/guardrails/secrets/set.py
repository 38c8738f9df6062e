"""Passwords of plain words that are set as such: in settings, code, forms, options and tables, beside a user's name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from governance.guardrails.cues import Cue, heads
from governance.guardrails.expressions import expression
from governance.guardrails.findings import Finding
from governance.guardrails.needles import Blocks, Needles
from governance.guardrails.once import once
from governance.guardrails.reading import Reading
from governance.guardrails.secrets import words
from governance.guardrails.secrets.names import PASSWORDS, opens


def find(reading: Reading) -> Iterator[Finding]:
    """Yield the passwords of a folded text that are plain words, each where one is set."""
    text, lower = reading.text, reading.lower
    users = _Users(reading)
    for at, core in reading.each(_AT_PASSWORDS):
        match = _VALUE.match(text, at + len(core))
        if match is None or (match["sign"] == " " and not _may_be_given(lower, users, at)):
            continue
        if not opens(text, lower, at, core):
            continue
        group = match.lastgroup or 0
        value, start = match[group], match.start(group)
        if _set_here(reading, users, core, match, value) and reading.looks(words.own, value):
            yield Finding("password", start, start + len(value), 0.7)


_AT_PASSWORDS = Needles(PASSWORDS)
_WORD, _LINKED = r"[^\W\d_]{2,24}", r"[^\W_]{1,24}"
_LINKS = rf"{_WORD}(?:[\-_.]{_LINKED}){{0,7}}[!?]?"
_ENDING = r"(?:[_\-]?(?:\d{1,2}|prod|production|dev|live|staging|value|plain(?:text)?|clear(?:text)?))?"
# What is in quotes may hold blanks; what is not ends with the line, an argument with a blank.
_VALUE = expression(
    rf"{_ENDING}(?:"
    rf"[\"'`\])]{{0,3}}(?:[ \t]{{0,8}}(?::=|=>|={{1,3}}|:)[ \t]{{0,8}}|\.equals(?:ignorecase)?\(|\(| is | ?, ?| )(?:[brf]?[\"'`](?P<quoted>{_WORD}(?:[ \-_.,;+&~]{_LINKED}){{0,7}}[!?]?)[\"'`]|[“„«] ?(?P<foreign>{_WORD}(?:[ \-_.]{_LINKED}){{0,7}}[!?]?) ?[”“»])(?! ?[=?\w]| ?:[ \t]*\S)"
    rf"|>(?P<tagged>{_LINKS})(?=</)"
    rf"|[\"']?[ \t]?(?:[:=]|is|ist|est|es|è|é)[ \t]{{1,3}}(?P<line>{_LINKS})(?=[ \t]{{0,20}}(?:[#\r\n,;)]|\.(?!\w)|\Z))"
    rf"|(?P<sign>[= ])(?P<held>{_LINKS})(?=[\s\"'&;,]|\.(?!\w)|\Z)"
    r")",
    re.IGNORECASE,
)
_LINK = expression(r"[ \-_.]")


def _may_be_given(lower: str, users: _Users, at: int) -> bool:
    """Tell whether what a blank parts from a name may be its password, as of most words in sentences none is."""
    return users.named_right_before(at) or "--" in lower[max(0, at - REACH_NAME) : at]


def _set_here(reading: Reading, users: _Users, core: str, match: re.Match[str], value: str) -> bool:
    """Tell whether words stand where a password is set, not where one is spoken of."""
    text, lower, group = reading.text, reading.lower, match.lastgroup
    at = match.start() - len(core)
    head = lower[max(0, at - REACH_NAME) : at]
    named = "" if head.endswith(" ") else _name_before(head)  # of most words in a sentence none
    if named and _SPOKEN_OF.search(named):
        return False
    if group == "tagged":
        return True
    sign = match[0][: match.start(group or 0) - match.start()]
    if group == "held" and sign != "=":  # as of most words that a name of passwords stands before
        argument = named.startswith("--") and _ENDS_ARGUMENT.match(text, match.end()) is not None
        return argument or users.named_right_before(at)
    sure = core not in _EVERYDAY
    beside = partial(_beside_user, reading, users, at, match.end())
    qualified = named[-1:] in _JOINING or (text[at : at + 1].isupper() and text[at - 1 : at].islower())
    shouted = qualified and text[at : at + len(core)].isupper()
    linked = _LINK.search(value) is not None
    begins = _AT_LINE.search(head) is not None
    if group in {"quoted", "foreign"}:
        if "," in sign:
            return shouted
        if shouted and _DEFINED.search(head):
            return True
        return _GIVING.search(sign) is not None or (linked and sure) or beside()
    if group == "held":
        return (
            named.startswith("--")
            or shouted
            or (begins and (qualified or (core == "psk" and core not in value.lower())))
            or users.named_right_before(at)
        )
    opened = sure and _OPENED.search(head) is not None
    if not (begins or opened or beside()):
        return False
    return (linked and sure and begins) or qualified or opened or beside()


def _name_before(head: str) -> str:
    """Return what of a name stands at the end of some characters: read backwards, to try no place but one."""
    back = _BACK.match(head[::-1])
    return head[len(head) - back.end() :] if back is not None else ""


REACH_NAME = 40
_ENDS_ARGUMENT = expression(r"\s{0,4}(?:\Z|\n|[\-\\&|;<>])")  # what no sentence goes on with
_BACK = expression(r"[\w.\-]*+")
_JOINING = frozenset("_.-")
_GIVING = expression(r"[:=]|equals")
_DEFINED = expression(r"#define \w{1,30}\Z")
_EVERYDAY = frozenset({"pass", "clave", "parole", "parola"})  # words that mean other things as well
# A setting begins its line, alone or in a list.
_AT_LINE = expression(r"(?:\A|\n)[ \t>|]{0,40}(?:- )?(?:export |set |env |[^\W\d_]\w{0,15}: )?[\"']?[\w.\-]{0,38}\Z")
# Parts of names whose value is a text to be shown, a switch or what became of a password.
_SPOKEN_OF = expression(
    r"(?:^|[_.\-])(?:forgot|wrong|reset|change|label|labels|error|errors|err|msg|message|messages|placeholder|button|btn|hint|title|show|hide|toggle|confirm|repeat|invalid|missing|no|empty|weak|strong|is|has|"
    r"need|needs|require|required|requires|allow|enable|enabled|disable|check|verify|validate|hash|hashed|text|txt|i18n|tr|lang|help|tooltip|enter|your|update)(?:$|[_.\-])"
)


# "zip password: …", "the BIOS password is …": what it opens is named.
_OPENED = expression(
    r"(?:^|[^\w])(?:7z|rar|pdf|bios|uefi|sudo|root|admin|guest|gast|wi-?fi|wlan|router|vpn|nas|ftp|smtp|imap|db|server|laptop|tablet|keystore|truststore|(?:un)?zip|archive?|excel|ordner|rechner)[ \-](?:the )?\Z"
)


def _beside_user(reading: Reading, users: _Users, start: int, end: int) -> bool:
    """Tell whether somebody's name stands beside, before or after."""
    lower, floor, reach = reading.lower, max(0, start - REACH_USER), end + REACH_USER // 2
    return users.any(floor, reach) and (
        _USER.search(lower, floor, start) is not None or _USER.search(lower, end, reach) is not None
    )


REACH_USER = 100
_USERS = (
    r"(?:user(?:name)?|login|log-in|account|e-?mail|benutzer(?:name)?|nutzer(?:name)?|kennung|identifiant|utilisateur|usuario|usuário|utente|gebruiker(?:snaam)?|użytkownik|логин|пользователь|учётк[аеу]|"
    r"kullanıcı|användare|bruger|käyttäjä|felhasználó|utilizator|korisnik|χρήστης|uživatel|账号|用户名|ユーザー|아이디|vpn|wi-?fi|wlan|ssid)"
)
_USER = expression(_USERS + r"(?:[\"'*]{0,2} ?[:=：,]| [\w.@\-]{2,40}[\"']?[ ,;/\n]| is | ist )")
_USER_BEGUN = expression(heads(_USERS))  # of every match: told first, in blocks
_NAME = r"[\"']?[\w.@\-]{2,40}+[\"']?[ ,;/&\n]{1,4}+"
_NAMED = tuple(
    expression(rf"{_USERS}[\"'*]{{0,2}}{sign}(?P<name>{_NAME})(?:and |und |et |y |e |og |och )?")
    for sign in ("(?: ?[:=：] ?| )", " ist? ")  # apart: what seems to be a verb may be somebody's name
)
_AT_USERS = (Cue(_USERS),)


class _Users(Blocks):
    """Where a text names users: the places are found once, however many names of passwords stand beside them."""

    def __init__(self, reading: Reading) -> None:
        super().__init__(_USER_BEGUN, reading.lower)
        self._reading = reading

    @once
    def _ends(self) -> set[int]:
        """Where what may follow somebody's name begins, behind an "and" or before it."""
        lower = self._reading.lower
        named = (how.match(lower, at) for at in self._reading.begins(_AT_USERS) for how in _NAMED)
        return {end for name in named if name is not None for end in (name.end("name"), name.end())}

    def named_right_before(self, at: int) -> bool:
        """Tell whether somebody's name stands right before the name of a password."""
        return at in self._ends
