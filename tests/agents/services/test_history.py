"""What a session remembers: which runs reach the model, and what it costs to find them."""

from __future__ import annotations

from uuid import UUID

from django.db import connections

from accounts.seam import in_thread
from agents.services import queue
from agents.services.begin import Begin
from tests.agents.services.conftest import Process

SESSION = "the-session"
# Earlier runs of the session of one run: the first ended a second before it, the others a second apart before that.
AGED = """
INSERT INTO agents_run
SELECT made.* FROM agents_run old
CROSS JOIN (SELECT generate_series(1, %s) AS number, gen_random_uuid() AS id) fresh
CROSS JOIN LATERAL jsonb_populate_record(old, jsonb_build_object(
    'id', fresh.id, 'root_id', fresh.id, 'status', 'completed', 'lease_owner', '', 'lease_until', NULL,
    'input', 'Question ' || number, 'output', 'Answer ' || number,
    'created_at', old.created_at - make_interval(secs => number + 0.5),
    'ended_at', old.created_at - make_interval(secs => number))) AS made
WHERE old.id = %s
"""


def age(run_id: UUID, runs: int) -> None:
    """Give the session of a run so many earlier runs; number 1 is the newest."""
    with connections["system"].cursor() as cursor:
        cursor.execute(AGED, [runs, run_id])
    with connections["owner"].cursor() as cursor:
        cursor.execute("ANALYZE agents_run")


async def begun(process: Process) -> Begin:
    begin = process.new(session_id=SESSION)
    await process.supervisor.writer.begin(begin)
    return begin


async def test_the_newest_runs_come_oldest_first(make_process):
    process = await make_process(supervise=False)
    begin = await begun(process)
    await in_thread(age, begin.run_id, 9)
    said = await queue.load_history(process.pool, tenant_id=begin.tenant_id, run_id=begin.run_id, runs=3)
    assert said == [(f"Question {number}", f"Answer {number}") for number in (3, 2, 1)]


async def test_a_run_reads_no_more_of_an_old_session_than_it_sends(make_process):
    process = await make_process(supervise=False)
    begin = await begun(process)
    await in_thread(age, begin.run_id, 1_000)
    read = f"EXPLAIN (ANALYZE, BUFFERS OFF, TIMING OFF, FORMAT JSON) {queue.HISTORY}"
    async with process.pool.connection() as connection:
        cursor = await connection.execute(read, [5, begin.tenant_id, begin.run_id])
        ((plan,),) = await cursor.fetchall()
    assert max(_rows_read(plan[0]["Plan"])) == 5


def _rows_read(node):
    """Yield the rows that each scan of a plan took from its table, also those that a filter then dropped."""
    if "Relation Name" in node:
        yield (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
    for inner in node.get("Plans", []):
        yield from _rows_read(inner)
