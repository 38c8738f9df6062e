"""What the database itself keeps apart, with the ORM's filters left out on purpose; and the checks that watch it."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.db import InternalError, ProgrammingError, connections, transaction
from django.db.utils import DatabaseError

from accounts import audit, checks
from accounts.models import AuditHead, AuditRow, Membership, ServiceAccount, Tenant, TenantRole, User
from accounts.services import service_accounts, tokens
from accounts.tenancy import tenant_scope
from agentos.core.errors import ConfigError
from tests.conftest import PASSWORD, TenantWithUsers

TENANT_MODELS = [Membership, TenantRole, ServiceAccount, AuditRow, AuditHead]


@pytest.fixture
def lived_in(acme: TenantWithUsers, globex: TenantWithUsers) -> tuple[TenantWithUsers, TenantWithUsers]:
    for team in (acme, globex):
        tokens.start_family(Membership.objects.using("system").get(user_id=team.member.id))
        service_accounts.create(
            tenant_id=team.tenant.id, user_id=team.member.id, name="ci", scopes_asked=["agents:run"]
        )
    return acme, globex


def test_without_a_scope_nothing_is_seen(lived_in: Any) -> None:
    for model in (*TENANT_MODELS, Tenant, User):
        assert model._default_manager.count() == 0


@pytest.mark.parametrize("model", TENANT_MODELS, ids=lambda model: model.__name__)
def test_a_scope_sees_its_own_rows_only(lived_in: Any, model: Any) -> None:
    acme, globex = lived_in
    for team in (acme, globex):
        with tenant_scope(team.tenant.id, team.admin.id):
            owners = set(model.objects.values_list("tenant_id", flat=True))
        assert owners == {team.tenant.id}
    assert set(model.objects.using("system").values_list("tenant_id", flat=True)) == {
        acme.tenant.id,
        globex.tenant.id,
    }


def test_users_are_seen_through_their_memberships(lived_in: Any) -> None:
    acme, globex = lived_in
    with tenant_scope(acme.tenant.id):
        assert set(User.objects.all()) == set(acme.users.values())
        assert not User.objects.filter(id=globex.member.id).exists()
        assert list(Tenant.objects.all()) == [acme.tenant]


def test_another_tenants_rows_can_be_neither_changed_nor_made(lived_in: Any) -> None:
    acme, globex = lived_in
    theirs = Membership.objects.using("system").get(user_id=globex.member.id)
    with tenant_scope(acme.tenant.id, acme.admin.id):
        assert Membership.objects.filter(id=theirs.id).update(role="admin") == 0
        assert Membership.objects.filter(id=theirs.id).delete()[0] == 0
        with pytest.raises(DatabaseError), transaction.atomic():
            Membership.objects.create(tenant_id=globex.tenant.id, user_id=acme.member.id, role="admin")
        with pytest.raises(DatabaseError), transaction.atomic():
            Membership.objects.filter(user_id=acme.member.id).update(tenant_id=globex.tenant.id)


def test_an_audit_row_of_another_tenant_is_refused(lived_in: Any) -> None:
    acme, globex = lived_in
    with pytest.raises(DatabaseError), tenant_scope(acme.tenant.id):
        audit.append([audit.Entry("a", "b", "c")], tenant_id=globex.tenant.id)


def test_a_second_tenants_scope_inside_an_open_one_is_refused(acme: TenantWithUsers, globex: TenantWithUsers) -> None:
    with tenant_scope(acme.tenant.id):
        with pytest.raises(ConfigError), tenant_scope(globex.tenant.id):
            pytest.fail("the inner scope opened")
        assert Membership.objects.count() == len(acme.users)


@pytest.mark.parametrize("value", ["", "00000000-0000-0000-0000-000000000000", "01a20a26-5031-750b-ac91-d7350556e89b"])
def test_a_tenant_who_is_none_sees_nothing(lived_in: Any, value: str) -> None:
    with transaction.atomic(), connections["default"].cursor() as cursor:
        cursor.execute("SELECT set_config('agentos.tenant', %s, true)", [value])
        assert Membership.objects.count() == 0


@pytest.mark.parametrize("value", ["x", "*", "' OR true --"])
def test_no_value_of_the_setting_widens_the_view(lived_in: Any, value: str) -> None:
    with transaction.atomic(), connections["default"].cursor() as cursor:
        cursor.execute("SELECT set_config('agentos.tenant', %s, true)", [value])
        with pytest.raises(DatabaseError, match="uuid"), transaction.atomic():
            Membership.objects.count()


def test_truncate_and_policies_are_out_of_reach(database: None) -> None:
    for statement in (
        "TRUNCATE accounts_membership CASCADE",
        "ALTER TABLE accounts_membership DISABLE ROW LEVEL SECURITY",
        "SET ROLE postgres",
        "CREATE TABLE public.mine (id int)",
    ):
        for alias in ("default", "system"):
            with pytest.raises((ProgrammingError, InternalError)), transaction.atomic(using=alias):
                connections[alias].cursor().execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE PUBLICATION theirs FOR TABLE accounts_auditrow",
        "CREATE PUBLICATION theirs FOR ALL TABLES",
        "CREATE SUBSCRIPTION theirs CONNECTION 'host=127.0.0.1 port=1' PUBLICATION theirs WITH (connect = false)",
        "CREATE EVENT TRIGGER theirs ON ddl_command_start EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    ],
)
@pytest.mark.parametrize("alias", ["default", "system"])
def test_no_role_that_serves_hands_rows_to_another_server(database: None, alias: str, statement: str) -> None:
    """No start judges these: they are the administrator's, who needs them for replicas."""
    with pytest.raises(ProgrammingError, match=r"permission denied|must be|must have"), transaction.atomic(using=alias):
        connections[alias].cursor().execute(statement)


def test_the_application_changes_no_user(acme: TenantWithUsers) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"), tenant_scope(acme.tenant.id, acme.member.id):
        User.objects.filter(id=acme.member.id).update(name="Somebody else")


def test_production_refuses_demo_users(acme: TenantWithUsers, monkeypatch: pytest.MonkeyPatch) -> None:
    User.objects.using("system").filter(id=acme.member.id).update(is_demo=True)
    assert checks.isolation(databases=["default"]) == []
    monkeypatch.setattr(settings, "PRODUCTION", True)
    assert [message.id for message in checks.isolation(databases=["default"])] == ["accounts.E014"]


def test_the_application_reads_no_hash_of_a_password(acme: TenantWithUsers) -> None:
    with tenant_scope(acme.tenant.id, acme.admin.id):
        (colleague,) = User.objects.filter(id=acme.member.id)
        assert (colleague.email, colleague.password) == (acme.member.email, "")
        assert Membership.objects.select_related("user").get(user=acme.member).user.password == ""
        hashes = User.objects.filter(password__startswith="argon2")
        for asks in (hashes.count, lambda: list(User.objects.raw("SELECT id, password FROM accounts_user"))):
            with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
                asks()
    assert User.objects.using("system").get(id=acme.member.id).check_password(PASSWORD)


def test_the_application_reads_all_else_of_a_user(database: None) -> None:
    """A column that was added and not granted would fail every page."""
    columns = [field.column for field in User._meta.local_concrete_fields if field.name != "password"]
    with connections["default"].cursor() as cursor:
        for column in columns:
            cursor.execute("SELECT has_column_privilege('accounts_user', %s, 'SELECT')", [column])
            assert cursor.fetchone() == (True,), column


SESSION_STATEMENTS = {
    "SELECT": "SELECT session_key, session_data FROM django_session",
    "INSERT": "INSERT INTO django_session SELECT 'mine', 'x', now() + interval '1 day'",
    "UPDATE": "UPDATE django_session SET session_data = 'x'",
    "DELETE": "DELETE FROM django_session",
}


@pytest.mark.parametrize("statement", SESSION_STATEMENTS.values(), ids=SESSION_STATEMENTS)
def test_the_application_reaches_no_session_of_the_pages(acme: TenantWithUsers, statement: str) -> None:
    session = SessionStore()
    session["seen"] = True
    session.save()
    with pytest.raises(ProgrammingError, match="permission denied"), tenant_scope(acme.tenant.id, acme.admin.id):
        connections["default"].cursor().execute(statement)
    assert SessionStore(session.session_key).load() == {"seen": True}


@pytest.mark.parametrize("ends", [SessionStore.save, SessionStore.flush], ids=["saved", "flushed"])
def test_what_becomes_of_a_session_is_not_up_to_the_pages_transaction(acme: TenantWithUsers, ends: Any) -> None:
    session = SessionStore()
    session["seen"] = 1
    session.save()
    key, session["seen"] = session.session_key, 2
    with tenant_scope(acme.tenant.id, acme.member.id):
        ends(session)
        transaction.set_rollback(True)
    assert SessionStore(key).load() == ({"seen": 2} if session.session_key else {})


@pytest.mark.parametrize("table", ["django_q_ormq", "django_q_schedule", "django_q_task"])
def test_the_application_neither_reads_nor_writes_a_job(acme: TenantWithUsers, table: str) -> None:
    """What is pickled in its row is unpickled by whoever looks at it; a schedule names the function to call."""
    for statement in (
        f"SELECT * FROM {table}",
        f"INSERT INTO {table} DEFAULT VALUES",
        f"UPDATE {table} SET id = id",
        f"DELETE FROM {table}",
    ):
        with pytest.raises(ProgrammingError, match="permission denied"), tenant_scope(acme.tenant.id, acme.admin.id):
            connections["default"].cursor().execute(statement)
