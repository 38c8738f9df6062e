"""The crash points themselves: what a wish may say, which flush passes which point, and that none stays armed."""

from __future__ import annotations

import os
import signal
from types import SimpleNamespace

import pytest

from agentos.core.errors import ConfigError
from agents.engine.status import RunStatus
from agents.engine.steps import RunChange
from agents.services import crash
from agents.services.crash import CrashPoint


@pytest.fixture
def deaths(monkeypatch):
    found: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda pid, number: found.append((pid, number)))
    yield found
    crash.arm("")


def share(*steps, change=None):
    return SimpleNamespace(steps={str(place): step for place, step in enumerate(steps)}, change=change)


def step(state, *, kind="tool", ended_at=None):
    return {"kind": kind, "state": state, "ended_at": ended_at}


def test_without_a_wish_nobody_dies(deaths):
    crash.arm("")
    for point in CrashPoint:
        crash.crash_here(point)
    crash.crash_in_flush("before", [share(step("started"))])
    assert deaths == []


def test_the_nth_time_at_the_point_is_the_last(deaths):
    crash.arm("claim_after_commit:2")
    crash.crash_here(CrashPoint.CLAIM_AFTER_COMMIT)
    crash.crash_here(CrashPoint.BEGIN_AFTER_COMMIT)
    assert deaths == []
    crash.crash_here(CrashPoint.CLAIM_AFTER_COMMIT)
    assert deaths == [(os.getpid(), signal.SIGKILL)]


@pytest.mark.parametrize("wish", ["nowhere", "claim_after_commit:soon", "claim_after_commit:-1", ":1"])
def test_a_wish_that_names_no_point_is_an_error(wish):
    with pytest.raises(ConfigError):
        crash.arm(wish)


@pytest.mark.parametrize(
    ("point", "stored"),
    [
        ("flush_before_commit", share()),
        ("tool_start_before_commit", share(step("started"))),
        ("wait_before_commit", share(step("waiting"))),
        ("tool_end_before_commit", share(step("done", ended_at="now"))),
        ("pause_before_commit", share(change=RunChange(RunStatus.PAUSED))),
        ("give_back_before_commit", share(change=RunChange(RunStatus.PENDING))),
        ("end_before_commit", share(change=RunChange(RunStatus.COMPLETED))),
    ],
)
def test_a_flush_passes_the_points_of_what_it_holds(deaths, point, stored):
    crash.arm(point)
    crash.crash_in_flush("after", [stored])
    assert deaths == []
    crash.crash_in_flush("before", [share(step("done", kind="model", ended_at="now")), stored])
    assert deaths
