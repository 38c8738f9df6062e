"""A worker without web goes on with the runs of a web process that is gone, and hands its own on when told to end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import httpx
import psycopg

from agents.services.crash import CrashPoint
from tests.chaos import human
from tests.chaos.app.agents import LEDGER
from tests.chaos.web import DRAIN_SECONDS, LEASE_SECONDS, Site, until
from tests.database import ROOT
from tests.journeys.server import clean_environment

SAY = "[[say:all is done]]"


@contextmanager
def worker(site: Site, sandbox_url: str, **changed: str) -> Iterator[subprocess.Popen[bytes]]:
    environment = {
        **clean_environment(),
        "AGENTOS_ENV": "test",
        "AGENTOS_APPS": "tests.chaos.app",
        "AGENTOS_LEASE_SECONDS": str(LEASE_SECONDS),
        "AGENTOS_DRAIN_SECONDS": str(DRAIN_SECONDS),
        "AGENTOS_SANDBOX_URL": sandbox_url,
        "AGENTOS_VAR": str(site.ledger.parent),
        "DATABASE_URL": site.admin_url,
        **{f"AGENTOS_{role.upper()}_URL": url for role, url in site.urls.items()},
        LEDGER: str(site.ledger),
        "PYTHONPATH": str(ROOT),
        **changed,
    }
    process = subprocess.Popen([sys.executable, "manage.py", "work"], cwd=ROOT, env=environment, stderr=subprocess.PIPE)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def row(site: Site, run_id: str) -> tuple[str, str, str]:
    """Return a run's status, output and who holds it."""
    with psycopg.connect(site.admin_url) as connection:
        query = "SELECT status, coalesce(output, ''), lease_owner FROM agents_run WHERE id = %s"
        found = connection.execute(query, [run_id]).fetchone()
    assert found is not None
    return found


def kept(site: Site, run_id: str) -> bool:
    """Return whether the database knows that the charge was made: until then it may or may not have happened."""
    with psycopg.connect(site.admin_url) as connection:
        query = "SELECT true FROM agents_step WHERE run_id = %s AND name = 'charge' AND state = 'done'"
        return connection.execute(query, [run_id]).fetchone() is not None


def test_a_worker_ends_what_a_dead_web_process_began(site: Site) -> None:
    web = site.start()
    message = human.calls(("charge", {"amount": 5}), ("wait", {"milliseconds": 1000}), "all is done")
    run_id = human.start(site.client(web), message, "a")
    until(lambda: kept(site, run_id), "the side effect")
    web.kill()
    with worker(site, site.nursery.sandbox_url) as process:
        until(lambda: row(site, run_id)[0] == "completed", "the run's end")
        assert row(site, run_id)[1] == "all is done"
        assert set(site.ran(run_id).values()) == {1}
        process.send_signal(signal.SIGTERM)
        assert process.wait(25) == 0


def only_run(site: Site) -> str:
    with psycopg.connect(site.admin_url) as connection:
        ((run_id,),) = connection.execute("SELECT id FROM agents_run").fetchall()
    return str(run_id)


def test_a_worker_that_is_told_to_end_hands_its_runs_on(site: Site) -> None:
    """The model that it asks is silent; that of whoever goes on is not."""
    web = site.start(crash_at=CrashPoint.BEGIN_AFTER_COMMIT)
    with suppress(httpx.TransportError):
        human.start(site.client(web), SAY, "a")
    web.wait_ended()
    run_id = only_run(site)
    with worker(site, site.nursery.start_sandbox(ttft_ms=60_000)) as process:
        mark = f"-{process.pid}-"
        until(lambda: mark in row(site, run_id)[2], "the worker's claim")
        process.send_signal(signal.SIGTERM)
        assert process.wait(25) == 0
    assert row(site, run_id)[0] == "pending"
    heir = site.start()
    assert human.start(site.client(heir), SAY, "a") == run_id
    run = human.see_to_the_end(site, site.client(heir), run_id)
    assert (run["status"], run["content"]) == ("COMPLETED", "all is done")
    human.check_log(human.read(site.client(heir), run_id))


def test_a_worker_without_a_database_says_so_and_ends(site: Site) -> None:
    nowhere = "postgresql://nobody@127.0.0.1:1/nothing"
    with worker(site, site.nursery.sandbox_url, AGENTOS_SYSTEM_URL=nowhere) as process:
        _, said = process.communicate(timeout=60)
        assert process.returncode == 1
        assert said.startswith(b"database: ")
        assert said.endswith(b": run manage.py doctor.\n")
        assert os.fsencode(nowhere) not in said
