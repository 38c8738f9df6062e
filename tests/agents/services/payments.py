"""A payment that gets stuck half-way, and runs whose process dies in the middle of it."""

from __future__ import annotations

import asyncio

from django.db import connections

from accounts.seam import in_thread
from agentos.core.types import Json
from agents.engine.spec import AgentSpec
from agents.engine.tools import Lookup, tool
from agents.services import queue
from agents.services.execution import StopReason
from tests.agents.services.stored import expire_lease, steps_of, stored, until


class Till:
    """Takes money; the first payments get stuck after they were begun."""

    def __init__(self) -> None:
        self.charged: list[int] = []
        self.reached, self.looked = asyncio.Event(), asyncio.Event()
        self.stuck = True
        self.lookup_fails = False
        self.look_up_by: Lookup | None = None

    async def look_up(self, key: str) -> Json:
        if self.lookup_fails:
            raise RuntimeError(f"secret of {key}")
        return await self.look_up_by(key) if self.look_up_by else {"key": key, "charged": self.charged}

    def spec(self) -> AgentSpec:
        @tool(effect="outward", repeat="once", says="Charge {amount}", lookup=self.look_up)
        async def charge(amount: int) -> str:
            """Charge."""
            self.charged.append(amount)
            self.reached.set()
            if self.stuck:
                await asyncio.Event().wait()
            return f"charged {amount}"

        @tool()
        async def peek(place: str) -> str:
            """Look, for as long as the till is stuck."""
            self.looked.set()
            if self.stuck:
                await asyncio.Event().wait()
            return place

        return AgentSpec("tester", "Test.", tools=(charge, peek))


async def crashed(make_process, till: Till, script=None):
    """Return a run whose process died in the middle of a payment."""
    dead = await make_process(script or [[("charge", {"amount": 7})]])
    begin = dead.new(owner="")
    await dead.supervisor.writer.begin(begin)
    await till.reached.wait()
    dead.supervisor.runs.most = 0
    task = dead.supervisor.live._tasks[begin.run_id]
    task.cancel(StopReason.LOST)
    await asyncio.wait([task])
    till.stuck = False
    await in_thread(expire_lease, begin)
    return begin


# A renewal that was on its way while the lease was ended counts: then it has to run out.
A_LEASE_AND_MORE = 30.0


async def given_up(make_process, till: Till, script=None, calls=None):
    """Return such a run that was interrupted once too often, and a process that goes on with `script`."""
    begin = await crashed(make_process, till, calls)
    await in_thread(interrupt_too_often, begin)
    heir = await make_process(script or ["never"])
    await until(lambda: stored(begin).status == "error", seconds=A_LEASE_AND_MORE)
    return begin, heir


def interrupt_too_often(begin) -> None:
    with connections["system"].cursor() as cursor:
        cursor.execute("UPDATE agents_run SET recoveries = %s WHERE id = %s", [queue.MAX_RECOVERIES, begin.run_id])


async def unknown(make_process, till: Till, script):
    """Return such a run after another process has taken it over, and its unknown step."""
    begin = await crashed(make_process, till)
    heir = await make_process(script)
    await until(lambda: stored(begin).status == "paused", seconds=A_LEASE_AND_MORE)
    return begin, heir, (await in_thread(steps_of, begin))["1.0"]
