"""Passwords that are plain words: where one is set, written out as a value, any word counts that says nothing of passwords."""

from __future__ import annotations

import tomllib
from pathlib import Path

from governance.guardrails.cues import asked_once
from governance.guardrails.expressions import expression
from governance.guardrails.secrets import looks, words

_WORDS = tomllib.loads(Path(__file__).with_name("plain.toml").read_text("utf-8"))
_SAYS_SOMETHING = frozenset(_WORDS["says"].split())
_OF_CODE = frozenset(_WORDS["code"].split())
_PLAIN = expression(r"[^\W\d_]{5,32}")
_HUMP = expression(r"[^\W\d_][a-zà-ÿ]*")
_ENDS_OF_NAMES = (
    "password",
    "passwd",
    "pwd",
    "passwort",
    "kennwort",
    "secret",
    "senha",
    "contraseña",
    "wachtwoord",
    "hasło",
    "пароль",
    "passe",
)
_STATE = expression(
    r"(?:ly|ed|able|ible|ive|less|ful|ment|tion|sion|ing|ous|isch|lich|bar|ung|é|ée|ido|ida|ado|ada|to|ta|ный|на)\Z"
)


@asked_once
def word(value: str) -> bool:
    """Tell whether a value is a word that could be a password: none that speaks of passwords, types or code."""
    lower = value.lower()
    return (
        _PLAIN.fullmatch(value) is not None
        and lower not in _SAYS_SOMETHING
        and lower not in words.SAYING
        and not lower.endswith(_ENDS_OF_NAMES)
        and not any(hump.lower() in _OF_CODE for hump in _HUMP.findall(value))
        and not any(lower[:at] in _OF_CODE and lower[at:] in _OF_CODE for at in range(3, len(lower) - 2))
        and not looks.placeholder(value)
    )


@asked_once
def told(value: str) -> bool:
    """Tell the same of a word that a sentence may hold: there, one may say how the password is."""
    return word(value) and _STATE.search(value.lower()) is None


def written_out(text: str, name: int, start: int, end: int, sign: str) -> bool:
    """Tell whether a name that ends at a place is given `text[start:end]` in full, by a sign with what is around it.

    In quotes, between tags, as a setting that fills its line, or as one of a command's.
    """
    value, before = text[start:end], text[start - 1 : start]
    if before in _QUOTES:
        end = text.find(before, end, end + LONGEST_END) if text.startswith(_LINE_ENDS, end) else end
        closed = before == text[end : end + 1] and _GOES_ON.match(text, end + 1) is None
        return (
            closed
            and not (sign.startswith("(") and not text.startswith(")", end + 1))
            and (word(value) or words.chained(value))
        )
    if before == ">":
        return text.startswith("</", end) and word(value) and _TAG.search(text, max(0, name - REACH), name) is not None
    if _SIGN.fullmatch(sign) is None or _ATTRIBUTE.search(text, max(0, name - REACH), name) is not None:
        return False
    if _ENDS_LINE.match(text, end) is not None:
        return word(value) if sign == "=" else told(value)
    return sign == "=" and _ENDS_ARGUMENT.match(text, end) is not None and not _called(text, name) and word(value)


def ends_line(text: str, start: int, end: int) -> bool:
    """Tell whether a word is the last of its line and can't say how a password is."""
    return _ENDS_LINE.match(text, end) is not None and told(text[start:end])


def _called(text: str, place: int) -> bool:
    """Tell whether a place is among the arguments of a call on its line."""
    line = max(text.rfind("\n", 0, place) + 1, place - REACH_OF_CALL)
    return text.rfind("(", line, place) > text.rfind(")", line, place)


_QUOTES = frozenset("\"'`")
_SIGN = expression(r"[\"']?[ \t]{0,12}(?:=|:|:=|=>)[ \t]{0,12}")
_TAG = expression(r"<[\w.:\-]{0,40}\Z|(?:name|key)=[\"'][\w.:\-]{0,60}\Z")
# What names an attribute, a variable of a shell, or one of several variables.
_ATTRIBUTE = expression(r"\b(?:self|this)\.[\w.]{0,40}\Z|(?:\$|->)\w{0,40}\Z|(?:\A|\n)[ \t]*\w{1,40}, \w{0,40}\Z")
_LINE_ENDS, LONGEST_END = ("\\r", "\\n"), 5  # written out in a string
_GOES_ON = expression(r"\w| ?[:=]")
# The end of a line, if no call or block ends on the next.
_ENDS_LINE = expression(r"[ \t]{0,20}(?:\#[^\n]{0,200})?\r?(?:\Z|\n(?![ \t]{0,40}[)}\]]))")
_ENDS_ARGUMENT = expression(r"[ \"'&|]|,(?=\S)|;(?=\s|\Z|[A-Za-z_ ]{1,24}=)")
REACH, REACH_OF_CALL = 80, 160
