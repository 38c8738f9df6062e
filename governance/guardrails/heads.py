"""What a stream keeps of a table that has left: the head that says what its next rows hold."""

from __future__ import annotations

from governance.guardrails.expressions import expression

LONGEST_HEAD = 400  # characters; a longer one is not kept
_SIGNS = ("|", ",", ";", "\t")
_LINE_OF_DASHES = expression(r"[ \t]*-{2,80}(?:[ \t]{1,4}-{2,80}){1,19}[ \t]*")
# A statement and the rows that it inserts, to the end of what has come.
_STATEMENT = expression(
    r"(?si:insert\s+into\s[^()']{1,90}(?:\([^()]{3,300}\))?\s{0,3}values)(?P<rows>(?:\s{0,3}\([^()]{3,600}\),?)*+\s{0,3}(?:\([^()]{0,600})?)\Z"
)
_ROW_OF_NAMES = expression(
    r"(?si:<tr\b(?:(?!</?table|<td|<tr).){0,380}?<th\b(?:(?!</?table|<td|<tr).){1,380}(?=<tr|<td))"
)
_ROW_ENDS = expression(r"\n|\),|(?i:</tr>)")
_COPIED = expression(r"(?i:copy [\w.\"]{1,80} ?\([^()\n]{3,300}\) from stdin)[^\n]{0,20}\n")


def kept(text: str, place: int) -> tuple[int, int, int] | None:
    """Return where the head stands of the table that a text ends in, and where its next row begins behind a place.

    None where no table goes on, or its head is too long.
    """
    head = _of_statement(text) or _of_markup(text) or _of_copy(text) or _of_lines(text)
    if head is None or head[1] - head[0] > LONGEST_HEAD:
        return None
    row = _ROW_ENDS.search(text, max(place, head[1] - 1))
    return (*head, row.end()) if row is not None else None


def _of_statement(text: str) -> tuple[int, int] | None:
    begin = text.lower().rfind("insert into ")
    found = _STATEMENT.match(text, begin) if begin >= 0 else None
    return (begin, found.start("rows")) if found is not None else None


def _of_markup(text: str) -> tuple[int, int] | None:
    lower = text.lower()
    if "<th" not in lower or "</table" in lower[lower.rfind("<th") :]:
        return None
    rows = list(_ROW_OF_NAMES.finditer(text))
    return rows[-1].span() if rows else None


def _of_copy(text: str) -> tuple[int, int] | None:
    found = _COPIED.search(text) if "stdin" in text.lower() else None
    return found.span() if found is not None and "\n\\." not in text[found.end() :] else None


def _of_lines(text: str) -> tuple[int, int] | None:
    """Find the first of the last lines that the same sign parts, and the line below it, which may be a rule."""
    lines = text.split("\n")
    if len(lines) < 3:
        return None
    sign = next((sign for sign in _SIGNS if sign in lines[-2]), "")
    first = len(lines) - 2
    if sign:
        while first > 0 and sign in lines[first - 1]:
            first -= 1
    else:
        ruled = next((at for at in range(first, 0, -1) if _LINE_OF_DASHES.fullmatch(lines[at])), 0)
        if not ruled or not all(line.strip() for line in lines[ruled + 1 : -1]):
            return None
        first = ruled - 1
    if first + 2 > len(lines) - 1:
        return None
    begin = sum(len(line) + 1 for line in lines[:first])
    return begin, begin + len(lines[first]) + len(lines[first + 1]) + 2
