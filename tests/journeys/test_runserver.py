"""`runserver` beside a running server: what one changes code with works as the real one does."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest
from websockets.sync.client import connect

from agentos.serving.ground import free_port
from agentos.serving.ready import wait_for
from tests.database import ROOT
from tests.journeys.server import PATIENCE_SECONDS, START_SECONDS, RunningServer, clean_environment


@pytest.fixture
def beside(server: RunningServer) -> Iterator[str]:
    """The address of a `runserver` on the database and the model of the running server."""
    model = re.findall(r"http://127\.0\.0\.1:\d+/v1", server.log)[-1]  # each start has another
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "manage.py", "runserver", "--noreload", str(port)],
        cwd=ROOT,
        env={
            **clean_environment(),
            "AGENTOS_VAR": str(server.folder),
            "AGENTOS_SANDBOX_URL": model,
            **server.environment,
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(f"{url}/api/ready", seconds=START_SECONDS, given_up=lambda: None)
        yield url
    finally:
        process.kill()
        process.wait()


def test_it_runs_streams_and_serves_pages_and_sockets(server, beside):
    bearer = server.client("member").headers["Authorization"]
    with httpx.Client(base_url=beside, headers={"Authorization": bearer}, timeout=PATIENCE_SECONDS) as client:
        answer = client.post("/api/agents/helpdesk/runs", json={"message": "Hello", "stream": True})
        assert answer.status_code == 200, answer.text
        names = re.findall(r"^event: (\w+)", answer.text, re.MULTILINE)
        assert (names[0], names[-1]) == ("RunStarted", "RunCompleted")
        run_id = re.search(r'"run_id":"([0-9a-f-]+)"', answer.text)
        assert run_id is not None
        login = client.get("/admin/login/", follow_redirects=True)
        assert login.status_code == 200 and "<form" in login.text
        style = re.search(r'/static/[^"]+\.css', login.text)
        assert style is not None and client.get(style.group()).status_code == 200
    address = f"{beside.replace('http', 'ws')}/ws/runs/{run_id.group(1)}"
    with connect(
        address, additional_headers={"Authorization": bearer}, proxy=None, open_timeout=PATIENCE_SECONDS
    ) as socket:
        assert "RunStarted" in str(socket.recv(timeout=PATIENCE_SECONDS))
