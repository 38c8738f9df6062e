"""One run that waits for several people, who answer over different edges: REST, AgentOS, WebSocket, an approval."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import permutations
from typing import Any
from uuid import uuid4

import httpx
import pytest
from websockets.sync.client import connect

from tests.journeys.server import PATIENCE_SECONDS, RunningServer
from tests.journeys.test_runs import ended, run

ASK = (
    '[[call:restart_service {"service_name": "auth"}]]'
    '[[call:create_support_ticket {"title": "VPN", "description": "It is down"}]]'
    '[[call:run_diagnostic {"command": "uptime"}]]'
    "[[then]] [[say:all is done]]"
)
Edge = Callable[[httpx.Client, dict[str, Any], dict[str, Any]], int]


def by_rest(client: httpx.Client, paused: dict[str, Any], said: dict[str, Any]) -> int:
    return client.post(f"/api/runs/{paused['run_id']}/answers", json={"answers": [said]}).status_code


def by_agentos(client: httpx.Client, paused: dict[str, Any], said: dict[str, Any]) -> int:
    """Answer as AgentOS's client does, which sends the whole tool back."""
    tool = next(tool for tool in paused["tools"] if tool["tool_call_id"] == said["tool_call_id"])
    filled = [{**field, "value": said["values"][field["name"]]} for field in tool["user_input_schema"] or ()]
    answered = {**tool, **{name: said[name] for name in ("confirmed", "result") if name in said}}
    form = {"tools": json.dumps([{**answered, "user_input_schema": filled}]), "stream": "false"}
    return client.post(f"/api/agents/helpdesk/runs/{paused['run_id']}/continue", data=form).status_code


def by_socket(client: httpx.Client, paused: dict[str, Any], said: dict[str, Any]) -> int:
    headers = {"Authorization": client.headers["Authorization"]}
    address = f"{str(client.base_url).replace('http', 'ws', 1)}/ws/runs/{paused['run_id']}?after=999999"
    with connect(address, additional_headers=headers, proxy=None, open_timeout=PATIENCE_SECONDS) as socket:
        socket.send(json.dumps({"answers": [said]}))
        while True:
            frame = json.loads(socket.recv(timeout=PATIENCE_SECONDS))
            if frame == {"done": "answers"}:
                return 200
            if "error" in frame:
                return 409 if frame["error"]["code"] in ("not_waiting", "run_ended") else 422


EDGES: list[Edge] = [by_rest, by_agentos, by_socket]


def asked(client: httpx.Client) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Return a run that waits for three answers, and the answers by the tool's name."""
    paused = run(client, "helpdesk", ASK, session_id=f"edges-{uuid4()}")
    assert paused["status"] == "PAUSED"
    ids = {tool["tool_name"]: tool["tool_call_id"] for tool in paused["tools"]}
    return paused, {
        "restart_service": {"tool_call_id": ids["restart_service"], "confirmed": True},
        "create_support_ticket": {"tool_call_id": ids["create_support_ticket"], "values": {"priority": "high"}},
        "run_diagnostic": {"tool_call_id": ids["run_diagnostic"], "result": "up 3 days"},
    }


@pytest.mark.parametrize("sequence", [*permutations(range(3))], ids=str)
def test_three_pauses_are_answered_in_any_order_each_over_another_edge(
    server: RunningServer, sequence: tuple[int, ...]
) -> None:
    member = server.client("member")
    paused, answers = asked(member)
    names = list(answers)
    for place, which in enumerate(sequence):
        assert EDGES[place](member, paused, answers[names[which]]) == 200
    done = ended(member, paused["run_id"])
    assert (done["status"], done["content"]) == ("COMPLETED", "all is done")
    results = {tool["tool_name"]: tool["result"] for tool in done["tools"]}
    assert "auth" in results["restart_service"]
    assert "priority high" in results["create_support_ticket"]
    assert results["run_diagnostic"] == "up 3 days"


@pytest.mark.parametrize("edge", EDGES, ids=lambda edge: edge.__name__)
def test_what_is_answered_over_one_edge_is_taken_on_every_other(server: RunningServer, edge: Edge) -> None:
    member = server.client("member")
    paused, answers = asked(member)
    said = answers["restart_service"]
    assert edge(member, paused, said) == 200
    for other in EDGES:
        assert other(member, paused, said) == 409
    shown = member.get(f"/api/runs/{paused['run_id']}").json()
    assert len(shown["requirements"]) == 2


@pytest.mark.parametrize("approval_first", [True, False])
def test_an_approval_and_a_confirmation_of_one_turn_come_from_two_people(
    server: RunningServer, approval_first: bool
) -> None:
    member, approver = server.client("member"), server.client("approver")
    ask = (
        '[[call:process_refund {"customer_id": "C-1", "amount": 5, "reason": "twice"}]]'
        '[[call:export_customer_data {"customer_id": "C-1"}]] [[then]] [[say:both are done]]'
    )
    paused = run(member, "approvals", ask, session_id=f"two-{uuid4()}")
    tools = {tool["tool_name"]: tool for tool in paused["tools"]}
    decision = f"/api/approvals/{tools['process_refund']['approval_id']}/resolve"
    said = {"tool_call_id": tools["export_customer_data"]["tool_call_id"], "confirmed": True}
    acts = [
        lambda: approver.post(decision, json={"status": "approved"}).status_code,
        lambda: by_socket(member, paused, said),
    ]
    assert [act() for act in (acts if approval_first else acts[::-1])] == [200, 200]
    done = ended(member, paused["run_id"])
    assert (done["status"], done["content"]) == ("COMPLETED", "both are done")
    assert by_rest(member, paused, said) == 409
    assert approver.post(decision, json={"status": "approved"}).status_code == 409
