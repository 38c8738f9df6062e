"""Web processes that tests start, stop, freeze and kill at will, and the sites they serve: a database and a ledger."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from agentos.serving.ground import free_port
from tests.chaos.app.agents import DEPLOY, LEDGER
from tests.chaos.nursery import PASSWORD, ROLE
from tests.database import ROOT
from tests.journeys.server import clean_environment

LEASE_SECONDS = 3
DRAIN_SECONDS = 1
PATIENCE_SECONDS = 60.0
FINAL = ("COMPLETED", "ERROR", "CANCELLED")
Found = dict[str, Any]


def until(condition: Callable[[], Any], what: str = "") -> Any:
    """Wait until the condition yields something true, and return that. Raises: AssertionError."""
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while not (found := condition()):
        assert time.monotonic() < give_up_at, f"waited in vain for {what or condition}"
        time.sleep(0.1)
    return found


class Nursery:
    """The process that forks web processes, with the sandbox model that they talk to."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        self.sandbox_url = f"http://127.0.0.1:{port}/v1"
        self._log = (folder / "nursery.log").open("ab")
        self.log_file = folder / "nursery.log"
        self._lock = threading.Lock()
        environment = {
            **clean_environment(),
            "AGENTOS_ENV": "test",
            "AGENTOS_VAR": str(folder),
            "AGENTOS_APPS": "tests.chaos.app",
            "AGENTOS_LEASE_SECONDS": str(LEASE_SECONDS),
            "AGENTOS_DRAIN_SECONDS": str(DRAIN_SECONDS),
            "AGENTOS_SANDBOX_URL": self.sandbox_url,
            "DATABASE_URL": "postgresql://tests@127.0.0.1:1/each_child_is_told_its_own",
            "PYTHONPATH": str(ROOT),
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.nursery"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
        )
        self.start_sandbox(port)

    def start_sandbox(self, port: int = 0, *, ttft_ms: int = 1) -> str:
        """Start a sandbox model that lives as long as this does; return its address."""
        port = port or free_port()
        self.tell(do="sandbox", arguments=["--port", str(port), "--ttft-ms", str(ttft_ms), "--token-ms", "1"])
        until(lambda: _answers(f"http://127.0.0.1:{port}/health"), "the sandbox model")
        return f"http://127.0.0.1:{port}/v1"

    def tell(self, **order: Any) -> Found:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._lock:
            self._process.stdin.write(json.dumps(order).encode() + b"\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        assert line, f"the nursery ended:\n{self.log_file.read_text()}"
        return dict(json.loads(line))

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()
        self._log.close()


def _answers(url: str) -> bool:
    """Ask without what makes an HTTP client slow to build: this is asked often."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    try:
        connection.request("GET", parts.path)
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


@dataclass
class Web:
    """One web process of a site."""

    nursery: Nursery = field(repr=False)
    pid: int
    base_url: str

    def ended(self) -> int | None:
        """Return how it has ended, negative for a signal; None while it lives."""
        code: int | None = self.nursery.tell(do="ended", pid=self.pid)["code"]
        return code

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        """End it as a power cut does."""
        self.signal(signal.SIGKILL)
        self.wait_ended()

    def wait_ended(self) -> int:
        ended = until(lambda: (code,) if (code := self.ended()) is not None else (), f"the end of {self.pid}")
        return int(ended[0])

    def wait_ready(self) -> None:
        until(lambda: _answers(f"{self.base_url}/api/ready"), f"{self.base_url} to be ready")


@dataclass
class Site:
    """A database, the web processes on it, and the ledger that their tools write."""

    nursery: Nursery = field(repr=False)
    urls: dict[str, str] = field(repr=False)
    admin_url: str = field(repr=False)
    name: str
    ledger: Path
    give_back: Callable[[], None] = field(default=lambda: None, repr=False)
    webs: list[Web] = field(default_factory=list)
    clients: list[httpx.Client] = field(default_factory=list, repr=False)
    _tokens: dict[str, str] = field(default_factory=dict, repr=False)

    def start(self, name: str = "one", *, crash_at: str = "", deploy: str = "", clock: Path | None = None) -> Web:
        """Start a web process; under the same name it has the same address. `deploy` says which tools it brings.

        `clock` names the file that says by how many seconds its wall clock is wrong.
        """
        told = self.nursery.tell(
            do="serve",
            name=f"{self.name}-{name}",
            urls=self.urls,
            admin_url=self.admin_url,
            environment={LEDGER: str(self.ledger), DEPLOY: deploy, "CHAOS_CLOCK": str(clock or "")},
            crash_at=crash_at,
        )
        web = Web(self.nursery, told["pid"], f"http://127.0.0.1:{told['port']}")
        self.webs.append(web)
        web.wait_ready()
        return web

    def client(self, web: Web, role: str = ROLE) -> httpx.Client:
        """Return a client of one of the processes, signed in as the one who may do everything, or who approves."""
        client = httpx.Client(base_url=web.base_url, timeout=30, trust_env=False, verify=False)
        self.clients.append(client)
        if role not in self._tokens:
            said = {"email": f"{role}@acme.test", "password": PASSWORD, "tenant": "acme"}
            self._tokens[role] = client.post("/api/auth/token", json=said).json()["access"]
        client.headers["Authorization"] = f"Bearer {self._tokens[role]}"
        return client

    def ran(self, run_id: str) -> Counter[tuple[str, str]]:
        """Return how often each call of a run really ran: {(tool, idempotency key): times}."""
        lines = self.ledger.read_text().splitlines() if self.ledger.exists() else []
        calls = [line.split() for line in lines]
        return Counter((tool, key) for tool, run, key in calls if run == run_id)

    def close(self) -> None:
        """End its processes and give its database back; once, however often it is told."""
        for client in self.clients:
            client.close()
        for web in self.webs:
            if web.ended() is None:
                web.kill()
        give_back, self.give_back = self.give_back, lambda: None
        give_back()
