"""The audit trail: linked rows, what tampering leaves behind, writers at the same time."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import ProgrammingError, connections

from accounts import audit, audit_chain
from accounts.audit import Entry
from accounts.audit_chain import Key
from accounts.journal_audit import append_locked, lock_heads
from accounts.models import AuditHead, AuditRow
from accounts.tenancy import role_name, tenant_scope
from tests.conftest import TenantWithUsers

NOW = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
ODD = {
    "float": 1e22,
    "money": Decimal("250.10"),
    "long": 2**70,
    "nul": "a\x00b",
    "deep": {"list": [1, None, True, 0.1]},
    "ümlaut": "ß",
}


def write(team: TenantWithUsers, count: int = 3) -> None:
    entries = [Entry("thing.done", "thing", str(number), {"n": number}) for number in range(count)]
    with tenant_scope(team.tenant.id, team.member.id):
        audit.append(entries, tenant_id=team.tenant.id, actor_id=team.member.id)


def flush(team: TenantWithUsers, count: int) -> None:
    """Write as the journal does."""
    entries = {team.tenant.id: [Entry("thing.done", "thing", str(number)) for number in range(count)]}

    async def append() -> None:
        async with await psycopg.AsyncConnection.connect(settings.DATABASE_URLS["system"]) as connection:
            await append_locked(connection, await lock_heads(connection, entries), entries)

    asyncio.run(append())


@contextmanager
def as_superuser(table: str = "accounts_auditrow") -> Iterator[psycopg.Connection[Any]]:
    """Step behind policies and triggers, as somebody with the server's password could; put the triggers back."""
    name = connections["default"].settings_dict["NAME"]
    with psycopg.connect(settings.DATABASE_ADMIN_URL, dbname=name) as admin:
        admin.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY, DISABLE TRIGGER USER")
        admin.execute(f"SET ROLE {role_name('owner')}")
        yield admin
        admin.execute("RESET ROLE")
        admin.execute("SET CONSTRAINTS ALL IMMEDIATE")  # a table with checks outstanding can't be altered
        admin.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY, ENABLE TRIGGER USER")


def test_each_link_covers_the_one_before() -> None:
    tenant = uuid4()
    entries = [Entry("a", "b", "c"), Entry("a", "b", "c")]
    first, second = audit.chain(0, "", entries, tenant_id=tenant, now=NOW)
    assert (first["seq"], second["seq"]) == (1, 2)
    assert first["hash"] != second["hash"]
    (again,) = audit.chain(1, first["hash"], [replace(entries[1])], tenant_id=tenant, now=NOW)
    assert again["id"] != second["id"]
    assert again["hash"] != second["hash"]


def test_what_is_written_verifies(acme: TenantWithUsers, globex: TenantWithUsers) -> None:
    write(acme)
    write(globex, 1)
    with tenant_scope(acme.tenant.id):
        audit.append([Entry("odd", "thing", "é" * 300, ODD)], tenant_id=acme.tenant.id)
    assert audit.verify(acme.tenant.id) is None
    assert audit.verify(globex.tenant.id) is None
    rows = list(AuditRow.objects.using("system").filter(tenant_id=acme.tenant.id).order_by("seq"))
    assert [row.seq for row in rows] == [1, 2, 3, 4]
    assert {row.actor_id for row in rows[:3]} == {acme.member.id}
    assert rows[3].detail["money"] == "250.10"


def test_no_entries_touch_nothing(acme: TenantWithUsers) -> None:
    with tenant_scope(acme.tenant.id):
        audit.append([], tenant_id=acme.tenant.id)
    assert not AuditHead.objects.using("system").exists()
    assert audit.verify(acme.tenant.id) is None


def test_an_entry_goes_with_its_transaction(acme: TenantWithUsers) -> None:
    def write_and_fail() -> None:
        with tenant_scope(acme.tenant.id):
            audit.append([Entry("a", "b", "c")], tenant_id=acme.tenant.id)
            raise KeyError

    with pytest.raises(KeyError):
        write_and_fail()
    write(acme, 1)
    assert AuditRow.objects.using("system").count() == 1
    assert audit.verify(acme.tenant.id) is None


CHANGES = [
    "UPDATE accounts_auditrow SET action = 'x'",
    "DELETE FROM accounts_auditrow",
    "TRUNCATE accounts_auditrow",
    "DELETE FROM accounts_audithead",
    "TRUNCATE accounts_audithead",
]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("alias", ["default", "system"])
def test_neither_role_may_rewrite(acme: TenantWithUsers, change: str, alias: str) -> None:
    write(acme)
    with pytest.raises(ProgrammingError, match="permission denied"), tenant_scope(acme.tenant.id, using=alias):
        connections[alias].cursor().execute(change)


@pytest.mark.parametrize(
    "change",
    [
        *CHANGES,
        "UPDATE accounts_audithead SET seq = seq",
        "UPDATE accounts_audithead SET tenant_id = gen_random_uuid()",
    ],
)
@pytest.mark.parametrize("role", ["owner", "superuser"])
def test_not_even_the_owner_may_rewrite(acme: TenantWithUsers, change: str, role: str) -> None:
    """Behind the policies too, which hide every row from the owner."""
    write(acme)
    name = connections["default"].settings_dict["NAME"]
    with psycopg.connect(settings.DATABASE_ADMIN_URL, dbname=name) as admin:
        if role == "owner":
            for table in ("accounts_auditrow", "accounts_audithead"):
                admin.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
            admin.execute(f"SET ROLE {role_name('owner')}")
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
            admin.execute(change)  # type: ignore[arg-type]
        admin.rollback()
    assert audit.verify(acme.tenant.id) is None


def test_a_head_only_goes_on(acme: TenantWithUsers) -> None:
    write(acme)
    with pytest.raises(ProgrammingError, match="append-only"), tenant_scope(acme.tenant.id):
        AuditHead.objects.update(seq=2)


@pytest.mark.parametrize(
    ("tampering", "first_bad"),
    [
        ("UPDATE accounts_auditrow SET detail = '{\"n\": 9}' WHERE seq = 2", 2),
        ("UPDATE accounts_auditrow SET actor_id = NULL WHERE seq = 2", 2),
        ("UPDATE accounts_auditrow SET at = at + interval '1 microsecond' WHERE seq = 3", 3),
        ("UPDATE accounts_auditrow SET object_id = '7' WHERE seq = 1", 1),
        ("UPDATE accounts_auditrow SET hash = repeat('0', 64) WHERE seq = 1", 1),
        ("DELETE FROM accounts_auditrow WHERE seq = 2", 2),
        ("DELETE FROM accounts_auditrow WHERE seq = 3", 3),
        ("DELETE FROM accounts_auditrow", 1),
        ("TRUNCATE accounts_auditrow", 1),
        ("UPDATE accounts_auditrow SET seq = seq + 10 WHERE seq = 3", 3),
        ("UPDATE accounts_auditrow SET seq = CASE seq WHEN 2 THEN 30 ELSE seq END", 2),
        (
            "UPDATE accounts_auditrow SET seq = 9 WHERE seq = 1; UPDATE accounts_auditrow SET seq = 1 WHERE seq = 2;"
            "UPDATE accounts_auditrow SET seq = 2 WHERE seq = 9",
            1,
        ),
        ("UPDATE accounts_auditrow SET detail = '{\"n\": 1.0}' WHERE seq = 2", 2),
        ("UPDATE accounts_auditrow SET detail = '{\"ü\": 123456789012345678901234567890}' WHERE seq = 2", 2),
        (
            "INSERT INTO accounts_auditrow SELECT gen_random_uuid(), 4, at, action, object_type, object_id, "
            "detail, hash, actor_id, tenant_id, key_id FROM accounts_auditrow WHERE seq = 3",
            4,
        ),
    ],
)
def test_tampering_is_found(acme: TenantWithUsers, tampering: str, first_bad: int) -> None:
    write(acme)
    with as_superuser("accounts_auditrow") as cursor:
        cursor.execute(tampering)
    assert audit.verify(acme.tenant.id) == first_bad


@pytest.mark.parametrize(
    ("tampering", "first_bad"),
    [
        ("UPDATE accounts_audithead SET seq = 2", 3),
        ("UPDATE accounts_audithead SET seq = 5", 4),
        ("UPDATE accounts_audithead SET hash = 'x'", 4),
        ("UPDATE accounts_audithead SET seal = ''", 4),
        ("DELETE FROM accounts_audithead", 1),
        ("TRUNCATE accounts_audithead", 1),
    ],
)
def test_a_head_that_does_not_fit_is_found(acme: TenantWithUsers, tampering: str, first_bad: int) -> None:
    write(acme)
    with as_superuser("accounts_audithead") as cursor:
        cursor.execute(tampering)
    assert audit.verify(acme.tenant.id) == first_bad


def test_a_cut_tail_is_found_by_the_seal(acme: TenantWithUsers) -> None:
    """The older link makes no older head: that takes the key."""
    write(acme)
    with as_superuser("accounts_auditrow") as cursor:
        cursor.execute("DELETE FROM accounts_auditrow WHERE seq = 3")
    with as_superuser("accounts_audithead") as cursor:
        cursor.execute(
            "UPDATE accounts_audithead h SET seq = 2, hash = r.hash FROM accounts_auditrow r WHERE r.seq = 2"
        )
    assert audit.verify(acme.tenant.id) == 3


def move_back(team: TenantWithUsers, to: int) -> None:
    """Cut the tail and move the head back, with the link that the older row shows: its seal takes the key."""
    with as_superuser("accounts_auditrow") as cursor:
        cursor.execute("DELETE FROM accounts_auditrow WHERE seq > %s", [to])
    with as_superuser("accounts_audithead") as cursor:
        cursor.execute(
            "UPDATE accounts_audithead h SET seq = r.seq, hash = r.hash FROM accounts_auditrow r WHERE r.seq = %s", [to]
        )


@pytest.mark.parametrize("by", [write, flush])
def test_a_cut_tail_is_not_healed_by_what_is_written_after_it(
    acme: TenantWithUsers, by: Callable[[TenantWithUsers, int], None]
) -> None:
    """The next row would seal the moved head, and the trail look whole again: it is not linked to it."""
    write(acme)
    move_back(acme, 2)
    by(acme, 1)
    by(acme, 2)
    assert audit.verify(acme.tenant.id) == 3


@pytest.mark.parametrize("by", [write, flush])
def test_a_key_that_is_missing_for_a_while_breaks_nothing(
    acme: TenantWithUsers, settings: Any, by: Callable[[TenantWithUsers, int], None]
) -> None:
    settings.AGENTOS_AUDIT_KEY = "the first key, long enough for anybody"
    write(acme)
    settings.AGENTOS_AUDIT_KEY = "another key, and the first one is forgotten"
    by(acme, 2)
    assert audit.verify(acme.tenant.id) == 1
    settings.AUDIT_OLD_KEYS = ["the first key, long enough for anybody"]
    assert audit.verify(acme.tenant.id) is None


def test_a_trail_linked_anew_without_the_key_is_found(acme: TenantWithUsers) -> None:
    """Every row from the changed one on, and the head, made to fit by somebody else's key, under our key's name."""
    write(acme)
    ours, theirs = audit.keys().newest, Key.of("somebody else's secret")
    facts = [facts for facts, _, _ in audit.stored(acme.tenant.id, up_to=3)]
    last = AuditRow.objects.using("system").get(seq=1).hash
    with as_superuser("accounts_auditrow") as cursor:
        for row in facts[1:]:
            last = audit_chain.link(theirs, last, {**row, "action": "x"})
            change = "UPDATE accounts_auditrow SET action = 'x', hash = %s, key_id = %s WHERE id = %s"
            cursor.execute(change, [last, ours.id, row["id"]])
    with as_superuser("accounts_audithead") as cursor:
        sealed = audit_chain.seal(theirs, str(acme.tenant.id), 3, last)
        cursor.execute("UPDATE accounts_audithead SET hash = %s, seal = %s", [last, sealed])
    assert audit.verify(acme.tenant.id) == 2


@pytest.mark.parametrize("name", ["abc", ""])
def test_a_row_under_a_name_that_is_no_keys_is_found(acme: TenantWithUsers, name: str) -> None:
    write(acme)
    with as_superuser("accounts_auditrow") as cursor:
        cursor.execute("UPDATE accounts_auditrow SET key_id = %s WHERE seq = 2", [name])
    assert audit.verify(acme.tenant.id) == 2


def test_writers_at_the_same_time_make_one_chain(acme: TenantWithUsers) -> None:
    start = threading.Barrier(4)

    def writer() -> None:
        start.wait()
        try:
            for _ in range(5):
                write(acme, 2)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=writer) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert AuditHead.objects.using("system").get().seq == 40
    assert audit.verify(acme.tenant.id) is None


def test_a_disabled_trigger_is_named(acme: TenantWithUsers) -> None:
    write(acme)
    owner = connections["owner"].cursor()
    owner.execute("ALTER TABLE accounts_auditrow DISABLE TRIGGER accounts_auditrow_stays")
    out = StringIO()
    try:
        with pytest.raises(CommandError):
            call_command("audit", "verify", stdout=out)
    finally:
        owner.execute("ALTER TABLE accounts_auditrow ENABLE TRIGGER accounts_auditrow_stays")
    assert out.getvalue() == "the trigger accounts_auditrow_stays is disabled\nacme: intact\n"


def test_the_command_names_what_is_broken(acme: TenantWithUsers, globex: TenantWithUsers) -> None:
    write(acme)
    write(globex)
    out = StringIO()
    call_command("audit", "verify", stdout=out)
    assert out.getvalue() == "acme: intact\nglobex: intact\n"
    with as_superuser("accounts_auditrow") as cursor:
        cursor.execute("UPDATE accounts_auditrow SET action = 'x' WHERE tenant_id = %s", [acme.tenant.id])
    out = StringIO()
    with pytest.raises(CommandError):
        call_command("audit", "verify", stdout=out)
    assert out.getvalue() == "acme: broken at entry 1\nglobex: intact\n"
    with pytest.raises(CommandError, match="no such tenant"):
        call_command("audit", "verify", "--tenant", "nobody")


def test_an_engines_entry_fits(acme: TenantWithUsers) -> None:
    from agents.engine.steps import AuditEntry

    with tenant_scope(acme.tenant.id):
        audit.append([AuditEntry("tool.called", "step", "s1")], tenant_id=acme.tenant.id)
    assert audit.verify(acme.tenant.id) is None


def test_rows_hold_no_nul_and_stay_json(acme: TenantWithUsers) -> None:
    (row,) = audit.chain(0, "", [Entry("a", "b", "c\x00d", ODD)], tenant_id=acme.tenant.id, now=NOW)
    assert "\\u0000" not in json.dumps(row["detail"])
    assert row["object_id"] == "cd"
