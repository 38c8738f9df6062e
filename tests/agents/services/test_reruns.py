"""Reruns: a failed run goes on where it ended, once, and nothing is done or paid twice."""

from __future__ import annotations

import asyncio

import pytest
from django.db import IntegrityError

from accounts import audit
from accounts.models import AuditRow, Membership
from accounts.seam import in_thread
from accounts.tenancy import tenant_scope
from agentos.core.errors import Conflict, NotFound, PolicyDenied, ProviderError
from agentos.core.ids import new_id
from agents import selectors
from agents.models import Run, Session, Step
from agents.services import reruns
from agents.services.reconcile import Outcome, reconcile
from agents.services.reruns import rerun
from tests.agents.services.conftest import SPEC, ran, read
from tests.agents.services.payments import given_up
from tests.agents.services.stored import give, steps_of, stored, until
from tests.agents.services.test_forks import Forked

BROKEN = ProviderError("The key is wrong.", code="provider_auth")


async def failed(make_process, rest=(), script=None):
    """Return a run that looked and then failed at its second model call."""
    process = await make_process([*(script or [[("look", {"place": "x"})], BROKEN]), *rest])
    begin = process.new(session_id="s")
    await read(await process.start(begin))
    assert (await in_thread(stored, begin)).status == "error"
    return process, begin


async def rerun_as(who, begin) -> Forked:
    run_id, session_id = await in_thread(rerun, principal=who, run_id=begin.run_id)
    assert session_id == begin.session_id
    return Forked(begin, run_id)


async def settled(who, begin, outcome: Outcome) -> None:
    step = (await in_thread(steps_of, begin))["1.0"]
    said = {"outcome": outcome, "reason": "Asked the bank"}
    await in_thread(reconcile, principal=who, run_id=begin.run_id, step_id=step.id, **said)


async def test_finished_steps_are_reused_and_the_failed_one_is_done_again(make_process, acme):
    process, begin = await failed(make_process, ["The end"])
    made = await rerun_as(acme.principal("member"), begin)
    lines = await read(process.follow(made))
    assert lines[-1].name == "RunCompleted"
    assert ran == ["look x"]
    assert len(process.model.requests) == 3
    assert process.model.requests[2].messages == process.model.requests[1].messages
    run, source = await in_thread(stored, made), await in_thread(stored, begin)
    assert (run.output, run.rerun_of_id, run.session_id, run.user_id) == (
        "The end",
        source.id,
        source.session_id,
        source.user_id,
    )
    assert (run.model, run.input, run.recoveries) == (source.model, source.input, 0)
    assert run.spec == {**source.spec, **SPEC.bounds(), "history_before": source.created_at.isoformat()}
    assert run.usage["model_calls"] == 1
    assert (source.status, source.error_code) == ("error", "provider_auth")
    detail = await in_thread(selectors.run_detail, principal=acme.principal("member"), run_id=made.run_id)
    assert detail["rerun_of"] == str(begin.run_id)

    def trail() -> None:
        with tenant_scope(begin.tenant_id, begin.user_id):
            row = AuditRow.objects.using("system").get(action="run.rerun")
            assert (row.object_id, row.detail) == (str(made.run_id), {"from": str(begin.run_id)})
            assert row.actor_id == acme.member.id

    await in_thread(trail)
    assert await in_thread(audit.verify, begin.tenant_id) is None


async def test_a_run_is_rerun_once_and_a_rerun_that_fails_once_more(make_process, acme):
    _, begin = await failed(make_process, [BROKEN, "The end"])
    member = acme.principal("member")
    results = await asyncio.gather(*(rerun_as(member, begin) for _ in range(4)), return_exceptions=True)
    (made,) = [result for result in results if isinstance(result, Forked)]
    refused = [result for result in results if isinstance(result, Conflict)]
    assert [error.code for error in refused] == ["already_rerun"] * 3
    assert str(made.run_id) in refused[0].detail
    await until(lambda: stored(made).status == "error")
    again = await rerun_as(member, made)
    await until(lambda: stored(again).status == "completed")
    assert (await in_thread(stored, again)).spec["history_before"] == (await in_thread(stored, made)).spec[
        "history_before"
    ]
    assert ran == ["look x"]


async def test_the_database_keeps_a_second_rerun_and_a_stranger_s_out(make_process, acme, globex):
    _, begin = await failed(make_process, ["The end"])
    made = await rerun_as(acme.principal("member"), begin)

    def twin(tenant_id) -> None:
        twin = stored(made)
        twin.id, twin.tenant_id, twin._state.adding = new_id(), tenant_id, True
        twin.save(using="system", force_insert=True)

    for tenant_id in (begin.tenant_id, globex.tenant.id):
        with pytest.raises(IntegrityError):
            await in_thread(twin, tenant_id)


async def test_a_dead_letter_waits_for_what_became_of_its_side_effect(make_process, till, acme):
    begin, _ = await given_up(make_process, till, ["All right"])
    operator = acme.principal("operator")
    with pytest.raises(Conflict, match="reconciled first") as refused:
        await rerun_as(operator, begin)
    assert refused.value.code == "steps_unknown"
    await settled(operator, begin, Outcome.HAPPENED)
    made = await rerun_as(operator, begin)
    await until(lambda: stored(made).status == "completed")
    assert till.charged == [7]
    assert (await in_thread(stored, made)).user_id == acme.member.id
    kept, source = (await in_thread(steps_of, made))["1.0"], (await in_thread(steps_of, begin))["1.0"]
    assert (kept.result, kept.answer, kept.state) == (source.result, source.answer, "done")


@pytest.mark.parametrize(
    ("outcome", "charged", "told"),
    [
        (Outcome.HAPPENED, [7], "It was done."),
        (Outcome.NOT_HAPPENED, [7, 7], "charged 7"),
        (Outcome.ABANDON, [7], "Error: It is not known"),
    ],
)
async def test_only_what_did_not_happen_is_done_again(make_process, till, acme, outcome, charged, told):
    calls = [[("charge", {"amount": 7}), ("peek", {"place": "x"})]]
    begin, heir = await given_up(make_process, till, ["All right"], calls)
    cut = (await in_thread(steps_of, begin))["1.1"]
    assert cut.state == "failed"
    await settled(acme.principal("operator"), begin, outcome)
    made = await rerun_as(acme.principal("operator"), begin)
    await until(lambda: stored(made).status == "completed")
    assert till.charged == charged
    payment, look = heir.model.requests[0].messages[-2:]
    assert payment["content"].startswith(told)
    assert look["content"] == "x"


async def test_a_call_that_a_limit_kept_from_running_is_asked_for_anew(make_process, acme):
    calls = [("pay", {"amount": place}) for place in range(51)]
    _, begin = await failed(make_process, script=[calls])
    assert {step.state for path, step in (await in_thread(steps_of, begin)).items() if path != "1.model"} == {"refused"}
    made = await rerun_as(acme.principal("member"), begin)
    await until(lambda: stored(made).status == "error")
    assert (await in_thread(stored, made)).error_code == "limit_tool_calls"
    assert ran == []


async def test_who_may_not_and_what_does_not_fit(make_process, acme, globex):
    process, begin = await failed(make_process, ["Done"])
    for who, error in (
        (globex.principal("admin"), NotFound),
        (acme.principal("viewer"), NotFound),
        (acme.principal("approver"), NotFound),
        (acme.principal("auditor"), NotFound),
    ):
        with pytest.raises(error):
            await rerun_as(who, begin)
    finished = process.new(owner="")
    await process.supervisor.writer.begin(finished)
    await until(lambda: stored(finished).status == "completed")
    with pytest.raises(Conflict) as refused:
        await rerun_as(acme.principal("member"), finished)
    assert refused.value.code == "not_failed"


@pytest.mark.parametrize(
    ("column", "value", "code"), [("input", None, "nothing_to_rerun"), ("parent_id", "itself", "not_a_root")]
)
async def test_what_cannot_go_on_is_not_rerun(make_process, acme, column, value, code):
    _, begin = await failed(make_process)

    def change() -> None:
        value_now = begin.run_id if value == "itself" else value
        Run.objects.using("system").filter(id=begin.run_id).update(**{column: value_now})

    await in_thread(change)
    with pytest.raises(Conflict) as refused:
        await rerun_as(acme.principal("member"), begin)
    assert refused.value.code == code


async def test_nothing_goes_on_in_the_name_of_who_may_not_any_more(make_process, acme):
    _, begin = await failed(make_process, ["Done"])

    def role(name: str) -> None:
        Membership.objects.using("system").filter(user_id=acme.member.id).update(role=name)

    await in_thread(role, "viewer")
    with pytest.raises(Conflict) as refused:
        await rerun_as(acme.principal("operator"), begin)
    assert refused.value.code == "requester_gone"
    assert await in_thread(obstacle, begin) == refused.value.detail
    await in_thread(role, "member")
    assert await in_thread(obstacle, begin) == ""


async def test_a_run_of_ones_own_needs_the_right_to_run_it(make_process, acme):
    _, begin = await failed(make_process)

    await in_thread(lambda: Session.objects.using("system").update(user_id=acme.viewer.id))
    await in_thread(give, begin, acme.viewer.id)
    with pytest.raises(PolicyDenied):
        await rerun_as(acme.principal("viewer"), begin)


def obstacle(begin) -> str:
    with tenant_scope(begin.tenant_id, begin.user_id):
        return reruns.obstacle(Run.objects.get(id=begin.run_id), list(Step.objects.filter(run_id=begin.run_id)))
