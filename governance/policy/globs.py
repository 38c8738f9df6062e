"""Patterns on whole names and texts: `*` stands for any characters, nothing else is special. Linear time."""

from __future__ import annotations


def matches(pattern: str, text: str) -> bool:
    """Tell whether the whole text fits the pattern; upper and lower case differ."""
    first, *rest = pattern.split("*")
    if not rest:
        return text == pattern
    last = rest.pop()
    if len(text) < len(first) + len(last) or not (text.startswith(first) and text.endswith(last)):
        return False
    place, end = len(first), len(text) - len(last)
    for piece in rest:
        found = text.find(piece, place, end)
        if found < 0:
            return False
        place = found + len(piece)
    return True
