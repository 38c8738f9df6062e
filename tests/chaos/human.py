"""The people around a run: one starts it and says yes, one finds out what became of a side effect, one reads it."""

from __future__ import annotations

import json

import httpx

from tests.chaos.web import FINAL, Found, Site, until
from tests.journeys.server import Frame, sse

ENDS = ("RunCompleted", "RunError", "RunCancelled")


def start(client: httpx.Client, message: str, key: str) -> str:
    """Start a run in the background; the same key finds it again. Returns its id."""
    body = {"message": message, "stream": False, "background": True}
    answer = client.post("/api/agents/chaos/runs", json=body, headers={"Idempotency-Key": key})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["run_id"])


def find(client: httpx.Client, run_id: str) -> Found:
    answer = client.get(f"/api/runs/{run_id}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def see_to_the_end(site: Site, client: httpx.Client, run_id: str) -> Found:
    """Answer what a run asks until it has ended; return it with `asked`: the kinds of questions that were answered."""
    asked: list[str] = []

    def ended() -> Found | None:
        found = find(client, run_id)
        for question in found["requirements"] if found["status"] == "PAUSED" else ():
            asked.append(_settle(site, client, run_id, question))
        return found if found["status"] in FINAL else None

    return {**until(ended, f"the end of {run_id}"), "asked": asked}


def _settle(site: Site, client: httpx.Client, run_id: str, question: Found) -> str:
    tool = question["tool_execution"]
    if tool.get("kind") == "reconcile":
        return _reconcile(site, client, run_id, tool["tool_call_id"])
    said = {"answers": [{"tool_call_id": tool["tool_call_id"], "confirmed": True}]}
    answer = client.post(f"/api/runs/{run_id}/answers", json=said)
    assert answer.status_code in (200, 409), answer.text
    return "confirmation"


def _reconcile(site: Site, client: httpx.Client, run_id: str, tool_call_id: str) -> str:
    """Look into the ledger, as an operator looks into the bank's list, and say what happened."""
    steps = client.get(f"/api/runs/{run_id}/steps").json()
    step = next(step for step in steps if step["tool_call_id"] == tool_call_id)
    evidence = client.get(f"/api/runs/{run_id}/steps/{step['id']}/evidence").json()
    happened = (step["name"], evidence["idempotency_key"]) in site.ran(run_id)
    said = {"outcome": "happened" if happened else "not_happened", "reason": "The ledger says so."}
    answer = client.post(f"/api/runs/{run_id}/steps/{step['id']}/reconcile", json=said)
    assert answer.status_code in (200, 409), answer.text
    return "reconcile"


def read(client: httpx.Client, run_id: str) -> list[Frame]:
    """Return the whole event log of a run that has ended."""
    with client.stream("GET", f"/api/runs/{run_id}/events?after=0") as stream:
        return list(sse(stream))


def check_log(frames: list[Frame]) -> None:
    """Check that the log has no gap and exactly one end, which is its last event."""
    assert [frame.id for frame in frames] == list(range(1, len(frames) + 1))
    names = [frame.event for frame in frames]
    assert names[0] == "RunStarted"
    assert [name for name in names if name in ENDS] == names[-1:]


def check_effects(site: Site, run_id: str, *once: str) -> None:
    """Check that each of these tools has really run once for the run, and an idempotent one under one key only."""
    ran = site.ran(run_id)
    assert {tool: times for (tool, _), times in ran.items() if tool != "note"} == dict.fromkeys(once, 1)
    assert len([tool for tool, _ in ran if tool == "note"]) <= 1


def calls(*replies: tuple[str, dict[str, object]] | str) -> str:
    """Return a message that makes the sandbox model call these tools, one a turn, and say the texts."""
    parts = [
        f"[[say:{reply}]]" if isinstance(reply, str) else f"[[call:{reply[0]} {json.dumps(reply[1])}]]"
        for reply in replies
    ]
    return " [[then]] ".join(parts)
