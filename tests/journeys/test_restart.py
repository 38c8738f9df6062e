"""Weather: the power goes between a pause and its approval, and in the middle of an answer."""

from __future__ import annotations

from tests.journeys.server import sse
from tests.journeys.test_runs import ended, names, run

REFUND = "Please refund $250.00 to customer C-1042 due to a billing error"
SLOW = {"message": "[[token:600]] [[say:red green amber violet white grey]]"}


def test_a_kill_loses_neither_what_is_paused_nor_what_is_half_said_and_plays_nothing_again(server):
    member = server.client("member")
    paused = run(member, "approvals", REFUND)
    sessions = member.get("/api/sessions").json()["meta"]["total_count"]
    with member.stream("POST", "/api/agents/helpdesk/runs", json=SLOW) as stream:
        frames = sse(stream)
        first = next(frames)
        while next(frames).event != "RunContent":
            pass
        server.kill9()
    server.start()
    member = server.client("member")
    assert member.get("/api/sessions").json()["meta"]["total_count"] == sessions + 1
    assert server.log.count("playing the demo runs ...") == 1
    decision = {"status": "approved", "reason": "fine"}
    approval = paused["tools"][0]["approval_id"]
    assert server.client("approver").post(f"/api/approvals/{approval}/resolve", json=decision).status_code == 200
    refunded = ended(member, paused["run_id"])
    assert refunded["status"] == "COMPLETED"
    assert refunded["tools"][0]["tool_args"] == paused["tools"][0]["tool_args"]
    assert ended(member, first.data["run_id"])["content"] == "red green amber violet white grey"
    with member.stream("GET", f"/api/runs/{first.data['run_id']}/events") as stream:
        replayed = list(sse(stream))
    assert "RunContentReset" in names(replayed)
    assert [frame.id for frame in replayed] == list(range(1, len(replayed) + 1))
