"""An answer hands its run to the process that took it: lease and answer commit together, and no crash loses the run."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connections

from accounts import audit
from accounts.seam import in_thread
from accounts.tenancy import tenant_scope
from agents.engine.history import History
from agents.models import Run, Step
from agents.services import answers, handover, pauses, queue, runs, supervisor
from agents.services.ahead import Ahead
from agents.services.answers import Answer, answer
from agents.services.journal.begin import Begin
from agents.services.places import Places
from agents.services.queue import Claimed
from tests.agents.services.conftest import HeldModel, MakeProcess, Process, names, ran, read
from tests.agents.services.idle import Idle
from tests.agents.services.stored import expire_lease, stored, until
from tests.conftest import TenantWithUsers

YES = [Answer("call_1_0", confirmed=True)]
SCRIPT = [[("pay", {"amount": 5})], "Paid"]


@pytest.fixture(autouse=True)
def _nobody_takes() -> Iterator[None]:
    yield
    handover.take_here(None)


async def paused(process: Process) -> Begin:
    begin = process.new()
    await read(await process.start(begin))
    assert (await in_thread(stored, begin)).status == "paused"
    return begin


async def claims_nothing(*args: object, **options: object) -> list[Claimed]:
    return []


async def test_it_goes_on_here_with_a_lease_of_its_own_and_nothing_is_claimed(
    make_process: MakeProcess, acme: TenantWithUsers, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = await make_process(SCRIPT)
    begin = await paused(process)
    monkeypatch.setattr(queue, "claim", claims_nothing)
    handover.take_here(process.supervisor)
    follower = process.follow(begin, to_end=True)
    await in_thread(answer, principal=acme.principal("member"), run_id=begin.run_id, answers=YES)
    run = await in_thread(stored, begin)
    assert (run.fence, run.recoveries) == (2, 0)
    assert names(await read(follower))[-1] == "RunCompleted"
    assert ran == ["pay 5"]


@pytest.mark.parametrize("why", ["no room", "tenant is full", "draining", "overdue", "nobody"])
async def test_where_it_may_not_go_on_any_process_takes_it(
    make_process: MakeProcess, acme: TenantWithUsers, why: str
) -> None:
    process = await make_process(SCRIPT, supervise=False)
    begin = await paused(process)
    here = process.supervisor
    here._event_loop = asyncio.get_running_loop()
    if why == "no room":
        here.runs = Places("runs", most=0, most_per_tenant=5)
    elif why == "tenant is full":
        here.runs = Places("runs", most=5, most_per_tenant=0)
    here.stops.is_draining = why == "draining"
    if why == "overdue":
        await in_thread(Run.objects.using("system").update, deadline_at="2026-01-01T00:00:00Z")
    handover.take_here(None if why == "nobody" else here)
    await in_thread(answer, principal=acme.principal("member"), run_id=begin.run_id, answers=YES)
    assert (await in_thread(stored, begin)).status == "pending"
    claimed = await queue.claim(process.pool, owner="other", limit=5, most_per_tenant=5)
    assert [(run.run_id, run.fence, run.is_overdue) for run in claimed] == [(begin.run_id, 2, why == "overdue")]


async def test_who_answers_is_told_only_when_the_answer_is_on_disk(
    make_process: MakeProcess, acme: TenantWithUsers
) -> None:
    """The run goes on before that, and whatever it stores comes after it."""
    process = await make_process(SCRIPT, supervise=False)
    begin = await paused(process)

    class Watching(Idle):
        committed = ""

        def take_soon(self, run: Claimed, ahead: Ahead | None = None) -> None:
            self.committed = ask("SELECT pg_current_wal_insert_lsn()::text")

    def ask(query: str) -> str:
        with connections["system"].cursor() as cursor:
            cursor.execute(query)
            return str(cursor.fetchone()[0])

    def answered() -> tuple[str, str]:
        with connections["default"].cursor() as cursor:
            cursor.execute("SET synchronous_commit = on")  # the tests' server waits for no disk
            answer(principal=acme.principal("member"), run_id=begin.run_id, answers=YES)
            reached = ask(f"SELECT pg_current_wal_flush_lsn() >= '{watching.committed}'")
            cursor.execute("SHOW synchronous_commit")
            (after,) = cursor.fetchone()
            cursor.execute("RESET synchronous_commit")
        return reached, after

    watching = Watching("dead")
    handover.take_here(watching)
    assert await in_thread(answered) == ("True", "on")


async def test_a_process_that_dies_after_the_answer_is_recovered_from(
    make_process: MakeProcess, acme: TenantWithUsers
) -> None:
    process = await make_process(SCRIPT)
    begin = await paused(process)
    dead = Idle("dead")
    handover.take_here(dead)
    await in_thread(answer, principal=acme.principal("member"), run_id=begin.run_id, answers=YES)
    run = await in_thread(stored, begin)
    assert (run.status, run.lease_owner, run.fence) == ("running", "dead", 2)
    assert await queue.claim(process.pool, owner="early", limit=5, most_per_tenant=5) == []
    await in_thread(expire_lease, begin)
    await until(lambda: stored(begin).status == "completed")
    run = await in_thread(stored, begin)
    assert (run.fence, run.recoveries, ran) == (3, 1, ["pay 5"])
    assert await in_thread(audit.verify, begin.tenant_id) is None


async def test_what_is_handed_over_is_what_a_claim_would_give(make_process: MakeProcess, acme: TenantWithUsers) -> None:
    process = await make_process(SCRIPT, supervise=False)
    begin = await paused(process)
    dead = Idle("dead")
    handover.take_here(dead)
    await in_thread(answer, principal=acme.principal("member"), run_id=begin.run_id, answers=YES)
    await in_thread(Run.objects.using("system").update, status="pending", fence=1)
    assert dead.taken == await queue.claim(process.pool, owner="x", limit=1, most_per_tenant=1)


async def test_an_answer_that_is_not_committed_hands_nothing_over(
    make_process: MakeProcess, acme: TenantWithUsers, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = await make_process(SCRIPT, supervise=False)
    begin = await paused(process)
    dead = Idle("dead")
    handover.take_here(dead)
    with monkeypatch.context() as broken:
        broken.setattr(audit, "append", _fail)
        with pytest.raises(ZeroDivisionError):
            await in_thread(answer, principal=acme.principal("member"), run_id=begin.run_id, answers=YES)
    run = await in_thread(stored, begin)
    assert (run.status, run.fence, run.lease_owner, dead.taken) == ("paused", 1, "", [])


def _fail(*args: object, **options: object) -> None:
    raise ZeroDivisionError


class Reading(Idle):
    """Takes no run, and has a process read ahead for it."""

    def __init__(self, process: Process) -> None:
        super().__init__(process.supervisor.name)
        self._reads = process.supervisor
        self.ahead = Ahead()

    def read_ahead(self, run: Claimed, answered: Step) -> Ahead:
        self.ahead = self._reads.read_ahead(run, answered)
        return self.ahead

    def wait(self) -> None:
        while not (
            self.ahead.journal and self.ahead.journal.done() and self.ahead.history and self.ahead.history.done()
        ):
            time.sleep(0.005)


def settled(tenant: TenantWithUsers, begin: Begin, then: Callable[[], object]) -> None:
    """Confirm the call that waits, as one who decides does, and do something before that is committed."""
    principal = tenant.principal("admin")
    with tenant_scope(principal.tenant_id, principal.user_id):
        run = runs.lock(principal, begin.run_id)
        said = {"confirmed": True, "note": "Fine.", "by": str(principal.user_id)}
        answers.settle(run=run, step=answers.step_of(run, "1.0"), answer=said)
        then()


async def test_what_is_read_ahead_of_the_commit_is_what_stands_there_with_it(
    make_process: MakeProcess, acme: TenantWithUsers
) -> None:
    process = await make_process(SCRIPT)
    begin = await paused(process)
    handover.take_here(reading := Reading(process))
    await in_thread(settled, acme, begin, reading.wait)
    assert reading.ahead.journal and reading.ahead.history
    steps, last_seq = await reading.ahead.journal
    assert (steps, last_seq) == await queue.load_steps(process.pool, tenant_id=begin.tenant_id, run_id=begin.run_id)
    assert [(step.path, step.state) for step in steps] == [("1.model", "done"), ("1.0", "answered")]
    assert last_seq > 0
    assert await reading.ahead.history == History()


async def test_a_run_is_read_once_where_it_was_read_ahead(
    make_process: MakeProcess, acme: TenantWithUsers, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = await make_process(SCRIPT)
    begin = await paused(process)
    handover.take_here(process.supervisor)
    loaded: list[Any] = []
    load_steps = queue.load_steps

    async def noted(*args: Any, **named: Any) -> Any:
        loaded.append(named["run_id"])
        return await load_steps(*args, **named)

    monkeypatch.setattr(queue, "load_steps", noted)
    await in_thread(settled, acme, begin, lambda: None)
    await until(lambda: stored(begin).status == "completed")
    assert (loaded, ran) == ([begin.run_id], ["pay 5"])


async def test_what_was_read_ahead_of_a_decision_that_is_not_committed_is_forgotten(
    make_process: MakeProcess, acme: TenantWithUsers
) -> None:
    process = await make_process(SCRIPT)
    begin = await paused(process)
    handover.take_here(process.supervisor)
    with pytest.raises(ZeroDivisionError):
        await in_thread(settled, acme, begin, _fail)
    assert (await in_thread(stored, begin)).status == "paused"
    await in_thread(answer, principal=acme.principal("member"), run_id=begin.run_id, answers=YES)
    await until(lambda: stored(begin).status == "completed")
    assert ran == ["pay 5"]


async def test_two_that_let_it_go_on_at_once_hand_it_over_once(
    make_process: MakeProcess, acme: TenantWithUsers
) -> None:
    process = await make_process(SCRIPT)
    begin = await paused(process)
    handover.take_here(process.supervisor)
    member = acme.principal("member")
    await in_thread(pauses.pause, principal=member, run_id=begin.run_id)
    both: list[Any] = [
        in_thread(answer, principal=member, run_id=begin.run_id, answers=YES),
        in_thread(pauses.unpause, principal=member, run_id=begin.run_id),
    ]
    await asyncio.gather(*both)
    await until(lambda: stored(begin).status == "completed")
    run = await in_thread(stored, begin)
    assert run.fence in (2, 3)  # where the pause ends first, it goes on to ask again before it is answered
    assert (run.recoveries, ran) == (0, ["pay 5"])


async def test_a_cancellation_between_the_answer_and_the_work_is_heeded(
    make_process: MakeProcess, acme: TenantWithUsers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its notification finds no work yet; the tick looks at the row."""
    monkeypatch.setattr(supervisor, "TICK_SECONDS", 0.1)
    model = HeldModel(SCRIPT)
    process = await make_process(model=model)
    model.let_go.set()
    begin = await paused(process)
    model.let_go.clear()
    dead = Idle("dead")
    dead.name = process.supervisor.name
    handover.take_here(dead)
    await in_thread(answer, principal=acme.principal("member"), run_id=begin.run_id, answers=YES)
    await in_thread(runs.request_cancel, principal=acme.principal("member"), run_id=begin.run_id)
    process.supervisor.take_soon(dead.taken[0])
    await until(lambda: stored(begin).status == "cancelled")


async def test_the_run_of_one_who_was_thought_dead_is_worked_on_once(
    make_process: MakeProcess, acme: TenantWithUsers
) -> None:
    """It took so long from the commit to the work that somebody else has claimed the run: it writes nothing."""
    first, heir = await make_process(SCRIPT), await make_process(["Paid"])
    begin = await paused(first)
    dead = Idle("dead")
    handover.take_here(dead)
    await in_thread(answer, principal=acme.principal("member"), run_id=begin.run_id, answers=YES)
    first.supervisor.runs.most = 0  # what is left is the heir's
    await in_thread(expire_lease, begin)
    await until(lambda: stored(begin).status == "completed")
    first.supervisor.take_soon(dead.taken[0])
    await asyncio.sleep(0.3)
    assert ran == ["pay 5"]
    assert [name for name in names(await read(heir.follow(begin, to_end=True))) if name == "RunContinued"] == [
        "RunContinued"
    ]


async def test_an_answer_that_came_before_the_pause_wakes_whoever_is_free(
    make_process: MakeProcess, acme: TenantWithUsers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is told by the answer, since the run was at work, so its pause tells; the net is too wide to help here."""
    monkeypatch.setattr(supervisor, "TICK_SECONDS", 60.0)
    process = await make_process(SCRIPT)
    begin = process.new()
    writer, stored_pause = process.supervisor.writer, asyncio.Event()
    store = writer._store

    async def answered_first(records: list[Any]) -> None:
        if any(record.change and record.change.status == "paused" for record in records) and not stored_pause.is_set():
            stored_pause.set()
            await in_thread(answer, principal=acme.principal("member"), run_id=begin.run_id, answers=YES)
        await store(records)

    monkeypatch.setattr(writer, "_store", answered_first)
    await process.start(begin)
    await stored_pause.wait()
    await until(lambda: stored(begin).status == "completed")
    assert ran == ["pay 5"]
