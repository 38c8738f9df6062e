"""Puts what a paused run asks to the person at the terminal, and makes the answers of it."""

from __future__ import annotations

from typing import Any, Final

from agentos.core.types import JsonObject, json_text
from agents.chat.terminal import Terminal

_YES: Final = frozenset({"y", "yes"})
_NO: Final = frozenset({"n", "no"})


def is_for_others(tool: JsonObject) -> bool:
    """Tell whether somebody else has to act: an approver, or an operator who reconciles."""
    return bool(tool.get("approval_id")) or tool.get("kind") == "reconcile"


def identity(tool: JsonObject) -> str:
    """Return what tells a question from others, one that is asked anew from the one before it too."""
    return " ".join(str(tool.get(name)) for name in ("tool_call_id", "kind", "approval_id", "asked_again"))


def describe(tool: JsonObject) -> str:
    """Return one line on what a call waits for."""
    text = _title(tool)
    if not is_for_others(tool):
        return f"Waiting for you: {text}"
    until = f", until {tool['expires_at']}" if tool.get("expires_at") else ""
    where = f" Decide: {tool['approval_url']}" if tool.get("approval_url") else ""
    return f"Waiting for someone else to decide: {text}{until}.{where}"


def ask(terminal: Terminal, tool: JsonObject) -> JsonObject:
    """Return the answer to one waiting call. Raises: EOFError."""
    answer: JsonObject = {"tool_call_id": tool.get("tool_call_id")}
    if questions := tool.get("user_feedback_schema"):
        return answer | {"selected": [_feedback(terminal, question) for question in questions]}
    if tool.get("external_execution_required"):
        return answer | _external(terminal, tool)
    if tool.get("requires_user_input"):
        terminal.show(f"? {_title(tool)}")
        fields = tool.get("user_input_schema") or []
        return answer | {"values": {field["name"]: _value(terminal, field) for field in fields}}
    return answer | _confirmation(terminal, tool)


def _title(tool: JsonObject) -> str:
    text = str(tool.get("effect_text") or tool.get("tool_name") or "a call")
    return f"{text} (asked again: {tool['asked_again']})" if tool.get("asked_again") else text


def _confirmation(terminal: Terminal, tool: JsonObject) -> JsonObject:
    terminal.show(f"? {_title(tool)}")
    while True:
        said = terminal.ask("  Go ahead? (y/n) ").casefold()
        if said in _YES:
            return {"confirmed": True}
        if said in _NO:
            note = terminal.ask("  Why not? (Enter for no reason) ")
            return {"confirmed": False} | ({"note": note} if note else {})
        terminal.show("  Please answer y or n.")


def _external(terminal: Terminal, tool: JsonObject) -> JsonObject:
    terminal.show(f"? {_title(tool)}")
    arguments = tool.get("tool_args") or {}
    if command := arguments.get("command"):
        terminal.show(f"    {command}")
    elif arguments:
        terminal.show(f"    {json_text(arguments)}")
    return {"result": terminal.ask_text("  Paste the result")}


def _feedback(terminal: Terminal, question: JsonObject) -> list[str]:
    terminal.show(f"? {question.get('question', '')}")
    options = [str(option.get("label", "")) for option in question.get("options", [])]
    for option in question.get("options", []):
        if option.get("description"):
            terminal.show(f"  {option['label']}: {option['description']}")
    return terminal.choose(options, many=bool(question.get("multi_select")))


def _value(terminal: Terminal, field: JsonObject) -> Any:
    """Return a field's value in its own type; Enter keeps the proposal."""
    name, kind, proposed = field["name"], field.get("field_type", "str"), field.get("value")
    about = f" ({field['description']})" if field.get("description") else ""
    terminal.show(f"  {name}{about}")
    if options := field.get("options"):
        shown = [str(option) for option in options]
        picked = terminal.choose(shown, default="" if proposed is None else str(proposed))[0]
        return options[shown.index(picked)]
    hint = "" if proposed is None else f" [{proposed}]"
    while True:
        text = terminal.ask(f"  {name}{hint}: ")
        if not text and proposed is not None:
            return proposed
        try:
            return _typed(text, kind)
        except ValueError:
            terminal.show(f"  Please give a value of type {kind}.")


def _typed(text: str, kind: str) -> Any:
    """Raises: ValueError when the text is not of the kind."""
    if kind == "int":
        return int(text)
    if kind == "float":
        return float(text)
    if kind == "bool":
        if text.casefold() not in _YES | _NO | {"true", "false"}:
            raise ValueError(text)
        return text.casefold() in _YES | {"true"}
    if kind == "list":
        return [part.strip() for part in text.split(",") if part.strip()]
    return text
