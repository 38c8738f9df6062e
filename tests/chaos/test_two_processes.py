"""Two processes on one database: they follow and cancel each other's runs, take over from the frozen and the ended."""

from __future__ import annotations

import signal
import threading

import httpx
import psycopg
import pytest

from tests.chaos import human
from tests.chaos.conftest import RUNS
from tests.chaos.web import Site, Web, until
from tests.journeys.server import Frame, sse

SLOW = "[[token:100]] [[say:" + " ".join(["word"] * 60) + "]]"


class Reader:
    """Follows a run in a thread of its own, as far as it is served."""

    def __init__(self, client: httpx.Client, run_id: str) -> None:
        self.frames: list[Frame] = []
        self.began = threading.Event()
        self._thread = threading.Thread(target=self._read, args=(client, run_id))
        self._thread.start()

    def _read(self, client: httpx.Client, run_id: str) -> None:
        try:
            with client.stream("GET", f"/api/runs/{run_id}/events?after=0") as stream:
                for frame in sse(stream):
                    self.frames.append(frame)
                    if frame.event == "RunContent":
                        self.began.set()
        except httpx.TransportError:
            pass

    def finish(self) -> list[Frame]:
        self._thread.join(30)
        assert not self._thread.is_alive()
        return self.frames


@pytest.fixture
def pair(site: Site) -> tuple[Web, Web]:
    return site.start("one"), site.start("two")


def test_started_on_one_followed_on_the_other_cancelled_on_the_first(site: Site, pair: tuple[Web, Web]) -> None:
    first, second = site.client(pair[0]), site.client(pair[1])
    run_id = human.start(first, SLOW, "a")
    elsewhere = Reader(second, run_id)
    assert elsewhere.began.wait(30)
    assert first.post(f"/api/runs/{run_id}/cancel").status_code == 200
    frames = elsewhere.finish()
    human.check_log(frames)
    assert frames[-1].event == "RunCancelled"
    assert frames == human.read(first, run_id)


def test_who_follows_elsewhere_misses_nothing_when_nobody_is_told_any_more(site: Site, pair: tuple[Web, Web]) -> None:
    """Both processes lose the connection on which they hear of each other."""
    first, second = site.client(pair[0]), site.client(pair[1])
    run_id = human.start(first, SLOW, "a")
    elsewhere = Reader(second, run_id)
    assert elsewhere.began.wait(30)
    with psycopg.connect(site.admin_url, autocommit=True) as admin:
        ended = admin.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE datname = current_database() AND query LIKE 'LISTEN%'"
        ).fetchone()
    assert ended == (2,)
    frames = elsewhere.finish()
    human.check_log(frames)
    assert frames == human.read(first, run_id)


def test_who_does_not_hold_a_run_cancels_it_too(site: Site, pair: tuple[Web, Web]) -> None:
    first, second = site.client(pair[0]), site.client(pair[1])
    run_id = human.start(first, SLOW, "a")
    here = Reader(first, run_id)
    assert here.began.wait(30)
    assert second.post(f"/api/runs/{run_id}/cancel").status_code == 200
    assert here.finish()[-1].event == "RunCancelled"


def test_who_does_not_hold_a_run_cancels_it_in_a_tool_too(site: Site, pair: tuple[Web, Web]) -> None:
    """The tool would go on for longer than anybody waits here."""
    first, second = site.client(pair[0]), site.client(pair[1])
    run_id = human.start(first, human.calls(("wait", {"milliseconds": 600_000}), "all is done"), "a")
    here = Reader(first, run_id)
    until(lambda: human.find(second, run_id)["tools"], "the tool")
    assert second.post(f"/api/runs/{run_id}/cancel").status_code == 200
    assert here.finish()[-1].event == "RunCancelled"
    steps = second.get(f"/api/runs/{run_id}/steps").json()
    assert [(step["name"], step["state"]) for step in steps if step["kind"] == "tool"] == [("wait", "failed")]


def test_a_cancelled_run_whose_process_died_is_ended_by_another(site: Site, pair: tuple[Web, Web]) -> None:
    """The wish is stored before the owner has heard of it."""
    first, second = site.client(pair[0]), site.client(pair[1])
    run_id = human.start(first, SLOW, "a")
    shown = Reader(second, run_id)
    assert shown.began.wait(30)
    pair[0].signal(signal.SIGSTOP)
    assert second.post(f"/api/runs/{run_id}/cancel").status_code == 200
    pair[0].kill()
    assert human.see_to_the_end(site, second, run_id)["status"] == "CANCELLED"
    human.check_log(shown.finish())


def test_a_frozen_process_writes_and_shows_nothing_after_its_lease(site: Site, pair: tuple[Web, Web]) -> None:
    """It is stopped in the middle of an answer until another one has ended the run, and then let go."""
    zombie, heir = site.client(pair[0]), site.client(pair[1])
    message = "[[token:60]] " + human.calls(("charge", {"amount": 5}), " ".join(["word"] * 70))
    run_id = human.start(zombie, message, "a")
    shown = Reader(zombie, run_id)
    assert shown.began.wait(30)
    pair[0].signal(signal.SIGSTOP)
    run = human.see_to_the_end(site, heir, run_id)
    log = human.read(heir, run_id)
    pair[0].signal(signal.SIGCONT)
    assert shown.finish() == log
    pair[0].wait_ready()
    assert run["status"] == "COMPLETED"
    assert "RunContentReset" in [frame.event for frame in log]
    human.check_log(log)
    human.check_effects(site, run_id, "charge")
    # What the zombie would still have said comes within this time, if it comes.
    human.see_to_the_end(site, zombie, human.start(zombie, SLOW, "b"))
    assert human.read(heir, run_id) == log
    assert recoveries(site, run_id) == 1


def test_sigterm_hands_live_runs_over(site: Site, pair: tuple[Web, Web]) -> None:
    """More model calls are under way than a drain waits for: they are asked again elsewhere."""
    first, second = site.client(pair[0]), site.client(pair[1])
    message = human.calls(("charge", {"amount": 5}), ("wait", {"milliseconds": 1500}), "all is done")
    run_ids = [human.start(first, f"[[ttft:{100 * (number % 8)}]] {message}", f"{number}") for number in range(live())]
    pair[0].signal(signal.SIGTERM)
    for run_id in run_ids:
        run = human.see_to_the_end(site, second, run_id)
        assert (run["status"], run["content"]) == ("COMPLETED", "all is done"), run
        human.check_log(human.read(second, run_id))
        human.check_effects(site, run_id, "charge")
        assert recoveries(site, run_id) == 0
    assert pair[0].wait_ended() in (0, -signal.SIGTERM)


def live() -> int:
    return 50 if RUNS >= 100 else 20


def recoveries(site: Site, run_id: str) -> int:
    with psycopg.connect(site.admin_url) as connection:
        found = connection.execute("SELECT recoveries FROM agents_run WHERE id = %s", [run_id]).fetchone()
    assert found is not None
    return int(found[0])
