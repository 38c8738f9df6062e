"""What OpenAPI tells beside each route's own shapes: the events of the streams, and the problem that any may answer."""

from __future__ import annotations

from typing import Any, Final

from ninja import Schema
from pydantic import Field, TypeAdapter

from agentos.core.types import JsonObject
from agents.event_schemas import REF_TEMPLATE, RunEvent


class Problem(Schema):
    """Why a request was not done (RFC 9457). `code` is stable, and `request_id` finds it in the log."""

    type: str = Field(examples=["urn:agentos:problem:not_found"])
    title: str
    status: int
    detail: str
    code: str = Field(examples=["not_found"])
    errors: list[dict[str, Any]]
    request_id: str


SHAPES: Final = {"RunEvent": TypeAdapter[Any](RunEvent), "Problem": TypeAdapter[Any](Problem)}
ANY_PROBLEM: Final[JsonObject] = {
    "description": "A problem. 429 and 503 say in `Retry-After` when to come back.",
    "content": {"application/problem+json": {"schema": {"$ref": REF_TEMPLATE.format(model="Problem")}}},
}


def complete(schema: JsonObject) -> None:
    """Add to a schema what every route has in common, and one union of all events, told apart by `event`."""
    shapes = schema["components"].setdefault("schemas", {})
    for name, kind in SHAPES.items():
        shape = kind.json_schema(ref_template=REF_TEMPLATE, mode="serialization")
        shapes |= shape.pop("$defs", {})
        shapes[name] = {**shape, "title": name}
    for verbs in schema["paths"].values():
        for operation in verbs.values():
            operation["responses"].setdefault("default", ANY_PROBLEM)
