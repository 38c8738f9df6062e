"""Roles as rows: seeded, made by a tenant, given within what the giver holds, read by the database's policies."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from django.db import DatabaseError, IntegrityError, connections, transaction
from django.test import Client
from django.urls import reverse

from accounts import audit, policies, principals
from accounts.models import AuditRow, Membership, Role, TenantRole
from accounts.principals import Principal
from accounts.scopes import ROLE_SCOPES, scopes_of
from accounts.services import invitations, members, roles
from accounts.tenancy import tenant_scope
from agentos.core.errors import AgentOSError, Conflict, Invalid, NotFound, PolicyDenied
from tests.conftest import MakeUser, TenantWithUsers


def own(acme: TenantWithUsers, name: str, *granted: str) -> TenantRole:
    return roles.create(acme.principal("admin"), name=name, scopes_asked=granted)


def holding(acme: TenantWithUsers, *scopes: str) -> Principal:
    """Return a member whose role of the tenant's own grants these scopes."""
    own(acme, "special", *scopes)
    members.change_role(acme.principal("admin"), user_id=acme.member.id, role="special")
    found = principals.load(acme.member.id, acme.tenant.id)
    assert found is not None
    return found


def test_a_new_tenant_has_the_built_in_roles(acme: TenantWithUsers) -> None:
    rows = TenantRole.objects.using("system").filter(tenant_id=acme.tenant.id)
    assert {row.name: frozenset(row.scopes) for row in rows} == ROLE_SCOPES
    assert all(row.built_in for row in rows)


def test_the_built_in_roles_follow_the_code(acme: TenantWithUsers, globex: TenantWithUsers) -> None:
    assert roles.sync() == 0
    rows = TenantRole.objects.using("system").filter(tenant_id=acme.tenant.id)
    rows.filter(name=Role.VIEWER).update(scopes=["audit:read"])
    own(globex, "auditors-2", "audit:read")
    assert roles.sync() == 1
    assert frozenset(rows.get(name=Role.VIEWER).scopes) == scopes_of(Role.VIEWER)
    assert TenantRole.objects.using("system").get(name="auditors-2").scopes == ["audit:read"]


def test_a_role_of_ones_own_grants_what_it_says(acme: TenantWithUsers) -> None:
    principal = holding(acme, "agents:helpdesk:run", "tools:restart_service:call", "privacy:*")
    assert principal.role == "special"
    assert principal.has("agents:helpdesk:run")
    assert principal.has("privacy:export")
    assert not principal.has("agents:approvals:run")
    assert not principal.has("tools:process_refund:call")
    trail = AuditRow.objects.using("system").order_by("seq").values_list("action", flat=True)
    assert list(trail) == ["role.created", "member.role_changed"]
    assert audit.verify(acme.tenant.id) is None


def test_a_change_is_in_force_at_the_next_look(acme: TenantWithUsers) -> None:
    holding(acme, "agents:run")
    role = TenantRole.objects.using("system").get(name="special")
    roles.change(acme.principal("admin"), role_id=role.id, scopes_asked=["agents:read"])
    now = principals.load(acme.member.id, acme.tenant.id)
    assert now is not None
    assert now.scopes == {"agents:read"}


@pytest.mark.parametrize("name", ["", "Viewer", "a b", "1st", "x" * 49, "é", "a\n", "-a"])
def test_bad_names(acme: TenantWithUsers, name: str) -> None:
    with pytest.raises(Invalid):
        own(acme, name, "agents:read")


@pytest.mark.parametrize("scope", ["agent_os:admin", "agents:fly", "*", "agents:*", "tools::call", "x:y:z", ""])
def test_scopes_that_no_role_can_have(acme: TenantWithUsers, scope: str) -> None:
    with pytest.raises(Invalid) as refused:
        own(acme, "special", scope)
    assert refused.value.code == "unknown_scope"


@pytest.mark.parametrize("scopes", [["approvals:read"], ["approvals:decide", "runs:read_all"], ["approvals:decide"]])
def test_a_scope_that_shows_nothing_alone_is_not_granted_alone(acme: TenantWithUsers, scopes: list[str]) -> None:
    with pytest.raises(Invalid) as refused:
        own(acme, "special", *scopes)
    assert refused.value.code == "scope_needs_another"
    whole = ["approvals:decide", "approvals:read", "runs:read_all"]
    assert own(acme, "special", *whole).scopes == whole


def test_names_are_taken_once(acme: TenantWithUsers, globex: TenantWithUsers) -> None:
    own(acme, "special", "agents:read")
    own(globex, "special", "agents:read")
    for name in ("special", "viewer"):
        with pytest.raises(Conflict):
            own(acme, name, "agents:read")


def test_nobody_grants_more_than_she_holds(acme: TenantWithUsers, make_user: MakeUser) -> None:
    own(acme, "reader", "agents:read")
    own(acme, "powerful", "agents:read", "audit:read")
    leader = holding(acme, "members:write", "agents:read", "agents:helpdesk:run")
    narrowed = roles.create(leader, name="narrow", scopes_asked=["agents:helpdesk:read", "agents:helpdesk:run"])
    invitations.invite(leader, email="new@acme.test", role="narrow")
    member = make_user(acme.tenant, "narrow", "named@acme.test")
    members.change_role(leader, user_id=member.id, role="reader")
    by_id = {row.name: row.id for row in TenantRole.objects.using("system").filter(tenant_id=acme.tenant.id)}
    beyond = [
        lambda: roles.create(leader, name="more", scopes_asked=["audit:read"]),
        lambda: roles.create(leader, name="more", scopes_asked=["agents:run"]),
        lambda: roles.create(leader, name="more", scopes_asked=["privacy:*"]),
        lambda: roles.change(leader, role_id=narrowed.id, scopes_asked=["agents:run"]),
        lambda: roles.change(leader, role_id=by_id["powerful"], scopes_asked=["agents:read"]),
        lambda: roles.delete(leader, role_id=by_id["powerful"]),
        lambda: invitations.invite(leader, email="x@acme.test", role="powerful"),
        lambda: invitations.invite(leader, email="x@acme.test", role="admin"),
        lambda: members.change_role(leader, user_id=member.id, role="powerful"),
        lambda: members.change_role(leader, user_id=acme.auditor.id, role="reader"),
        lambda: members.change_role(leader, user_id=leader.user_id, role="admin"),
        lambda: members.remove(leader, user_id=acme.admin.id),
    ]
    for attempt in beyond:
        with pytest.raises(PolicyDenied) as refused:
            attempt()
        assert refused.value.code == "grants_too_much"
    held = Membership.objects.using("system").get(user_id=member.id)
    assert held.role == "reader"
    assert not Membership.objects.using("system").filter(user__email="x@acme.test").exists()


def test_a_narrowed_key_grants_no_more_than_itself(acme: TenantWithUsers) -> None:
    key = replace(acme.principal("admin"), via="key", scopes=frozenset({"members:write", "agents:read"}))
    with pytest.raises(PolicyDenied):
        roles.create(key, name="special", scopes_asked=["audit:read"])
    with pytest.raises(PolicyDenied):
        members.change_role(key, user_id=acme.viewer.id, role="operator")


@pytest.mark.parametrize("role", ["viewer", "member", "operator", "approver", "auditor"])
def test_roles_are_made_by_who_writes_members(acme: TenantWithUsers, role: str) -> None:
    mine = own(acme, "special", "agents:read")
    principal = acme.principal(role)
    for attempt in (
        lambda: roles.create(principal, name="more", scopes_asked=["agents:read"]),
        lambda: roles.change(principal, role_id=mine.id, scopes_asked=[]),
        lambda: roles.delete(principal, role_id=mine.id),
    ):
        with pytest.raises(PolicyDenied):
            attempt()


def test_a_built_in_role_stays(acme: TenantWithUsers) -> None:
    viewer = TenantRole.objects.using("system").get(tenant_id=acme.tenant.id, name="viewer")
    for attempt in (
        lambda: roles.change(acme.principal("admin"), role_id=viewer.id, scopes_asked=["agents:run"]),
        lambda: roles.delete(acme.principal("admin"), role_id=viewer.id),
    ):
        with pytest.raises(Conflict):
            attempt()


def test_the_database_keeps_built_in_roles_from_the_application(acme: TenantWithUsers) -> None:
    with tenant_scope(acme.tenant.id, acme.admin.id):
        built_in = TenantRole.objects.filter(name="viewer")
        assert built_in.update(scopes=["agents:run"]) == 0
        assert built_in.delete()[0] == 0
        with pytest.raises(DatabaseError), transaction.atomic():
            TenantRole.objects.create(tenant_id=acme.tenant.id, name="mine", built_in=True)


def test_a_role_in_use_stays_and_a_role_that_is_none_has_nobody(acme: TenantWithUsers) -> None:
    holding(acme, "agents:read")
    role = TenantRole.objects.using("system").get(name="special")
    with pytest.raises(Conflict) as refused:
        roles.delete(acme.principal("admin"), role_id=role.id)
    assert refused.value.code == "role_in_use"
    with pytest.raises(IntegrityError), tenant_scope(acme.tenant.id, acme.admin.id):
        Membership.objects.filter(user_id=acme.member.id).update(role="emperor")
    with pytest.raises(Invalid):
        members.change_role(acme.principal("admin"), user_id=acme.member.id, role="emperor")
    members.change_role(acme.principal("admin"), user_id=acme.member.id, role="member")
    roles.delete(acme.principal("admin"), role_id=role.id)
    assert not TenantRole.objects.using("system").filter(name="special").exists()


def test_another_tenants_role_is_nobodys_here(acme: TenantWithUsers, globex: TenantWithUsers) -> None:
    theirs = own(globex, "theirs", "agents:read")
    with pytest.raises(NotFound):
        roles.change(acme.principal("admin"), role_id=theirs.id, scopes_asked=[])
    with pytest.raises(NotFound):
        roles.delete(acme.principal("admin"), role_id=theirs.id)
    with pytest.raises(Invalid):
        members.change_role(acme.principal("admin"), user_id=acme.member.id, role="theirs")


@pytest.mark.parametrize(("role", "holds"), [("viewer", False), ("operator", True), ("auditor", True), ("admin", True)])
def test_policies_know_what_a_role_grants(
    acme: TenantWithUsers, globex: TenantWithUsers, role: str, holds: bool
) -> None:
    assert _held(acme.tenant.id, acme.users[role].id, "runs:read_all") is holds
    assert _held(globex.tenant.id, acme.users[role].id, "runs:read_all") is False


def test_policies_know_a_role_of_ones_own(acme: TenantWithUsers) -> None:
    assert not _held(acme.tenant.id, acme.member.id, "runs:read_all")
    holding(acme, "runs:read_all")
    assert _held(acme.tenant.id, acme.member.id, "runs:read_all")
    assert not _held(acme.tenant.id, None, "runs:read_all")


def _held(tenant_id: UUID, user_id: UUID | None, scope: str) -> bool:
    with tenant_scope(tenant_id, user_id), connections["default"].cursor() as cursor:
        cursor.execute(f"SELECT {policies.holds(scope)}")
        return bool(cursor.fetchone()[0])


class TestAdmin:
    """The pages, through the stock handler with its whole middleware."""

    @pytest.fixture
    def browser(self, acme: TenantWithUsers) -> Client:
        browser = Client()
        browser.post(reverse("sign_in"), {"email": "admin@acme.test", "password": "demo"})
        return browser

    def test_a_role_is_made_given_changed_and_deleted(self, browser: Client, acme: TenantWithUsers) -> None:
        fields: dict[str, Any] = {"name": "desk", "description": "The desk", "general": ["agents:read", "runs:read"]}
        made = browser.post(reverse("admin:accounts_tenantrole_add"), {**fields, "named": "agents:helpdesk:run\n"})
        assert made.status_code == 302
        role = TenantRole.objects.using("system").get(name="desk")
        assert role.scopes == ["agents:helpdesk:run", "agents:read", "runs:read"]
        place = Membership.objects.using("system").get(user_id=acme.member.id)
        page = reverse("admin:accounts_membership_change", args=[place.id])
        assert 'value="desk"' in browser.get(page).content.decode()
        assert browser.post(page, {"role": "desk"}).status_code == 302
        change = reverse("admin:accounts_tenantrole_change", args=[role.id])
        assert "agents:helpdesk:run" in browser.get(change).content.decode()
        browser.post(change, {"description": "", "general": ["agents:read"], "named": ""})
        role.refresh_from_db(using="system")
        assert role.scopes == ["agents:read"]
        delete = reverse("admin:accounts_tenantrole_delete", args=[role.id])
        browser.post(delete, {"post": "yes"})
        assert TenantRole.objects.using("system").filter(name="desk").exists()
        browser.post(page, {"role": "viewer"})
        assert browser.post(delete, {"post": "yes"}).status_code == 302
        assert not TenantRole.objects.using("system").filter(name="desk").exists()

    def test_a_bad_scope_is_told_and_kept_nowhere(self, browser: Client, acme: TenantWithUsers) -> None:
        fields = {"name": "desk", "general": ["agents:read"], "named": "agents:helpdesk:fly"}
        told = browser.post(reverse("admin:accounts_tenantrole_add"), fields, follow=True).content.decode()
        assert "agents:helpdesk:fly" in told
        assert not TenantRole.objects.using("system").filter(name="desk").exists()

    def test_a_built_in_role_is_read_only(self, browser: Client, acme: TenantWithUsers) -> None:
        role = TenantRole.objects.using("system").get(tenant_id=acme.tenant.id, name="viewer")
        page = reverse("admin:accounts_tenantrole_change", args=[role.id])
        assert "Read sessions (sessions:read)" in browser.get(page).content.decode()
        assert browser.post(page, {"general": ["agents:run"]}).status_code == 403
        assert browser.post(reverse("admin:accounts_tenantrole_delete", args=[role.id])).status_code == 403

    def test_who_writes_members_may_and_an_operator_may_not(self, acme: TenantWithUsers) -> None:
        holding(acme, "members:write", "agents:read")
        leader, operator = Client(), Client()
        leader.post(reverse("sign_in"), {"email": "member@acme.test", "password": "demo"})
        operator.post(reverse("sign_in"), {"email": "operator@acme.test", "password": "demo"})
        add = reverse("admin:accounts_tenantrole_add")
        page = leader.get(add).content.decode()
        assert 'value="agents:read"' in page
        assert 'value="audit:read"' not in page
        assert operator.get(add).status_code == 403
        refused = leader.post(add, {"name": "desk", "general": [], "named": "agents:helpdesk:run"})
        assert refused.status_code == 403
        with pytest.raises(AgentOSError):
            roles.create(acme.principal("operator"), name="desk", scopes_asked=[])
