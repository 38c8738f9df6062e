"""Budgets: exact when many start at once, settled by whoever gets to it, refused or stopped with their own code."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from accounts.seam import in_thread
from accounts.tenancy import tenant_scope
from agentos.core.errors import ProviderError
from agents.models import Run
from agents.services import forks
from agents.services.answers import Answer, answer
from agents.services.forks import Fork
from agents.services.runs import request_cancel
from agents.services.ticks import Ticks
from governance.budgets.ledger import SETTLE, SETTLE_FREE, settle_all, settle_left
from governance.models import Budget
from tests.agents.conftest import serve
from tests.agents.services.conftest import make_process, names, read
from tests.agents.services.stored import expire_lease, until
from tests.governance.budgets.spending import (
    BACKGROUND,
    START,
    budget,
    cent,
    counts,
    end_all,
    ended_before,
    held,
    outcome,
    refused,
    reservations,
    use_of,
)

__all__ = ["held", "make_process", "serve"]


@pytest.mark.parametrize(
    ("measure", "limit", "reserve"), [("runs", "10", None), ("tokens", "1000", "100"), ("usd", "1.05", "0.1")]
)
async def test_of_fifty_at_once_in_two_processes_exactly_as_many_run_as_fit(
    make_process, acme, measure, limit, reserve
):
    made = await in_thread(budget, acme, measure, limit, reserve=reserve)
    first, second = [await make_process(supervise=False, price=cent) for _ in range(2)]
    begins = [(process, process.new()) for process in (first, second) for _ in range(25)]
    codes = await asyncio.gather(*(refused(process, begin) for process, begin in begins))
    assert (codes.count(""), codes.count("budget_exceeded")) == (10, 40)
    assert await in_thread(counts, acme) == (10, 10, 0)
    assert await in_thread(use_of, made) == (0, 10 * Decimal(reserve or 1))


async def test_what_is_refused_over_http_leaves_no_row_and_asks_no_model(make_process, serve, acme, held):
    await in_thread(budget, acme, "runs", "2")
    process = await make_process(model=held, price=cent)
    call = serve(process)
    answers = await asyncio.gather(*(call(acme.member, START, BACKGROUND) for _ in range(5)))
    codes = sorted(answer.status_code for answer in answers)
    assert codes == [202, 202, 402, 402, 402]
    problem = next(answer.json() for answer in answers if answer.status_code == 402)
    assert (problem["code"], problem["title"]) == ("budget_exceeded", "Limit reached")
    assert await in_thread(counts, acme) == (2, 2, 0)
    assert (process.supervisor.runs.taken, process.hub.streams.taken) == (2, 0)
    held.let_go.set()
    await until(lambda: reservations() == 0)
    assert len(held.requests) == 2


async def test_a_run_is_settled_at_what_it_used(make_process, acme):
    made = [
        await in_thread(budget, acme, "runs", "10"),
        await in_thread(budget, acme, "tokens", "1000", reserve="500"),
        await in_thread(budget, acme, "usd", "1", reserve="0.5"),
    ]
    process = await make_process([[("look", {"place": "x"})], "The end"], price=cent)
    begin = process.new()
    await read(await process.start(begin))
    await until(lambda: reservations() == 0)
    assert [await in_thread(use_of, one) for one in made] == [(1, 0), (27, 0), (Decimal("0.02"), 0)]


async def test_a_run_that_has_used_what_it_reserved_gets_more_until_there_is_no_more(make_process, acme):
    made = await in_thread(budget, acme, "tokens", "40", reserve="10")
    process = await make_process([[("look", {"place": str(n)})] for n in range(9)], price=cent)
    begin = process.new()
    lines = await read(await process.start(begin))
    assert names(lines)[-1] == "RunError"
    assert b'"error_id":"budget_exceeded"' in lines[-1].data
    assert await in_thread(outcome, begin) == ("error", "budget_exceeded")
    assert len(process.model.requests) == 3
    await until(lambda: reservations() == 0)
    assert await in_thread(use_of, made) == (45, 0)


async def test_a_run_that_waits_holds_its_share_and_another_process_goes_on_with_it(make_process, acme):
    made = await in_thread(budget, acme, "tokens", "100", reserve="60")
    first = await make_process([[("pay", {"amount": 5})]], price=cent)
    begin = first.new()
    await read(await first.start(begin))
    assert await in_thread(use_of, made) == (0, 60)
    assert await refused(first, first.new()) == "budget_exceeded"
    await first.supervisor.stop()
    await make_process(["Paid"], price=cent)
    said = [Answer("call_1_0", confirmed=True)]
    await in_thread(answer, principal=acme.principal("member"), run_id=begin.run_id, answers=said)
    await until(lambda: outcome(begin) == ("completed", ""))
    await until(lambda: reservations() == 0)
    assert await in_thread(use_of, made) == (26, 0)


async def test_the_tick_settles_what_ended_where_nobody_held_it(make_process, acme):
    made = await in_thread(budget, acme, "tokens", "100", reserve="60")
    process = await make_process([[("pay", {"amount": 5})]], price=cent)
    begin = process.new()
    await read(await process.start(begin))
    assert await in_thread(settle_left) == 0
    await in_thread(request_cancel, principal=acme.principal("member"), run_id=begin.run_id)
    assert await in_thread(settle_left) == 0, "its own process may be about to"
    assert await in_thread(use_of, made) == (0, 60)
    tick = Ticks([settle_left])
    assert await tick.due(process.pool) == []
    await in_thread(ended_before, begin, seconds=2)
    assert await tick.due(process.pool) == [settle_left]
    assert await in_thread(settle_left) == 1
    assert await tick.due(process.pool) == []
    assert (await in_thread(use_of, made), await in_thread(reservations)) == ((15, 0), 0)


async def test_a_dead_owners_run_is_settled_once_by_whoever_ends_it(make_process, acme):
    made = await in_thread(budget, acme, "runs", "5")
    dead = await make_process(supervise=False, price=cent)
    begin = dead.new()
    await dead.store(begin)
    await in_thread(expire_lease, begin)
    heir = await make_process(["The end"], price=cent)
    await until(lambda: outcome(begin) == ("completed", ""))
    await until(lambda: reservations() == 0)
    await in_thread(settle_all)
    assert await in_thread(use_of, made) == (1, 0)
    assert len(heir.model.requests) == 1


async def test_settlers_at_once_settle_each_run_once(make_process, acme):
    made = [await in_thread(budget, acme, "runs", "50"), await in_thread(budget, acme, "tokens", "9000", reserve="9")]
    process = await make_process(supervise=False, price=cent)
    for _ in range(20):
        await process.store(process.new())

    await in_thread(end_all)

    async def settle() -> None:
        async with process.pool.connection() as connection:
            await connection.execute(SETTLE, {"runs": None})

    await asyncio.gather(*(settle() for _ in range(4)))
    assert [await in_thread(use_of, one) for one in made] == [(20, 0), (60, 0)]


async def test_a_settler_leaves_what_another_has_in_hand(make_process, acme):
    made = await in_thread(budget, acme, "runs", "50")
    process = await make_process(supervise=False, price=cent)
    first, second = process.new(), process.new()
    for begin in (first, second):
        await process.store(begin)
    await in_thread(end_all)
    async with process.pool.connection() as another, process.pool.connection() as settler:
        async with another.transaction():
            taken = "SELECT id FROM governance_reservation WHERE run_id = %s FOR UPDATE"
            await another.execute(taken, [first.run_id])
            await settler.execute("SET lock_timeout = '1s'")
            await settler.execute(SETTLE, {"runs": None})
            assert await in_thread(use_of, made) == (1, 1)
        await settler.execute(SETTLE, {"runs": None})
    assert await in_thread(use_of, made) == (2, 0)


async def test_who_settles_runs_does_not_wait_for_a_budget_that_a_start_has_in_hand(make_process, acme):
    made, other = await in_thread(budget, acme, "runs", "50"), await in_thread(budget, acme, "tokens", "9", reserve="1")
    process = await make_process(supervise=False, price=cent)
    begin = process.new()
    await process.store(begin)
    await in_thread(end_all)
    async with process.pool.connection() as another, process.pool.connection() as settler:
        async with another.transaction():
            taken = "SELECT id FROM governance_budgetuse WHERE budget_id = %s FOR NO KEY UPDATE"
            await another.execute(taken, [made.id])
            await settler.execute("SET lock_timeout = '1s'")
            left = await (await settler.execute(SETTLE_FREE, {"runs": [begin.run_id]})).fetchall()
            assert left == [(begin.run_id,)]
            assert [await in_thread(use_of, one) for one in (made, other)] == [(0, 1), (3, 0)]
        assert await (await settler.execute(SETTLE_FREE, {"runs": [begin.run_id]})).fetchall() == []
    assert await in_thread(use_of, made) == (1, 0)


async def test_what_was_not_settled_because_of_a_start_is_settled_after_it(make_process, acme, held):
    made = await in_thread(budget, acme, "runs", "50")
    process = await make_process(model=held, price=cent)
    follower = await process.start(process.new())
    await held.reached.wait()
    async with process.pool.connection() as another, another.transaction():
        taken = "SELECT id FROM governance_budgetuse WHERE budget_id = %s FOR NO KEY UPDATE"
        await another.execute(taken, [made.id])
        held.let_go.set()
        assert names(await read(follower))[-1] == "RunCompleted"
        assert await in_thread(use_of, made) == (0, 1)
    await until(lambda: reservations() == 0)
    assert await in_thread(use_of, made) == (1, 0)


async def test_a_refused_run_does_not_use_its_key_up(make_process, acme):
    made = await in_thread(budget, acme, "runs", "0")
    process = await make_process(supervise=False, price=cent)
    same = [process.new(key="k", hmac="same") for _ in range(3)]
    assert await asyncio.gather(*(refused(process, begin) for begin in same)) == ["budget_exceeded"] * 3
    assert await in_thread(counts, acme) == (0, 0, 0)

    def raise_limit() -> None:
        with tenant_scope(acme.tenant.id, acme.admin.id):
            Budget.objects.filter(id=made.id).update(limit=1)

    await in_thread(raise_limit)
    again = [process.new(key="k", hmac="same") for _ in range(3)]
    assert await asyncio.gather(*(refused(process, begin) for begin in again)) == ["", "", ""]
    assert len({begin.attached_to or begin.run_id for begin in again}) == 1
    assert await in_thread(counts, acme) == (1, 1, 1)
    assert await in_thread(use_of, made) == (0, 1)


async def test_a_fork_is_counted_when_it_begins_to_work(make_process, acme):
    made = await in_thread(budget, acme, "runs", "1")
    process = await make_process(["Done", "never"], price=cent)
    begin = process.new()
    await read(await process.start(begin))
    fork, _ = await in_thread(
        forks.fork, principal=acme.principal("member"), run_id=begin.run_id, wanted=Fork("1.model")
    )

    def forked() -> Run:
        return Run.objects.using("system").get(id=fork)

    await until(lambda: forked().error_code == "budget_exceeded")
    assert len(process.model.requests) == 1
    await until(lambda: reservations() == 0)
    assert await in_thread(use_of, made) == (1, 0)


@pytest.mark.parametrize("verb", ["fork", "rerun"])
async def test_a_run_made_anew_over_budget_is_refused_before_any_row_and_a_retry_is_not(
    make_process, serve, acme, verb
):
    made = await in_thread(budget, acme, "runs", "2")
    process = await make_process([ProviderError("Wrong.", code="provider_auth"), "The end"], price=cent)
    call, begin = serve(process), process.new()
    await read(await process.start(begin))
    body, path = ({"from_step": "1.model"} if verb == "fork" else {}), f"runs/{begin.run_id}/{verb}"
    first = await call(acme.member, path, body, key="k")
    assert first.status_code == 202
    await until(lambda: use_of(made) == (2, 0))
    refusal = await call(acme.member, path, body)
    assert (refusal.status_code, refusal.json()["code"]) == (402, "budget_exceeded")
    again = await call(acme.member, path, body, key="k")
    assert (again.status_code, again.json()["run_id"]) == (202, first.json()["run_id"])
    assert (await in_thread(counts, acme))[0] == 2


async def test_a_fork_within_the_budget_is_charged_and_settled(make_process, acme):
    made = await in_thread(budget, acme, "tokens", "1000", reserve="100")
    process = await make_process(["Done", "Done again"], price=cent)
    begin = process.new()
    await read(await process.start(begin))
    await in_thread(forks.fork, principal=acme.principal("member"), run_id=begin.run_id, wanted=Fork("1.model"))
    await until(lambda: use_of(made) == (11 + 12, 0))
