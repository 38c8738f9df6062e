"""The public events by name, and the shapes inside them (AgentOS wire, section (c))."""

from __future__ import annotations

from typing import Final

from agentos.core.types import JsonObject
from agents.engine.steps import StepRecord

RUN_STARTED: Final = "RunStarted"
RUN_CONTENT: Final = "RunContent"
RUN_CONTENT_RESET: Final = "RunContentReset"
RUN_CONTENT_COMPLETED: Final = "RunContentCompleted"
MODEL_STARTED: Final = "ModelRequestStarted"
MODEL_COMPLETED: Final = "ModelRequestCompleted"
TOOL_STARTED: Final = "ToolCallStarted"
TOOL_COMPLETED: Final = "ToolCallCompleted"
TOOL_ERROR: Final = "ToolCallError"
RUN_PAUSED: Final = "RunPaused"
RUN_CONTINUED: Final = "RunContinued"
RUN_COMPLETED: Final = "RunCompleted"
RUN_ERROR: Final = "RunError"
RUN_CANCELLED: Final = "RunCancelled"

BY_HAND: Final = "by hand"  # reasons of RunPaused, besides answers that are waited for
HALTED: Final = "halted"

END_EVENTS: Final = frozenset({RUN_COMPLETED, RUN_ERROR, RUN_CANCELLED})

_TOOL_KEYS: Final[JsonObject] = {
    "tool_call_error": None,
    "result": None,
    "metrics": None,
    "child_run_id": None,
    "stop_after_tool_call": False,
    "requires_confirmation": None,
    "confirmed": None,
    "confirmation_note": None,
    "requires_user_input": None,
    "user_input_schema": None,
    "user_feedback_schema": None,
    "answered": None,
    "external_execution_required": None,
    "external_execution_silent": None,
    "approval_type": None,
    "approval_id": None,
}


def tool_execution(step: StepRecord) -> JsonObject:
    """Return a tool step as AgentOS's ToolExecution.

    `effect_text`, `approval_url`, `expires_at`, `tainted_by` and `proposed_args` are ours.
    """
    shown: JsonObject = {
        "tool_call_id": step.tool_call_id,
        "tool_name": step.name,
        "tool_args": step.request.get("arguments", {}),
        **_TOOL_KEYS,
        **step.request.get("requirement", {}),
    }
    if tainted_by := step.request.get("tainted_by"):
        shown["tainted_by"] = tainted_by
    if "proposed_arguments" in step.request:
        shown["proposed_args"] = step.request["proposed_arguments"]
    if step.answer is not None:
        shown["answered"] = True
        shown["confirmed"] = step.answer.get("confirmed")
        shown["confirmation_note"] = step.answer.get("note") or None
    if step.state.is_final:
        shown["result"] = step.result if step.error == "" else step.error
        shown["tool_call_error"] = step.state.value == "failed"
    return shown


def requirement(step: StepRecord) -> JsonObject:
    """Return a waiting step as AgentOS's RunRequirement."""
    asked = step.request.get("requirement", {})
    return {
        "id": str(step.id),
        "tool_execution": tool_execution(step),
        "user_input_schema": asked.get("user_input_schema"),
        "user_feedback_schema": asked.get("user_feedback_schema"),
        "confirmation": None,
        "confirmation_note": None,
        "external_execution_result": None,
    }


def paused(steps: list[StepRecord]) -> JsonObject:
    """Return the payload of RunPaused."""
    wanted = ", ".join(step.request.get("requirement", {}).get("effect_text") or step.name for step in steps)
    return {
        "content": f"Waiting for: {wanted}",
        "tools": [tool_execution(step) for step in steps],
        "requirements": [requirement(step) for step in steps],
    }


def stopped(steps: list[StepRecord], reason: str) -> JsonObject:
    """Return the payload of RunPaused when the run was stopped; it may wait for answers as well."""
    content = {HALTED: "Halted", BY_HAND: "Paused by hand"}.get(reason, f"Paused: {reason}")
    return {**paused(steps), "content": content, "reason": reason}
