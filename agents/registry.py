"""Every component that an installed app ships, found in its `agents` module, for whoever looks one up."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import TypeAlias

from django.apps import AppConfig, apps
from django.utils.module_loading import module_has_submodule

from accounts.connections import ConnectionKind
from agentos.core.errors import ConfigError, NotFound
from agents.engine.spec import AgentSpec

MODULE = "agents"
Component: TypeAlias = AgentSpec
_KINDS: tuple[type[Component], ...] = (AgentSpec,)


@dataclass(frozen=True, slots=True)
class _Entry:
    spec: Component
    app_label: str


class Registry:
    """The components of one process. Nothing is imported before the first look-up."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: dict[tuple[str, str], _Entry] | None = None

    def all(self) -> list[Component]:
        """Return all components, those of earlier installed apps first. Raises: ConfigError."""
        return [entry.spec for entry in self._loaded().values()]

    def get(self, kind: str, id: str) -> Component:
        """Return one component. Raises: NotFound, ConfigError."""
        entry = self._loaded().get((kind, id))
        if entry is None:
            raise NotFound("There is no component of this kind and id.")
        return entry.spec

    def app_label_of(self, spec: Component) -> str:
        """Return the label of the app that ships a component. Raises: NotFound, ConfigError."""
        entry = self._loaded().get((spec.kind, spec.id))
        if entry is None:
            raise NotFound("This component belongs to no installed app.")
        return entry.app_label

    def _loaded(self) -> dict[tuple[str, str], _Entry]:
        if self._entries is not None:
            return self._entries
        with self._lock:
            if self._entries is None:
                self._entries = _collect()
            return self._entries


def component_modules() -> Iterator[tuple[AppConfig, ModuleType]]:
    """Import the `agents` module of each installed app that has one. Raises: ConfigError."""
    for app in apps.get_app_configs():
        if app.module is None or not module_has_submodule(app.module, MODULE):
            continue
        try:
            module = import_module(f"{app.name}.{MODULE}")
        except (ImportError, SyntaxError, OSError, ConfigError) as error:
            raise ConfigError(f"App {app.label}: {app.name}.{MODULE} cannot be imported: {error}") from error
        yield app, module


def _collect() -> dict[tuple[str, str], _Entry]:
    found: dict[tuple[str, str], _Entry] = {}
    for app, module in component_modules():
        components = getattr(module, "components", ())
        if not isinstance(components, list | tuple):
            raise ConfigError(f"App {app.label}: `components` in {module.__name__} must be a list.")
        for place, spec in enumerate(components):
            if not isinstance(spec, _KINDS):
                kind = type(spec).__name__
                raise ConfigError(f"App {app.label}: components[{place}] is a {kind}, not an AgentSpec.")
            taken = found.setdefault((spec.kind, spec.id), _Entry(spec, app.label))
            if taken.spec is not spec:
                name = f"{spec.kind} `{spec.id}`"
                raise ConfigError(f"App {app.label}: {name} is there already, from app {taken.app_label}.")
    return found


def connection_kinds() -> Iterator[ConnectionKind]:
    """Yield the kinds of connections that installed apps list as `connections` beside their components."""
    for app, module in component_modules():
        for kind in getattr(module, "connections", ()):
            if not isinstance(kind, ConnectionKind):
                raise ConfigError(f"App {app.label}: `connections` in {module.__name__} must hold ConnectionKinds.")
            yield kind


registry = Registry()


def app_label_of(spec: Component) -> str:
    """Return the label of the app that ships a component. Raises: NotFound, ConfigError."""
    return registry.app_label_of(spec)
