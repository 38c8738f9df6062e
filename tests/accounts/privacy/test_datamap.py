"""The data map has no gap: every field has a class, every row of somebody a way to her."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connections

from accounts.models import RefreshToken, User
from accounts.privacy import mapdoc
from accounts.privacy.datamap import DataClass, Fate, class_of, declare, owner, table_of, tables
from accounts.privacy.problems import WITHOUT_MODEL, problems
from agentos.core.errors import ConfigError
from agents.models import Run, RunEvents, Session, Step


def test_it_has_no_gap():
    assert list(problems()) == []


def test_every_table_of_the_database_is_in_it(database):
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")
        there = {name for (name,) in cursor.fetchall()}
    assert there == {table.name for table in tables()} | set(WITHOUT_MODEL)


def test_the_document_is_in_step():
    assert (settings.BASE_DIR / "docs/data-map.md").read_text() == mapdoc.document(), "manage.py data_map --write"


def test_the_command_prints_it(capsys):
    call_command("data_map")
    assert "| `agents_run` |" in capsys.readouterr().out


def test_rows_can_be_deleted_in_its_order():
    names = [table.name for table in tables()]
    order = ["agents_step", "agents_run", "agents_session", "accounts_tenant"]
    assert sorted(order, key=names.index) == order


def test_the_system_role_may_do_what_erasure_does(database):
    with connections["system"].cursor() as cursor:
        for table in tables():
            for subject in table.subjects:
                verb = {Fate.DELETE: "DELETE", Fate.BLANK: "UPDATE"}.get(subject.fate, "")
                if verb:
                    cursor.execute(
                        "SELECT has_table_privilege(%s, 'SELECT') AND has_table_privilege(%s, %s)",
                        [table.name, table.name, verb],
                    )
                    assert cursor.fetchone() == (True,), f"{table.name}: grant the system role SELECT and {verb}"


@pytest.fixture
def changed(monkeypatch):
    """Change a table's entry for the length of a test."""

    def change(model, **changes) -> list[str]:
        from dataclasses import replace

        from accounts.privacy import datamap

        monkeypatch.setitem(datamap._tables, model, replace(table_of(model), **changes))
        return list(problems())

    return change


def test_a_field_that_nobody_declared_is_a_gap(changed):
    classes = {name: known for name, known in table_of(Step).classes.items() if name != "result"}
    assert changed(Step, classes=classes) == [
        "agents.Step.result has no class: say none, personal, sensitive or secret in the data map."
    ]


def test_a_field_that_is_gone_is_a_gap(changed):
    classes = {**table_of(Step).classes, "mood": DataClass.NONE}
    assert changed(Step, classes=classes) == ["agents.Step.mood is in the data map but not in the model."]


def test_a_table_that_nobody_declared_is_a_gap(monkeypatch):
    from accounts.privacy import datamap

    monkeypatch.delitem(datamap._tables, RunEvents)
    assert [gap for gap in problems() if gap.startswith("agents.RunEvents is not in the data map")]


def test_a_way_that_ends_nowhere_is_a_gap(changed):
    assert changed(RunEvents, subjects=(owner("run__component_id"),)) == [
        "agents.RunEvents.user leads to a user: say what it is to her (owner, author, pseudonym).",
        "agents.RunEvents: run__component_id does not lead to a user.",
    ]


def test_something_personal_of_nobody_is_a_gap(changed):
    found = changed(Session, subjects=())
    assert any("holds something personal of nobody" in gap for gap in found)
    assert any("agents.Session.user leads to a user" in gap for gap in found)


def test_a_clock_is_a_time(changed):
    assert changed(Run, clock="session__name") == ["agents.Run: the clock session__name is no time of its row."]


def test_a_table_and_a_field_are_declared_once():
    with pytest.raises(ConfigError, match="already"):
        declare(RefreshToken, none="id")
    with pytest.raises(ConfigError, match="two classes"):
        declare(type("Other", (), {"_meta": User._meta}), none="id", personal="id")  # type: ignore[arg-type]


def test_it_answers_for_a_field():
    assert class_of(User, "email") is DataClass.PERSONAL
    assert class_of(User, "password") is DataClass.SECRET
    with pytest.raises(ConfigError):
        class_of(User, "shoe_size")
