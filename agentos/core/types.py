"""Shapes that cross packages, and the cleaning of text at the edges."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator
from typing import Any, TypeAlias, cast

import orjson
import rfc8785

Json: TypeAlias = Any
JsonObject: TypeAlias = dict[str, Any]

DEEPEST_JSON = 64
LARGEST_INTEGER = 2**63 - 1  # what the JSON encoder writes
EXACT_INTEGER = 2**53 - 1  # RFC 8785 knows no larger whole numbers: JSON readers disagree about them
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def clean_text(text: str) -> str:
    """Remove NUL and lone surrogates, which PostgreSQL cannot store and which would fail everyone's batch."""
    return _UNSTORABLE.sub("", text)


def clean_json(value: Json, *, depth: int = 0) -> Json:
    """Return a JSON value that can be stored and sent: clean texts, integers of 64 bits, bounded depth."""
    if isinstance(value, str):
        return clean_text(value)
    if depth >= DEEPEST_JSON and isinstance(value, dict | list | tuple):
        return "[too deep]"
    if isinstance(value, dict):
        return {clean_text(str(key)): clean_json(item, depth=depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [clean_json(item, depth=depth + 1) for item in value]
    if isinstance(value, int) and abs(value) > LARGEST_INTEGER:
        return str(value)
    return value


def is_finite(value: Json) -> bool:
    """Tell whether every number in a value is one that JSON knows: no NaN, no infinity."""
    if isinstance(value, dict):
        return all(map(is_finite, value.values()))
    if isinstance(value, list):
        return all(map(is_finite, value))
    return not isinstance(value, float) or math.isfinite(value)


def exact_json(value: Json) -> Json:
    """Return a JSON value whose numbers survive RFC 8785 and jsonb: what they cannot carry is spelled out."""
    if isinstance(value, dict):
        return {key: exact_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [exact_json(item) for item in value]
    if isinstance(value, float) and value.is_integer() and abs(value) > EXACT_INTEGER:
        return {"whole": str(int(value))}
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > EXACT_INTEGER:
        return {"whole": str(value)}
    return value


def texts_of(value: Json) -> Iterator[str]:
    """Yield every text in a JSON value, keys too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from value
        for item in value.values():
            yield from texts_of(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts_of(item)


def json_bytes(value: Json) -> bytes:
    return orjson.dumps(value, default=str)


def json_text(value: Json) -> str:
    return json_bytes(value).decode()


def strict_json(text: str | bytes) -> Json:
    """Return the JSON value in `text`, in UTF-8. Raises: ValueError for what is none, says a name twice or is too deep.

    A colon stands behind each name and in texts, and nowhere else: where a name was said twice and one of its values is
    gone, the value has fewer than `text`.
    """
    value = orjson.loads(text)
    raw = text if isinstance(text, bytes) else text.encode()
    colons = raw.count(b":")
    if isinstance(value, dict) and colons == len(value):
        return value
    try:
        written = orjson.dumps(value)
    except TypeError:
        raise ValueError("it is too deep to be written again") from None
    if written.count(b":") != colons + _escaped_colons(raw):
        raise ValueError("a name is there twice")
    return value


def _escaped_colons(raw: bytes) -> int:
    """Count the colons that JSON spells as escapes; an escaped backslash begins none."""
    if b"\\u003" not in raw:
        return 0
    escapes = raw.replace(b"\\\\", b"")
    return escapes.count(b"\\u003a") + escapes.count(b"\\u003A")


def json_object(text: str | bytes) -> JsonObject | None:
    """Return the JSON object in `text`, or None when it is not one."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return cast(JsonObject, value) if isinstance(value, dict) else None


def canonical_sha256(value: Json) -> str:
    """Return the hex SHA-256 of the canonical JSON of `value` (RFC 8785). Raises: ValueError for NaN and infinity."""
    return hashlib.sha256(rfc8785.dumps(exact_json(value))).hexdigest()
