"""Service accounts over the API and in the admin: keys shown once, rotated with an overlap, used, ended."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.contrib.messages import get_messages
from django.db import connections, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts import audit, principals
from accounts.auth import authenticate, renew
from accounts.models import AuditRow, Membership, Role, ServiceAccount, TenantRole, User
from accounts.principals import Principal
from accounts.scopes import ADMIN, FOR_PEOPLE
from accounts.seam import in_thread
from accounts.services import invitations, members, roles, service_accounts
from agentos.core.clock import utc_now
from agentos.core.errors import Conflict, Invalid, NotAuthenticated, NotFound, PolicyDenied
from agentos.lean import LeanHandler
from governance.policy.wanted import Wanted
from governance.services import policies
from tests.conftest import MakeUser, TenantWithUsers

DAY = timedelta(days=1)


@pytest.fixture
async def client(database: None) -> AsyncIterator[httpx.AsyncClient]:
    principals.cache.forget()
    transport = httpx.ASGITransport(app=LeanHandler())  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver/api") as client:
        yield client


async def sign_in(client: httpx.AsyncClient, email: str) -> None:
    answer = await client.post("/auth/token", json={"email": email, "password": "demo"})
    client.headers["Authorization"] = f"Bearer {answer.json()['access']}"


async def who(key: str) -> Principal:
    return await authenticate({"Authorization": f"Bearer {key}"}, {}, "GET", "testserver")


def admin_of(team: TenantWithUsers) -> Principal:
    return loaded(team, team.admin)


def made(team: TenantWithUsers, **changes: Any) -> tuple[ServiceAccount, str]:
    asked: dict[str, Any] = {"name": "ci", "scopes_asked": ["agents:run"], "user_id": team.member.id, **changes}
    return service_accounts.create(tenant_id=team.tenant.id, by=admin_of(team), **asked)


def rotated(team: TenantWithUsers, account: ServiceAccount, **changes: Any) -> tuple[ServiceAccount, str]:
    asked: dict[str, Any] = {"overlap": DAY, "expires_at": None, **changes}
    return service_accounts.rotate(admin_of(team), account_id=account.id, **asked)


async def test_a_key_signs_nobody_out(client: httpx.AsyncClient, acme: TenantWithUsers) -> None:
    """However little it may do otherwise, whoever has stolen it would keep its person away from all her tenants."""
    _, key = await in_thread(made, acme)
    stolen = {"Authorization": f"Bearer {key}"}
    await sign_in(client, "member@acme.test")
    refused = await client.post("/auth/logout", json={"all": True}, headers=stolen)
    assert (refused.status_code, refused.json()["code"]) == (403, "person_required")
    assert (await client.post("/auth/logout", headers=stolen)).status_code == 422
    assert (await client.get("/auth/me")).status_code == 200


async def test_a_key_is_made_listed_rotated_and_ended(client: httpx.AsyncClient, acme: TenantWithUsers) -> None:
    await sign_in(client, "admin@acme.test")
    body = {"name": "ci", "scopes": [{"scope": "agents:run", "effect": "allow"}], "user_id": str(acme.member.id)}
    answer = await client.post("/service-accounts", json=body)
    assert (answer.status_code, answer.headers["cache-control"]) == (201, "no-store")
    new = answer.json()
    assert new["principal"] == "sa:ci"
    assert new["scopes"] == [{"scope": "agents:run", "effect": "allow"}]
    assert new["expires_at"] - new["created_at"] == pytest.approx(90 * 86_400, abs=2)
    assert new["token"].startswith(new["token_prefix"])
    listed = (await client.get("/service-accounts")).json()
    assert new["token"] not in str(listed)
    assert [row["id"] for row in listed["data"]] == [new["id"]]
    assert listed["meta"] == {"page": 1, "limit": 20, "total_pages": 1, "total_count": 1, "search_time_ms": 0}
    assert (await who(new["token"])).user_id == acme.member.id
    path = f"/service-accounts/{new['id']}"
    next_key = (await client.post(f"{path}/rotate", json={"overlap_seconds": 60, "never_expires": True})).json()
    assert next_key["expires_at"] is None
    assert next_key["previous_until"] - next_key["rotated_at"] == 60
    for key in (new["token"], next_key["token"]):
        assert (await who(key)).user_id == acme.member.id
    for _ in range(2):
        assert (await client.delete(path)).status_code == 204
    for key in (new["token"], next_key["token"]):
        with pytest.raises(NotAuthenticated):
            await who(key)
    assert (await client.post(f"{path}/rotate", json={})).json()["code"] == "revoked"
    assert (await client.get("/service-accounts", params={"include_revoked": False})).json()["data"] == []


async def test_the_list_says_who_knows_a_key_and_may_less(client: httpx.AsyncClient, acme: TenantWithUsers) -> None:
    await in_thread(made, acme)
    await sign_in(client, "auditor@acme.test")
    member = Membership.objects.using("system").filter(user_id=acme.admin.id)
    for role, outgrown in ((Role.ADMIN, []), (Role.VIEWER, [str(acme.admin.id)])):
        await in_thread(member.update, role=role)
        (listed,) = (await client.get("/service-accounts")).json()["data"]
        assert listed["outgrown_by"] == outgrown


async def test_without_scopes_a_key_runs_and_reads(client: httpx.AsyncClient, acme: TenantWithUsers) -> None:
    await sign_in(client, "admin@acme.test")
    new = (await client.post("/service-accounts", json={"name": "ci", "never_expires": True})).json()
    assert {item["scope"] for item in new["scopes"]} == set(service_accounts.DEFAULT_SCOPES)
    assert new["user_id"] == str(acme.admin.id)
    assert new["expires_at"] is None
    assert not (await who(new["token"])).has("audit:read")


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"name": ""}, 422, "invalid"),
        ({"name": "a\x00b"}, 422, "invalid"),
        ({"scopes": ["fly"]}, 422, "unknown_scope"),
        ({"scopes": ["approvals:decide"]}, 422, "person_required"),
        ({"scopes": [{"scope": "agents:run", "effect": "deny"}]}, 422, "invalid"),
        ({"expires_in_days": 0}, 422, "invalid"),
        ({"user_id": "01a20a26-5031-750b-ac91-d7350556e89b"}, 422, "not_a_member"),
    ],
    ids=str,
)
async def test_bad_ones_are_refused(
    client: httpx.AsyncClient, acme: TenantWithUsers, change: dict[str, Any], status: int, code: str
) -> None:
    await sign_in(client, "admin@acme.test")
    answer = await client.post("/service-accounts", json={"name": "ci", **change})
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_strangers_have_no_way_to_it(
    client: httpx.AsyncClient, acme: TenantWithUsers, globex: TenantWithUsers
) -> None:
    account, key = await in_thread(made, acme)
    path = f"/service-accounts/{account.id}"
    await sign_in(client, "admin@globex.test")
    assert (await client.get("/service-accounts")).json()["data"] == []
    assert (await client.post(f"{path}/rotate", json={})).status_code == 404
    assert (await client.delete(path)).status_code == 404
    await sign_in(client, "member@acme.test")
    for answer in (
        await client.get("/service-accounts"),
        await client.post("/service-accounts", json={"name": "mine"}),
        await client.post(f"{path}/rotate", json={}),
        await client.delete(path),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope")
    assert (await who(key)).user_id == acme.member.id


async def test_a_stolen_key_makes_no_other(client: httpx.AsyncClient, acme: TenantWithUsers) -> None:
    scopes = ["service_accounts:write", "agents:run"]
    account, key = await in_thread(made, acme, user_id=acme.admin.id, scopes_asked=scopes)
    client.headers["Authorization"] = f"Bearer {key}"
    for answer in (
        await client.post("/service-accounts", json={"name": "other"}),
        await client.post(f"/service-accounts/{account.id}/rotate", json={}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "person_required")


def test_nobody_gives_a_key_more_than_she_holds_herself(acme: TenantWithUsers) -> None:
    roles = TenantRole.objects.using("system")
    reads = ["runs:read_all", "privacy:sensitive"]
    roles.create(tenant_id=acme.tenant.id, name="keeper", scopes=["service_accounts:write", "agents:run", *reads])
    Membership.objects.using("system").filter(user_id=acme.viewer.id).update(role="keeper")
    keeper = principals.load(acme.viewer.id, acme.tenant.id)
    assert keeper is not None
    asked: dict[str, Any] = {"tenant_id": acme.tenant.id, "user_id": acme.operator.id, "name": "x", "by": keeper}
    service_accounts.create(scopes_asked=["agents:run"], **asked)
    with pytest.raises(PolicyDenied, match="traces:read"):
        service_accounts.create(scopes_asked=["traces:read"], **{**asked, "name": "y"})
    account, _ = made(acme, name="wide", scopes_asked=["traces:read"], user_id=acme.operator.id)
    with pytest.raises(PolicyDenied, match="traces:read"):
        service_accounts.rotate(keeper, account_id=account.id, overlap=DAY, expires_at=None)
    own, _ = made(acme, name="own", user_id=acme.admin.id)
    with pytest.raises(PolicyDenied, match="herself"):
        service_accounts.rotate(keeper, account_id=own.id, overlap=DAY, expires_at=None)


def test_a_key_in_anothers_name_takes_who_may_read_her(acme: TenantWithUsers) -> None:
    """Else it would show its maker the sessions of a person whose words the database keeps from her."""
    keeper = replace(admin_of(acme), scopes=frozenset({"service_accounts:write", "sessions:read", "runs:read_all"}))
    asked: dict[str, Any] = {"tenant_id": acme.tenant.id, "scopes_asked": ["sessions:read"], "by": keeper}
    service_accounts.create(user_id=keeper.user_id, name="own", **asked)
    with pytest.raises(PolicyDenied, match="privacy:sensitive"):
        service_accounts.create(user_id=acme.member.id, name="hers", **asked)
    account, _ = made(acme, name="made", scopes_asked=["sessions:read"])
    with pytest.raises(PolicyDenied, match="privacy:sensitive"):
        service_accounts.rotate(keeper, account_id=account.id, overlap=DAY, expires_at=None)


def removed(team: TenantWithUsers) -> None:
    members.remove(admin_of(team), user_id=team.member.id)


def in_no_group(team: TenantWithUsers) -> None:
    with transaction.atomic(using="system"):
        members.leave_group(team.member, tenant_slug="acme")


def invited(team: TenantWithUsers) -> None:
    invitations.invite(admin_of(team), email=team.member.email, role=Role.MEMBER)
    with transaction.atomic(using="system"):
        invitations.accept_all(team.member)


def in_a_group(team: TenantWithUsers) -> None:
    with transaction.atomic(using="system"):
        members.follow_group(team.member, tenant_slug="acme", role=Role.MEMBER)


def left_without_a_word(team: TenantWithUsers) -> None:
    """End a membership as a process does that dies right after it."""
    Membership.objects.using("system").filter(tenant=team.tenant, user=team.member).delete()


@pytest.mark.parametrize("leave", [removed, in_no_group])
@pytest.mark.parametrize("join", [invited, in_a_group])
def test_a_key_ends_with_its_users_membership_for_good(
    acme: TenantWithUsers, leave: Callable[[TenantWithUsers], None], join: Callable[[TenantWithUsers], None]
) -> None:
    account, key = made(acme)
    leave(acme)
    account.refresh_from_db(using="system")
    assert account.revoked_at is not None
    ended = AuditRow.objects.using("system").filter(action="service_account.revoked", object_id=str(account.id))
    assert [row.detail for row in ended] == [{"user_left": True}]
    join(acme)
    assert is_dead(key)


@pytest.mark.parametrize("join", [invited, in_a_group])
def test_a_key_that_nobody_ended_does_not_live_again(
    acme: TenantWithUsers, join: Callable[[TenantWithUsers], None]
) -> None:
    _, key = made(acme)
    left_without_a_word(acme)
    join(acme)
    assert is_dead(key)
    _, fresh = made(acme, name="of today")
    assert not is_dead(fresh)


def is_dead(key: str) -> bool:
    principals.cache.forget()
    return service_accounts._used(service_accounts._hash(key)) is None


async def test_the_old_key_ends_with_the_overlap_and_with_the_next_rotation(acme: TenantWithUsers) -> None:
    account, first = await in_thread(made, acme)
    reader = await who(first)
    _, second = await in_thread(rotated, acme, account)
    assert await renew(reader) == reader
    _, third = await in_thread(rotated, acme, account)
    with pytest.raises(NotAuthenticated):
        await who(first)
    assert await renew(reader) is None
    assert (await who(second)).user_id == (await who(third)).user_id == acme.member.id
    past = utc_now() - timedelta(seconds=1)
    await in_thread(ServiceAccount.objects.using("system").update, previous_until=past)
    principals.cache.forget()
    with pytest.raises(NotAuthenticated):
        await who(second)
    assert (await who(third)).user_id == acme.member.id


async def test_no_overlap_ends_the_old_key_at_once_and_none_outlives_its_own_end(acme: TenantWithUsers) -> None:
    soon = utc_now() + timedelta(hours=1)
    account, first = await in_thread(made, acme, expires_at=soon)
    account, _ = await in_thread(rotated, acme, account)
    assert account.previous_until == soon
    account, _ = await in_thread(rotated, acme, account, overlap=timedelta(0))
    with pytest.raises(NotAuthenticated):
        await who(first)
    for overlap in (timedelta(days=31), timedelta(seconds=-1)):
        with pytest.raises(Invalid):
            await in_thread(rotated, acme, account, overlap=overlap)


async def test_the_last_use_is_written_once_a_minute(acme: TenantWithUsers) -> None:
    account, key = await in_thread(made, acme)

    def used_at() -> Any:
        return ServiceAccount.objects.using("system").get(id=account.id).last_used_at

    assert await in_thread(used_at) is None
    await who(key)
    first = await in_thread(used_at)
    assert first is not None
    principals.cache.forget()
    await who(key)
    assert await in_thread(used_at) == first
    await in_thread(ServiceAccount.objects.using("system").update, last_used_at=first - timedelta(seconds=61))
    principals.cache.forget()
    await who(key)
    assert await in_thread(used_at) >= first


def test_no_key_stands_in_the_database_and_all_is_audited(acme: TenantWithUsers) -> None:
    account, first = made(acme)
    _, second = rotated(acme, account)
    service_accounts.revoke(tenant_id=acme.tenant.id, account_id=account.id, actor_id=acme.admin.id)
    rows = list(AuditRow.objects.using("system").order_by("seq"))
    assert [row.action for row in rows] == [
        "service_account.created",
        "service_account.rotated",
        "service_account.revoked",
    ]
    assert {row.actor_id for row in rows} == {acme.admin.id}
    assert audit.verify(acme.tenant.id) is None
    with connections["system"].cursor() as cursor:
        for table in ("accounts_serviceaccount", "accounts_auditrow"):
            cursor.execute(f"SELECT row_to_json(t)::text FROM {table} t")
            stored = " ".join(text for (text,) in cursor.fetchall())
            assert first.split("_", 2)[2] not in stored
            assert second.split("_", 2)[2] not in stored


def test_a_key_that_is_looked_up_by_its_hash_uses_an_index(acme: TenantWithUsers) -> None:
    with transaction.atomic(using="system"), connections["system"].cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("EXPLAIN SELECT 1 FROM accounts_serviceaccount WHERE key_hash = 'x' OR previous_hash = 'x'")
        plan = " ".join(line for (line,) in cursor.fetchall())
    assert "service_account_by_key" in plan
    assert "service_account_by_previous" in plan


def test_the_admin_replaces_a_key_and_shows_the_new_one_once(acme: TenantWithUsers) -> None:
    account, _ = made(acme)
    other, _ = made(acme, name="other")
    browser = Client()
    browser.post(reverse("sign_in"), {"email": "admin@acme.test", "password": "demo"})
    place = reverse("admin:accounts_serviceaccount_changelist")

    def act(*accounts: ServiceAccount) -> Any:
        chosen = [str(account.id) for account in accounts]
        return browser.post(place, {"action": "rotate_key", "_selected_action": chosen, "index": "0"})

    shown = act(account)
    found = re.search(r"aos_[0-9a-f]{8}_[\w-]{43}", shown.content.decode())
    assert found
    assert "no-store" in shown["Cache-Control"]
    assert found[0] not in browser.get(place).content.decode()
    both = act(account, other)
    assert "Select one" in [str(message) for message in get_messages(both.wsgi_request)][-1]
    service_accounts.revoke(tenant_id=acme.tenant.id, account_id=account.id)
    refused = act(account)
    assert "revoked" in [str(message) for message in get_messages(refused.wsgi_request)][-1]


def replace_on_the_page(account: ServiceAccount) -> tuple[Any, ServiceAccount]:
    browser = Client()
    browser.post(reverse("sign_in"), {"email": "admin@acme.test", "password": "demo"})
    chosen = {"action": "rotate_key", "_selected_action": [str(account.id)], "index": "0"}
    answer = browser.post(reverse("admin:accounts_serviceaccount_changelist"), chosen)
    return answer, ServiceAccount.objects.using("system").get(id=account.id)


@pytest.mark.parametrize("days", [9, 365])
def test_a_key_replaced_on_the_page_lives_as_long_as_the_one_before(acme: TenantWithUsers, days: int) -> None:
    """From now on, however often it is replaced, not ninety days whatever was meant."""
    account, _ = made(acme, expires_at=utc_now() + timedelta(days=days))
    long_ago = {
        "created_at": account.created_at - timedelta(days=8),
        "expires_at": utc_now() + timedelta(days=days - 8),
    }
    ServiceAccount.objects.using("system").filter(id=account.id).update(**long_ago)
    for _ in range(2):
        _, account = replace_on_the_page(account)
        assert account.expires_at is not None and account.rotated_at is not None
        lives = account.expires_at - account.rotated_at
        assert lives.total_seconds() == pytest.approx(timedelta(days=days).total_seconds(), abs=60)


def test_what_never_ends_stays_so_when_it_is_replaced_on_the_page(acme: TenantWithUsers) -> None:
    account, _ = made(acme)
    _, after = replace_on_the_page(account)
    assert after.rotated_at is not None
    assert after.expires_at is None


def test_no_expired_key_is_replaced_on_the_page(acme: TenantWithUsers) -> None:
    account, _ = made(acme, expires_at=utc_now() - timedelta(seconds=1))
    answer, after = replace_on_the_page(account)
    assert "has expired" in [str(message) for message in get_messages(answer.wsgi_request)][-1]
    assert (after.key_hash, after.expires_at) == (account.key_hash, account.expires_at)


def statements(ask: Callable[[], object]) -> int:
    with (
        CaptureQueriesContext(connections["default"]) as default,
        CaptureQueriesContext(connections["system"]) as system,
    ):
        ask()
    return len(default) + len(system)


def test_many_accounts_take_no_more_statements_than_one(acme: TenantWithUsers, make_user: MakeUser) -> None:
    browser = Client()
    browser.post(reverse("sign_in"), {"email": "admin@acme.test", "password": "demo"})
    place, reader = reverse("admin:accounts_serviceaccount_changelist"), admin_of(acme)

    def page() -> None:
        assert b"may less" in browser.get(place).content

    def listed() -> None:
        rows, _ = service_accounts.listed(reader, page=1, limit=50)
        assert all(standing.outgrown_by for standing in service_accounts.standings(rows).values())

    counted = []
    for number in range(1, 6):
        former = make_user(acme.tenant, Role.ADMIN, f"former{number}@acme.test")
        account, _ = made(acme, name=f"ci{number}")
        service_accounts.rotate(loaded(acme, former), account_id=account.id, overlap=DAY, expires_at=None)
        Membership.objects.using("system").filter(user=former).delete()
        page()
        counted.append((statements(page), statements(listed)))
    assert len(set(counted)) == 1, counted


def loaded(team: TenantWithUsers, user: User) -> Principal:
    found = principals.load(user.id, team.tenant.id)
    assert found is not None
    return found


def test_the_services_know_their_tenant(acme: TenantWithUsers, globex: TenantWithUsers) -> None:
    theirs, _ = made(globex)
    with pytest.raises(NotFound):
        rotated(acme, theirs)
    with pytest.raises(PolicyDenied):
        service_accounts.listed(acme.principal("member"), page=1, limit=5)
    account, _ = made(acme)
    service_accounts.revoke(tenant_id=acme.tenant.id, account_id=account.id)
    with pytest.raises(Conflict):
        rotated(acme, account)


async def test_an_administrators_key_does_nothing_that_takes_a_person(acme: TenantWithUsers) -> None:
    """Her scope covers every other, but not for a program: a stolen key loosens no policy."""
    _, key = await in_thread(made, acme, scopes_asked=[ADMIN], user_id=acme.admin.id)
    by_key, herself = await who(key), await in_thread(admin_of, acme)
    run_of_hers = replace(by_key, via="token")  # as a run that the key started knows its user
    for scope in FOR_PEOPLE:
        assert herself.has(scope)
        assert not by_key.has(scope)
        assert not run_of_hers.has(scope)
    assert by_key.has("policies:write")
    rule = Wanted("restart_service", "allow", loosens=True)
    with pytest.raises(PolicyDenied, match="policies:loosen"):
        await in_thread(policies.put, by_key, tool="restart_service", rules=[rule])
    with pytest.raises(PolicyDenied, match="policies:loosen"):
        await in_thread(roles.create, by_key, name="loose", scopes_asked=["policies:loosen"])
