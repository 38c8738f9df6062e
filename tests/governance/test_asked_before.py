"""Nobody is asked a third time after two refusals, and too many requests pause their run with a reason."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from accounts.tenancy import tenant_scope
from agents.engine.verdicts import Hold, Refuse
from agents.models import Run, Session, Step
from agents.services import pauses
from governance import asked_before
from governance.asked_before import Before, flood, read, refusal
from governance.services import approvals
from tests.conftest import TenantWithUsers
from tests.governance.conftest import ARGUMENTS, MakeWaiting, Waiting, execute, make_run


def reject(acme: TenantWithUsers, waiting: Waiting) -> None:
    """Reject it, and let the run end the call as it does."""
    principal = acme.principal("approver")
    approvals.decide(principal=principal, approval_id=waiting.approval.id, approved=False, reason="No")
    Step.objects.using("system").filter(id=waiting.step.id).update(state="refused")


def before(waiting: Waiting, **arguments: Any) -> Before:
    return read(waiting.info, waiting.step, {**ARGUMENTS, **arguments})


def test_two_refusals_of_the_like_are_enough(acme: TenantWithUsers, make_waiting: MakeWaiting) -> None:
    first = make_waiting(acme)
    reject(acme, first)
    assert before(first).refused == 1
    assert refusal(before(first)) is None
    reject(acme, make_waiting(acme, path="2.0", info=first.info, amount="249.99"))
    assert before(first, amount=250).refused == 2
    refused = refusal(before(first))
    assert isinstance(refused, Refuse)
    assert "nobody is asked again" in refused.reason
    assert before(first, customer_id="C-1").refused == 0
    assert read(first.info, replace(first.step, name="another_tool"), ARGUMENTS).refused == 0


def test_other_arguments_each_time_come_to_an_end_too(acme: TenantWithUsers, make_waiting: MakeWaiting) -> None:
    first = make_waiting(acme)
    reject(acme, first)
    for number in range(2, asked_before.MOST_OF_TOOL):
        reject(acme, make_waiting(acme, path=f"{number}.0", info=first.info, amount=f"{number}000"))
    assert refusal(before(first, amount=9)) is None
    reject(acme, make_waiting(acme, path="9.0", info=first.info, amount="70000"))
    found = before(first, amount=9)
    assert (found.refused, found.refused_of_tool) == (0, asked_before.MOST_OF_TOOL)
    refused = refusal(found)
    assert isinstance(refused, Refuse)
    assert "requests to use this tool" in refused.reason


def test_refusals_count_in_the_whole_session_and_in_no_other(acme: TenantWithUsers, make_waiting: MakeWaiting) -> None:
    first = make_waiting(acme)
    reject(acme, first)
    later, elsewhere = make_run(acme, acme.member), make_run(acme, acme.member)
    session = Session.objects.using("system").get(session_id=first.info.session_id)
    Run.objects.using("system").filter(id=later.run_id).update(session=session)
    assert read(later, first.step, ARGUMENTS).refused == 1
    assert read(elsewhere, first.step, ARGUMENTS).refused == 0


def test_what_was_approved_or_failed_is_no_refusal(acme: TenantWithUsers, make_waiting: MakeWaiting) -> None:
    waiting = make_waiting(acme)
    principal = acme.principal("approver")
    approvals.decide(principal=principal, approval_id=waiting.approval.id, approved=True)
    for state in ("done", "failed", "refused"):
        Step.objects.using("system").filter(id=waiting.step.id).update(state=state)
        assert before(waiting).refused == 0


def test_a_flood_pauses_its_run(acme: TenantWithUsers, make_waiting: MakeWaiting, settings: Any) -> None:
    settings.APPROVALS_PER_RUN, settings.APPROVALS_PER_USER = 2, 3
    first = make_waiting(acme)
    assert flood(first.info, before(first)) is None
    make_waiting(acme, path="1.1", info=first.info)
    held = flood(first.info, before(first))
    assert isinstance(held, Hold)
    assert held.reason == "2 approvals of this run wait already"
    other = make_waiting(acme)
    user = flood(other.info, before(other))
    assert isinstance(user, Hold)
    assert user.reason == "3 approvals of this user wait already"
    assert [entry.action for entry in held.audit] == ["run.held"]
    assert [execute(statement) for statement in held.statements] == [1]
    run = Run.objects.using("system").get(id=first.info.run_id)
    assert (run.pause_requested, run.pause_reason) == (True, held.reason)
    member = acme.principal("member")
    pauses.unpause(principal=member, run_id=run.id)
    with tenant_scope(acme.tenant.id, acme.member.id):
        run.refresh_from_db(using="default")
    assert (run.pause_requested, run.pause_reason) == (False, "")


def test_the_limit_of_refusals_is_what_is_said() -> None:
    assert asked_before.MOST_REFUSALS == 2
