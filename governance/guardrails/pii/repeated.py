"""Expressions that are tried once for the same words, however often these stand in a text."""

from __future__ import annotations

import re


class Repeated:
    """Matches an expression at places of one text; as long as a look at it lasts, it remembers what it matched in.

    The expression must not look before the place. What it says is counted from there.
    """

    def __init__(self, pattern: re.Pattern[str], text: str, longest: int) -> None:
        """Take an expression, a text, and how many characters from a place on it reads at most."""
        self._match, self._text, self._longest = pattern.match, text, longest
        self._known: dict[str, re.Match[str] | None] = {}

    def match(self, place: int) -> re.Match[str] | None:
        """Return the match of what is written from a place on."""
        words = self._text[place : place + self._longest]
        if words not in self._known:
            self._known[words] = self._match(words)
        return self._known[words]
