"""`sandbox_model` as its own process, with a Django that has no database and one app of a stranger."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from agents.management.commands import sandbox_model
from tests.agents.llm.sandbox.offers import body

ROOT = Path(sandbox_model.__file__).parents[3]
PROGRAM = """
import sys
import django
from django.conf import settings
settings.configure(INSTALLED_APPS=["shop"])
django.setup()
from agents.management.commands.sandbox_model import Command
Command().run_from_argv(["manage.py", "sandbox_model", *sys.argv[1:]])
"""
SCENARIO = """
[[turns]]
user = "Any news?"
[[turns.replies]]
say = "None."
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    folder = tmp_path / "shop" / "components" / "greeter"
    folder.mkdir(parents=True)
    (tmp_path / "shop" / "__init__.py").touch()
    (folder / "scenario.toml").write_text(SCENARIO, encoding="utf-8")
    return tmp_path


def start(folder: Path, *options: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "--port", "0", *options],
        env={**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def server(shop: Path) -> Iterator["subprocess.Popen[str]"]:
    process = start(shop, "--ttft-ms", "0", "--token-ms", "0", "--fault", "503:0")
    yield process
    process.kill()
    process.communicate()


def url_of(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    match = re.match(r"sandbox model on (http://127\.0\.0\.1:\d+/v1) \(1 scripted prompts\)\n", line)
    assert match, line
    return match[1]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_the_scenarios_of_installed_apps_until_told_to_stop(
    server: "subprocess.Popen[str]", number: signal.Signals
) -> None:
    url = url_of(server)
    answer = httpx.post(f"{url}/chat/completions", json=body("any NEWS?")).json()
    assert answer["choices"][0]["message"]["content"] == "None."
    server.send_signal(number)
    assert server.wait(10) == 0
    assert server.stderr is not None
    assert server.stderr.read() == ""


def test_an_open_stream_does_not_keep_it_alive(server: "subprocess.Popen[str]") -> None:
    request = {**body("[[tokens:5000]] [[token:1000]] Go on"), "stream": True}
    with (
        httpx.Client() as client,
        client.stream("POST", f"{url_of(server)}/chat/completions", json=request) as response,
    ):
        assert next(response.iter_lines()).startswith("data: ")
        server.send_signal(signal.SIGTERM)
        assert server.wait(10) == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--fault", "tea:1"], "is not a fault"),
        (["--tokens", "0"], "tokens must be at least 1"),
        (["--host", "203.0.113.7"], "choose another with --port"),
    ],
)
def test_wrong_options_say_what_to_do(shop: Path, options: list[str], message: str) -> None:
    _, errors = start(shop, *options).communicate(timeout=30)
    assert message in errors
    assert "Traceback" not in errors


def test_a_broken_scenario_says_where(shop: Path) -> None:
    broken = shop / "shop" / "components" / "greeter" / "scenario.toml"
    broken.write_text("[[turns]]\nuser = 'x'\n", encoding="utf-8")
    _, errors = start(shop).communicate(timeout=30)
    assert "greeter/scenario.toml: turn 1 needs at least one reply" in errors
    assert "Traceback" not in errors
