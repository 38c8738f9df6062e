"""Writes a new component into an app; `manage.py startcomponent agent word-counter --app acme`."""

from __future__ import annotations

import keyword
from pathlib import Path
from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError, CommandParser

from agentos.core.errors import ConfigError, NotFound
from agents.registry import registry
from agents.scaffold.component import App, NewComponent, check_id, create, create_app


class Command(BaseCommand):
    help = "Write a new agent into an app: spec, instructions, a tool, a scenario and a test that passes."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("kind", choices=("agent",))
        parser.add_argument("id", help="Its id in URLs, e.g. word-counter")
        parser.add_argument("--app", required=True, help="The app that ships it")
        parser.add_argument("--create-app", action="store_true", help="Make the app in this folder when it is missing")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            check_id(options["id"])
            _check_free(options["kind"], options["id"])
            app = _app(options["app"], create=options["create_app"])
            component = NewComponent(app, options["id"])
            written = create(component)
        except ConfigError as error:
            raise CommandError(error.detail) from None
        for path in written:
            self.stdout.write(f"  {_shown(path)}")
        self._say_what_next(component)

    def _say_what_next(self, component: NewComponent) -> None:
        self.stdout.write(f"\nTest it:   python -m pytest {_shown(component.test_file)}")
        if not apps.is_installed(component.app.name):
            self.stdout.write(f"Install:   export AGENTOS_APPS={component.app.name}")
        self.stdout.write("Run it:    make run")
        self.stdout.write(f"Try it:    python manage.py chat {component.id}")


def _check_free(kind: str, id: str) -> None:
    try:
        spec = registry.get(kind, id)
    except NotFound:
        return
    raise CommandError(f"There is an {kind} {id!r} already, in app {registry.app_label_of(spec)}.")


def _app(name: str, *, create: bool) -> App:
    """Find the app among the installed ones, then in the current folder. Raises: ConfigError."""
    for config in apps.get_app_configs():
        if name in (config.label, config.name):
            return App(config.name, Path(config.path))
    if not name.isidentifier() or keyword.iskeyword(name):
        raise ConfigError(f"{name!r} cannot be the name of an app: it must be a Python name.")
    folder = Path.cwd() / name
    if folder.is_dir():
        if not (folder / "__init__.py").is_file():
            raise ConfigError(f"{folder} is no Python package: it has no __init__.py.")
        return App(name, folder)
    if not create:
        raise ConfigError(f"There is no app {name!r}: add --create-app to make it here.")
    return create_app(folder)


def _shown(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
