"""Tells whether two calls ask for the same thing in other words, so that a refusal can't be talked round. Pure."""

from __future__ import annotations

import re
from typing import Final

from agentos.core.types import Json, JsonObject

MOST_WORDS: Final = 3  # a longer text is prose, a reason or a message, and says the same in many ways
# Arguments that hold wording however short: `reason="billed twice"`, then `reason="double charge"`, asks for the same.
PROSE: Final = frozenset((
    "body", "because", "comment", "comments", "description", "details", "explanation", "explanations",
    "justification", "justifications", "message", "motivation", "note", "notes", "purpose", "rationale", "reason",
    "reasons", "reasoning", "remark", "remarks", "subject", "summary", "text", "title", "why",
))  # fmt: skip
_WORDS: Final = re.compile(r"\w+")
_NUMBER: Final = re.compile(r"[+-]?\d+(\.\d+)?")


def likeness(arguments: JsonObject) -> Json:
    """Return what is left of arguments without wording: equal for calls that ask for the same.

    Numbers count to two digits, names and ids without case and punctuation; prose does not count.
    """
    return {name: "" if _is_prose(name, value) else _bare(value) for name, value in sorted(arguments.items())}


def _is_prose(name: str, value: Json) -> bool:
    """Tell by its name that a text is wording: by the last word of it, as in `refund_reason`."""
    return isinstance(value, str) and name.casefold().rpartition("_")[2] in PROSE


def _bare(value: Json) -> Json:
    if isinstance(value, dict):
        return likeness(value)
    if isinstance(value, list):
        return [_bare(item) for item in value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{float(value):.1e}" if abs(value) < 1e300 else "huge"
    if isinstance(value, str):
        return _text(value)
    return value


def _text(text: str) -> str:
    if _NUMBER.fullmatch(text.strip()) and len(text) < 100:
        return f"{float(text):.1e}"
    words = _WORDS.findall(text.casefold())
    return " ".join(words) if len(words) <= MOST_WORDS else ""
