"""What a session remembers: which runs reach the model, and what it costs to find them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connections
from django.db.models.functions import Now

from accounts.seam import in_thread
from agentos.core.clock import utc_now
from agentos.core.types import JsonObject
from agents.engine.history import LEFT_OUT, PINNED, History
from agents.engine.run_info import RunInfo
from agents.models import Run, Step
from agents.services import execution, summaries
from agents.services.history import HISTORY, load_history, remembered
from agents.services.journal.begin import Begin
from tests.agents.services.conftest import SPEC, HeldModel, Process
from tests.agents.services.stored import stored, until

SESSION = "the-session"
# Earlier runs of the session of one run: the first ended a second before it, the others a second apart before that.
AGED = """
INSERT INTO agents_run
SELECT made.* FROM agents_run old
CROSS JOIN (SELECT generate_series(1, %s) AS number, gen_random_uuid() AS id) fresh
CROSS JOIN LATERAL jsonb_populate_record(old, jsonb_build_object(
    'id', fresh.id, 'root_id', fresh.id, 'status', 'completed', 'lease_owner', '', 'lease_until', NULL,
    'input', repeat('Question ' || number || ' ', %s), 'output', 'Answer ' || number,
    'created_at', old.created_at - make_interval(secs => number + 0.5),
    'ended_at', old.created_at - make_interval(secs => number))) AS made
WHERE old.id = %s
"""
# A summary up to the run that ended so many seconds before this one.
SUMMED_UP = """
INSERT INTO agents_sessionsummary
    (id, tenant_id, user_id, session_id, made_by_id, until_at, until_id, runs, text, created_at)
SELECT gen_random_uuid(), r.tenant_id, r.user_id, r.session_id, r.id, e.ended_at, e.id, 1, %s,
    r.created_at + make_interval(secs => %s)
FROM agents_run r JOIN agents_run e ON e.session_id = r.session_id
WHERE r.id = %s AND e.ended_at = r.created_at - make_interval(secs => %s)
"""


HELD = "UPDATE agents_run SET lease_until = now() + interval '1 hour' WHERE id = %s AND lease_until IS NOT NULL"


def age(run_id: UUID, runs: int, *, long: int = 1) -> None:
    """Give the session of a run so many earlier runs; number 1 is the newest.

    Nobody works on the run, so nobody renews its lease: on a busy machine it would be taken up in the midst of a test.
    """
    with connections["system"].cursor() as cursor:
        cursor.execute(AGED, [runs, long, run_id])
        cursor.execute(HELD, [run_id])


def complete(begin: Begin) -> None:
    with connections["system"].cursor() as cursor:
        cursor.execute("UPDATE agents_run SET status = 'completed', ended_at = now() WHERE id = %s", [begin.run_id])


def analyze() -> None:
    with connections["owner"].cursor() as cursor:
        cursor.execute("ANALYZE agents_run, agents_sessionsummary")


def sum_up(run_id: UUID, number: int, text: str, *, seconds_after: float = -0.5) -> None:
    """Give the session of a run a summary up to its earlier run of this number."""
    with connections["system"].cursor() as cursor:
        cursor.execute(SUMMED_UP, [text, seconds_after, run_id, number])


def pin_to(begin: Begin, pin: JsonObject) -> None:
    """Let the first pass over a run have been told this."""
    whose = {"tenant_id": begin.tenant_id, "user_id": begin.user_id, "run_id": begin.run_id}
    step = {"path": "1.model", "seq": 1, "kind": "model", "name": "test-model", "state": "started"}
    Step.objects.using("system").create(**whose, **step, request={"turn": 1, "remembers": pin}, started_at=utc_now())


async def begun(process: Process, **kwargs: Any) -> Begin:
    begin = process.new(session_id=SESSION, **kwargs)
    await process.supervisor.writer.begin(begin)
    return begin


async def told(process: Process, begin: Begin, *, runs: int = 5) -> History:
    return await load_history(
        process.pool, tenant_id=begin.tenant_id, run_id=begin.run_id, runs=runs, chars=SPEC.history_chars
    )


def numbers(history: History) -> list[int]:
    return [int(said.answered.removeprefix("Answer ")) for said in history.said]


async def test_up_to_six_windows_of_runs_are_sent_while_a_summary_is_late(make_process):
    process = await make_process(supervise=False)
    begin = await begun(process)
    await in_thread(age, begin.run_id, 100)
    history = await told(process, begin)
    assert numbers(history) == list(range(30, 0, -1))
    assert history.leaving is not None
    assert history.leaving.answered == "Answer 6"


async def test_only_what_stands_behind_the_newest_summary_is_sent(make_process):
    process = await make_process(supervise=False)
    begin = await begun(process)
    await in_thread(age, begin.run_id, 20)
    await in_thread(sum_up, begin.run_id, 12, "The older summary.")
    await in_thread(sum_up, begin.run_id, 6, "The newer summary.")
    history = await told(process, begin)
    assert history.summary is not None
    assert history.summary.text == "The newer summary."
    assert numbers(history) == [5, 4, 3, 2, 1]
    assert history.leaving is None


async def test_a_later_pass_sees_what_the_first_saw(make_process):
    process = await make_process(supervise=False)
    begin = await begun(process)
    await in_thread(age, begin.run_id, 12)
    await in_thread(sum_up, begin.run_id, 9, "What the first pass saw.")
    before = await told(process, begin)
    later = await begun(process)
    await in_thread(complete, later)
    await in_thread(sum_up, begin.run_id, 3, "Made while the run was under way.", seconds_after=1)
    assert await told(process, begin) == before
    last = await begun(process)
    assert (await told(process, last)).said[-1].run_id == later.run_id


@pytest.mark.parametrize("digits", [PINNED, 36], ids=["as it is pinned", "as it was pinned before"])
async def test_a_run_whose_end_is_committed_late_is_told_to_no_later_pass(make_process, digits):
    process = await make_process(supervise=False)
    begin = await begun(process)
    await in_thread(age, begin.run_id, 12)
    await in_thread(sum_up, begin.run_id, 9, "What the first pass saw.")
    seen = await told(process, begin)
    pin = {**seen.pin, "runs": [str(said.run_id)[-digits:] for said in seen.said]}
    assert digits != PINNED or pin == seen.pin
    await in_thread(pin_to, begin, pin)
    await in_thread(age, begin.run_id, 3)
    assert len((await told(process, await begun(process))).said) == 11, "the three are there for others"
    assert await told(process, begin) == seen


async def test_another_session_is_another_history(make_process):
    process = await make_process(supervise=False)
    begin = await begun(process)
    await in_thread(age, begin.run_id, 12)
    await in_thread(sum_up, begin.run_id, 6, "Of this session.")
    other = process.new(session_id="another")
    await process.supervisor.writer.begin(other)
    assert await told(process, other) == History()


async def test_a_text_is_known_as_far_as_asked_in_characters_however_many_bytes_they_are(make_process):
    process = await make_process(supervise=False)
    begin = await begun(process)
    await in_thread(age, begin.run_id, 2)
    words = {"input": "ß" * 30, "output": "short"}
    await in_thread(Run.objects.using("system").filter(output="Answer 1").update, **words)
    history = await load_history(process.pool, tenant_id=begin.tenant_id, run_id=begin.run_id, runs=5, chars=2 * 20)
    assert (history.said[-1].asked, history.said[-1].answered) == ("ß" * 14 + " [cut]", "short")


async def test_an_agent_without_a_window_is_told_nothing(make_process):
    process = await make_process(supervise=False)
    begin = await begun(process)
    await in_thread(age, begin.run_id, 20)
    spec = replace(SPEC, history_runs=0)
    info = RunInfo(begin.run_id, begin.tenant_id, begin.user_id, begin.session_id, spec, "test-model", "Go")
    assert await remembered(info, process.pool) == History()


async def test_a_run_keeps_the_window_that_it_began_with(make_process):
    await make_process(supervise=False)  # it makes the registry's component
    kept = execution.pinned_spec("agent", "tester", {"history_runs": 2, "history_chars": 5_000})
    assert (kept.history_runs, kept.history_chars) == (2, 5_000)
    assert SPEC.pinned("test-model").items() >= {"history_runs": 5, "history_chars": 40_000}.items()


async def test_a_session_of_a_thousand_long_runs_sends_a_bounded_request(make_process):
    process = await make_process(["Fine"], job_model=HeldModel(["Not yet"]))
    begin = process.new(session_id=SESSION, owner="")
    begin.message = "Now"
    writer = process.supervisor.writer
    process.supervisor.runs.most, most = 0, process.supervisor.runs.most
    await writer.begin(begin)
    await in_thread(age, begin.run_id, 1_000, long=600)
    await in_thread(sum_up, begin.run_id, 11, "What was said before.")
    process.supervisor.runs.most = most
    process.supervisor.wake()
    await until(lambda: stored(begin).status == "completed")
    (request,) = process.model.requests
    assert request.messages[0]["role"] == "system"
    assert [message["content"] for message in request.messages[1:3]] == [LEFT_OUT, "What was said before."]
    assert request.messages[-1] == {"role": "user", "content": "Now"}
    assert len(request.messages) == 3 + 2 * 6 + 1  # six runs of 6,600 characters fit
    assert sum(len(message["content"]) for message in request.messages) < SPEC.history_chars + 1_000


async def test_a_run_reads_no_more_of_an_old_session_than_it_sends(make_process):
    process = await make_process(supervise=False)
    begin = await begun(process)
    await in_thread(age, begin.run_id, 1_000)
    for number in range(995, 5, -5):
        await in_thread(sum_up, begin.run_id, number, "So far.")
    await in_thread(analyze)
    explain = f"EXPLAIN (ANALYZE, BUFFERS OFF, TIMING OFF, FORMAT JSON) {HISTORY}"
    asked = {"tenant_id": begin.tenant_id, "run_id": begin.run_id, "chars": 100, "most": 15}
    async with process.pool.connection() as connection:
        cursor = await connection.execute(explain, asked)
        ((plan,),) = await cursor.fetchall()
    assert len((await told(process, begin)).said) == 9
    assert max(_rows_read(plan[0]["Plan"])) == 9


async def test_a_summary_is_made_of_no_more_of_an_old_session_than_it_takes_over(make_process):
    """Beside many sessions of few runs, whose number tells the planner that a session is read soon."""
    process = await make_process(supervise=False)
    for number in range(40):
        other = process.new(session_id=f"young {number}")
        await process.supervisor.writer.begin(other)
        await in_thread(age, other.run_id, 3)
    begin = await begun(process)
    await in_thread(age, begin.run_id, 1_000)
    await in_thread(sum_up, begin.run_id, 31, "So far.")
    await in_thread(analyze)
    history = await told(process, begin)
    assert history.leaving is not None
    assert history.summary is not None
    asked = {"tenant_id": begin.tenant_id, "run_id": begin.run_id, "chars": 100, "job": summaries.SPEC.id}
    asked |= {"until_at": history.leaving.ended_at, "until_id": history.leaving.run_id, "seen": history.summary.id}
    async with process.pool.connection() as connection:
        explain = f"EXPLAIN (ANALYZE, BUFFERS OFF, TIMING OFF, FORMAT JSON) {summaries.DUE}"
        ((plan,),) = await (await connection.execute(explain, asked)).fetchall()
    assert max(rows for node, rows in _reads(plan[0]["Plan"]) if node["Relation Name"] == "agents_run") == 25


def test_no_index_of_what_a_session_holds_begins_with_the_session_alone(database):
    """It would serve the same questions at a price that grows with the session, and the planner may not know."""
    query = """
        SELECT i.relname FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
        JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = x.indkey[0]
        WHERE x.indrelid IN ('agents_run'::regclass, 'agents_sessionsummary'::regclass) AND a.attname = 'session_id'
    """
    with connections["system"].cursor() as cursor:
        cursor.execute(query)
        assert cursor.fetchall() == []


async def test_whether_a_summary_is_held_up_is_asked_of_its_session_only(make_process):
    """The tenant's other runs of these minutes are not read, however many there are."""
    process = await make_process(supervise=False)
    begin = await begun(process)
    await in_thread(age, begin.run_id, 500)
    await in_thread(Run.objects.using("system").update, created_at=Now())
    await in_thread(analyze)

    asked = {"tenant_id": begin.tenant_id, "run_id": begin.run_id, "chars": 100, "job": summaries.SPEC.id}
    asked |= {"until_at": utc_now() - timedelta(days=1), "until_id": begin.run_id, "seen": None}
    async with process.pool.connection() as connection:
        explain = f"EXPLAIN (ANALYZE, BUFFERS OFF, TIMING OFF, FORMAT JSON) {summaries.DUE}"
        ((plan,),) = await (await connection.execute(explain, asked)).fetchall()
    assert sorted(rows for node, rows in _reads(plan[0]["Plan"]) if node["Relation Name"] == "agents_run") == [
        0,
        0,
        0,
        1,
    ]


def _reads(node):
    if "Relation Name" in node:
        yield node, (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
    for inner in node.get("Plans", []):
        yield from _reads(inner)


def _rows_read(node):
    """Yield the rows that each scan of a plan took from its table, also those that a filter then dropped."""
    return (rows for _, rows in _reads(node))
