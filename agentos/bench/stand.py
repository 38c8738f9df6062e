"""The ground of a benchmark: a database in a temporary folder, the model, the web processes; all end with it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path

import orjson
import psycopg

from agentos import database, postgres
from agentos.bench.client import Job, Load
from agentos.bench.floors import RELAY
from agentos.bench.meter import Meter, children_of
from agentos.bench.rows import make_budget
from agentos.core.errors import ConfigError
from agentos.provision import Roles, provision, url_for
from agentos.serving import ground
from agentos.serving.children import ROOT, Child, management, stop_all
from agentos.serving.progress import Progress
from agentos.serving.ready import wait_for
from agentos.serving.seeded import PASSWORD, TENANTS
from agentos.serving.visitor import Visitor, log_in

DATABASE = "agentos"
WEB = "agentos.serving.web"
RELAY_MODULE = "agentos.bench.floors"
READY_SECONDS = 60.0
STOP_SECONDS = 30.0
_OURS = ("AGENTOS_", "EMAIL_", "OPENAI_", "DATABASE_URL", "SECRET_KEY", "SECURE_")


@contextmanager
def clean_environment() -> Iterator[None]:
    """Hide this shell's own settings from the children: they measure the defaults."""
    kept = dict(os.environ)
    for name in [name for name in kept if name.startswith(_OURS)]:
        del os.environ[name]
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(kept)


class Stand:
    """Everything that a measurement needs, running. Use as a context manager."""

    def __init__(self, progress: Progress, *, durable: bool = True) -> None:
        self._progress, self._durable = progress, durable
        self._folder = Path(tempfile.mkdtemp(prefix="agentos-bench-"))
        self._children: list[Child] = []
        self._web: list[Child] = []
        self._environment: dict[str, str] = {}
        self._server: postgres.Server | None = None
        self._meter: Meter | None = None
        self._secret = ""
        self.port = self.model_port = self.relay_port = 0

    def __enter__(self) -> Stand:
        try:
            self._bring_up()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stop_web()
        stop_all(self._children, STOP_SECONDS)
        postgres.remove(self._folder / "postgres")
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def meter(self) -> Meter:
        assert self._meter is not None, "no web process runs"
        return self._meter

    @property
    def base_url(self) -> str:
        return _at(self.port)

    def visitor(self, role: str = "member", *, port: int = 0) -> Visitor:
        """Log a demo user in, at the server beside if that is the port; her token is good for ten minutes."""
        return log_in(_at(port or self.port), email=self.email(role), password=PASSWORD, tenant=TENANTS[0])

    def email(self, role: str) -> str:
        return f"{role}@{TENANTS[0]}.test"

    @property
    def relay_pid(self) -> int:
        return children_of(RELAY_MODULE)[0]

    def load(self, job: Job, *, module: str = "client") -> Load:
        """Run a job in a process of its own. Raises: ConfigError when it fails."""
        with tempfile.TemporaryFile() as counted:  # no pipe: what is counted is long, and one was seen to end early
            done = subprocess.run(
                [sys.executable, "-m", f"agentos.bench.{module}"],
                input=orjson.dumps(asdict(job)),
                stdout=counted,
                cwd=ROOT,
                timeout=job.limit_seconds + 60,
                check=False,
            )
            if done.returncode:
                raise ConfigError(f"bench: the process that loads ended with code {done.returncode}.")
            counted.seek(0)
            return Load(**orjson.loads(counted.read()))

    def restart_web(self, processes: int = 1) -> None:
        """End the web processes and start that many anew on one port."""
        self._stop_web()
        self.port = self._serve(self._web, self._environment, processes)
        assert self._server is not None
        self._meter = Meter(self._server.url(DATABASE), self._server.data_folder, children_of(WEB))

    @contextmanager
    def beside(self, copy: str) -> Iterator[tuple[int, Meter]]:
        """Serve a copy of the database from one more process; yield its port, and its meter. Web processes begin anew.

        The copy is dropped in the end.
        """
        assert self._server is not None
        self._stop_web()
        with psycopg.connect(self._server.url(), autocommit=True) as admin:
            admin.execute(f"CREATE DATABASE {copy} TEMPLATE {DATABASE} STRATEGY file_copy".encode())
            self.restart_web()
            served: list[Child] = []
            try:
                port = self._serve(served, {**self._environment, **self._urls(copy)})
                with closing(Meter(self._server.url(copy), self._server.data_folder, [])) as meter:
                    yield port, meter
            finally:
                stop_all(served, STOP_SECONDS)
                admin.execute(f"DROP DATABASE {copy} WITH (FORCE)".encode())

    def _urls(self, database: str) -> dict[str, str]:
        """Return the settings by which a process uses another database as the same roles."""
        assert self._server is not None
        url = self._server.url(database)
        roles = Roles.derive(DATABASE, self._secret)
        named = {"OWNER": roles.owner, "SYSTEM": roles.system, "APP": roles.app}
        return {"DATABASE_URL": url} | {
            f"AGENTOS_{name}_URL": url_for(url, role, database) for name, role in named.items()
        }

    def _serve(self, children: list[Child], settings: dict[str, str], processes: int = 1) -> int:
        """Start web processes, which join `children` at once; return their port when they are ready."""
        listener = ground.bind("127.0.0.1", 0)
        port: int = listener.getsockname()[1]
        handle = listener.fileno()
        command = [sys.executable, "-m", WEB, str(handle)]
        environment = {**settings, "PORT": str(port)}
        for number in range(1, processes + 1):
            child = Child(f"web {number}", command, self._progress, environment, pass_fds=(handle,), waits_for_go=True)
            children.append(child)
            child.start()
            child.go()
        listener.close()
        wait_for(f"{_at(port)}/api/ready", seconds=READY_SECONDS, given_up=lambda: _ended(children))
        return port

    def _bring_up(self) -> None:
        with self._progress.stage("database", "embedded PostgreSQL, provisioned"):
            self._server = postgres.start(self._folder / "postgres", durable=self._durable)
            self._secret = database.development_secret(self._folder)
            provision(self._server.url(), database=DATABASE, roles=Roles.derive(DATABASE, self._secret))
        self.model_port = self._listening("model", "agentos.bench.model")
        self.relay_port = self._listening("relay", RELAY_MODULE, RELAY, after=str(self.model_port))
        self._environment = {
            "AGENTOS_VAR": str(self._folder),
            "AGENTOS_APPS": "agentos.bench.app",
            "AGENTOS_LOG_LEVEL": "WARNING",
            "AGENTOS_SANDBOX_URL": f"http://127.0.0.1:{self.model_port}/v1",
            "HOST": "127.0.0.1",
            "EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend",
        }
        with self._progress.stage("migrations", "migrations and demo users"):
            child = Child("prepare", management("prepare"), self._progress, self._environment, quiet=True)
            child.start()
            if child.wait(READY_SECONDS * 2) != 0:
                child.kill()
                raise ConfigError("\n".join(child.last_lines()) or "bench: the migrations failed.")
        with self._progress.stage("web", "one web process"):
            self.restart_web()
            make_budget(self.meter, TENANTS[0])

    def _listening(self, name: str, module: str, *arguments: str, after: str = "") -> int:
        """Start a process that serves on a socket made here; return its port."""
        listener = ground.bind("127.0.0.1", 0)
        handle = listener.fileno()
        command = [sys.executable, "-m", module, *arguments, str(handle), *([after] if after else [])]
        child = Child(name, command, self._progress, pass_fds=(handle,))
        child.start()
        self._children.append(child)
        port: int = listener.getsockname()[1]
        listener.close()
        return port

    def _stop_web(self) -> None:
        if self._meter is not None:
            self._meter.close()
            self._meter = None
        stop_all(self._web, STOP_SECONDS)
        self._web = []


def _at(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def _ended(children: list[Child]) -> str | None:
    return next((f"{child.name} ended: {child.last_lines()}" for child in children if child.ended() is not None), None)
