"""Markers like `[[fault:429x2]]` that a test writes into the user's text to steer one answer."""

import json
import re
from dataclasses import dataclass, field

from agents.llm.sandbox.errors import ApiError
from agents.llm.sandbox.options import is_fault_kind
from agents.llm.sandbox.reply import Call, Reply

_MARKER = re.compile(
    r"\[\[\s*(fault|embedding-fault|moderation-fault|ttft|token|tokens|stall|call|say|then)\s*(:|(?=\]\]))\s*"
)
_FAULT = re.compile(r"([a-z0-9]+?)(?:x(\d+))?\Z")
_TOOL = re.compile(r"[\w.-]+")
_DECODER = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault to inject: always, or only for the first `times` requests with the same conversation."""

    kind: str
    times: int | None = None


@dataclass(slots=True)
class Markers:
    """The markers of one message, and the text without them.

    `script` holds one reply for each model call of the turn; `[[then]]` separates them.
    """

    text: str
    faults: dict[str, Fault] = field(default_factory=dict)
    ttft_ms: float | None = None
    token_ms: float | None = None
    stall_ms: float | None = None
    tokens: int | None = None
    script: tuple[Reply, ...] = ()


def read_markers(text: str) -> Markers:
    """Take the markers out of a text. Raises: ApiError for a marker that can't be read."""
    if "[[" not in text:
        return Markers(text)
    return _Reader(text).read()


def without_markers(text: str) -> str:
    """Return the text as a human would have written it."""
    if "[[" not in text:
        return text
    try:
        return read_markers(text).text
    except ApiError:
        return text


class _Reader:
    """Walks through one text and collects what its markers say."""

    def __init__(self, text: str) -> None:
        self.source = text
        self.found = Markers("")
        self.replies: list[tuple[list[str], list[Call]]] = [([], [])]

    def read(self) -> Markers:
        kept: list[str] = []
        position = 0
        while match := _MARKER.search(self.source, position):
            kept.append(self.source[position : match.start()])
            position = self._one(match[1], match.end())
        kept.append(self.source[position:])
        self.found.text = " ".join("".join(kept).split()) if len(kept) > 1 else self.source
        if any(said or calls for said, calls in self.replies):
            self.found.script = tuple(Reply("\n".join(said), tuple(calls)) for said, calls in self.replies)
        return self.found

    def _one(self, name: str, start: int) -> int:
        """Read the marker whose body begins at `start`; return where it ends."""
        if name == "call":
            return self._call(start)
        end = self._closing(name, start)
        body = self.source[start:end].strip()
        if name == "say":
            self.replies[-1][0].append(body)
        elif name == "then":
            self.replies.append(([], []))
        elif name.endswith("fault"):
            self._fault(name, body)
        else:
            self._number(name, body)
        return end + 2

    def _closing(self, name: str, start: int) -> int:
        end = self.source.find("]]", start)
        if end < 0:
            raise ApiError(400, f"The sandbox marker [[{name}:...]] has no closing ]].")
        return end

    def _call(self, start: int) -> int:
        tool = _TOOL.match(self.source, start)
        if tool is None:
            raise ApiError(400, "The sandbox marker [[call:...]] names no tool.")
        begin = tool.end()
        while begin < len(self.source) and self.source[begin].isspace():
            begin += 1
        end = begin
        if self.source.startswith("{", begin):
            try:
                end = _DECODER.raw_decode(self.source, begin)[1]
            except ValueError:
                # Kept as it is: a test may want the engine to see arguments that are no JSON.
                end = self._closing("call", begin)
        close = self._closing("call", end)
        arguments = self.source[begin:close].strip() or "{}"
        self.replies[-1][1].append(Call(tool[0], arguments))
        return close + 2

    def _fault(self, name: str, body: str) -> None:
        match = _FAULT.match(body)
        if match is None or not is_fault_kind(match[1]):
            raise ApiError(400, f"The sandbox marker [[{name}:{body}]] names no fault.")
        self.found.faults[name] = Fault(match[1], int(match[2]) if match[2] else None)

    def _number(self, name: str, body: str) -> None:
        if not body.isdecimal() or (name == "tokens" and int(body) < 1):
            raise ApiError(400, f"The sandbox marker [[{name}:{body}]] needs a whole number.")
        field_name = name if name == "tokens" else f"{name}_ms"
        setattr(self.found, field_name, int(body))
