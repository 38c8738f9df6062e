"""Draws random strings that a regular expression matches, to ask a detector for any of them."""

from __future__ import annotations

import importlib
import random
import string
from functools import cache
from typing import Any

_parsed: Any = cache(importlib.import_module("re._parser").parse)
_ALPHABETS = {"CATEGORY_DIGIT": string.digits, "CATEGORY_WORD": string.ascii_letters + string.digits + "_"}
MOST_MORE_CHARACTERS = 12  # than the fewest that a repetition asks for


def draw(pattern: str, chance: random.Random) -> str:
    """Return a random string for a pattern without look-around that matters."""
    return _of(_parsed(pattern), chance)


def _of(tree: Any, chance: random.Random) -> str:
    return "".join(_part(str(code), argument, chance) for code, argument in tree)


def _part(code: str, argument: Any, chance: random.Random) -> str:
    if code == "LITERAL":
        return chr(argument)
    if code == "IN":
        return chance.choice(_letters(tuple(argument)))
    if code in {"MAX_REPEAT", "POSSESSIVE_REPEAT"}:
        fewest, most, inner = argument
        count = chance.randint(fewest, min(int(most), fewest + MOST_MORE_CHARACTERS))
        return "".join(_of(inner, chance) for _ in range(count))
    if code == "BRANCH":
        return _of(chance.choice(argument[1]), chance)
    if code == "SUBPATTERN":
        return _of(argument[3], chance)
    assert code in {"ASSERT", "ASSERT_NOT"}, code
    return ""


@cache
def _letters(parts: tuple[tuple[Any, Any], ...]) -> str:
    return "".join(_alphabet(str(code), what) for code, what in parts)


def _alphabet(code: str, argument: Any) -> str:
    if code == "LITERAL":
        return chr(argument)
    if code == "RANGE":
        return "".join(map(chr, range(argument[0], argument[1] + 1)))
    return _ALPHABETS[str(argument)]
