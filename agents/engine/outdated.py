"""Tells what a deploy has changed of a tool since a human was asked about one of its calls."""

from __future__ import annotations

from collections.abc import Iterable

from agentos.core.types import JsonObject
from agents.engine.tools import Tool

NAMES_MOST = 10


def asked_of(tool: Tool) -> JsonObject:
    """Return what a waiting call keeps of its tool: its hash, and enough to say later what has changed."""
    return {"schema_hash": tool.schema_hash, "schema": {"version": tool.version, "parameters": tool.parameters}}


def change_since(request: JsonObject, tool: Tool | None) -> str:
    """Say what is another about the tool than when this request was put to a human; nothing when it is the same."""
    if "requirement" not in request:
        return ""
    if tool is None:
        return f"The tool {request['tool']} is gone."
    if request.get("schema_hash") == tool.schema_hash:
        return ""
    changes = list(_changes(request.get("schema") or {}, asked_of(tool)["schema"]))
    return f"The tool {tool.name} has changed: {'; '.join(changes) or 'its arguments are others'}."


def _changes(before: JsonObject, now: JsonObject) -> Iterable[str]:
    if not before:
        return
    was, is_now = before["parameters"], now["parameters"]
    old, new = was.get("properties", {}), is_now.get("properties", {})
    kept = [name for name in new if name in old]
    if added := [name for name in new if name not in old]:
        yield f"{_listed(added)} came"
    if gone := [name for name in old if name not in new]:
        yield f"{_listed(gone)} went"
    if changed := [name for name in kept if old[name] != new[name]]:
        yield f"{_listed(changed)} changed"
    if required := [name for name in kept if _needs(is_now, name) and not _needs(was, name)]:
        yield f"{_listed(required)} may not be left out any more"
    if before["version"] != now["version"]:
        yield f"it is version {now['version']}, was {before['version']}"


def _needs(parameters: JsonObject, name: str) -> bool:
    return name in parameters.get("required", ())


def _listed(names: list[str]) -> str:
    shown = ", ".join(f"`{name}`" for name in names[:NAMES_MOST])
    return shown if len(names) <= NAMES_MOST else f"{shown} and {len(names) - NAMES_MOST} more"
