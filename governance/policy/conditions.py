"""Conditions of a policy's rule on a call's arguments: read from text, checked against a tool's schema, judged.

`amount >= 500`, `region in ["eu", "us"]`, `note contains "urgent"`, `email matches "*@acme.test"`, `reason exists`.
A field may be a path, `customer.country`; a value is JSON. Pure, and without a pattern that could take long.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import orjson

from agentos.core.errors import Invalid
from agentos.core.types import Json, JsonObject
from governance.policy import globs

MAX_CHARS: Final = 1_000
MAX_NUMBER_CHARS: Final = 100
MAX_CONDITIONS: Final = 20
_OPERATOR: Final = r">=|<=|==|!=|>|<|\bin\b|\bcontains\b|\bmatches\b|\bexists\b"
_FORM: Final = re.compile(rf"\s*([\w.]{{1,200}})\s*({_OPERATOR})\s*(.*)", re.DOTALL)
_SCALARS: Final = (str, int, float, bool)
_ABSENT: Final = object()


class _Unclear(Exception):
    """A condition that says nothing about these arguments."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison: the field's path, an operator of `OPERATORS`, and the JSON value on its right."""

    path: tuple[str, ...]
    operator: str
    value: Json = None

    def __str__(self) -> str:
        field = ".".join(self.path)
        return f"{field} exists" if self.operator == "exists" else f"{field} {self.operator} {_spelled(self.value)}"


def parse(text: str) -> Condition:
    """Read one condition. Raises: Invalid with what is wrong about it."""
    found = _FORM.fullmatch(text) if len(text) <= MAX_CHARS else None
    if found is None:
        raise _wrong(f"{text[:80]!r} is no condition: write e.g. `amount >= 500`.")
    field, operator, rest = found[1], found[2], found[3].strip()
    path = tuple(field.split("."))
    if "" in path:
        raise _wrong(f"{field!r} is no field.")
    if operator == "exists":
        if rest:
            raise _wrong("`exists` takes no value.")
        return Condition(path, operator)
    try:
        value = orjson.loads(rest)
    except orjson.JSONDecodeError:
        raise _wrong(f"{rest[:80]!r} is no value: texts stand in double quotes.") from None
    if not _takes(operator, value):
        raise _wrong(f"`{operator}` cannot compare with {rest[:80]}.")
    return Condition(path, operator, value)


def holds(condition: Condition, arguments: JsonObject) -> bool | None:
    """Tell whether a condition holds; None when these arguments do not let it be judged."""
    found = _found(condition.path, arguments)
    if condition.operator == "exists":
        return found is not _ABSENT and found is not None
    try:
        return _JUDGES[condition.operator](found, condition.value)
    except _Unclear:
        return None


def check(condition: Condition, schema: JsonObject, tool: str) -> None:
    """Check a condition against a tool's JSON schema. Raises: Invalid where the two do not fit."""
    kinds = _kinds(condition.path, schema)
    field = ".".join(condition.path)
    if kinds is None:
        raise _wrong(f"{tool} has no argument {field}.")
    wanted = _wanted(condition)
    fits = wanted <= kinds if condition.operator == "in" else wanted & kinds
    if kinds and not fits:
        raise _wrong(f"`{condition}` does not fit {tool}: {field} is {' or '.join(sorted(kinds))}.")


def _takes(operator: str, value: Json) -> bool:
    if operator in (">", ">=", "<", "<="):
        return _is_number(value)
    if operator == "in":
        return isinstance(value, list) and bool(value) and all(isinstance(item, _SCALARS) for item in value)
    if operator == "matches":
        return isinstance(value, str)
    return (value is None and operator in ("==", "!=")) or isinstance(value, _SCALARS)


def _wanted(condition: Condition) -> set[str]:
    """Return the JSON types of a field that the condition can be judged of."""
    value = condition.value
    match condition.operator:
        case "exists":
            return {"string", "number", "boolean", "array", "object", "null"}
        case ">" | ">=" | "<" | "<=":
            return {"number"}
        case "matches":
            return {"string"}
        case "contains":
            return {"string", "array"} if isinstance(value, str) else {"array"}
        case "in":
            return {_kind(item) for item in value}
        case _:
            return {_kind(value)}


def _kind(value: Json) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, int | float) else "string"


def _kinds(path: Sequence[str], schema: JsonObject) -> set[str] | None:
    """Return the JSON types that a field may have, empty where the schema leaves it open; None: there is no such."""
    definitions: JsonObject = schema.get("$defs", {})
    here = [schema]
    for name in path:
        inside = [one["properties"][name] for one in here if name in one.get("properties", {})]
        if not inside:
            named = any("properties" in one for one in here)
            return None if named or all(_types(one) and "object" not in _types(one) for one in here) else set()
        here = [one for found in inside for one in _options(found, definitions)]
    return set() if any(not _types(one) for one in here) else {kind for one in here for kind in _types(one)}


def _options(schema: JsonObject, definitions: JsonObject) -> list[JsonObject]:
    if "$ref" in schema:
        return _options(definitions.get(str(schema["$ref"]).rpartition("/")[2], {}), definitions)
    nested = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
    return [one for option in nested for one in _options(option, definitions)] if nested else [schema]


def _types(schema: JsonObject) -> set[str]:
    named = schema.get("type") or [_kind(value) for value in schema.get("enum", [schema.get("const", _ABSENT)])]
    kinds = {named} if isinstance(named, str) else {kind for kind in named if isinstance(kind, str)}
    if "enum" not in schema and "const" not in schema and "type" not in schema:
        return set()
    return {"number" if kind == "integer" else kind for kind in kinds}


def _found(path: Sequence[str], arguments: JsonObject) -> Any:
    found: Any = arguments
    for name in path:
        if not isinstance(found, dict) or name not in found:
            return _ABSENT
        found = found[name]
    return found


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(value: Any) -> Decimal:
    """Read a number exactly; a tool may spell a Decimal out as text."""
    if not (_is_number(value) or (isinstance(value, str) and len(value) <= MAX_NUMBER_CHARS)):
        raise _Unclear
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise _Unclear from None
    if not number.is_finite():
        raise _Unclear
    return number


def _same(found: Any, value: Json) -> bool:
    if found is _ABSENT:
        raise _Unclear
    if _is_number(value):
        return found is not None and _number(found) == _number(value)
    if found is not None and value is not None and type(found) is not type(value):
        raise _Unclear
    return bool(found == value)


def _contains(found: Any, value: Json) -> bool:
    if isinstance(found, str) and isinstance(value, str):
        return value in found
    if isinstance(found, list):
        return any((type(item) is type(value) and item == value) or _equal_numbers(item, value) for item in found)
    raise _Unclear


def _equal_numbers(left: Any, right: Any) -> bool:
    return _is_number(left) and _is_number(right) and _number(left) == _number(right)


def _matches(found: Any, value: Json) -> bool:
    if not isinstance(found, str):
        raise _Unclear
    return globs.matches(value, found)


def _in(found: Any, values: Json) -> bool:
    if found is _ABSENT or isinstance(found, dict | list):
        raise _Unclear
    of_kind = [
        value for value in values if type(value) is type(found) or (_is_number(value) and not isinstance(found, bool))
    ]
    if not of_kind and found is not None:
        raise _Unclear
    return any(_same(found, value) for value in of_kind)


_JUDGES: Final[dict[str, Callable[[Any, Json], bool]]] = {
    "==": _same,
    "!=": lambda found, value: not _same(found, value),
    ">": lambda found, value: _number(found) > _number(value),
    ">=": lambda found, value: _number(found) >= _number(value),
    "<": lambda found, value: _number(found) < _number(value),
    "<=": lambda found, value: _number(found) <= _number(value),
    "in": _in,
    "contains": _contains,
    "matches": _matches,
}
OPERATORS: Final = (*_JUDGES, "exists")


def _spelled(value: Json) -> str:
    return orjson.dumps(value).decode()


def _wrong(detail: str) -> Invalid:
    return Invalid(detail, code="bad_condition")
