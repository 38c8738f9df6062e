"""The parent of all: brings up database, model, web and jobs in order, watches them, and ends them.

It opens no connection of Django's: children do the work, and each ends by itself when the parent is gone.
"""

from __future__ import annotations

import os
import shlex
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from agentos import env
from agentos.core.errors import ConfigError
from agentos.core.types import json_object
from agentos.postgres import PostgresError
from agentos.serving import ground
from agentos.serving.banner import what_to_try
from agentos.serving.children import Child, management, stop_all
from agentos.serving.progress import Progress
from agentos.serving.ready import wait_for
from agentos.serving.seeded import KEY_FILE, Seeded

STOP_MARGIN_SECONDS = 5.0  # what a child gets beyond its draining
READY_SECONDS = 60.0
TICK_SECONDS = 0.2
DATABASE_LOOK_SECONDS = 5.0


@dataclass(frozen=True)
class Plan:
    """What the settings say about this installation."""

    host: str
    port: int
    processes: int
    production: bool
    var: Path
    secret: str = field(repr=False)
    allowed_host: str = ""
    demo_runs: bool = True
    drain_seconds: int = 20


class Parent:
    """One `serve` from start to end."""

    def __init__(self, plan: Plan, progress: Progress) -> None:
        self._plan = plan
        self._progress = progress
        self._database = ground.Database(plan.var / "postgres", plan.secret, progress)
        self._children: list[Child] = []
        self._web: list[Child] = []
        self._environment: dict[str, str] = {}
        self._listener: socket.socket | None = None

    def run(self) -> None:
        """Serve until SIGINT or SIGTERM. Raises: ConfigError, PostgresError, ProvisionError."""
        for ending in (signal.SIGINT, signal.SIGTERM):  # a shell's background job begins with SIGINT ignored
            signal.signal(ending, signal.default_int_handler)
        began = time.monotonic()
        try:
            self._bring_up()
            self._progress.line()
            self._tell_what_to_try(time.monotonic() - began)
            self._watch()
        except KeyboardInterrupt:
            self._progress.line()
        finally:
            self._stop()

    def _bring_up(self) -> None:
        plan = self._plan
        ground.check_python()
        self._check_posture()
        self._listener = ground.bind(plan.host, plan.port)
        self._environment |= {"HOST": plan.host, "PORT": str(self._listener.getsockname()[1])}
        plan.var.mkdir(parents=True, exist_ok=True)
        self._database.prepare()
        self._start_sandbox()
        self._start_web(self._listener)
        self._migrate()
        self._probe_model()
        with self._progress.stage("web", f"waiting for {self.base_url}/api/ready"):
            self._let_web_serve()
        self._keep("jobs", management("qcluster"), quiet=True)
        if plan.demo_runs and not plan.production and not Seeded.read(plan.var).runs:
            self._once("demo", "playing the demo runs", "seed", "--runs", "--base-url", self.base_url, fatal=False)

    def _migrate(self) -> None:
        """Migrate and make the demo rows, unless the embedded database has seen exactly these migrations."""
        stamp, state = self._plan.var / "prepared", self._database.state()
        if state and stamp.exists() and stamp.read_text() == state and self._key_file.exists():
            self._progress.note("migrations", "nothing new")
            return
        text = "migrations" if self._plan.production else "migrations and demo rows"
        self._once("migrations", text, "prepare")
        stamp.write_text(state)

    def _probe_model(self) -> None:
        """Ask a configured model server what it can do, and tell. Raises: ConfigError when no run could work."""
        if not self._model_is_configured():
            return
        with self._progress.stage("model", "asking the model server what it can do"):
            child = self._child("model", management("doctor", "--check", "model", "--json"), quiet=True)
            self._wait_for(child)
        report = json_object(child.last_lines(1)[0]) if child.last_lines() else None
        for finding in (report or {}).get("findings", ()):
            text = ": ".join(filter(None, (finding["found"], finding["fix"])))
            if finding["state"] == "problem":
                raise ConfigError(f"model: {text}")
            self._progress.note("model", text)

    def _wait_for(self, child: Child) -> int:
        """Wait for the end of a child that a signal ends too."""
        self._children.append(child)
        while (code := child.wait(TICK_SECONDS)) is None:
            pass
        self._children.remove(child)
        return code

    @property
    def _key_file(self) -> Path:
        return self._plan.var / KEY_FILE

    def _check_posture(self) -> None:
        if self._plan.production and self._database.embedded:
            raise ConfigError("database: DATABASE_URL is not set: production needs a PostgreSQL of its own.")
        if self._plan.production and not self._model_is_configured():
            raise ConfigError("model: neither OPENAI_API_KEY nor OPENAI_BASE_URL is set: set one for production.")

    def _model_is_configured(self) -> bool:
        return any(env.text(name, "") for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "AGENTOS_SANDBOX_URL"))

    @property
    def base_url(self) -> str:
        """Where this machine reaches the server."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self._plan.host, self._plan.host)  # noqa: S104
        shown = f"[{host}]" if ":" in host else host
        return f"http://{shown}:{self._environment['PORT']}"

    def _child(self, name: str, command: list[str], **options: object) -> Child:
        child = Child(name, command, self._progress, self._environment, **options)  # type: ignore[arg-type]
        child.start()
        return child

    def _keep(self, name: str, command: list[str], **options: object) -> Child:
        child = self._child(name, command, **options)
        self._children.append(child)
        return child

    def _start_sandbox(self) -> None:
        if self._model_is_configured():
            return
        port = str(ground.free_port())
        self._environment["AGENTOS_SANDBOX_URL"] = f"http://127.0.0.1:{port}/v1"
        options = shlex.split(env.text("AGENTOS_SANDBOX_OPTIONS", ""))
        self._keep("model", management("sandbox_model", "--port", port, *options))

    def _start_web(self, listener: socket.socket) -> None:
        """Start the web processes; they import while the database is being prepared."""
        handle = listener.fileno()
        command = [sys.executable, "-m", "agentos.serving.web", str(handle)]
        for number in range(1, self._plan.processes + 1):
            name = "web" if self._plan.processes == 1 else f"web {number}"
            self._web.append(self._keep(name, command, pass_fds=(handle,), waits_for_go=True))

    def _let_web_serve(self) -> None:
        if url := self._environment.get("AGENTOS_SANDBOX_URL"):
            health = url.removesuffix("v1") + "health"
            wait_for(health, seconds=READY_SECONDS, given_up=lambda: _end_of(self._children[:1]))
        for child in self._web:
            child.go()
        url = f"{self.base_url}/api/ready"
        wait_for(url, host=self._plan.allowed_host, seconds=READY_SECONDS, given_up=lambda: _end_of(self._web))

    def _once(self, name: str, text: str, *arguments: str, fatal: bool = True) -> None:
        """Run a management command to its end. Raises: ConfigError when it fails and that is fatal."""
        with self._progress.stage(name, text):
            child = self._child(name, management(*arguments), quiet=True)
            code = self._wait_for(child)
        if code and fatal:
            raise ConfigError(_last_word(child, f"{name}: manage.py {arguments[0]} failed: run it by itself."))
        if code:
            self._progress.note(name, _last_word(child, "it failed; the server goes on without"))

    def _tell_what_to_try(self, seconds: float) -> None:
        demo = not self._plan.production and Seeded.read(self._plan.var).users
        key_file = _shown(self._key_file) if demo else None
        for line in what_to_try(self.base_url, key_file, python=str(_shown(Path(sys.executable)))):
            self._progress.line(line)
        self._progress.line(f"  Ready in {seconds:.1f} s; Ctrl-C stops everything.")

    def _watch(self) -> None:
        look_at = time.monotonic() + DATABASE_LOOK_SECONDS
        while True:
            for child in self._children:
                child.keep_running()
            if time.monotonic() >= look_at:
                self._look_after_database()
                look_at = time.monotonic() + DATABASE_LOOK_SECONDS
            time.sleep(TICK_SECONDS)

    def _look_after_database(self) -> None:
        try:
            self._database.keep_running()
        except PostgresError as error:
            self._progress.note("database", str(error))

    def _stop(self) -> None:
        restore = _second_signal_hurries(self._children)
        if self._listener is not None:
            self._listener.close()  # the web processes answer there until they end, and nobody queues behind them
        if self._children:
            self._progress.note("stop", "ending all processes")
        for child in self._web:
            child.tell_the_end()
        # The model and the database go last: runs that are being drained need them.
        first = [child for child in self._children if child.name != "model"]
        seconds = self._plan.drain_seconds + STOP_MARGIN_SECONDS
        for child in stop_all(first, seconds) + stop_all([c for c in self._children if c not in first], 5):
            self._progress.note(child.name, "did not end in time and was killed")
        self._database.stop()
        restore()


def _second_signal_hurries(children: list[Child]) -> Callable[[], None]:
    """Make a signal that comes while stopping kill the children; return what restores the handlers."""

    def kill(number: int, frame: object) -> None:
        for child in children:
            child.kill()

    before = {number: signal.signal(number, kill) for number in (signal.SIGINT, signal.SIGTERM)}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    return restore


def _end_of(children: Sequence[Child]) -> str | None:
    """Return the last word of the first of them that has ended."""
    for child in children:
        if child.ended() is not None:
            child.wait(1)
            return _last_word(child, f"{child.name}: the process ended: run manage.py doctor.")
    return None


def _last_word(child: Child, otherwise: str) -> str:
    """Return the last line that a failed child wrote: a start-up error is one line that says what to do.

    Checks that failed have a line each: all of them, so that whoever mends them does it once.
    """
    return "\n".join(child.failed_checks()) or child.last_word() or otherwise


def _shown(path: Path) -> Path:
    """Return the path as one types it here."""
    absolute = Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would leave the virtual environment
    return absolute.relative_to(Path.cwd()) if absolute.is_relative_to(Path.cwd()) else absolute
