"""Weather: the server is stopped, or killed, between a pause and its approval, and in the middle of an answer."""

from __future__ import annotations

from tests.journeys.server import sse
from tests.journeys.test_runs import ended, names, run

REFUND = "Please refund $250.00 to customer C-1042 due to a billing error"


def test_a_restart_between_pause_and_approval_loses_nothing_and_plays_nothing_again(server):
    paused = run(server.client("member"), "approvals", REFUND)
    before = server.client("member").get("/api/sessions").json()["meta"]["total_count"]
    server.restart()
    assert server.client("member").get("/api/sessions").json()["meta"]["total_count"] == before
    assert server.log.count("playing the demo runs ...") == 1
    decision = {"status": "approved", "reason": "fine"}
    approval = paused["tools"][0]["approval_id"]
    assert server.client("approver").post(f"/api/approvals/{approval}/resolve", json=decision).status_code == 200
    done = ended(server.client("member"), paused["run_id"])
    assert done["status"] == "COMPLETED"
    assert done["tools"][0]["tool_args"] == paused["tools"][0]["tool_args"]


def test_a_kill_in_the_middle_of_an_answer_is_recovered(server):
    member = server.client("member")
    with member.stream(
        "POST", "/api/agents/helpdesk/runs", json={"message": "[[token:600]] [[say:red green amber violet white grey]]"}
    ) as stream:
        frames = sse(stream)
        first = next(frames)
        while next(frames).event != "RunContent":
            pass
        server.kill9()
    server.start()
    member = server.client("member")
    done = ended(member, first.data["run_id"])
    assert done["content"] == "red green amber violet white grey"
    with member.stream("GET", f"/api/runs/{first.data['run_id']}/events") as stream:
        replayed = list(sse(stream))
    assert "RunContentReset" in names(replayed)
    assert [frame.id for frame in replayed] == list(range(1, len(replayed) + 1))
