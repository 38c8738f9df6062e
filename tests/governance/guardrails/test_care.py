"""Looks that take long are counted; beyond their number a rule is stricter, never blind."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from governance import guardrails
from governance.guardrails import care, pii, secrets
from governance.guardrails.care import Care
from governance.guardrails.findings import Finding
from governance.guardrails.pii import (
    addresses,
    around,
    births,
    dictated,
    examples,
    hosts,
    lines,
    national_ids,
    numbers,
    phones,
    things,
)
from governance.guardrails.reading import Reading
from tests.governance.guardrails.labelled import credentials, personal
from tests.governance.guardrails.labelled.writing import Labelled

DATA = Path(guardrails.__file__).parent / "data"
CHARACTERS = 20_000
LOOKS = care.FEWEST_LOOKS + CHARACTERS // care.CHARACTERS_FOR_A_LOOK


def different(piece: str) -> str:
    """Return a long text of a piece among words that never repeat; "{}" stands for four digits."""
    pieces, size = list[str](), 0
    while size < CHARACTERS:
        word = "".join(chr(ord("a") + len(pieces) // 26**place % 26) for place in range(3))
        pieces.append(f"{word} {piece.format(1000 + len(pieces))} ")
        size += len(pieces[-1])
    return "".join(pieces)[:CHARACTERS]


def test_a_text_is_worth_so_many_looks() -> None:
    looks = Care("a" * CHARACTERS)
    assert [looks.taken() for _ in range(LOOKS + 2)] == [True] * LOOKS + [False] * 2


@pytest.mark.parametrize(
    ("module", "look", "piece"),
    [
        (hosts, "_somebodys", "ip 81.2.69.14"),
        (around, "_credible", "patient chart AB-{}73"),
        (births, "_sentence", "of a team, b. 1.2.1970"),
        (examples, "_around", "such as 4242424242424242"),
        (numbers, "_of_a_payer", "4242424242424242"),
        (numbers, "_of_somebody", "123-45-{}"),
        (things, "said_of", "415 555 {}"),
        (addresses, "_lived", "Lindenstrasse {}"),
        (dictated, "_of_a_telephone", "number four one five eight two seven three three"),
        (national_ids, "_Names._promising", "4405140{} pesel"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_no_rule_looks_longer(module: object, look: str, piece: str, monkeypatch: pytest.MonkeyPatch) -> None:
    owner, name = (getattr(module, look.split(".")[0]), look.split(".")[1]) if "." in look else (module, look)
    asked = 0

    def counted(*args: object) -> object:
        nonlocal asked
        asked += 1
        return judge(*args)

    judge: Callable[..., object] = getattr(owner, name)
    monkeypatch.setattr(owner, name, counted)
    text = different(piece)
    found = pii.detect(text)
    assert LOOKS // 3 <= asked <= LOOKS
    assert text.count("\n") == 0 and found


@pytest.mark.parametrize(
    ("piece", "asked"),
    [("pesel 440514{:05d} ", LOOKS), ("PESEL and {:05d} ", national_ids.ROUNDS_FOR_A_LOOK * LOOKS)],
    ids=["numbers that fail their check", "names without a number"],
)
def test_names_are_read_so_often_and_numbers_around_others_believed(
    piece: str, asked: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = 0

    def counted(names: national_ids._Names, needles: tuple[str, ...], at: int) -> object:
        nonlocal read
        read += 1
        return names_read(names, needles, at)

    names_read = national_ids._Names.read
    monkeypatch.setattr(national_ids._Names, "read", counted)
    text = "".join(piece.format(number) for number in range(10_001, 10_001 + CHARACTERS // len(piece.format(10_001))))
    found = pii.detect(text.ljust(CHARACTERS))
    assert read == asked
    assert len(found) == text.count(piece[:4])


def test_promises_without_a_number_are_read_once_among_the_same_words(monkeypatch: pytest.MonkeyPatch) -> None:
    read = 0

    def counted(names: national_ids._Names, at: int, promises: list[national_ids._Promise]) -> object:
        nonlocal read
        read += 1
        return names_named(names, at, promises)

    names_named = national_ids._Names._named
    monkeypatch.setattr(national_ids._Names, "_named", counted)
    pii.detect(("permis ::a1, کد ملی,415 555 0199 a@b.cc d/l, полис=" * CHARACTERS)[:CHARACTERS])
    assert read < 30


def test_of_so_many_telephones_it_is_asked_whose_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = 0

    def counted(reading: Reading, start: int, end: int) -> bool:
        nonlocal asked
        asked += 1
        return of_all(reading, start, end)

    of_all = lines.of_all
    monkeypatch.setattr(lines, "of_all", counted)
    text = "".join(f"+1 415 624 {number} " for number in range(1_000, 1_000 + CHARACTERS // len("+1 415 624 1000 ")))
    assert len(pii.detect(text)) == text.count("+1")
    assert asked == phones.WHOSE_FOR_A_LOOK * LOOKS


def test_names_without_a_number_leave_a_short_list_of_things_alone() -> None:
    assert pii.detect("PESEL and 12345, CPF and 99182, NIE to 55512. " * 12) == []


@pytest.mark.parametrize(
    ("detect", "files", "samples"),
    [(pii.detect, "pii*.jsonl", personal.samples), (secrets.detect, "secrets*.jsonl", credentials.samples)],
    ids=["pii", "secrets"],
)
def test_without_care_nothing_is_let_through(
    detect: Callable[[str], list[Finding]],
    files: str,
    samples: Callable[[], Iterator[Labelled]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    texts = [sample.text for sample in samples()]
    for path in sorted(DATA.glob(files)):
        texts += [json.loads(line)["text"] for line in path.read_text("utf-8").splitlines()]
    careful = [detect(text) for text in texts]
    monkeypatch.setattr(care, "FEWEST_LOOKS", 0)
    monkeypatch.setattr(care, "CHARACTERS_FOR_A_LOOK", CHARACTERS)
    lost = [
        text[one.start : one.end]
        for text, found in zip(texts, careful, strict=True)
        for one in found
        if not any(_covers(other, one) for other in detect(text))
    ]
    assert len(texts) > 3_000 and lost == []


def _covers(wide: Finding, one: Finding) -> bool:
    """Tell whether one finding covers half of another, as a labelled file asks."""
    return 2 * (min(wide.end, one.end) - max(wide.start, one.start)) >= one.end - one.start


@pytest.mark.parametrize(
    "line",
    [
        '{{"id": 10{}26733, "event": "{word}", "user_id": 1{}88, "total": 12.50}}\n',
        "2026-11-20,ORD-8{}113,{word},19.99,shipped,41{}1\n",
        "Ticket #71{}: {word} asks for {word}. Order 5{}8831 of 2026-11-20.\n",
        "DROP IN=eth0 SRC=81.2.69.14 DST=93.184.216.{word} ID={}\n",
        "part no 415-555-{} {word} serial 55{}40241\n",
    ],
)
def test_long_lists_of_things_raise_no_alarm(line: str) -> None:
    lines = [
        line.format(
            1000 + at, 1000 + at * 7, word="qx" + "".join(chr(ord("a") + at // 26**place % 26) for place in range(3))
        )
        for at in range(600)
    ]
    assert pii.detect("".join(lines)) == []
