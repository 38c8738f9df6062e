"""Shapes of the run routes on the wire."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

from ninja import Header, Schema
from pydantic import ConfigDict, Field

from agentos.core.errors import CallerError, Invalid
from agentos.core.types import JsonObject, clean_json, strict_json
from agents.services.answers import Answer

IdempotencyHeader: TypeAlias = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        description="At most 200 characters of your own. For 24 hours the same key with the same content gets the "
        "answer of the first request and has no second effect; with other content it gets 422, and "
        "410 once the run was deleted. A request that failed leaves no key.",
        examples=["7f9c2ba4-e88f-4d6c-9b1e-0c5d1f3a2b60"],
    ),
]


class AnswerIn(Schema):
    """One answer to a waiting tool call; send the field that its kind asks for."""

    model_config = ConfigDict(extra="ignore")

    tool_call_id: str
    confirmed: bool | None = None
    values: dict[str, Any] | None = None
    selected: list[list[str]] | None = None
    result: str | None = None
    note: str = ""

    def as_answer(self) -> Answer:
        said = clean_json(self.model_dump())
        return Answer(**said)


class AnswersIn(Schema):
    answers: list[AnswerIn] = Field(max_length=100, examples=[[{"tool_call_id": "call_1", "confirmed": True}]])


class RunStateOut(Schema):
    run_id: str
    session_id: str
    status: str


class AgentOut(Schema):
    """An agent as lists show it."""

    id: str
    name: str
    description: str
    model: dict[str, str]
    tools: dict[str, Any]
    quick_prompts: list[str]
    metadata: dict[str, Any]


def answers_of(fields: JsonObject) -> list[Answer]:
    """Read the answers of an AgentOS client. Raises: CallerError, Invalid."""
    tools, requirements = json_list(fields, "tools"), json_list(fields, "requirements")
    return answers_from_tools(tools) if tools else answers_from_requirements(requirements)


def answers_from_tools(tools: list[JsonObject]) -> list[Answer]:
    """Read AgentOS's ToolExecution list: ids and decisions only; names and arguments in it are ignored.

    A tool that is not answered in any way counts as rejected, as in AgentOS. Raises: Invalid.
    """
    answers = []
    for tool in tools:
        if not isinstance(tool, dict) or not isinstance(tool.get("tool_call_id"), str):
            raise Invalid("Each tool needs its `tool_call_id`.", code="answer_invalid")
        answers.append(_answer_from_tool(tool))
    return answers


def answers_from_requirements(requirements: list[JsonObject]) -> list[Answer]:
    """Read AgentOS's RunRequirement list."""
    tools = []
    for requirement in requirements:
        if not isinstance(requirement, dict) or not isinstance(requirement.get("tool_execution"), dict):
            raise Invalid("Each requirement needs its `tool_execution`.", code="answer_invalid")
        said = {
            "confirmed": requirement.get("confirmation"),
            "confirmation_note": requirement.get("confirmation_note"),
            "result": requirement.get("external_execution_result"),
            "user_input_schema": requirement.get("user_input_schema"),
            "user_feedback_schema": requirement.get("user_feedback_schema"),
        }
        said = {name: value for name, value in said.items() if value is not None}
        tools.append({**requirement["tool_execution"], **said})
    return answers_from_tools(tools)


def _answer_from_tool(tool: JsonObject) -> Answer:
    fields = _objects(tool, "user_input_schema")
    values = {field["name"]: field.get("value") for field in fields if isinstance(field.get("name"), str)}
    questions = _objects(tool, "user_feedback_schema")
    result = tool.get("result")
    confirmed = tool.get("confirmed")
    if confirmed is None and not values and not questions and result is None:
        confirmed = False
    return Answer(
        tool["tool_call_id"],
        confirmed=confirmed if isinstance(confirmed, bool) else None,
        values=values or None,
        selected=[_chosen(question) for question in questions] or None,
        result=result if isinstance(result, str) else None,
        note=str(tool.get("confirmation_note") or ""),
    )


def _objects(holder: JsonObject, name: str) -> list[JsonObject]:
    """Return the objects of a list, when there is one."""
    value = holder.get(name)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _chosen(question: JsonObject) -> list[str]:
    if isinstance(chosen := question.get("selected_options"), list):
        return [str(label) for label in chosen]
    return [str(option.get("label")) for option in _objects(question, "options") if option.get("selected")]


def json_list(fields: JsonObject, name: str) -> list[JsonObject]:
    """Return a field that holds a JSON list, as a value or as text. Raises: CallerError, Invalid."""
    value = fields.get(name) or []
    if isinstance(value, str):
        try:
            value = strict_json(value)
        except ValueError:
            raise CallerError(f"`{name}` is not JSON, or says a name twice.", code="malformed_json") from None
    if not isinstance(value, list):
        raise Invalid(f"`{name}` must be a list.", code="invalid")
    return value
