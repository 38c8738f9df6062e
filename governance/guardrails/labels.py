"""The words around a value: what a person called it, read from the same line or the one before."""

from __future__ import annotations

import re

REACH = 48  # characters before a value that may name it
_WORD = re.compile(r"\w")


def before(text: str, start: int, reach: int = REACH) -> str:
    """Return, lower-cased, what stands before a value on its line, or on the line before it."""
    window = text[max(0, start - reach) : start].lower()
    line = window.rfind("\n") + 1
    if line and not _WORD.search(window, line):
        line = window.rstrip().rfind("\n") + 1
    return window[line:]


def after(text: str, end: int, reach: int = 32) -> str:
    """Return, lower-cased, what follows a value on its line."""
    window = text[end : end + reach]
    line = window.find("\n")
    return (window if line < 0 else window[:line]).lower()


def last(pattern: re.Pattern[str], window: str) -> int:
    """Return where the last match ends, or -1."""
    end = -1
    for match in pattern.finditer(window):
        end = match.end()
    return end
