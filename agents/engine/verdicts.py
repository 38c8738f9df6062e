"""What a hook may answer before a tool runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from agentos.core.types import JsonObject
from agents.engine.status import PauseKind
from agents.engine.steps import AuditEntry, Statement


@dataclass(frozen=True, slots=True)
class Allow:
    """Run it. `statements` and `audit` commit with the step's start, and the former can still refuse it."""

    statements: tuple[Statement, ...] = ()
    audit: tuple[AuditEntry, ...] = ()


@dataclass(frozen=True, slots=True)
class Refuse:
    """Do not run it; the text goes to the model."""

    reason: str


@dataclass(frozen=True, slots=True)
class Require:
    """Stop this branch until a human has answered.

    `requirement` is shown to clients; `statements` and `audit` commit with the waiting step.
    """

    kind: PauseKind
    requirement: JsonObject
    statements: tuple[Statement, ...] = ()
    audit: tuple[AuditEntry, ...] = ()


@dataclass(frozen=True, slots=True)
class Hold:
    """Leave the call as it is and pause the run; it is judged again when the run goes on.

    `statements` and `audit` commit with the pause, and keep the run paused.
    """

    reason: str
    statements: tuple[Statement, ...] = ()
    audit: tuple[AuditEntry, ...] = ()


Verdict: TypeAlias = Allow | Refuse | Require | Hold


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """What takes a question back that was put to a human; it commits with what is done instead.

    Its statements fail when she has answered meanwhile: then her answer is looked at first.
    """

    statements: tuple[Statement, ...] = ()
    audit: tuple[AuditEntry, ...] = ()
