"""What background work may keep beyond a session: nothing of who opted out or of a temporary session, at any stage."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.conf import settings
from django.db.models.functions import Now
from psycopg import AsyncConnection

from accounts.privacy.models import Choice
from accounts.seam import in_thread
from accounts.tenancy import tenant_scope
from agents.engine.run_info import RunInfo
from agents.engine.spec import JOB, JobSpec, Keeps
from agents.engine.steps import Statement
from agents.engine.testing import ScriptedModel
from agents.models import Run, Session
from agents.services import execution, jobs, tenant_models
from agents.services.jobs import NewJob
from agents.services.journal.begin import begin_runs
from agents.services.ledger import NoLedger
from agents.services.places import Places
from agents.services.sql import table
from tests.agents.services.conftest import SPEC, HeldModel, names, read
from tests.agents.services.stored import stored, until
from tests.agents.services.test_history import begun

KEEP = f"UPDATE {table(Session)} SET component_id = %s WHERE tenant_id = %s AND session_id = %s"
KINDS = [Keeps.MEMORY, Keeps.LEARNING]


@pytest.fixture(params=KINDS)
def kind(request, monkeypatch) -> JobSpec:
    """A kind of work that keeps something: here, what it made as the name of the session's component."""
    spec = JobSpec(id="note", instructions="Note what she likes.", keeps=request.param)

    def keeps(info, pinned, said):
        return (Statement(KEEP, (said.strip(), info.tenant_id, info.session_id), "It is gone."),)

    monkeypatch.setitem(execution.JOBS, spec.id, (spec, keeps))
    return spec


async def store(begin, spec: JobSpec) -> None:
    models = await tenant_models.current(begin.tenant_id)
    info = RunInfo(begin.run_id, begin.tenant_id, begin.user_id, begin.session_id, SPEC, "test-model", "Go")
    async with await AsyncConnection.connect(settings.DATABASE_URLS["system"], autocommit=True) as connection:
        await begin_runs(connection, [], NoLedger(), [NewJob(spec, info, models, "Nuts", {})])


def job_of(begin) -> Run | None:
    return Run.objects.using("system").filter(user_id=begin.user_id, component_kind=JOB).first()


def status_of(begin) -> str:
    job = job_of(begin)
    return job.status if job else ""


def kept_of(begin) -> str:
    return Session.objects.using("system").get(runs__id=begin.run_id).component_id


def opt_out(begin, spec: JobSpec) -> None:
    with tenant_scope(begin.tenant_id, begin.user_id):
        Choice.objects.create(tenant_id=begin.tenant_id, user_id=begin.user_id, **{spec.keeps.value: False})


def make_temporary(begin, spec: JobSpec) -> None:
    soon = Now() + timedelta(hours=1)
    Session.objects.using("system").filter(runs__id=begin.run_id).update(expires_at=soon)


REFUSALS = pytest.mark.parametrize("refuse", [opt_out, make_temporary])


async def test_what_she_lets_it_keep_is_kept(make_process, kind):
    process = await make_process(job_model=ScriptedModel(["She likes nuts."]))
    begin = await begun(process)
    await store(begin, kind)
    await until(lambda: status_of(begin) == "completed")
    assert await in_thread(kept_of, begin) == "She likes nuts."


@REFUSALS
async def test_no_such_work_is_stored(make_process, kind, refuse):
    begin = await begun(await make_process(supervise=False))
    await in_thread(refuse, begin, kind)
    await store(begin, kind)
    assert await in_thread(job_of, begin) is None


@REFUSALS
async def test_work_that_waits_is_not_taken_up(make_process, kind, refuse):
    """No model hears what she said."""
    first = await make_process(supervise=False)
    begin = await begun(first)
    await store(begin, kind)
    await in_thread(refuse, begin, kind)
    model = ScriptedModel(["She likes nuts."])
    await make_process(job_model=model)
    await until(lambda: status_of(begin) == "cancelled")
    assert model.requests == []


@REFUSALS
async def test_work_that_is_done_is_not_kept(make_process, kind, refuse):
    model = HeldModel(["She likes nuts."])
    begin = await begun(await make_process(job_model=model))
    before = await in_thread(kept_of, begin)
    await store(begin, kind)
    await model.reached.wait()
    await in_thread(refuse, begin, kind)
    model.let_go.set()
    await until(lambda: status_of(begin) == "cancelled")
    assert await in_thread(kept_of, begin) == before


def test_each_kind_of_work_says_what_it_keeps():
    with pytest.raises(TypeError, match="keeps"):
        JobSpec(id="note", instructions="Note what she likes.")  # type: ignore[call-arg]


def test_each_use_is_a_choice():
    assert {kind.value for kind in Keeps} - {"session"} <= {field.name for field in Choice._meta.fields}


async def test_background_work_that_blocks_its_threads_holds_up_no_run(make_process, kind, monkeypatch):
    """All jobs that may be at work hang in the database; a run goes its whole way meanwhile, threads included."""
    let_go = threading.Event()
    monkeypatch.setattr(jobs, "may_go_on", lambda *_: let_go.wait(60))
    places = Places("jobs", most=4, most_per_tenant=4)
    process = await make_process(
        [[("look", {"place": "x"})], "The end"], job_model=ScriptedModel(["Nuts"]), jobs=places
    )
    try:
        for number in range(places.most):
            begin = process.new(session_id=f"session {number}")
            await process.supervisor.writer.begin(begin)
            await store(begin, kind)
        process.supervisor.wake()
        await until(lambda: places.taken == places.most)
        run = process.new()
        assert names(await read(await process.start(run)))[-1] == "RunCompleted"
        assert (await in_thread(stored, run)).output == "The end"
        assert places.taken == places.most
    finally:
        let_go.set()
