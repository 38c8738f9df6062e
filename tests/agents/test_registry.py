"""Discovery: what installed apps ship is found, and what is wrong with it is said with the app's name."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from django.apps.registry import Apps
from django.core.checks import CheckMessage

from agentos.core.errors import ConfigError, NotFound
from agents.checks import check_component, check_components
from agents.engine.spec import AgentSpec
from agents.engine.tools import Tool, tool
from agents.registry import Registry, app_label_of, registry

ROOT = Path(__file__).parents[2]
HEAD = "from agents.engine.spec import AgentSpec\n"
ONE = HEAD + 'components = [AgentSpec(id="one", instructions="Be one.")]\n'

InstallApps = Callable[..., Registry]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> InstallApps:
    """Install apps that consist of an `agents` module, by their label; None leaves it out."""

    def install(**sources: str | None) -> Registry:
        names = []
        for label, source in sources.items():
            names.append(name := f"{tmp_path.name.replace('-', '_')}_{label}")
            (tmp_path / name).mkdir()
            init = f"from django.apps import AppConfig\nclass App(AppConfig):\n    name, label = {name!r}, {label!r}\n"
            (tmp_path / name / "__init__.py").write_text("")
            (tmp_path / name / "apps.py").write_text(init)
            if source is not None:
                (tmp_path / name / "agents.py").write_text(source)
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.setattr("agents.registry.apps", Apps(names))
        return Registry()

    return install


def test_the_catalog_is_found_the_way_any_app_is() -> None:
    ids = {spec.id: spec for spec in registry.all()}
    assert {"helpdesk", "approvals"} <= set(ids)
    assert registry.get("agent", "helpdesk") is ids["helpdesk"]
    assert app_label_of(ids["helpdesk"]) == "agents"


def test_components_of_other_apps_are_found_in_order(install: InstallApps) -> None:
    found = install(shop=ONE, plain=None, desk=ONE.replace('"one"', '"two"'))
    assert [spec.id for spec in found.all()] == ["one", "two"]
    assert [found.app_label_of(spec) for spec in found.all()] == ["shop", "desk"]


@pytest.mark.parametrize(("kind", "id"), [("agent", "nobody"), ("team", "one"), ("", "")])
def test_what_is_not_there_is_not_found(install: InstallApps, kind: str, id: str) -> None:
    found = install(shop=ONE)
    with pytest.raises(NotFound):
        found.get(kind, id)
    with pytest.raises(NotFound):
        found.app_label_of(AgentSpec(id="elsewhere", instructions="x"))


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (HEAD + "components = 7\n", "must be a list"),
        (HEAD + 'components = ["helpdesk"]\n', r"components\[0\] is a str"),
        ("import nothing_like_this\n", "cannot be imported"),
        ("components = [\n", "cannot be imported"),
        ("from agents.engine.spec import text\ntext('missing.md')\n", "cannot be imported"),
    ],
)
def test_what_is_wrong_names_its_app(install: InstallApps, source: str, says: str) -> None:
    found = install(shop=source)
    with pytest.raises(ConfigError, match=says) as caught:
        found.all()
    assert "App shop:" in caught.value.detail
    assert [error.id for error in _checked(found)] == ["agents.E001"]


def test_an_id_is_taken_once(install: InstallApps) -> None:
    found = install(shop=ONE, desk=ONE)
    with pytest.raises(ConfigError, match="App desk: agent `one` is there already, from app shop"):
        found.all()


def test_a_module_without_components_is_pointed_at(install: InstallApps) -> None:
    found = install(shop="component = []\n")
    assert [message.id for message in _checked(found)] == ["agents.W001"]


def test_nothing_is_imported_before_it_is_asked_for(install: InstallApps) -> None:
    found = install(lazy=ONE)
    before = {name for name in sys.modules if name.endswith("_lazy.agents")}
    found.all()
    after = {name for name in sys.modules if name.endswith("_lazy.agents")}
    assert len(after - before) == 1


def test_threads_that_ask_at_once_get_the_same_components(install: InstallApps) -> None:
    found = install(shop=ONE)
    start, seen = threading.Barrier(8), []

    def ask() -> None:
        start.wait()
        seen.append(found.get("agent", "one"))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 8
    assert len({id(spec) for spec in seen}) == 1


def test_importing_the_catalog_has_no_side_effect() -> None:
    code = """
import sys, threading, agents.agents
print(sorted({"django", "openai", "ninja"} & set(sys.modules)), threading.active_count())
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert (done.stdout.strip(), done.stderr) == ("[] 1", "")


# Checks


def _checked(found: Registry) -> list[CheckMessage]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("agents.checks.registry", found)
        return check_components()


def made(**declared: object) -> Tool:
    async def act(name: str = "x", questions: str = "") -> str:
        """Act."""
        return name

    return tool(**declared)(act)  # type: ignore[arg-type]


def ids(*tools: Tool, **spec: object) -> set[str]:
    fields = {"id": "one", "instructions": "Be one.", **spec}
    return {str(message.id) for message in check_component(AgentSpec(tools=tools, **fields))}  # type: ignore[arg-type]


def test_the_catalog_passes_its_checks() -> None:
    assert check_components() == []


@pytest.mark.parametrize("level", ["confirm", "approve"])
def test_a_gated_tool_says_what_it_will_do(level: str) -> None:
    assert ids(made(level=level, effect="own", repeat="once")) == {"agents.E007"}
    assert ids(made(level=level, effect="own", repeat="once", says="Act on {name}")) == set()


def test_an_effect_and_its_repetition_agree() -> None:
    assert ids(made(effect="tenant")) == {"agents.E008"}
    assert ids(made(effect="outward", repeat="read_only", level="deny")) == {"agents.E008"}
    assert ids(made(repeat="once")) == {"agents.E009"}
    assert ids(made(effect="tenant", repeat="idempotent")) == set()


def test_acting_outside_for_good_without_asking_is_warned_of() -> None:
    assert ids(made(effect="outward", repeat="once")) == {"agents.W002"}


def test_what_a_human_is_asked_for_is_an_argument() -> None:
    assert ids(made(level="input")) == {"agents.E010"}
    assert ids(made(input_fields=("name",))) == {"agents.E011"}
    assert ids(made(level="input", input_fields=("colour",))) == {"agents.E012"}
    assert ids(made(level="input", input_fields=("name",))) == set()
    assert ids(made(asks="questions")) == set()


def test_an_input_field_has_a_default_and_questions_are_taken() -> None:
    @tool(level="input", input_fields=("name",))
    async def act(name: str) -> str:
        """Act."""
        return name

    @tool(asks="questions")
    async def ask(question: str) -> str:
        """Ask."""
        return question

    assert ids(act) == {"agents.E013"}
    assert ids(ask) == {"agents.E014"}


def test_tools_have_names_of_their_own_that_models_accept() -> None:
    assert ids(made(name="act"), made(name="act")) == {"agents.E004"}
    assert ids(made(name="act now!")) == {"agents.E005"}


def test_a_tool_without_a_docstring_is_mute() -> None:
    @tool()
    async def act() -> str:
        return ""

    assert ids(act) == {"agents.E006"}


@pytest.mark.parametrize("id", ["Help Desk", "help_desk", "-a", "a-", "9lives", "ü", "a--b", "a\n"])
def test_ids_are_slugs(id: str) -> None:
    assert ids(id=id) == {"agents.E002"}


def test_instructions_are_written() -> None:
    assert ids(instructions=" \n") == {"agents.E003"}


def test_a_history_has_room_or_is_none() -> None:
    assert ids(history_chars=999) == {"agents.E017"}
    assert ids(history_runs=-1) == {"agents.E017"}
    assert ids(history_runs=0) == set()
