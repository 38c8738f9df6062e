"""Reads what a tool answered: was it done, refused by someone, or did it fail, and why."""

import enum
import re
from dataclasses import dataclass
from typing import Any

import orjson

from agents.llm.sandbox.strings import clipped
from agents.llm.sandbox.turn import ToolResult
from agents.llm.sandbox.words import name_words, stem, word_set, words

_QUOTE_LENGTH = 400
_MAX_ITEMS = 4
_REFUSAL_WORDS = word_set("refused rejected denied declined disapproved expired cancelled canceled void")
_REFUSAL = re.compile(
    r"\b(?:refused|rejected|denied|declined|disapproved|expired|cancell?ed|void(?:ed)?)\b"
    r"|\bnot (?:be )?(?:approved|confirmed|allowed|permitted|authori[sz]ed|carried out|executed|run)\b"
    r"|\b(?:did not|didn't|won't|will not) (?:approve|confirm|allow|permit)\b|\bwithout approval\b",
    re.IGNORECASE,
)
_FAILURE = re.compile(
    r"^\W*(?:tool\s+)?(?:error|failed|failure|exception|traceback|timed? ?out|could not|couldn't|"
    r"can't|cannot|unable|"
    r"unknown tool|invalid|no such|not found|\w+(?:error|exception)\b)|\b(?:call|tool) failed\b",
    re.IGNORECASE,
)
_REASON = re.compile(
    r"\b(?:reasons?(?: given)?|note|because|comment|message)\s*(?:is|was)?\s*[:=]?\s+[\"“]?(.+?)[\"”]?\s*$",
    re.IGNORECASE | re.DOTALL,
)
_STATUS_KEYS = ("status", "outcome", "decision", "state", "resolution")
_REASON_KEYS = ("reason", "note", "rejection_reason", "comment", "message", "detail", "error")
_TEXT_KEYS = ("result", "content", "output", "message", "text", "answer", "summary")


class Verdict(enum.Enum):
    """What became of a tool call."""

    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A tool result, read. `quote` is its text in short, `reason` why it was not done."""

    tool: str
    verdict: Verdict
    quote: str
    reason: str = ""


def read_outcome(result: ToolResult) -> Outcome:
    """Read one tool result."""
    data = _parsed(result.text)
    if isinstance(data, dict):
        verdict, reason = _from_object(data, result)
    elif data is not None:
        verdict, reason = Verdict.DONE, ""
    else:
        verdict, reason = _from_text(result.text, result)
    return Outcome(result.call.tool, verdict, clipped(_shown(data, result.text), _QUOTE_LENGTH), reason)


def _parsed(text: str) -> Any:
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None


def _from_object(data: dict[str, Any], result: ToolResult) -> tuple[Verdict, str]:
    reason = next((str(data[key]) for key in _REASON_KEYS if data.get(key)), "")
    statuses = " ".join(str(data[key]) for key in _STATUS_KEYS if isinstance(data.get(key), str))
    if data.get("approved") is False or data.get("confirmed") is False or _refuses(statuses, result):
        return Verdict.REFUSED, reason
    failed = data.get("error") or data.get("ok") is False or data.get("success") is False
    if failed or statuses.lower() in ("error", "failed", "failure"):
        return Verdict.FAILED, reason
    return Verdict.DONE, ""


def _from_text(text: str, result: ToolResult) -> tuple[Verdict, str]:
    """Read plain text: only its first sentence can say that the call was refused."""
    first = re.split(r"(?<=[.!?])\s|\n", text.strip(), maxsplit=1)[0]
    opening = first.split(":", 1)[0]
    if not first.startswith("|") and (_refuses(opening, result) or _refuses(first[:160], result)):
        return Verdict.REFUSED, _reason(text)
    if _FAILURE.search(first):
        return Verdict.FAILED, _reason(text)
    return Verdict.DONE, ""


def _refuses(text: str, result: ToolResult) -> bool:
    """Say whether a text refuses the call, leaving out words that the call itself was about."""
    own = {stem(word) for word in (*name_words(result.call.tool), *words(result.call.arguments))}
    for match in _REFUSAL.finditer(text):
        found = match[0].lower()
        if found not in _REFUSAL_WORDS or stem(found) not in own:
            return True
    return False


def _reason(text: str) -> str:
    match = _REASON.search(text)
    if match:
        return clipped(match[1], _QUOTE_LENGTH)
    _, separator, rest = text.partition(":")
    if separator and rest.strip():
        return clipped(rest, _QUOTE_LENGTH)
    sentences = re.split(r"(?<=[.!?])\s+|\n+", text.strip(), maxsplit=1)
    return clipped(sentences[-1], _QUOTE_LENGTH)


def _shown(data: Any, text: str) -> str:
    """Put a JSON result into words."""
    if isinstance(data, dict):
        told = next((data[key] for key in _TEXT_KEYS if isinstance(data.get(key), str) and data[key]), None)
        return told if told and len(data) <= 2 else ", ".join(_pair(item) for item in list(data.items())[:8])
    if isinstance(data, list):
        some = "; ".join(_brief(item) for item in data[:_MAX_ITEMS])
        more = f"; and {len(data) - _MAX_ITEMS} more" if len(data) > _MAX_ITEMS else ""
        return some + more if data else "an empty list"
    return text


def _pair(item: tuple[str, Any]) -> str:
    return f"{item[0].replace('_', ' ')}: {_brief(item[1])}"


def _brief(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(_pair(item) for item in list(value.items())[:_MAX_ITEMS])
    if isinstance(value, list):
        return ", ".join(_brief(item) for item in value[:_MAX_ITEMS]) or "none"
    return str(value)
