"""The form by which an approver changes arguments: one field each, texts as they are, everything else as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from accounts.showing import spelled_out
from agentos.core.errors import Invalid
from agentos.core.types import Json, JsonObject, json_text, strict_json
from agents.templatetags.console import json_kind

PREFIX = "arg."


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    value: str

    @property
    def rows(self) -> int:
        return min(8, 1 + len(self.value) // 60 + self.value.count("\n"))


def fields(arguments: JsonObject, sent: Mapping[str, str] | None = None) -> list[Field]:
    """Return the fields of a call's arguments, as they were sent where they were."""
    sent = sent or {}
    return [Field(name, sent.get(PREFIX + name, _shown(value))) for name, value in arguments.items()]


def read(arguments: JsonObject, sent: Mapping[str, str]) -> JsonObject:
    """Return the arguments with what was sent in their place. Raises: Invalid, naming the field."""
    return {name: _read(name, value, sent.get(PREFIX + name)) for name, value in arguments.items()}


def _shown(value: Json) -> str:
    """Return what stands in the field, hidden characters spelled out: left as it is, it means the value itself."""
    return spelled_out(value if isinstance(value, str) else json_text(value))


def _read(name: str, before: Json, text: str | None) -> Json:
    text = None if text is None else text.replace("\r\n", "\n")
    if text is None or text == _shown(before):
        return before
    if isinstance(before, str):
        return text
    try:
        return strict_json(text)
    except ValueError:
        raise Invalid(f"{name}: “{text[:40]}” is no {json_kind(before)}.", code="edited_args_invalid") from None
