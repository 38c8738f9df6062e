"""The parts of `serve` one by one: children and their lifeline, the port, the wait, the words of its errors."""

from __future__ import annotations

import io
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from agentos.core.errors import ConfigError
from agentos.serving import banner, ground
from agentos.serving.banner import what_to_try
from agentos.serving.children import KEPT_CHECKS, Child, stop_all
from agentos.serving.parent import Parent, Plan, _last_word
from agentos.serving.progress import Progress
from agentos.serving.ready import answer, wait_for
from agentos.serving.seeded import Seeded
from tests.database import ROOT, TestCluster
from tests.journeys.server import clean_environment

PATIENCE_SECONDS = 60.0
READS_STDIN = "import sys; print('up', flush=True); sys.stdin.read()"
IGNORES_SIGTERM = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"


@pytest.fixture
def out() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def progress(out: io.StringIO) -> Progress:
    return Progress(out)


@contextmanager
def running(child: Child) -> Iterator[Child]:
    child.start()
    try:
        yield child
    finally:
        child.kill()
        child.wait()


def until(condition: Callable[[], object], what: str) -> None:
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < give_up_at, what
        time.sleep(0.01)


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_a_childs_lines_are_shown_under_its_name_and_kept(progress: Progress, out: io.StringIO) -> None:
    with running(Child("web", python("print('one'); print('two')"), progress)) as child:
        assert child.wait(PATIENCE_SECONDS) == 0
    assert child.last_lines() == ["one", "two"]
    assert "web | one\n" in out.getvalue()


def test_a_quiet_child_speaks_only_when_it_ends_unexpectedly(progress: Progress, out: io.StringIO) -> None:
    with running(Child("jobs", python("print('why'); raise SystemExit(3)"), progress, quiet=True)) as child:
        assert child.wait(PATIENCE_SECONDS) == 3
        assert out.getvalue() == ""
        child.keep_running()
    assert "jobs | ended with code 3 unexpectedly" in out.getvalue()
    assert "jobs | why" in out.getvalue()


def test_a_quiet_child_that_failed_a_check_says_which(progress: Progress, out: io.StringIO) -> None:
    """Django tells errors first and warnings behind them: the last lines would name what is no cause."""
    code = "print('?: (agents.E007) no words'); [print('?: (agents.W002)', n) for n in range(20)]; raise SystemExit(1)"
    with running(Child("jobs", python(code), progress, quiet=True)) as child:
        child.report(child.wait(PATIENCE_SECONDS) or 0)
    assert "agents.E007" in out.getvalue()
    assert "W002" not in out.getvalue()


def test_a_child_that_ended_is_started_anew_after_a_pause(progress: Progress, out: io.StringIO) -> None:
    with running(Child("model", python("print('up')"), progress)) as child:
        child.wait(PATIENCE_SECONDS)
        child.keep_running()
        assert "starting it anew" not in out.getvalue()

        def anew() -> bool:
            child.keep_running()
            return "starting it anew" in out.getvalue()

        until(anew, "it was not started anew")


def test_stopping_forces_those_who_will_not_end(progress: Progress) -> None:
    polite = Child("polite", python(READS_STDIN), progress)
    stubborn = Child("stubborn", python(IGNORES_SIGTERM), progress)
    with running(polite), running(stubborn):
        until(lambda: polite.last_lines() and stubborn.last_lines(), "they did not start")
        assert stop_all([polite, stubborn], 1.0) == [stubborn]
        assert (polite.ended(), stubborn.ended()) == (-signal.SIGTERM, -signal.SIGKILL)


def test_a_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    child = (
        "from agentos.serving import lifeline; import time; lifeline.watch(); print('up', flush=True); time.sleep(600)"
    )
    parent = (
        "import sys; from agentos.serving.children import Child; from agentos.serving.progress import Progress\n"
        f"child = Child('c', [sys.executable, '-c', {child!r}], Progress(sys.stderr)); child.start()\n"
        "while not child.last_lines(): pass\n"
        "print(child._process.pid, flush=True); child.wait()"
    )
    process = subprocess.Popen(python(parent), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    pid = int(process.stdout.readline())
    process.kill()
    process.wait()
    process.stdout.close()
    until(lambda: not _runs(pid), "the child outlived its parent")


def test_what_a_child_forks_ends_with_it(tmp_path: Path) -> None:
    child = (
        "import multiprocessing, os, time; from agentos.serving import lifeline; lifeline.watch()\n"
        "def last(): print('pid', os.getpid(), flush=True); time.sleep(600)\n"
        "def first():\n"
        "    print('pid', os.getpid(), flush=True); fork.Process(target=last).start(); time.sleep(600)\n"
        "fork = multiprocessing.get_context('fork'); fork.Process(target=first).start(); time.sleep(600)"
    )
    process = subprocess.Popen(python(child), cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None and process.stdout is not None
    with process.stdin, process.stdout:
        pids = [int(process.stdout.readline().removeprefix("pid ")) for _ in range(2)]
        process.kill()
        process.wait()
        until(lambda: not any(map(_runs, pids)), "what it forked outlived it")


def _runs(pid: int) -> bool:
    shown = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return bool(shown.stdout.strip()) and not shown.stdout.startswith("Z")


def test_a_taken_port_is_named_with_the_way_out() -> None:
    with ground.bind("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"^port: Port {port} is in use: stop the other server or set PORT.$"):
            ground.bind("127.0.0.1", port, patience_seconds=0)


def test_a_port_that_gets_free_in_a_moment_is_waited_for() -> None:
    taken = ground.bind("127.0.0.1", 0)
    port = taken.getsockname()[1]
    threading.Timer(0.2, taken.close).start()
    with ground.bind("127.0.0.1", port, patience_seconds=PATIENCE_SECONDS) as mine:
        assert mine.getsockname()[1] == port


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"^port: 192.0.2.1:0 can't be listened on .*: set HOST and PORT.$"):
        ground.bind("192.0.2.1", 0)


def test_an_unreachable_database_is_named_without_its_password() -> None:
    with pytest.raises(ConfigError, match=r"^database: 127.0.0.1 can't be reached .*refused.*DATABASE_URL.$") as raised:
        ground.reachable("postgresql://me:sekret@127.0.0.1:1/nothing")
    assert "sekret" not in str(raised.value)
    with pytest.raises(ConfigError, match=r"^database: DATABASE_URL can't be read"):
        ground.reachable("nonsense=1")


def test_a_database_that_is_yet_to_be_made_is_made_from_postgres(cluster: TestCluster) -> None:
    assert ground.reachable(cluster.url("postgres")) == cluster.url("postgres")
    assert ground.reachable(cluster.url("not_made_yet")) == cluster.url("postgres")


class _Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status, body = self.server.answer  # type: ignore[attr-defined]
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Stay silent."""


@contextmanager
def answering(status: int, body: bytes) -> Iterator[tuple[HTTPServer, str]]:
    server = HTTPServer(("127.0.0.1", 0), _Answers)
    server.answer = (status, body)  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server, f"http://127.0.0.1:{server.server_port}/api/ready"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_waiting_ends_when_the_answer_is_good() -> None:
    with answering(503, b"{}") as (server, url):
        asked = iter(range(3))

        def given_up() -> None:
            if next(asked) == 2:
                server.answer = (200, b"")  # type: ignore[attr-defined]

        wait_for(url, seconds=PATIENCE_SECONDS, given_up=given_up)
        assert answer(url) == (200, "")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            b'{"checks": {"migrations": {"ok": false, "detail": "Not applied: x.0002"}, "leases": {"ok": true}}}',
            "x.0002",
        ),
        (b'{"detail": "This host is not allowed."}', "not allowed"),
        (b"<html>", "Service Unavailable"),
    ],
)
def test_waiting_in_vain_says_what_the_server_said(body: bytes, said: str) -> None:
    with answering(503, body) as (_, url), pytest.raises(ConfigError, match=rf"^start: .*503: .*{said}.*doctor"):
        wait_for(url, seconds=0, given_up=lambda: None)


def test_waiting_ends_with_the_reason_of_a_process_that_died() -> None:
    url = f"http://127.0.0.1:{ground.free_port()}/"
    assert answer(url)[0] == 0
    with pytest.raises(ConfigError, match=r"^because$"):
        wait_for(url, seconds=PATIENCE_SECONDS, given_up=lambda: "because")


def test_the_last_word_of_a_child_is_the_reason_without_the_logs_prefix(progress: Progress) -> None:
    said = (
        "print('2026-01-31 10:00:00,000 ERROR uvicorn.error key: refused: mend it.');"
        "print('2026-01-31 10:00:00,001 ERROR uvicorn.error Application startup failed. Exiting.')"
    )
    with running(Child("web", python(said), progress, quiet=True)) as child:
        child.wait(PATIENCE_SECONDS)
    assert _last_word(child, "otherwise") == "key: refused: mend it."
    assert _last_word(Child("web", [], progress), "otherwise") == "otherwise"


@pytest.mark.parametrize("number", [9, 300])
def test_all_checks_that_failed_are_told_at_once(progress: Progress, number: int) -> None:
    said = f"for n in range({number}): print(f'accounts.E023: No policy binds what these do: {{n}}. Run this.')"
    with running(Child("migrations", python(f"print('applying')\n{said}\nprint('bye')"), progress)) as child:
        child.wait(PATIENCE_SECONDS)
    told = _last_word(child, "otherwise").splitlines()
    assert told == [f"accounts.E023: No policy binds what these do: {n}. Run this." for n in range(number)]


def test_of_checks_without_end_the_first_are_told_and_how_many_there_are_more(progress: Progress) -> None:
    said = f"for n in range({KEPT_CHECKS} + 7): print(f'2026-01-31 10:00:00,000 ERROR web accounts.E003: table {{n}}.')"
    with running(Child("web", python(said), progress, quiet=True)) as child:
        child.wait(PATIENCE_SECONDS)
    *told, last = _last_word(child, "otherwise").splitlines()
    assert told == [f"accounts.E003: table {n}." for n in range(KEPT_CHECKS)]
    assert last == "and 7 more: manage.py check --database default"


def test_without_a_demo_only_the_addresses_are_told(tmp_path: Path) -> None:
    assert len(list(what_to_try("http://127.0.0.1:8000", None, python="python"))) == 3
    Seeded(users=True, runs=False).write(tmp_path)
    assert Seeded.read(tmp_path) == Seeded(users=True)
    assert Seeded.read(tmp_path / "nowhere") == Seeded()


def test_what_to_try_leads_to_this_server_whatever_its_port(tmp_path: Path) -> None:
    key, base_url = tmp_path / "key", f"http://127.0.0.1:{ground.free_port()}"
    key.write_text("aos_unknown")
    *_, terminal, _, _ = what_to_try(base_url, key, python="python")
    assert terminal.endswith(f"python manage.py chat --url {base_url} helpdesk")


def test_what_to_try_is_told_while_the_web_process_does_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(banner, "REFUND_SECONDS", 0.05)
    key = tmp_path / "key"
    key.write_text("aos_unknown")
    with ground.bind("127.0.0.1", 0) as listener:
        told = list(what_to_try(f"http://127.0.0.1:{listener.getsockname()[1]}", key, python="python"))
    assert told[3].endswith("/admin/governance/approval/")


PRODUCTION = {
    "AGENTOS_ENV": "production",
    "SECRET_KEY": "q8Zt-3nV_kW7yR2sLxM4cB9dF6gH1jP0",
    "AGENTOS_AUDIT_KEY": "0Pj1Hg6Fd9Bc4MxLs2Ry7Wk_Vn3-tZ8q",
    "ALLOWED_HOSTS": "agentos.example",
    "AGENTOS_BACKUPS": "off",
}
NO_DATABASE = {"DATABASE_URL": "postgresql://me:sekret@127.0.0.1:1/nothing"}


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        (PRODUCTION, "database: DATABASE_URL is not set: production needs a PostgreSQL of its own."),
        ({**PRODUCTION, **NO_DATABASE}, "model: neither OPENAI_API_KEY nor OPENAI_BASE_URL is set"),
        (NO_DATABASE, "database: 127.0.0.1 can't be reached"),
    ],
)
def test_a_start_that_cannot_be_ends_with_one_line(environment: dict[str, str], message: str, tmp_path: Path) -> None:
    """As a user sees it: exit code 1, the check and the fix, no traceback, no password."""
    ended = subprocess.run(
        [sys.executable, "manage.py", "serve", "--port", "0"],
        cwd=ROOT,
        env={**clean_environment(), "AGENTOS_VAR": str(tmp_path), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert f"AgentOS can't start. {message}" in ended.stderr
    assert "Traceback" not in ended.stdout + ended.stderr
    assert "sekret" not in ended.stdout + ended.stderr


def test_an_old_python_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10, 1))
    with pytest.raises(ConfigError, match=r"^python: this is Python 3.10. Use 3.11 to 3.14"):
        ground.check_python()


def test_children_get_the_time_that_draining_takes_before_they_are_killed(
    tmp_path: Path, out: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[float] = []

    def stop_all(children: list[Child], seconds: float) -> list[Child]:
        given.append(seconds)
        return []

    monkeypatch.setattr("agentos.serving.parent.stop_all", stop_all)
    plan = Plan("127.0.0.1", 0, 1, production=False, var=tmp_path, secret="x", drain_seconds=60)
    parent = Parent(plan, Progress(out))
    monkeypatch.setattr(parent, "_bring_up", lambda: os.kill(os.getpid(), signal.SIGINT))
    before = {ending: signal.signal(ending, signal.SIG_IGN) for ending in (signal.SIGINT, signal.SIGTERM)}
    try:
        parent.run()
    finally:
        for ending, handler in before.items():
            signal.signal(ending, handler)
    assert given[0] > 60


def test_a_signal_during_the_start_ends_what_was_started(
    tmp_path: Path, out: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = Plan("127.0.0.1", 0, 1, production=False, var=tmp_path, secret="x")
    parent = Parent(plan, Progress(out))

    def interrupted() -> None:
        parent._keep("jobs", python(READS_STDIN))
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(parent, "_bring_up", interrupted)
    before = {ending: signal.signal(ending, signal.SIG_IGN) for ending in (signal.SIGINT, signal.SIGTERM)}
    try:
        parent.run()
    finally:
        for ending, handler in before.items():
            signal.signal(ending, handler)
    assert [child.ended() for child in parent._children] == [-signal.SIGTERM]
    assert "ending all processes" in out.getvalue()


def test_sockets_of_both_families_can_be_bound() -> None:
    with ground.bind("localhost", 0) as listener:
        assert listener.family in (socket.AF_INET, socket.AF_INET6)
