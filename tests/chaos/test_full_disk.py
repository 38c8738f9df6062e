"""PostgreSQL takes nothing new for a while, as when its disk is full: told, refused, let go, gone on with; all once."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

import httpx
import psycopg

from tests.chaos import human
from tests.chaos.conftest import RUNS
from tests.chaos.web import Site, until
from tests.unwritable import unwritable

WAIT = {"milliseconds": 2_500}  # some run is at work yet when the disk is full, however slow the machine
WORK = human.calls(("charge", {"amount": 5}), ("wait", WAIT), ("note", {"text": "a"}), "all is done")


class Caller(threading.Thread):
    """Starts a run and waits for its end over one request, as a stream or in one piece."""

    def __init__(self, client: httpx.Client, number: int) -> None:
        super().__init__()
        self._client, self._number = client, number
        self.ends_with, self.run_id, self.status = "", "", 0

    def run(self) -> None:
        body = {"message": f"[[ttft:{40 * self._number}]] {WORK}", "stream": self._number % 2 == 0}
        answer = self._client.post("/api/agents/chaos/runs", json=body, timeout=60)
        self.status, text = answer.status_code, answer.text
        if answer.headers["content-type"].startswith("text/event-stream"):
            self.ends_with = text.rstrip().splitlines()[-1]
        self.run_id = answer.headers.get("location", "").rpartition("/")[2] or answer.json()["run_id"]


def test_nobody_hangs_and_nothing_is_lost_or_doubled(site: Site) -> None:
    web = site.start()
    client = site.client(web)
    for wave in range(max(1, RUNS // 20)):
        callers = [Caller(client, number) for number in range(8)]
        for caller in callers:
            caller.start()
        until(lambda wave=wave: runs_of(site) >= 8 * (wave + 1), "all runs")
        with unwritable(site.admin_url):
            for caller in callers:
                caller.join(30)
                assert not caller.is_alive()
            told = httpx.get(f"{web.base_url}/api/ready", trust_env=False)
            assert (told.status_code, told.json()["checks"]["writes"]["detail"]) == (
                503,
                "The database's disk is full.",
            )
            refused = client.post("/api/agents/chaos/runs", json={"message": "Hi", "stream": False})
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
            check_answers(callers)
        web.wait_ready()
        assert runs_of(site) == 8 * (wave + 1)
        for caller in callers:
            run = human.see_to_the_end(site, client, caller.run_id)
            assert (run["status"], run["content"]) == ("COMPLETED", "all is done"), run
            human.check_log(human.read(client, caller.run_id))
            human.check_effects(site, caller.run_id, "charge")


def check_answers(callers: list[Caller]) -> None:
    """Check that each was told that its run goes on later, unless that had ended before the disk was full."""
    found: Counter[Any] = Counter((caller.status, caller.ends_with) for caller in callers)
    streams = sum(times for (status, end), times in found.items() if end == "retry: 5000")
    pieces = found[202, ""]
    assert streams + pieces > 0, found
    assert set(found) <= {(200, ""), (202, ""), (200, "retry: 5000")} | {
        key for key in found if key[1].startswith("data: ") and '"RunCompleted"' in key[1]
    }, found


def runs_of(site: Site) -> int:
    with psycopg.connect(site.admin_url) as connection:
        found = connection.execute("SELECT count(*) FROM agents_run").fetchone()
    assert found is not None
    return int(found[0])
