"""What a process does before it serves, so that no stream waits for it: short turns, guards that are read."""

from __future__ import annotations

import inspect
import sys

from agentos.serving import turns, web, worker
from governance.guardrails import expressions
from governance.guardrails.injection import learned
from governance.guards import output


def test_turns_are_shorter_than_pythons_own() -> None:
    before = sys.getswitchinterval()
    try:
        turns.shorten()
        assert sys.getswitchinterval() < before
    finally:
        sys.setswitchinterval(before)


def test_whatever_works_on_runs_shortens_them() -> None:
    for begins in (web.Server.startup, worker.work):
        assert "turns.shorten()" in inspect.getsource(begins)


def test_what_guards_know_is_read_before_somebody_waits() -> None:
    web.loaded()
    assert learned.current.cache_info().currsize == 1
    assert output.streaming.cache_info().currsize == 1
    assert expressions._PUT_OFF == []
    assert "judge_once()" in inspect.getsource(worker.work).partition("open_runtime")[0]
