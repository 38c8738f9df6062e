"""What signed statements say to the offline verifier: what was kept outside holds, whatever an export says of it; and
what is none of them is named, line by line.
"""

from __future__ import annotations

import json
from contextlib import suppress
from io import StringIO
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts import audit_offline
from accounts.audit_chain import COVERED, KeyRing, link, signed
from accounts.audit_offline import FORM, Broken, verify

Line = dict[str, Any]

TENANT: Final = "01890000-0000-7000-8000-000000000001"
SECRET: Final = "a key of the trail, long enough for anybody"
KEYS: Final = KeyRing([SECRET])


def entries(count: int, *, action: str = "a") -> list[Line]:
    rows: list[Line] = []
    for seq in range(1, count + 1):
        facts = {**dict.fromkeys(COVERED), "tenant_id": TENANT, "seq": seq, "action": action}
        previous = rows[-1]["hash"] if rows else ""
        rows.append({**facts, "key_id": KEYS.newest.id, "hash": link(KEYS.newest, previous, facts)})
    return rows


def at(day: int) -> str:
    return f"2026-01-{day:02}T00:00:00.000000+00:00"


def checkpoint(seq: int, day: int, rows: list[Line]) -> Line:
    return signed(KEYS.newest, {"form": 1, "tenant": TENANT, "at": at(day), "seq": seq, "hash": rows[seq - 1]["hash"]})


def restore(seq: int, day: int) -> Line:
    return signed(KEYS.newest, {"form": 1, "tenant": TENANT, "at": at(day), "back_to": seq})


ROWS: Final = entries(10)
LOST: Final = entries(10, action="what a restore took back")
C4, BACK4, C6, C10 = checkpoint(4, 1, ROWS), restore(4, 2), checkpoint(6, 3, ROWS), checkpoint(10, 5, ROWS)


def export(count: int, day: int, *inside: Line, rows: list[Line] = ROWS) -> list[str]:
    about = {"form": FORM, "tenant": TENANT, "slug": "acme", "exported_at": at(day)}
    head = signed(KEYS.newest, {"kind": "trail", **about, "entries": count})
    end = signed(KEYS.newest, {"kind": "end", **about, "seq": count, "hash": rows[count - 1]["hash"]})
    told = [{"kind": "checkpoint", **line} for line in inside]
    return as_text(head, *told, *({"kind": "entry", **row} for row in rows[:count]), end)


def as_text(*lines: Line) -> list[str]:
    return [json.dumps(line) for line in lines]


def test_an_export_agrees_with_what_is_kept_outside() -> None:
    outside = as_text(C4, BACK4, C6)
    assert verify(export(6, 3, C4, BACK4, C6), KEYS, outside) == 6
    assert verify(export(10, 5, C4, BACK4, C6, C10), KEYS, [*outside, *as_text(C10)]) == 10


@pytest.mark.parametrize("inside", [(C6,), (C4, BACK4, C6), (C4, C6, BACK4), (C4, BACK4, BACK4), ()])
def test_what_an_older_export_repeats_makes_nothing_unsaid(inside: tuple[Line, ...]) -> None:
    """Also a restore that took place: later checkpoints outside are not its to erase."""
    with pytest.raises(Broken, match=r"^broken at entry 7: a checkpoint knows of later ones$"):
        verify(export(6, 3, *inside), KEYS, as_text(C4, BACK4, C6, C10))


def test_nor_does_a_restore_that_the_place_outside_has_not_heard_of() -> None:
    with pytest.raises(Broken, match="entry 7: a checkpoint knows of later ones"):
        verify(export(6, 9, C10, restore(5, 8)), KEYS, as_text(C4, C6, C10))


def test_an_older_link_in_the_export_replaces_none_outside() -> None:
    outside = as_text(checkpoint(10, 1, LOST), BACK4, C10)
    for inside in ([checkpoint(10, 1, LOST)], []):
        with pytest.raises(Broken, match=r"^broken at entry 10: a checkpoint says otherwise$"):
            verify(export(10, 1, *inside, rows=LOST), KEYS, outside)


def test_an_export_of_what_a_restore_took_back_later_is_found() -> None:
    """No checkpoint knows of its entries any more, and none of the new ones yet."""
    outside = as_text(checkpoint(6, 1, LOST), BACK4)
    with pytest.raises(Broken, match=r"^broken at entry 5: a restore took it back after this export$"):
        verify(export(6, 1, rows=LOST), KEYS, outside)
    assert verify(export(6, 3), KEYS, outside) == 6
    assert verify(export(4, 1), KEYS, outside) == 4


def test_one_shorter_than_what_a_restore_left_is_found() -> None:
    with pytest.raises(Broken, match=r"^broken at entry 4: a checkpoint knows of later ones$"):
        verify(export(3, 1), KEYS, as_text(C6, restore(4, 9)))


def test_a_line_of_another_kind_is_no_checkpoint() -> None:
    lines = export(6, 3, C6)
    head, end = json.loads(lines[0]), json.loads(lines[-1])
    for statement in (head, end):
        with pytest.raises(Broken, match=r"^line 2: a checkpoint was changed"):
            verify([lines[0], json.dumps({**statement, "kind": "checkpoint"}), *lines[1:]], KEYS)
        with pytest.raises(Broken, match=r"^line 2 of the checkpoints: a checkpoint was changed"):
            verify(lines, KEYS, as_text(C6, statement))
    with pytest.raises(Broken, match="the end was changed"):
        verify([*lines[:-1], json.dumps({"kind": "end", **C6})], KEYS)


def test_head_and_end_are_of_one_export() -> None:
    """Two have as many entries where a restore lies between them."""
    with pytest.raises(Broken, match=r"^broken at entry 7: the end was changed"):
        verify([export(6, 1)[0], *export(6, 3)[1:]], KEYS)


DEEP: Final = json.loads("[" * 800 + "]" * 800)
VALUES: Final = st.sampled_from([None, True, 0, 1, 6.0, -1, 10**30, float("nan"), "", "\ud800", "é", [], {}, [1], DEEP])
KINDS: Final = st.sampled_from([("kind",), ()])
EXPORT: Final = [json.loads(line) for line in export(6, 3, C4, BACK4, C6)]
OUTSIDE: Final = [C4, BACK4, C6]


@st.composite
def changed(draw: st.DrawFn, lines: list[Line]) -> tuple[list[Line], int | None]:
    """Return lines of which one has a field less, another or one more, and its number if we didn't sign it so."""
    place = draw(st.integers(0, len(lines) - 1))
    line = dict(lines[place])
    if draw(st.booleans()):
        del line[draw(st.sampled_from(list(line)))]
    else:
        line[draw(st.sampled_from([*line, "seq", "back_to", "hash", "kind", "tenant", "at"]))] = draw(VALUES)
    is_ours = json.dumps(line) == json.dumps(lines[place])
    if "signature" in line and draw(st.booleans()):
        body = {name: value for name, value in line.items() if name not in ("signature", *draw(KINDS))}
        with suppress(ValueError, RecursionError):
            line, is_ours = {**line, **signed(KEYS.newest, body)}, True
    return [*lines[:place], line, *lines[place + 1 :]], None if is_ours else place + 1


def outcome(lines: list[str], outside: list[str]) -> str:
    """Return what is told; another error than Broken ends the test."""
    try:
        return f"intact: {verify(lines, KEYS, outside)}"
    except Broken as error:
        return str(error)


@given(changed(EXPORT))
def test_a_changed_line_of_an_export_is_told(change: tuple[list[Line], int | None]) -> None:
    lines, number = change
    said = outcome(as_text(*lines), as_text(*OUTSIDE))
    assert number is None or not said.startswith("intact")
    if number is not None and lines[number - 1].get("kind") == "checkpoint":
        assert said.startswith(f"line {number}: a checkpoint was changed")


@given(changed(OUTSIDE))
def test_a_changed_line_outside_is_told(change: tuple[list[Line], int | None]) -> None:
    lines, number = change
    said = outcome(as_text(*EXPORT), as_text(*lines))
    assert number is None or said.startswith(f"line {number} of the checkpoints: a checkpoint was changed")


@given(st.lists(st.text() | st.sampled_from(["[]", "1", '{"kind":"checkpoint"}', "[" * 3000]), min_size=1))
def test_what_is_no_json_of_ours_is_told(lines: list[str]) -> None:
    whole = as_text(*EXPORT)
    assert outcome([whole[0], *lines, *whole[1:]], []) != "intact: 6"
    assert outcome(whole, lines).startswith("line 1 of the checkpoints: ")


def test_letters_that_are_none_are_told_with_their_line(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text(SECRET)
    (tmp_path / "export").write_text("\n".join(as_text(*EXPORT)))
    (tmp_path / "outside").write_bytes(b"\n".join([json.dumps(C4).encode(), b"\xff", json.dumps(C6).encode()]))
    out, place = StringIO(), str(tmp_path / "outside")
    command = [str(tmp_path / "export"), "--key-file", str(tmp_path / "keys"), "--checkpoints", place]
    assert audit_offline.main(command, out) == 1
    assert out.getvalue().startswith("line 2 of the checkpoints: a checkpoint was changed")
