"""A process dies around the commit of a session's change: the change is there once, whoever goes on with the call."""

from __future__ import annotations

import signal

import pytest

from tests.chaos import human
from tests.chaos.web import Site


@pytest.mark.parametrize(
    "wish",
    [
        "tool_start_before_commit:2",  # the second flush of a call that has begun: its change, written and lost
        "tool_start_after_commit:2",  # the change is there, and the call has not heard of it
        "tool_end_before_commit",
    ],
)
def test_a_change_is_made_once_whenever_its_process_dies(site: Site, wish: str) -> None:
    message = human.calls(("remember", {"text": "a"}), "all is done")
    doomed = site.start("doomed", crash_at=wish)
    run_id = human.start(site.client(doomed), message, "the same")
    assert doomed.wait_ended() == -signal.SIGKILL
    client = site.client(site.start("heir"))
    run = human.see_to_the_end(site, client, run_id)
    assert (run["status"], run["tools"][0]["result"]) == ("COMPLETED", "a")
    human.check_log(human.read(client, run_id))
    calls = site.ran(run_id)
    assert list(calls.values()) == [2]  # the call was made twice, under one key
    sessions = client.get("/api/sessions").json()["data"]
    assert [row["session_state"] for row in sessions] == [{"texts": ["a"]}]
