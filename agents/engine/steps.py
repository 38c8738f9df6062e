"""The journal as the loop sees it: records by path, and what is written for them."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final
from uuid import UUID

from agentos.core.errors import AgentOSError
from agentos.core.types import Json, JsonObject
from agents.engine.status import RunStatus, StepKind, StepState

# In a tool call's request: how many of its changes to the session's state are committed.
STATE_CHANGES: Final = "state_changes"


@dataclass(slots=True)
class StepRecord:
    """One step of a run. `path` is its identity within the run tree; `seq` only the order of writing.

    `request` for a tool call: {tool, arguments, schema_hash, requirement?, schema?, reads?, tainted_by?,
    proposed_arguments?}; `schema` while it waits, `tainted_by` names what was read before that strangers may have
    written, `proposed_arguments` are the model's own where a person has edited them. `answer` is what the human said:
    {confirmed?, values?, selected?, result?, note?, edited_arguments?, by, at}, or what took the question back:
    {void, note}. `usage` of a model call: see `engine.spending`.
    """

    id: UUID
    path: str
    kind: StepKind
    name: str
    state: StepState
    request: JsonObject
    result: Json = None
    answer: JsonObject | None = None
    usage: JsonObject | None = None
    error: str = ""
    args_hash: str = ""
    idempotency_key: str = ""
    attempts: int = 1
    seq: int = 0
    tool_call_id: str = ""


def void_answer(reason: str) -> JsonObject:
    """Return the answer that takes a question back: the call is judged, and asked about, anew."""
    return {"void": True, "note": reason}


def is_void(answer: JsonObject | None) -> bool:
    return answer is not None and answer.get("void") is True


@dataclass(frozen=True, slots=True)
class Statement:
    """A guarded statement that commits with a step: it must touch exactly one row, or the write is refused."""

    sql: str
    parameters: tuple[object, ...]
    refusal: str


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """What a write adds to the tenant's audit trail."""

    action: str
    object_type: str
    object_id: str
    detail: JsonObject = field(default_factory=dict)
    actor_id: UUID | None = None


# In a step's request and a run's spec: what guards did, [{guard, did, place, kinds, times?}], never text. `times` where
# the same was done more than once.
GUARDS, TIMES = "guards", "times"


def guarded_entries(step: StepRecord) -> list[AuditEntry]:
    """Return what the audit trail says of guards that found something in a step: which, and what kind of thing."""
    notes = step.request.get(GUARDS)
    return [AuditEntry("guard.acted", "step", str(step.id), {"name": step.name, "guards": notes})] if notes else []


@dataclass(frozen=True, slots=True)
class RunChange:
    """The new state of a run; None leaves a field as it is. `release` gives the lease back.

    `cost_usd` goes with `usage`: None beside it says that the price of a call is not known. `halted_by` names the kill
    switch that a run is paused by.
    """

    status: RunStatus
    output: str | None = None
    error_code: str = ""
    error_text: str = ""
    usage: JsonObject | None = None
    cost_usd: Decimal | None = None
    release: bool = True
    halted_by: str = ""


@dataclass(slots=True)
class Write:
    """What commits together for one run: steps, events, guarded statements, audit rows, the run's state."""

    steps: list[StepRecord] = field(default_factory=list)
    events: list[tuple[str, JsonObject]] = field(default_factory=list)
    statements: list[Statement] = field(default_factory=list)
    audit: list[AuditEntry] = field(default_factory=list)
    run: RunChange | None = None


class WriteRefused(AgentOSError):
    """A guarded statement did not hold, so nothing of its write happened."""

    code = "write_refused"
