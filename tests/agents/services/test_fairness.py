"""One tenant's queue does not hold up another's runs."""

from __future__ import annotations

from agents.services import queue


async def test_a_long_queue_of_one_tenant_delays_another_by_at_most_a_slot(make_process, globex):
    process = await make_process(supervise=False)
    crowd = [process.new(owner="") for _ in range(40)]
    for begin in crowd:
        await process.supervisor.writer.begin(begin)
    late = process.new(owner="")
    late.tenant_id, late.user_id = globex.tenant.id, globex.member.id
    await process.supervisor.writer.begin(late)
    claimed = await queue.claim(process.pool, owner="worker", limit=2)
    assert late.run_id in [run.run_id for run in claimed]


async def test_two_claims_at_once_take_different_runs(make_process):
    import asyncio

    process = await make_process(supervise=False)
    for _ in range(10):
        await process.supervisor.writer.begin(process.new(owner=""))
    taken = await asyncio.gather(*(queue.claim(process.pool, owner=f"w{n}", limit=10) for n in range(4)))
    ids = [run.run_id for claimed in taken for run in claimed]
    assert len(ids) == len(set(ids))
    rest = await queue.claim(process.pool, owner="last", limit=10)
    assert len(ids) + len(rest) == 10
