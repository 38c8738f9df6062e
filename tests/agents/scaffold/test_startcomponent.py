"""`manage.py startcomponent`: what it writes runs, passes its own test and its linter, and overwrites nothing."""

from __future__ import annotations

import importlib
import io
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import AppConfig
from django.core.management import CommandError, call_command

from agents.engine.spec import AgentSpec
from agents.llm.sandbox.scenario import load_scenarios, scenario_folders
from agents.scaffold.component import App, NewComponent

ROOT = Path(__file__).parents[3]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder that is current and importable."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.partition(".")[0].startswith("shop"):
            del sys.modules[name]


def start(*words: str) -> str:
    out = io.StringIO()
    call_command("startcomponent", "agent", *words, stdout=out)
    return out.getvalue()


def test_a_new_agent_in_a_new_app_runs(here: Path) -> None:
    said = start("word-counter", "--app", "shop", "--create-app")
    folder = here / "shop" / "components" / "word_counter"
    names = {path.name for path in folder.iterdir()}
    assert names == {
        "__init__.py", "spec.py", "tools.py", "instructions.md", "scenario.toml", "test_word_counter.py"
    }  # fmt: skip
    for path in ("shop/agents.py", "shop/components/word_counter/spec.py"):
        assert path in said
    (spec,) = importlib.import_module("shop.agents").components
    assert isinstance(spec, AgentSpec)
    assert (spec.id, spec.label, spec.tools[0].name) == ("word-counter", "Word Counter", "count_words")
    importlib.import_module("shop.components.word_counter.test_word_counter").test_the_scenario_plays_to_its_end()
    assert issubclass(importlib.import_module("shop.apps").ShopConfig, AppConfig)
    (scenario,) = load_scenarios(scenario_folders([here / "shop"]))
    assert scenario.component == "word-counter"
    assert "export AGENTOS_APPS=shop" in said


def test_a_second_agent_joins_the_first(here: Path) -> None:
    start("one", "--app", "shop2", "--create-app")
    start("two", "--app", "shop2")
    assert [spec.id for spec in importlib.import_module("shop2.agents").components] == ["one", "two"]


def test_what_is_written_is_clean(here: Path) -> None:
    start("word-counter", "--app", "shop3", "--create-app")
    config = here / "ruff.toml"
    config.write_text(f"extend = '{ROOT / 'pyproject.toml'}'\n[lint.isort]\nknown-first-party = ['agents', 'shop3']\n")
    for command in (["check"], ["format", "--check"]):
        ruff = [sys.executable, "-m", "ruff", *command, "--no-cache", "--config", str(config), "shop3"]
        done = subprocess.run(ruff, cwd=here, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


def test_nothing_is_overwritten(here: Path) -> None:
    start("one", "--app", "shop4", "--create-app")
    kept = {path: path.read_text() for path in (here / "shop4").rglob("*.*")}
    with pytest.raises(CommandError, match="there already"):
        start("one", "--app", "shop4")
    assert {path: path.read_text() for path in (here / "shop4").rglob("*.*")} == kept


def test_a_list_that_cannot_be_extended_leaves_no_files(here: Path) -> None:
    start("one", "--app", "shop5", "--create-app")
    (here / "shop5" / "agents.py").write_text("components = make()\n")
    with pytest.raises(CommandError, match="by hand"):
        start("two", "--app", "shop5")
    assert not (here / "shop5" / "components" / "two").exists()


def test_an_app_is_made_only_when_asked(here: Path) -> None:
    with pytest.raises(CommandError, match="--create-app"):
        start("one", "--app", "shop6")
    (here / "shop6").mkdir()
    with pytest.raises(CommandError, match="no Python package"):
        start("one", "--app", "shop6")


@pytest.mark.parametrize("id", ["One", "1one", "a--b", "a-", "a_b", "class", "components", "a" * 70, "../x", ""])
def test_an_id_has_one_form(here: Path, id: str) -> None:
    with pytest.raises(CommandError, match="cannot be an id"):
        start(id, "--app", "shop7", "--create-app")
    assert list(here.iterdir()) == []


@pytest.mark.parametrize("name", ["my-shop", "../shop", "class"])
def test_an_app_has_a_python_name(here: Path, name: str) -> None:
    with pytest.raises(CommandError, match="cannot be the name"):
        start("one", "--app", name, "--create-app")


def test_an_id_that_is_taken_is_refused(here: Path) -> None:
    with pytest.raises(CommandError, match="in app agents"):
        start("helpdesk", "--app", "shop8", "--create-app")
    assert not (here / "shop8").exists()


def test_our_own_catalog_has_its_own_place() -> None:
    component = NewComponent(App("agents", ROOT / "agents"), "word-counter")
    assert component.folder == ROOT / "agents/catalog/agents/word_counter"
    assert component.package == "agents.catalog.agents.word_counter"
    assert component.test_file == ROOT / "tests/agents/catalog/test_word_counter.py"
