"""What the database holds of a run, and waits for what others do to it."""

from __future__ import annotations

import asyncio

from django.db import connections, transaction

from accounts.seam import in_thread
from accounts.tenancy import tenant_scope
from agents.engine.status import StepState
from agents.engine.steps import Write
from agents.models import Run, RunEvents, Step
from tests.agents.services.conftest import SPEC


def stored(begin) -> Run:
    with tenant_scope(begin.tenant_id, begin.user_id):
        return Run.objects.get(id=begin.run_id)


def steps_of(begin) -> dict[str, Step]:
    with tenant_scope(begin.tenant_id, begin.user_id):
        return {step.path: step for step in Step.objects.filter(run_id=begin.run_id)}


def expire_lease(begin) -> None:
    with connections["system"].cursor() as cursor:
        cursor.execute("UPDATE agents_run SET lease_until = now() - interval '1 s' WHERE id = %s", [begin.run_id])


WAITERS = """
SELECT count(DISTINCT l.pid) FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE NOT l.granted AND a.datname = current_database()
"""


async def all_wait(connection, count: int) -> None:
    """Return once so many sessions of the database wait for locks, as a rule those that this connection holds."""
    async with asyncio.timeout(30):
        while True:
            await connection.execute("SELECT pg_stat_clear_snapshot()")
            cursor = await connection.execute(WAITERS)
            if (await cursor.fetchone())[0] == count:
                return
            await asyncio.sleep(0.02)


async def until(condition, *, seconds: float = 30.0) -> None:
    async with asyncio.timeout(seconds):
        while not await in_thread(condition):
            await asyncio.sleep(0.02)


def info_of(begin):
    from agents.engine.run_info import RunInfo

    return RunInfo(begin.run_id, begin.tenant_id, begin.user_id, begin.session_id, SPEC, "test-model", "Go")


async def first_turn(begin, journal, model, *, pause: bool = True) -> None:
    """Do what a process does in its first turn, and stop as if it had died there."""
    from agents.engine.asking import ask_model
    from agents.engine.calling import run_calls
    from agents.engine.messages import conversation
    from agents.engine.ports import Ports
    from agents.engine.state import LoopState
    from agents.engine.testing import PlainGates

    state = LoopState(info_of(begin), conversation("Test.", [], "Go"))
    ports = Ports(model, journal, PlainGates())
    journal.emit("RunStarted", {})
    reply = await ask_model(state, ports, 1)
    await run_calls(state, ports, 1, reply.tool_calls)
    await journal.commit(Write())
    assert StepState(state.steps["1.0"].state)


def give(begin, user_id) -> None:
    """Make a run and its steps another user's; its events, which nothing changes, are deleted."""
    of_run = {"tenant_id": begin.tenant_id, "run_id": begin.run_id}
    with transaction.atomic(using="system"):
        RunEvents.objects.using("system").filter(**of_run).delete()
        Step.objects.using("system").filter(**of_run).update(user_id=user_id)
        Run.objects.using("system").filter(id=begin.run_id).update(user_id=user_id)
