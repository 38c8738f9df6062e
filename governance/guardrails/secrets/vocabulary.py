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


def _language(table: dict[str, str | bool]) -> Language:
    lists = {
        "copulas" if field == "is" else field: tuple(words.split(", "))
        for field, words in table.items()
        if isinstance(words, str)
    }
    return Language(**lists, bare="bare" in table, joined="joined" in table)


def _all(field: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(chain.from_iterable(getattr(language, field) for language in LANGUAGES)))


LANGUAGES = tuple(
    map(_language, tomllib.loads(Path(__file__).with_name("vocabulary.toml").read_text("utf-8")).values())
)
NAMES, COMMON, ACCESS = _all("names"), _all("common"), _all("access")
COPULAS, ASKS = _all("copulas"), _all("asks")
