"""Notifications over HTTP: one's own choices and notices, the tenant's endpoints, and who gets at which."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest
from asgiref.sync import sync_to_async

from accounts import audit
from accounts.models import AuditRow, User
from accounts.principals import Support
from accounts.services import connections, tokens
from agentos.core.clock import utc_now
from agentos.core.errors import PolicyDenied
from agentos.core.ids import new_id
from agentos.lean import LeanHandler
from governance.channels import sealed
from governance.models import Endpoint, Preference
from governance.services import endpoints, outbox, preferences
from tests.conftest import PASSWORD, TenantWithUsers
from tests.governance.conftest import MakeWaiting

As = Callable[[User], Awaitable[httpx.AsyncClient]]
HOOK = {"channel": "webhook", "name": "Ours", "url": "https://hooks.example.com/a?key=k-1", "kinds": ["halt.set"]}


@pytest.fixture
async def client(acme: TenantWithUsers) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=LeanHandler())
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver/api") as opened:
        yield opened


@pytest.fixture
def call(client: httpx.AsyncClient) -> Callable[..., Awaitable[httpx.Response]]:
    async def send(user: User, method: str, path: str, json: Any = None) -> httpx.Response:
        pair = await sync_to_async(tokens.issue)(email=user.email, password=PASSWORD)
        return await client.request(method, path, json=json, headers={"Authorization": f"Bearer {pair.access}"})

    return send


def actions() -> list[str]:
    return list(AuditRow.objects.using("system").order_by("seq").values_list("action", flat=True))


async def test_everybody_chooses_for_herself(acme: TenantWithUsers, call: Any) -> None:
    found = (await call(acme.member, "GET", "/notifications/preferences")).json()
    asked = {row["kind"]: (row["email"], row["browser"]) for row in found}
    assert asked["approval.requested"] == (True, True)
    assert asked["approval.decided"] == (False, True)  # quiet by default
    body = {"choices": {"approval.decided": {"email": True, "browser": False}}}
    changed = await call(acme.member, "PUT", "/notifications/preferences", body)
    asked = {row["kind"]: (row["email"], row["browser"]) for row in changed.json()}
    assert asked["approval.decided"] == (True, False)
    assert asked["approval.requested"] == (True, True)
    again = await call(
        acme.member, "PUT", "/notifications/preferences", {"choices": {"approval.decided": {"email": False}}}
    )
    assert {row["kind"]: row["email"] for row in again.json()}["approval.decided"] is False
    others = (await call(acme.approver, "GET", "/notifications/preferences")).json()
    assert {row["kind"]: row["email"] for row in others}["approval.decided"] is False
    assert await Preference.objects.using("system").acount() == 2
    assert (await sync_to_async(actions)()).count("preferences.changed") == 2


@pytest.mark.parametrize("choices", [{"approval.lost": {"email": True}}, {"approval.decided": {"slack": True}}])
async def test_a_choice_that_there_is_not(acme: TenantWithUsers, call: Any, choices: Any) -> None:
    refused = await call(acme.member, "PUT", "/notifications/preferences", {"choices": choices})
    assert (refused.status_code, refused.json()["code"]) == (422, "unknown_choice")
    assert not await Preference.objects.using("system").aexists()


def test_neither_a_program_nor_a_visitor_chooses(acme: TenantWithUsers) -> None:
    admin = acme.principal("admin")
    visitor = replace(admin, support=Support(new_id(), utc_now(), "Looks into a fault."))
    for other in (visitor, admin.narrowed({"agent_os:admin"})):
        with pytest.raises(PolicyDenied):
            preferences.choose(other, {"halt.set": {"email": False}})
    assert not Preference.objects.using("system").exists()


async def test_one_reads_ones_own_notices_while_one_may(
    acme: TenantWithUsers, globex: TenantWithUsers, call: Any, make_waiting: MakeWaiting
) -> None:
    waiting = await sync_to_async(make_waiting)(acme)
    await sync_to_async(outbox.spread)()
    (told,) = (await call(acme.approver, "GET", "/notifications")).json()
    assert (told["title"], told["effect_text"]) == ("Approval needed", "Refund $250.00 to C-1042")
    assert told["link"] == f"/admin/governance/approval/{waiting.approval.id}/change/"
    for stranger in (acme.member, acme.viewer, globex.admin, globex.approver):
        assert (await call(stranger, "GET", "/notifications")).json() == []


async def test_endpoints_are_the_administrators(acme: TenantWithUsers, globex: TenantWithUsers, call: Any) -> None:
    made = await call(acme.admin, "POST", "/notifications/endpoints", HOOK)
    assert made.status_code == 201
    assert made.json()["secret"].startswith("whsec_")
    assert made.json()["host"] == "hooks.example.com"
    place = f"/notifications/endpoints/{made.json()['id']}"
    (listed,) = (await call(acme.auditor, "GET", "/notifications/endpoints")).json()
    assert "secret" not in listed
    assert "k-1" not in str(listed)
    for user, method, path in (
        (acme.approver, "GET", "/notifications/endpoints"),
        (acme.operator, "POST", "/notifications/endpoints"),
        (acme.auditor, "DELETE", place),
        (acme.auditor, "POST", f"{place}/rotate"),
    ):
        assert (await call(user, method, path, HOOK)).status_code == 403
    assert (await call(globex.admin, "GET", "/notifications/endpoints")).json() == []
    for method, path in (("PATCH", place), ("DELETE", place), ("POST", f"{place}/rotate")):
        assert (await call(globex.admin, method, path, {"is_active": False})).status_code == 404
    rotated = await call(acme.admin, "POST", f"{place}/rotate")
    assert rotated.json()["secret"] != made.json()["secret"]
    assert rotated.json()["previous_until"]
    changed = await call(acme.admin, "PATCH", place, {"kinds": ["run.given_up"], "is_active": False})
    assert (changed.json()["kinds"], changed.json()["is_active"]) == (["run.given_up"], False)
    assert (await call(acme.admin, "DELETE", place)).status_code == 204
    found = [action for action in await sync_to_async(actions)() if action.startswith("endpoint.")]
    assert found == ["endpoint.added", "endpoint.rotated", "endpoint.changed", "endpoint.deleted"]
    assert await sync_to_async(audit.verify)(acme.tenant.id) is None


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"url": "not a url"}, "bad_url"),
        ({"kinds": []}, "unknown_choice"),
        ({"kinds": ["everything"]}, "unknown_choice"),
        ({"channel": "email"}, "unknown_choice"),
        ({"name": " "}, "name_missing"),
    ],
)
async def test_an_endpoint_that_does_not_fit(acme: TenantWithUsers, call: Any, changes: Any, code: str) -> None:
    refused = await call(acme.admin, "POST", "/notifications/endpoints", HOOK | changes)
    assert (refused.status_code, refused.json()["code"]) == (422, code)
    assert not await Endpoint.objects.using("system").aexists()


async def test_a_name_is_given_once(acme: TenantWithUsers, call: Any) -> None:
    assert (await call(acme.admin, "POST", "/notifications/endpoints", HOOK)).status_code == 201
    assert (await call(acme.admin, "POST", "/notifications/endpoints", HOOK)).status_code == 409


def test_endpoints_are_sealed_anew_under_a_new_key(acme: TenantWithUsers, settings: Any) -> None:
    made = endpoints.add(acme.principal("admin"), **HOOK)
    settings.ENCRYPTION_KEYS = ["a new key " * 4]
    assert connections.rotate_key() == 1
    settings.SECRET_KEY = "no key that opens anything " * 2
    stored = Endpoint.objects.using("system").get()
    assert sealed.opened(stored).secrets == (made.secret,)
    assert sealed.opened(stored).url == HOOK["url"]
