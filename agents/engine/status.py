"""What a run and a step can be, and the legal moves between."""

from __future__ import annotations

from enum import StrEnum


class RunStatus(StrEnum):
    PENDING = "pending"  # claimable: waits for a process
    RUNNING = "running"  # leased to a process
    PAUSED = "paused"  # every branch waits for a human
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    ERROR = "error"

    @property
    def is_final(self) -> bool:
        return self in (RunStatus.COMPLETED, RunStatus.CANCELLED, RunStatus.ERROR)


RUN_MOVES: dict[RunStatus, frozenset[RunStatus]] = {
    RunStatus.PENDING: frozenset({RunStatus.RUNNING, RunStatus.CANCELLED, RunStatus.ERROR}),
    RunStatus.RUNNING: frozenset(
        {RunStatus.PENDING, RunStatus.PAUSED, RunStatus.COMPLETED, RunStatus.CANCELLED, RunStatus.ERROR}
    ),
    RunStatus.PAUSED: frozenset({RunStatus.PENDING, RunStatus.RUNNING, RunStatus.CANCELLED, RunStatus.ERROR}),
    RunStatus.COMPLETED: frozenset(),
    RunStatus.CANCELLED: frozenset(),
    RunStatus.ERROR: frozenset(),
}


GIVEN_UP = "too_many_recoveries"  # the error code of a dead letter: a run that was interrupted too often


class StepKind(StrEnum):
    MODEL = "model"
    TOOL = "tool"


class StepState(StrEnum):
    STARTED = "started"  # its effect may happen from now on
    WAITING = "waiting"  # a human has to answer first
    ANSWERED = "answered"  # the answer is stored, the run has not used it yet
    DONE = "done"
    FAILED = "failed"
    REFUSED = "refused"  # a human, a policy or the clock said no: the call never ran
    UNKNOWN = "unknown"  # a side effect may have happened; a human reconciles

    @property
    def is_final(self) -> bool:
        return self in (StepState.DONE, StepState.FAILED, StepState.REFUSED)


class PauseKind(StrEnum):
    CONFIRMATION = "confirmation"  # the requester says yes or no
    USER_INPUT = "user_input"  # the requester fills fields
    FEEDBACK = "feedback"  # the requester answers questions
    EXTERNAL = "external"  # the caller runs the tool and sends its result
    APPROVAL = "approval"  # someone else decides
    RECONCILE = "reconcile"  # an operator says what became of a side effect
