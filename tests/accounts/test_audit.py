"""The audit trail: linked rows, what tampering leaves behind, writers at the same time."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import ProgrammingError, connections, transaction

from accounts import audit
from accounts.audit import Entry
from accounts.models import AuditHead, AuditRow
from accounts.tenancy import tenant_scope
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


@contextmanager
def as_owner(table: str) -> Iterator[Any]:
    """Step behind the policies, as somebody with the database's owner password could."""
    with transaction.atomic(using="owner"), connections["owner"].cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        yield cursor
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # a table with checks outstanding can't be altered
        cursor.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


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


@pytest.mark.parametrize("verb", ["UPDATE accounts_auditrow SET action = 'x'", "DELETE FROM accounts_auditrow"])
@pytest.mark.parametrize("alias", ["default", "system"])
def test_neither_role_may_rewrite(acme: TenantWithUsers, verb: str, alias: str) -> None:
    write(acme)
    with pytest.raises(ProgrammingError), tenant_scope(acme.tenant.id, using=alias):
        connections[alias].cursor().execute(verb)


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
        ("UPDATE accounts_auditrow SET seq = seq + 10 WHERE seq = 3", 3),
        (
            "INSERT INTO accounts_auditrow SELECT gen_random_uuid(), 4, at, action, object_type, object_id, "
            "detail, hash, actor_id, tenant_id FROM accounts_auditrow WHERE seq = 3",
            4,
        ),
    ],
)
def test_tampering_is_found(acme: TenantWithUsers, tampering: str, first_bad: int) -> None:
    write(acme)
    with as_owner("accounts_auditrow") as cursor:
        cursor.execute(tampering)
    assert audit.verify(acme.tenant.id) == first_bad


@pytest.mark.parametrize(
    ("tampering", "first_bad"),
    [("UPDATE accounts_audithead SET seq = 2", 3), ("UPDATE accounts_audithead SET hash = 'x'", 3)],
)
def test_a_head_that_does_not_fit_is_found(acme: TenantWithUsers, tampering: str, first_bad: int) -> None:
    write(acme)
    with as_owner("accounts_audithead") as cursor:
        cursor.execute(tampering)
    assert audit.verify(acme.tenant.id) in (first_bad, first_bad - 1)


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


def test_the_command_names_what_is_broken(acme: TenantWithUsers, globex: TenantWithUsers) -> None:
    write(acme)
    write(globex)
    out = StringIO()
    call_command("audit", "verify", stdout=out)
    assert out.getvalue() == "acme: intact\nglobex: intact\n"
    with as_owner("accounts_auditrow") as cursor:
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
