"""The real server as a user starts it: `manage.py serve` as a subprocess, with a folder and a database of its own."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import orjson

from agentos.serving.ready import wait_for
from tests.database import ROOT

READY_LINE = "Ctrl-C stops everything"
START_SECONDS = 300.0  # of a machine that is busy with much else
PATIENCE_SECONDS = 120.0  # of whoever waits for an answer of it
STOP_SECONDS = 120.0
SIGNED_IN_SECONDS = 240.0  # a token is good for ten minutes
FAST = "--ttft-ms 1 --token-ms 1"
PASSWORD = "demo"


@dataclass
class RunningServer:
    """One server: its address, its log, its life."""

    folder: Path
    port: int
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._clients: list[httpx.Client] = []
        self._tokens: dict[tuple[str, str], tuple[float, str]] = {}

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """What it has printed so far, over all its starts."""
        path = self.folder / "serve.log"
        return path.read_text() if path.exists() else ""

    def start(self) -> None:
        """Start it and wait until it says that all stands. Raises: AssertionError with the log when it ends."""
        self.launch()
        self.wait_ready()

    def launch(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._seen = len(self.log)
        with (self.folder / "serve.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "manage.py", "serve", "--port", str(self.port)],
                cwd=ROOT,
                env=self._settings,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of manage.py as whoever operates this server does, to its end."""
        command = [sys.executable, "manage.py", *arguments]
        settings = {**self._settings, "PORT": str(self.port)}
        return subprocess.run(command, cwd=ROOT, env=settings, capture_output=True, text=True, check=False)

    @property
    def _settings(self) -> dict[str, str]:
        """The environment of its processes."""
        return {**clean_environment(), "AGENTOS_VAR": str(self.folder), **self.environment}

    def wait_ready(self) -> None:
        give_up_at = time.monotonic() + START_SECONDS
        while READY_LINE not in self.log[self._seen :]:
            assert self.process.poll() is None, f"the server ended:\n{self.log}"
            assert time.monotonic() < give_up_at, f"the server does not get ready:\n{self.log}"
            time.sleep(0.05)

    def wait_for_log(self, text: str) -> None:
        """Wait until it prints something. Raises: AssertionError."""
        give_up_at = time.monotonic() + START_SECONDS
        while text not in self.log:
            assert time.monotonic() < give_up_at, f"it did not say {text!r}:\n{self.log}"
            time.sleep(0.05)

    def wait_until_it_answers(self) -> None:
        """Wait until it says that it is ready to serve. Raises: ConfigError."""
        wait_for(f"{self.base_url}/api/ready", seconds=START_SECONDS, given_up=lambda: None)

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "the server was not started"
        return self._process

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End it as a user does; return its exit code."""
        self.process.send_signal(number)
        return self.process.wait(STOP_SECONDS)

    def kill9(self) -> None:
        """End every process of it at once, as a power cut does."""
        doomed = [self.process.pid, *self.offspring()]
        for pid in doomed:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(STOP_SECONDS)
        self.wait_gone(doomed[1:])

    def end(self) -> None:
        """End it if it runs, in whatever state a test has left it."""
        self.close_clients()
        if self._process is None or self._process.poll() is not None:
            return
        with suppress(subprocess.TimeoutExpired):
            self.stop()
            return
        self.kill9()

    def restart(self) -> None:
        """Stop it if it runs, and start it on the same port and database."""
        if self.process.poll() is None:
            self.stop()
        self.start()

    def offspring(self) -> list[int]:
        """Return the ids of all processes that it started, and of theirs."""
        found = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True)
        parents = [tuple(map(int, line.split())) for line in found.stdout.splitlines()]
        family = [self.process.pid]
        for member in family:
            family.extend(pid for pid, parent in parents if parent == member)
        return family[1:]

    def wait_gone(self, pids: list[int]) -> None:
        """Wait until none of these processes runs. Raises: AssertionError."""
        give_up_at = time.monotonic() + STOP_SECONDS
        while alive := [pid for pid in pids if _runs(pid)]:
            assert time.monotonic() < give_up_at, f"still there: {alive}\n{self.log}"
            time.sleep(0.05)

    def client(self, role: str = "member", tenant: str = "acme", *, anew: bool = False) -> httpx.Client:
        """Return a signed-in client: a demo user's. It is closed with the server's fixture.

        Whoever has signed in lately does not again, except `anew`: to check a password is slow on purpose.
        """
        client = self.anonymous()
        since, token = self._tokens.get((role, tenant), (-math.inf, ""))
        if anew or time.monotonic() - since > SIGNED_IN_SECONDS:
            body = {"email": f"{role}@{tenant}.test", "password": PASSWORD, "tenant": tenant}
            answer = client.post("/api/auth/token", json=body)
            assert answer.status_code == 200, answer.text
            token = answer.json()["access"]
            self._tokens[role, tenant] = time.monotonic(), token
        client.headers["Authorization"] = f"Bearer {token}"
        return client

    def anonymous(self) -> httpx.Client:
        client = httpx.Client(base_url=self.base_url, timeout=PATIENCE_SECONDS, trust_env=False, verify=False)
        self._clients.append(client)
        return client

    def close_clients(self) -> None:
        for client in self._clients:
            client.close()


def clean_environment() -> dict[str, str]:
    """Return this process' environment without what the tests or a developer set for AgentOS."""
    ours = ("AGENTOS_", "OPENAI_", "DJANGO_", "PYTEST_", "DATABASE_URL", "SECRET_KEY", "HOST", "PORT")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


def _runs(pid: int) -> bool:
    """Say whether a process runs; one that has ended and waits for its parent to notice does not."""
    found = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return bool(found.stdout.strip()) and not found.stdout.strip().startswith("Z")


def run_that_is(client: httpx.Client, run_id: str, *statuses: str) -> dict[str, Any]:
    """Wait until a run has one of these statuses, and return it. Raises: AssertionError."""
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while (found := client.get(f"/api/runs/{run_id}").json())["status"] not in statuses:
        assert time.monotonic() < give_up_at, f"the run is {found['status']}, not {' or '.join(statuses)}"
        time.sleep(0.05)
    return dict(found)


@dataclass(frozen=True)
class Frame:
    """One server-sent event."""

    id: int
    event: str
    data: dict[str, Any]


def sse(response: httpx.Response) -> Iterator[Frame]:
    """Yield the events of a response as they come; comments and `retry` are left out."""
    assert response.headers["content-type"].startswith("text/event-stream"), response.read()
    fields: dict[str, str] = {}
    for line in response.iter_lines():
        name, _, value = line.partition(": ")
        if line and name:
            fields[name] = value
        elif "data" in fields:
            yield Frame(int(fields["id"]), fields["event"], orjson.loads(fields["data"]))
            fields = {}
        else:
            fields = {}
