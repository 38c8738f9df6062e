"""A child process of `serve`: started with a lifeline, its output passed on, its last lines kept."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from agentos.serving import lifeline
from agentos.serving.progress import Progress

ROOT = Path(__file__).resolve().parents[2]
KEPT_LINES = 20
KEPT_CHECKS = 500
SHOWN_LINES = 8
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0
LAST_LINES_SECONDS = 1.0  # its own children may hold the pipe open for longer
STEADY_SECONDS = 60.0  # a child that lived this long begins again with the first pause
_AFTERWORD = "Application startup failed"  # uvicorn's line after the one that says why
_LOG_PREFIX = re.compile(r"^\S+ \S+ (?:WARNING|ERROR|CRITICAL) \S+ ")
_FAILED_CHECK = re.compile(r"(?:\S+: \()?[a-z_]+\.E\d{3}(?:: |\) )")  # as `refuse` says it, or as Django does


def management(*arguments: str) -> list[str]:
    """Return the command line of a management command that ends with its parent."""
    return [sys.executable, "-m", "agentos.serving.lifeline", *arguments]


@dataclass
class Child:
    """One process in a session of its own: Ctrl-C reaches only the parent, `kill` its offspring too."""

    name: str
    command: Sequence[str]
    progress: Progress
    environment: Mapping[str, str] = field(default_factory=dict)
    pass_fds: Sequence[int] = ()
    quiet: bool = False
    waits_for_go: bool = False

    def __post_init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: threading.Thread | None = None
        self._lines: deque[str] = deque(maxlen=KEPT_LINES)
        self._failed_checks: list[str] = []
        self._more_checks = 0
        self._started_at = 0.0
        self._pause = FIRST_PAUSE_SECONDS
        self._restart_at: float | None = None

    def start(self) -> None:
        self._let_go()
        self._lines.clear()
        self._failed_checks.clear()
        self._more_checks = 0
        self._restart_at = None
        self._started_at = time.monotonic()
        self._process = subprocess.Popen(
            self.command,
            cwd=ROOT,
            env={**os.environ, **self.environment, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=self.pass_fds,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._pass_on, args=(self._process,), daemon=True)
        self._reader.start()

    def go(self) -> None:
        """Let a child that waits for it begin its work."""
        self._say(lifeline.GO)

    def tell_the_end(self) -> None:
        """Tell it that it is not alone in ending: nobody else answers at its port."""
        self._say(lifeline.ALL_END)

    def ended(self) -> int | None:
        """Return the exit code, negative for a signal; None while it runs or before it was started."""
        return None if self._process is None else self._process.poll()

    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def wait(self, seconds: float | None = None) -> int | None:
        """Wait for its end; return the exit code, or None when it goes on."""
        if self._process is None:
            return 0
        try:
            code = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        self._let_go()
        return code

    def last_lines(self, most: int = SHOWN_LINES) -> list[str]:
        return list(self._lines)[-most:]

    def failed_checks(self) -> list[str]:
        """Return the lines of checks that refused it, without a log's prefix; the first `KEPT_CHECKS` of them."""
        more = [f"and {self._more_checks} more: manage.py check --database default"] if self._more_checks else []
        return [*self._failed_checks, *more]

    def last_word(self) -> str:
        """Return the last line that says something, without a log's prefix; empty when there is none."""
        said = [line for line in self._lines if line.strip() and _AFTERWORD not in line]
        return _LOG_PREFIX.sub("", said[-1]) if said else ""

    def terminate(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it and whatever it started."""
        if self._process is not None and self._process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def keep_running(self) -> None:
        """Report an end that nobody asked for and start it anew, after pauses that grow with each time."""
        code = self.ended()
        now = time.monotonic()
        if code is None:
            return
        if self._restart_at is None:
            self.report(code)
            steady = now - self._started_at > STEADY_SECONDS
            self._pause = FIRST_PAUSE_SECONDS if steady else min(self._pause * 2, LONGEST_PAUSE_SECONDS)
            self._restart_at = now + (0 if steady else self._pause / 2)
        if now >= self._restart_at:
            self.progress.note(self.name, "starting it anew")
            self.start()
            if self.waits_for_go:
                self.go()

    def report(self, code: int) -> None:
        """Say how it ended and, if that was not shown already, why: the checks that failed, else its last lines."""
        how = f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"
        self.progress.note(self.name, f"{how} unexpectedly")
        if self.quiet:
            for line in self.failed_checks() or self.last_lines():
                self.progress.note(self.name, line)

    def _say(self, word: bytes) -> None:
        if self._process is not None and self._process.stdin is not None and not self._process.stdin.closed:
            with suppress(BrokenPipeError):
                self._process.stdin.write(word)
                self._process.stdin.flush()

    def _let_go(self) -> None:
        """Read the last lines of a process that has ended, and close its lifeline."""
        if self._reader is not None:
            self._reader.join(LAST_LINES_SECONDS)
        if self._process is not None and self._process.stdin is not None:
            with suppress(BrokenPipeError):
                self._process.stdin.close()

    def _pass_on(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        with process.stdout as output:
            for raw in output:
                line = raw.decode("utf-8", "replace").rstrip()
                self._keep(line)
                if not self.quiet and line:
                    self.progress.note(self.name, line)

    def _keep(self, line: str) -> None:
        """Keep it among the last lines, and a failed check for good: there may be one for each table."""
        self._lines.append(line)
        check = _LOG_PREFIX.sub("", line)
        if not _FAILED_CHECK.match(check):
            return
        if len(self._failed_checks) < KEPT_CHECKS:
            self._failed_checks.append(check)
        else:
            self._more_checks += 1


def stop_all(children: Sequence[Child], seconds: float) -> list[Child]:
    """Ask all to end, wait, then force; return those that had to be forced."""
    for child in children:
        child.terminate()
    give_up_at = time.monotonic() + seconds
    late = [child for child in children if child.wait(max(0.0, give_up_at - time.monotonic())) is None]
    for child in late:
        child.kill()
        child.wait()
    return late
