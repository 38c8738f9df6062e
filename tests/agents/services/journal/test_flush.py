"""What a flush stores with one statement, and what it looks up by an index however many runs there are."""

from __future__ import annotations

import asyncio

import orjson
import pytest
from django.conf import settings
from psycopg import AsyncConnection

from accounts.seam import in_thread
from agentos.core.clock import utc_now
from agentos.core.errors import LeaseLost, PolicyDenied
from agentos.core.ids import new_id
from agentos.core.types import json_text
from agents.engine.status import RunStatus, StepKind, StepState
from agents.engine.steps import AuditEntry, RunChange, Statement, StepRecord, Write, WriteRefused
from agents.models import IdempotencyKey, Run, RunEvents, Session, Step
from agents.services import log, queue
from agents.services.journal import flush
from agents.services.journal import writer as writing
from agents.wiring import JOURNAL_CONNECTION, JOURNAL_OPTIONS, POOL_SIZE
from tests.agents.services.stored import expire_lease, info_of, steps_of, stored, until


def step() -> StepRecord:
    return StepRecord(new_id(), "1.model", StepKind.MODEL, "m", StepState.DONE, {"turn": 1}, result={"text": "hi"})


async def begun(process, owner: str | None = None):
    begin = process.new(owner=owner)
    await process.supervisor.writer.begin(begin)
    return begin, process.supervisor.writer.open(info_of(begin), fence=1, next_seq=1)


@pytest.mark.parametrize("status", [RunStatus.COMPLETED, RunStatus.PENDING])
async def test_steps_events_and_the_end_are_stored_together(make_process, status):
    process = await make_process(supervise=False)
    begin, journal = await begun(process)
    events = [("RunStarted", {}), ("RunContent", {"content": "hi"})]
    await journal.commit(Write(steps=[step()], events=events, run=RunChange(status, output="hi")))
    run = await in_thread(stored, begin)
    assert (run.status, run.output, run.lease_owner) == (status.value, "hi", "")
    assert (run.ended_at is not None) is status.is_final
    assert (await in_thread(steps_of, begin))["1.model"].result == {"text": "hi"}
    logged = await log.page(process.pool, tenant_id=begin.tenant_id, run_id=begin.run_id, after=0)
    assert [(line.seq, line.name) for line in logged] == [(1, "RunStarted"), (2, "RunContent")]


async def test_what_can_wait_goes_with_what_follows_and_by_itself_when_nothing_does(make_process, monkeypatch):
    process = await make_process(supervise=False)
    begin, journal = await begun(process)
    monkeypatch.setattr(writing, "SOON_SECONDS", 60.0)
    journal.put(Write(steps=[step()], events=[("ToolCallCompleted", {})]), can_wait=True)
    await in_thread(lambda: None)
    await journal.commit(Write(events=[("ModelRequestStarted", {})]))
    assert await in_thread(batches, begin) == [(1, 2)]
    monkeypatch.setattr(writing, "SOON_SECONDS", 0.001)
    journal.put(Write(events=[("ToolCallCompleted", {})]), can_wait=True)
    await until(lambda: batches(begin) == [(1, 2), (3, 3)])


async def test_a_writer_that_closes_stores_what_could_wait(make_process, monkeypatch):
    monkeypatch.setattr(writing, "SOON_SECONDS", 60.0)
    process = await make_process(supervise=False)
    begin, journal = await begun(process)
    journal.put(Write(events=[("ToolCallCompleted", {})]), can_wait=True)
    await process.supervisor.writer.close()
    assert await in_thread(batches, begin) == [(1, 1)]


async def test_one_statement_keeps_the_held_runs_and_drops_the_lost(make_process):
    process = await make_process(supervise=False)
    mine, kept = await begun(process)
    lost, zombie = await begun(process)
    await in_thread(expire_lease, lost)
    assert [run.run_id for run in await queue.claim(process.pool, owner="heir", limit=5, most_per_tenant=5)] == [
        lost.run_id
    ]
    records = []
    for journal in (kept, zombie):
        record = flush.Record(journal, 1, waiters=[], lines=[b'{"event":"RunContent"}'])
        record.change = RunChange(RunStatus.COMPLETED, output="done")
        records.append(record)
    assert all(record.is_plain for record in records)
    async with process.pool.connection() as connection:
        held = await flush.store_at_once(connection, records, process="p")
    assert held == records[:1]
    assert (await in_thread(stored, mine)).status == "completed"
    assert (await in_thread(stored, lost)).status == "running"
    assert await log.newest(process.pool, tenant_id=lost.tenant_id, run_id=lost.run_id) == 0


@pytest.mark.parametrize("change", [RunChange(RunStatus.PAUSED), RunChange(RunStatus.COMPLETED)])
async def test_no_statement_of_a_flush_reads_a_whole_table(make_process, change):
    process = await make_process(supervise=False)
    _, journal = await begun(process)
    record = flush.Record(journal, 1, waiters=[], change=change, lines=[b"{}"])
    runs = json_text(flush._run_rows([record]))
    if record.is_plain:
        statement, values = flush._at_once(), [runs, "[]", json_text(flush._event_rows([record])), "agents_events", ""]
    else:
        statement, values = flush.CHANGE, [runs]
    async with process.pool.connection() as connection, connection.transaction():
        for option in JOURNAL_OPTIONS.split("-c ")[1:]:
            name, _, value = option.strip().partition("=")
            await connection.execute("SELECT set_config(%s, %s, true)", [name, value])
        plan = await (await connection.execute(f"EXPLAIN {statement}", values)).fetchall()
    scans = [line for (line,) in plan if "Seq Scan" in line]
    tables = [model._meta.db_table for model in (Run, Step, RunEvents)]
    assert not [line for line in scans if any(table in line for table in tables)], scans


async def test_the_server_plans_each_statement_of_a_flush_once(make_process):
    process = await make_process(supervise=False)
    _, journal = await begun(process)
    async with await AsyncConnection.connect(settings.DATABASE_URLS["system"], **JOURNAL_CONNECTION) as connection:
        for seq in range(1, 4):
            record = flush.Record(journal, seq, waiters=[], lines=[b"{}"])
            record.audit = [AuditEntry("run.tried", "run", str(journal.info.run_id), {})]
            assert await flush.store(connection, [record], process="p", is_retry=False) == [record]
        plans = "SELECT statement, generic_plans, custom_plans FROM pg_prepared_statements WHERE statement LIKE %s"
        rows = await (await connection.execute(plans, ["%agents_run%"], prepare=False)).fetchall()
    assert {(kept, new) for _, kept, new in rows} == {(3, 0)}, rows
    assert any("agents_runevents" in statement for statement, *_ in rows)


async def test_a_run_that_somebody_has_locked_holds_up_no_other(make_process):
    process = await make_process(supervise=False)
    locked, slow = await begun(process)
    other, quick = await begun(process)
    async with process.pool.connection() as connection, connection.transaction():
        await connection.execute("SELECT 1 FROM agents_run WHERE id = %s FOR NO KEY UPDATE", [locked.run_id])
        late = asyncio.create_task(slow.commit(Write(events=[("RunContent", {"content": "a"})])))
        async with asyncio.timeout(10):
            await quick.commit(Write(events=[("RunContent", {"content": "b"})]))
            slow.emit("RunContent", {"content": "c"})
            await quick.commit(Write(events=[("RunContent", {"content": "d"})]))
        assert not late.done()
    await late
    await slow.commit(Write())
    for begin, said in ((locked, ["a", "c"]), (other, ["b", "d"])):
        logged = await log.page(process.pool, tenant_id=begin.tenant_id, run_id=begin.run_id, after=0)
        assert [orjson.loads(line.data)["content"] for line in logged] == said
        assert [line.seq for line in logged] == [1, 2]


async def test_what_waits_to_be_stored_aside_is_not_begun_before_it_has_a_place(make_process):
    """So whoever ends the process then leaves no coroutine that nobody awaits."""
    process, begun_work = await make_process(supervise=False), []

    async def work() -> None:
        begun_work.append(1)

    def begin():
        begun_work.append(0)
        return work()

    writer = process.supervisor.writer
    async with writer._places_aside, writer._places_aside:
        writer._aside([], begin)
        (cut,) = writer._asides
        await asyncio.sleep(0.01)
        cut.cancel()
        await asyncio.wait([cut])
    assert begun_work == []
    writer._aside([], begin)
    await asyncio.wait(set(writer._asides))
    assert begun_work == [0, 1]


async def test_a_start_whose_session_somebody_has_locked_holds_up_no_other(make_process):
    process = await make_process(supervise=False)
    first, _ = await begun(process)
    begin = process.supervisor.writer.begin
    async with process.pool.connection() as connection, connection.transaction():
        await connection.execute("SELECT 1 FROM agents_session WHERE session_id = %s FOR UPDATE", [first.session_id])
        held_up = asyncio.create_task(begin(process.new(session_id=first.session_id)))
        await asyncio.sleep(0.1)
        async with asyncio.timeout(10):
            await begin(process.new())
        assert not held_up.done()
    await held_up


async def test_starts_are_stored_while_a_flush_waits(make_process):
    process = await make_process(supervise=False)
    locked, slow = await begun(process)
    async with process.pool.connection() as connection, connection.transaction():
        await connection.execute("SELECT 1 FROM agents_run WHERE id = %s FOR NO KEY UPDATE", [locked.run_id])
        paused = asyncio.create_task(slow.commit(Write(run=RunChange(RunStatus.PAUSED))))
        async with asyncio.timeout(10):
            begin, _ = await begun(process)
        assert not paused.done()
    await paused
    assert (await in_thread(stored, begin)).status == "running"


async def are_stored(writer, batches: int) -> None:
    """Wait until so many are under way."""
    await until(lambda: len(writer.storing._under_way) == batches)


async def test_a_start_that_comes_while_the_last_are_stored_is_stored_as_well(make_process):
    process = await make_process(supervise=False)
    writer = process.supervisor.writer
    first, late = process.new(), process.new()
    async with process.pool.connection() as connection, connection.transaction():
        await connection.execute("SELECT 1 FROM accounts_membership FOR UPDATE")
        starting = [asyncio.create_task(writer.begin(first))]
        await are_stored(writer, 1)
        closing = asyncio.create_task(writer.close())
        await asyncio.sleep(0)
        starting.append(asyncio.create_task(writer.begin(late)))
        await asyncio.sleep(0)
    async with asyncio.timeout(10):
        await asyncio.gather(*starting, closing)
    assert (await in_thread(stored, late)).status == "running"


@pytest.mark.parametrize("order", ["audits first", "starts first"])
async def test_one_held_row_stalls_no_stream_however_many_wait_for_it(make_process, order):
    process = await make_process(supervise=False)
    writer = process.supervisor.writer
    runs = [await begun(process) for _ in range(3)]
    async with await AsyncConnection.connect(settings.DATABASE_URLS["system"]) as another, another.transaction():
        await another.execute("SELECT 1 FROM accounts_audithead FOR UPDATE")
        audits = [
            journal.commit(Write(audit=[AuditEntry("run.tried", "run", str(begin.run_id), {})]))
            for begin, journal in runs[:2]
        ]
        starts = [writer.begin(process.new()) for _ in range(3)]
        waiting = []
        for work in (*audits, *starts) if order == "audits first" else (*starts, *audits):
            waiting.append(asyncio.create_task(work))
            await asyncio.sleep(0.03)
        await are_stored(writer, POOL_SIZE - 1)
        async with asyncio.timeout(10):
            await runs[2][1].commit(Write(events=[("RunContent", {"content": "hi"})]))
        assert not any(task.done() for task in waiting)
    await asyncio.gather(*waiting)


async def test_what_ends_the_storing_of_starts_is_said_by_its_own_name(make_process, monkeypatch, caplog):
    async def broken(*_):
        raise AssertionError("secret")

    process = await make_process(supervise=False)
    writer = process.supervisor.writer
    monkeypatch.setattr("agents.services.journal.starts.begin_runs", broken)
    starting = asyncio.create_task(writer.begin(process.new()))
    await until(lambda: writer.has_failed)
    starting.cancel()
    assert "the journal writer ended: AssertionError at test_flush.py" in caplog.text
    assert "secret" not in caplog.text


NOTHING = Statement("UPDATE agents_run SET id = id WHERE false", (), "no")
SOMETHING = Statement("SELECT 1", (), "no")


async def logged(process, begin) -> list[tuple[int, str]]:
    logged = await log.page(process.pool, tenant_id=begin.tenant_id, run_id=begin.run_id, after=0)
    return [(line.seq, line.name) for line in logged]


def batches(begin) -> list[tuple[int, int]]:
    rows = RunEvents.objects.using("system").filter(run_id=begin.run_id).order_by("first_seq")
    return list(rows.values_list("first_seq", "last_seq"))


async def test_what_can_wait_is_stored_with_what_comes_next(make_process):
    process = await make_process(supervise=False)
    begin, journal = await begun(process)
    journal.emit("RunContinued", {}, can_wait=True)
    await asyncio.sleep(0.1)
    assert await logged(process, begin) == []
    await journal.commit(Write(events=[("ToolCallStarted", {})], statements=[SOMETHING]))
    assert await logged(process, begin) == [(1, "RunContinued"), (2, "ToolCallStarted")]
    assert await in_thread(batches, begin) == [(1, 2)]


async def test_what_is_emitted_after_what_can_wait_does_not_wait(make_process):
    process = await make_process(supervise=False)
    begin, journal = await begun(process)
    journal.emit("RunContinued", {}, can_wait=True)
    journal.emit("RunContent", {"content": "a"})
    async with asyncio.timeout(10):
        while not await logged(process, begin):
            await asyncio.sleep(0.01)
    assert await logged(process, begin) == [(1, "RunContinued"), (2, "RunContent")]


async def test_the_events_before_a_refused_write_stay_said_and_its_numbers_are_free(make_process):
    process = await make_process(supervise=False)
    begin, journal = await begun(process)
    journal.emit("RunContinued", {}, can_wait=True)
    with pytest.raises(WriteRefused):
        await journal.commit(Write(events=[("ToolCallStarted", {})], statements=[NOTHING]))
    await journal.commit(Write(events=[("ToolCallCompleted", {})]))
    assert await logged(process, begin) == [(1, "RunContinued"), (2, "ToolCallCompleted")]


async def test_a_guarded_write_of_a_run_that_was_lost_leaves_nothing(make_process):
    process = await make_process(supervise=False)
    begin, zombie = await begun(process)
    await in_thread(expire_lease, begin)
    assert await queue.claim(process.pool, owner="heir", limit=5, most_per_tenant=5)
    name = Statement("UPDATE agents_session SET name = 'taken' WHERE session_id = %s", (begin.session_id,), "no")
    zombie.emit("RunContinued", {}, can_wait=True)
    with pytest.raises(LeaseLost):
        await zombie.commit(Write(statements=[name]))
    assert await logged(process, begin) == []
    assert (await in_thread(lambda: Session.objects.using("system").get(session_id=begin.session_id).name)) == ""


async def test_a_flush_that_is_stored_again_does_not_take_back_an_answer(make_process, acme):
    """The commit's answer was lost, and before the retry a person has answered what it stored."""
    process = await make_process(supervise=False)
    begin, journal = await begun(process)
    asked = StepRecord(new_id(), "1.0", StepKind.TOOL, "pay", StepState.WAITING, {"tool": "pay"}, tool_call_id="c")
    record = flush.Record(journal, 1, waiters=[], lines=[b"{}"])
    asked.seq = 1
    record.add_step(asked, utc_now())
    async with process.pool.connection() as connection:
        await flush.store(connection, [record], process="p", is_retry=False)
        await connection.execute("UPDATE agents_step SET state = 'answered', answer = '{}' WHERE path = '1.0'")
        assert await flush.store(connection, [record], process="p", is_retry=True) == [record]
    assert (await in_thread(steps_of, begin))["1.0"].state == "answered"
    asked.seq = 2  # asked anew: a later write of the same run
    again = flush.Record(journal, 2, waiters=[], lines=[b"{}"])
    again.add_step(asked, utc_now())
    async with process.pool.connection() as connection:
        await flush.store(connection, [again], process="p", is_retry=False)
    assert (await in_thread(steps_of, begin))["1.0"].state == "waiting"


async def test_a_start_by_whoever_is_no_member_any_more_leaves_no_key(make_process, acme):
    process = await make_process(supervise=False)
    begin, other = process.new(key="mine", hmac="a"), process.new(key="hers", hmac="a")
    begin.user_id = new_id()
    outcomes = await asyncio.gather(process.store(begin), process.store(other), return_exceptions=True)
    assert isinstance(outcomes[0], PolicyDenied) and outcomes[1] is None
    keys = await in_thread(lambda: list(IdempotencyKey.objects.using("system").values_list("key", "run_id")))
    assert keys == [("hers", other.run_id)]
