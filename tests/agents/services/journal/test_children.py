"""A run that another starts: how deep and how many is checked where it would be stored, by whichever process."""

from __future__ import annotations

import asyncio

import pytest

from accounts.seam import in_thread
from agentos.core.errors import Conflict, LimitExceeded
from agentos.core.ids import new_id
from agents import selectors
from agents.engine.limits import Limits
from agents.models import IdempotencyKey, Run
from agents.services.journal.children import Parent
from tests.agents.services.stored import stored

LIMITS = Limits(depth=2, children=3)


def child(process, parent, *, key: str = ""):
    begin = process.new(session_id=parent.session_id, key=key, hmac="a")
    begin.parent = Parent(parent.run_id, parent.tenant_id, LIMITS)
    return begin


async def started(process, begin):
    await process.supervisor.writer.begin(begin)
    return begin


async def outcomes(process, *begins) -> list[str]:
    found = await asyncio.gather(*(started(process, begin) for begin in begins), return_exceptions=True)
    return sorted(error.code if isinstance(error, LimitExceeded) else "stored" for error in found)


def of(parent) -> int:
    return Run.objects.using("system").filter(parent_id=parent.run_id).count()


async def test_a_child_is_stored_under_its_parent_and_root(make_process):
    process = await make_process(supervise=False)
    root = await started(process, process.new())
    below = await started(process, child(process, root))
    last = await started(process, child(process, below))
    for begin, parent in ((below, root), (last, below)):
        row = await in_thread(stored, begin)
        assert (row.parent_id, row.root_id) == (parent.run_id, root.run_id)
    assert (await in_thread(stored, root)).root_id == root.run_id


async def test_a_run_tells_which_it_has_started(make_process, acme):
    process = await make_process(supervise=False)
    root = await started(process, process.new())
    mine = [await started(process, child(process, root)) for _ in range(2)]
    await started(process, child(process, mine[0]))
    told = await in_thread(selectors.run_detail, principal=acme.principal("member"), run_id=root.run_id)
    assert told["children"] == [
        {"run_id": str(begin.run_id), "agent_id": "tester", "status": "RUNNING"} for begin in mine
    ]


async def test_a_generation_more_than_the_limit_is_not_stored(make_process):
    process = await make_process(supervise=False)
    parent = await started(process, process.new())
    for _ in range(LIMITS.depth):
        parent = await started(process, child(process, parent))
    with pytest.raises(LimitExceeded) as refused:
        await started(process, child(process, parent, key="mine"))
    assert refused.value.code == "limit_depth"
    assert await in_thread(of, parent) == 0
    assert not await in_thread(IdempotencyKey.objects.using("system").exists)


async def test_of_many_at_once_from_two_processes_as_many_are_stored_as_may_be(make_process):
    one, two = await make_process(supervise=False), await make_process(supervise=False)
    parent = await started(one, one.new())
    found = await asyncio.gather(
        *(outcomes(process, *(child(process, parent) for _ in range(4))) for process in (one, two))
    )
    assert sorted(found[0] + found[1]) == ["limit_children"] * 5 + ["stored"] * 3
    assert await in_thread(of, parent) == 3
    others = await started(one, one.new())
    assert await outcomes(one, child(one, others)) == ["stored"]


async def test_a_run_that_is_not_at_work_or_not_there_starts_nothing(make_process, globex):
    process = await make_process(supervise=False)
    parent = await started(process, process.new())
    strange = child(process, parent)
    strange.parent = Parent(parent.run_id, globex.tenant.id, LIMITS)
    gone = child(process, parent)
    gone.parent = Parent(new_id(), parent.tenant_id, LIMITS)
    waiting = child(process, await started(process, process.new(owner="")))
    for begin in (strange, gone, waiting):
        with pytest.raises(Conflict):
            await started(process, begin)
    assert await in_thread(of, parent) == 0
