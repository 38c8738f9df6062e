"""The races around a lease, each forced: a claim during a flush, a zombie's guarded write, a cut model call."""

from __future__ import annotations

import asyncio

import orjson
import pytest

from accounts.seam import in_thread
from agentos.core.errors import LeaseLost
from agentos.core.ids import new_id
from agents.engine.status import RunStatus, StepKind, StepState
from agents.engine.steps import AuditEntry, RunChange, Statement, StepRecord, Write
from agents.services import log, queue
from agents.services.execution import StopReason
from tests.agents.services.conftest import HeldModel, names, read
from tests.agents.services.stored import all_wait, expire_lease, info_of, steps_of, stored

EVENT = ("RunContent", {"content": "all of it"})
BLOCK = """
INSERT INTO agents_runevents (id, tenant_id, user_id, run_id, first_seq, last_seq, lines, created_at)
VALUES (gen_random_uuid(), %s, %s, %s, 1, 1, '{}', now())
"""


def _step() -> StepRecord:
    return StepRecord(new_id(), "1.model", StepKind.MODEL, "m", StepState.DONE, {"turn": 1}, result={"text": "hi"})


@pytest.mark.parametrize(
    ("more", "fences"),
    [
        ({}, [2]),
        ({"run": RunChange(RunStatus.COMPLETED)}, []),
        ({"run": RunChange(RunStatus.PAUSED)}, [2]),  # nothing waits: it goes on at once
        ({"audit": [AuditEntry("step.unknown", "step", "1")]}, [2]),
    ],
    ids=["step", "end", "pause", "audit"],
)
async def test_a_claim_that_comes_during_a_flush_takes_the_run_with_all_of_it(make_process, more, fences):
    """The lease has run out, and the flush holds the run's row and waits: a claim does not get in between."""
    process = await make_process(supervise=False)
    begin = process.new()
    await process.supervisor.writer.begin(begin)
    journal = process.supervisor.writer.open(info_of(begin), fence=1, next_seq=1)
    await in_thread(expire_lease, begin)
    async with process.pool.connection() as connection, connection.transaction(force_rollback=True):
        await connection.execute(BLOCK, [begin.tenant_id, begin.user_id, begin.run_id])
        flushing = asyncio.create_task(journal.commit(Write(steps=[_step()], events=[EVENT], **more)))
        await all_wait(connection, 1)
        assert await queue.claim(process.pool, owner="heir", limit=5, most_per_tenant=5) == []
    await flushing
    claimed = await queue.claim(process.pool, owner="heir", limit=5, most_per_tenant=5)
    assert [run.fence for run in claimed] == fences
    steps, last_seq = await queue.load_steps(process.pool, tenant_id=begin.tenant_id, run_id=begin.run_id)
    assert ([step.path for step in steps], last_seq) == (["1.model"], 1)
    logged = await log.page(process.pool, tenant_id=begin.tenant_id, run_id=begin.run_id, after=0)
    assert [orjson.loads(line.data)["content"] for line in logged] == ["all of it"]


async def test_a_zombies_guarded_statement_does_nothing(make_process):
    process = await make_process(supervise=False)
    begin = process.new()
    await process.supervisor.writer.begin(begin)
    journal = process.supervisor.writer.open(info_of(begin), fence=1, next_seq=1)
    await in_thread(expire_lease, begin)
    await queue.claim(process.pool, owner="heir", limit=5, most_per_tenant=5)
    ghost = Statement("UPDATE agents_run SET model = 'ghost' WHERE id = %s", (begin.run_id,), "refused")
    with pytest.raises(LeaseLost):
        await journal.commit(Write(steps=[_step()], events=[EVENT], statements=[ghost]))
    assert (await in_thread(stored, begin)).model == "test-model"
    assert await in_thread(steps_of, begin) == {}
    assert await log.newest(process.pool, tenant_id=begin.tenant_id, run_id=begin.run_id) == 0


async def test_a_guarded_write_that_races_a_claim_loses_whole(make_process):
    """It waits for the run's row, which a claim has: when it gets the row, the fence has moved on."""
    process = await make_process(supervise=False)
    begin = process.new()
    await process.supervisor.writer.begin(begin)
    journal = process.supervisor.writer.open(info_of(begin), fence=1, next_seq=1)
    ghost = Statement("UPDATE agents_run SET model = 'ghost' WHERE id = %s", (begin.run_id,), "refused")
    async with process.pool.connection() as connection, connection.transaction():
        await connection.execute("UPDATE agents_run SET fence = fence + 1 WHERE id = %s", [begin.run_id])
        racing = asyncio.create_task(journal.commit(Write(events=[EVENT], statements=[ghost])))
        await all_wait(connection, 1)
    with pytest.raises(LeaseLost):
        await racing
    assert (await in_thread(stored, begin)).model == "test-model"


async def test_a_model_call_that_was_cut_is_asked_again_and_readers_drop_what_it_said(make_process):
    """Half an answer is in the log when its process dies; a reader that follows sees the reset before the new one."""
    model = HeldModel(["never"])
    dead = await make_process(model=model)
    begin = dead.new(owner="")
    await dead.supervisor.writer.begin(begin)
    await model.reached.wait()
    logged = await _log_with(dead, begin, "RunContent")
    dead.supervisor.runs.most = 0
    task = dead.supervisor.live._tasks[begin.run_id]
    task.cancel(StopReason.LOST)
    await asyncio.wait([task])
    await in_thread(expire_lease, begin)
    heir = await make_process(["The answer"])
    lines = await read(heir.follow(begin))
    assert lines[: len(logged)] == logged
    assert names(lines).count("RunStarted") == 1
    assert names(lines)[-1] == "RunCompleted"
    assert _said(lines) == orjson.loads(lines[-1].data)["content"] == "The answer"
    step = (await in_thread(steps_of, begin))["1.model"]
    assert (step.state, step.attempts, len(heir.model.requests)) == ("done", 2, 1)


async def _log_with(process, begin, name):
    async with asyncio.timeout(10):
        while True:
            logged = await log.page(process.pool, tenant_id=begin.tenant_id, run_id=begin.run_id, after=0)
            if name in names(logged):
                return logged
            await asyncio.sleep(0.02)


def _said(lines) -> str:
    """Return the text as a client puts it together: what came since a reset is dropped."""
    said: list[tuple[int, str]] = []
    for line in lines:
        payload = orjson.loads(line.data)
        if line.name == "RunContentReset":
            said = [(seq, text) for seq, text in said if seq < payload["from_seq"]]
        elif line.name == "RunContent":
            said.append((line.seq, payload["content"]))
    return "".join(text for _, text in said).strip()
