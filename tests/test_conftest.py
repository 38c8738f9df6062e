"""The tests' own ground: who they are to the database, and that nothing stays behind."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import httpx
import httpx2
import psycopg
import pytest
from django.db import connection, connections
from django.db.utils import ProgrammingError
from pytest_socket import SocketConnectBlockedError

from accounts import principals
from accounts.models import Membership, Tenant, TenantRole, User
from accounts.principals import Principal
from accounts.seam import THREADS, in_thread
from accounts.tenancy import tenant_scope
from tests.conftest import (
    _ALONE,
    _DEATHS,
    _LONGEST,
    _OPEN_PAGES,
    _OWN_SERVERS,
    MakeTenant,
    MakeUser,
    TenantWithUsers,
    _shared,
)
from tests.database import ROOT, Cleaner, TestCluster


def _one(alias: str, query: str) -> object:
    with connections[alias].cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchone()[0]


@pytest.mark.parametrize("alias", ["default", "system", "owner"])
def test_no_connection_is_stronger_than_in_production(database: None, alias: str) -> None:
    query = "SELECT rolsuper OR rolbypassrls OR rolcreaterole FROM pg_roles WHERE rolname = current_user"
    assert _one(alias, query) is False


def test_the_application_may_neither_create_nor_truncate(database: None) -> None:
    for statement in (
        "CREATE TABLE t (id int)",
        "TRUNCATE accounts_tenant",
        "CREATE TEMPORARY TABLE t (id int)",
    ):
        with pytest.raises(ProgrammingError), connection.cursor() as cursor:
            cursor.execute(statement)


@pytest.mark.parametrize("turn", [1, 2])
def test_rows_are_committed_and_gone_after_the_test(acme: TenantWithUsers, turn: int) -> None:
    def names() -> list[str]:
        with tenant_scope(acme.tenant.id):
            found = sorted(Membership.objects.values_list("role", flat=True))
        connections.close_all()
        return found

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(names).result() == sorted(acme.users)
    assert Tenant.objects.using("system").count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("turn", [1, 2])
def test_transactional_tests_are_cleaned_by_the_owner(turn: int) -> None:
    Tenant.objects.using("system").create(slug="acme", name="Acme")
    assert Tenant.objects.using("system").count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize("turn", [1, 2])
def test_plain_tests_are_rolled_back_in_every_role(turn: int) -> None:
    tenant = Tenant.objects.using("system").create(slug="acme", name="Acme")
    assert _one("owner", "SELECT count(*) FROM django_content_type") != 0
    with tenant_scope(tenant.id):
        assert not Tenant.objects.exists()  # another connection, another transaction


def test_two_tenants_see_their_own(acme: TenantWithUsers, globex: TenantWithUsers, make_tenant: MakeTenant) -> None:
    make_tenant("initech")
    with tenant_scope(acme.tenant.id, acme.users["member"].id):
        assert set(User.objects.all()) == set(acme.users.values())
    assert globex.approver.check_password("demo")


def test_the_network_ends_at_loopback() -> None:
    with socket.socket() as client, pytest.warns(match="192.0.2.1"), pytest.raises(SocketConnectBlockedError):
        client.connect(("192.0.2.1", 80))


async def test_a_principal_is_what_a_log_in_gives(
    acme: TenantWithUsers, principal_of: Callable[[User, Tenant], Principal]
) -> None:
    approver = acme.users["approver"]
    principal = await in_thread(principal_of, approver, acme.tenant)
    assert principal == acme.principal("approver")
    assert principal == await in_thread(principals.load, approver.id, "acme")
    assert principal.has("approvals:decide")


@pytest.mark.parametrize("administrator", ["superuser", "owner"])
def test_tables_are_emptied_by_whoever_may(cluster: TestCluster, administrator: str) -> None:
    name = cluster.make_database("cleaned")
    owner = cluster.urls(name)["owner"]
    cleaner = Cleaner(cluster.admin_url if administrator == "superuser" else owner, owner, name)
    try:
        with psycopg.connect(cluster.admin_url, dbname=name, autocommit=True) as admin:
            admin.execute("INSERT INTO accounts_tenant VALUES (gen_random_uuid(), 'acme', 'Acme', false, now())")
            kept = admin.execute("SELECT count(*) FROM django_content_type").fetchone()
            cleaner.clean()
            assert admin.execute("SELECT count(*) FROM accounts_tenant").fetchone() == (0,)
            assert admin.execute("SELECT count(*) FROM django_content_type").fetchone() == kept
    finally:
        cleaner.close()
        cluster.drop_database(name)


def test_a_database_given_back_is_nobody_elses_when_its_label_is_asked_for_again(cluster: TestCluster) -> None:
    cluster.give_back(cluster.make_database("lent"))
    taken, fresh = cluster.make_database("taken"), cluster.make_database("lent")
    try:
        assert taken != fresh
    finally:
        cluster.drop_database(taken)
        cluster.drop_database(fresh)


@pytest.mark.parametrize("turn", [1, 2])
async def test_a_thread_of_the_seam_keeps_nothing_of_a_test_but_its_connection(database: None, turn: int) -> None:
    together = Barrier(THREADS)

    def was_and_is_set() -> object:
        together.wait(10)
        was = _one("default", "SHOW lock_timeout")
        _one("default", "SELECT set_config('lock_timeout', '7s', false)")
        return was

    assert "7s" not in await asyncio.gather(*(in_thread(was_and_is_set) for _ in range(THREADS)))


def test_the_files_that_begin_first_are_there() -> None:
    assert [name for name in _LONGEST if not any((ROOT / "tests").rglob(name))] == []


def test_files_that_share_processes_are_one_workers_and_are_there() -> None:
    files = {path.name: _shared(path) for place in ("journeys", "chaos") for path in ROOT.glob(f"tests/{place}/test_*")}
    assert {*_OWN_SERVERS, *_OPEN_PAGES, *_ALONE, *_DEATHS} < files.keys()
    assert {files[name] for name in _OPEN_PAGES} == {"pages"} and {files[name] for name in _DEATHS} == {"deaths"}
    assert {name for name, shared in files.items() if not shared} == _OWN_SERVERS | _ALONE
    assert _shared(ROOT / "tests/accounts/test_keys.py") == ""  # though a journey has that name


def test_a_client_has_one_authority_to_read() -> None:
    clients = [each.create_ssl_context(trust_env=trusting) for each in (httpx, httpx2) for trusting in (True, False)]
    for made in (*clients, ssl.create_default_context()):
        assert made.verify_mode is ssl.CERT_REQUIRED
        assert len(made.get_ca_certs()) == 1


def test_what_most_tests_begin_with_is_what_the_product_stores(
    acme: TenantWithUsers, make_tenant: MakeTenant, make_user: MakeUser
) -> None:
    made = make_tenant("made")
    for role in acme.users:
        make_user(made, role)
    for model, names in (
        (TenantRole, ("name", "description", "scopes", "built_in")),
        (Membership, ("role", "user__is_active", "user__is_demo", "user__token_version", "user__signed_out_at")),
    ):
        rows = model.objects.using("system").values_list(*names).order_by(names[0])
        found = list(rows.filter(tenant_id=acme.tenant.id))
        assert found and found == list(rows.filter(tenant_id=made.id))
