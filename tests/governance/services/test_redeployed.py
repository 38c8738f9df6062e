"""A deploy changes a tool while its approval waits: the approval is void and says why, and a fresh one is asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from functools import partial
from typing import Any

import orjson
import pytest
from django.db import connections

from accounts import audit
from accounts.models import AuditRow
from accounts.principals import Principal
from accounts.seam import in_thread
from accounts.tenancy import tenant_scope
from agentos.core.errors import Conflict
from agents.engine.state import LoopState
from agents.engine.tools import Tool, tool
from agents.models import Run, Step
from agents.registry import registry
from agents.services import pauses, queue
from agents.services.answers import Answer, answer
from agents.services.execution import execute, info_of, run_loop
from agents.services.journal.begin import Begin
from governance import selectors
from governance.hooks import Governance
from governance.models import Approval, ApprovalStatus
from governance.services import approvals
from tests.agents.services.conftest import MakeProcess, Process, make_process, read
from tests.agents.services.stored import all_wait, expire_lease, stored, until
from tests.conftest import TenantWithUsers

__all__ = ["make_process"]

Deploy = Callable[..., None]
Start = Callable[..., Awaitable[tuple[Process, Begin]]]
ran: list[str] = []
CALL = ("refund", {"customer_id": "C-1042", "amount": 250})


def refund(version: int) -> Tool:
    """Return the tool as the first or the second deploy brought it; the third has arguments of other names."""
    declared: dict[str, Any] = {"effect": "outward", "repeat": "once", "level": "approve"}
    if version == 1:

        @tool(**declared, says="Refund ${amount:.2f} to {customer_id}")
        async def refund(customer_id: str, amount: Decimal) -> str:
            """Pay money back."""
            ran.append(f"{amount}")
            return "refunded"

    elif version == 2:

        @tool(**declared, says="Refund {amount:.2f} {currency} to {customer_id}")
        async def refund(customer_id: str, amount: Decimal, currency: str = "EUR") -> str:
            """Pay money back."""
            ran.append(f"{amount} {currency}")
            return "refunded"

    else:

        @tool(**declared, says="Refund {cents} to {customer}")
        async def refund(customer: str, cents: int) -> str:
            """Pay money back."""
            raise AssertionError("its arguments never fit")

    return refund


CAME = "The tool refund has changed: `currency` came."


@pytest.fixture
def approver(acme: TenantWithUsers) -> Principal:
    return acme.principal("approver")


@pytest.fixture
async def start(make_process: MakeProcess, deploy: Deploy) -> Start:
    """Start a process; without a run of its own it takes over what is left."""
    ran.clear()
    deploy(refund(1))

    async def start(script: list[Any], *, takes_over: bool = False) -> tuple[Process, Begin]:
        process = await make_process(script, hooks=Governance())
        begin = process.new(owner="")
        if not takes_over:
            await process.supervisor.writer.begin(begin)
        return process, begin

    return start


async def stop(process: Process) -> None:
    await process.supervisor.stop()


def versions(begin: Begin) -> list[Approval]:
    return list(Approval.objects.using("system").filter(run_id=begin.run_id).order_by("step_path", "version"))


def standing(begin: Begin) -> list[str]:
    return [row.status for row in versions(begin)]


def one_step(begin: Begin, path: str = "1.0") -> Step:
    return Step.objects.using("system").get(run_id=begin.run_id, path=path)


def actions(begin: Begin) -> list[str]:
    with tenant_scope(begin.tenant_id):
        return list(AuditRow.objects.using("system").order_by("seq").values_list("action", flat=True))


async def approve(approver: Principal, approval: Approval) -> Approval:
    return await in_thread(approvals.decide, principal=approver, approval_id=approval.id, approved=True, reason="ok")


async def paused(begin: Begin) -> Approval:
    """Wait until the run waits for its newest approval, and return that."""
    await until(lambda: stored(begin).status == "paused" and standing(begin)[-1:] == ["pending"])
    return (await in_thread(versions, begin))[-1]


async def test_who_approves_a_call_of_another_tool_is_told_and_asked_anew(
    start: Start, deploy: Deploy, approver: Principal, acme: TenantWithUsers
) -> None:
    process, begin = await start([[CALL], "Refunded"])
    lines = await read(process.follow(begin))
    first = await paused(begin)
    deploy(refund(2))
    with pytest.raises(Conflict) as told:
        await approve(approver, first)
    assert told.value.code == "approval_void"
    assert CAME in told.value.detail
    second = await paused(begin)
    rest = await read(process.follow(begin, after=lines[-1].seq))
    shown = orjson.loads(rest[-1].data)["tools"][0]
    assert (shown["approval_id"], shown["asked_again"]) == (str(second.id), CAME)
    assert (second.version, second.effect_text) == (2, "Refund 250.00 EUR to C-1042")
    assert second.arguments["currency"] == "EUR"
    with pytest.raises(Conflict, match="This is void: The tool refund has changed"):
        await in_thread(
            approvals.decide, principal=acme.principal("admin"), approval_id=first.id, approved=False, reason="x"
        )
    assert ran == []
    await approve(approver, second)
    await until(lambda: stored(begin).status == "completed")
    assert ran == ["250 EUR"]
    old = (await in_thread(versions, begin))[0]
    assert (old.status, old.reason, old.decided_by_id) == (ApprovalStatus.VOID, CAME, None)
    shown = [await in_thread(selectors.get, approver, row.id) for row in (first, second)]
    assert [selectors.outcome(row) for row in shown] == ["not_started", "done"]
    assert await in_thread(actions, begin) == [
        "run.started", "approval.requested", "approval.void", "approval.requested", "approval.approved",
        "tool.started", "tool.done",
    ]  # fmt: skip
    assert await in_thread(audit.verify, begin.tenant_id) is None


async def test_an_approval_given_before_the_deploy_is_not_used_after_it(
    start: Start, deploy: Deploy, approver: Principal, acme: TenantWithUsers
) -> None:
    """Approved on a process with the old tool; the run goes on in another process, which has the new one."""
    process, begin = await start([[CALL], "?"])
    await paused(begin)
    member = acme.principal("member")
    await in_thread(pauses.pause, principal=member, run_id=begin.run_id)
    await approve(approver, (await in_thread(versions, begin))[0])
    await stop(process)
    deploy(refund(2))
    heir, _ = await start(["Refunded"], takes_over=True)
    await in_thread(pauses.unpause, principal=member, run_id=begin.run_id)
    second = await paused(begin)
    old = (await in_thread(versions, begin))[0]
    assert (old.status, old.reason, old.decided_by_id) == (ApprovalStatus.VOID, CAME, approver.user_id)
    assert old.consumed_at is None
    assert (ran, heir.model.requests) == ([], [])
    await approve(approver, second)
    await until(lambda: stored(begin).status == "completed")
    assert ran == ["250 EUR"]


async def test_a_run_that_is_recovered_asks_anew_what_waits(start: Start, deploy: Deploy, approver: Principal) -> None:
    """Its process dies while one call waits for an approval and nobody has decided."""
    process, begin = await start([[CALL], "?"])
    first = await paused(begin)
    await stop(process)
    await in_thread(_leave_to_the_dead, begin)
    deploy(refund(2))
    await start(["Refunded"], takes_over=True)
    second = await paused(begin)
    assert await in_thread(standing, begin) == ["void", "pending"]
    with pytest.raises(Conflict, match="void"):
        await approve(approver, first)
    await approve(approver, second)
    await until(lambda: stored(begin).status == "completed")
    assert ran == ["250 EUR"]


@pytest.mark.parametrize(("now", "told"), [(3, "do not fit refund"), (0, "The tool refund is gone.")])
async def test_a_call_that_can_not_be_made_any_more_ends_and_the_model_is_told(
    start: Start, deploy: Deploy, approver: Principal, now: int, told: str
) -> None:
    process, begin = await start([[CALL], "I see"])
    first = await paused(begin)
    deploy(*([refund(now)] if now else []))
    with pytest.raises(Conflict) as void:
        await approve(approver, first)
    assert void.value.code == "approval_void"
    await until(lambda: stored(begin).status == "completed")
    assert await in_thread(standing, begin) == ["void"]
    step = await in_thread(one_step, begin)
    assert (step.state, ran) == ("failed", [])
    assert told in step.error
    assert told in process.model.requests[1].messages[-1]["content"]


async def test_a_rejection_stands_whatever_became_of_the_tool(
    start: Start, deploy: Deploy, approver: Principal
) -> None:
    process, begin = await start([[CALL], "I see"])
    first = await paused(begin)
    deploy(refund(2))
    await in_thread(approvals.decide, principal=approver, approval_id=first.id, approved=False, reason="Not this")
    await until(lambda: stored(begin).status == "completed")
    assert await in_thread(standing, begin) == ["rejected"]
    assert process.model.requests[1].messages[-1]["content"] == "Refused: Not this"


async def test_an_expired_approval_is_not_asked_for_anew(start: Start, deploy: Deploy, approver: Principal) -> None:
    _, begin = await start([[CALL], "I see"])
    first = await paused(begin)
    deploy(refund(2))
    await in_thread(_expire, first)
    with pytest.raises(Conflict) as late:
        await approve(approver, first)
    assert late.value.code == "approval_expired"
    await in_thread(approvals.expire_due)
    await until(lambda: stored(begin).status == "completed")
    assert (await in_thread(standing, begin), ran) == (["expired"], [])


def _expire(approval: Approval) -> None:
    with connections["system"].cursor() as cursor:
        cursor.execute("UPDATE governance_approval SET expires_at = now() WHERE id = %s", [approval.id])


async def test_two_calls_of_one_turn_are_asked_anew_each_for_itself(
    start: Start, deploy: Deploy, approver: Principal
) -> None:
    other = ("refund", {"customer_id": "C-7", "amount": 1})
    _, begin = await start([[CALL, other], "Both"])
    await until(lambda: stored(begin).status == "paused" and len(standing(begin)) == 2)
    first = (await in_thread(versions, begin))[0]
    deploy(refund(2))
    with pytest.raises(Conflict):
        await approve(approver, first)
    await until(lambda: standing(begin) == ["void", "pending"] * 2 and stored(begin).status == "paused")
    for approval in [row for row in await in_thread(versions, begin) if row.status == "pending"]:
        await approve(approver, approval)
    await until(lambda: stored(begin).status == "completed")
    assert sorted(ran) == ["1 EUR", "250 EUR"]


@pytest.mark.parametrize("decision_first", [True, False])
async def test_a_decision_races_the_process_that_takes_the_question_back(
    start: Start, deploy: Deploy, approver: Principal, monkeypatch: pytest.MonkeyPatch, decision_first: bool
) -> None:
    """The decider's process still has the old tool. The first of the two holds the run, the second waits for it."""
    process, begin = await start([[CALL], "?"])
    first = await paused(begin)
    process.supervisor.runs.most = 0  # it claims nothing more
    deploy(refund(2))
    monkeypatch.setattr(approvals, "_change_of_tool", lambda approval, step: "")
    await in_thread(_make_claimable, begin)
    (claimed,) = await queue.claim(process.pool, owner="heir", limit=1, most_per_tenant=1)
    works = partial(
        execute, claimed, pool=process.pool, writer=process.supervisor.writer, ports=process.supervisor.ports
    )
    contenders: list[Callable[[], Awaitable[Any]]] = [partial(approve, approver, first), works]
    racing: list[asyncio.Future[Any]] = []
    async with process.pool.connection() as connection, connection.transaction():
        await connection.execute("SELECT 1 FROM governance_approval WHERE id = %s FOR UPDATE", [first.id])
        for contender in contenders if decision_first else contenders[::-1]:
            racing.append(asyncio.ensure_future(contender()))
            await all_wait(connection, len(racing))
    results = await asyncio.gather(*racing, return_exceptions=True)
    refused = [result for result in results if isinstance(result, BaseException)]
    assert [type(error) for error in refused] == ([] if decision_first else [Conflict])
    await start([], takes_over=True)
    second = await paused(begin)
    old = (await in_thread(versions, begin))[0]
    assert (old.status, second.version, ran) == (ApprovalStatus.VOID, 2, [])
    assert old.decided_by_id == (approver.user_id if decision_first else None)


def _leave_to_the_dead(begin: Begin) -> None:
    Run.objects.using("system").filter(id=begin.run_id).update(status="running", lease_owner="dead")
    expire_lease(begin)


def _make_claimable(begin: Begin) -> None:
    Run.objects.using("system").filter(id=begin.run_id).update(status="pending")


def pay(version: int) -> Tool:
    """Return a tool that the requester confirms, as the first or the second deploy brought it."""
    declared: dict[str, Any] = {"effect": "outward", "repeat": "once", "level": "confirm", "name": "pay"}
    if version == 1:

        @tool(**declared, says="Pay {amount}")
        async def pay(amount: int) -> str:
            """Pay."""
            ran.append(f"{amount}")
            return "paid"

    else:

        @tool(**declared, says="Pay {amount} {currency}")
        async def pay(amount: int, currency: str = "EUR") -> str:
            """Pay."""
            ran.append(f"{amount} {currency}")
            return "paid"

    return pay


YES = [Answer("call_1_0", confirmed=True)]


async def confirm(acme: TenantWithUsers, begin: Begin) -> int:
    return await in_thread(answer, principal=acme.principal("member"), run_id=begin.run_id, answers=YES)


async def asked_again(begin: Begin) -> Step:
    """Wait until the run waits for the question that was put anew, and return its step."""
    await until(
        lambda: stored(begin).status == "paused" and "asked_again" in one_step(begin).request.get("requirement", {})
    )
    return await in_thread(one_step, begin)


async def test_a_confirmation_is_asked_for_anew_on_recovery(
    start: Start, deploy: Deploy, acme: TenantWithUsers
) -> None:
    deploy(pay(1))
    process, begin = await start([[("pay", {"amount": 5})], "?"])
    await until(lambda: stored(begin).status == "paused")
    await stop(process)
    await in_thread(_leave_to_the_dead, begin)
    deploy(pay(2))
    await start(["Paid"], takes_over=True)
    step = await asked_again(begin)
    assert (step.state, step.request["requirement"]["effect_text"]) == ("waiting", "Pay 5 EUR")
    await confirm(acme, begin)
    await until(lambda: stored(begin).status == "completed")
    assert ran == ["5 EUR"]


async def test_a_confirmation_that_overtakes_the_process_that_asks_anew_is_looked_at_and_asked_for_anew(
    start: Start, deploy: Deploy, acme: TenantWithUsers
) -> None:
    """The requester's yes commits between the look at the waiting step and the write that takes the question back."""
    deploy(pay(1))
    process, begin = await start([[("pay", {"amount": 5})], "?"])
    await until(lambda: stored(begin).status == "paused")
    process.supervisor.runs.most = 0  # it claims nothing more
    deploy(pay(2))
    await in_thread(_make_claimable, begin)
    (claimed,) = await queue.claim(process.pool, owner="heir", limit=1, most_per_tenant=1)
    steps, last_seq = await queue.load_steps(process.pool, tenant_id=begin.tenant_id, run_id=begin.run_id)
    assert [step.state for step in steps if step.path == "1.0"] == ["waiting"]
    await confirm(acme, begin)
    spec = registry.get("agent", "tester")
    info = info_of(claimed, spec)
    journal = process.supervisor.writer.open(info, fence=claimed.fence, next_seq=last_seq + 1)
    state = LoopState(info, [], steps={step.path: step for step in steps}, first_start=False)
    await run_loop(state, journal, process.supervisor.ports)
    assert (await in_thread(stored, begin)).status == "pending"
    assert (await in_thread(one_step, begin)).state == "answered"
    await start([], takes_over=True)
    assert (await asked_again(begin)).state == "waiting"
    assert ran == []
