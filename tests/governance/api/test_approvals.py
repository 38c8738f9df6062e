"""Approvals over HTTP: who gets which answer, and what the rows look like."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, cast

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.test import AsyncClient
from psycopg import AsyncConnection

from accounts.models import AuditRow, User
from accounts.services import tokens
from agentos.core.types import JsonObject
from agents.models import IdempotencyKey
from governance.models import Approval
from tests.agents.services.stored import all_wait
from tests.conftest import PASSWORD, TenantWithUsers
from tests.governance.conftest import MakeWaiting, Waiting, refund

Call = Callable[..., Awaitable[tuple[int, JsonObject]]]


@pytest.fixture
def waiting(acme: TenantWithUsers, make_waiting: MakeWaiting) -> Waiting:
    return make_waiting(acme)


@pytest.fixture
def call(settings: Any, database: None) -> Call:
    """Call the API as a user; the middleware of the pages stays out, as in the lean handler."""
    settings.MIDDLEWARE = []
    client = AsyncClient()

    async def send(user: User, path: str, body: JsonObject | None = None, key: str = "") -> tuple[int, JsonObject]:
        pair = await sync_to_async(tokens.issue)(email=user.email, password=PASSWORD)
        headers = {"Authorization": f"Bearer {pair.access}", **({"Idempotency-Key": key} if key else {})}
        if body is None:
            response = await client.get(f"/api/{path}", headers=headers)
        else:
            response = await client.post(f"/api/{path}", body, content_type="application/json", headers=headers)
        return response.status_code, cast(JsonObject, response.json())

    return send


async def test_an_approver_finds_reads_and_decides(acme: TenantWithUsers, waiting: Waiting, call: Call) -> None:
    assert await call(acme.approver, "approvals/count") == (200, {"count": 1})
    status, listed = await call(acme.approver, "approvals?status=pending&limit=5")
    assert status == 200
    assert listed["meta"] | {"search_time_ms": 0} == {
        "page": 1,
        "limit": 5,
        "total_pages": 1,
        "total_count": 1,
        "search_time_ms": 0,
    }
    (row,) = listed["data"]
    _, one = await call(acme.approver, f"approvals/{waiting.approval.id}")
    assert one == row | {"questions": []}
    assert {key: row[key] for key in ("status", "source_type", "agent_id", "tool_name", "tool_args", "outcome")} == {
        "status": "pending",
        "source_type": "agent",
        "agent_id": "approvals",
        "tool_name": "refund",
        "tool_args": {"customer_id": "C-1042", "amount": "250"},
        "outcome": "not_started",
    }
    assert (row["effect_text"], row["requester"]) == ("Refund $250.00 to C-1042", "member@acme.test")
    assert (row["run_status"], row["resolved_by"], row["user_id"]) == ("paused", None, str(acme.member.id))
    assert row["expires_at"] - row["created_at"] == 72 * 3600
    decision = {"status": "approved", "reason": "Checked", "shown_hash": row["args_hash"]}
    status, decided = await call(acme.approver, f"approvals/{waiting.approval.id}/resolve", decision)
    assert (status, decided["status"], decided["reason"]) == (200, "approved", "Checked")
    assert decided["resolved_by"] == str(acme.approver.id)
    assert decided["run_status"] == "pending"
    _, state = await call(acme.approver, f"approvals/{waiting.approval.id}/status")
    assert (state["status"], state["outcome"]) == ("approved", "not_started")


async def test_the_token_says_who_decides(acme: TenantWithUsers, waiting: Waiting, call: Call) -> None:
    body = {"status": "approved", "resolved_by": str(acme.admin.id)}
    _, decided = await call(acme.approver, f"approvals/{waiting.approval.id}/resolve", body)
    assert decided["resolved_by"] == str(acme.approver.id)


async def test_a_client_of_agentos_gives_its_reason_in_resolution_data(
    acme: TenantWithUsers, waiting: Waiting, call: Call
) -> None:
    body = {"status": "rejected", "resolution_data": {"reason": "Twice"}}
    status, decided = await call(acme.approver, f"approvals/{waiting.approval.id}/resolve", body)
    assert (status, decided["reason"], decided["resolution_data"]) == (200, "Twice", {"reason": "Twice"})


async def test_the_requester_reads_her_own_and_decides_nothing(
    acme: TenantWithUsers, waiting: Waiting, make_waiting: MakeWaiting, call: Call
) -> None:
    other = await sync_to_async(make_waiting)(acme, acme.operator)
    _, listed = await call(acme.member, "approvals")
    assert [row["id"] for row in listed["data"]] == [str(waiting.approval.id)]
    assert (await call(acme.member, f"approvals/{waiting.approval.id}/status"))[0] == 200
    assert (await call(acme.member, f"approvals/{other.approval.id}"))[0] == 404
    status, _ = await call(acme.member, f"approvals/{waiting.approval.id}/resolve", {"status": "approved"})
    assert status == 403


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"status": "rejected"}, 422, "reason_missing"),
        ({"status": "approved", "edited_args": {"amount": "1"}}, 422, "edited_args_invalid"),
        ({"status": "approved", "edited_args": {}}, 422, "edited_args_invalid"),
        ({"status": "rejected", "reason": "x", "edited_args": {"amount": "1"}}, 422, "edited_args_rejected"),
        ({"status": "approved", "shown_hash": "0"}, 409, "call_changed"),
        ({"status": "maybe"}, 422, "invalid"),
        ({"status": "rejected", "reason": "x" * 2001}, 422, "reason_too_long"),
    ],
    ids=str,
)
async def test_a_decision_that_does_not_hold_changes_nothing(
    acme: TenantWithUsers, waiting: Waiting, call: Call, body: JsonObject, status: int, code: str
) -> None:
    got, problem = await call(acme.approver, f"approvals/{waiting.approval.id}/resolve", body)
    assert (got, problem["code"]) == (status, code)
    assert (await Approval.objects.using("system").aget(id=waiting.approval.id)).status == "pending"


async def test_a_second_decision_gets_the_first(acme: TenantWithUsers, waiting: Waiting, call: Call) -> None:
    path = f"approvals/{waiting.approval.id}/resolve"
    assert (await call(acme.approver, path, {"status": "rejected", "reason": "No"}))[0] == 200
    status, problem = await call(acme.admin, path, {"status": "approved"})
    assert status == 409
    assert "rejected" in problem["detail"]


async def test_a_decision_sent_again_gets_the_first_answer(acme: TenantWithUsers, waiting: Waiting, call: Call) -> None:
    path = f"approvals/{waiting.approval.id}/resolve"
    yes: JsonObject = {"status": "approved", "reason": "Checked"}
    assert (await call(acme.approver, path, {"status": "rejected"}, key="k"))[0] == 422
    status, first = await call(acme.approver, path, yes, key="k")
    assert (status, first["status"]) == (200, "approved")
    assert await call(acme.approver, path, yes, key="k") == (200, first)
    status, problem = await call(acme.approver, path, {"status": "rejected", "reason": "No"}, key="k")
    assert (status, problem["code"]) == (422, "idempotency_key_reused")
    assert (await call(acme.approver, path, yes))[0] == 409
    assert (await call(acme.admin, path, yes, key="k"))[0] == 409
    assert await sync_to_async(decisions)() == 1


@pytest.mark.parametrize(("key", "statuses"), [("", [200, 409]), ("k", [200, 200])])
async def test_of_two_decisions_at_once_one_decides(
    acme: TenantWithUsers, waiting: Waiting, call: Call, key: str, statuses: list[int]
) -> None:
    """Both wait for the run's row; under one key both are answered, without one the second meets the first."""
    path, yes = f"approvals/{waiting.approval.id}/resolve", {"status": "approved"}
    async with await AsyncConnection.connect(settings.DATABASE_URLS["system"]) as connection:
        await connection.execute("SELECT 1 FROM agents_run WHERE id = %s FOR NO KEY UPDATE", [waiting.info.run_id])
        sent = [asyncio.ensure_future(call(acme.approver, path, yes, key=key)) for _ in range(2)]
        await all_wait(connection, 2)
    answers = await asyncio.gather(*sent)
    assert sorted(status for status, _ in answers) == statuses
    assert await sync_to_async(decisions)() == 1


async def test_a_key_is_not_kept_by_a_decision_on_a_tool_that_has_changed(
    acme: TenantWithUsers, waiting: Waiting, call: Call, deploy: Callable[..., None]
) -> None:
    deploy(replace(refund, version="2"))
    path = f"approvals/{waiting.approval.id}/resolve"
    for _ in range(2):
        status, problem = await call(acme.approver, path, {"status": "approved"}, key="k")
        assert (status, problem["code"]) == (409, "approval_void")
        assert "The tool refund has changed" in problem["detail"]
    assert (await call(acme.approver, f"approvals/{waiting.approval.id}"))[1]["status"] == "void"
    assert not await IdempotencyKey.objects.using("system").aexists()


def decisions() -> int:
    return AuditRow.objects.using("system").filter(action__in=("approval.approved", "approval.rejected")).count()


async def test_strangers_find_nothing(
    acme: TenantWithUsers, globex: TenantWithUsers, waiting: Waiting, call: Call
) -> None:
    path = f"approvals/{waiting.approval.id}"
    for user in (globex.admin, globex.approver):
        assert await call(user, "approvals/count") == (200, {"count": 0})
        assert (await call(user, "approvals"))[1]["data"] == []
        assert (await call(user, path))[0] == 404
        assert (await call(user, f"{path}/status"))[0] == 404
        assert (await call(user, f"{path}/resolve", {"status": "approved"}))[0] == 404
    assert (await call(acme.approver, "approvals?status=nonsense"))[0] == 422
    assert (await AsyncClient().get(f"/api/{path}")).status_code == 401
