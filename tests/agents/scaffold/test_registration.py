"""A component's place on its app's list: added behind what is there, everything else left alone."""

from __future__ import annotations

import pytest

from agentos.core.errors import ConfigError
from agents.scaffold.registration import registered

IMPORT = "from acme.components.new.spec import new\n"


def add(source: str) -> str:
    return registered(source, module="acme.components.new.spec", variable="new")


def test_a_missing_module_is_begun() -> None:
    assert add("  \n") == f'"""The components of this app."""\n\n{IMPORT}\ncomponents = [new]\n'


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("import a\n\ncomponents = []\n", f"import a\n{IMPORT}\ncomponents = [new]\n"),
        ("components = [old]  # mine\n", f"{IMPORT}components = [old, new]  # mine\n"),
        ("components: list[X] = [old]\n", f"{IMPORT}components: list[X] = [old, new]\n"),
        ("components = [\n    old,\n]", f"{IMPORT}components = [\n    old,\n    new,\n]\n"),
        ("components = [\n    old\n]\n", f"{IMPORT}components = [\n    old,\n    new,\n]\n"),
        ("components = [é['ü']]\n", f"{IMPORT}components = [é['ü'], new]\n"),
        ('"""Ours."""', f'"""Ours."""\n{IMPORT}\ncomponents = [new]\n'),
        (
            '"""Ours."""\n\nfrom x import (\n    a,\n)\n\nb = 1\nfrom late import c\n',
            f'"""Ours."""\n\nfrom x import (\n    a,\n)\n{IMPORT}\nb = 1\nfrom late import c\n\ncomponents = [new]\n',
        ),
    ],
)
def test_an_entry_joins_the_list(before: str, after: str) -> None:
    assert add(before) == after


@pytest.mark.parametrize("source", ["components = [*one, *two] + three\n", "components = make()\n", "components = [\n"])
def test_what_is_no_plain_list_is_left_to_a_human(source: str) -> None:
    with pytest.raises(ConfigError):
        add(source)
