"""Plans what a new component consists of, and writes it without ever overwriting a file."""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Final

from agentos.core.errors import ConfigError
from agents.scaffold.registration import registered

FILES: Final = Path(__file__).parent / "files"
OWN_APP: Final = "agents"  # the built-in catalog keeps its components elsewhere, and its tests with ours
_ID: Final = re.compile(r"[a-z](?:[a-z0-9]|-(?=[a-z0-9])){0,59}")
_FOLDER_FILES: Final = ("spec.py", "tools.py", "instructions.md", "scenario.toml")


@dataclass(frozen=True, slots=True)
class App:
    """Where an app's code is. `name` is its import path."""

    name: str
    folder: Path

    @property
    def is_ours(self) -> bool:
        return self.name == OWN_APP


@dataclass(frozen=True, slots=True)
class NewComponent:
    """An agent to be written into an app."""

    app: App
    id: str

    @property
    def variable(self) -> str:
        return self.id.replace("-", "_")

    @property
    def label(self) -> str:
        return self.id.replace("-", " ").title()

    @property
    def folder(self) -> Path:
        return self.app.folder.joinpath(*self._place, self.variable)

    @property
    def package(self) -> str:
        return ".".join((self.app.name, *self._place, self.variable))

    @property
    def test_file(self) -> Path:
        name = f"test_{self.variable}.py"
        return self.app.folder.parent / "tests/agents/catalog" / name if self.app.is_ours else self.folder / name

    @property
    def _place(self) -> tuple[str, ...]:
        return ("catalog", "agents") if self.app.is_ours else ("components",)

    def files(self) -> dict[Path, str]:
        """Return each new file with its text."""
        values = {
            "id": self.id,
            "label": self.label,
            "own_import": f"from {self.package} import spec, tools\n" if self.app.is_ours else "",
            "app_import": "" if self.app.is_ours else "\nfrom . import spec, tools\n",
            "summary": "Counts the words of a text.",
            "variable": self.variable,
        }
        texts = {self.folder / name: _filled(name, values) for name in _FOLDER_FILES}
        texts[self.test_file] = _filled("test.py", values)
        for folder in (self.folder, *self.folder.parents):
            if folder == self.app.folder:
                break
            texts[folder / "__init__.py"] = ""
        return texts


def check_id(id: str) -> None:
    """Raise ConfigError when a component can't be called so."""
    if not _ID.fullmatch(id) or keyword.iskeyword(id) or id == "components":
        raise ConfigError(f"{id!r} cannot be an id: use lower-case letters, digits and single hyphens.")


def create(component: NewComponent) -> list[Path]:
    """Write the component and put it on its app's list; return what was written or changed.

    Raises: ConfigError when one of its files is there already, or the app's list cannot be extended.
    """
    files, listing = component.files(), component.app.folder / "agents.py"
    if component.folder.exists() or component.test_file.exists():
        raise ConfigError(f"{component.folder} or its test is there already.")
    source = listing.read_text(encoding="utf-8") if listing.exists() else ""
    extended = registered(source, module=f"{component.package}.spec", variable=component.variable)
    written = [path for path in files if not path.exists()]
    for path in written:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(files[path], encoding="utf-8")
    listing.write_text(extended, encoding="utf-8")
    return [*sorted(written), listing]


def create_app(folder: Path) -> App:
    """Write the skeleton of an app that ships components, in a folder that is not there yet."""
    folder.mkdir()
    (folder / "__init__.py").write_text("", encoding="utf-8")
    text = _filled("apps.py", {"app": folder.name, "class_name": folder.name.title().replace("_", "")})
    (folder / "apps.py").write_text(text, encoding="utf-8")
    return App(folder.name, folder)


def _filled(name: str, values: dict[str, str]) -> str:
    return Template((FILES / f"{name}-tpl").read_text(encoding="utf-8")).substitute(values)
