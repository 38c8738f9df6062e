"""Serving processes in miniature: real PostgreSQL, real journal and supervisor, a scripted model."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import pytest
from django.conf import settings
from psycopg_pool import AsyncConnectionPool

from agentos.core.ids import new_id
from agents.engine.messages import conversation
from agents.engine.model_calls import ModelReply, ModelRequest
from agents.engine.ports import Ports, unpriced
from agents.engine.run_info import RunInfo
from agents.engine.spec import AgentSpec
from agents.engine.state import LoopState
from agents.engine.testing import PlainGates, Scripted, ScriptedModel
from agents.engine.tools import RunContext, tool
from agents.registry import registry
from agents.services.execution import run_loop
from agents.services.follow import Follower
from agents.services.hub import Hub
from agents.services.idempotency import Key
from agents.services.journal.begin import Begin
from agents.services.journal.lines import Line
from agents.services.ledger import Consumer, Ledger, NoLedger
from agents.services.places import Places
from agents.services.supervisor import Supervisor
from agents.wiring import NO_JOURNAL, POOL_SIZE
from governance.budgets.ledger import Budgets

ran: list[str] = []


@tool(effect="outward", repeat="once", level="confirm", says="Pay {amount}")
async def pay(ctx: RunContext, amount: int) -> str:
    """Pay."""
    ran.append(f"pay {amount}")
    return f"paid {amount}"


@tool()
async def look(place: str) -> str:
    """Look."""
    ran.append(f"look {place}")
    return f"{place} is empty"


SPEC = AgentSpec("tester", "Test.", tools=(pay, look))


class HeldModel(ScriptedModel):
    """A scripted model that waits in the middle of an answer until it is let go."""

    def __init__(self, script: Sequence[Scripted]) -> None:
        super().__init__(script)
        self.reached = asyncio.Event()
        self.let_go = asyncio.Event()

    async def stream(self, request: ModelRequest) -> AsyncGenerator[str | ModelReply, None]:
        yield "One moment. "
        self.reached.set()
        await self.let_go.wait()
        async for part in super().stream(request):
            yield part


class Process:
    """One process's pool, hub and supervisor, with the runs of one user."""

    def __init__(
        self,
        pool,
        model,
        tenant,
        *,
        hooks=None,
        runs: Places | None = None,
        streams: Places | None = None,
        job_model=None,
        jobs: Places | None = None,
        price=None,
    ):
        self.pool, self.model, self.tenant = pool, model, tenant
        self.hub = Hub(streams)
        self.ledger: Ledger = Budgets(pool, price) if price else NoLedger()
        self.ports = Ports(model, NO_JOURNAL, hooks or PlainGates(), cost_of=price or unpriced, allow=self.ledger.allow)
        self.supervisor = Supervisor(
            pool,
            url=settings.DATABASE_URLS["system"],
            hub=self.hub,
            ports=self.ports,
            runs=runs,
            job_ports=replace(self.ports, model=job_model) if job_model else None,
            jobs=jobs,
            ledger=self.ledger,
        )

    def new(self, *, session_id: str = "", owner: str | None = None, key: str = "", hmac: str = "") -> Begin:
        return Begin(
            run_id=new_id(),
            tenant_id=self.tenant.tenant.id,
            user_id=self.tenant.member.id,
            session_id=session_id or str(new_id()),
            component_kind="agent",
            component_id="tester",
            spec={"instructions": "Test."},
            acting={},
            spec_hash="",
            model="test-model",
            message="Go",
            owner=self.supervisor.name if owner is None else owner,
            key=Key("agent:tester", key, hmac) if key else None,
        )

    def follow(self, begin: Begin, *, after: int = 0, fresh: bool = False, to_end: bool = False) -> Follower:
        return Follower(
            self.pool,
            self.hub,
            tenant_id=begin.tenant_id,
            run_id=begin.run_id,
            after=after,
            ends_at_pause=not to_end,
            is_fresh=fresh,
        )

    async def store(self, begin: Begin) -> None:
        """Store a run, charged to the budgets. Raises: what refused it."""
        consumer = Consumer(begin.tenant_id, begin.user_id, "agent", "tester", (begin.model,))
        begin.charges = await self.ledger.charges(consumer)
        await self.supervisor.writer.begin(begin)

    async def start(self, begin: Begin) -> Follower:
        follower = self.follow(begin, fresh=True)
        await self.store(begin)
        info = RunInfo(
            begin.run_id,
            begin.tenant_id,
            begin.user_id,
            begin.session_id,
            SPEC,
            "test-model",
            begin.message or "",
        )
        state = LoopState(info, conversation(SPEC.instructions, [], info.input), allowance=begin.allowance)
        journal = self.supervisor.writer.open(info, fence=1, next_seq=1)
        self.supervisor.adopt(begin.run_id, begin.tenant_id, run_loop(state, journal, self.ports))
        return follower


async def read(follower: Follower) -> list[Line]:
    lines: list[Line] = []
    async with asyncio.timeout(20):
        async for page in follower.lines():
            lines.extend(page)
    return lines


def names(lines: list[Line]) -> list[str]:
    return [line.name for line in lines]


MakeProcess = Callable[..., Awaitable[Process]]


@pytest.fixture
async def make_process(acme, monkeypatch) -> AsyncIterator[MakeProcess]:
    ran.clear()
    monkeypatch.setattr(type(registry), "get", lambda self, kind, component_id: SPEC)
    async with AsyncExitStack() as stack:

        async def make(
            script: Sequence[Scripted] = (), *, model=None, supervise: bool = True, **options: Any
        ) -> Process:
            pool = AsyncConnectionPool(
                settings.DATABASE_URLS["system"],
                min_size=1,
                max_size=POOL_SIZE,
                open=False,
                kwargs={"autocommit": True},
            )
            await pool.open()
            stack.push_async_callback(pool.close)
            process = Process(pool, model or ScriptedModel(script), acme, **options)
            if supervise:
                await process.supervisor.start()
                stack.push_async_callback(process.supervisor.stop)
            else:
                process.supervisor.writer.start()
                stack.push_async_callback(process.supervisor.writer.close)
            return process

        yield make
