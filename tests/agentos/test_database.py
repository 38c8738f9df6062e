"""Transactions that stand still: the server ends them, so that a frozen process holds no rows for ever."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from django.conf import settings
from django.db import DatabaseError, connections, transaction
from django.db.backends.postgresql.base import DatabaseWrapper

from accounts.models import Tenant
from accounts.services import trails
from agentos import database as urls
from tests.conftest import TenantWithUsers

FROZEN = "frozen"


def idle_limit(alias: str) -> str:
    with connections[alias].cursor() as cursor:
        cursor.execute("SHOW idle_in_transaction_session_timeout")
        return str(cursor.fetchone()[0])


@pytest.fixture
def frozen() -> Iterator[DatabaseWrapper]:
    """Return a connection of the application as it is configured, but with less patience."""
    made = urls.django_database(settings.DATABASE_URLS["system"], idle_seconds=1)
    connections.databases[FROZEN] = {**connections.databases["system"], "OPTIONS": made["OPTIONS"]}
    yield connections[FROZEN]
    connections[FROZEN].close()
    del connections[FROZEN]
    del connections.databases[FROZEN]


def test_the_connections_of_requests_have_a_limit_and_the_owner_s_has_none(database: None) -> None:
    assert [idle_limit(alias) for alias in ("default", "system", "owner")] == ["1min", "1min", "0"]


def test_a_transaction_that_stands_still_lets_go_what_it_holds(acme: TenantWithUsers, frozen: DatabaseWrapper) -> None:
    name = acme.tenant.name
    rows = Tenant.objects.using(FROZEN).filter(id=acme.tenant.id)

    def freeze() -> None:
        with transaction.atomic(using=FROZEN):
            rows.update(name="Half done")
            with psycopg.connect(settings.DATABASE_URLS["system"]) as other:  # it waits for the row, and gets it
                other.execute("SET lock_timeout = '30s'")
                other.execute("SELECT FROM accounts_tenant WHERE id = %s FOR UPDATE", [acme.tenant.id])
            rows.update(name="Done")

    with pytest.raises(DatabaseError):
        freeze()
    assert Tenant.objects.using("system").get(id=acme.tenant.id).name == name


def test_what_the_url_asks_for_stays() -> None:
    url = "postgresql://one@host/name?options=-c%20jit%3Doff&application_name=mine"
    options = urls.django_database(url, idle_seconds=5)["OPTIONS"]
    assert options["options"] == "-c jit=off -c idle_in_transaction_session_timeout=5000"
    assert (options["application_name"], urls.django_database(url)["OPTIONS"]["options"]) == ("mine", "-c jit=off")


def test_whoever_reads_an_export_of_the_trail_may_be_slow(acme: TenantWithUsers) -> None:
    lines = trails.export(acme.tenant)
    assert next(line["kind"] for line in lines if line["kind"] != "trail") == "entry"
    assert idle_limit("system") == "0"
    assert [line["kind"] for line in lines][-1] == "end"
    assert idle_limit("system") == "1min"
