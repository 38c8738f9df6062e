"""Everything that the API does to runs, at random and by two processes that are killed: none lost, doubled or stuck.

Each request carries a key, so that whoever got no answer asks again in the end and finds what she has begun. CHAOS_RUNS
says how many storms there are and how long they last.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx
import psycopg
import pytest

from tests.chaos import human
from tests.chaos.conftest import RUNS
from tests.chaos.web import FINAL, Found, Site, until
from tests.journeys.server import Frame

STORMS, ACTS = max(1, RUNS // 50), min(2 * RUNS, 200)
NAMES = ("one", "two")
ONCE = ("charge", "pay", "order")
WAIT = ("wait", {"milliseconds": 300})
CHARGE, PAY, ORDER = (("charge", {"amount": 5}), ("pay", {"amount": 7}), ("order", {"amount": 9}))
NOTE = ("note", {"text": "a"})
MESSAGES = (
    human.calls(NOTE, CHARGE, "all is done"),
    human.calls(WAIT, CHARGE, WAIT, NOTE, "all is done"),
    human.calls(PAY, WAIT, CHARGE, "all is done"),
    human.calls(WAIT, ORDER, "all is done"),
    human.calls(CHARGE, PAY, ORDER, "all is done"),
    "[[fault:429x2]] " + human.calls(CHARGE, "all is done"),
    "[[fault:400x1]] " + human.calls(NOTE, CHARGE, "all is done"),  # it fails, and may be run again
    "[[fault:cutx1]] [[token:20]] " + human.calls(CHARGE, " ".join(["word"] * 30)),
)
HANGS = "[[fault:hangx1]] " + human.calls(CHARGE, "all is done")  # until the time for an answer is over
FAIR = {200, 202, 403, 404, 409, 410, 422, 429, 503}  # of these none breaks a promise
LATER = {429, 503}


class Storm:
    """One tenant's two users and the two processes that they ask."""

    def __init__(self, site: Site, seed: int) -> None:
        self.site, self.chance = site, random.Random(seed)
        self.webs = {name: site.start(name) for name in NAMES}
        self.clients = {
            (name, role): site.client(web, role) for name, web in self.webs.items() for role in ("admin", "approver")
        }
        self.begun: dict[str, str] = {}  # the run of each key
        self.unanswered: dict[str, tuple[str, Found]] = {}
        self.numbers = 0

    def ask(self, method: str, path: str, body: Found | None = None, *, role: str = "admin", key: str = "") -> Any:
        """Ask either process; return the answer, or None when none came or it was to come back later."""
        client = self.clients[self.chance.choice(NAMES), role]
        headers = {"Idempotency-Key": key} if key else {}
        try:
            answer = client.request(method, f"/api{path}", json=body, headers=headers)
        except httpx.TransportError:
            return None
        assert answer.status_code in FAIR, (method, path, body, answer.status_code, answer.text)
        return None if answer.status_code in LATER else answer

    def begin(self, path: str, body: Found, key: str = "") -> None:
        """Ask for a new run, under a key of its own."""
        if not key:
            self.numbers += 1
            key = f"key-{self.numbers}"
        answer = self.ask("POST", path, body, key=key)
        if answer is None:
            self.unanswered[key] = path, body
        elif answer.status_code == 202:
            assert self.begun.setdefault(key, answer.json()["run_id"]) == answer.json()["run_id"]

    def some_run(self) -> str:
        return self.chance.choice([*self.begun.values()]) if self.begun else "00000000-0000-7000-8000-000000000000"

    def start(self) -> None:
        agent = self.chance.choice(["chaos", "hasty"])
        message = self.chance.choice(MESSAGES if agent == "chaos" else (*MESSAGES, HANGS))
        body = {"message": message, "stream": False, "background": True}
        self.begin(f"/agents/{agent}/runs", {**body, "session_id": f"{agent}-{self.chance.randrange(3)}"})

    def fork(self) -> None:
        run_id = self.some_run()
        steps = self.ask("GET", f"/runs/{run_id}/steps")
        if steps is not None and steps.status_code == 200 and steps.json():
            self.begin(f"/runs/{run_id}/fork", {"from_step": self.chance.choice(steps.json())["path"]})

    def rerun(self) -> None:
        self.begin(f"/runs/{self.some_run()}/rerun", {})

    def steer(self) -> None:
        act = self.chance.choice(["pause", "unpause", "unpause", "cancel"])
        self.ask("POST", f"/runs/{self.some_run()}/{act}")

    def answer(self) -> None:
        run_id = self.some_run()
        found = self.ask("GET", f"/runs/{run_id}")
        if found is not None and found.status_code == 200:
            self.reply(found.json(), agrees=self.chance.random() < 0.8)

    def reply(self, run: Found, *, agrees: bool) -> None:
        """Answer what a run asks the one who started it, and look into the ledger for what nobody knows."""
        for question in run["requirements"]:
            tool = question["tool_execution"]
            if tool.get("kind") == "reconcile":
                self.reconcile(run["run_id"], tool["tool_call_id"])
            elif not tool.get("approval_id"):
                said = {"answers": [{"tool_call_id": tool["tool_call_id"], "confirmed": agrees}]}
                self.ask("POST", f"/runs/{run['run_id']}/answers", said)

    def reconcile(self, run_id: str, tool_call_id: str) -> None:
        steps = self.ask("GET", f"/runs/{run_id}/steps")
        for step in steps.json() if steps is not None else ():
            if step["tool_call_id"] == tool_call_id and step["state"] == "unknown":
                path = f"/runs/{run_id}/steps/{step['id']}"
                evidence = self.ask("GET", f"{path}/evidence")
                if evidence is not None:
                    happened = (step["name"], evidence.json()["idempotency_key"]) in self.site.ran(run_id)
                    said = {"outcome": "happened" if happened else "not_happened", "reason": "The ledger says so."}
                    self.ask("POST", f"{path}/reconcile", said)

    def decide(self) -> None:
        self.decide_all(lambda: self.chance.random() < 0.8, most=2)

    def decide_all(self, agrees: Callable[[], bool], *, most: int = 100) -> None:
        found = self.ask("GET", "/approvals?status=pending&limit=100", role="approver")
        for approval in found.json()["data"][:most] if found is not None else ():
            said = {"status": "approved" if agrees() else "rejected", "reason": "So it be."}
            self.ask("POST", f"/approvals/{approval['id']}/resolve", said, role="approver")

    def kill(self) -> None:
        name = self.chance.choice(NAMES)
        self.webs[name].kill()
        if self.chance.random() < 0.3:
            time.sleep(self.chance.random())
        self.webs[name] = self.site.start(name)

    def rage(self) -> None:
        acts = [self.start] * 6 + [self.answer] * 5 + [self.decide] * 4 + [self.steer] * 4
        acts += [self.fork] * 2 + [self.rerun] * 2 + [self.kill] * 2
        for _ in range(ACTS):
            self.chance.choice(acts)()
            time.sleep(self.chance.uniform(0, 0.1))

    def settle(self) -> list[Found]:
        """Ask again what had no answer, then agree to everything until all runs have ended; return them."""
        while self.unanswered:
            key, (path, body) = self.unanswered.popitem()
            self.begin(path, body, key)
        runs = {run_id: until(lambda run_id=run_id: self._ended(run_id), f"the end of {run_id}") for run_id in self.ids}
        return list(runs.values())

    @property
    def ids(self) -> list[str]:
        return [*self.begun.values()]

    def _ended(self, run_id: str) -> Found | None:
        found = self.ask("GET", f"/runs/{run_id}")
        if found is None:
            return None
        run: Found = found.json()
        if run["status"] == "PAUSED":
            self.ask("POST", f"/runs/{run_id}/unpause")
            self.reply(run, agrees=True)
            self.decide_all(lambda: True)
        return run if run["status"] in FINAL else None


@pytest.mark.parametrize("seed", range(STORMS))
def test_whatever_is_asked_of_runs_while_processes_die_none_is_lost_doubled_or_stuck(site: Site, seed: int) -> None:
    storm = Storm(site, RUNS * 1000 + seed)
    storm.rage()
    runs = storm.settle()
    assert 0 < len(set(storm.ids)) == len(storm.ids) == stored(site)
    client = storm.clients["one", "admin"]
    for run in runs:
        steps = client.get(f"/api/runs/{run['run_id']}/steps").json()
        check_log(run, steps, human.read(client, run["run_id"]))
        assert {step["state"] for step in steps} <= {"done", "failed", "refused", "cancelled", "unknown"}, run
        check_effects(run, steps, site.ran(run["run_id"]))
    assert open_rows(site) == (0, 0)


def check_log(run: Found, steps: list[Found], frames: list[Frame]) -> None:
    """Check that the log has no gap and one end; of a run that came too late, or was cancelled before, only that."""
    if len(frames) == 1 and run["status"] != "COMPLETED" and not steps:
        assert (frames[0].id, frames[0].event) in ((1, "RunError"), (1, "RunCancelled"))
    else:
        human.check_log(frames)


def check_effects(run: Found, steps: list[Found], ran: Counter[tuple[str, str]]) -> None:
    """No side effect happened twice; of a run that answered those that are done did, a fork's perhaps before."""
    really = Counter(tool for tool, _ in ran.elements() if tool in ONCE)
    assert all(times == 1 for (tool, _), times in ran.items() if tool in ONCE), (run, ran)
    done = Counter(step["name"] for step in steps if step["state"] == "done" and step["name"] in ONCE)
    if run["status"] == "COMPLETED":
        assert really <= done, (run, ran, steps)
        if run["forked_from"] is None and run["rerun_of"] is None:
            assert really == done, (run, ran, steps)


def stored(site: Site) -> int:
    with psycopg.connect(site.admin_url) as connection:
        found = connection.execute("SELECT count(*) FROM agents_run WHERE component_kind = 'agent'").fetchone()
    assert found is not None
    return int(found[0])


def open_rows(site: Site) -> tuple[int, int]:
    """Return how many approvals wait, and how many runs have not ended, with those of the background."""
    with psycopg.connect(site.admin_url) as connection:
        found = connection.execute(
            "SELECT (SELECT count(*) FROM governance_approval WHERE status = 'pending'), "
            "(SELECT count(*) FROM agents_run WHERE status = 'paused' OR status <> 'pending' AND ended_at IS NULL "
            "AND component_kind = 'agent')"
        ).fetchone()
    assert found is not None
    return int(found[0]), int(found[1])
