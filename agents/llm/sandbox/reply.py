"""What the sandbox model decides to answer, before it is cut into tokens."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Call:
    """One tool call; `arguments` is the JSON text that goes over the wire, which may be broken on purpose."""

    tool: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer of the model: text, tool calls, or both."""

    say: str = ""
    calls: tuple[Call, ...] = ()
