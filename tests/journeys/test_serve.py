"""What `serve` promises about its processes, seen from outside: ready, whole, ended, back after a kill."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from functools import partial
from typing import Any

import httpx

from tests.journeys.conftest import StartServer
from tests.journeys.server import PATIENCE_SECONDS, STOP_SECONDS, RunningServer, sse


def test_a_new_server_is_ready_and_lived_in(server: RunningServer, http: httpx.Client) -> None:
    assert http.get("/api/ready").status_code == 200
    key = (server.folder / "dev_service_key").read_text()
    assert (server.folder / "dev_service_key").stat().st_mode & 0o777 == 0o600
    assert key not in server.log
    for tenant in ("acme", "globex"):
        approver = server.client("approver", tenant)
        for status in ("approved", "pending", "rejected"):
            rows = approver.get(f"/api/approvals?status={status}&limit=100").json()["data"]
            assert any(row["status"] == status for row in rows)
        sessions = server.client("member", tenant).get("/api/sessions?limit=100").json()["data"]
        demo = [row for row in sessions if row["session_id"].startswith("demo-")]
        assert len(demo) == 6
        assert all(row["session_name"].startswith("Demo: ") for row in demo)


def test_the_printed_curl_line_works(server: RunningServer, http: httpx.Client) -> None:
    key = (server.folder / "dev_service_key").read_text()
    form = {"message": "Our login page returns 503"}
    headers = {"Authorization": f"Bearer {key}"}
    with http.stream("POST", "/api/agents/helpdesk/runs", data=form, headers=headers) as response:
        frames = list(sse(response))
    assert [frame.id for frame in frames] == list(range(1, len(frames) + 1))
    assert (frames[0].event, frames[-1].event) == ("RunStarted", "RunCompleted")


def test_the_printed_link_leads_to_a_refund_that_waits(server: RunningServer) -> None:
    line = next(line for line in server.log.splitlines() if "A refund waits" in line)
    approval = line.split("/")[-3]
    found = server.client("approver").get(f"/api/approvals/{approval}").json()
    assert (found["status"], found["tool_name"]) == ("pending", "process_refund")


def test_a_web_process_that_dies_is_reported_and_started_anew(server: RunningServer) -> None:
    web = next(pid for pid in server.offspring() if "agentos.serving.web" in _command(pid))
    os.kill(web, signal.SIGKILL)
    server.wait_gone([web])
    server.wait_until_it_answers()
    assert "web | was ended by signal 9 unexpectedly" in server.log


def test_children_end_when_their_parent_is_killed_and_the_next_start_finds_the_port_free(
    server: RunningServer,
) -> None:
    children = server.offspring()
    os.kill(server.process.pid, signal.SIGKILL)
    server.process.wait()
    server.wait_gone(children)
    server.start()
    assert server.anonymous().get("/api/ready").status_code == 200


def test_two_web_processes_share_one_port_and_answer_until_an_interrupt_has_handed_their_runs_on(
    start_server: StartServer,
) -> None:
    server = start_server(AGENTOS_PROCESSES="2")
    children = server.offspring()
    assert len([pid for pid in children if "agentos.serving.web" in _command(pid)]) == 2
    client, path = server.client(), "/api/agents/helpdesk/runs"
    done = client.post(path, json={"message": "Hello", "stream": False}).json()
    # A new connection each time, so that both processes answer some.
    for _ in range(8):
        assert server.client().get(f"/api/runs/{done['run_id']}").json()["status"] == "COMPLETED"
    # Longer than a busy machine takes to ask whether it drains, shorter than a model's call is waited for then.
    run = client.post(path, json={"message": "[[ttft:18000]] Hello", "stream": False, "background": True}).json()
    with client.stream("GET", f"/api/runs/{run['run_id']}/events") as stream:
        lines = stream.iter_lines()
        while next(lines) != "event: RunStarted":
            pass  # nobody works on it yet: there would be nothing to drain
        server.process.send_signal(signal.SIGINT)
        server.wait_for_log("ending all processes")
        ready, refused = _when_it_drains(server)
        assert ready.json()["checks"]["process"] == {"ok": False, "detail": "This process is going away."}
        assert (refused.status_code, refused.json()["code"]) == (503, "draining")
        assert refused.headers["Retry-After"] == "1"
        rest = list(lines)
    assert "event: RunCompleted" in rest or rest[-2:] == ["retry: 500", ""]
    server.close_clients()
    assert server.process.wait(STOP_SECONDS) == 0
    server.wait_gone(children)
    assert "Traceback" not in server.log


def _when_it_drains(server: RunningServer) -> tuple[httpx.Response, httpx.Response]:
    """Return what it says of its readiness and to one more run, each over a connection of its own.

    The process that has no run ends at once, and may take a connection just then: another one finds the other process.
    One that has not been told yet still takes a run.
    """
    token = server.client().headers["Authorization"]
    ask = partial(_asked, server.base_url, headers={"Authorization": token})
    while (ready := ask("GET", "/api/ready")).status_code == 200:
        pass
    run = {"message": "Hello", "stream": False}
    while (refused := ask("POST", "/api/agents/helpdesk/runs", json=run)).is_success:
        pass
    return ready, refused


def _asked(base_url: str, method: str, path: str, **request: Any) -> httpx.Response:
    for _ in range(10):
        with suppress(httpx.RemoteProtocolError, httpx.ReadError):
            return httpx.request(method, f"{base_url}{path}", timeout=PATIENCE_SECONDS, trust_env=False, **request)
    raise AssertionError("ten connections were closed unanswered")


def _command(pid: int) -> str:
    shown = subprocess.run(["ps", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return shown.stdout
