"""Named points at the edges of the commits of a run where a process can be made to die, to see what then becomes of it.

AGENTOS_CRASH_AT=name or name:n kills the process the n-th time it gets there, as `kill -9` does. Never in production.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Literal, Protocol

from django.conf import settings
from django.db import transaction

from agentos.core.errors import ConfigError
from agentos.core.types import JsonObject
from agents.engine.status import RunStatus, StepKind, StepState
from agents.engine.steps import RunChange


class CrashPoint(StrEnum):
    """The names. `before`: all is written, nothing committed. `after`: committed, nobody was told yet."""

    BEGIN_BEFORE_COMMIT = "begin_before_commit"  # new runs, with session, key and audit row
    BEGIN_AFTER_COMMIT = "begin_after_commit"
    CLAIM_AFTER_COMMIT = "claim_after_commit"  # the lease is ours, nothing was loaded
    HAND_OVER_BEFORE_COMMIT = "hand_over_before_commit"  # an answer, with the lease of the run that goes on here
    HAND_OVER_AFTER_COMMIT = "hand_over_after_commit"
    FLUSH_BEFORE_COMMIT = "flush_before_commit"  # any flush of the journal
    FLUSH_AFTER_COMMIT = "flush_after_commit"
    TOOL_START_BEFORE_COMMIT = "tool_start_before_commit"  # a flush with a tool call that is about to run
    TOOL_START_AFTER_COMMIT = "tool_start_after_commit"
    TOOL_END_BEFORE_COMMIT = "tool_end_before_commit"  # a flush with the result of a tool that has run
    TOOL_END_AFTER_COMMIT = "tool_end_after_commit"
    WAIT_BEFORE_COMMIT = "wait_before_commit"  # a flush with a tool call that asks a human
    WAIT_AFTER_COMMIT = "wait_after_commit"
    PAUSE_BEFORE_COMMIT = "pause_before_commit"  # a flush with the pause of a run
    PAUSE_AFTER_COMMIT = "pause_after_commit"
    GIVE_BACK_BEFORE_COMMIT = "give_back_before_commit"  # a flush that gives a lease back, when a process goes away
    GIVE_BACK_AFTER_COMMIT = "give_back_after_commit"
    END_BEFORE_COMMIT = "end_before_commit"  # a flush with the end of a run
    END_AFTER_COMMIT = "end_after_commit"
    ASK_CANCEL_BEFORE_COMMIT = "ask_cancel_before_commit"  # somebody wants a run to be cancelled
    ASK_CANCEL_AFTER_COMMIT = "ask_cancel_after_commit"
    ASK_PAUSE_BEFORE_COMMIT = "ask_pause_before_commit"  # somebody wants a run to pause
    ASK_PAUSE_AFTER_COMMIT = "ask_pause_after_commit"
    UNPAUSE_BEFORE_COMMIT = "unpause_before_commit"
    UNPAUSE_AFTER_COMMIT = "unpause_after_commit"
    ANSWER_BEFORE_COMMIT = "answer_before_commit"  # the requester's answers
    ANSWER_AFTER_COMMIT = "answer_after_commit"
    DECIDE_BEFORE_COMMIT = "decide_before_commit"  # a vote on an approval, an edit, or that it is void
    DECIDE_AFTER_COMMIT = "decide_after_commit"
    EXPIRE_BEFORE_COMMIT = "expire_before_commit"  # an approval that nobody decided in time, or whose run has ended
    EXPIRE_AFTER_COMMIT = "expire_after_commit"
    REMIND_BEFORE_COMMIT = "remind_before_commit"  # a warning before that, or an escalation
    REMIND_AFTER_COMMIT = "remind_after_commit"
    RECONCILE_BEFORE_COMMIT = "reconcile_before_commit"
    RECONCILE_AFTER_COMMIT = "reconcile_after_commit"
    FORK_BEFORE_COMMIT = "fork_before_commit"
    FORK_AFTER_COMMIT = "fork_after_commit"
    RERUN_BEFORE_COMMIT = "rerun_before_commit"
    RERUN_AFTER_COMMIT = "rerun_after_commit"
    HALT_BEFORE_COMMIT = "halt_before_commit"  # a kill switch
    HALT_AFTER_COMMIT = "halt_after_commit"
    RELEASE_BEFORE_COMMIT = "release_before_commit"
    RELEASE_AFTER_COMMIT = "release_after_commit"
    GO_ON_AFTER_COMMIT = "go_on_after_commit"  # released runs are claimable; one statement, so it has no other edge
    OVERDUE_AFTER_COMMIT = "overdue_after_commit"  # so are runs whose deadline passed while they waited
    FENCE_BEFORE_COMMIT = "fence_before_commit"  # a run of whom or what is being erased
    FENCE_AFTER_COMMIT = "fence_after_commit"


class Stored(Protocol):
    """One run's share of a flush, as far as the points tell flushes apart."""

    @property
    def steps(self) -> Mapping[str, JsonObject]: ...

    @property
    def change(self) -> RunChange | None: ...


@dataclass
class _Armed:
    point: CrashPoint
    hits_left: int


def _read(wish: str) -> _Armed | None:
    if not wish:
        return None
    name, _, times = wish.partition(":")
    if name not in set(CrashPoint) or (times and not times.isdecimal()):
        raise ConfigError(f"AGENTOS_CRASH_AT is not name or name:n with one of {', '.join(CrashPoint)}.")
    return _Armed(CrashPoint(name), int(times or 1))


_armed = _read(settings.CRASH_AT)


def arm(wish: str) -> None:
    """Set the point as AGENTOS_CRASH_AT does; an empty wish disarms. Raises: ConfigError."""
    global _armed
    _armed = _read(wish)


def is_armed() -> bool:
    """Tell whether this process is to die somewhere."""
    return _armed is not None


def crash_here(point: CrashPoint) -> None:
    """Die if this is the point."""
    if _armed is None or _armed.point is not point:
        return
    _armed.hits_left -= 1
    if _armed.hits_left <= 0:
        os.kill(os.getpid(), signal.SIGKILL)


def crash_at_commit(name: str, *, using: str = "default") -> None:
    """Die before the commit of the transaction that this is the last act of, or after it, if one of them is the point.

    Raises: ValueError when no points have that name.
    """
    if _armed is None:
        return
    crash_here(CrashPoint(f"{name}_before_commit"))
    transaction.on_commit(partial(crash_here, CrashPoint(f"{name}_after_commit")), using=using)


def crash_in_flush(edge: Literal["before", "after"], stored: Iterable[Stored]) -> None:
    """Die if one of the points of a flush with these shares is the one."""
    if _armed is None:
        return
    for name in sorted({"flush", *(name for share in stored for name in _names(share))}):
        crash_here(CrashPoint(f"{name}_{edge}_commit"))


def _names(share: Stored) -> Iterator[str]:
    for step in share.steps.values():
        if step["kind"] != StepKind.TOOL:
            continue
        if step["state"] == StepState.STARTED:
            yield "tool_start"
        elif step["state"] == StepState.WAITING:
            yield "wait"
        elif step["ended_at"] is not None:
            yield "tool_end"
    if share.change is None:
        return
    if share.change.status.is_final:
        yield "end"
    elif share.change.status is RunStatus.PAUSED:
        yield "pause"
    elif share.change.status is RunStatus.PENDING:
        yield "give_back"
