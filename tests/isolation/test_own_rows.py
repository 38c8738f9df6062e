"""What the database itself shows to and takes from each user of a tenant, with no filter of the ORM's."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import Error, connections, transaction
from django.db.models import F

from accounts import audit, scopes
from accounts.models import AuditRow, Grant, Membership, RefreshToken, Role, ServiceAccount, TenantRole
from accounts.policies import EVERYTHING, RIGHTS
from accounts.tenancy import tenant_scope
from agentos.core.ids import new_id
from agents.models import IdempotencyKey, Run, RunEvents, Session, Step
from governance.models import Approval
from tests.conftest import TenantWithUsers
from tests.isolation.planting import Garden

JOURNAL = [Session, Run, Step, RunEvents]
READS_ALL = [Role.OPERATOR, Role.APPROVER, Role.AUDITOR, Role.ADMIN]


def seen(model: Any, team: TenantWithUsers, role: str) -> set[object]:
    with tenant_scope(team.tenant.id, team.users[role].id):
        return set(model.objects.values_list("pk", flat=True))


@pytest.mark.parametrize("model", [*JOURNAL, IdempotencyKey, Approval], ids=lambda model: model.__name__)
def test_a_user_without_wider_rights_sees_her_own_rows(
    acme: TenantWithUsers, hers: Garden, colleagues: Garden, strangers: Garden, model: Any
) -> None:
    assert seen(model, acme, Role.MEMBER) == {hers.row(model).pk}
    assert seen(model, acme, Role.VIEWER) == {colleagues.row(model).pk}
    with tenant_scope(acme.tenant.id):
        assert not model.objects.exists()


@pytest.mark.parametrize("model", [*JOURNAL, Approval], ids=lambda model: model.__name__)
@pytest.mark.parametrize("role", READS_ALL)
def test_a_role_that_reads_everybodys_reads_its_tenants(
    acme: TenantWithUsers, hers: Garden, colleagues: Garden, strangers: Garden, model: Any, role: str
) -> None:
    assert seen(model, acme, role) == {hers.row(model).pk, colleagues.row(model).pk}


def test_nobody_reads_another_users_idempotency_keys(acme: TenantWithUsers, hers: Garden) -> None:
    assert not any(seen(IdempotencyKey, acme, role) for role in Role.values if role != Role.MEMBER)


def test_a_right_ends_with_the_row_that_gave_it(acme: TenantWithUsers, hers: Garden) -> None:
    assert seen(Run, acme, Role.OPERATOR)
    Membership.objects.using("system").filter(user_id=acme.operator.id).update(role=Role.MEMBER)
    assert not seen(Run, acme, Role.OPERATOR)


def test_a_right_in_one_tenant_is_none_in_another(acme: TenantWithUsers, globex: TenantWithUsers, hers: Garden) -> None:
    with tenant_scope(acme.tenant.id, globex.admin.id):
        assert not Run.objects.exists()


@pytest.mark.parametrize("value", ["*", "admin", "' OR true --"])
def test_no_value_of_the_users_setting_widens_the_view(acme: TenantWithUsers, hers: Garden, value: str) -> None:
    with tenant_scope(acme.tenant.id), connections["default"].cursor() as cursor:
        cursor.execute("SELECT set_config('agentos.user', %s, true)", [value])
        with pytest.raises(Error, match="uuid"), transaction.atomic():
            Run.objects.count()


@pytest.mark.parametrize("role", [Role.MEMBER, Role.APPROVER, Role.AUDITOR])
def test_others_rows_are_not_changed_without_the_right(acme: TenantWithUsers, colleagues: Garden, role: str) -> None:
    Approval.objects.using("system").update(run=Garden(acme.tenant, acme.viewer, "mkother").row(Run))
    with tenant_scope(acme.tenant.id, acme.users[role].id):
        for model in (Session, Run, Step):
            rows = model._default_manager.filter(pk=colleagues.row(model).pk)
            column = "updated_at" if model is Session else "id"  # of a session nothing else is granted
            assert rows.update(**{column: F(column)}) == 0
            assert list(rows.select_for_update()) == []


def test_an_operator_changes_her_tenants_rows_only(
    acme: TenantWithUsers, hers: Garden, colleagues: Garden, strangers: Garden
) -> None:
    with tenant_scope(acme.tenant.id, acme.operator.id):
        assert Run.objects.update(cancel_requested=True) == 2
    assert Run.objects.using("system").filter(cancel_requested=False).get().pk == strangers.row(Run).pk


def test_an_approver_writes_into_runs_that_asked_and_into_no_other(acme: TenantWithUsers, hers: Garden) -> None:
    quiet = Garden(acme.tenant, acme.viewer, "mkquiet")
    quiet.row(Step)
    with tenant_scope(acme.tenant.id, acme.approver.id):
        assert Step.objects.filter(run=quiet.row(Run)).exists()
        assert Step.objects.update(state="answered") == 1
        assert Run.objects.update(status="pending") == 1
        assert Session.objects.update(updated_at=F("updated_at")) == 0
    assert Run.objects.using("system").get(status="pending").pk == hers.row(Run).pk


def test_nobody_decides_her_own_request_past_the_service(acme: TenantWithUsers, hers: Garden) -> None:
    own = Garden(acme.tenant, acme.approver, "mkown").row(Approval)
    with tenant_scope(acme.tenant.id, acme.approver.id):
        assert Approval.objects.filter(pk=hers.row(Approval).pk).update(status="approved") == 1
        with pytest.raises(Error, match="row-level security"), transaction.atomic():
            Approval.objects.filter(pk=own.pk).update(status="approved")
    with tenant_scope(acme.tenant.id, acme.member.id):
        assert Approval.objects.update(status="approved") == 0


def made(model: Any, garden: Garden, **changes: Any) -> Any:
    """Return an unsaved copy of a planted row."""
    row = model.objects.using("system").get(pk=garden.row(model).pk)
    row.pk, row._state.adding, row._state.db = new_id(), True, "default"
    for name, value in changes.items():
        setattr(row, name, value)
    return row


@pytest.mark.parametrize(
    ("model", "changes"),
    [
        (Run, {}),
        (Step, {"path": "9.9"}),
        (RunEvents, {"first_seq": 9, "last_seq": 9}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_nothing_is_written_in_anothers_name_nor_into_anothers_run(
    acme: TenantWithUsers, hers: Garden, colleagues: Garden, strangers: Garden, model: Any, changes: dict[str, Any]
) -> None:
    forged = [
        made(model, colleagues, **changes),  # as the colleague
        made(model, strangers, **changes),  # in another tenant
        made(model, colleagues, **changes, user_id=acme.member.id),  # her own, in the colleague's run
    ]
    with tenant_scope(acme.tenant.id, acme.member.id):
        for row in forged:
            with pytest.raises(Error, match="row-level security"), transaction.atomic():
                row.save(force_insert=True)
        made(model, hers, **changes).save(force_insert=True)


def test_the_view_gives_each_member_her_roles_scopes(acme: TenantWithUsers, globex: TenantWithUsers) -> None:
    for role, user in acme.users.items():
        with tenant_scope(acme.tenant.id, user.id), connections["default"].cursor() as cursor:
            cursor.execute(f"SELECT scopes FROM {RIGHTS} WHERE user_id = %s", [user.id])
            assert [frozenset(held) for (held,) in cursor.fetchall()] == [scopes.scopes_of(role)]
            cursor.execute(f"SELECT count(*) FROM {RIGHTS} WHERE tenant_id = %s", [globex.tenant.id])
            assert cursor.fetchone() == (0,)


def test_a_policy_asks_for_scopes_that_there_are(database: None) -> None:
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT concat_ws(' ', qual, with_check) FROM pg_policies")
        asked = {scope for (text,) in cursor.fetchall() for scope in re.findall(r"'([a-z_]+:[a-z_]+)'", text)}
    assert EVERYTHING == scopes.ADMIN
    assert asked > {scopes.ADMIN, "runs:read_all"}
    assert asked <= scopes.ALL_SCOPES


@pytest.mark.parametrize("role", [role for role in Role.values if role != Role.ADMIN])
def test_nobody_gives_herself_a_right_past_the_service(acme: TenantWithUsers, role: str) -> None:
    own = Garden(acme.tenant, acme.users[role], "mkown")
    grant = own.row(Grant)
    with tenant_scope(acme.tenant.id, acme.users[role].id):
        with pytest.raises(Error, match="row-level security"), transaction.atomic():
            Membership.objects.update(role=Role.ADMIN)
        assert TenantRole.objects.update(scopes=[EVERYTHING]) == 0
        assert Membership.objects.all()._raw_delete("default") == 0
        for row in (
            TenantRole(tenant=acme.tenant, name="mine", scopes=[EVERYTHING]),
            Membership(tenant=acme.tenant, user=acme.users[role], role=Role.ADMIN),
            Grant(permission=grant.permission, user=acme.users[role], content_object=grant.content_object),
            made(ServiceAccount, own, name="mine", scopes=[EVERYTHING]),
        ):
            refusal = "permission denied" if isinstance(row, Membership) else "row-level security"
            with pytest.raises(Error, match=refusal), transaction.atomic():
                row.save(using="default", force_insert=True)


@pytest.mark.parametrize("model", [ServiceAccount, RefreshToken, Grant, AuditRow], ids=lambda model: model.__name__)
def test_keys_sessions_grants_and_deeds_are_her_own(
    acme: TenantWithUsers, hers: Garden, colleagues: Garden, strangers: Garden, model: Any
) -> None:
    assert seen(model, acme, Role.MEMBER) == {hers.row(model).pk}
    readers = {
        role for role in Role.values if seen(model, acme, role) >= {hers.row(model).pk, colleagues.row(model).pk}
    }
    assert (
        readers
        == {
            ServiceAccount: {Role.AUDITOR, Role.ADMIN},
            RefreshToken: set(),
            Grant: {Role.AUDITOR, Role.ADMIN},
            AuditRow: {Role.AUDITOR, Role.ADMIN},
        }[model]
    )


def test_nobody_writes_the_trail_in_anothers_name(acme: TenantWithUsers) -> None:
    with tenant_scope(acme.tenant.id, acme.admin.id):
        with pytest.raises(Error, match="row-level security"), transaction.atomic():
            audit.append([audit.Entry("a", "b", "c", {}, acme.member.id)], tenant_id=acme.tenant.id)
        audit.append([audit.Entry("a", "b", "c", {}, acme.admin.id)], tenant_id=acme.tenant.id)
        audit.append([audit.Entry("a", "b", "c")], tenant_id=acme.tenant.id)
