"""What a stream keeps of a table that has left: the head that says what its next rows hold."""

from __future__ import annotations

from governance.guardrails.expressions import expression
from governance.guardrails.tables import COPY, DASHES, INSERT, INSERTED

LONGEST_HEAD = 400  # characters; a longer one is not kept
_SIGNS = ("|", ",", ";", "\t")
_ROW_BEGUN = expression(r"\s{0,3}(?:\([^()]{0,600})?")
_ROW_OF_NAMES = expression(
    r"(?si:<tr\b(?:(?!</?table|<td|<tr).){0,380}?<th\b(?:(?!</?table|<td|<tr).){1,380}(?=<tr|<td))"
)
_ROW_ENDS = expression(r"\n|\),|(?i:</tr>)")


def kept(text: str, place: int) -> tuple[int, int, int] | None:
    """Return where the head stands of the table that a text ends in, and where its next row begins behind a place.

    None where no table goes on, or its head is too long.
    """
    lower = text.lower()
    head = (
        _of_statement(text, lower)
        or _of_markup(text, lower)
        or _of_copy(text, lower)
        or _of_lines(text)
        or _of_dashes(text)
    )
    if head is None or head[1] - head[0] > LONGEST_HEAD:
        return None
    row = _ROW_ENDS.search(text, max(place, head[1] - 1))
    return (*head, row.end()) if row is not None else None


def _of_statement(text: str, lower: str) -> tuple[int, int] | None:
    begin = lower.rfind("insert into ")
    found = INSERT.match(text, begin) if begin >= 0 else None
    if found is None:
        return None
    end = found.end()
    while (row := INSERTED.match(text, end)) is not None:
        end = row.end()
    return found.span() if _ROW_BEGUN.fullmatch(text, end) else None


def _of_markup(text: str, lower: str) -> tuple[int, int] | None:
    last = lower.rfind("<th")
    if last < 0 or "</table" in lower[last:]:
        return None
    rows = list(_ROW_OF_NAMES.finditer(text))
    return rows[-1].span() if rows else None


def _of_copy(text: str, lower: str) -> tuple[int, int] | None:
    found = COPY.search(text) if "stdin" in lower else None
    return found.span() if found is not None and "\n\\." not in text[found.end() :] else None


def _of_lines(text: str) -> tuple[int, int] | None:
    """Find the first of the last lines that the same sign parts, and the line below it, which may be a rule."""
    lines = text.split("\n")
    sign = next((sign for sign in _SIGNS if sign in lines[-2]), "") if len(lines) > 2 else ""
    first = len(lines) - 2
    while sign and first > 0 and sign in lines[first - 1]:
        first -= 1
    if not sign or first + 2 >= len(lines):
        return None
    begin = sum(len(line) + 1 for line in lines[:first])
    return begin, begin + len(lines[first]) + len(lines[first + 1]) + 2


def _of_dashes(text: str) -> tuple[int, int] | None:
    """Find the last line of dashes that parts a head from rows, and the line above it."""
    rules = list(DASHES.finditer(text)) if "---" in text else []
    if not rules or "\n\n" in text[rules[-1].end() - 1 :]:
        return None
    return text.rfind("\n", 0, rules[-1].start()) + 1, rules[-1].end()
