"""The words around a value: what a person called it, read from the same line or the one before."""

from __future__ import annotations

from governance.guardrails.expressions import expression

REACH = 48  # characters before a value that may name it
_WORD = expression(r"\w")
_SAYING = expression(r"[ ,\-]{0,2}(?:is\b|was\b|\()")


def before(text: str, start: int, reach: int = REACH) -> str:
    """Return, lower-cased, what stands before a value on its line, or on the line before it."""
    return text[begin(text, start, reach) : start].lower()


def begin(text: str, start: int, reach: int = REACH) -> int:
    """Return where that begins."""
    first = max(0, start - reach)
    line = text.rfind("\n", first, start) + 1
    if line and not _WORD.search(text, line, start):
        line = text.rfind("\n", first, first + len(text[first:line].rstrip())) + 1
    return max(line, first)


def said_after(text: str, end: int, reach: int = 40) -> str:
    """Return, lower-cased, what a line goes on to say about a value with "is", "was" or a bracket, or nothing."""
    saying = _SAYING.match(text, end)
    if saying is None:
        return ""
    window = text[saying.end() : end + reach]
    line = window.find("\n")
    return (window if line < 0 else window[:line]).lower()
