"""Rolling summaries as background runs: when one is due, that it is stored once, and that nobody waits for it."""

from __future__ import annotations

import asyncio

import pytest
from django.db import connections

from accounts.seam import in_thread
from accounts.tenancy import tenant_scope
from agentos.core.errors import NotFound, ProviderError
from agents import selectors, wiring
from agents.engine.history import LEFT_OUT, OVERDUE, History
from agents.engine.run_info import RunInfo
from agents.engine.spec import JOB
from agents.engine.testing import ScriptedModel
from agents.models import Run, SessionSummary
from agents.registry import registry
from agents.services import log, queue, runs, summaries
from agents.services.places import Places
from agents.services.providers import Providers
from agents.services.runtime import Runtime
from governance.hooks import Governance
from tests.agents.services.conftest import SPEC, HeldModel, Process, names, ran, read
from tests.agents.services.stored import stored, until
from tests.agents.services.test_history import SESSION, age, begun, complete, sum_up, told

TEXT = "The user counts her questions."
MANY = OVERDUE * SPEC.history_runs  # short runs that make a summary due


def jobs_of(begin) -> list[Run]:
    with tenant_scope(begin.tenant_id, begin.user_id):
        return list(Run.objects.filter(component_kind=JOB).order_by("created_at"))


def summaries_of(begin) -> list[SessionSummary]:
    with tenant_scope(begin.tenant_id, begin.user_id):
        return list(SessionSummary.objects.order_by("until_at", "until_id"))


async def ask(process: Process, begin, history: History) -> None:
    info = RunInfo(begin.run_id, begin.tenant_id, begin.user_id, begin.session_id, SPEC, "test-model", "Go")
    await summaries.ask(process.pool, info, history, begin_job=process.supervisor.begin_job)


async def asked_for(process: Process, begin) -> None:
    """Load the history of a run and ask for the summary that is due, as its first pass does."""
    history = await told(process, begin)
    assert history.leaving is not None
    await ask(process, begin, history)


async def aged(process: Process, runs: int = MANY):
    """Return a run whose session holds so many runs before it, not worked on yet."""
    begin = await begun(process)
    await in_thread(age, begin.run_id, runs)
    return begin


async def test_a_due_summary_is_written_in_the_background_and_sent_from_then_on(make_process):
    process = await make_process(["First", "Second"], job_model=ScriptedModel([TEXT]))
    old = await aged(process)
    first = process.new(session_id=SESSION, owner="")
    await process.supervisor.writer.begin(first)
    await until(lambda: len(summaries_of(first)) == 1)
    ((kept,), (job,)) = await in_thread(summaries_of, first), await in_thread(jobs_of, first)
    await until(lambda: stored(first).status == "completed")
    assert (kept.text, kept.runs, kept.made_by_id, kept.user_id) == (TEXT, MANY - 5, job.id, old.user_id)
    assert (job.status, (job.output or "").strip(), job.usage["total_tokens"]) == ("completed", TEXT, 15)
    (order,) = process.supervisor.job_ports.model.requests
    assert order.messages[0]["content"] == summaries.SPEC.instructions
    assert order.messages[1]["content"].startswith("Summary so far:\n(none)\n\nSaid since:\nUser: Question 25")
    assert "Answer 6" in order.messages[1]["content"]
    assert "Answer 5" not in order.messages[1]["content"]
    second = process.new(session_id=SESSION, owner="")
    await process.supervisor.writer.begin(second)
    await until(lambda: stored(second).status == "completed")
    sent = [message["content"] for message in process.model.requests[-1].messages]
    assert sent[1:3] == [LEFT_OUT, TEXT]
    assert [text for text in sent if text.startswith("Answer")] == [f"Answer {number}" for number in (5, 4, 3, 2, 1)]
    assert sent[-3:] == ["Go", "First", "Go"]


async def test_a_run_of_a_request_asks_for_the_summary_that_is_due_once_it_has_ended(make_process, acme):
    process = await make_process(["Answered"], hooks=Governance(), job_model=ScriptedModel([TEXT]))
    await aged(process)
    runtime = Runtime(process.pool, process.hub, process.supervisor, process.ports, process.ports.hooks)
    member, spec = acme.principal("member"), registry.get("agent", "tester")
    started = await runs.start(runtime, principal=member, spec=spec, message="Go", session_id=SESSION)
    assert names(await read(started.follower))[-1] == "RunCompleted"
    begin = process.new()
    await until(lambda: [kept.text for kept in summaries_of(begin)] == [TEXT])
    (job,) = await in_thread(jobs_of, begin)
    run = await in_thread(Run.objects.using("system").get, id=started.run_id)
    assert run.ended_at is not None
    assert job.created_at > run.ended_at


async def test_nobodys_rights_are_asked_for_a_summary(make_process):
    """The members of a tenant may not run jobs; governance ends the runs of who may not run something."""
    process = await make_process(hooks=Governance(), job_model=ScriptedModel([TEXT]))
    begin = await aged(process)
    await asked_for(process, begin)
    await until(lambda: jobs_of(begin)[0].status == "completed")
    assert len(await in_thread(summaries_of, begin)) == 1


async def test_a_summary_that_calls_a_tool_is_refused(make_process):
    process = await make_process(job_model=ScriptedModel([[("pay", {"amount": 1})]]))
    begin = await aged(process)
    await asked_for(process, begin)
    await until(lambda: jobs_of(begin)[0].status == "error")
    assert (await in_thread(jobs_of, begin))[0].error_code == "limit_tool_calls"
    assert ran == []


async def test_the_next_summary_is_made_of_the_last_and_of_what_was_said_since(make_process):
    process = await make_process(job_model=ScriptedModel(["What came of both."]))
    begin = await aged(process, MANY + 5)
    await in_thread(sum_up, begin.run_id, MANY + 1, "The first summary.")
    await asked_for(process, begin)
    await until(lambda: len(summaries_of(begin)) == 2)
    newest = (await in_thread(summaries_of, begin))[-1]
    assert (newest.text, newest.runs) == ("What came of both.", MANY - 4)
    (order,) = process.supervisor.job_ports.model.requests
    made_of = order.messages[1]["content"]
    assert made_of.startswith("Summary so far:\nThe first summary.\n\nSaid since:\nUser: Question 25")
    seen = (await told(process, await begun(process))).summary
    assert seen is not None
    assert seen.text == "What came of both."


async def test_a_session_that_was_long_before_its_first_summary_catches_up(make_process):
    process = await make_process(job_model=ScriptedModel([f"Summary {number}" for number in range(3)]))
    begin = await aged(process, 140)
    for done in range(1, 4):
        await asked_for(process, await begun(process))
        await until(lambda done=done: len(summaries_of(begin)) == done)
    assert [kept.runs for kept in await in_thread(summaries_of, begin)] == [50, 100, 135]


async def test_processes_that_ask_at_once_store_one_job(make_process):
    process = await make_process(supervise=False)
    begin = await aged(process)
    await asyncio.gather(*(asked_for(process, begin) for _ in range(6)))
    assert len(await in_thread(jobs_of, begin)) == 1


async def test_who_has_not_seen_the_newest_summary_asks_for_none(make_process):
    """Else a run that began just before a summary was stored would have the one run since summed up."""
    process = await make_process(supervise=False)
    begin = await aged(process, MANY + 1)
    history = await told(process, begin)
    await in_thread(sum_up, begin.run_id, 7, "Stored meanwhile.", seconds_after=1)
    await ask(process, begin, history)
    assert await in_thread(jobs_of, begin) == []


async def test_a_job_that_another_has_overtaken_ends_quietly(make_process):
    model = HeldModel(["Too late."])
    process = await make_process(job_model=model)
    begin = await aged(process)
    await asked_for(process, begin)
    await model.reached.wait()
    await in_thread(sum_up, begin.run_id, 6, "The winner.")
    model.let_go.set()
    await until(lambda: jobs_of(begin)[0].status == "cancelled")
    assert [kept.text for kept in await in_thread(summaries_of, begin)] == ["The winner."]
    (job,) = await in_thread(jobs_of, begin)
    assert (job.lease_owner, job.error_code) == ("", "")
    logged = await log.page(process.pool, tenant_id=begin.tenant_id, run_id=job.id, after=0)
    assert names(logged)[-1] == "RunCancelled"
    assert names(logged).count("RunContent") == 1
    assert [line.seq for line in logged] == list(range(1, len(logged) + 1))


async def claims_nothing(*args: object, **options: object) -> list[queue.Claimed]:
    return []


async def test_where_there_is_room_a_summary_is_written_at_once_and_nothing_is_claimed(make_process, monkeypatch):
    process = await make_process(job_model=ScriptedModel([TEXT]))
    begin = await aged(process)
    monkeypatch.setattr(queue, "claim", claims_nothing)
    await asked_for(process, begin)
    await until(lambda: [job.status for job in jobs_of(begin)] == ["completed"])
    (job,) = await in_thread(jobs_of, begin)
    assert (job.fence, job.recoveries, job.lease_owner) == (1, 0, "")
    logged = await log.page(process.pool, tenant_id=begin.tenant_id, run_id=job.id, after=0)
    assert names(logged) == [
        "RunStarted", "ModelRequestStarted", "RunContent", "ModelRequestCompleted", "RunContentCompleted",
        "RunCompleted",
    ]  # fmt: skip


@pytest.mark.parametrize("why", ["no room", "tenant is full", "draining"])
async def test_where_there_is_no_room_any_process_takes_the_summary(make_process, why):
    process = await make_process()
    begin = await aged(process)
    here = process.supervisor
    here.jobs = here._job_lane.places = Places("jobs", most=why != "no room", most_per_tenant=why != "tenant is full")
    here.stops.is_draining = why == "draining"
    await asked_for(process, begin)
    assert [(job.status, job.fence) for job in await in_thread(jobs_of, begin)] == [("pending", 0)]
    (job,) = await queue.claim(process.pool, owner="other", limit=5, most_per_tenant=5, jobs=True)
    assert (job.fence, job.is_new) == (1, False)


@pytest.mark.parametrize("died", ["while the model spoke", "before the end was stored"])
async def test_a_summary_whose_process_died_is_finished_by_another_once(make_process, monkeypatch, died):
    model = HeldModel(["Never heard."])
    dead = await make_process(job_model=model)
    begin = await aged(dead)
    await asked_for(dead, begin)
    await model.reached.wait()
    (job,) = await in_thread(jobs_of, begin)
    if died == "before the end was stored":
        reached, store = asyncio.Event(), dead.supervisor.writer._store_guarded

        async def all_but_the_end(journal, waiting):
            await store(journal, [item for item in waiting if not item.write.statements])
            reached.set()

        monkeypatch.setattr(dead.supervisor.writer, "_store_guarded", all_but_the_end)
        model.let_go.set()
        await reached.wait()
    await _freeze(dead)
    await in_thread(_expire, job)
    heir = await make_process(job_model=ScriptedModel([TEXT]))
    await until(lambda: jobs_of(begin)[0].status == "completed")
    (kept,) = await in_thread(summaries_of, begin)
    asked_anew = len(heir.supervisor.job_ports.model.requests)
    if died == "while the model spoke":
        assert (kept.text, asked_anew) == (TEXT, 1)
    else:
        assert (kept.text, asked_anew) == ("One moment. Never heard.", 0)
    assert (await in_thread(jobs_of, begin))[0].recoveries == 1


async def _freeze(process: Process) -> None:
    """Stop a process where it stands: it gives nothing back."""
    tasks = [*process.supervisor._loops, *process.supervisor.live._tasks.values()]
    for task in tasks:
        task.cancel("lost")
    await asyncio.gather(*tasks, return_exceptions=True)


def _expire(job: Run) -> None:
    with connections["system"].cursor() as cursor:
        cursor.execute("UPDATE agents_run SET lease_until = now() - interval '1 s' WHERE id = %s", [job.id])


@pytest.mark.parametrize(
    ("line", "code"),
    [(ProviderError("no", code="provider_auth"), "provider_auth"), ("  ", "summary_empty")],
)
async def test_a_summary_that_fails_harms_no_run_and_rests_a_while(make_process, line, code):
    process = await make_process(["Answered"], job_model=ScriptedModel([line]))
    await aged(process)
    begin = process.new(session_id=SESSION, owner="")
    await process.supervisor.writer.begin(begin)
    await until(lambda: [job.status for job in jobs_of(begin)] == ["error"])
    await until(lambda: stored(begin).status == "completed")
    ((job,), none) = await in_thread(jobs_of, begin), await in_thread(summaries_of, begin)
    assert (job.error_code, none) == (code, [])
    later = await begun(process)
    await asked_for(process, later)
    assert len(await in_thread(jobs_of, begin)) == 1
    await in_thread(_make_older, job)
    await asked_for(process, later)
    assert len(await in_thread(jobs_of, begin)) == 2


def _make_older(job: Run) -> None:
    with connections["system"].cursor() as cursor:
        cursor.execute("UPDATE agents_run SET created_at = now() - interval '6 min' WHERE id = %s", [job.id])


async def test_a_summary_that_keeps_killing_its_process_is_given_up(make_process):
    process = await make_process(supervise=False)
    begin = await aged(process)
    await asked_for(process, begin)
    for _ in range(queue.MAX_RECOVERIES + 1):
        (job,) = await queue.claim(process.pool, owner="doomed", limit=1, most_per_tenant=9, jobs=True)
        await in_thread(_expire, (await in_thread(jobs_of, begin))[0])
    await make_process(job_model=ScriptedModel([]))
    await until(lambda: jobs_of(begin)[0].status == "error")
    assert job.recoveries == queue.MAX_RECOVERIES
    assert (await in_thread(jobs_of, begin))[0].error_code == "too_many_recoveries"


async def test_neither_lane_claims_from_the_other(make_process):
    process = await make_process(supervise=False)
    begin = await aged(process)
    await asked_for(process, begin)
    waiting = process.new(owner="")
    await process.supervisor.writer.begin(waiting)
    (run,) = await queue.claim(process.pool, owner="one", limit=10, most_per_tenant=9)
    (job,) = await queue.claim(process.pool, owner="one", limit=10, most_per_tenant=9, jobs=True)
    assert (run.run_id, run.is_job) == (waiting.run_id, False)
    assert job.is_job


async def test_jobs_under_way_cost_their_tenant_no_turn(make_process, globex):
    process = await make_process(supervise=False)
    for number in range(3):
        begin = process.new(session_id=f"session {number}")
        await process.supervisor.writer.begin(begin)
        await in_thread(age, begin.run_id, MANY)
        await asked_for(process, begin)
        await in_thread(complete, begin)
    assert len(await queue.claim(process.pool, owner="one", limit=10, most_per_tenant=9, jobs=True)) == 3
    mine, other = process.new(owner=""), process.new(owner="")
    other.tenant_id, other.user_id = globex.tenant.id, globex.member.id
    for begin in (mine, other):
        await process.supervisor.writer.begin(begin)
    (first,) = await queue.claim(process.pool, owner="one", limit=1, most_per_tenant=9)
    assert first.run_id == mine.run_id


async def test_jobs_that_hang_hold_up_no_run_and_are_no_more_than_may_be(make_process):
    """All jobs wait for their model to the end of the test; runs are answered meanwhile."""
    model = HeldModel(["Never"])
    process = await make_process(["Answered", "Again"], job_model=model, jobs=Places("jobs", most=2, most_per_tenant=2))
    for number in range(4):
        begin = process.new(session_id=f"session {number}")
        await process.supervisor.writer.begin(begin)
        await in_thread(age, begin.run_id, MANY)
        await asked_for(process, begin)
    await until(lambda: [job.status for job in jobs_of(begin)].count("running") == 2)
    for answer in ("Answered", "Again"):
        fresh = process.new()
        assert names(await read(await process.start(fresh)))[-1] == "RunCompleted"
        assert (await in_thread(stored, fresh)).output == answer
    process.supervisor.wake()
    await in_thread(lambda: None)
    assert sorted(job.status for job in await in_thread(jobs_of, begin)) == ["pending", "pending", "running", "running"]
    assert (process.supervisor.runs.taken, process.supervisor.jobs.taken) == (0, 2)
    model.let_go.set()


async def test_background_work_speaks_to_the_model_over_a_pool_of_its_own(database):
    runtime = await wiring.open_runtime()
    try:
        runs, jobs = runtime.supervisor.ports.model, runtime.supervisor.job_ports.model
        assert isinstance(runs, Providers)
        assert isinstance(jobs, Providers)
        assert runs.platform._client._client is not jobs.platform._client._client
        assert runtime.supervisor.jobs.most == 4
    finally:
        await wiring.close_runtime()


async def test_a_job_writes_into_no_run_and_is_in_no_list(make_process, acme):
    process = await make_process(["Answered"], job_model=ScriptedModel([TEXT]))
    await aged(process)
    begin = process.new(session_id=SESSION, owner="")
    await process.supervisor.writer.begin(begin)
    await until(lambda: len(summaries_of(begin)) == 1)
    await until(lambda: stored(begin).status == "completed")
    logged = await log.page(process.pool, tenant_id=begin.tenant_id, run_id=begin.run_id, after=0)
    assert not [line for line in logged if TEXT.encode() in line.data]
    (job,) = await in_thread(jobs_of, begin)
    member, operator = acme.principal("member"), acme.principal("operator")
    listed = await in_thread(selectors.session_runs, principal=member, session_id=SESSION)
    assert str(job.id) not in [run["run_id"] for run in listed]
    for principal in (member, operator):
        found = await in_thread(
            selectors.component_runs, principal=principal, component_id=job.component_id, session_id="", status=""
        )
        assert found == []
    with pytest.raises(NotFound):
        await in_thread(selectors.run_detail, principal=member, run_id=job.id)
    assert (await in_thread(selectors.run_detail, principal=operator, run_id=job.id))["content"].strip() == TEXT
    remembered_next = await told(process, await begun(process))
    assert TEXT not in [said.answered for said in remembered_next.said]


async def test_a_summary_is_its_users_and_of_those_who_see_all_runs(make_process, acme, globex):
    process = await make_process(supervise=False)
    begin = await aged(process)
    await in_thread(sum_up, begin.run_id, 6, TEXT)

    def seen_by(tenant, user):
        with tenant_scope(tenant.id, user.id):
            return SessionSummary.objects.count()

    assert await in_thread(seen_by, acme.tenant, acme.member) == 1
    assert await in_thread(seen_by, acme.tenant, acme.operator) == 1
    assert await in_thread(seen_by, acme.tenant, acme.approver) == 1
    assert await in_thread(seen_by, acme.tenant, acme.viewer) == 0
    assert await in_thread(seen_by, globex.tenant, globex.admin) == 0
