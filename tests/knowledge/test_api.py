"""The routes `/api/knowledge...` over HTTP: closed to who has no scope, and to strangers not there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any
from unittest.mock import ANY

import httpx
import pytest

from accounts import seam
from accounts.models import AuditRow, Grant, User
from accounts.seam import in_thread
from accounts.services import grants, service_accounts
from agentos.core.ids import new_id
from agentos.lean import LeanHandler
from knowledge.models import KnowledgeBase
from tests.conftest import TenantWithUsers
from tests.knowledge.conftest import Hold, MakeBase

NEW = {"slug": "handbook", "name": "Handbook", "description": "What we do"}


@pytest.fixture
async def client(database: None) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=LeanHandler())  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver/api") as client:
        yield client
    seam.close()


class Caller:
    def __init__(self, client: httpx.AsyncClient, bearer: str) -> None:
        self._client, self._headers = client, {"Authorization": f"Bearer {bearer}"}

    async def __call__(self, method: str, path: str = "", **kwargs: Any) -> httpx.Response:
        return await self._client.request(method, f"/knowledge{path}", headers=self._headers, **kwargs)


async def enter(client: httpx.AsyncClient, user: User) -> Caller:
    signed = await client.post("/auth/token", json={"email": user.email, "password": "demo"})
    return Caller(client, signed.json()["access"])


async def test_a_base_from_its_making_to_its_end(client: httpx.AsyncClient, acme: TenantWithUsers) -> None:
    operator, viewer = await enter(client, acme.operator), await enter(client, acme.viewer)
    made = await operator("POST", json=NEW)
    assert made.status_code == 201
    base = made.json()
    assert base | NEW == base
    assert (base["untrusted"], base["created_by"]) == (True, str(acme.operator.id))
    assert (await viewer("GET", f"/{base['id']}")).json() == base
    page = (await viewer("GET")).json()
    assert (page["data"], page["meta"]["total_count"]) == ([base], 1)
    changed = await operator("PATCH", f"/{base['id']}", json={"name": "Staff handbook"})
    assert (changed.status_code, changed.json()["name"]) == (200, "Staff handbook")
    assert changed.json()["description"] == NEW["description"]
    assert (await operator("DELETE", f"/{base['id']}")).status_code == 204
    assert (await viewer("GET", f"/{base['id']}")).status_code == 404
    assert (await operator("DELETE", f"/{base['id']}")).status_code == 404


@pytest.mark.parametrize("same", [{}, {"name": None}, {"name": " Handbook "}, {"untrusted": True, "description": ""}])
async def test_what_changes_nothing_leaves_no_trace(
    client: httpx.AsyncClient, acme: TenantWithUsers, make_base: MakeBase, same: dict[str, Any]
) -> None:
    base, admin = await in_thread(make_base, acme), await enter(client, acme.admin)

    def kept() -> tuple[datetime, int]:
        changes = AuditRow.objects.using("system").filter(action="knowledge.changed")
        return KnowledgeBase.objects.using("system").get().changed_at, changes.count()

    before = await in_thread(kept)
    assert (await admin("PATCH", f"/{base.id}", json=same)).json()["name"] == base.name
    assert await in_thread(kept) == before
    assert (await admin("PATCH", f"/{base.id}", json={"name": "Other"})).status_code == 200
    assert await in_thread(kept) == (ANY, 1)


async def test_what_is_not_asked_for_is_not_changed(
    client: httpx.AsyncClient, acme: TenantWithUsers, globex: TenantWithUsers, make_base: MakeBase
) -> None:
    base = await in_thread(make_base, acme)
    admin = await enter(client, acme.admin)
    theirs = {"tenant_id": str(globex.tenant.id), "tenant": str(globex.tenant.id)}
    theirs |= {"created_by": str(globex.admin.id), "created_by_id": str(globex.admin.id)}
    forged = {**theirs, "id": str(new_id()), "slug": "other", "created_at": "2001-01-01T00:00:00Z"}
    answer = await admin("PATCH", f"/{base.id}", json={**forged, "name": "Renamed"})
    row = await in_thread(lambda: KnowledgeBase.objects.using("system").get())
    assert answer.json()["slug"] == row.slug == "handbook"
    assert (row.id, row.tenant_id, row.created_by_id) == (base.id, acme.tenant.id, acme.admin.id)
    assert (row.created_at, row.name) == (base.created_at, "Renamed")
    made = await admin("POST", json={**NEW, **forged})
    assert made.json()["id"] != forged["id"]
    other = await in_thread(lambda: KnowledgeBase.objects.using("system").get(slug="other"))
    assert (other.tenant_id, other.created_by_id) == (acme.tenant.id, acme.admin.id)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({**NEW, "slug": "knowledge:*"}, 422),
        ({**NEW, "slug": ""}, 422),
        ({**NEW, "name": ""}, 422),
        ({**NEW, "name": "x" * 101}, 422),
        ({**NEW, "description": "x" * 501}, 422),
        ({**NEW, "untrusted": "perhaps"}, 422),
        ({"name": "X"}, 422),
        ([], 422),
    ],
)
async def test_bad_bodies(client: httpx.AsyncClient, acme: TenantWithUsers, body: Any, status: int) -> None:
    answer = await (await enter(client, acme.admin))("POST", json=body)
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")
    assert not await in_thread(lambda: KnowledgeBase.objects.using("system").exists())


async def test_conflicts_and_what_takes_more(client: httpx.AsyncClient, acme: TenantWithUsers) -> None:
    operator = await enter(client, acme.operator)
    denied = await operator("POST", json={**NEW, "untrusted": False})
    assert (denied.status_code, denied.json()["code"]) == (403, "missing_scope")
    assert (await operator("POST", json=NEW)).status_code == 201
    again = await operator("POST", json=NEW)
    assert (again.status_code, again.json()["code"]) == (409, "slug_taken")


@pytest.mark.parametrize("role", ["viewer", "member", "approver", "auditor"])
async def test_who_only_reads(client: httpx.AsyncClient, acme: TenantWithUsers, make_base: MakeBase, role: str) -> None:
    base, caller = await in_thread(make_base, acme), await enter(client, acme.users[role])
    assert (await caller("GET", f"/{base.id}")).status_code == 200
    for method, path, body in (
        ("POST", "", NEW),
        ("PATCH", f"/{base.id}", {"name": "X"}),
        ("DELETE", f"/{base.id}", None),
    ):
        assert (await caller(method, path, json=body)).status_code == 403


async def test_strangers_and_nobody(
    client: httpx.AsyncClient, acme: TenantWithUsers, globex: TenantWithUsers, make_base: MakeBase
) -> None:
    base, stranger = await in_thread(make_base, acme), await enter(client, globex.admin)
    for method, body in (("GET", None), ("PATCH", {"name": "X"}), ("DELETE", None)):
        there, nowhere = [await stranger(method, f"/{which}", json=body) for which in (base.id, new_id())]
        assert there.status_code == nowhere.status_code == 404
        assert there.json()["detail"] == nowhere.json()["detail"]
        assert (await client.request(method, f"/knowledge/{base.id}", json=body)).status_code == 401
    assert (await stranger("GET")).json()["data"] == []
    assert (await client.get("/knowledge")).status_code == 401


async def test_a_grant_opens_one_and_its_end_closes_it(
    client: httpx.AsyncClient, acme: TenantWithUsers, make_base: MakeBase, hold: Hold
) -> None:
    base, other = await in_thread(make_base, acme), await in_thread(make_base, acme, "other")
    await in_thread(hold, acme, ["runs:read"])
    caller = await enter(client, acme.member)
    assert (await caller("GET")).status_code == 403
    admin, asked = acme.principal("admin"), {"user_id": acme.member.id, "kind": "knowledge", "name": "handbook"}
    grant = await in_thread(grants.give, admin, verb="write", **asked)
    listed = (await caller("GET")).json()
    assert ([row["slug"] for row in listed["data"]], listed["meta"]["total_count"]) == (["handbook"], 1)
    assert (await caller("PATCH", f"/{base.id}", json={"name": "Hers"})).status_code == 200
    assert (await caller("DELETE", f"/{base.id}")).status_code == 403
    for method, body in (("GET", None), ("PATCH", {"name": "X"})):
        assert (await caller(method, f"/{other.id}", json=body)).status_code == 404
    await in_thread(grants.take, admin, grant_id=grant.id)
    assert not await in_thread(lambda: Grant.objects.using("system").exists())
    for path in ("", f"/{base.id}"):
        assert (await caller("GET", path)).status_code == 403


async def test_a_key_reads_what_it_is_for(
    client: httpx.AsyncClient, acme: TenantWithUsers, make_base: MakeBase
) -> None:
    base, other = await in_thread(make_base, acme), await in_thread(make_base, acme, "other")
    asked: dict[str, Any] = {"tenant_id": acme.tenant.id, "user_id": acme.operator.id, "name": "reader"}
    _, key = await in_thread(service_accounts.create, scopes_asked=["knowledge:handbook:read"], **asked)
    caller = Caller(client, key)
    assert [row["slug"] for row in (await caller("GET")).json()["data"]] == ["handbook"]
    assert (await caller("GET", f"/{base.id}")).status_code == 200
    assert (await caller("GET", f"/{other.id}")).status_code == 404
    assert (await caller("PATCH", f"/{base.id}", json={"name": "X"})).status_code == 403


async def test_pages_of_the_list(client: httpx.AsyncClient, acme: TenantWithUsers, make_base: MakeBase) -> None:
    for slug in ("c", "a", "b"):
        await in_thread(make_base, acme, slug)
    caller = await enter(client, acme.viewer)
    second = (await caller("GET", "?limit=2&page=2")).json()
    assert [row["slug"] for row in second["data"]] == ["c"]
    assert (second["meta"]["total_pages"], second["meta"]["total_count"]) == (2, 3)
    for query in ("limit=0", "limit=101", "page=0", "page=x"):
        assert (await caller("GET", f"?{query}")).status_code == 422
