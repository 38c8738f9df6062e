"""What the application's role may call of PostgreSQL's own: nothing that keeps or tells what no policy binds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg
import pytest
from django.conf import settings
from django.core.checks import Error, Warning
from psycopg import errors, sql

from accounts import catalog, checks
from accounts.tenancy import role_name
from agentos import closed_functions
from agentos.core.errors import ConfigError

# Every volatile function that the role may call, with the reason why it may: one that no line names fails the test.
JUDGED: Final = {
    "tells time, chance or ids": "clock_timestamp|timeofday|random|random_normal|setseed|gen_random_uuid|uuidv[47]"
    "|array_sample|array_shuffle|pg_sleep(_for|_until)?",
    "tells of its own session and transaction": "current_query|currval|lastval|pg_export_snapshot|pg_jit_available"
    "|pg_stat_clear_snapshot|pg_stat_force_next_flush|pg_stat_get_xact_\\w+|pg_get_loaded_modules",
    "sets its own session, which a scope sets anew": "set_config|set_limit",
    "wakes listeners with ids": "pg_notify|pg_notification_queue_usage",
    "needs a grant on the sequence": "nextval|setval|pg_sequence_last_value|pg_get_sequence_data",
    "runs a query with the caller's rights": "(query|cursor)_to_xml\\w*|ts_stat|ts_rewrite|currtid2",
    "needs the table's owner": "brin_\\w+|gin_clean_pending_list|pg_(clear|restore)_(relation|attribute)_stats"
    "|pg_extension_config_dump",
    "needs a superuser, or refuses outside of an upgrade": "binary_upgrade_\\w+|pg_nextoid|pg_import_system_collations"
    "|pg_stop_making_pinned_objects",
    "needs REPLICATION": "pg_(logical|replication)_slot_\\w+|pg_(copy|create|drop)_\\w*_?slot|pg_drop_replication_slot"
    "|pg_sync_replication_slots",
    "writes a mark to the log that no session reads": "pg_logical_emit_message",
    "tells of the server as a whole": "pg_control_\\w+|pg_current_wal_\\w+|pg_last_\\w+|pg_is_\\w+|pg_get_wal_\\w+"
    "|pg_(available_)?wal_summar\\w+|pg_stat_get_(io|recovery_prefetch|backend_io|backend_wal)|pg_get_wait_events"
    "|pg_(database_)?collation_actual_version|amvalidate|plpgsql_(call_handler|validator)",
    "counts bytes, rows or waiters, of all tenants together": "pg_(database|indexes|relation|table|tablespace|"
    "total_relation)_size|pg_partition_(ancestors|tree)|pg_lock_status|pg_(safe_snapshot_)?blocking_pids"
    "|pg_isolation_test_session_is_blocked|pg_prepared_xact",
    "tells of a transaction by its number": "txid_status|pg_xact_\\w+|pg_get_multixact_members",
}
CALLABLE: Final = """
    SELECT DISTINCT p.proname FROM pg_proc p
     WHERE p.provolatile = 'v' AND has_function_privilege(p.oid, 'EXECUTE')
       AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
       AND NOT 'internal'::regtype = ANY (p.proargtypes::oid[])
"""
FORBIDDEN: Final = (
    "SELECT lo_from_bytea(0, 'kept')",
    "SELECT lo_create(0)",
    "SELECT lo_creat(-1)",
    "SELECT lo_import('/etc/hostname')",
    "SELECT lo_get(1)",
    "SELECT lo_open(1, 262144)",
    "SELECT pg_advisory_lock(1)",
    "SELECT pg_try_advisory_xact_lock(1, 2)",
    "SELECT pg_terminate_backend(pg_backend_pid())",
    "SELECT pg_cancel_backend(pg_backend_pid())",
    "SELECT query FROM pg_stat_activity",
    "SELECT pg_stat_get_backend_activity(1)",
    "SELECT pg_read_file('/etc/hostname')",
    "CREATE TEMPORARY TABLE kept (id int)",
    "CREATE SCHEMA kept",
    "CREATE TABLE kept (id int)",
    "COPY (SELECT 1) TO PROGRAM 'cat'",
    "COPY (SELECT 1) TO '/tmp/kept'",
    "ALTER ROLE CURRENT_USER SET agentos.tenant = 'kept'",
    "ALTER DATABASE {database} SET agentos.tenant = 'kept'",
    "COMMENT ON DATABASE {database} IS 'kept'",
)


@contextmanager
def entered(role: str) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    with psycopg.connect(settings.DATABASE_URLS[role], autocommit=True) as connection:
        yield connection


@pytest.fixture
def admin(database: None) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    name = settings.DATABASES["default"]["NAME"]
    with psycopg.connect(settings.DATABASE_ADMIN_URL, dbname=name, autocommit=True) as connection:
        yield connection


def test_every_function_that_does_something_is_judged(database: None) -> None:
    with entered("app") as app:
        found = {str(name) for (name,) in app.execute(CALLABLE)}
        version = app.info.server_version
    unjudged = {name for name in found if not any(re.fullmatch(names, name) for names in JUDGED.values())}
    assert unjudged == set()
    closed = [name for name in found if any(re.fullmatch(names, name) for names in closed_functions.CLOSED)]
    assert closed == []
    if version >= 180000:
        unknown = {reason for reason, names in JUDGED.items() if not any(re.fullmatch(names, name) for name in found)}
        assert unknown == set()


@pytest.mark.parametrize("statement", FORBIDDEN)
def test_the_applications_role_keeps_and_holds_nothing_beside_the_tables(database: None, statement: str) -> None:
    with entered("app") as app:
        named = sql.SQL(statement).format(database=sql.Identifier(app.info.dbname))

        with pytest.raises(errors.InsufficientPrivilege):
            app.execute(named)


def test_the_system_role_makes_no_large_object_and_keeps_its_locks(database: None) -> None:
    with entered("system") as system:
        with pytest.raises(errors.InsufficientPrivilege):
            system.execute("SELECT lo_create(0)")
        with pytest.raises(errors.InsufficientPrivilege):
            system.execute("SELECT pg_terminate_backend(1)")
        assert system.execute("SELECT pg_try_advisory_lock(1)").fetchone() == (True,)


def test_what_one_session_says_no_other_reads(admin: psycopg.Connection[tuple[object, ...]]) -> None:
    """Look through all that the server shows of itself while another session of the same role has a statement open."""
    marker = "the-others-own-words"
    with entered("app") as other, entered("app") as mine, other.transaction():
        other.execute(sql.SQL("SELECT {}").format(marker))
        other.execute(sql.SQL("SET LOCAL application_name = {}").format(marker))
        shown = [name for name in _shown(mine) if marker in _read(mine, name)]
        assert marker in _read(admin, "pg_stat_activity")
    assert shown == []


def _shown(connection: psycopg.Connection[tuple[object, ...]]) -> list[str]:
    views = "SELECT format('%I.%I', schemaname, viewname) FROM pg_views"
    functions = (
        "SELECT format('%I()', p.proname) FROM pg_proc p WHERE p.pronargs = 0 AND p.proretset"
        " AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)"
    )
    found = [str(name) for query in (views, functions) for (name,) in connection.execute(query.encode())]
    assert len(found) > 150
    return found


def _read(connection: psycopg.Connection[tuple[object, ...]], name: str) -> str:
    try:
        return str(connection.execute(f"SELECT s::text FROM {name} s".encode()).fetchall())
    except psycopg.Error as error:
        return str(error)


@pytest.fixture
def made_by_hand(admin: psycopg.Connection[tuple[object, ...]]) -> Iterator[None]:
    """Everything is open, as it is where an administrator has made the roles and nobody has closed anything."""
    everything = (
        "SELECT p.oid::regprocedure::text FROM pg_proc p "
        "WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.proname ~ %s"
    )
    names = f"^({'|'.join(closed_functions.CLOSED)})$"
    found = ", ".join(str(name) for (name,) in admin.execute(everything, [names]).fetchall())
    rights = "SELECT oid, ARRAY(SELECT a::text FROM unnest(proacl) a ORDER BY 1) FROM pg_proc WHERE proname ~ %s"
    before = dict(admin.execute(rights, [names]).fetchall())
    admin.execute(f"GRANT EXECUTE ON FUNCTION {found} TO PUBLIC".encode())
    yield
    for hint in _mends():
        admin.execute(hint.encode())
    after = dict(admin.execute(rights, [names]).fetchall())
    assert after == before


def _mends() -> list[str]:
    return [str(found.hint).partition(": ")[2] for found in checks.isolation(databases=["default"])]


def test_a_start_that_is_refused_holds_all_the_sql_that_mends_it(
    made_by_hand: None, admin: psycopg.Connection[tuple[object, ...]]
) -> None:
    with pytest.raises(ConfigError) as refused:
        checks.refuse("database")
    lines = str(refused.value).splitlines()
    assert len(lines) == len(closed_functions.CLOSED)
    for line in lines:
        assert line.startswith("accounts.E023: ")
        admin.execute(line.partition("in this database: ")[2].encode())
    checks.refuse("database")
    with entered("system") as system:
        assert system.execute("SELECT pg_try_advisory_lock(1)").fetchone() == (True,)


@pytest.mark.parametrize(
    ("url", "user"),
    [
        ("postgresql://dba:x@/anything", "other"),
        ("postgresql:///anything?user=dba", "other"),
        ("postgresql:///", "dba"),
    ],
)
def test_who_provisions_without_being_a_superuser_keeps_the_lock(
    made_by_hand: None,
    admin: psycopg.Connection[tuple[object, ...]],
    monkeypatch: pytest.MonkeyPatch,
    url: str,
    user: str,
) -> None:
    admin.execute("CREATE ROLE dba LOGIN CREATEROLE CREATEDB")
    monkeypatch.setattr(settings, "DATABASE_ADMIN_URL", url)
    monkeypatch.setenv("PGUSER", user)
    try:
        for hint in _mends():
            admin.execute(hint.encode())
        may = "SELECT has_function_privilege('dba', 'pg_advisory_lock(bigint)', 'EXECUTE')"
        assert admin.execute(may).fetchone() == (True,)
    finally:
        admin.execute("DROP OWNED BY dba")
        admin.execute("DROP ROLE dba")


@pytest.fixture
def opened(admin: psycopg.Connection[tuple[object, ...]]) -> Iterator[str]:
    signature = "lo_from_bytea(oid,bytea)"
    admin.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO PUBLIC".encode())
    yield signature
    admin.execute(f"REVOKE EXECUTE ON FUNCTION {signature} FROM PUBLIC".encode())


def test_an_open_function_refuses_the_start_with_sql_that_closes_it(
    opened: str, admin: psycopg.Connection[tuple[object, ...]]
) -> None:
    (found,) = checks.isolation(databases=["default"])
    assert (found.id, type(found)) == ("accounts.E023", Error)
    assert opened in found.msg
    admin.execute(str(found.hint).partition(": ")[2].encode())
    assert checks.isolation(databases=["default"]) == []


def test_a_grant_to_the_role_alone_and_a_lost_grant_are_found(admin: psycopg.Connection[tuple[object, ...]]) -> None:
    signature, app, system = "pg_try_advisory_lock(bigint)", role_name("app"), role_name("system")
    for verb, undo, role in (("GRANT", "REVOKE", app), ("REVOKE", "GRANT", system)):
        words = {"GRANT": "TO", "REVOKE": "FROM"}
        admin.execute(f'{verb} EXECUTE ON FUNCTION {signature} {words[verb]} "{role}"'.encode())
        (found,) = checks.isolation(databases=["default"])
        admin.execute(f'{undo} EXECUTE ON FUNCTION {signature} {words[undo]} "{role}"'.encode())
        assert (found.id, signature in found.msg) == ("accounts.E023", True)
    assert checks.isolation(databases=["default"]) == []


def test_a_providers_server_is_only_warned_of(opened: str, settings: Any) -> None:
    settings.MANAGED_DATABASE = True
    assert [type(found) for found in checks.isolation(databases=["default"])] == [Warning]
    checks.refuse("database")


def test_a_large_object_that_is_there_is_found(admin: psycopg.Connection[tuple[object, ...]]) -> None:
    (number,) = admin.execute("SELECT lo_create(0)").fetchone() or (0,)
    try:
        assert [found.id for found in catalog._functions()] == ["accounts.E023"]
    finally:
        admin.execute("SELECT lo_unlink(%s)", [number])
    assert list(catalog._functions()) == []
