"""A table that leaves row by row: its head has left long before, and still says what the rows hold."""

from __future__ import annotations

import random
import string
from collections.abc import Callable

import pytest

from governance.guardrails import heads
from tests.governance.guardrails.test_holdback import in_pieces, pieces, whole

ROWS = 40
BEFORE = "Here are the accounts that you asked for, as they are kept in the old file of last year:\n\n"
Rows = list[tuple[str, str]]


def drawn(seed: int) -> Rows:
    draw = random.Random(seed)

    def word() -> str:
        return "".join(draw.choice("bcdfglmnprst") + draw.choice("aeiou") for _ in range(4))

    signs = f"{string.ascii_letters}{string.digits}"
    return [(f"u{word()}", f"{''.join(draw.choices(signs, k=9))}{draw.randint(10, 99)}") for _ in range(ROWS)]


def csv(rows: Rows, sign: str = ",") -> str:
    lines = [("login", "password", "role"), *((name, held, "user") for name, held in rows)]
    return "".join(f"{sign.join(line)}\n" for line in lines)


def markdown(rows: Rows) -> str:
    below = "".join(f"| {name} | {held} | user |\n" for name, held in rows)
    return f"| login | password | role |\n|---|---|---|\n{below}"


def statement(rows: Rows, between: str = ",\n ") -> str:
    values = between.join(f"({name!r}, {held!r}, 1)" for name, held in rows)
    return f"INSERT INTO users (name, password, role) VALUES\n {values};\n"


def statements(rows: Rows) -> str:
    return "".join(f"INSERT INTO users (name, password) VALUES ({name!r}, {held!r});\n" for name, held in rows)


def markup(rows: Rows, between: str = "\n") -> str:
    below = between.join(f"<tr><td>{name}</td><td>{held}</td></tr>" for name, held in rows)
    return f"<table><tr><th>login</th><th>password</th></tr>{between}{below}</table>"


def aligned(rows: Rows) -> str:
    below = "".join(f"{name:<12} {held:<13} user\n" for name, held in rows)
    return f"login        password      role\n-----------  ------------  ------\n{below}"


def copied(rows: Rows) -> str:
    below = "".join(f"{name}\t{held}\tuser\n" for name, held in rows)
    return f"COPY users (name, password, role) FROM stdin;\n{below}\\.\n"


KINDS: dict[str, Callable[[Rows], str]] = {
    "csv": csv,
    "tabs": lambda rows: csv(rows, "\t"),
    "semicolons": lambda rows: csv(rows, ";"),
    "markdown": markdown,
    "statement": statement,
    "statement on a line": lambda rows: statement(rows, ", "),
    "statements": statements,
    "markup": markup,
    "markup on a line": lambda rows: markup(rows, ""),
    "aligned": aligned,
    "copied": copied,
}


@pytest.mark.parametrize("size", [1, 9])
@pytest.mark.parametrize("kind", KINDS)
def test_no_row_of_a_long_table_leaves_in_the_clear(kind: str, size: int) -> None:
    rows = drawn(len(kind))
    text = f"{BEFORE}{KINDS[kind](rows)}\nThat is all."
    left = in_pieces(pieces(text, size))
    assert [held for _, held in rows if held in left] == []
    assert left == whole(text)


def test_a_key_in_bytes_leaves_whole_or_not_at_all() -> None:
    drawn_bytes = ", ".join(f"0x{number:02X}" for number in random.Random(7).sample(range(16, 256), 16))
    text = f"static const u1_t PROGMEM APPKEY[16] = {{ {drawn_bytes} }};\n"
    assert in_pieces(text) == whole(text) == "static const u1_t PROGMEM APPKEY[16] = { [redacted: api_key] };\n"


@pytest.mark.parametrize(
    "text",
    [
        "One line, and another\nthat has none of it.\nSo no table, here.\n\nGoes on\n",
        f"{csv(drawn(1))}\nBelow it stands what is none of its rows.\nIt says nothing more.\n",
        f"{markup(drawn(2))}\n<p>The table is over.</p>\n",
        f"{statement(drawn(3))}COMMIT\nThat is all.\n",
        f"{copied(drawn(4))}COMMIT\nThat is all.\n",
        f"{'a long name of a column, ' * 30}\n" * 3,
    ],
)
def test_what_is_no_table_any_more_keeps_no_head(text: str) -> None:
    assert heads.kept(text, len(text) // 2) is None
