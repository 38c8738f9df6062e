"""The first start of a fresh clone, on an embedded PostgreSQL of its own; then the second, and what `doctor` says."""

from __future__ import annotations

import json
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from agentos import postgres
from agentos.serving.ground import free_port
from tests.journeys.server import FAST, RunningServer


@pytest.fixture
def fresh() -> Iterator[RunningServer]:
    """A server that nobody has started yet, in a folder that the database's user may enter."""
    base = Path(tempfile.mkdtemp(prefix="agentos-test-"))
    base.chmod(0o755)
    server = RunningServer(base / "var", free_port(), {"AGENTOS_SANDBOX_OPTIONS": FAST})
    yield server
    server.end()
    postgres.remove(base / "var" / "postgres")
    shutil.rmtree(base)


def test_from_nothing_to_a_server_and_back(fresh: RunningServer) -> None:
    fresh.start()
    children = fresh.offspring()
    assert "migrations and demo rows" in fresh.log
    assert fresh.client("approver").get("/api/approvals/count").json()["count"] >= 1
    sessions = fresh.client().get("/api/sessions").json()["meta"]["total_count"]

    fresh.close_clients()
    assert fresh.stop(signal.SIGTERM) == 0
    fresh.wait_gone(children)
    assert postgres.status(fresh.folder / "postgres") is None

    fresh.start()
    assert "nothing new" in fresh.log
    assert fresh.client().get("/api/sessions").json()["meta"]["total_count"] == sessions

    report = _doctor(fresh)
    problems = [finding for finding in report["findings"] if finding["state"] == "problem"]
    assert problems == []
    assert report["ok"] is True

    assert "Traceback" not in fresh.log
    _end_database(fresh)
    fresh.wait_for_log("the embedded PostgreSQL has ended; starting it anew")
    fresh.wait_until_it_answers()
    fresh.close_clients()
    fresh.stop()
    assert postgres.status(fresh.folder / "postgres") is None


def _doctor(server: RunningServer) -> dict[str, Any]:
    report: dict[str, Any] = json.loads(server.manage("doctor", "--json").stdout)
    return report


def _end_database(server: RunningServer) -> None:
    running = postgres.status(server.folder / "postgres")
    assert running is not None
    with psycopg.connect(running.url()):
        postgres.stop(server.folder / "postgres")
