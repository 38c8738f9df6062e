"""The routes of signing in and of the audit trail over the lean handler."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from accounts import audit, principals
from accounts.audit import Entry
from accounts.auth import is_declared
from accounts.models import AuditRow
from accounts.seam import in_thread
from accounts.services import service_accounts
from accounts.services.attempts import FREE_OF_BOTH
from accounts.tenancy import tenant_scope
from agentos.lean import LeanHandler
from tests.conftest import TenantWithUsers


@pytest.fixture
async def client(database: None) -> AsyncIterator[httpx.AsyncClient]:
    principals.cache.forget()
    transport = httpx.ASGITransport(app=LeanHandler())  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver/api") as client:
        yield client


async def signed_in(client: httpx.AsyncClient, email: str, **extra: str) -> dict[str, str]:
    answer = await client.post("/auth/token", json={"email": email, "password": "demo", **extra})
    assert answer.status_code == 200, answer.text
    client.headers["Authorization"] = f"Bearer {answer.json()['access']}"
    pair: dict[str, str] = answer.json()
    return pair


@pytest.mark.parametrize(
    "sent",
    [
        {"json": {"email": "a" * 3_000_000, "password": "x"}},
        {"data": {f"field{number}": "x" for number in range(1_001)}},
    ],
    ids=["a large body", "many fields"],
)
async def test_what_is_too_much_is_refused(client: httpx.AsyncClient, acme: TenantWithUsers, sent: Any) -> None:
    await signed_in(client, "member@acme.test")
    answer = await client.post("/auth/token" if "json" in sent else "/agents/helpdesk/runs", **sent)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


async def test_signing_in_and_who_i_am(client: httpx.AsyncClient, acme: TenantWithUsers) -> None:
    pair: dict[str, Any] = await signed_in(client, "member@acme.test", tenant="acme")
    assert (pair["tenant"], pair["expires_in"]) == ("acme", 600)
    me = (await client.get("/auth/me")).json()
    assert me["user"] == {"id": str(acme.member.id), "email": "member@acme.test", "name": "Member of Acme"}
    assert me["tenant"] == {"id": str(acme.tenant.id), "slug": "acme"}
    assert me["role"] == "member"
    assert me["scopes"] == pair["scopes"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"email": "member@acme.test", "password": "hunter2"}, 401),
        ({"email": "nobody@acme.test", "password": "demo"}, 401),
        ({"email": "member@acme.test"}, 422),
        ({"email": "member@acme.test", "password": "x" * 2000}, 422),
        ({"email": "member@acme.test\u0000", "password": "demo"}, 401),
        ({"email": 7, "password": "demo"}, 422),
    ],
    ids=str,
)
async def test_bad_credentials(
    client: httpx.AsyncClient, acme: TenantWithUsers, body: dict[str, Any], status: int
) -> None:
    answer = await client.post("/auth/token", json=body)
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert body.get("password", "absent") not in answer.text


async def test_guessing_gets_a_retry_after(client: httpx.AsyncClient, acme: TenantWithUsers) -> None:
    body = {"email": "member@acme.test", "password": "wrong"}
    statuses = [(await client.post("/auth/token", json=body)).status_code for _ in range(FREE_OF_BOTH + 1)]
    assert set(statuses) == {401}
    answer = await client.post("/auth/token", json=body)
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 1


async def test_refreshing_and_signing_out(client: httpx.AsyncClient, acme: TenantWithUsers) -> None:
    pair = await signed_in(client, "member@acme.test")
    answer = await client.post("/auth/refresh", json={"refresh": pair["refresh"]})
    assert answer.status_code == 200
    assert (await client.post("/auth/refresh", json={"refresh": pair["refresh"]})).status_code == 401
    assert (await client.get("/auth/me")).status_code == 401
    await signed_in(client, "member@acme.test")
    other = await signed_in(client, "member@acme.test")
    assert (await client.post("/auth/logout", json={"all": True})).status_code == 204
    assert (await client.get("/auth/me")).status_code == 401
    assert (await client.post("/auth/refresh", json={"refresh": other["refresh"]})).status_code == 401
    await signed_in(client, "member@acme.test")
    assert (await client.post("/auth/logout")).status_code == 204
    assert (await client.get("/auth/me")).status_code == 401


def _length(team: TenantWithUsers) -> int:
    return AuditRow.objects.using("system").filter(tenant=team.tenant).count()


async def test_the_trail_in_pages(client: httpx.AsyncClient, acme: TenantWithUsers, globex: TenantWithUsers) -> None:
    def write(team: TenantWithUsers) -> None:
        with tenant_scope(team.tenant.id, team.member.id):
            entries = [Entry("thing.done", "thing", str(number)) for number in range(5)]
            audit.append(entries, tenant_id=team.tenant.id, actor_id=team.member.id)

    for team in (acme, globex):
        await in_thread(write, team)
    await signed_in(client, "auditor@acme.test")
    first = (await client.get("/audit", params={"limit": 4})).json()
    second = (await client.get("/audit", params={"limit": 4, "cursor": first["meta"]["next_cursor"]})).json()
    assert [row["seq"] for row in first["data"] + second["data"]] == [6, 5, 4, 3, 2, 1]
    assert second["meta"] == {"limit": 4, "next_cursor": None}
    assert first["data"][1]["actor"] == "member@acme.test"
    filtered = (await client.get("/audit", params={"action": "thing.done", "object_id": "3"})).json()
    assert [row["object_id"] for row in filtered["data"]] == ["3"]
    at = filtered["data"][0]["at"]
    for params, count in (
        ({"object_type": "thing"}, 5),
        ({"actor": "MEMBER@acme.test"}, 5),
        ({"actor": str(acme.auditor.id), "action": "auth.signed_in"}, 1),
        ({"actor": str(acme.auditor.id), "action": "auditrow.read"}, 5),  # each look at what is others' before
        ({"actor": str(globex.member.id)}, 0),
        ({"since": at, "object_type": "thing"}, 5),
        ({"since": at, "action": "auth.signed_in"}, 1),
        ({"until": at}, 0),
    ):
        assert len((await client.get("/audit", params=params)).json()["data"]) == count, params
    assert (await client.get("/audit", params={"since": "2026-01-01T00:00:00"})).status_code == 422
    verdict = (await client.get("/audit/verify")).json()
    assert verdict == {"intact": True, "rows": await in_thread(_length, acme), "first_bad_seq": None}
    for params in ({"cursor": "x"}, {"limit": 0}, {"limit": 1000}, {"cursor": "²"}):
        assert (await client.get("/audit", params=params)).status_code == 422
    assert (await client.get("/audit", params={"action": "\x00"})).status_code == 400


@pytest.mark.parametrize("role", ["member", "viewer", "approver", "operator"])
async def test_the_trail_is_not_for_everybody(client: httpx.AsyncClient, acme: TenantWithUsers, role: str) -> None:
    assert (await client.get("/audit")).status_code == 401
    await signed_in(client, "admin@acme.test")
    await signed_in(client, f"{role}@acme.test")
    (own,) = (await client.get("/audit")).json()["data"]
    assert (own["action"], own["actor"]) == ("auth.signed_in", f"{role}@acme.test")
    answer = await client.get("/audit/verify")
    assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope")


async def test_a_programs_trail_takes_the_scope(client: httpx.AsyncClient, acme: TenantWithUsers) -> None:
    for scopes, status in ((["runs:read"], 403), (["audit:read"], 200)):
        asked = {"user_id": acme.auditor.id, "name": scopes[0], "scopes_asked": scopes, "by": acme.principal("admin")}
        _, key = await in_thread(service_accounts.create, tenant_id=acme.tenant.id, **asked)
        answer = await client.get("/audit", headers={"Authorization": f"Bearer {key}"})
        assert answer.status_code == status


def test_every_route_declares_who_may_call_it() -> None:
    from agentos.api import api

    operations = [
        operation
        for _, router in api._routers
        for view in router.path_operations.values()
        for operation in view.operations
    ]
    assert len(operations) > 20
    assert [operation.path for operation in operations if not is_declared(operation.view_func)] == []
    public = [operation for operation in operations if getattr(operation.view_func, "is_public", False)]
    open_to_all = [operation for operation in operations if operation.auth_param is None]
    assert public == open_to_all


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/auth/token", '{"email": "nobody@acme.test", "email": "member@acme.test", "password": "demo"}'),
        ("/auth/refresh", '{"refresh": "x", "refresh": "y"}'),
        ("/auth/logout", '{"all": false, "all": true}'),
        (
            "/approvals/00000000-0000-4000-8000-000000000000/resolve",
            '{"status": "rejected", "reason": "No", "status": "approved"}',
        ),
        ("/policies/pay", '{"rules": [{"level": "deny", "level": "allow"}]}'),
        ("/privacy/erase", '{"user": "member@acme.test", "user": "admin@acme.test", "confirm": true}'),
    ],
)
async def test_nothing_is_said_twice(client: httpx.AsyncClient, acme: TenantWithUsers, path: str, body: str) -> None:
    """What stands before this server may have read the other one."""
    if path not in ("/auth/token", "/auth/refresh"):
        await signed_in(client, acme.admin.email)
    verb = "PUT" if path.startswith("/policies/") else "POST"
    answer = await client.request(verb, path, content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_json")
