"""Side effects that may have happened: found after a crash or a cancel, shown, and settled by an operator."""

from __future__ import annotations

import asyncio

import pytest

from accounts.models import AuditRow
from accounts.seam import in_thread
from accounts.tenancy import tenant_scope
from agentos.core.errors import Conflict, Invalid, NotFound, PolicyDenied
from agents import selectors
from agents.models import Run
from agents.services import runs
from agents.services.reconcile import Outcome, reconcile
from tests.agents.services.conftest import names, read
from tests.agents.services.payments import crashed, given_up, unknown
from tests.agents.services.stored import steps_of, stored, until


def actions(begin) -> list[str]:
    with tenant_scope(begin.tenant_id, begin.user_id):
        return list(AuditRow.objects.using("system").order_by("seq").values_list("action", flat=True))


def unknown_to(who):
    """Return the ids of the steps that wait for her to say what became of them."""
    with tenant_scope(who.tenant_id, who.user_id):
        return list(selectors.reconcilable(who).filter(state="unknown").values_list("id", flat=True))


async def test_a_side_effect_cut_by_a_crash_is_not_repeated_but_asked_about(make_process, till, acme):
    begin, heir, step = await unknown(make_process, till, ["never"])
    assert (step.state, step.request["requirement"]["kind"]) == ("unknown", "reconcile")
    assert till.charged == [7]
    assert heir.model.requests == []
    operator = acme.principal("operator")
    assert await in_thread(unknown_to, operator) == [step.id]
    row = await in_thread(selectors.step_evidence, principal=operator, run_id=begin.run_id, step_id=step.id)
    assert (row["step_id"], row["run_id"]) == (str(step.id), str(begin.run_id))
    assert (row["effect_text"], row["requester"]) == ("Charge 7", "member@acme.test")
    assert row["idempotency_key"] == step.idempotency_key
    assert "step.unknown" in await in_thread(actions, begin)


@pytest.mark.parametrize(
    ("outcome", "result", "told", "charged", "state"),
    [
        (Outcome.HAPPENED, "charged 7, says the bank", "charged 7, says the bank", [7], "done"),
        (Outcome.HAPPENED, None, "It was done.", [7], "done"),
        (Outcome.NOT_HAPPENED, None, "charged 7", [7, 7], "done"),
        (Outcome.ABANDON, None, "Error: It is not known", [7], "failed"),
    ],
)
async def test_the_run_goes_on_with_what_the_operator_found(
    make_process, till, acme, outcome, result, told, charged, state
):
    begin, heir, step = await unknown(make_process, till, ["All right"])
    await in_thread(
        reconcile,
        principal=acme.principal("operator"),
        run_id=begin.run_id,
        step_id=step.id,
        outcome=outcome,
        reason="Asked the bank",
        result=result,
    )
    await until(lambda: stored(begin).status == "completed")
    assert heir.model.requests[0].messages[-1]["content"].startswith(told)
    assert till.charged == charged
    settled = (await in_thread(steps_of, begin))["1.0"]
    assert settled.state == state
    assert settled.answer["note"] == "Asked the bank"
    assert settled.answer["by"] == str(acme.operator.id)
    assert "step.reconciled" in await in_thread(actions, begin)


@pytest.mark.parametrize(
    ("outcome", "state"),
    [(Outcome.HAPPENED, "done"), (Outcome.NOT_HAPPENED, "refused"), (Outcome.ABANDON, "failed")],
)
async def test_of_a_cancelled_run_only_the_record_changes(make_process, till, acme, outcome, state):
    process = await make_process([[("charge", {"amount": 7})]])
    begin = process.new(owner="")
    await process.supervisor.writer.begin(begin)
    await till.reached.wait()
    await in_thread(runs.request_cancel, principal=acme.principal("member"), run_id=begin.run_id)
    lines = await read(process.follow(begin))
    assert names(lines)[-1] == "RunCancelled"
    step, operator = (await in_thread(steps_of, begin))["1.0"], acme.principal("operator")
    assert await in_thread(unknown_to, operator) == [step.id]
    row = await in_thread(selectors.step_evidence, principal=operator, run_id=begin.run_id, step_id=step.id)
    assert (row["effect_text"], row["run_status"]) == ("Charge 7", "cancelled")
    await in_thread(
        reconcile,
        principal=acme.principal("operator"),
        run_id=begin.run_id,
        step_id=step.id,
        outcome=outcome,
        reason="Asked the bank",
    )
    assert (await in_thread(steps_of, begin))["1.0"].state == state
    assert (await in_thread(stored, begin)).status == "cancelled"
    assert await in_thread(unknown_to, acme.principal("operator")) == []
    assert await read(process.follow(begin)) == lines
    assert (await in_thread(actions, begin))[-3:] == ["run.cancelled", "step.unknown", "step.reconciled"]


async def test_an_unknown_step_stays_unknown_when_its_paused_run_is_cancelled(make_process, till, acme):
    begin, _, _ = await unknown(make_process, till, ["never"])
    await in_thread(runs.request_cancel, principal=acme.principal("member"), run_id=begin.run_id)
    assert (await in_thread(steps_of, begin))["1.0"].state == "unknown"


async def test_a_cut_look_leaves_nothing_to_reconcile(make_process, till, acme):
    process = await make_process([[("peek", {"place": "x"})]])
    begin = process.new(owner="")
    await process.supervisor.writer.begin(begin)
    await till.looked.wait()
    await in_thread(runs.request_cancel, principal=acme.principal("member"), run_id=begin.run_id)
    await read(process.follow(begin))
    assert (await in_thread(steps_of, begin))["1.0"].state == "failed"
    assert await in_thread(unknown_to, acme.principal("operator")) == []


async def test_a_run_that_is_given_up_leaves_its_side_effect_to_be_reconciled(make_process, till, acme):
    begin, _ = await given_up(make_process, till)
    assert (await in_thread(steps_of, begin))["1.0"].state == "unknown"
    assert len(await in_thread(unknown_to, acme.principal("operator"))) == 1


async def test_only_an_operator_of_the_tenant_settles_it_and_only_once(make_process, till, acme, globex):
    begin, _, step = await unknown(make_process, till, ["All right"])

    async def settle(who, step_id=step.id, reason="Asked", outcome=Outcome.HAPPENED, result=None):
        await in_thread(
            reconcile,
            principal=who,
            run_id=begin.run_id,
            step_id=step_id,
            outcome=outcome,
            reason=reason,
            result=result,
        )

    operator = acme.principal("operator")
    with pytest.raises(PolicyDenied):
        await settle(acme.principal("member"))
    with pytest.raises(NotFound):
        await settle(globex.principal("operator"))
    with pytest.raises(NotFound):
        await settle(operator, step_id=begin.run_id)
    with pytest.raises(Invalid):
        await settle(operator, reason=" ")
    with pytest.raises(Invalid):
        await settle(operator, outcome=Outcome.ABANDON, result="x")
    assert await in_thread(unknown_to, globex.principal("operator")) == []
    assert await in_thread(unknown_to, acme.principal("member")) == []
    results = await asyncio.gather(*(settle(operator) for _ in range(4)), return_exceptions=True)
    assert sum(result is None for result in results) == 1
    assert all(isinstance(result, Conflict) for result in results if result is not None)


async def test_a_call_that_was_cut_before_its_waiting_run_was_cancelled_is_unknown(make_process, till, acme):
    begin = await crashed(make_process, till, [[("charge", {"amount": 7}), ("peek", {"place": "x"})]])
    await in_thread(_hand_back, begin)
    await in_thread(runs.request_cancel, principal=acme.principal("member"), run_id=begin.run_id)
    steps = await in_thread(steps_of, begin)
    assert (steps["1.0"].state, steps["1.0"].ended_at) == ("unknown", None)
    assert steps["1.0"].request["requirement"]["kind"] == "reconcile"
    assert {step.state for step in steps.values()} <= {"done", "failed", "refused", "unknown"}
    assert (await in_thread(actions, begin))[-2:] == ["run.cancelled", "step.unknown"]


def _hand_back(begin) -> None:
    """Leave the run as a process that goes away does when a call takes too long."""
    Run.objects.using("system").filter(id=begin.run_id).update(status="pending", lease_until=None)
