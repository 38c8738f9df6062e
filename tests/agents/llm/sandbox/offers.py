"""Tools as a component would offer them, and requests that offer them."""

from typing import Any

import orjson

from agents.llm.sandbox.planner import decide
from agents.llm.sandbox.reply import Reply
from agents.llm.sandbox.scenario import Scenario, ScenarioBook
from agents.llm.sandbox.turn import read_turn
from agents.llm.sandbox.wire import read_chat

STRING: dict[str, Any] = {"type": "string"}
NUMBER: dict[str, Any] = {"type": "number"}
MODEL = "sandbox-strong"


def tool(name: str, description: str, arguments: dict[str, Any], required: list[str] | None = None) -> dict[str, Any]:
    """Describe a tool; all its arguments are required unless `required` says which."""
    schema = {
        "type": "object",
        "properties": arguments,
        "required": list(arguments) if required is None else required,
    }
    return {"type": "function", "function": {"name": name, "description": description, "parameters": schema}}


PRIORITY = {"type": "string", "enum": ["low", "medium", "high", "critical"], "default": "medium"}
RESTART = tool("restart_service", "Restart a service that is in trouble.", {"service_name": STRING})
TICKET = tool(
    "create_support_ticket",
    "Open a ticket for the support team.",
    {"title": STRING, "description": STRING, "priority": PRIORITY},
    ["title", "description"],
)
DIAGNOSE = tool("run_diagnostic", "Run a diagnostic command on the user's machine.", {"command": STRING})
QUESTIONS_SCHEMA = {
    "type": "object",
    "properties": {"questions": {"type": "array", "items": {"$ref": "#/$defs/Question"}}},
    "required": ["questions"],
    "$defs": {
        "Question": {
            "type": "object",
            "properties": {
                "question": STRING,
                "header": {"type": "string", "maxLength": 12},
                "options": {"type": "array", "minItems": 2, "items": {"$ref": "#/$defs/Option"}},
                "multi_select": {"type": "boolean", "default": False},
            },
            "required": ["question", "header", "options"],
        },
        "Option": {
            "type": "object",
            "properties": {"label": STRING, "description": STRING},
            "required": ["label", "description"],
        },
    },
}
ASK = {
    "type": "function",
    "function": {
        "name": "ask_user",
        "description": "Ask the user to choose.",
        "parameters": QUESTIONS_SCHEMA,
    },
}
REFUND = tool(
    "process_refund",
    "Pay money back to a customer.",
    {
        "customer_id": STRING,
        "amount": {"anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"type": "string"}]},
        "reason": STRING,
    },
)
DELETE = tool("delete_user_account", "Delete a user's account for good.", {"user_id": STRING})
EXPORT = tool("export_customer_data", "Export a customer's data.", {"customer_id": STRING})
REPORT = tool("generate_report", "Generate a report.", {"report_type": STRING, "period": STRING})
HELPDESK = [RESTART, TICKET, DIAGNOSE, ASK]
APPROVALS = [REFUND, DELETE, EXPORT, REPORT]


def body(message: str | list[dict[str, Any]], tools: list[dict[str, Any]] | None = None, **more: Any) -> dict[str, Any]:
    """Make the JSON of a chat request."""
    messages = [{"role": "user", "content": message}] if isinstance(message, str) else message
    return {"model": MODEL, "messages": messages, **({"tools": tools} if tools else {}), **more}


def reply_to(
    message: str | list[dict[str, Any]],
    tools: list[dict[str, Any]] | None = None,
    scenarios: tuple[Scenario, ...] = (),
    **more: Any,
) -> Reply:
    """Decide the answer to a request without a server."""
    request = read_chat(body(message, tools, **more), [MODEL])
    return decide(request, read_turn(request), ScenarioBook(scenarios))


def calls_of(reply: Reply) -> list[tuple[str, Any]]:
    """Return the calls of a reply with their arguments parsed."""
    return [(call.tool, orjson.loads(call.arguments)) for call in reply.calls]


def after(message: str, *results: tuple[str, dict[str, Any], str]) -> list[dict[str, Any]]:
    """Make the messages after one answer that called tools, each given as (tool, arguments, result)."""
    calls = [
        {
            "id": f"call_{place}",
            "type": "function",
            "function": {"name": name, "arguments": orjson.dumps(args).decode()},
        }
        for place, (name, args, _) in enumerate(results)
    ]
    return [
        {"role": "user", "content": message},
        {"role": "assistant", "content": None, "tool_calls": calls},
        *(
            {"role": "tool", "tool_call_id": f"call_{place}", "content": result}
            for place, (_, _, result) in enumerate(results)
        ),
    ]
