"""A component as a value: what an agent is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Self

from agentos.core.types import JsonObject, canonical_sha256
from agents.engine.limits import DEFAULT_LIMITS, Limits
from agents.engine.tools import Tool

JOB = "job"  # the kind of a run that nobody waits for: background work


class Model(StrEnum):
    """A model by its role; the settings say which model plays it."""

    STRONG = "strong"
    FAST = "fast"


@dataclass(frozen=True)
class AgentSpec:
    """An agent; members of teams come as specs later.

    `guards` name guardrails for what people say, `output_guards` those for what the model says: `name`, or
    `name:mode` where the mode is off, flag, redact or block. Input is blocked and output redacted unless it says so.
    What tools return loses what the output must not hold. A tenant may set them otherwise, but never loosen those in
    `fixed_guards`.

    The model is sent the last `history_runs` runs of the session, and what came before as a summary; the runs take at
    most `history_chars` characters.
    """

    id: str
    instructions: str
    name: str = ""
    description: str = ""
    model: Model = Model.STRONG
    tools: tuple[Tool, ...] | list[Tool] = ()
    guards: tuple[str, ...] = ("injection",)
    output_guards: tuple[str, ...] = ()
    fixed_guards: tuple[str, ...] = ()
    quick_prompts: tuple[str, ...] = ()
    history_runs: int = 5
    history_chars: int = 40_000
    limits: Limits = DEFAULT_LIMITS

    @property
    def kind(self) -> str:
        return "agent"

    @property
    def label(self) -> str:
        return self.name or self.id.replace("-", " ").title()

    def tool(self, name: str) -> Tool | None:
        return next((tool for tool in self.tools if tool.name == name), None)

    def pinned(self, model: str, fallbacks: Sequence[str] = ()) -> JsonObject:
        """Return what a run keeps of its spec, so that it resumes on what it started with."""
        return {
            "schema": 1,
            "id": self.id,
            "kind": self.kind,
            "model": model,
            "fallbacks": list(fallbacks),
            "instructions": self.instructions,
            "history_runs": self.history_runs,
            "history_chars": self.history_chars,
            **self.bounds(),
        }

    def bounds(self) -> JsonObject:
        """Return of that what a run may do: its tools, how long each may take, and its limits."""
        return {
            "tools": {tool.name: tool.schema_hash for tool in self.tools},
            "tool_seconds": {tool.name: tool.timeout_seconds for tool in self.tools},
            "limits": self.limits.pinned(),
        }

    def as_pinned(self, pinned: JsonObject) -> Self:
        """Return this component as a run has pinned it; what that run has not is as it is here.

        Guards and what tools declare are never pinned: who tightens them means the runs that wait, too.
        """
        kept = {name: pinned[name] for name in ("instructions", "history_runs", "history_chars") if name in pinned}
        offered, seconds = pinned.get("tools"), pinned.get("tool_seconds", {})
        tools = tuple(
            tool.within(seconds.get(tool.name, tool.timeout_seconds))
            for tool in self.tools
            if offered is None or tool.name in offered
        )
        return replace(self, **kept, tools=tools, limits=self.limits.as_pinned(pinned.get("limits", {})))


class Keeps(StrEnum):
    """For how long, and for whom, background work keeps what it makes of what somebody said.

    What outlives a session takes consent: each of these two is a choice of hers by the same name.
    """

    SESSION = "session"
    MEMORY = "memory"  # hers, from one session to another
    LEARNING = "learning"  # for others, too


@dataclass(frozen=True)
class JobSpec(AgentSpec):
    """Background work as a component: a model, instructions and limits; nobody talks to it."""

    keeps: Keeps = field(kw_only=True)

    @property
    def kind(self) -> str:
        return JOB


def spec_hash(pinned: JsonObject) -> str:
    return canonical_sha256(pinned)


def text(name: str) -> str:
    """Read a text file beside the module that calls, e.g. `instructions.md`."""
    import inspect

    frame = inspect.currentframe()
    caller = frame.f_back if frame else None
    if caller is None:
        raise RuntimeError("text() needs a calling module.")
    return (Path(caller.f_code.co_filename).parent / name).read_text().strip()
