"""Runs in miniature for the state machine: one process at a time, dropped and replaced at will, on real PostgreSQL."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Coroutine
from decimal import Decimal
from itertools import pairwise
from typing import Any, TypeVar

import orjson
from django.conf import settings
from django.db import connections
from psycopg_pool import AsyncConnectionPool

from accounts.seam import in_thread
from accounts.tenancy import tenant_scope
from agentos.core.errors import AgentOSError
from agentos.core.types import json_text
from agents.engine.model_calls import ModelReply, ModelRequest, ToolCall, Usage
from agents.engine.spec import AgentSpec
from agents.engine.testing import Speaking
from agents.engine.tools import RunContext, tool
from agents.models import Run, RunEvents, Step
from agents.services import handover
from agents.services.execution import StopReason
from agents.services.journal.begin import Begin
from governance.hooks import Governance
from tests.agents.services.conftest import Process
from tests.chaos.human import ENDS
from tests.conftest import TenantWithUsers

T = TypeVar("T")
happened: Counter[str] = Counter()  # the world outside: how often each idempotency key had its effect


@tool(effect="outward", repeat="once", level="approve", says="Order {amount}")
async def order(ctx: RunContext, amount: int) -> str:
    """Order."""
    happened[ctx.idempotency_key] += 1
    await asyncio.sleep(0.01)
    return f"ordered {amount}"


@tool(effect="outward", repeat="once", level="confirm", says="Pay {amount}")
async def pay(ctx: RunContext, amount: int) -> str:
    """Pay."""
    happened[ctx.idempotency_key] += 1
    await asyncio.sleep(0.01)
    return f"paid {amount}"


@tool(effect="outward", repeat="once", says="Charge {amount}")
async def charge(ctx: RunContext, amount: int) -> str:
    """Charge."""
    happened[ctx.idempotency_key] += 1
    await asyncio.sleep(0.01)
    return f"charged {amount}"


SPEC = AgentSpec("tester", "Test.", tools=(order, pay, charge))
PLAN = [["charge"], ["order", "pay"], ["charge"]]


class PlanModel(Speaking):
    """Calls what the plan says for the turn, then says that it is done; any process continues any run."""

    async def stream(self, request: ModelRequest) -> AsyncGenerator[str | ModelReply, None]:
        turn = sum(message["role"] == "assistant" for message in request.messages)
        yield "Well. "
        await asyncio.sleep(0.005)
        if turn >= len(PLAN):
            yield ModelReply("done", usage=Usage(10, 1), model=request.model)
            return
        calls = tuple(
            ToolCall(f"call_{turn}_{place}", name, json_text({"amount": turn * 10 + place}))
            for place, name in enumerate(PLAN[turn])
        )
        yield ModelReply("", calls, "tool_calls", Usage(10, 5), request.model)


def price(model: str, usage: Usage) -> Decimal:
    return Decimal(usage.total_tokens) / 1000


class World:
    """One tenant's runs and the process that works on them, on an event loop that stands still between rules."""

    def __init__(self, acme: TenantWithUsers) -> None:
        self.acme = acme
        self.runner = asyncio.Runner()
        self.begins: list[Begin] = []
        self.process = self.wait(self._process())

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def pass_time(self, seconds: float) -> None:
        self.wait(asyncio.sleep(seconds))

    def pass_time_to_an_effect(self, seconds: float) -> None:
        """Stand still as soon as something has happened outside, before its tool has returned."""
        self.wait(self._effect(seconds))

    async def _effect(self, seconds: float) -> None:
        before = happened.total()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while happened.total() == before:
                    await asyncio.sleep(0.002)

    def say(self, service: Callable[..., object], **said: Any) -> bool:
        """Call a service as the API does; tell whether it agreed."""
        try:
            self.wait(in_thread(service, **said))
        except AgentOSError:
            return False
        return True

    async def _process(self) -> Process:
        pool = AsyncConnectionPool(
            settings.DATABASE_URLS["system"], min_size=1, max_size=4, open=False, kwargs={"autocommit": True}
        )
        await pool.open()
        process = Process(pool, PlanModel(), self.acme, hooks=Governance(), price=price)
        await process.supervisor.start()
        handover.take_here(process.supervisor)
        return process

    def start(self) -> None:
        begin: Begin = self.wait(self._begin())
        self.begins.append(begin)

    async def _begin(self) -> Begin:
        begin = self.process.new(owner="")
        await self.process.store(begin)
        return begin

    def kill(self) -> None:
        """Drop the process where it stands; another one starts when its leases have run out."""
        self.wait(self._drop())
        with connections["system"].cursor() as cursor:
            cursor.execute(
                "UPDATE agents_run SET lease_until = now() - interval '1 s' WHERE lease_owner = %s",
                [self.process.supervisor.name],
            )
        self.process = self.wait(self._process())

    async def _drop(self) -> None:
        supervisor = self.process.supervisor
        handover.take_here(None)
        # The loop stood still between two rules, so a time limit may run out together with this and hide it once; and
        # what was being claimed just then may still be taken.
        for _ in range(20):
            loops = [loop for loop in supervisor._loops if not loop.done()]
            doomed = [*supervisor.writer.tasks, *loops, *supervisor.live._tasks.values()]
            if not doomed:
                break
            for task in doomed:
                task.cancel(StopReason.LOST)
            await asyncio.wait(doomed, timeout=0.5)
        assert not doomed, f"these did not end: {[task.get_name() for task in doomed]}"
        await self.process.pool.close()

    def close(self) -> None:
        handover.take_here(None)
        self.wait(self.process.supervisor.stop())
        self.wait(self.process.pool.close())
        self.runner.close()

    def runs(self) -> list[Run]:
        with tenant_scope(self.acme.tenant.id, self.acme.member.id):
            return list(Run.objects.filter(id__in=[begin.run_id for begin in self.begins]))

    def runs_and_logs(self) -> list[tuple[Run, list[str]]]:
        """Return each run with its log of the same moment: what was sent before the loop stood still may commit now."""
        while True:
            found = self.runs()
            logs = [self.log(run) for run in found]
            if {run.id: run.status for run in self.runs()} == {run.id: run.status for run in found}:
                return list(zip(found, logs, strict=True))

    def steps(self, **wanted: object) -> list[Step]:
        with tenant_scope(self.acme.tenant.id, self.acme.member.id):
            ours = Step.objects.filter(run_id__in=[begin.run_id for begin in self.begins])
            return list(ours.filter(**wanted).order_by("run_id", "path"))

    def log(self, run: Run) -> list[str]:
        """Return the names of a run's events. Raises: AssertionError when their numbers have a gap."""
        with tenant_scope(self.acme.tenant.id, self.acme.member.id):
            rows = list(RunEvents.objects.filter(run=run).order_by("first_seq"))
        assert [row.first_seq for row in rows[:1]] in ([], [1])
        assert all(before.last_seq + 1 == after.first_seq for before, after in pairwise(rows))
        lines = [line for row in rows for line in row.lines.split("\n")]
        assert len(lines) == (rows[-1].last_seq if rows else 0)
        return [orjson.loads(line)["event"] for line in lines]


def check_run(status: str, names: list[str], is_final: bool) -> None:
    """Check that a run that has ended says so once, as its last word, and no other does."""
    ends = [name for name in names if name in ENDS]
    assert ends == (names[-1:] if is_final else []), (status, names)
