"""`manage.py chat`: one message or a conversation, its exit codes, its lines of JSON, its one-line errors."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from agents.management.commands.chat import server_url
from tests.agents.chat.conftest import KEY, RUN_ID, Server
from tests.agents.chat.test_conversation import CONFIRM, paused_run, plain_run


class Person(io.StringIO):
    """What a person types at a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def nobody_signed_in(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.VAR_DIR = tmp_path
    monkeypatch.delenv("AGENTOS_KEY", raising=False)
    monkeypatch.setattr(sys, "stdin", io.StringIO())


def chat(server: Server, *words: str, **options: Any) -> tuple[str, str, int]:
    """Return what was printed, what went to the error output, and the exit code."""
    out, err = io.StringIO(), io.StringIO()
    options = {"url": server.url, "key": KEY, "stdout": out, "stderr": err, "no_color": True, **options}
    try:
        call_command("chat", *words, **options)
    except SystemExit as left:
        return out.getvalue(), err.getvalue(), int(left.code or 0)
    return out.getvalue(), err.getvalue(), 0


def test_one_message_is_run_and_left(server: Server) -> None:
    plain_run(server)
    assert chat(server, "helpdesk", "Hi", session="mine") == ("Hello\n", "", 0)
    assert server.requests[0][2]["session_id"] == "mine"


def test_events_are_lines_of_json(server: Server) -> None:
    plain_run(server)
    out, err, code = chat(server, "helpdesk", "Hi", json=True)
    events = [json.loads(line) for line in out.splitlines()]
    assert [event["event"] for event in events] == ["RunStarted", "RunContent", "RunContent", "RunCompleted"]
    assert [event["seq"] for event in events] == [1, 2, 3, 4]
    assert (err, code) == ("", 0)


def test_a_pause_without_a_person_is_exit_code_3(server: Server) -> None:
    paused_run(server, CONFIRM)
    out, _, code = chat(server, "helpdesk", "Restart auth")
    assert ("Restart the auth service" in out, code) == (True, 3)
    out, err, code = chat(server, "helpdesk", "Restart auth", json=True)
    assert json.loads(out.splitlines()[-1])["event"] == "RunPaused"
    assert ("Restart the auth service" in err, code) == (True, 3)


def test_a_person_is_asked(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    paused_run(server, CONFIRM)
    monkeypatch.setattr(sys, "stdin", Person("y\n"))
    _, err, code = chat(server, "helpdesk", "Restart auth", json=True)
    assert ("Go ahead?" in err, code) == (True, 0)
    assert server.answers == [{"tool_call_id": "c1", "confirmed": True}]


def test_a_failed_run_is_exit_code_1(server: Server) -> None:
    server.event("RunStarted")
    server.event("RunError", content="Quota", error_type="provider_quota")
    assert chat(server, "helpdesk", "Hi")[2] == 1


def test_a_conversation_goes_on_until_the_input_ends(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    plain_run(server)
    server.replies["GET /api/agents"] = [(200, [{"id": "helpdesk"}])]  # type: ignore[list-item]
    monkeypatch.setattr(sys, "stdin", io.StringIO("Hi\n\nAgain\n"))
    out, _, code = chat(server, "helpdesk")
    assert (out.count("Hello\n"), code) == (2, 0)
    sessions = {body["session_id"] for _, path, body in server.requests if path.endswith("/runs")}
    assert len(sessions) == 1


def test_a_refused_message_does_not_end_a_conversation(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    plain_run(server)
    server.replies["GET /api/agents"] = [(200, [{"id": "helpdesk"}])]  # type: ignore[list-item]
    server.replies["POST /api/agents/helpdesk/runs"] = [(422, {"detail": "The message is too long."})]
    monkeypatch.setattr(sys, "stdin", io.StringIO("Long\nShort\n"))
    out, _, code = chat(server, "helpdesk")
    assert ("The message is too long." in out, "Hello" in out, code) == (True, True, 0)


def test_an_unknown_component_is_named_with_those_that_are_there(server: Server) -> None:
    server.replies["GET /api/agents"] = [(200, [{"id": "helpdesk"}, {"id": "approvals"}])]  # type: ignore[list-item]
    with pytest.raises(CommandError, match="helpdesk, approvals"):
        chat(server, "helpdesc")
    server.replies["POST /api/agents/nobody/runs"] = [(404, {"detail": "There is no such agent."})]
    with pytest.raises(CommandError, match="no such agent"):
        chat(server, "nobody", "Hi")


def test_a_server_that_is_not_running_is_one_clear_line(server: Server) -> None:
    with pytest.raises(CommandError) as error:
        chat(server, "helpdesk", "Hi", url="http://127.0.0.1:1")
    assert str(error.value) == "No server answers at http://127.0.0.1:1. Start it with: make run"


def test_a_refused_key_says_what_to_do(server: Server) -> None:
    with pytest.raises(CommandError, match="--key"):
        chat(server, "helpdesk", "Hi", key="aos_wrong")


def test_the_key_comes_from_where_the_server_left_it(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(CommandError, match="make run"):
        chat(server, "helpdesk", "Hi", key="")
    plain_run(server)
    (tmp_path / "dev_service_key").write_text(f"{KEY}\n")
    assert chat(server, "helpdesk", "Hi", key="")[2] == 0
    (tmp_path / "dev_service_key").write_text("aos_old")
    monkeypatch.setenv("AGENTOS_KEY", KEY)
    assert chat(server, "helpdesk", "Hi", key="")[2] == 0


def test_a_password_signs_in(server: Server) -> None:
    plain_run(server)
    server.replies["POST /api/auth/token"] = [(200, {"access": KEY, "refresh": "r"})]
    assert chat(server, "helpdesk", "Hi", key="", email="member@acme.test", password="demo")[2] == 0
    assert server.requests[0][2] == {"email": "member@acme.test", "password": "demo"}


def test_an_interrupt_cancels_a_run_and_leaves_a_prompt(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    paused_run(server, CONFIRM)
    server.moved.set()

    class Impatient(Person):
        def readline(self, size: int | None = -1, /) -> str:  # type: ignore[override]
            raise KeyboardInterrupt

    monkeypatch.setattr(sys, "stdin", Impatient())
    server.replies[f"POST /api/runs/{RUN_ID}/cancel"] = [(409, {"detail": "The run has ended."})]
    _, err, code = chat(server, "helpdesk", "Restart auth", json=True)
    assert ("Cancelling" in err, code) == (True, 0)
    assert f"POST /api/runs/{RUN_ID}/cancel" in server.paths()
    server.replies["GET /api/agents"] = [(200, [{"id": "helpdesk"}])]  # type: ignore[list-item]
    assert chat(server, "helpdesk", json=True)[2] == 130


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000"),
        ("0.0.0.0", "http://127.0.0.1:8000"),
        ("::", "http://[::1]:8000"),
        ("fd00::1", "http://[fd00::1]:8000"),
        ("box.test", "http://box.test:8000"),
    ],
)
def test_the_url_follows_the_settings(settings: Any, host: str, url: str) -> None:
    settings.HOST, settings.PORT = host, 8000
    assert server_url() == url
