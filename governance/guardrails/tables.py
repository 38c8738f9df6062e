"""Columns of small tables in a text: CSV, Markdown and HTML, whose first row names what stands below."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Generator, Iterable, Iterator
from operator import attrgetter
from typing import NamedTuple, Protocol

from governance.guardrails.expressions import expression
from governance.guardrails.needles import matches
from governance.guardrails.once import once

_RULE = expression(r"[|\s:\-+]+\Z")  # the line under a Markdown table's head
_CELL_FRAME = " \t\"'`"
_NAME = r"[ \"'`]*+[^\W\d][^,;=(){}\[\]<>:\"'`|\t\n]{0,30}[ \"'`]*+"
_HEAD = expression(  # a wiki doubles the signs of a head
    rf"^(?=[^\n]{{3,120}}\n)(?:{_NAME}(?:(?P<sign>[,;\t]){_NAME})(?:(?P=sign){_NAME})*|[ \t]*+(?:\|?{_NAME}(?:\|{_NAME})+\|?|\|\|{_NAME}(?:\|\|{_NAME})+\|\|)[ \t]*+)\n",
    re.MULTILINE,
)


_TABLE = r"(?P<table>[\w.\"`\[\]]{1,60})"
_STATEMENT = rf"insert into {_TABLE} ?(?:\((?P<columns>[^()\n]{{3,300}})\))?\s{{0,3}}values"
INSERT = expression(_STATEMENT, re.IGNORECASE)  # its rows may be still to come
_INSERT = expression(rf"{_STATEMENT}(?=\s{{0,3}}\()", re.IGNORECASE)
INSERTED = expression(r"\s{0,3}\((?P<cells>[^()\n]{3,600})\),?")
_CREATE = expression(
    rf"create table (?:if not exists )?{_TABLE}\s?\((?P<columns>(?:[^;()]|\([^()]{{0,40}}\)){{3,800}}+)\)",
    re.IGNORECASE,
)
_BRACKETED = expression(r"\([^()]*\)")
COPY = expression(r"copy [\w.\"]{1,80} ?\((?P<columns>[^()\n]{3,300})\) from stdin;?[^\n]{0,20}\n", re.IGNORECASE)
_VALUE = expression(r"\s*(?:[A-Za-z]{0,9} ?'(?P<held>[^'\n]*)'|\"[^\"\n]*\"|[^,'\"]+)\s*(?:,|\Z)")
_TAG = expression(
    r"<(?:t(?P<kind>[hd])(?: [^<>\n]{0,80})?>(?:<(?:b|code|strong)>)?(?P<held>[^<>\n]{1,80})(?:</(?:b|code|strong)>)?</t[hd]>|(?:tr|table)\b)",
    re.IGNORECASE,
)
DASHES = expression(r"\n[ \t]{0,8}-{2,80}(?:[ \t]{1,4}-{2,80}){1,19}[ \t]{0,8}\r?\n")
_APART = expression(r"[^\s](?:[^\s]| (?=[^\s])){0,200}")  # a cell: two blanks end it
LONGEST_LINE = 400
MOST_COLUMNS, LONGEST_TABLE = 20, 20_000  # characters
_NAME_FRAME = " \t\"'`[]"
_Row = tuple[str, str]  # of a table, in lower case, and what parts its cells


def _split(row: str, delimiter: str) -> list[str]:
    """Return the cells of a row; in quotes a delimiter parts none."""
    cells = row.split(delimiter)
    if '"' not in row:
        return cells
    whole: list[str] = []
    open_ = False
    for cell in cells:
        begins = cell.lstrip().startswith('"')
        if open_:
            whole[-1] += delimiter + cell
        else:
            whole.append(cell)
        if open_ or begins:
            open_ = not (cell.rstrip().endswith('"') and (open_ or len(cell.strip()) > 1))
    return cells if open_ else whole


class Columns(Protocol):
    """Tells which columns are asked for: an expression, or what finds names as one does."""

    def search(self, words: str, pos: int = 0) -> re.Match[str] | None:
        """Return where a name stands first, from a place on."""


class Cell(NamedTuple):
    """A value `text[start:end]` and, lower-cased and with blanks for underscores, the name of its column."""

    column: str
    start: int
    end: int


class _Head(NamedTuple):
    """The first row of a table, `text[start:end]`, and that row in lower case, with blanks for underscores."""

    start: int
    end: int
    delimiter: str
    row: str

    def names(self) -> list[str]:
        return [name.strip(_CELL_FRAME) for name in self.row.split(self.delimiter)]


class Tables:
    """The tables of a text; their heads are looked for once, whatever columns are asked for then."""

    def __init__(self, text: str, lower: str) -> None:
        self._text, self._lower = text, lower

    def cells(self, columns: Columns) -> Iterator[Cell]:
        """Yield the cells below a column whose name the pattern finds."""
        if self._none:
            return
        wanted = self._rows_with(columns)
        yield from self._inserted(columns)
        yield from self._copied(columns)
        yield from self._marked_up(columns)
        yield from self._aligned(columns)
        end = 0  # of the table before
        named: dict[_Row, list[str]] = {}  # by a table's first row
        for head in self._heads if wanted else ():
            if head.start >= end and head.row in wanted:
                names = named.get((head.row, head.delimiter))
                if names is None:
                    names = named[head.row, head.delimiter] = _wanted(head.names(), columns)
                end = yield from self._below(head, names)

    @once
    def _none(self) -> bool:
        """Whether the text has neither lines nor what makes a table within one."""
        return "\n" not in self._text and "insert into " not in self._lower and "<th" not in self._lower

    def _inserted(self, columns: Columns) -> Iterator[Cell]:
        """Yield the wanted values of the rows that statements insert into tables of a database."""
        for statement in matches(_INSERT, self._text, self._lower, ("insert into ",)):
            written = statement["columns"] or self._created.get(_names(statement["table"])[0], "")
            names = _wanted(_names(written), columns)
            row = INSERTED.match(self._text, statement.end()) if any(names) else None
            while row is not None:
                start = row.start("cells")
                for name, cell in zip(names, _VALUE.finditer(row["cells"]), strict=False):
                    if name and cell["held"]:
                        yield Cell(name, start + cell.start("held"), start + cell.end("held"))
                row = INSERTED.match(self._text, row.end())

    @once
    def _created(self) -> dict[str, str]:
        """The names of the columns, parted by commas, of each table that a statement makes."""
        return {
            _names(made["table"])[0]: ",".join(
                column.split()[0] for column in _BRACKETED.sub("", made["columns"]).split(",") if column.strip()
            )
            for made in matches(_CREATE, self._text, self._lower, ("create table ",))
        }

    def _copied(self, columns: Columns) -> Iterator[Cell]:
        """Yield the wanted values of the rows below a statement that copies them from what follows."""
        for head in matches(COPY, self._text, self._lower, ("copy ",)):
            names = _wanted(_names(head["columns"]), columns)
            last = self._text.find("\\.", head.end(), head.end() + LONGEST_TABLE)
            at = head.end()
            for row in self._text[at : last if last >= 0 else at + LONGEST_TABLE].split("\n") if any(names) else ():
                place = at
                for name, held in zip(names, row.split("\t"), strict=False):
                    if name and held and held != "\\N":
                        yield Cell(name, place, place + len(held))
                    place += len(held) + 1
                at += len(row) + 1

    def _aligned(self, columns: Columns) -> Iterator[Cell]:
        """Yield the wanted cells of tables whose columns blanks part, below a line of dashes."""
        text = self._text
        for head, start, named in self._ruled:
            names = _wanted(named, columns)
            while any(names) and start < len(text) and start - head < LONGEST_TABLE:
                end = text.find("\n", start)
                end = len(text) if end < 0 else end
                cells = list(_APART.finditer(text, start, end))
                if len(cells) != len(names):
                    break
                for name, cell in zip(names, cells, strict=True):
                    if name:
                        yield Cell(name, *cell.span())
                start = end + 1

    @once
    def _ruled(self) -> list[tuple[int, int, list[str]]]:
        """Where each head above a line of dashes begins, where the rows below do, and the names of its columns."""
        text = self._text
        ruled: list[tuple[int, int, list[str]]] = []
        for rule in DASHES.finditer(text) if "---" in text else ():
            head = text.rfind("\n", max(0, rule.start() - LONGEST_LINE), rule.start()) + 1
            names = [word[0].lower().replace("_", " ") for word in _APART.finditer(text, head, rule.start())]
            ruled.append((head, rule.end(), names))
        return ruled

    def _marked_up(self, columns: Columns) -> Iterator[Cell]:
        """Yield the wanted cells of tables in HTML."""
        names: list[str] = []
        column, begun = 0, 0
        for tag in _TAG.finditer(self._text) if "<th" in self._lower else ():
            held = tag["held"]
            if held is None:  # a row or a table begins
                column, names = 0, [] if tag[0][1:6].lower() == "table" else names
            elif tag["kind"].lower() == "h":
                begun, names = (tag.start(), [held]) if column == 0 else (begun, [*names, held][:MOST_COLUMNS])
                column += 1
            else:
                if column < len(names) and tag.end() - begun < LONGEST_TABLE and held.strip():
                    name, stripped = names[column].strip().lower().replace("_", " "), held.strip()
                    start = tag.start("held") + held.index(stripped)
                    if columns.search(name):
                        yield Cell(name, start, start + len(stripped))
                column += 1

    @once
    def _heads(self) -> list[_Head]:
        return [
            _Head(
                head.start(),
                head.end() - 1,
                head["sign"] or "|",
                self._lower[head.start() : head.end() - 1].replace("_", " ").replace("||", "|"),
            )
            for head in _HEAD.finditer(self._text)
        ]

    def first_head(self, begin: int, end: int) -> int | None:
        """Return where the first table's first row begins between two places, if one does."""
        index = bisect_left(self._heads, begin, key=attrgetter("start"))
        return self._heads[index].start if index < len(self._heads) and self._heads[index].start < end else None

    @once
    def _rows(self) -> str:
        """The first rows, each different one on a line."""
        return "\n".join(dict.fromkeys(head.row for head in self._heads))

    def _rows_with(self, columns: Columns) -> set[str]:
        """Return the first rows in which a pattern finds something."""
        found: set[str] = set()
        match = columns.search(self._rows)
        while match is not None:
            start, end = self._rows.rfind("\n", 0, match.start()) + 1, self._rows.find("\n", match.start())
            end = len(self._rows) if end < 0 else end
            found.add(self._rows[start:end])
            match = columns.search(self._rows, end)
        return found

    def _below(self, head: _Head, names: list[str]) -> Generator[Cell, None, int]:
        """Yield the cells of the rows under a head whose columns are named; return where the last row ends."""
        start, text = head.end, self._text
        wanted = any(names)
        while wanted and start < len(text) and start + 1 - head.start < LONGEST_TABLE:
            end = text.find("\n", start + 1)
            end = len(text) if end < 0 else end
            if not _RULE.match(text, start + 1, end):
                cells = _split(text[start + 1 : end], head.delimiter)
                if len(cells) != len(names):
                    return start
                at = start + 1
                for name, cell in zip(names, cells, strict=True):
                    held = cell.strip(_CELL_FRAME) if name else ""
                    one = at if held == cell else at + cell.index(held)
                    if held:
                        yield Cell(name, one, one + len(held))
                    at += len(cell) + 1
            start = end
        return start


def _names(written: str) -> list[str]:
    """Return the names in a statement's list of columns."""
    return [name.strip(_NAME_FRAME).lower().replace("_", " ") for name in written.split(",")]


def _wanted(names: Iterable[str], columns: Columns) -> list[str]:
    """Return the names of columns, nothing for those that nobody wants."""
    return [name if columns.search(name) else "" for name in names]
