"""Runs that are not done in time: at work, waiting for a human, or left behind by a process that died."""

from __future__ import annotations

from datetime import timedelta

from django.db import connections

from accounts.seam import in_thread
from accounts.tenancy import tenant_scope
from agents.engine.limits import DEFAULT_LIMITS
from agents.models import Run
from agents.services import forks
from agents.services.deadlines import hand_over_overdue
from agents.services.forks import Fork
from tests.agents.services.conftest import HeldModel, names, ran, read
from tests.agents.services.stored import expire_lease, steps_of, stored, until


def overdue(begin) -> None:
    with connections["system"].cursor() as cursor:
        cursor.execute("UPDATE agents_run SET deadline_at = now() WHERE id = %s", [begin.run_id])


def outcome(begin) -> tuple[str, str]:
    run = stored(begin)
    return run.status, run.error_code


async def paused(make_process):
    process = await make_process([[("pay", {"amount": 5})], "never"])
    begin = process.new()
    lines = await read(await process.start(begin))
    assert names(lines)[-1] == "RunPaused"
    return process, begin, lines[-1].seq


async def test_a_run_has_its_deadline_from_the_start(make_process):
    process = await make_process(["Done"])
    begin = process.new()
    await read(await process.start(begin))
    run = await in_thread(stored, begin)
    assert run.deadline_at == run.created_at + timedelta(seconds=DEFAULT_LIMITS.deadline_seconds)


async def test_a_run_that_waits_for_a_human_ends_at_its_deadline(make_process):
    process, begin, seq = await paused(make_process)
    assert await in_thread(hand_over_overdue) == 0
    assert await in_thread(outcome, begin) == ("paused", "")
    await in_thread(overdue, begin)
    assert await in_thread(hand_over_overdue) == 1
    rest = await read(process.follow(begin, after=seq, to_end=True))
    assert names(rest) == ["RunError"]
    assert b'"error_id":"deadline"' in rest[0].data
    assert await in_thread(outcome, begin) == ("error", "deadline")
    assert {step.state for step in (await in_thread(steps_of, begin)).values()} == {"done", "refused"}
    assert ran == []
    assert await in_thread(hand_over_overdue) == 0


async def test_whoever_comes_next_ends_what_a_process_that_died_had_handed_over(make_process):
    process, begin, _ = await paused(make_process)
    await process.supervisor.stop()
    await in_thread(overdue, begin)
    await in_thread(hand_over_overdue)
    assert await in_thread(outcome, begin) == ("pending", "")
    await make_process()
    await until(lambda: outcome(begin) == ("error", "deadline"))


async def test_a_run_at_work_ends_at_its_deadline(make_process):
    model = HeldModel(["never"])
    process = await make_process(model=model)
    begin = process.new()
    follower = await process.start(begin)
    await model.reached.wait()
    await in_thread(overdue, begin)
    lines = await read(follower)
    assert names(lines)[-1] == "RunError"
    assert await in_thread(outcome, begin) == ("error", "deadline")


async def test_a_dead_owners_overdue_run_is_ended_and_not_worked_on(make_process):
    dead = await make_process(supervise=False)
    begin = dead.new()
    await dead.supervisor.writer.begin(begin)
    await in_thread(overdue, begin)
    await in_thread(expire_lease, begin)
    heir = await make_process(["never"])
    await until(lambda: outcome(begin) == ("error", "deadline"))
    assert heir.model.requests == []


async def test_a_cancelled_run_is_cancelled_even_when_it_is_late(make_process, acme):
    from agents.services.runs import request_cancel

    dead = await make_process(supervise=False)
    begin = dead.new()
    await dead.supervisor.writer.begin(begin)
    await in_thread(overdue, begin)
    await in_thread(request_cancel, principal=acme.principal("member"), run_id=begin.run_id)
    await in_thread(expire_lease, begin)
    await make_process()
    await until(lambda: outcome(begin) == ("cancelled", ""))


async def test_a_fork_has_a_deadline_of_its_own(make_process, acme):
    process = await make_process(["Done", "Again"])
    begin = process.new()
    await read(await process.start(begin))
    await in_thread(overdue, begin)
    made, _ = await in_thread(
        forks.fork, principal=acme.principal("member"), run_id=begin.run_id, wanted=Fork("1.model")
    )

    def fork() -> Run:
        with tenant_scope(begin.tenant_id, begin.user_id):
            return Run.objects.get(id=made)

    await until(lambda: fork().status == "completed")
    run = await in_thread(fork)
    assert run.deadline_at == run.created_at + timedelta(seconds=DEFAULT_LIMITS.deadline_seconds)
