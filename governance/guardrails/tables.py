"""Columns of small tables in a text: CSV and Markdown, whose first row names what stands below."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass

from governance.guardrails.detector import CONTEXT_CHARACTERS

_DELIMITERS = (",", ";", "\t", "|")
_RULE = re.compile(r"[|\s:\-+]+\Z")  # the line under a Markdown table's head
_CELL_FRAME = " \t\"'`"
_NAME = re.compile(r"[^\W\d][^\d,;=(){}\[\]<>:\"'`]{0,30}")
LONGEST_HEAD, FEWEST_COLUMNS = 120, 2


@dataclass(frozen=True, slots=True)
class Cell:
    """A value `text[start:end]` and, lower-cased, the name of its column."""

    column: str
    start: int
    end: int


def cells(text: str, lower: str, columns: re.Pattern[str]) -> Iterator[Cell]:
    """Yield the cells below a column whose name the pattern finds, as far as a detector may look back."""
    start = 0
    while (end := text.find("\n", start)) >= 0:
        if end - start <= LONGEST_HEAD:
            delimiter = max(_DELIMITERS, key=lambda one: text.count(one, start, end))
            if text.count(delimiter, start, end):
                end = yield from _below(text, lower, delimiter, columns, start, end)
        start = end + 1


def _below(
    text: str, lower: str, delimiter: str, columns: re.Pattern[str], head: int, start: int
) -> Generator[Cell, None, int]:
    """Yield the wanted cells of the rows under a head; return where the last row ends."""
    names = [lower[one:other] for one, other in _split(text, delimiter, head, start)]
    told = [name for name in names if name] if delimiter == "|" else names
    if len(told) < FEWEST_COLUMNS or not all(_NAME.fullmatch(name) for name in told):
        return start
    wanted = {name for name in names if columns.search(name)}
    if not wanted:
        return start
    while start < len(text) and start + 1 - head < CONTEXT_CHARACTERS:
        end = text.find("\n", start + 1)
        end = len(text) if end < 0 else end
        if not _RULE.match(text, start + 1, end):
            places = list(_split(text, delimiter, start + 1, end))
            if len(places) != len(names):
                return start
            for name, (one, other) in zip(names, places, strict=True):
                if name in wanted and one < other and one - head < CONTEXT_CHARACTERS:
                    yield Cell(name, one, other)
        start = end
    return start


def _split(text: str, delimiter: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield where the cells of a line stand, without blanks and quotes around them."""
    while start <= end:
        stop = text.find(delimiter, start, end)
        stop = end if stop < 0 else stop
        one, other = start, stop
        while one < other and text[one] in _CELL_FRAME:
            one += 1
        while other > one and text[other - 1] in _CELL_FRAME:
            other -= 1
        yield one, other
        start = stop + 1
