"""Runs of one session at the same time, over real HTTP: all are kept, and none sees half of another."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.journeys.server import PATIENCE_SECONDS, RunningServer, sse
from tests.journeys.test_runs import run

TOGETHER = 8


@pytest.fixture
def member(server: RunningServer) -> httpx.Client:
    return server.client("member")


def listed(client: httpx.Client, session_id: str) -> dict[str, dict[str, Any]]:
    """Return the session's runs as its history shows them, by what was asked."""
    answer = client.get(f"/api/sessions/{session_id}/runs")
    assert answer.status_code == 200, answer.text
    return {row["run_input"]: row for row in answer.json()}


def test_runs_that_start_a_session_at_the_same_moment_are_all_kept(server: RunningServer) -> None:
    """Nobody has made the session yet; each run answers in its own words."""
    session_id, gate = f"together-{uuid4()}", threading.Barrier(TOGETHER)
    clients = [server.client("member") for _ in range(TOGETHER)]

    def one(number: int) -> dict[str, Any]:
        gate.wait(PATIENCE_SECONDS)
        message = f"[[ttft:200]] [[say:this is {number}]]"
        return dict(run(clients[number], "helpdesk", message, session_id=session_id))

    with ThreadPoolExecutor(TOGETHER) as pool:
        done = list(pool.map(one, range(TOGETHER)))
    assert [each["content"] for each in done] == [f"this is {number}" for number in range(TOGETHER)]
    assert len({each["run_id"] for each in done}) == TOGETHER
    kept = listed(clients[0], session_id)
    assert {row["content"] for row in kept.values()} == {each["content"] for each in done}
    assert {row["status"] for row in kept.values()} == {"COMPLETED"}
    sessions = clients[0].get("/api/sessions?limit=100").json()["data"]
    assert [row["session_id"] for row in sessions].count(session_id) == 1


def test_a_run_knows_nothing_of_one_that_is_still_speaking_and_all_of_one_that_has_ended(member: httpx.Client) -> None:
    session_id = f"apart-{uuid4()}"
    slow = {
        "message": "My name is Ada. [[token:1200]] [[say:red green amber violet white grey]]",
        "session_id": session_id,
    }
    with member.stream("POST", "/api/agents/helpdesk/runs", json=slow) as stream:
        frames = sse(stream)
        assert any(frame.event == "RunContent" for frame in frames)
        meanwhile = run(member, "helpdesk", "What is my name?", session_id=session_id)
        rest = list(frames)
    assert rest[-1].event == "RunCompleted"
    assert rest[-1].data["content"] == "red green amber violet white grey"
    assert "Ada" not in meanwhile["content"]
    assert "three" not in meanwhile["content"]
    assert "Ada" in run(member, "helpdesk", "What is my name?", session_id=session_id)["content"]
    kept = member.get(f"/api/sessions/{session_id}/runs").json()
    assert [row["status"] for row in kept] == ["COMPLETED"] * 3
    assert {row["content"] for row in kept} >= {"red green amber violet white grey", meanwhile["content"]}
