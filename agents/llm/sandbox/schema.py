"""Makes a JSON schema easy to walk: references followed, allOf merged, the null branch set aside."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_MAX_REFERENCES = 20


@dataclass(frozen=True, slots=True)
class Shape:
    """One resolved schema. `kind` is a JSON type name, or "any" where the schema leaves it open."""

    schema: Mapping[str, Any]
    kind: str
    nullable: bool = False

    def number(self, key: str) -> float | None:
        """Return a numeric keyword such as `minimum`."""
        value = self.schema.get(key)
        return value if isinstance(value, int | float) and not isinstance(value, bool) else None

    def size(self, key: str, fallback: int) -> int:
        """Return a count keyword such as `minItems`."""
        value = self.schema.get(key)
        return value if isinstance(value, int) else fallback

    @property
    def properties(self) -> Mapping[str, Any]:
        """The properties of an object."""
        return self.schema.get("properties") or {}

    @property
    def required(self) -> frozenset[str]:
        """The names that must be there."""
        return frozenset(self.schema.get("required") or ())

    @property
    def values(self) -> list[Any] | None:
        """The allowed values of an enum or const."""
        if "const" in self.schema:
            return [self.schema["const"]]
        values = self.schema.get("enum")
        return list(values) if isinstance(values, list) else None


class SchemaReader:
    """Resolves the parts of one schema document."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self.root = root

    def shape(self, schema: object) -> Shape:
        """Resolve a schema to the one branch that the answerer fills."""
        merged = self._merged(schema)
        nullable = False
        branches = merged.get("anyOf") or merged.get("oneOf")
        if isinstance(branches, list) and branches:
            open_ones = [self._merged(branch) for branch in branches]
            kept = [branch for branch in open_ones if branch.get("type") != "null"]
            nullable = len(kept) < len(open_ones)
            outer = {key: value for key, value in merged.items() if key not in ("anyOf", "oneOf")}
            inner = self.shape(kept[0]) if kept else Shape({}, "null")
            return Shape({**outer, **inner.schema}, inner.kind, nullable or inner.nullable)
        kind = merged.get("type")
        if isinstance(kind, list):
            nullable = "null" in kind
            kind = next((name for name in kind if name != "null"), "null")
        if not isinstance(kind, str):
            kind = _implied_kind(merged)
        return Shape(merged, kind, nullable or None in (merged.get("enum") or ()))

    def _merged(self, schema: object) -> dict[str, Any]:
        """Follow `$ref` and fold `allOf` into one mapping."""
        result: dict[str, Any] = {}
        for part in self._parts(schema, _MAX_REFERENCES):
            for key, value in part.items():
                if key == "properties":
                    result[key] = {**result.get(key, {}), **value}
                elif key == "required":
                    result[key] = [*result.get(key, []), *value]
                else:
                    result.setdefault(key, value)
        return result

    def _parts(self, schema: object, left: int) -> Iterator[Mapping[str, Any]]:
        if not isinstance(schema, Mapping) or left <= 0:
            return
        yield {key: value for key, value in schema.items() if key not in ("$ref", "allOf")}
        if isinstance(schema.get("$ref"), str):
            yield from self._parts(self._target(schema["$ref"]), left - 1)
        for part in schema.get("allOf") or ():
            yield from self._parts(part, left - 1)

    def _target(self, reference: str) -> object:
        target: object = self.root
        for step in reference.removeprefix("#").strip("/").split("/"):
            if step:
                name = step.replace("~1", "/").replace("~0", "~")
                target = target.get(name) if isinstance(target, Mapping) else None
        return target


def _implied_kind(schema: Mapping[str, Any]) -> str:
    if "properties" in schema:
        return "object"
    if "items" in schema:
        return "array"
    values = [value for value in schema.get("enum") or () if value is not None]
    if "const" in schema:
        values = [schema["const"]]
    return "string" if values and all(isinstance(value, str) for value in values) else "any"
