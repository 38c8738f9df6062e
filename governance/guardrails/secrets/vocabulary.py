"""How people call a password and say what it is, in some sixty languages: `vocabulary.toml`, read once."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from itertools import chain
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Language:
    """What one language, or several that share their words, says of passwords: see the table for each field."""

    names: tuple[str, ...] = ()
    common: tuple[str, ...] = ()
    access: tuple[str, ...] = ()
    copulas: tuple[str, ...] = ()
    small: tuple[str, ...] = ()
    of: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()
    bare: bool = False
    joined: bool = False


_LISTS = {"is": "copulas"} | {name: name for name in ("names", "common", "access", "small", "of", "asks")}
_FLAGS = ("bare", "joined")


def language(table: dict[str, str | bool]) -> Language:
    """Return a language as its table has it. Raise a ValueError for a field that none has and for an empty word."""
    lists: dict[str, tuple[str, ...]] = {}
    flags: dict[str, bool] = {}
    for field, value in table.items():
        if field in _LISTS and isinstance(value, str):
            lists[_LISTS[field]] = _words(field, value)
        elif field in _FLAGS and isinstance(value, bool):
            flags[field] = value
        else:
            raise ValueError(f"A language has no {field} = {value!r}.")
    return Language(**lists, bare=flags.get("bare", False), joined=flags.get("joined", False))


def _words(field: str, listed: str) -> tuple[str, ...]:
    words = tuple(word.strip() for word in listed.split(","))
    if not all(words):
        raise ValueError(f"A word of {field} is empty: {listed!r}.")
    return words


def _all(field: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(chain.from_iterable(getattr(language, field) for language in LANGUAGES)))


LANGUAGES = tuple(map(language, tomllib.loads(Path(__file__).with_name("vocabulary.toml").read_text("utf-8")).values()))
NAMES, COMMON, ACCESS = _all("names"), _all("common"), _all("access")
ASKS = _all("asks")
