"""What a waiting call shows to clients: consent, fields, questions or a command, in the shapes of AgentOS."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from agentos.core.clock import rfc3339_ms, utc_now
from agentos.core.errors import ConfigError
from agentos.core.types import JsonObject
from agents.engine.status import PauseKind
from agents.engine.tools import Level, Tool

_FIELD_TYPES: Final = {
    "string": "str",
    "integer": "int",
    "number": "float",
    "boolean": "bool",
    "array": "list",
    "object": "dict",
}
_LEVELS: Final = {
    Level.CONFIRM: PauseKind.CONFIRMATION,
    Level.APPROVE: PauseKind.APPROVAL,
    Level.INPUT: PauseKind.USER_INPUT,
    Level.EXTERNAL: PauseKind.EXTERNAL,
}


def kind_of(tool: Tool, level: Level) -> PauseKind | None:
    """Return what a tool has to wait for at the level in force. Consent by another person comes before any question."""
    if level not in (Level.APPROVE, Level.CONFIRM) and tool.asks:
        return PauseKind.FEEDBACK if tool.asks == "questions" else PauseKind.USER_INPUT
    return _LEVELS.get(level)


def requirement(kind: PauseKind, tool: Tool, arguments: JsonObject) -> JsonObject:
    """Return the requirement of a waiting call, approval fields empty. Raises: ConfigError when it asks nothing."""
    return {
        "kind": kind.value,
        "effect_text": tool.effect_text(arguments),
        "requires_confirmation": kind in (PauseKind.CONFIRMATION, PauseKind.APPROVAL),
        "requires_user_input": kind is PauseKind.USER_INPUT,
        "user_input_schema": _input_schema(tool, arguments) if kind is PauseKind.USER_INPUT else None,
        "user_feedback_schema": _questions(arguments) if kind is PauseKind.FEEDBACK else None,
        "external_execution_required": kind is PauseKind.EXTERNAL,
        "approval_id": None,
        "approval_url": None,
        "expires_at": None,
    }


def page_of(approval_id: UUID) -> str:
    """Return the address of an approval's page."""
    return f"/admin/governance/approval/{approval_id}/change/"


def approval_fields(approval_id: UUID, *, hours: int) -> JsonObject:
    """Return what a client needs to find the approval. The expiry is for display: the database's clock decides."""
    return {
        "approval_type": "required",
        "approval_id": str(approval_id),
        "approval_url": page_of(approval_id),
        "expires_at": rfc3339_ms(utc_now() + timedelta(hours=hours)),
    }


def _input_schema(tool: Tool, arguments: JsonObject) -> list[JsonObject]:
    if tool.asks == "fields":
        return [_dynamic_field(item) for item in _listed(arguments, tool.name)]
    properties: JsonObject = tool.parameters.get("properties", {})
    definitions: JsonObject = tool.parameters.get("$defs", {})
    names = tool.input_fields or tuple(properties)
    return [_field(name, _resolved(properties[name], definitions), arguments.get(name)) for name in names]


def _field(name: str, schema: JsonObject, value: Any) -> JsonObject:
    field = {
        "name": name,
        "field_type": _FIELD_TYPES.get(str(schema.get("type", "string")), "str"),
        "description": str(schema.get("description", "")),
        "value": value,
    }
    options = schema.get("enum") or ([schema["const"]] if "const" in schema else None)
    return {**field, "options": options} if options else field


def _dynamic_field(item: JsonObject) -> JsonObject:
    """Return a field that the model made up: AgentOS prefixes its keys with `field_`."""
    kind = str(item.get("field_type") or item.get("type") or "str")
    field = {
        "name": str(item.get("field_name") or item.get("name") or ""),
        "field_type": _FIELD_TYPES.get(kind, kind),
        "description": str(item.get("field_description") or item.get("description") or ""),
        "value": item.get("value"),
    }
    options = item.get("options")
    return {**field, "options": options} if options else field


def _questions(arguments: JsonObject) -> list[JsonObject]:
    return [
        {
            "question": str(item.get("question", "")),
            "header": str(item.get("header", "")),
            "options": [_option(option) for option in item.get("options", [])],
            "multi_select": bool(item.get("multi_select", False)),
        }
        for item in _objects(arguments.get("questions"))
    ]


def _option(option: JsonObject) -> JsonObject:
    return {"label": str(option.get("label", "")), "description": str(option.get("description") or "")}


def _listed(arguments: JsonObject, tool_name: str) -> list[JsonObject]:
    """Return the one argument that lists the fields to ask for."""
    for value in arguments.values():
        if fields := _objects(value):
            return fields
    raise ConfigError(f"Tool {tool_name} asks for fields but its arguments list none.")


def _objects(value: Any) -> list[JsonObject]:
    items: Iterable[Any] = value if isinstance(value, list) else ()
    return [item for item in items if isinstance(item, dict)]


def _resolved(schema: JsonObject, definitions: JsonObject) -> JsonObject:
    """Return a property with its reference followed and `X or null` read as X; its own description wins."""
    inner: JsonObject = next((one for one in schema.get("anyOf", []) if one.get("type") != "null"), {})
    merged = {**inner, **{key: value for key, value in schema.items() if key != "anyOf"}}
    name = str(merged.pop("$ref", "")).rpartition("/")[2]
    return {**definitions.get(name, {}), **merged} if name else merged
