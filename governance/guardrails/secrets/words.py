"""Passwords of plain words, told from what else is written where they stand: types, states, labels, advice."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from governance.guardrails.cues import asked_once
from governance.guardrails.expressions import expression
from governance.guardrails.secrets import looks


def _load() -> dict[str, frozenset[str]]:
    raw = tomllib.loads(Path(__file__).with_name("words.toml").read_text("utf-8"))
    return {name: frozenset(words.split()) for name, words in raw.items()}


_TABLE = _load()
_ELSEWHERE = _TABLE["elsewhere"]
_ABOUT, _ORDERS = _TABLE["kinds"] | _TABLE["states"] | _TABLE["parts"], _TABLE["orders"]
_SENTENCE = _TABLE["sentence"] | _ORDERS
# What every word of a secret's name holds, in any language, and what computers' words end with.
_NAMING = expression(
    r"pass(?:w|phr|code|$)|^pass|pwd|^pw$|kennwort|contrase|senha|wachtwoord|hasł|hasla|lösenord|passord|adgangskode|kodeord|salasana|jelszó|heslo|parol|парол|密|パス|비밀|şifre|sifre|mot ?de ?passe|clave|"
    r"secret|geheim|token|credential|(?:field|input|type|string|value|word|wort)s?$",
)
_OF_ONE = expression(
    r"(?:ation|ator|able|ible|[^r]ing|[^aeiou]ed|[^i]ly|^un\w+t)$"
)  # how no word ends that stands alone
_CHAIN = expression(r"[^\W\d_]{2,20}(?:[\-_+=!.][^\W_]{1,20}){1,6}[!?]?")
_WORD = expression(r"[^\W\d_]+")
SAYING = _ABOUT | _ORDERS
FEWEST_LETTERS = 6


@asked_once
def own(value: str) -> bool:
    """Tell whether words, with signs between or blanks, are somebody's own and say nothing of passwords."""
    words = [word.lower() for word in _WORD.findall(value)]
    if sum(map(len, words)) < FEWEST_LETTERS or looks.placeholder(value):
        return False
    if any(word in _ABOUT or _NAMING.search(word) for word in words) or words[0] in _ORDERS:
        return False
    if len(words) == 1 and _OF_ONE.search(words[0]):
        return False
    return " " not in value or not any(word in _SENTENCE for word in words)


@asked_once
def phrased(value: str) -> bool:
    """Tell whether words with blanks between are what somebody made up: with a digit or a sign, and said of nothing."""
    words = [word.lower() for word in _WORD.findall(_SHORTENED.sub("", value))]
    if (
        _MADE_UP.search(value) is None
        or not 1 < len(value.split()) <= MOST_WORDS
        or sum(map(len, words)) < FEWEST_LETTERS
    ):
        return False
    said = any(word in _SENTENCE or word in _ABOUT or word in _ELSEWHERE or _NAMING.search(word) for word in words)
    return not said and not looks.placeholder(value)


MOST_WORDS = 7
_SHORTENED = expression(
    r"\b(?:it|who|what|he|she|that|let|we|they)['’](?:s|re|ll)\b|['’]s\b|\b[A-Za-z]['’]|\b(?:my|mein|meine|mon|ma|mi|mio)\b",
    re.IGNORECASE,
)
_MADE_UP = expression(r"\d(?![\d\-./:]*[\-./:]\d)|[@&+!?#$%*/]")


def chained(value: str) -> bool:
    """Tell whether a value is words of somebody's own with signs between."""
    return _CHAIN.fullmatch(value) is not None and own(value)
