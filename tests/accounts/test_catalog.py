"""The guard over the catalog: it passes here, and finds each weakness that somebody might bring in."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.apps import apps
from django.core.checks import ERROR, WARNING, Tags, run_checks
from django.core.management import call_command
from django.db import connections, models, transaction
from django.db.migrations.loader import MigrationLoader
from django.db.models.signals import pre_migrate

from accounts import catalog, checks, declared
from accounts.isolation import DropTenantIndexes, IsolateTable
from accounts.tenancy import TenantForeignKey, role_name
from agentos import database as settings_of
from agentos.core.errors import ConfigError


def test_the_checks_pass(database: None) -> None:
    assert checks.isolation(databases=["default"]) == []
    assert run_checks(tags=["database"], databases=["default", "system"]) == []
    checks.refuse(Tags.database)


def test_the_checks_stay_silent_for_other_connections() -> None:
    assert checks.isolation(databases=None) == []
    assert checks.isolation(databases=["owner"]) == []


def found() -> set[str]:
    return {str(message.id) for message in checks.isolation(databases=["default"])}


@contextmanager
def weakened(statements: tuple[str, ...], mending: tuple[str, ...]) -> Iterator[None]:
    owner = connections["owner"].cursor()
    for statement in statements:
        owner.execute(statement)
    try:
        yield
    finally:
        for statement in mending:
            owner.execute(statement)


MEMBERSHIP = "accounts_membership"
WEAKNESSES = {
    "a trail that may be changed": (
        "accounts.E022",
        "ALTER TABLE accounts_auditrow DISABLE TRIGGER USER",
        "ALTER TABLE accounts_auditrow ENABLE TRIGGER USER",
    ),
    "a head that may go back": (
        "accounts.E022",
        "ALTER TABLE accounts_audithead ENABLE REPLICA TRIGGER accounts_audithead_goes_on",
        "ALTER TABLE accounts_audithead ENABLE TRIGGER accounts_audithead_goes_on",
    ),
    "not forced": (
        "accounts.E001",
        f"ALTER TABLE {MEMBERSHIP} NO FORCE ROW LEVEL SECURITY",
        f"ALTER TABLE {MEMBERSHIP} FORCE ROW LEVEL SECURITY",
    ),
    "not enabled": (
        "accounts.E001",
        f"ALTER TABLE {MEMBERSHIP} DISABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {MEMBERSHIP} ENABLE ROW LEVEL SECURITY",
    ),
    "a policy for all": (
        "accounts.E001",
        "CREATE POLICY open ON agents_run TO {app} USING (true)",
        "DROP POLICY open ON agents_run",
    ),
    "a policy for everybody who logs in": (
        "accounts.E001",
        "CREATE POLICY open ON agents_run FOR SELECT USING (user_id IS NOT NULL)",
        "DROP POLICY open ON agents_run",
    ),
    "rows put into any tenant": (
        "accounts.E001",
        "CREATE POLICY open ON agents_run FOR INSERT TO {app} WITH CHECK (true)",
        "DROP POLICY open ON agents_run",
    ),
    "any tenant's rows changed": (
        "accounts.E001",
        "CREATE POLICY open ON agents_run FOR UPDATE TO {app} USING (true)",
        "DROP POLICY open ON agents_run",
    ),
    "any tenant's rows deleted": (
        "accounts.E001",
        "CREATE POLICY open ON agents_run FOR DELETE TO {app} USING (true)",
        "DROP POLICY open ON agents_run",
    ),
    "rows moved to any tenant": (
        "accounts.E001",
        "CREATE POLICY open ON agents_run FOR UPDATE TO {app} "
        "USING (tenant_id = NULLIF(current_setting('agentos.tenant', true), '')::uuid) WITH CHECK (true)",
        "DROP POLICY open ON agents_run",
    ),
    "a policy with a way out behind": (
        "accounts.E001",
        "CREATE POLICY open ON agents_run TO {app} USING ("
        "(tenant_id = NULLIF(current_setting('agentos.tenant', true), '')::uuid AND user_id IS NOT NULL) OR true)",
        "DROP POLICY open ON agents_run",
    ),
    "a policy for all but this tenant": (
        "accounts.E001",
        "CREATE POLICY open ON agents_run TO {app} "
        "USING ((tenant_id = NULLIF(current_setting('agentos.tenant', true), '')::uuid AND true) IS NOT NULL)",
        "DROP POLICY open ON agents_run",
    ),
    "another tenant's setting": (
        "accounts.E001",
        "CREATE POLICY open ON agents_run TO {app} "
        "USING (tenant_id = NULLIF(current_setting('agentos.tenants', true), '')::uuid)",
        "DROP POLICY open ON agents_run",
    ),
    "a child of a table": (
        "accounts.E001",
        "CREATE TABLE stray () INHERITS (agents_run)",
        "DROP TABLE stray",
    ),
    "a rule": (
        "accounts.E004",
        "CREATE RULE strays AS ON INSERT TO agents_run DO ALSO NOTIFY strays",
        "DROP RULE strays ON agents_run",
    ),
    "tables to come": (
        "accounts.E004",
        "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO {app}",
        "ALTER DEFAULT PRIVILEGES REVOKE SELECT ON TABLES FROM {app}",
    ),
    "passwords": (
        "accounts.E004",
        "GRANT SELECT (password) ON accounts_user TO {app}",
        "REVOKE SELECT (password) ON accounts_user FROM {app}",
    ),
    "no tenant": ("accounts.E002", "CREATE TABLE stray (id int)", "DROP TABLE stray"),
    "a tenant after all": (
        "accounts.E003",
        "ALTER TABLE django_session ADD COLUMN tenant_id uuid",
        "ALTER TABLE django_session DROP COLUMN tenant_id",
    ),
    "sessions for everybody": (
        "accounts.E004",
        "GRANT SELECT ON django_session TO {app}",
        "REVOKE SELECT ON django_session FROM {app}",
    ),
    "one column of the sessions": (
        "accounts.E004",
        "GRANT UPDATE (session_data) ON django_session TO {app}",
        "REVOKE UPDATE (session_data) ON django_session FROM {app}",
    ),
    "jobs by anybody": (
        "accounts.E004",
        "GRANT INSERT ON django_q_schedule TO {app}",
        "REVOKE INSERT ON django_q_schedule FROM {app}",
    ),
    "a view": ("accounts.E004", f"CREATE VIEW leak AS SELECT * FROM {MEMBERSHIP}", "DROP VIEW leak"),
    "a view that was the reader's": (
        "accounts.E004",
        "ALTER VIEW accounts_right SET (security_invoker = false)",
        "ALTER VIEW accounts_right SET (security_invoker = true)",
    ),
    "a function": (
        "accounts.E004",
        "CREATE FUNCTION leak() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'",
        "DROP FUNCTION leak()",
    ),
    "a materialized view": (
        "accounts.E004",
        "CREATE MATERIALIZED VIEW leak AS SELECT * FROM accounts_tenant",
        "DROP MATERIALIZED VIEW leak",
    ),
    "truncate": (
        "accounts.E004",
        "GRANT TRUNCATE ON agents_step TO {app}",
        "REVOKE TRUNCATE ON agents_step FROM {app}",
    ),
    "triggers": (
        "accounts.E004",
        "GRANT TRIGGER ON agents_step TO {system}",
        "REVOKE TRIGGER ON agents_step FROM {system}",
    ),
    "everybody": (
        "accounts.E004",
        "GRANT SELECT ON agents_step TO PUBLIC",
        "REVOKE SELECT ON agents_step FROM PUBLIC",
    ),
    "a table of its own": (
        "accounts.E005",
        "GRANT CREATE ON SCHEMA public TO {app}",
        "REVOKE CREATE ON SCHEMA public FROM {app}",
    ),
    "users' rows by tenant": (
        "accounts.E007",
        "CREATE POLICY wide ON agents_step FOR SELECT TO {app} "
        "USING (tenant_id = NULLIF(current_setting('agentos.tenant', true), '')::uuid)",
        "DROP POLICY wide ON agents_step",
    ),
    "unique for all tenants": (
        "accounts.E008",
        "CREATE UNIQUE INDEX betrays ON agents_session (session_id)",
        "DROP INDEX betrays",
    ),
    "a reference across tenants": (
        "accounts.E009",
        "ALTER TABLE agents_step ADD CONSTRAINT strays FOREIGN KEY (run_id) REFERENCES agents_run (id)",
        "ALTER TABLE agents_step DROP CONSTRAINT strays",
    ),
    "a reference unbound": (
        "accounts.E009",
        "ALTER TABLE agents_step DROP CONSTRAINT agents_step_run_id_tenant_fk",
        "ALTER TABLE agents_step ADD CONSTRAINT agents_step_run_id_tenant_fk FOREIGN KEY "
        "(tenant_id, run_id, user_id) REFERENCES agents_run (tenant_id, id, user_id) DEFERRABLE INITIALLY DEFERRED",
    ),
}


@pytest.mark.parametrize(("identifier", "weakening", "mending"), WEAKNESSES.values(), ids=WEAKNESSES)
def test_a_weakness_is_found_and_nothing_starts(database: None, identifier: str, weakening: str, mending: str) -> None:
    roles = {"app": f'"{role_name("app")}"', "system": f'"{role_name("system")}"'}
    with weakened((weakening.format(**roles),), (mending.format(**roles),)):
        assert identifier in found()
        with pytest.raises(ConfigError, match=r"^accounts\.E0\d\d: "):
            checks.refuse(Tags.database)
    assert found() == set()


def test_the_list_is_what_migrations_make(database: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    call_command("catalog")
    written = tmp_path / "declared.sums"
    shutil.copy(declared.PATH, written)
    monkeypatch.setattr(declared, "PATH", written)
    call_command("catalog", write=True)
    assert written.read_text() == Path(declared.__file__).with_suffix(".sums").read_text()


CHANGES = {
    "a way out for users": "ALTER POLICY agents_run_app_select ON agents_run USING (tenant_id = "
    "NULLIF(current_setting('agentos.tenant', true), '')::uuid AND (current_setting('agentos.user') <> '' OR true))",
    "a condition on writing": "ALTER POLICY governance_vote_by_insert ON governance_vote WITH CHECK (true)",
    "a narrowing policy less": "DROP POLICY governance_vote_by_keys ON governance_vote",
    "a policy more": "CREATE POLICY more ON agents_run FOR DELETE TO {app} "
    "USING (tenant_id = NULLIF(current_setting('agentos.tenant', true), '')::uuid)",
    "tenants for all": "ALTER POLICY accounts_tenant_app ON accounts_tenant USING (true)",
    "users for all": "ALTER POLICY accounts_user_app ON accounts_user USING (true)",
    "for another role": "ALTER POLICY accounts_tenant_system ON accounts_tenant TO {app}",
    "rights for all": "CREATE OR REPLACE VIEW accounts_right WITH (security_invoker = true) AS "
    "SELECT tenant_id, user_id, ARRAY['agent_os:admin']::varchar(200)[] AS scopes FROM accounts_membership",
    "a trigger that sees nothing": "CREATE OR REPLACE FUNCTION accounts_audit_stays() RETURNS trigger LANGUAGE plpgsql "
    "AS 'BEGIN RETURN NULL; END'",
    "rights for who asks": "CREATE OR REPLACE FUNCTION accounts_holds(any_of varchar[]) RETURNS boolean "
    "LANGUAGE plpgsql STABLE PARALLEL SAFE AS 'BEGIN RETURN true; END'",
    "loans for all": "CREATE OR REPLACE FUNCTION governance_lent(of_tool varchar, asked_by uuid) RETURNS boolean "
    "LANGUAGE plpgsql AS 'BEGIN RETURN true; END'",
    "a trigger more": "CREATE TRIGGER more AFTER INSERT ON agents_run EXECUTE FUNCTION accounts_audit_stays()",
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_is_not_as_migrations_make_it_is_found(
    database: None, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    """Seen by the owner, in whose transaction it is undone."""
    app, asked = f'"{role_name("app")}"', catalog._ask
    with transaction.atomic(using="owner"), connections["owner"].cursor() as cursor:
        cursor.execute(change.format(app=app))
        monkeypatch.setattr(catalog, "_ask", lambda query, named=None: asked(query, named, alias="owner"))
        monkeypatch.setattr(catalog, "_role", lambda alias: role_name({"default": "app"}.get(alias, alias)))
        assert [(message.id, message.level) for message in catalog._changed()] == [("accounts.E024", ERROR)]
        older = replace(declared.read(), major=declared.read().major - 1)
        monkeypatch.setattr(declared, "read", lambda: older)
        assert [message.level for message in catalog._changed()] == [WARNING]
        transaction.set_rollback(True, using="owner")


@pytest.mark.parametrize(
    ("migration", "back", "forth"),
    [
        ("accounts.migrations.0028_rights_by_a_function", "ask_by_query", "ask_by_function"),
        ("accounts.migrations.0029_rights_asked_once", "ask_for_each_row", "ask_once"),
        ("governance.migrations.0023_loans_by_functions", "ask_by_queries", "ask_by_functions"),
    ],
)
def test_policies_of_an_old_database_are_rewritten_to_what_a_new_one_has(
    database: None, migration: str, back: str, forth: str
) -> None:
    """Back to how they were, and forth again: the same sums as declared, in a transaction that is undone."""
    made = import_module(migration)
    with transaction.atomic(using="owner"), connections["owner"].schema_editor() as editor:
        getattr(made, back)(apps, editor)
        with connections["owner"].cursor() as cursor:
            assert declared.read().differing(declared.sums_of(every_thing(cursor)))
            getattr(made, forth)(apps, editor)
            assert declared.read().differing(declared.sums_of(every_thing(cursor))) == []
        transaction.set_rollback(True, using="owner")


def test_a_database_of_before_the_functions_takes_every_migration_that_asks_them(database: None) -> None:
    """It has the view of the rights and no function, which the policies of the next table ask."""
    with transaction.atomic(using="owner"), connections["owner"].schema_editor() as editor:
        editor.execute("DROP FUNCTION accounts_holds(varchar[]) CASCADE")
        config = apps.get_app_config("accounts")
        pre_migrate.send(config, app_config=config, using="owner", verbosity=0, interactive=False, plan=[], apps=apps)
        for statement in IsolateTable("LegalHold", writers=["privacy:hold"]).doing("privacy", apps):
            if statement.startswith("CREATE POLICY") and "system" not in statement:
                editor.execute(statement.replace('POLICY "', 'POLICY "again_'))
        with connections["owner"].cursor() as cursor:
            cursor.execute(
                "SELECT has_function_privilege(%s, 'accounts_holds(varchar[])', 'EXECUTE')", [role_name("app")]
            )
            assert cursor.fetchone() == (True,)
        transaction.set_rollback(True, using="owner")


@pytest.mark.parametrize("function", ["accounts_holds", "governance_borrows", "governance_lent", "governance_lent_run"])
def test_what_policies_call_is_granted_by_name(database: None, function: str) -> None:
    """Some take what everybody may execute away before anything is made."""
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_proc p CROSS JOIN LATERAL aclexplode(p.proacl) a "
            "JOIN pg_roles r ON r.oid = a.grantee "
            "WHERE p.proname = %s AND r.rolname = %s AND a.privilege_type = 'EXECUTE'",
            [function, role_name("app")],
        )
        assert cursor.fetchone() == (1,)


def every_thing(cursor: Any) -> list[tuple[Any, ...]]:
    cursor.execute(declared.EVERYTHING, {"app": role_name("app"), "system": role_name("system")})
    return list(cursor.fetchall())


def test_what_others_tables_have_is_theirs_to_declare(database: None) -> None:
    known = declared.read()
    theirs = declared.Thing("theirs_note", "policy", "theirs_note_app")
    assert known.differing({**known.sums, theirs: "1"}) == []


BY_SUPERUSER = {
    "a copy in another schema": (
        "CREATE SCHEMA elsewhere; CREATE TABLE elsewhere.copy AS SELECT * FROM agents_run; "
        "GRANT SELECT ON elsewhere.copy TO {app}",
        "DROP SCHEMA elsewhere CASCADE",
    ),
    "a view in another schema": (
        "CREATE SCHEMA elsewhere; CREATE VIEW elsewhere.leak AS SELECT * FROM agents_run; "
        "GRANT SELECT ON elsewhere.leak TO {app}",
        "DROP SCHEMA elsewhere CASCADE",
    ),
    "a table of another server": (
        "CREATE FOREIGN DATA WRAPPER elsewhere; CREATE SERVER elsewhere FOREIGN DATA WRAPPER elsewhere; "
        "CREATE FOREIGN TABLE leak (id int) SERVER elsewhere",
        "DROP FOREIGN DATA WRAPPER elsewhere CASCADE",
    ),
    "references that nobody keeps": (
        "ALTER TABLE agents_step DISABLE TRIGGER ALL",
        "ALTER TABLE agents_step ENABLE TRIGGER ALL",
    ),
    "a tenant from the start": (
        "ALTER DATABASE {database} SET agentos.tenant = '00000000-0000-0000-0000-000000000000'",
        "ALTER DATABASE {database} RESET agentos.tenant",
    ),
    "a user from the start": (
        "ALTER ROLE {app} IN DATABASE {database} SET \"agentos.user\" = '00000000-0000-0000-0000-000000000000'",
        'ALTER ROLE {app} IN DATABASE {database} RESET "agentos.user"',
    ),
}


@pytest.mark.parametrize(("weakening", "mending"), BY_SUPERUSER.values(), ids=BY_SUPERUSER)
def test_what_an_administrator_weakens_is_found(database: None, cluster: Any, weakening: str, mending: str) -> None:
    name = connections["owner"].settings_dict["NAME"]
    named = {"app": f'"{role_name("app")}"', "database": f'"{name}"'}
    with psycopg.connect(cluster.url(name), autocommit=True) as superuser:
        superuser.execute(weakening.format(**named))
        try:
            assert found() - {"accounts.E024"} == {"accounts.E004"}
        finally:
            superuser.execute(mending.format(**named))
    assert found() == set()


STRONG = {
    "programs of the server": "GRANT pg_execute_server_program TO strong",
    "files of the server": "GRANT pg_read_server_files TO strong",
    "databases": "ALTER ROLE strong CREATEDB",
    "triggers": "GRANT SET ON PARAMETER session_replication_role TO strong",
    "a schema of its own": 'GRANT CREATE ON DATABASE "{database}" TO strong',
}


@pytest.mark.parametrize("strengthening", ["SELECT 1", *STRONG.values()], ids=["nothing", *STRONG])
def test_a_role_with_more_than_tables_is_found(
    database: None, monkeypatch: pytest.MonkeyPatch, cluster: Any, strengthening: str
) -> None:
    """The role is nobody else's: it is there in one transaction only, since all tests share a server's roles."""
    name = connections["owner"].settings_dict["NAME"]
    connection = connections["owner"].copy()
    connection.settings_dict = {**connection.settings_dict, **settings_of.django_database(cluster.url(name))}
    monkeypatch.setattr(catalog, "connections", {"default": connection, "system": connections["system"]})
    connection.set_autocommit(False)
    try:
        with connection.cursor() as cursor:
            cursor.execute("CREATE ROLE strong")
            cursor.execute(strengthening.format(database=name))
            cursor.execute("SET LOCAL ROLE strong")
        expected = set() if strengthening == "SELECT 1" else {"accounts.E005"}
        assert {message.id for message in catalog._roles()} == expected
    finally:
        connection.rollback()
        connection.close()


@pytest.mark.parametrize("role", ["owner", "admin"])
def test_a_stronger_role_as_the_application_is_found(
    database: None, monkeypatch: pytest.MonkeyPatch, cluster: Any, role: str
) -> None:
    """The owner, and whoever provisions the database: a superuser, or a member of the owner."""
    connection = connections["owner"]
    if role == "admin":
        connection = connections["owner"].copy()
        name = connections["owner"].settings_dict["NAME"]
        connection.settings_dict = {**connection.settings_dict, **settings_of.django_database(cluster.url(name))}
    monkeypatch.setattr(catalog, "connections", {"default": connection, "system": connections["system"]})
    try:
        assert {message.id for message in catalog._roles()} == {"accounts.E005"}
    finally:
        connection.close()


def test_a_missing_extension_is_found(database: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog, "EXTENSIONS", (*catalog.EXTENSIONS, "no_such_extension"))
    assert found() == {"accounts.E006"}


def test_a_field_whose_migration_forgot_to_bind_it_is_found(database: None, monkeypatch: pytest.MonkeyPatch) -> None:
    class Forgotten(models.Model):
        run = TenantForeignKey("agents.Run", on_delete=models.PROTECT, related_name="+")

        class Meta:
            app_label = "stray"

        def __str__(self) -> str:
            return ""

    monkeypatch.setattr(apps, "get_models", lambda: [Forgotten])
    assert found() == {"accounts.E009"}


def test_a_list_that_says_more_or_less_than_is_true_is_found(database: None, settings: Any, tmp_path: Path) -> None:
    listed = settings.BASE_DIR / catalog.TABLES_LIST
    (tmp_path / "docs").mkdir()
    copy = tmp_path / catalog.TABLES_LIST
    shutil.copy(listed, copy)
    settings.BASE_DIR = tmp_path
    assert found() == set()
    text = copy.read_text()
    copy.write_text(text + "| `agents_run` | Because. |\n")
    assert found() == {"accounts.E003"}
    copy.write_text(text.replace("`accounts_membership`", "`accounts_membershop`"))
    assert found() == {"accounts.E003", "accounts.E007"}
    copy.write_text(text.replace("`django_migrations`", ""))
    assert found() == {"accounts.E002"}
    copy.unlink()
    assert found() == {"accounts.E002", "accounts.E007"}


ALONE = """
SELECT i.indexrelid::regclass::text FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid
WHERE a.attname = 'tenant_id' AND i.indkey::text = a.attnum::text AND i.indpred IS NULL AND NOT i.indisunique
"""
FIRST = """
SELECT count(DISTINCT i.indrelid) FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid
WHERE a.attname = 'tenant_id' AND i.indkey[0] = a.attnum AND i.indpred IS NULL
"""


def test_a_tenants_rows_are_found_by_indexes_that_begin_with_it_and_by_none_of_it_alone(database: None) -> None:
    with connections["owner"].cursor() as cursor:
        cursor.execute(ALONE)
        assert cursor.fetchall() == []
        cursor.execute(FIRST)
        (tables,) = cursor.fetchone()
    assert tables == len([model for model in apps.get_models() if _is_of_tenant(model)])


def _is_of_tenant(model: type[models.Model]) -> bool:
    return model._meta.managed and any(field.column == "tenant_id" for field in model._meta.local_fields)


def test_the_indexes_of_tenants_come_back_with_the_migration_that_dropped_them(database: None) -> None:
    loader = MigrationLoader(connections["owner"])
    before = loader.project_state(("knowledge", "0001_initial"))
    dropping, after = DropTenantIndexes(), before.clone()
    dropping.state_forwards("knowledge", after)
    with connections["owner"].cursor() as cursor, connections["owner"].schema_editor() as editor:
        dropping.database_backwards("knowledge", editor, after, before)
        cursor.execute(ALONE)
        assert cursor.fetchall() == [("knowledge_knowledgebase_tenant_id",)]
        dropping.database_forwards("knowledge", editor, before, after)
        cursor.execute(ALONE)
        assert cursor.fetchall() == []
