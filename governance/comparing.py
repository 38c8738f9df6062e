"""The arguments of a call beside others, e.g. those that were last approved: what is the same and what differs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

from agentos.core.types import Json, JsonObject
from agents.templatetags.console import json_value

LONGEST_DIFF: Final = 2_000  # characters; a longer text differs as a whole: finding its words would take too long
_WORDS: Final = re.compile(r"\s+|\w+|[^\w\s]")
SAME, DIFFERS, MISSING = "same", "differs", "missing"


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a text; `differs` says that the other text does not have it there."""

    text: str
    differs: bool = False


@dataclass(frozen=True, slots=True)
class Other:
    """The argument elsewhere: the same, different (in `parts`), or missing."""

    word: str
    parts: list[Part]


@dataclass(frozen=True, slots=True)
class Row:
    """One argument of the call; `parts` are marked by what differs from the first of the others."""

    name: str
    value: Json
    parts: list[Part]
    is_given: bool
    others: list[Other]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A call's arguments and, under each title, the others that they are compared with."""

    titles: list[str]
    rows: list[Row]


def compared(arguments: JsonObject, others: Mapping[str, JsonObject]) -> Comparison:
    """Compare arguments with others, by title; what they are is never changed."""
    names = dict.fromkeys([*arguments, *(name for other in others.values() for name in other)])
    return Comparison(list(others), [_row(name, arguments, list(others.values())) for name in names])


def _row(name: str, arguments: JsonObject, others: list[JsonObject]) -> Row:
    is_given, value = name in arguments, arguments.get(name)
    text = json_value(value) if is_given else ""
    first = others[0] if others else None
    known = first is not None and name in first and is_given
    parts = _marked(text, json_value(first[name])) if known and first is not None else [Part(text, first is not None)]
    return Row(name, value, parts, is_given, [_other(name, value, is_given, other) for other in others])


def _other(name: str, value: Json, is_given: bool, other: JsonObject) -> Other:
    if name not in other:
        return Other(MISSING, [])
    there = other[name]
    if not is_given:
        return Other(DIFFERS, [Part(json_value(there), differs=True)])
    if type(there) is type(value) and there == value:
        return Other(SAME, [])
    return Other(DIFFERS, _marked(json_value(there), json_value(value)))


def _marked(text: str, other: str) -> list[Part]:
    """Return a text in parts, those marked that another text does not have in their place."""
    if text == other:
        return [Part(text)]
    if len(text) > LONGEST_DIFF or len(other) > LONGEST_DIFF:
        return [Part(text, differs=True)]
    words, there = _WORDS.findall(text), _WORDS.findall(other)
    found = SequenceMatcher(None, words, there, autojunk=False).get_opcodes()
    parts = [Part("".join(words[start:end]), kind != "equal") for kind, start, end, _, _ in found if end > start]
    return parts if any(not part.differs and part.text.strip() for part in parts) else [Part(text, differs=True)]
