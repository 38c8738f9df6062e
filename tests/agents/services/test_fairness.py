"""One tenant's queue does not hold up another's runs, and one tenant's runs leave room for others'."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from accounts.seam import in_thread
from accounts.tenancy import tenant_scope
from agents.engine.model_calls import ModelReply, ModelRequest
from agents.engine.testing import Speaking
from agents.models import Run
from agents.services import queue
from agents.services.places import Places
from tests.agents.services.stored import until
from tests.conftest import TenantWithUsers

CROWD = 1_000


class Turnstile(Speaking):
    """A model that answers one call each time it is let, and knows in which order it was asked by whom."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.let = asyncio.Semaphore(0)

    async def stream(self, request: ModelRequest) -> AsyncGenerator[str | ModelReply, None]:
        self.asked.append(request.messages[-1]["content"])
        await self.let.acquire()
        yield ModelReply("Done", model=request.model)

    def open(self) -> None:
        for _ in range(CROWD + 10):
            self.let.release()


def queued(process, tenant, name: str):
    begin = process.new(owner="")
    begin.tenant_id, begin.user_id, begin.message = tenant.tenant.id, tenant.member.id, name
    return begin


async def crowd_of(process, tenant) -> None:
    begins = [queued(process, tenant, "crowd") for _ in range(CROWD)]
    await asyncio.gather(*map(process.supervisor.writer.begin, begins))


def finish(run_id) -> None:
    Run.objects.using("system").filter(id=run_id).update(status="completed")


def running(tenant) -> int:
    with tenant_scope(tenant.tenant.id, tenant.operator.id):
        return Run.objects.filter(status="running").count()


async def test_a_thousand_queued_runs_delay_another_tenants_by_one_slot(make_process, acme, globex):
    model = Turnstile()
    process = await make_process(model=model, runs=Places("runs", most=1, most_per_tenant=1))
    await crowd_of(process, acme)
    await until(lambda: model.asked == ["crowd"])
    await process.supervisor.writer.begin(queued(process, globex, "late"))
    for answered in (1, 2, 3):
        model.let.release()
        await until(lambda answered=answered: len(model.asked) == answered + 1)
    assert model.asked.index("late") <= 2  # the one at work, at most one more of the crowd, then this
    process.supervisor.runs.most = 0
    model.open()


async def test_crowds_of_as_many_tenants_as_there_are_slots_do_not_starve_another(
    make_process, acme, make_tenant, make_user
):
    model = Turnstile()
    process = await make_process(model=model, runs=Places("runs", most=2, most_per_tenant=1), supervise=False)
    for slug in ("one", "two", "three"):
        tenant = await in_thread(make_tenant, slug)
        crowd = TenantWithUsers(tenant, {"member": await in_thread(make_user, tenant)})
        for _ in range(20):
            await process.supervisor.writer.begin(queued(process, crowd, "crowd"))
    await process.supervisor.writer.begin(queued(process, acme, "late"))
    order = []
    for _ in range(8):
        (claimed,) = await queue.claim(
            process.pool, owner="here", limit=1, most_per_tenant=1, turns=process.supervisor.runs.turns
        )
        order.append(claimed.message)
        process.supervisor.runs.take(claimed.tenant_id)
        process.supervisor.runs.leave(claimed.tenant_id)
        await in_thread(finish, claimed.run_id)
    assert order.index("late") <= 3


async def test_a_thousand_queued_runs_leave_a_process_room_for_another_tenant(make_process, acme, globex):
    model = Turnstile()
    process = await make_process(model=model, runs=Places("runs", most=5, most_per_tenant=4))
    await crowd_of(process, acme)
    await until(lambda: len(model.asked) == 4)
    await process.supervisor.writer.begin(queued(process, globex, "late"))
    await until(lambda: model.asked == ["crowd"] * 4 + ["late"])
    assert await in_thread(running, acme) == 4
    process.supervisor.runs.most = 0
    model.open()


async def test_what_a_tenant_has_at_work_elsewhere_counts_for_its_turn_but_not_for_this_process_room(
    make_process, acme, globex
):
    process = await make_process(supervise=False)
    for tenant, name in ((acme, "first"), (acme, "second"), (acme, "third"), (globex, "other")):
        await process.supervisor.writer.begin(queued(process, tenant, name))
    first = await queue.claim(process.pool, owner="elsewhere", limit=1, most_per_tenant=1)
    assert [run.message for run in first] == ["first"]
    here = await queue.claim(process.pool, owner="here", limit=1, most_per_tenant=1)
    assert [run.message for run in here] == ["other"]
    more = await queue.claim(process.pool, owner="here", limit=5, most_per_tenant=1)
    assert [run.message for run in more] == ["second"]
    assert await queue.claim(process.pool, owner="here", limit=5, most_per_tenant=1) == []


async def test_claims_at_once_take_different_runs(make_process):
    process = await make_process(supervise=False)
    for _ in range(10):
        await process.supervisor.writer.begin(process.new(owner=""))
    taken = await asyncio.gather(
        *(queue.claim(process.pool, owner=f"w{n}", limit=10, most_per_tenant=10) for n in range(4))
    )
    ids = [run.run_id for claimed in taken for run in claimed]
    assert len(ids) == len(set(ids))
    rest = await queue.claim(process.pool, owner="last", limit=10, most_per_tenant=10)
    assert len(ids) + len(rest) == 10
