"""Exports and the verifier that needs no database: an intact one passes, whatever was done to one is named."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st

from accounts import audit, audit_chain, audit_offline
from accounts.audit_chain import Key, KeyRing
from accounts.models import AuditRow
from accounts.services import checkpoints, trails
from tests.accounts.test_audit import write
from tests.accounts.test_audit_checkpoints import cut as restore_older
from tests.conftest import TenantWithUsers
from tests.database import ROOT

Lines = list[dict[str, Any]]


@pytest.fixture
def exported(acme: TenantWithUsers, settings: Any, tmp_path: Path) -> Path:
    """A trail of 3 entries with a checkpoint, 2 more, and the export's own: 6 in all."""
    settings.AUDIT_FOLDER = str(tmp_path / "outside")
    write(acme)
    checkpoints.write_due()
    write(acme, 2)
    call_command("audit", "export", tenant="acme", to=tmp_path / "acme.jsonl")
    return tmp_path / "acme.jsonl"


def lines_of(file: Path) -> Lines:
    return [json.loads(line) for line in file.read_text().splitlines()]


def verdict(file: Path, tmp_path: Path, *more: str) -> tuple[int, str]:
    keys = tmp_path / "keys"
    keys.write_text(_secret())
    out = StringIO()
    return audit_offline.main([str(file), "--key-file", str(keys), *more], out), out.getvalue().strip()


def _secret() -> str:
    from django.conf import settings

    return f"{settings.AGENTOS_AUDIT_KEY or settings.SECRET_KEY}\n"


def test_an_export_proves_itself_and_is_entered(exported: Path, tmp_path: Path) -> None:
    assert [line["kind"] for line in lines_of(exported)] == ["trail", "checkpoint", *["entry"] * 6, "end"]
    assert verdict(exported, tmp_path) == (0, "intact: 6 entries")
    newest = AuditRow.objects.using("system").order_by("-seq")[0]
    assert (newest.seq, newest.action) == (6, "audit.exported")
    assert exported.stat().st_mode & 0o777 == 0o600


def edited(lines: Lines) -> None:
    lines[4]["action"] = "x"


def deleted(lines: Lines) -> None:
    del lines[4]


def inserted(lines: Lines) -> None:
    lines.insert(5, {**lines[4], "seq": 4})


def swapped(lines: Lines) -> None:
    lines[3], lines[4] = lines[4], lines[3]


def renumbered(lines: Lines) -> None:
    del lines[4]
    for line in lines[4:-1]:
        line["seq"] -= 1


def cut(lines: Lines) -> None:
    del lines[7:]


def cut_before_the_end(lines: Lines) -> None:
    del lines[7]


def emptied(lines: Lines) -> None:
    del lines[2:-1]


def with_a_column_more(lines: Lines) -> None:
    lines[6]["note"] = "x"


def with_an_end_of_its_own(lines: Lines) -> None:
    lines[-1]["seq"] = 5


def with_something_after_the_end(lines: Lines) -> None:
    lines.append(lines[5])


def with_a_word_between(lines: Lines) -> None:
    lines.insert(4, {"kind": "note"})


def with_a_trail_of_somebody_else(lines: Lines) -> None:
    lines[0]["tenant"] = "01890000-0000-7000-8000-000000000000"


def with_another_tenants_name(lines: Lines) -> None:
    lines[0]["slug"] = "globex"


def with_another_day(lines: Lines) -> None:
    lines[0]["exported_at"] = "2020-01-01T00:00:00+00:00"


def with_another_length(lines: Lines) -> None:
    lines[0]["entries"] = 5


def cut_at_a_checkpoint(lines: Lines) -> None:
    """Which is signed as the end is."""
    lines[1:] = [*lines[2:5], {**lines[1], "kind": "end"}]


def linked_anew(lines: Lines) -> None:
    """From the changed row on, end and all, by another key under the name of ours."""
    theirs, last = Key.of("somebody else's secret"), lines[4]["hash"]
    for line in lines[5:-1]:
        facts = {name: line[name] for name in audit_chain.COVERED}
        line["hash"] = last = audit_chain.link(theirs, last, facts)
    statement = {name: value for name, value in lines[-1].items() if name not in ("kind", "signature")}
    lines[-1] = {"kind": "end", **audit_chain.signed(theirs, {**statement, "hash": last})}


@pytest.mark.parametrize(
    ("tamper", "first_bad"),
    [
        (edited, 3),
        (deleted, 3),
        (inserted, 4),
        (swapped, 2),
        (renumbered, 3),
        (cut, 6),
        (cut_before_the_end, 6),
        (emptied, 1),
        (with_a_column_more, 5),
        (with_an_end_of_its_own, 7),
        (with_something_after_the_end, 7),
        (with_a_word_between, 3),
        (with_a_trail_of_somebody_else, 1),
        (with_another_tenants_name, 1),
        (with_another_day, 1),
        (with_another_length, 1),
        (cut_at_a_checkpoint, 4),
        (linked_anew, 4),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_tampering_is_found(exported: Path, tmp_path: Path, tamper: Callable[[Lines], None], first_bad: int) -> None:
    lines = lines_of(exported)
    tamper(lines)
    exported.write_text("".join(json.dumps(line) + "\n" for line in lines))
    code, said = verdict(exported, tmp_path)
    assert code == 1
    assert said.startswith(f"broken at entry {first_bad}"), said


@pytest.mark.parametrize(
    ("said", "before_it"),
    [('"action":', '"action":"approval.approved",'), ('"detail":{', '"seq":9,'), ('"seq":3,', '"seq":2,')],
)
def test_what_is_said_twice_is_found(exported: Path, tmp_path: Path, said: str, before_it: str) -> None:
    """Whoever reads the file takes the first of two, the program the last."""
    lines = exported.read_text().splitlines(keepends=True)
    lines[4] = lines[4].replace(said, before_it + said, 1)
    exported.write_text("".join(lines))
    assert verdict(exported, tmp_path) == (1, "broken at entry 3: this line is none of an export")


def test_a_checkpoint_that_was_changed_is_found(exported: Path, tmp_path: Path) -> None:
    exported.write_text(exported.read_text().replace('"seq":3,"hash"', '"seq":2,"hash"', 1))
    assert verdict(exported, tmp_path)[1].startswith("line 2: a checkpoint was changed")


@pytest.mark.parametrize("text", ["", "not json\n", "[]\n", '{"kind":"trail","form":9}\n', "\xff\n"])
def test_what_is_no_export_is_said_to_be_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "file").write_bytes(text.encode("latin-1"))
    assert verdict(tmp_path / "file", tmp_path) == (1, "this is no exported trail")


def test_an_older_export_is_found_by_the_checkpoints_outside(
    exported: Path, acme: TenantWithUsers, settings: Any, tmp_path: Path
) -> None:
    outside = str(tmp_path / "outside" / "checkpoints.jsonl")
    assert verdict(exported, tmp_path, "--checkpoints", outside) == (0, "intact: 6 entries")
    write(acme)
    settings.AUDIT_CHECKPOINT_ROWS = 1
    checkpoints.write_due()
    assert verdict(exported, tmp_path)[0] == 0
    code, said = verdict(exported, tmp_path, "--checkpoints", outside)
    assert (code, said) == (1, "broken at entry 7: a checkpoint knows of later ones")


def test_one_from_after_a_restore_is_found_too(
    exported: Path, acme: TenantWithUsers, settings: Any, tmp_path: Path
) -> None:
    """Its own lines repeat the restore, which was accepted before the checkpoints that it would make unsaid."""
    restore_older(acme, 2)
    assert checkpoints.accept_restored() == 1
    older, outside = tmp_path / "older.jsonl", str(tmp_path / "outside" / "checkpoints.jsonl")
    call_command("audit", "export", tenant="acme", to=older)
    assert verdict(older, tmp_path, "--checkpoints", outside) == (0, "intact: 4 entries")
    lost = "broken at entry 3: a restore took it back after this export"
    assert verdict(exported, tmp_path, "--checkpoints", outside) == (1, lost)
    write(acme)
    settings.AUDIT_CHECKPOINT_ROWS = 1
    checkpoints.write_due()
    later = "broken at entry 5: a checkpoint knows of later ones"
    assert verdict(older, tmp_path, "--checkpoints", outside) == (1, later)


def test_a_checkpoint_written_while_one_is_read_is_none_of_it(
    acme: TenantWithUsers, settings: Any, tmp_path: Path
) -> None:
    settings.AUDIT_FOLDER, settings.AUDIT_CHECKPOINT_ROWS = str(tmp_path / "outside"), 1
    write(acme)
    checkpoints.write_due()
    lines = trails.export(acme.tenant)
    write(acme)
    checkpoints.write_due()
    (tmp_path / "slow.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert verdict(tmp_path / "slow.jsonl", tmp_path) == (0, "intact: 4 entries")


def test_it_runs_where_there_is_neither_django_nor_a_database(exported: Path, tmp_path: Path) -> None:
    place = tmp_path / "elsewhere" / "accounts"
    place.mkdir(parents=True)
    for name in ("audit_chain.py", "audit_offline.py"):
        (place / name).write_text((ROOT / "accounts" / name).read_text())
    (tmp_path / "keys").write_text(_secret())
    (place.parent / "django.py").write_text("raise SystemExit('it imported django')")
    command = [sys.executable, "-m", "accounts.audit_offline", str(exported), "--key-file", str(tmp_path / "keys")]
    ended = subprocess.run(command, cwd=place.parent, env={}, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "intact: 6 entries\n", "")


def test_without_a_key_nothing_is_verified(exported: Path, tmp_path: Path) -> None:
    (tmp_path / "none").write_text("\n")
    with pytest.raises(SystemExit):
        audit_offline.main([str(exported), "--key-file", str(tmp_path / "none")])


def test_the_command_wants_one_tenant_and_overwrites_nothing(
    exported: Path, globex: TenantWithUsers, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(CommandError, match="--tenant"):
        call_command("audit", "export")
    with pytest.raises(CommandError, match="exists"):
        call_command("audit", "export", tenant="acme", to=exported)
    call_command("audit", "export", tenant="globex")
    assert len(capsys.readouterr().out.splitlines()) == 3
    assert audit.verify(globex.tenant.id) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-audit.EXACT_INTEGER, audit.EXACT_INTEGER) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(st.dictionaries(st.text(), JSON, max_size=6))
def test_the_quick_form_is_the_canonical_one(facts: dict[str, Any]) -> None:
    plain = audit._plain(facts)
    assert audit_chain.canonical(plain) == rfc8785.dumps(plain)


def test_the_newest_key_is_the_first() -> None:
    ring = KeyRing(["new", "old", "new"])
    assert ring.newest.id == Key.of("new").id
    assert [key.id for key in ring.all] == [Key.of("new").id, Key.of("old").id]
    assert ring.named("nobody's") is ring.named("") is None
