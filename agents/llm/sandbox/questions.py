"""Writes the questions for a tool that asks the user, when no scenario has better ones."""

from collections.abc import Mapping
from typing import Any

from agents.llm.sandbox.schema import SchemaReader
from agents.llm.sandbox.strings import clipped, without_manners

_HEADER_LENGTH = 12
_QUESTIONS: tuple[tuple[str, str, bool, tuple[tuple[str, str], ...]], ...] = (
    (
        "Priority",
        'What matters most for "{topic}"?',
        False,
        (("Low cost", "Spend as little as possible"), ("Quality", "The best result, even if it costs more"),
         ("Speed", "The soonest result")),
    ),
    (
        "Include",
        'What should be part of "{topic}"?',
        True,
        (("A plan", "The steps in order"), ("A budget", "What each step costs"),
         ("Alternatives", "What else would do")),
    ),
)  # fmt: skip


def is_question(properties: Mapping[str, Any]) -> bool:
    """Say whether an object with these properties is a question to the user with options."""
    return "question" in properties and "options" in properties


def questions_about(message: str, item: object, reader: SchemaReader, at_most: int) -> list[dict[str, Any]]:
    """Write questions in the shape of the schema `item`, holding only the properties it knows."""
    known = reader.shape(item).properties
    option_shape = reader.shape(reader.shape(known.get("options")).schema.get("items"))
    topic = clipped(without_manners(message).strip().rstrip(".!?"), 60)
    made = []
    for header, question, several, options in _QUESTIONS[:at_most]:
        values = {
            "question": question.format(topic=topic),
            "header": header[:_HEADER_LENGTH],
            "options": [_option(label, text, option_shape.kind) for label, text in options],
            "multi_select": several,
            "multiSelect": several,
        }
        made.append({name: value for name, value in values.items() if name in known})
    return made


def _option(label: str, text: str, kind: str) -> dict[str, str] | str:
    return label if kind == "string" else {"label": label, "description": text}
