"""What a process looks after: it asks in one statement what there is to do, and does only that."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone
from django.utils.module_loading import import_string

from accounts.seam import in_thread
from agents.models import Run
from agents.services.ticks import Ticks, due
from tests.agents.services.stored import until

TICKS = [import_string(path) for path in settings.AGENTOS_TICKS]


async def names(process) -> set[str]:
    return {tick.__name__ for tick in await Ticks(TICKS).due(process.pool)}


async def test_where_nothing_is_due_only_those_are_done_that_do_not_ask_the_database(make_process):
    process = await make_process(supervise=False)
    assert await names(process) == {"enqueue_due"}


async def test_a_tick_is_due_once_there_is_a_row_for_it(make_process):
    process = await make_process(supervise=False)
    begin = process.new(owner="")
    await process.supervisor.writer.begin(begin)
    runs = Run.objects.using("system").filter(id=begin.run_id)
    await in_thread(lambda: runs.update(status="paused"))
    assert await names(process) == {"enqueue_due"}
    await in_thread(lambda: runs.update(deadline_at=timezone.now() - timedelta(seconds=1)))
    assert await names(process) == {"enqueue_due", "hand_over_overdue"}
    await in_thread(lambda: runs.update(halted_by="component:agent:gone"))
    assert await names(process) == {"enqueue_due", "hand_over_overdue", "go_on"}


async def test_a_supervisor_does_what_is_due_and_nothing_else(make_process):
    done: list[str] = []

    @due("SELECT WHERE false")
    def never() -> None:
        done.append("never")

    @due("SELECT WHERE false", "SELECT")
    def always() -> None:
        done.append("always")

    process = await make_process(supervise=False)
    process.supervisor._ticks = Ticks([never, always, lambda: done.append("unasked")])
    await process.supervisor.start()
    await until(lambda: len(done) >= 4)
    assert done[:4] == ["always", "unasked"] * 2


@pytest.mark.parametrize("tick", TICKS, ids=lambda tick: tick.__name__)
async def test_to_ask_reads_no_more_than_it_must(make_process, tick):
    """Every process asks every second: an index answers, or a table that is kept small."""
    process = await make_process(supervise=False)
    ticks = Ticks([tick])
    await ticks.due(process.pool)
    statement, values = ticks._statement
    async with process.pool.connection() as connection, connection.transaction():
        await connection.execute("SET LOCAL enable_seqscan = off")
        plan = await (await connection.execute(f"EXPLAIN {statement}", values)).fetchall()
    scans = [line for (line,) in plan if "Seq Scan on agents_" in line]
    assert scans == []
