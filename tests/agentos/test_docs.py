"""What the documents say of settings, commands and files is so, and every setting is in them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import get_commands

ROOT = Path(settings.BASE_DIR)
PACKAGES = ("agentos", "accounts", "agents", "governance")
DOCUMENTS = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")]
DOCUMENTS += sorted((ROOT / "docs").glob("*.md"))
OURS = ("AGENTOS_", "OPENAI_", "EMAIL_", "SECURE_")
OF_TESTS = {"AGENTOS_PICTURES"}
READS = re.compile(r"\b(?:env|os\.environ)\.\w+\(")


@cache
def read_by_the_code() -> set[str]:
    """Return every variable whose name is written where the environment is read."""
    return {name for package in PACKAGES for path in (ROOT / package).rglob("*.py") for name in _read_in(path)}


def _read_in(path: Path) -> Iterator[str]:
    text = path.read_text()
    if not READS.search(text):  # a look at each file, where its tree takes ten times as long
        return
    nodes = list(ast.walk(ast.parse(text)))
    constants = {}
    for node in nodes:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=value)):
                constants[name] = value
    for node in nodes:
        if not isinstance(node, ast.Call) or not node.args or not isinstance(node.func, ast.Attribute):
            continue
        match node.args[0]:
            case _ if ast.unparse(node.func.value) not in ("env", "os.environ"):
                pass
            case ast.Constant(value=name):
                yield name
            case ast.Name(id=name) if name in constants:
                yield constants[name]
            case ast.JoinedStr():
                yield from (f"AGENTOS_{role}_URL" for role in ("OWNER", "SYSTEM", "APP"))


def test_every_setting_is_documented() -> None:
    told = "\n".join(path.read_text() for path in DOCUMENTS)
    ours = {name for name in read_by_the_code() if name not in ("PATH", "DJANGO_SETTINGS_MODULE")}
    assert "AGENTOS_LEASE_SECONDS" in ours
    assert sorted(name for name in ours if not re.search(rf"\b{name}\b", told)) == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_setting_that_is_documented_is_read(document: Path) -> None:
    named = set(re.findall(rf"\b(?:{'|'.join(OURS)})[A-Z_]*[A-Z]\b", document.read_text()))
    set_by_code = {name for name in dir(settings) if name.startswith(OURS)}  # such as AGENTOS_ACCESS_LAYERS
    assert sorted({name.removesuffix("_FILE") for name in named} - read_by_the_code() - set_by_code - OF_TESTS) == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_command_that_is_documented_is_there(document: Path) -> None:
    named = set(re.findall(r"manage\.py ([a-z_]+)", document.read_text()))
    assert sorted(named - set(get_commands())) == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_file_that_is_documented_is_there(document: Path) -> None:
    named = re.findall(r"`((?:[\w.-]+/)+[\w.-]*)`", document.read_text())
    assert [name for name in named if not name.startswith("var/") and not (ROOT / name).exists()] == []
