"""Before its first ANALYZE a table is planned for as if it had grown: one tenant's rows are not read for one row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import psycopg
import pytest
from django.conf import settings
from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from agentos import planner


@pytest.fixture
def owner(database: None) -> Iterator[BaseDatabaseWrapper]:
    """The owner's connection with a new table, gone after the test."""
    connection = connections["owner"]
    with transaction.atomic(using="owner"), connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE growing (id uuid PRIMARY KEY, tenant_id uuid, at timestamptz, UNIQUE (tenant_id, id))"
        )
        cursor.execute("CREATE INDEX growing_newest ON growing (tenant_id, at)")
        yield connection
        transaction.set_rollback(True, using="owner")


def statistics(connection: BaseDatabaseWrapper) -> tuple[float, int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples, relpages FROM pg_class WHERE relname = 'growing'")
        return cursor.fetchone()


def test_a_new_table_gets_first_statistics_once(owner: BaseDatabaseWrapper) -> None:
    assert statistics(owner) == (-1, 0)
    assert "growing" in planner.expect_growth(owner)
    assert statistics(owner) == (20_000, 1_000)
    assert planner.expect_growth(owner) == []


def test_one_row_is_looked_up_by_its_id(owner: BaseDatabaseWrapper) -> None:
    planner.expect_growth(owner)
    with owner.cursor() as cursor:
        cursor.execute("EXPLAIN SELECT 1 FROM growing WHERE tenant_id = uuidv7() AND id = uuidv7()")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "growing_newest" not in plan


def test_an_owner_made_by_hand_may_have_any_name(owner: BaseDatabaseWrapper) -> None:
    name = owner.settings_dict["NAME"]
    with psycopg.connect(settings.DATABASE_ADMIN_URL, dbname=name) as admin:
        admin.execute('CREATE ROLE "the Owner-to-be"')
        admin.execute('GRANT ALL ON SCHEMA public TO "the Owner-to-be"')
        admin.execute('SET LOCAL ROLE "the Owner-to-be"')
        admin.execute("CREATE TABLE theirs (tenant_id uuid)")
        assert planner.expect_growth(cast(BaseDatabaseWrapper, admin)) == ["theirs"]
        admin.rollback()
