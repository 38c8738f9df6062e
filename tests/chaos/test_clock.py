"""A process whose wall clock jumps by hours, there and back: the database's and the monotonic one decide, as ever."""

from __future__ import annotations

from pathlib import Path

import httpx
import psycopg
import pytest

from tests.chaos import human
from tests.chaos.test_two_processes import Reader, recoveries
from tests.chaos.web import Site, until

HOURS = 3_600
WORK = human.calls(
    ("note", {"text": "a"}),
    ("wait", {"milliseconds": 1500}),
    ("charge", {"amount": 5}),
    ("order", {"amount": 7}),
    "done",
)


def set_(clock: Path, hours: int) -> None:
    """Set the clock wrong by so much in one step, as whoever reads it sees it."""
    new = clock.with_suffix(".new")
    new.write_text(str(hours * HOURS))
    new.replace(clock)


@pytest.mark.parametrize("hours", [9, -9, 24 * 30])
def test_runs_leases_and_approvals_do_not_see_it(site: Site, tmp_path: Path, hours: int) -> None:
    clock = tmp_path / "clock"
    set_(clock, 0)
    wrong, right = site.start("wrong", clock=clock), site.start("right")
    here, approver, elsewhere = site.client(wrong), site.client(right, "approver"), site.client(right)
    run_id = human.start(here, f"[[ttft:300]] {WORK}", "a")
    shown = Reader(elsewhere, run_id)
    until(lambda: site.ran(run_id), "the run at work")
    set_(clock, hours)
    paused = until(lambda: (found := human.find(elsewhere, run_id))["status"] == "PAUSED" and found, "the approval")
    assert until(lambda: ready(wrong.base_url), "the process to be ready")
    approval = paused["requirements"][0]["tool_execution"]["approval_id"]
    set_(clock, -hours)
    ticks(site, times=3)
    assert elsewhere.get(f"/api/approvals/{approval}").json()["status"] == "pending"
    decided = approver.post(f"/api/approvals/{approval}/resolve", json={"status": "approved", "reason": "So it be."})
    assert decided.status_code == 200, decided.text
    run = human.see_to_the_end(site, elsewhere, run_id)
    set_(clock, 0)
    assert (run["status"], run["content"]) == ("COMPLETED", "done"), run
    log = human.read(here, run_id)
    human.check_log(log)
    assert shown.finish() == log
    human.check_effects(site, run_id, "charge", "order")
    assert recoveries(site, run_id) == 0


def test_who_signs_in_meanwhile_is_let_in_there_and_tokens_count_again_when_it_is_right(
    site: Site, tmp_path: Path
) -> None:
    clock = tmp_path / "clock"
    set_(clock, 0)
    web = site.start(clock=clock)
    client = site.client(web)
    for hours in (9, -9):
        set_(clock, hours)
        assert client.get("/api/auth/me").status_code == (401 if hours > 0 else 200)
        said = {"email": "admin@acme.test", "password": "demo", "tenant": "acme"}
        token = client.post("/api/auth/token", json=said).json()["access"]
        there = {"Authorization": f"Bearer {token}"}
        assert client.get("/api/auth/me", headers=there).status_code == 200
        run_id = client.post(
            "/api/agents/chaos/runs", json={"message": "Hi", "background": True, "stream": False}, headers=there
        ).json()["run_id"]
        set_(clock, 0)
        assert client.get("/api/auth/me").status_code == 200
        assert human.see_to_the_end(site, client, run_id)["status"] == "COMPLETED"


def ready(base_url: str) -> bool:
    return httpx.get(f"{base_url}/api/ready", trust_env=False).status_code == 200


def ticks(site: Site, *, times: int) -> None:
    """Wait until the machine has looked for what is due so often, by what it asks of the database."""
    with psycopg.connect(site.admin_url, autocommit=True) as connection:
        count = "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"
        first = connection.execute(count).fetchone()
        assert first is not None
        until(lambda: connection.execute(count).fetchone()[0] >= first[0] + 10 * times, "ticks")  # type: ignore[index]
