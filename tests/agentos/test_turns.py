"""Threads that compute hand the interpreter over soon, in all that serves."""

from __future__ import annotations

import inspect
import sys

from agentos.serving import turns, web, worker


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
