"""Tools that are plain functions: threads of their own, and what becomes of a call that nobody waits for any more."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from contextvars import ContextVar

import pytest

from agents.engine.loop import Completed, Paused, work
from agents.engine.ports import Ports
from agents.engine.spec import AgentSpec
from agents.engine.status import StepState
from agents.engine.testing import MemoryJournal, PlainGates, ScriptedModel, new_state, no_sleep
from agents.engine.threads import DetachedThreads
from agents.engine.tools import tool

asker: ContextVar[str] = ContextVar("asker", default="nobody")


@pytest.fixture
def gate():
    """Let the sync tools of a test go when it ends, whatever happened."""
    event = threading.Event()
    yield event
    event.set()


async def started(spec, script):
    journal = MemoryJournal()
    state = new_state(spec, "Go")
    task = asyncio.create_task(work(state, Ports(ScriptedModel(script), journal, PlainGates(), no_sleep)))
    return task, state, journal


async def test_a_sync_tool_runs_in_a_thread_of_the_tools_with_its_callers_context():
    seen: list[str] = []

    @tool()
    def look() -> str:
        """Look."""
        seen.extend((threading.current_thread().name, asker.get()))
        return "empty"

    asker.set("me")
    task, _, _ = await started(AgentSpec("s", "", tools=(look,)), [[("look", {})], "Done"])
    assert await task == Completed("Done")
    assert seen[0].startswith("tool-")
    assert seen[1] == "me"


async def test_what_a_sync_tool_raises_is_its_failure():
    @tool()
    def look() -> str:
        """Look."""
        raise StopIteration("password=hunter2")

    task, _, journal = await started(AgentSpec("s", "", tools=(look,)), [[("look", {})], "Sorry"])
    assert await task == Completed("Sorry")
    assert journal.steps["1.0"].error == "look failed."


@pytest.mark.parametrize(("repeat", "left"), [("once", StepState.UNKNOWN), ("read_only", StepState.FAILED)])
async def test_cancel_detaches_from_a_sync_tool(gate, repeat, left):
    begun, ended = threading.Event(), threading.Event()

    @tool(effect="outward", repeat=repeat)
    def send() -> str:
        """Send."""
        begun.set()
        gate.wait()
        ended.set()
        return "sent"

    task, state, _ = await started(AgentSpec("s", "", tools=(send,)), [[("send", {})], "?"])
    await asyncio.to_thread(begun.wait)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not ended.is_set()
    state.closing()
    assert state.steps["1.0"].state is left


async def test_a_sync_side_effect_that_takes_too_long_is_unknown(gate):
    @tool(effect="outward", repeat="once", timeout_seconds=0.01)
    def send() -> str:
        """Send."""
        gate.wait()
        return "sent"

    task, _, journal = await started(AgentSpec("s", "", tools=(send,)), [[("send", {})], "?"])
    assert isinstance(await task, Paused)
    assert journal.steps["1.0"].state is StepState.UNKNOWN


async def test_stuck_tools_take_no_thread_from_anybody_else(gate):
    @tool(timeout_seconds=0.05)
    def stuck() -> str:
        """Wait."""
        gate.wait()
        return "never"

    task, _, _ = await started(AgentSpec("s", "", tools=(stuck,)), [[("stuck", {})] * 3, "Too slow"])
    assert await task == Completed("Too slow")
    assert await asyncio.to_thread(lambda: "free") == "free"


def test_what_was_cancelled_before_it_got_a_thread_never_runs(gate):
    threads, ran = DetachedThreads(most=1), []
    first = threads.submit(gate.wait)
    waiting = threads.submit(ran.append, "second")
    assert waiting.cancel()
    gate.set()
    assert first.result(timeout=10) is True
    assert threads.submit(len, "abc").result(timeout=10) == 3
    assert ran == []


def test_threads_are_used_again():
    threads = DetachedThreads(most=8)
    for _ in range(50):
        name = threads.submit(lambda: threading.current_thread().name).result(timeout=10)
        assert name in {"tool-1", "tool-2"}  # the first may still be on its way back when the second call comes


def test_a_stuck_tool_does_not_keep_a_process_from_ending():
    code = "import threading; from agents.engine.threads import for_tools; for_tools.submit(threading.Event().wait)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)
