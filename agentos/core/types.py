"""Shapes that cross packages, and the cleaning of text at the edges."""

from __future__ import annotations

import hashlib
import re
from typing import Any, TypeAlias, cast

import orjson
import rfc8785

Json: TypeAlias = Any
JsonObject: TypeAlias = dict[str, Any]

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def clean_text(text: str) -> str:
    """Remove NUL and lone surrogates, which PostgreSQL cannot store and which would fail everyone's batch."""
    return _UNSTORABLE.sub("", text)


def clean_json(value: Json) -> Json:
    """Apply `clean_text` to every key and string in a JSON value."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, dict):
        return {clean_text(str(key)): clean_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [clean_json(item) for item in value]
    return value


def json_bytes(value: Json) -> bytes:
    return orjson.dumps(value, default=str)


def json_text(value: Json) -> str:
    return json_bytes(value).decode()


def json_object(text: str | bytes) -> JsonObject | None:
    """Return the JSON object in `text`, or None when it is not one."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return cast(JsonObject, value) if isinstance(value, dict) else None


def canonical_sha256(value: Json) -> str:
    """Return the hex SHA-256 of the canonical JSON of `value` (RFC 8785)."""
    return hashlib.sha256(rfc8785.dumps(value)).hexdigest()
