"""Finding where literal strings stand: one pass of the fast substring search for each, no regular expression."""

from __future__ import annotations

from collections.abc import Iterable, Iterator


def places(text: str, needles: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Yield the place and the needle of every occurrence, needle by needle."""
    for needle in needles:
        at = text.find(needle)
        while at >= 0:
            yield at, needle
            at = text.find(needle, at + len(needle))
