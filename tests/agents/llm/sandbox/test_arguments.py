"""Filling JSON schemas: what is said is found, and a whole answer is always valid."""

from datetime import date, datetime
from enum import Enum
from typing import Annotated, Any, Literal

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field, TypeAdapter

from agents.llm.sandbox.arguments import fill, instance
from agents.llm.sandbox.evidence import Evidence
from tests.agents.llm.sandbox.offers import NUMBER, STRING


def filled(properties: dict[str, Any], text: str, required: list[str] | None = None, **more: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties, "required": required or [], **more}
    return fill(schema, Evidence([text], tool="do_thing")).values


@pytest.mark.parametrize(
    ("properties", "text", "expected"),
    [
        (
            {"ticket_id": STRING, "user_id": STRING},
            "Give TKT-0001 to U-7788",
            {"ticket_id": "TKT-0001", "user_id": "U-7788"},
        ),
        ({"customer_id": STRING}, "customer 1042 is unhappy", {"customer_id": "1042"}),
        ({"price": NUMBER, "page": NUMBER}, "page 3 costs €1,200.50", {"price": 1200.5, "page": 3}),
        ({"limit": {"type": "integer", "maximum": 10}}, "show 50 of them", {}),
        ({"share": {"type": "number", "multipleOf": 0.5}}, "take 2.25 of it", {}),
        ({"count": {"type": "integer"}}, "take 2.5 of it", {}),
        ({"priority": {"enum": ["low", "high"]}}, "This is URGENT", {"priority": "high"}),
        ({"state": {"enum": ["in_progress", "done"]}}, "it is in progress", {"state": "in_progress"}),
        ({"mode": {"const": "fast"}}, "anything", {"mode": "fast"}),
        ({"start": {"type": "string", "format": "date"}}, "from March 5, 2026 on", {"start": "2026-03-05"}),
        (
            {"at": {"type": "string", "format": "date-time"}},
            "at 2026-03-05 14:30 sharp",
            {"at": "2026-03-05T14:30:00Z"},
        ),
        ({"period": STRING}, "the numbers of last quarter", {"period": "last quarter"}),
        ({"email": STRING}, "write to anna@acme.test.", {"email": "anna@acme.test"}),
        (
            {"url": STRING},
            "read https://docs.acme.test/a?b=1, please",
            {"url": "https://docs.acme.test/a?b=1"},
        ),
        ({"filename": STRING}, "save it as out/report.csv", {"filename": "out/report.csv"}),
        ({"verbose": {"type": "boolean"}}, "be verbose", {"verbose": True}),
        ({"notify": {"type": "boolean"}}, "do not notify anyone", {"notify": False}),
        ({"notify": {"type": "boolean"}}, "just do it", {}),
        ({"reason": STRING}, 'it is needed, reason: "audit"', {"reason": "audit"}),
        (
            {"tags": {"type": "array", "items": STRING}},
            "tag it: red, green and blue",
            {"tags": ["red", "green", "blue"]},
        ),
        ({"ids": {"type": "array", "items": STRING}}, "close T-1 and T-2", {"ids": ["T-1", "T-2"]}),
        ({"values": {"type": "array", "items": NUMBER}}, "sum 1, 2 and 3.5", {"values": [1, 2, 3.5]}),
        (
            {"days": {"type": "array", "items": {"enum": ["monday", "tuesday", "friday"]}}},
            "on Monday and Friday",
            {"days": ["monday", "friday"]},
        ),
        ({"code": {"type": "string", "pattern": r"^[A-Z]{2}\d$"}}, "use code XY7 now", {"code": "XY7"}),
    ],
)
def test_what_is_said_is_found(properties: dict[str, Any], text: str, expected: dict[str, Any]) -> None:
    assert filled(properties, text) == expected


def test_nested_objects_references_and_nulls() -> None:
    properties = {
        "refund": {"$ref": "#/$defs/Refund"},
        "note": {"anyOf": [STRING, {"type": "null"}]},
        "colour": {"type": ["string", "null"], "enum": ["red", None]},
        "retries": {"type": "integer", "default": 3},
    }
    refund = {
        "type": "object",
        "properties": {"customer_id": STRING, "amount": NUMBER},
        "required": ["customer_id", "amount"],
    }
    values = filled(properties, "give C-7 $12 back", ["refund", "colour", "retries"], **{"$defs": {"Refund": refund}})
    assert values == {"refund": {"customer_id": "C-7", "amount": 12}, "colour": None, "retries": 3}


def test_allof_and_open_objects() -> None:
    part = {"type": "object", "properties": {"a_id": STRING}, "required": ["a_id"]}
    own = {"properties": {"b_id": STRING}, "required": ["b_id"]}
    schema = {"allOf": [{"$ref": "#/$defs/A"}, own], "$defs": {"A": part}}
    assert fill(schema, Evidence(["A-1 and B-2"])).values == {"a_id": "A-1", "b_id": "B-2"}
    headers = {"type": "object", "additionalProperties": True}
    assert filled({"headers": headers}, "send accept=json, retry: 3", ["headers"]) == {
        "headers": {"accept": "json", "retry": "3"}
    }
    counts = {"type": "object", "additionalProperties": {"type": "integer", "minimum": 0}}
    assert filled({"counts": counts}, "apples=3, pears: -1, plums: many", ["counts"]) == {"counts": {"apples": 3}}
    flags = {"type": "object", "additionalProperties": {"type": "boolean"}}
    assert filled({"flags": flags}, "dark=yes light=false other=3", ["flags"]) == {
        "flags": {"dark": True, "light": False}
    }


def test_a_schema_that_contains_itself_ends() -> None:
    node = {
        "type": "object",
        "properties": {"child": {"$ref": "#"}, "name": STRING},
        "required": ["child", "name"],
    }
    assert "child" in fill(node, Evidence(["a tree"], complete=True)).values


def test_what_is_required_and_unsaid_is_reported() -> None:
    schema = {"properties": {"customer_id": STRING, "amount": NUMBER}, "required": ["customer_id", "amount"]}
    assert fill(schema, Evidence(["do it"])).missing == ["customer_id", "amount"]


class Severity(Enum):
    LOW = "low"
    HIGH = "high"


class Line(BaseModel):
    sku: Annotated[str, Field(min_length=2, max_length=12)]
    count: Annotated[int, Field(ge=1, le=9)]
    price: Annotated[float, Field(gt=0)]


class Everything(BaseModel):
    severity: Severity
    verdict: Literal["APPROVED", "CHANGES"]
    score: Annotated[float, Field(ge=-5, lt=-1)]
    step: Annotated[int, Field(gt=10, multiple_of=4)]
    day: date
    moment: datetime
    link: Annotated[str, Field(json_schema_extra={"format": "uri"})]
    code: Annotated[str, Field(pattern=r"^[A-Z]+-\d+$")]
    lines: Annotated[list[Line], Field(min_length=2)]
    labels: set[Literal["a", "b", "c"]] = Field(min_length=2)
    owner: Line | None
    either: int | str
    flags: dict[str, bool]
    counts: dict[str, Annotated[int, Field(ge=0)]]
    summary: str
    ready: bool


@settings(deadline=None)
@given(st.text(max_size=200))
def test_a_whole_answer_is_always_valid(text: str) -> None:
    made = instance(Everything.model_json_schema(), Evidence([text], complete=True))
    Everything.model_validate_json(orjson.dumps(made))


@pytest.mark.parametrize("shape", [int, str, bool, list[int], Line, Severity, list[Line], None])
def test_a_whole_answer_may_be_any_kind(shape: Any) -> None:
    adapter = TypeAdapter(shape)
    made = instance(adapter.json_schema(), Evidence(["3 apples"], complete=True))
    adapter.validate_json(orjson.dumps(made))
