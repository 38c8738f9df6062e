"""Provisioning against a real server: what the roles may do is asked of the server, as these roles."""

from __future__ import annotations

import shutil
import tempfile
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from psycopg import errors, sql

from agentos import postgres
from agentos.provision import ProvisionError, Role, Roles, provision, url_for

SECRET = "a secret of this test"


@pytest.fixture(scope="module")
def admin_url() -> Iterator[str]:
    base = Path(tempfile.mkdtemp(prefix="agentos-test-"))
    base.chmod(0o755)
    yield postgres.start(base / "pg", durable=False).url()
    postgres.remove(base / "pg")
    shutil.rmtree(base)


@pytest.fixture
def database() -> str:
    return f"Shop-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def roles(database: str) -> Roles:
    return Roles.derive(database, SECRET)


def run(url: str, statement: str, *names: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))
        return cursor.fetchall() if cursor.description else []


def plain_admin(admin_url: str, attributes: str) -> tuple[str, Role]:
    role = Role(f"admin-{uuid.uuid4().hex[:8]}", "pw")
    run(admin_url, f"CREATE ROLE {{}} LOGIN {attributes} PASSWORD 'pw'", role.name)
    return url_for(admin_url, role, "postgres"), role


def test_provisioning_twice_gives_three_roles_that_can_log_in(admin_url: str, database: str, roles: Roles) -> None:
    provision(admin_url, database=database, roles=roles)
    provision(admin_url, database=database, roles=roles)

    for role in roles:
        url = url_for(admin_url, role, database)
        assert run(url, "SELECT current_user::text, current_database()::text") == [(role.name, database)]
    found = run(
        url_for(admin_url, roles.owner, database),
        "SELECT extname::text FROM pg_extension WHERE extname <> 'plpgsql' ORDER BY 1",
    )
    assert found == [("pg_trgm",), ("vector",)]
    facts = "SELECT pg_get_userbyid(datdba)::text, pg_encoding_to_char(encoding)::text FROM pg_database"
    assert run(admin_url, f"{facts} WHERE datname = '{database}'") == [(roles.owner.name, "UTF8")]


def test_role_attributes(admin_url: str, database: str, roles: Roles) -> None:
    provision(admin_url, database=database, roles=roles)

    attributes = run(
        admin_url,
        "SELECT rolname::text, rolcanlogin,"
        " rolsuper, rolbypassrls, rolreplication, rolcreaterole, rolcreatedb"
        f" FROM pg_roles WHERE rolname LIKE '{database}%' ORDER BY 1",
    )

    nothing = (True, False, False, False, False)
    assert attributes == [
        (roles.app.name, *nothing, False),
        (roles.owner.name, *nothing, True),
        (roles.system.name, *nothing, False),
    ]


@pytest.mark.parametrize("which", ["system", "app"])
@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE public.t (id int)",
        "CREATE TEMPORARY TABLE t (id int)",
        "CREATE SCHEMA s",
        "CREATE DATABASE d",
        "CREATE ROLE r",
        "CREATE EXTENSION btree_gin",
    ],
)
def test_serving_roles_create_nothing(
    admin_url: str, provisioned: tuple[str, Roles], which: str, statement: str
) -> None:
    database, roles = provisioned
    with pytest.raises(errors.InsufficientPrivilege):
        run(url_for(admin_url, getattr(roles, which), database), statement)


@pytest.fixture(scope="module")
def provisioned(admin_url: str) -> tuple[str, Roles]:
    database = f"shared-{uuid.uuid4().hex[:12]}"
    roles = Roles.derive(database, SECRET)
    provision(admin_url, database=database, roles=roles)
    return database, roles


def test_the_owner_creates_and_others_use_only_what_it_grants(admin_url: str, provisioned: tuple[str, Roles]) -> None:
    database, roles = provisioned
    owner, app = url_for(admin_url, roles.owner, database), url_for(admin_url, roles.app, database)
    run(owner, "CREATE TABLE thing AS SELECT 1 AS id")

    with pytest.raises(errors.InsufficientPrivilege):
        run(app, "SELECT id FROM thing")
    run(owner, "GRANT SELECT ON thing TO {}", roles.app.name)
    assert run(app, "SELECT id FROM thing") == [(1,)]


def test_strangers_do_not_get_in(admin_url: str, provisioned: tuple[str, Roles]) -> None:
    stranger_url, stranger = plain_admin(admin_url, "")
    assert run(stranger_url, "SELECT 1") == [(1,)]
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        run(url_for(admin_url, stranger, provisioned[0]), "SELECT 1")


def test_a_new_secret_replaces_the_passwords_and_no_log_holds_them(admin_url: str, database: str, roles: Roles) -> None:
    provision(admin_url, database=database, roles=roles)
    rotated = Roles.derive(database, "another secret")

    provision(admin_url, database=database, roles=rotated)

    assert run(url_for(admin_url, rotated.app, database), "SELECT 1") == [(1,)]
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        run(url_for(admin_url, roles.app, database), "SELECT 1")
    stored = run(admin_url, f"SELECT rolpassword FROM pg_authid WHERE rolname = '{roles.app.name}'")
    assert str(stored[0][0]).startswith("SCRAM-SHA-256$")


def test_rights_that_someone_added_are_taken_away(admin_url: str, database: str, roles: Roles) -> None:
    provision(admin_url, database=database, roles=roles)
    run(admin_url, "ALTER ROLE {} SUPERUSER BYPASSRLS CREATEDB CREATEROLE REPLICATION", roles.app.name)
    inside = url_for(admin_url, Role("postgres", _password(admin_url)), database)
    run(inside, "GRANT CREATE ON SCHEMA public TO {}", roles.system.name)

    provision(admin_url, database=database, roles=roles)

    app, system = (url_for(admin_url, role, database) for role in (roles.app, roles.system))
    assert run(app, "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user") == [(False,)]
    with pytest.raises(errors.InsufficientPrivilege):
        run(system, "CREATE TABLE t (id int)")


def test_a_membership_that_lends_the_owners_rights_is_refused(admin_url: str, database: str, roles: Roles) -> None:
    provision(admin_url, database=database, roles=roles)
    run(admin_url, "GRANT {} TO {}", roles.owner.name, roles.app.name)

    with pytest.raises(ProvisionError, match="app is a member of a stronger role"):
        provision(admin_url, database=database, roles=roles)


def test_several_at_once(admin_url: str, database: str, roles: Roles) -> None:
    with ThreadPoolExecutor(3) as pool:
        jobs = [pool.submit(provision, admin_url, database=database, roles=roles) for _ in range(3)]
    assert [job.result() for job in jobs] == [None] * 3


def test_a_managed_servers_admin_provisions_without_superuser(admin_url: str, database: str, roles: Roles) -> None:
    managed_url, _ = plain_admin(admin_url, "CREATEROLE CREATEDB")

    provision(managed_url, database=database, roles=roles, extensions=["pg_trgm"])
    provision(managed_url, database=database, roles=roles, extensions=["pg_trgm"])

    run(url_for(admin_url, roles.owner, database), "CREATE TABLE t (id int)")
    with pytest.raises(errors.InsufficientPrivilege):
        run(url_for(admin_url, roles.app, database), "CREATE TABLE t2 (id int)")


def test_an_admin_from_whom_the_locks_were_taken_gets_the_sql(admin_url: str, database: str, roles: Roles) -> None:
    managed_url, managed = plain_admin(admin_url, "CREATEROLE CREATEDB")
    run(admin_url, "REVOKE EXECUTE ON FUNCTION pg_advisory_lock(bigint) FROM PUBLIC")
    try:
        with pytest.raises(ProvisionError, match=f"{managed.name} may not take one") as caught:
            provision(managed_url, database=database, roles=roles, extensions=["pg_trgm"])
        for statement in caught.value.statements:
            run(admin_url, statement)
        provision(managed_url, database=database, roles=roles, extensions=["pg_trgm"])
    finally:
        run(admin_url, "GRANT EXECUTE ON FUNCTION pg_advisory_lock(bigint) TO PUBLIC")


def test_an_extension_that_only_an_administrator_may_create_is_named_with_its_sql(
    admin_url: str, database: str, roles: Roles
) -> None:
    managed_url, _ = plain_admin(admin_url, "CREATEROLE CREATEDB")
    with pytest.raises(ProvisionError, match=f"in database {database}") as caught:
        provision(managed_url, database=database, roles=roles)

    inside = url_for(admin_url, Role("postgres", _password(admin_url)), database)
    for statement in caught.value.statements:
        run(inside, statement)
    provision(managed_url, database=database, roles=roles)


def test_an_admin_who_may_not_create_roles_gets_sql_that_works(admin_url: str, database: str, roles: Roles) -> None:
    weak_url, weak = plain_admin(admin_url, "CREATEDB")
    with pytest.raises(ProvisionError, match="may not create roles") as caught:
        provision(weak_url, database=database, roles=roles, extensions=["pg_trgm"])

    assert not any(role.password in str(caught.value) for role in roles)
    permit, *by_hand = caught.value.statements
    assert permit == f'ALTER ROLE "{weak.name}" CREATEROLE CREATEDB'
    for statement in by_hand:
        password = next((role.password for role in roles if f'ROLE "{role.name}"' in statement), "")
        run(admin_url, statement.replace("<its password>", password))
    provision(weak_url, database=database, roles=roles, extensions=["pg_trgm"])
    assert run(url_for(admin_url, roles.app, database), "SELECT 1") == [(1,)]


def test_a_wrong_password_of_a_role_made_by_hand_is_told(admin_url: str, database: str, roles: Roles) -> None:
    weak_url, _ = plain_admin(admin_url, "CREATEDB")
    for role in roles:
        run(admin_url, "CREATE ROLE {} LOGIN PASSWORD 'other'", role.name)
    with pytest.raises(ProvisionError, match="is not the one given") as caught:
        provision(weak_url, database=database, roles=roles)
    assert caught.value.statements == (f"ALTER ROLE \"{roles.owner.name}\" LOGIN PASSWORD '<its password>'",)


def test_an_admin_who_may_not_create_databases_gets_the_sql(admin_url: str, database: str, roles: Roles) -> None:
    weak_url, _ = plain_admin(admin_url, "CREATEROLE")
    with pytest.raises(ProvisionError, match="may not create") as caught:
        provision(weak_url, database=database, roles=roles, extensions=[])

    run(admin_url, caught.value.statements[0])
    provision(weak_url, database=database, roles=roles, extensions=["pg_trgm"])
    owner = f"SELECT rolcreatedb FROM pg_roles WHERE rolname = '{roles.owner.name}'"
    assert run(admin_url, owner) == [(False,)]


def test_someone_elses_database_is_not_taken(admin_url: str, database: str, roles: Roles) -> None:
    _, other = plain_admin(admin_url, "")
    run(admin_url, "CREATE DATABASE {} OWNER {}", database, other.name)
    with pytest.raises(ProvisionError, match=f"belongs to {other.name}"):
        provision(admin_url, database=database, roles=roles)


def test_an_admins_own_empty_database_is_given_to_the_owner(admin_url: str, database: str, roles: Roles) -> None:
    managed_url, _ = plain_admin(admin_url, "CREATEROLE CREATEDB")
    run(managed_url, "CREATE DATABASE {} TEMPLATE template0", database)
    provision(managed_url, database=database, roles=roles, extensions=[])
    run(url_for(admin_url, roles.owner, database), "CREATE TABLE t (id int)")


def test_another_encoding_is_refused(admin_url: str, database: str, roles: Roles) -> None:
    statement = "CREATE DATABASE {} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0"
    run(admin_url, statement, database)
    with pytest.raises(ProvisionError, match="encoding LATIN1"):
        provision(admin_url, database=database, roles=roles)


def test_an_extension_that_is_not_installed_names_its_package(admin_url: str, database: str, roles: Roles) -> None:
    with pytest.raises(ProvisionError, match=r"does not have made_up.*postgresql-contrib"):
        provision(admin_url, database=database, roles=roles, extensions=["made_up"])


def test_a_server_that_is_not_there_and_a_wrong_password_are_told_without_the_password(
    admin_url: str, database: str, roles: Roles
) -> None:
    secret = "hunter2hunter2"
    gone = f"postgresql://postgres:{secret}@/postgres?host=%2Fnonexistent"
    wrong = url_for(admin_url, Role("postgres", secret), "postgres")
    for url in (gone, wrong, f"postgresql://postgres:{secret}@[::1/x", f"postgresql://u:{secret}@h:1/d?no=1"):
        with pytest.raises(ProvisionError) as caught:
            provision(url, database=database, roles=roles)
        assert secret not in str(caught.value)


def test_derived_roles_are_stable_and_hide_their_passwords() -> None:
    roles = Roles.derive("agentos", "s")
    assert [role.name for role in roles] == ["agentos_owner", "agentos_system", "agentos_app"]
    assert roles == Roles.derive("agentos", "s")
    assert len({role.password for role in roles}) == 3
    assert all(len(role.password) == 64 and role.password not in repr(roles) for role in roles)


@pytest.mark.parametrize(("name", "secret"), [("x" * 57, "s"), ("ü" * 29, "s"), ("x", "")])
def test_names_that_would_be_cut_and_empty_secrets_are_refused(name: str, secret: str) -> None:
    with pytest.raises(ProvisionError):
        Roles.derive(name, secret)


@pytest.mark.parametrize(
    ("admin", "expected"),
    [
        (
            "postgresql://postgres:p%40@/postgres?host=%2Frun%2Fx&port=5432",
            "postgresql://r%2F:p%3A@/d%20b?host=%2Frun%2Fx&port=5432",
        ),
        (
            "postgres://a:b@db.test:6432/x?sslmode=require",
            "postgres://r%2F:p%3A@db.test:6432/d%20b?sslmode=require",
        ),
        ("postgresql://h1:1,h2:2/x?user=a&password=b", "postgresql://r%2F:p%3A@h1:1,h2:2/d%20b"),
        (
            "postgresql://a@[::1]:5432/x?dbname=y&options=-c+a",
            "postgresql://r%2F:p%3A@[::1]:5432/d%20b?options=-c+a",
        ),
    ],
)
def test_url_for_keeps_the_server_and_changes_who_and_what(admin: str, expected: str) -> None:
    assert url_for(admin, Role("r/", "p:"), "d b") == expected


def test_url_for_refuses_what_is_no_url() -> None:
    with pytest.raises(ProvisionError, match="postgresql://"):
        url_for("host=x user=y", Role("r", "p"), "d")


def _password(admin_url: str) -> str:
    return str(psycopg.conninfo.conninfo_to_dict(admin_url)["password"])
