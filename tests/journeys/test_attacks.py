"""Ways round an approval that others left open: over real HTTP, none works, and each call runs at most once."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx
import psycopg
import pytest

from tests.journeys.server import RunningServer
from tests.journeys.test_runs import answered, ended, run

REFUND = "Please refund $250.00 to customer C-1042 due to a billing error"
DELETE = "Delete user account U-7788"
YES = {"status": "approved", "reason": "checked"}
NO = {"status": "rejected", "reason": "no"}


@pytest.fixture
def member(server) -> httpx.Client:
    return server.client("member")


@pytest.fixture
def approver(server) -> httpx.Client:
    return server.client("approver")


@pytest.fixture
def admin(server) -> httpx.Client:
    return server.client("admin")


def approval_of(paused) -> str:
    return str(paused["tools"][0]["approval_id"])


def resolve(client: httpx.Client, paused, decision=None) -> httpx.Response:
    return client.post(f"/api/approvals/{approval_of(paused)}/resolve", json=decision or YES)


def go_on(client: httpx.Client, paused, **claimed) -> httpx.Response:
    """Post to the route of AgentOS what its clients post: the tool as they would have it."""
    tool = {**paused["tools"][0], "confirmed": True, **claimed}
    body = {"tools": json.dumps([tool]), "stream": "false", "session_id": paused["session_id"]}
    return client.post(f"/api/agents/{paused['agent_id']}/runs/{paused['run_id']}/continue", data=body)


def move(server: RunningServer, email: str, role: str) -> None:
    """Give a member another role."""
    with psycopg.connect(server.environment["DATABASE_URL"]) as connection:
        connection.execute(
            "UPDATE accounts_membership SET role = %s WHERE user_id = (SELECT id FROM accounts_user WHERE email = %s)",
            [role, email],
        )


Executed = Callable[[str], list[tuple[str, object]]]


@pytest.fixture
def executed(server) -> Executed:
    """Tell which tools of a run were started, with which arguments: as its journal has it."""
    query = (
        "SELECT name, request -> 'arguments' FROM agents_step WHERE run_id = %s AND kind = 'tool' AND attempts > 0 "
        "ORDER BY path"
    )

    def read(run_id: str) -> list[tuple[str, object]]:
        with psycopg.connect(server.environment["AGENTOS_SYSTEM_URL"]) as machine:
            return list(machine.execute(query, [run_id]).fetchall())

    return read


def policy(admin: httpx.Client, tool: str, **rule) -> None:
    put = admin.put(f"/api/policies/{tool}", json={"rules": [{"level": "approve", **rule}], "reason": "for a test"})
    assert put.status_code == 200, put.text


def test_confirmed_after_a_rejection(member, approver, executed):
    paused = run(member, "approvals", REFUND)
    assert resolve(approver, paused, NO).status_code == 200
    done = ended(member, paused["run_id"])
    for attempt in (go_on(member, paused), answered(member, paused, confirmed=True), resolve(approver, paused)):
        assert attempt.status_code == 409
    assert executed(paused["run_id"]) == []
    assert done["tools"][0]["result"] == "Refused: no"


def test_other_arguments_and_another_tool_while_it_waits_and_after(member, approver, executed):
    paused = run(member, "approvals", REFUND)
    asked = paused["tools"][0]["tool_args"]
    claims = ({"tool_args": {**asked, "amount": 999999}}, {"tool_name": "delete_user_account"}, {"approval_id": None})
    for claim in claims:
        assert go_on(member, paused, **claim).status_code == 403
    assert resolve(approver, paused).status_code == 200
    ended(member, paused["run_id"])
    for claim in claims:
        assert go_on(member, paused, **claim).status_code == 409
    assert executed(paused["run_id"]) == [("process_refund", asked)]


@pytest.mark.parametrize("role", ["auditor", "admin", "viewer", "approver"])
def test_by_another_user_in_the_requesters_place(server, member, role, executed):
    paused = run(member, "approvals", DELETE)
    other = server.client(role)
    for attempt in (go_on(other, paused), answered(other, paused, confirmed=True)):
        assert attempt.status_code in (403, 404)
    stranger = server.client("admin", tenant="globex")
    assert go_on(stranger, paused).status_code == 404
    assert resolve(stranger, paused).status_code == 404
    assert executed(paused["run_id"]) == []
    assert member.post(f"/api/runs/{paused['run_id']}/cancel").status_code in (200, 202)


def test_after_it_has_expired(server, member, approver, executed):
    paused = run(member, "approvals", REFUND)
    with psycopg.connect(server.environment["AGENTOS_SYSTEM_URL"], autocommit=True) as machine:
        machine.execute("UPDATE governance_approval SET expires_at = now() WHERE id = %s", [approval_of(paused)])
    assert resolve(approver, paused).status_code == 409
    done = ended(member, paused["run_id"])  # the clock refuses it within a second or two
    assert "expired" in done["tools"][0]["result"]
    for attempt in (go_on(member, paused), answered(member, paused, confirmed=True), resolve(approver, paused)):
        assert attempt.status_code == 409
    assert executed(paused["run_id"]) == []


def test_fewer_people_than_it_takes_and_one_twice(server, member, approver, admin, executed):
    policy(admin, "delete_user_account", quorum=2)
    try:
        paused = run(member, "approvals", "Delete user account U-1")
        voted = resolve(approver, paused)
        assert (voted.status_code, voted.json()["status"], voted.json()["quorum"]) == (200, "pending", 2)
        again = resolve(approver, paused)
        assert (again.status_code, again.json()["code"]) == (409, "voted_already")
        assert resolve(member, paused).status_code == 403
        assert go_on(member, paused).status_code == 403
        assert go_on(approver, paused).status_code in (403, 404)
        assert executed(paused["run_id"]) == []
        assert member.get(f"/api/runs/{paused['run_id']}").json()["status"] == "PAUSED"
        decided = resolve(admin, paused)
        assert [vote["email"] for vote in decided.json()["votes"]] == ["approver@acme.test", "admin@acme.test"]
        ended(member, paused["run_id"])
        assert executed(paused["run_id"]) == [("delete_user_account", {"user_id": "U-1"})]
    finally:
        policy(admin, "delete_user_account")


def test_ones_own_request_through_a_service_key(server, approver, admin):
    scopes = ["agents:run", "agents:read", "runs:read", "approvals:read", "tools:call"]
    made = admin.post("/api/service-accounts", json={"name": "own-request", "scopes": scopes})
    assert made.status_code in (200, 201), made.text
    with server.anonymous() as key:
        key.headers["Authorization"] = f"Bearer {made.json()['token']}"
        paused = run(key, "approvals", REFUND)
        by_key = resolve(key, paused)
        assert (by_key.status_code, by_key.json()["code"]) == (403, "person_required")
    by_owner = resolve(admin, paused)
    assert (by_owner.status_code, by_owner.json()["code"]) == (403, "own_request")
    assert resolve(approver, paused, NO).status_code == 200


def test_the_request_of_a_key_by_who_made_or_replaced_it(server, member, approver, admin):
    """It acts for somebody else: whoever was shown it could have asked, all the same."""
    scopes = ["agents:run", "agents:read", "runs:read", "tools:call"]
    asked = {"name": "for-another", "scopes": scopes, "user_id": member.get("/api/auth/me").json()["user"]["id"]}
    made = admin.post("/api/service-accounts", json=asked).json()
    admin_id = admin.get("/api/auth/me").json()["user"]["id"]
    assert made["shown_to"] == [admin_id]
    with server.anonymous() as key:
        key.headers["Authorization"] = f"Bearer {made['token']}"
        why = key.get("/api/access/explain?tool=process_refund&component=approvals").json()
        assert "Whoever was shown the service key has asked, too" in why["decided"]["reason"]
        paused = run(key, "approvals", REFUND)
    by_maker = resolve(admin, paused)
    assert (by_maker.status_code, by_maker.json()["code"]) == (403, "own_request")
    assert "service key that was shown to you" in by_maker.json()["detail"]
    again = admin.post(f"/api/service-accounts/{made['id']}/rotate", json={}).json()
    assert again["shown_to"] == [admin_id]
    assert resolve(approver, paused, NO).status_code == 200


def test_an_edit_alone_is_run_and_the_model_is_told(member, approver, executed):
    paused = run(member, "approvals", REFUND)
    asked = paused["tools"][0]["tool_args"]
    wrong = resolve(approver, paused, {**YES, "edited_args": {**asked, "amount": -1}})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "edited_args_invalid")
    huge = resolve(approver, paused, {**YES, "edited_args": {**asked, "amount": 10**30}})
    assert (huge.status_code, huge.json()["code"]) == (422, "edited_args_invalid")
    made = resolve(approver, paused, {**YES, "edited_args": {**asked, "amount": 40}})
    assert (made.status_code, made.json()["status"], made.json()["version"]) == (200, "approved", 2)
    done = ended(member, paused["run_id"])
    assert executed(paused["run_id"]) == [("process_refund", {**asked, "amount": 40})]
    assert done["tools"][0]["proposed_args"] == asked
    row = approver.get(f"/api/approvals/{made.json()['id']}").json()
    assert (row["proposed_args"], row["tool_args"], row["executed_args"]) == (
        asked,
        {**asked, "amount": 40},
        {**asked, "amount": 40},
    )
    assert approver.get(f"/api/approvals/{approval_of(paused)}").json()["status"] == "void"


def test_nobody_is_asked_a_third_time(member, approver):
    for _ in range(2):
        paused = run(member, "approvals", REFUND, session_id="insisting")
        assert resolve(approver, paused, NO).status_code == 200
        ended(member, paused["run_id"])
    third = run(member, "approvals", REFUND, session_id="insisting")
    assert third["status"] == "COMPLETED"
    assert "nobody is asked again" in third["tools"][0]["result"]


def test_a_flood_of_requests_pauses_the_run(member, executed):
    refund = '[[call:process_refund {"customer_id": "C-%d", "amount": 20, "reason": "billed twice"}]]'
    calls = "".join(refund % number for number in range(20))
    paused = run(member, "approvals", calls)
    assert paused["status"] == "PAUSED"
    assert "wait already" in paused["pause_reason"]
    waiting = [tool for tool in paused["tools"] if tool["approval_id"]]
    assert 2 <= len(waiting) < 20
    assert executed(paused["run_id"]) == []
    assert member.post(f"/api/runs/{paused['run_id']}/cancel").status_code in (200, 202)


def test_a_delegate_decides_until_it_is_taken_back(server, member, approver, executed):
    auditor = server.client("auditor")
    first, second = run(member, "approvals", REFUND), run(member, "approvals", REFUND)
    assert resolve(auditor, first).status_code == 403
    until = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    lend = {"to": "auditor@acme.test", "tool": "process_*", "until": until}
    assert approver.post("/api/delegations", json=lend).json()["code"] == "bad_delegate"  # calls are masked for her
    move(server, "auditor@acme.test", "operator")
    lent = approver.post("/api/delegations", json=lend)
    assert lent.status_code == 201, lent.text
    move(server, "auditor@acme.test", "auditor")
    assert resolve(server.client("auditor", anew=True), first).json()["code"] == "masked"
    move(server, "auditor@acme.test", "operator")
    auditor = server.client("auditor", anew=True)  # a new sign-in: what is known of the old one is two seconds old
    decided = resolve(auditor, first)
    assert (decided.status_code, decided.json()["status"]) == (200, "approved")
    assert decided.json()["votes"][0]["in_place_of"] == lent.json()["giver"]
    ended(member, first["run_id"])
    assert len(executed(first["run_id"])) == 1
    assert [row["id"] for row in auditor.get("/api/delegations").json()] == [lent.json()["id"]]
    assert approver.post(f"/api/delegations/{lent.json()['id']}/revoke").status_code == 200
    assert resolve(auditor, second).status_code == 403
    move(server, "auditor@acme.test", "auditor")
    assert resolve(approver, second, NO).status_code == 200


def test_a_standing_rule_lets_so_many_through(member, approver, executed):
    until = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    rule = {"component": "approvals", "tool": "process_refund", "most": 1, "until": until, "reason": "small ones"}
    assert approver.post("/api/standing-rules", json={**rule, "conditions": []}).status_code == 422
    made = approver.post("/api/standing-rules", json={**rule, "conditions": ["amount <= 30"]})
    assert made.status_code == 201, made.text
    small = '[[call:process_refund {"customer_id": "C-7", "amount": 20, "reason": "billed twice"}]]'
    first = run(member, "approvals", small)
    assert first["status"] == "COMPLETED"
    assert len(executed(first["run_id"])) == 1
    (kept,) = approver.get("/api/standing-rules").json()
    assert kept["used"] == 1
    second = run(member, "approvals", small)
    assert second["status"] == "PAUSED"
    assert approver.post(f"/api/standing-rules/{kept['id']}/revoke").status_code == 200
    rows = approver.get("/api/approvals?tool=process_refund&status=approved").json()["data"]
    assert [row["standing_rule"] for row in rows if row["run_id"] == first["run_id"]] == [kept["id"]]
