"""Single grants: in guardian's direct tables, part of what a principal may, given and taken in the admin."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from django.db import DatabaseError, IntegrityError, connections, transaction
from django.test import Client
from django.urls import reverse
from guardian.core import ObjectPermissionChecker
from guardian.shortcuts import assign_perm, get_objects_for_user

from accounts import audit, principals
from accounts.models import AuditRow, Grant, Membership, Resource, User
from accounts.principals import Principal
from accounts.seam import in_thread
from accounts.services import grants, members, roles, service_accounts
from accounts.tenancy import tenant_scope
from agentos.core.errors import Conflict, Invalid, NotFound, PolicyDenied
from agentos.lean import LeanHandler
from knowledge.services import bases
from tests.conftest import TenantWithUsers


@pytest.fixture(autouse=True)
def _fresh() -> None:
    principals.cache.forget()


def give(acme: TenantWithUsers, user: User, scope: str) -> Grant:
    kind, name, verb = scope.split(":")
    return grants.give(acme.principal("admin"), user_id=user.id, kind=kind, name=name, verb=verb)


def now(acme: TenantWithUsers, user: User) -> Principal:
    found = principals.load(user.id, acme.tenant.id)
    assert found is not None
    return found


def test_a_grant_adds_just_that_to_a_role(acme: TenantWithUsers, globex: TenantWithUsers) -> None:
    give(acme, acme.viewer, "agents:helpdesk:run")
    give(acme, acme.viewer, "tools:restart_service:call")
    viewer = now(acme, acme.viewer)
    assert viewer.has("agents:helpdesk:run")
    assert viewer.has("tools:restart_service:call")
    assert viewer.grants == {"agents:helpdesk:run", "agents:helpdesk:read", "tools:restart_service:call"}
    for other in ("agents:run", "agents:approvals:run", "tools:call", "tools:process_refund:call", "agents:*:run"):
        assert not viewer.has(other)
    assert not now(acme, acme.auditor).has("agents:helpdesk:run")
    assert not now(globex, globex.viewer).has("agents:helpdesk:run")


def test_a_role_without_the_general_scope_is_held_to_its_grants(acme: TenantWithUsers) -> None:
    roles.create(acme.principal("admin"), name="restricted", scopes_asked=["sessions:read", "runs:read"])
    members.change_role(acme.principal("admin"), user_id=acme.member.id, role="restricted")
    give(acme, acme.member, "agents:helpdesk:run")
    member = now(acme, acme.member)
    assert member.has("agents:helpdesk:read")
    assert member.has_any("agents", "run")
    assert not member.has("agents:approvals:read")
    assert not member.has_any("tools", "call")


def test_a_knowledge_base_is_granted_as_components_are(acme: TenantWithUsers, globex: TenantWithUsers) -> None:
    bases.create(acme.principal("admin"), slug="handbook", name="Handbook")
    bases.create(globex.principal("admin"), slug="theirs", name="Theirs")
    roles.create(acme.principal("admin"), name="restricted", scopes_asked=["runs:read"])
    members.change_role(acme.principal("admin"), user_id=acme.member.id, role="restricted")
    give(acme, acme.member, "knowledge:handbook:write")
    member = now(acme, acme.member)
    assert member.grants == {"knowledge:handbook:read", "knowledge:handbook:write"}
    assert member.has_any("knowledge", "read")
    for scope in ("knowledge:read", "knowledge:other:read", "knowledge:handbook:delete"):
        assert not member.has(scope)
    with pytest.raises(Invalid, match="There is no"):
        give(acme, acme.member, "knowledge:theirs:read")


def test_guardians_checker_and_ours_agree(acme: TenantWithUsers) -> None:
    given = ["agents:helpdesk:read", "agents:approvals:run", "tools:restart_service:call"]
    for scope in given:
        give(acme, acme.viewer, scope)
    give(acme, acme.auditor, "agents:helpdesk:run")
    with tenant_scope(acme.tenant.id, acme.viewer.id):
        things = list(Resource.objects.all())
        for user in (acme.viewer, acme.auditor, acme.member):
            checker = ObjectPermissionChecker(user)
            checker.prefetch_perms(things)
            theirs = {
                f"{thing.kind}:{thing.name}:{verb}"
                for thing in things
                for verb in ("read", "run", "call", "write")
                if checker.has_perm(f"{verb}_resource", thing)
            }
            ours = set(Grant.objects.filter(user=user).values_list("id", flat=True))
            assert theirs == {grant.scope for grant in Grant.objects.filter(id__in=ours)}
            assert theirs <= now(acme, user).grants


def test_guardians_own_functions_write_the_same_rows(acme: TenantWithUsers) -> None:
    give(acme, acme.auditor, "agents:helpdesk:read")
    with tenant_scope(acme.tenant.id, acme.admin.id):
        thing = Resource.objects.get()
        assign_perm("run_resource", acme.viewer, thing)
        assert list(get_objects_for_user(acme.viewer, "accounts.run_resource", accept_global_perms=False)) == [thing]
    assert now(acme, acme.viewer).has("agents:helpdesk:run")


def test_taking_back_and_giving_twice(acme: TenantWithUsers) -> None:
    grant = give(acme, acme.viewer, "tools:restart_service:call")
    with pytest.raises(Conflict):
        give(acme, acme.viewer, "tools:restart_service:call")
    grants.take(acme.principal("admin"), grant_id=grant.id)
    assert now(acme, acme.viewer).grants == frozenset()
    with pytest.raises(NotFound):
        grants.take(acme.principal("admin"), grant_id=grant.id)
    trail = AuditRow.objects.using("system").order_by("seq").values_list("action", flat=True)
    assert list(trail) == ["grant.given", "grant.taken"]
    assert audit.verify(acme.tenant.id) is None


@pytest.mark.parametrize(
    "scope",
    ["agents:nothing:run", "agents:*:run", "agents::run", "agents:helpdesk:call", "tools:restart_service:run",
     "sessions:x:read", "tools:helpdesk:call", "agents:helpdesk:*"],
)  # fmt: skip
def test_what_cannot_be_granted(acme: TenantWithUsers, scope: str) -> None:
    with pytest.raises(Invalid):
        give(acme, acme.viewer, scope)
    assert not Resource.objects.using("system").exists()


def test_nobody_grants_more_than_she_holds(acme: TenantWithUsers) -> None:
    leader = replace(acme.principal("admin"), scopes=frozenset({"members:write", "agents:helpdesk:run"}))
    asked: dict[str, Any] = {"user_id": acme.viewer.id, "kind": "agents", "verb": "run"}
    made = grants.give(leader, name="helpdesk", **asked)
    with pytest.raises(PolicyDenied):
        grants.give(leader, name="approvals", **asked)
    beyond = give(acme, acme.viewer, "tools:restart_service:call")
    with pytest.raises(PolicyDenied):
        grants.take(leader, grant_id=beyond.id)
    for role in ("viewer", "member", "operator", "approver", "auditor"):
        with pytest.raises(PolicyDenied):
            grants.give(acme.principal(role), name="helpdesk", **asked)
        with pytest.raises(PolicyDenied):
            grants.take(acme.principal(role), grant_id=made.id)


def test_a_stranger_is_granted_nothing_and_sees_no_grant(acme: TenantWithUsers, globex: TenantWithUsers) -> None:
    grant = give(acme, acme.viewer, "agents:helpdesk:run")
    with pytest.raises(NotFound):
        give(acme, globex.viewer, "agents:helpdesk:run")
    with pytest.raises(NotFound):
        grants.take(globex.principal("admin"), grant_id=grant.id)
    with tenant_scope(globex.tenant.id, globex.admin.id):
        assert not Grant.objects.exists()
        assert not Resource.objects.exists()


def test_the_database_keeps_grants_within_their_tenant(acme: TenantWithUsers, globex: TenantWithUsers) -> None:
    grant = give(acme, acme.viewer, "agents:helpdesk:run")
    with pytest.raises(IntegrityError), tenant_scope(acme.tenant.id, acme.admin.id):
        Grant.objects.create(user=globex.viewer, permission=grant.permission, content_object=grant.content_object)
    with pytest.raises(DatabaseError), tenant_scope(globex.tenant.id, globex.admin.id):
        Grant.objects.create(user=globex.viewer, permission=grant.permission, content_object=grant.content_object)
    generic = "guardian_userobjectpermission"
    for statement in (f"INSERT INTO {generic} DEFAULT VALUES", f"DELETE FROM {generic}"):
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            connections["default"].cursor().execute(statement)


def test_grants_end_with_the_membership(acme: TenantWithUsers) -> None:
    give(acme, acme.viewer, "agents:helpdesk:run")
    members.remove(acme.principal("admin"), user_id=acme.viewer.id)
    assert not Grant.objects.using("system").exists()
    Membership.objects.using("system").create(tenant_id=acme.tenant.id, user_id=acme.viewer.id, role="viewer")
    assert now(acme, acme.viewer).grants == frozenset()


async def test_a_key_narrows_grants_too(acme: TenantWithUsers) -> None:
    await in_thread(give, acme, acme.viewer, "agents:helpdesk:run")
    asked = {"tenant_id": acme.tenant.id, "user_id": acme.viewer.id}
    _, wide = await in_thread(service_accounts.create, name="wide", scopes_asked=["agents:run"], **asked)
    _, other = await in_thread(service_accounts.create, name="other", scopes_asked=["tools:call"], **asked)
    principal = await service_accounts.verify(wide)
    assert principal is not None
    assert principal.scopes == {"agents:helpdesk:run"}
    assert principal.limits == {"agents:run"}
    nothing = await service_accounts.verify(other)
    assert nothing is not None
    assert nothing.scopes == frozenset()


async def test_one_look_serves_the_log_in_and_the_gate(acme: TenantWithUsers) -> None:
    loads = 0

    def load() -> Principal | None:
        nonlocal loads
        loads += 1
        return principals.load(acme.member.id, acme.tenant.id)

    await principals.cache.get("anything", load)
    known = await principals.cache.get((acme.member.id, acme.tenant.id, None), load)
    assert known is not None
    assert (known.user_id, loads) == (acme.member.id, 1)


@pytest.fixture
async def client(database: None) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=LeanHandler())  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver/api") as client:
        yield client


async def get(client: httpx.AsyncClient, user: User, path: str) -> httpx.Response:
    signed = await client.post("/auth/token", json={"email": user.email, "password": "demo"})
    return await client.get(path, headers={"Authorization": f"Bearer {signed.json()['access']}"})


class TestRoutes:
    """Lists show what one may use, and one thing's route is as open as its grant."""

    async def test_everything_for_a_member(self, client: httpx.AsyncClient, acme: TenantWithUsers) -> None:
        shown = (await get(client, acme.member, "/agents")).json()
        assert {"approvals", "helpdesk"} <= {agent["id"] for agent in shown}
        assert all(agent["tools"]["tools"] for agent in shown)

    async def test_a_viewer_sees_agents_without_tools_that_she_may_not_call(
        self, client: httpx.AsyncClient, acme: TenantWithUsers
    ) -> None:
        await in_thread(give, acme, acme.viewer, "tools:restart_service:call")
        helpdesk = (await get(client, acme.viewer, "/agents/helpdesk")).json()
        assert [tool["name"] for tool in helpdesk["tools"]["tools"]] == ["restart_service"]
        listed = (await get(client, acme.viewer, "/registry?resource_type=tool")).json()["data"]
        assert {row["id"] for row in listed} == {"restart_service"}

    async def test_whoever_reads_policies_sees_every_tool(
        self, client: httpx.AsyncClient, acme: TenantWithUsers
    ) -> None:
        listed = (await get(client, acme.auditor, "/registry?resource_type=tool")).json()["data"]
        assert {"restart_service", "process_refund"} <= {row["id"] for row in listed}

    async def test_grants_alone_open_one_thing(self, client: httpx.AsyncClient, acme: TenantWithUsers) -> None:
        await in_thread(roles.create, acme.principal("admin"), name="bare", scopes_asked=["registry:read"])
        admin = acme.principal("admin")
        await in_thread(members.change_role, admin, user_id=acme.member.id, role="bare")
        assert (await get(client, acme.member, "/agents")).status_code == 403
        await in_thread(give, acme, acme.member, "agents:helpdesk:read")
        assert [agent["id"] for agent in (await get(client, acme.member, "/agents")).json()] == ["helpdesk"]
        assert (await get(client, acme.member, "/agents/helpdesk")).status_code == 200
        refused = await get(client, acme.member, "/agents/approvals")
        assert (refused.status_code, refused.json()["code"]) == (403, "missing_scope")
        shown = (await get(client, acme.member, "/registry")).json()["data"]
        assert [row["id"] for row in shown] == ["helpdesk"]


class TestAdmin:
    @pytest.fixture
    def browser(self, acme: TenantWithUsers) -> Client:
        browser = Client()
        browser.post(reverse("sign_in"), {"email": "admin@acme.test", "password": "demo"})
        return browser

    def test_a_grant_is_given_shown_and_taken(
        self, browser: Client, acme: TenantWithUsers, globex: TenantWithUsers
    ) -> None:
        add = reverse("admin:accounts_grant_add")
        form = browser.get(add).content.decode()
        assert "viewer@acme.test" in form or str(acme.viewer.id) in form
        assert str(globex.viewer.id) not in form
        assert 'value="agents:helpdesk:run"' in form
        answer = browser.post(add, {"user": str(acme.viewer.id), "what": "agents:helpdesk:run"})
        assert answer.status_code == 302
        grant = Grant.objects.using("system").get()
        assert (grant.tenant_id, grant.user_id, grant.scope) == (acme.tenant.id, acme.viewer.id, "agents:helpdesk:run")
        assert "helpdesk" in browser.get(reverse("admin:accounts_grant_changelist")).content.decode()
        page = reverse("admin:accounts_grant_change", args=[grant.id])
        assert browser.get(page).status_code == 200
        assert browser.post(page, {"what": "agents:approvals:run"}).status_code == 403
        taking = reverse("admin:accounts_grant_delete", args=[grant.id])
        assert f"agents:helpdesk:run for {acme.viewer}" in browser.get(taking).content.decode()
        browser.post(taking, {"post": "yes"})
        assert not Grant.objects.using("system").exists()

    def test_what_is_no_choice_is_refused(self, browser: Client, acme: TenantWithUsers) -> None:
        add = reverse("admin:accounts_grant_add")
        for what in ("agents:*:run", "agents:nothing:run", "members:write", ""):
            assert browser.post(add, {"user": str(acme.viewer.id), "what": what}).status_code == 200
        assert not Grant.objects.using("system").exists()

    @pytest.mark.parametrize(("role", "status"), [("auditor", 200), ("operator", 403), ("approver", 403)])
    def test_who_may_look(self, acme: TenantWithUsers, role: str, status: int) -> None:
        browser = Client()
        browser.post(reverse("sign_in"), {"email": f"{role}@acme.test", "password": "demo"})
        assert browser.get(reverse("admin:accounts_grant_changelist")).status_code == status
        assert browser.get(reverse("admin:accounts_grant_add")).status_code == 403
