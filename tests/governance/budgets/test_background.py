"""What background work uses is counted as well: it is reserved with its row, and settled along with others."""

from __future__ import annotations

import asyncio

from accounts.seam import in_thread
from agents.engine.testing import ScriptedModel
from agents.services.journal import starts
from agents.services.journal.begin import begin_runs
from tests.agents.services.conftest import make_process, read
from tests.agents.services.stored import until
from tests.agents.services.test_summaries import aged, asked_for, jobs_of, summaries_of
from tests.governance.budgets.spending import budget, cent, reservations, use_of

__all__ = ["make_process"]

TEXT = "The user counts her questions."


async def test_its_share_is_held_from_when_it_is_stored(make_process, acme):
    made = await in_thread(budget, acme, "tokens", "1000", reserve="100")
    await in_thread(budget, acme, "runs", "0", period="minute")
    process = await make_process(supervise=False, price=cent)
    begin = await aged(process)
    await asked_for(process, begin)
    assert [job.status for job in await in_thread(jobs_of, begin)] == ["pending"]
    assert (await in_thread(use_of, made), await in_thread(reservations)) == ((0, 100), 1)


async def test_what_a_second_one_of_the_session_would_have_held_is_given_back(make_process, acme):
    made = await in_thread(budget, acme, "tokens", "1000", reserve="100")
    processes = [await make_process(supervise=False, price=cent) for _ in range(2)]
    begin = await aged(processes[0])
    await asyncio.gather(*(asked_for(process, begin) for process in processes for _ in range(4)))
    assert len(await in_thread(jobs_of, begin)) == 1
    assert (await in_thread(use_of, made), await in_thread(reservations)) == ((0, 100), 1)


async def test_where_a_budget_has_no_room_it_is_refused_as_it_begins(make_process, acme):
    made = await in_thread(budget, acme, "tokens", "0", reserve="100")
    model = ScriptedModel([TEXT])
    process = await make_process(price=cent, job_model=model)
    begin = await aged(process)
    await asked_for(process, begin)
    await until(lambda: [job.status for job in jobs_of(begin)] == ["error"])
    (job,) = await in_thread(jobs_of, begin)
    assert (job.error_code, model.requests) == ("budget_exceeded", [])
    assert (await in_thread(use_of, made), await in_thread(reservations)) == ((0, 0), 0)


async def test_it_is_stored_in_one_commit_with_the_runs_that_begin(make_process, acme, monkeypatch):
    made = await in_thread(budget, acme, "tokens", "1000", reserve="100")
    process = await make_process(supervise=False, price=cent)
    begin, other, commits = await aged(process), process.new(), []
    store = begin_runs

    async def counted(connection, begins, ledger, jobs):
        commits.append((len(begins), len(jobs)))
        await store(connection, begins, ledger, jobs)

    monkeypatch.setattr(starts, "begin_runs", counted)
    monkeypatch.setattr(starts, "BACKGROUND_SECONDS", 60)
    asking = asyncio.create_task(asked_for(process, begin))
    await until(lambda: len(process.supervisor.writer._starts._jobs) == 1)
    await process.store(other)
    await asking
    assert commits == [(1, 1)]
    assert len(await in_thread(jobs_of, begin)) == 1
    assert await in_thread(use_of, made) == (0, 200)


async def test_it_is_settled_with_the_next_run_that_ends(make_process, acme):
    made = await in_thread(budget, acme, "tokens", "1000", reserve="100")
    process = await make_process(["Answered"], price=cent, job_model=ScriptedModel([TEXT]))
    begin = await aged(process)
    await asked_for(process, begin)
    await until(lambda: len(summaries_of(begin)) == 1)
    await until(lambda: process.supervisor.jobs.taken == 0)
    assert process.ledger._settling is None
    assert await in_thread(use_of, made) == (0, 100)
    await read(await process.start(process.new()))
    await until(lambda: reservations() == 0)
    assert await in_thread(use_of, made) == (26, 0), "15 of the summary, 11 of the run"
