"""Credentials that something broke: a mail at the ends of its lines, a picture's reader with blanks."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator

from governance.guardrails.expressions import expression
from governance.guardrails.findings import Finding
from governance.guardrails.needles import Needles, join
from governance.guardrails.reading import Reading
from governance.guardrails.secrets import looks, unread
from governance.guardrails.secrets.tokens import BEGINNINGS, FORMATS
from governance.guardrails.tables import LONGEST_TABLE

Read = Callable[[str], Iterator[Finding]]

# What such mail means by "=" it writes "=3D": the end of a line of them is none of its breaks.
_SOFT_BREAK = expression(r"(?<!=)=\r?\n(?=\S)(?![A-Za-z][\w.\-]{1,40}(?: ?= ?(?!3D|\r?\n)|: ))|=3D")
_LONG_ENOUGH = frozenset(start for start in FORMATS.beginnings if len(start) >= 4 and " " not in start)
LONGEST_NAME = 48
_EMPTY = expression(r"(?:\A|\n)[ \t]*(?:export )?[A-Za-z_][\w.\-]{1,40}\Z")  # a setting without a value
LONGEST_WHOLE = 12_000  # characters of a text that is read again as a whole
REACH = 4_000  # characters before or behind a break: as many as the longest block that says what stands in it
MOST_PARTS = 6  # to be read again each by itself, which takes some time however short they are
FEWEST_GROUPS, LONGEST_SPACED = 2, 160
_BLANK_BEHIND = expression(rf"[A-Za-z0-9_\-+/.=]{{0,{LONGEST_SPACED}}} ")
_GROUP = expression(r" {0,2}([A-Za-z0-9_\-+/.=]{1,40})")
_PROSE = expression(r"[a-z]{3,}[.,]?\Z|[A-Z]?[a-z]{4,}[.,]?\Z|[a-z]{1,2}\Z|I\Z")
# Groups of letters and digits after a name that says "key" or "token".
_SPACED = expression(
    r"(?:api[ _\-]?key|access[ _\-]?key|secret(?:[ _\-]?key)?|token|auth[ _\-]?key|client[ _\-]?secret|private[ _\-]?key|api-schlüssel|clé api)[\"'*]{0,2} ?"
    r"(?:[:=]|is|ist|est|es)[ \"'`]{1,3}(?P<value>(?:[A-Za-z0-9_\-]{2,16} {1,2}){2,15}[A-Za-z0-9_\-]{1,16})(?![\w])",
    re.IGNORECASE,
)
SHORTEST_KEY, _WORD_SIGNS = 16, frozenset("-_")


def find(reading: Reading, read: Read) -> Iterator[Finding]:
    """Yield broken credentials, with places in the folded text; what is mended is `read` again."""
    yield from _wrapped(reading, read)
    yield from _after_beginnings(reading)
    yield from _after_names(reading)


def _wrapped(reading: Reading, read: Read) -> Iterator[Finding]:
    """Mend the soft line breaks of quoted-printable mail, and read again what stands around them."""
    text = reading.text
    breaks = list(_SOFT_BREAK.finditer(text)) if "=\n" in text or "=\r\n" in text else []
    breaks = [one for one in breaks if not _EMPTY.search(text, max(0, one.start() - LONGEST_NAME), one.start())]
    if not breaks:
        return
    if reading.exhausted:  # a second look would take as long
        yield from unread.around(reading, (one.start() for one in breaks))
        return
    for begin, end in _lines_around(reading, breaks) if len(text) > LONGEST_WHOLE else [(0, len(text))]:
        mended, origins = _mended(text, begin, end, breaks)
        for found in read(mended):
            yield Finding(found.kind, origins[found.start], origins[found.end - 1] + 1, found.score)


def _lines_around(reading: Reading, breaks: list[re.Match[str]]) -> list[tuple[int, int]]:
    """Return the parts of a text that reach some lines before and behind each break, apart; instead of many, one.

    Tables that stand around a break are whole: a head says what stands far below it.
    """
    text = reading.text
    parts: list[tuple[int, int]] = []
    for one in breaks:
        floor, ceiling = max(0, one.start() - REACH), min(len(text), one.end() + REACH)
        begin, end = text.find("\n", floor, one.start()), text.rfind("\n", one.end(), ceiling)
        join(parts, (begin if begin >= 0 and floor else floor, end if end >= 0 and ceiling < len(text) else ceiling))
    if len(parts) > MOST_PARTS:
        return [(parts[0][0], parts[-1][1])]
    whole: list[tuple[int, int]] = []
    for begin, end in parts:
        head = reading.tables.first_head(_first_row(text, begin), end)
        join(whole, (begin, end) if head is None else (min(begin, head), _last_row(text, end)))
    return whole


def _first_row(text: str, begin: int) -> int:
    """Return where the rows begin that reach a place."""
    floor = max(0, begin - LONGEST_TABLE)
    while begin > floor:
        above = max(floor, text.rfind("\n", floor, begin))
        if _CELLS.search(text, above, begin) is None:
            break
        begin = above
    return begin


def _last_row(text: str, end: int) -> int:
    """Return where the rows end that begin at a place."""
    ceiling = min(len(text), end + LONGEST_TABLE)
    while end < ceiling:
        below = text.find("\n", end + 1, ceiling)
        below = ceiling if below < 0 else below
        if _CELLS.search(text, end, below) is None:
            break
        end = below
    return end


_CELLS = expression(r"[,;|\t]")  # are parted by one in every row


def _mended(text: str, begin: int, end: int, breaks: list[re.Match[str]]) -> tuple[str, list[int]]:
    """Return a part of a text without breaks, and where in the text each character stood."""
    pieces: list[str] = []
    origins: list[int] = []
    position = begin
    first, last = (bisect_left(breaks, place, key=re.Match.start) for place in (begin, end))
    for one in breaks[first:last]:
        kept = one.start() + (one[0] == "=3D")
        pieces.append(text[position:kept])
        origins.extend(range(position, kept))
        position = one.end()
    pieces.append(text[position:end])
    origins.extend(range(position, end))
    return "".join(pieces), origins


def _after_beginnings(reading: Reading) -> Iterator[Finding]:
    """Yield keys of known forms with blanks inside."""
    written = [(at, start) for at, start in reading.written(BEGINNINGS) if start in _LONG_ENOUGH]
    others = {at for at, _ in written}
    for at, start in written:
        yield from _joined(reading.text, at, start, others)


def _joined(text: str, at: int, start: str, others: set[int]) -> Iterator[Finding]:
    before = text[at - 1 : at]
    if before.isalnum() or before in _WORD_SIGNS or not _BLANK_BEHIND.match(text, at + len(start)):
        return
    ends: list[int] = []
    compact, position = "", at + len(start)
    while position < at + LONGEST_SPACED and (group := _GROUP.match(text, position)) is not None:
        if position > at + len(start) and (_PROSE.match(group[1]) or group.start(1) in others):
            break
        compact, position = compact + group[1], group.end()
        ends.append(position)
    if len(ends) < FEWEST_GROUPS or _PROSE.match(compact):
        return
    for kind, rest in FORMATS.beginnings[start]:
        if rest.fullmatch(compact) and looks.varied(compact) and not looks.placeholder_token(compact):
            yield Finding(kind, at, position, 0.8)
            return


def _after_names(reading: Reading) -> Iterator[Finding]:
    for at, _ in reading.places_of(_AT_KEYS):
        match = _SPACED.match(reading.text, at)
        if match is None:
            continue
        groups = match["value"].split()
        while groups and _PROSE.match(groups[-1]):
            groups.pop()
        compact = "".join(groups)
        mixed = sum(any(map(str.isdigit, group)) and any(map(str.isalpha, group)) for group in groups)
        if (
            len(compact) >= SHORTEST_KEY
            and mixed * 2 >= len(groups) > 1
            and not any(map(_PROSE.match, groups))
            and looks.varied(compact)
            and not looks.placeholder(compact)
        ):
            end = match.start("value") + match["value"].rindex(groups[-1]) + len(groups[-1])
            yield Finding("api_key", match.start("value"), end, 0.7)


_AT_KEYS = Needles(
    (*(word + sign for word in ("api", "access", "auth", "client", "private") for sign in " _-"), "apikey", "secret", "token", "clé api"),
    after=r"(?<![a-z])",
)  # fmt: skip
