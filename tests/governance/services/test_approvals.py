"""Deciding approvals: who may, once, on exactly what was shown, before it expires, with audit."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import partial
from threading import Barrier
from typing import Any

import pytest
from django.db import connections
from django.db.models import F
from django.db.models.functions import Now

from accounts import audit
from accounts.models import AuditRow, Tenant, User
from accounts.principals import Principal
from accounts.privacy import shredding
from accounts.tenancy import tenant_scope
from agentos.core.errors import CallerError, Conflict, Invalid, NotFound, PolicyDenied
from agents.models import Run, Step
from agents.services import answers, handover, switches
from governance.models import Approval, ApprovalStatus
from governance.services import approvals
from tests.agents.services.idle import Idle
from tests.conftest import TenantWithUsers
from tests.governance.conftest import MakeWaiting, Waiting
from tests.plans import kept_after

PrincipalOf = Callable[[User, Tenant], Principal]


@pytest.fixture
def approver(acme: TenantWithUsers, principal_of: PrincipalOf) -> Principal:
    return principal_of(acme.approver, acme.tenant)


@pytest.fixture
def waiting(acme: TenantWithUsers, make_waiting: MakeWaiting) -> Waiting:
    return make_waiting(acme)


def stored(approval: Approval) -> Approval:
    return Approval.objects.using("system").get(id=approval.id)


def step_of(waiting: Waiting) -> Step:
    return Step.objects.using("system").get(id=waiting.step.id)


def actions(tenant: TenantWithUsers) -> list[str]:
    rows = AuditRow.objects.using("system").filter(tenant_id=tenant.tenant.id)
    return list(rows.order_by("seq").values_list("action", flat=True))


def overdue(approval: Approval) -> None:
    Approval.objects.using("system").filter(id=approval.id).update(expires_at=Now() - timedelta(seconds=1))


def test_an_approval_lets_the_run_go_on(acme: TenantWithUsers, approver: Principal, waiting: Waiting) -> None:
    decided = approvals.decide(
        principal=approver, approval_id=waiting.approval.id, approved=True, reason="  Checked\x00 ",
        shown_hash=waiting.approval.args_hash,
    )  # fmt: skip
    assert decided.status == ApprovalStatus.APPROVED
    assert (decided.decided_by_id, decided.reason) == (approver.user_id, "Checked")
    assert decided.decided_at is not None
    assert decided.consumed_at is None
    step = step_of(waiting)
    assert step.state == "answered"
    answer = step.answer or {}
    assert answer.pop("at")
    assert answer == {
        "confirmed": True,
        "note": "Checked",
        "by": str(approver.user_id),
        "approval_id": str(decided.id),
    }
    assert Run.objects.using("system").get(id=waiting.info.run_id).status == "pending"
    assert actions(acme) == ["approval.approved"]
    assert audit.verify(acme.tenant.id) is None


def test_the_trail_goes_on_from_the_head_that_was_locked_with_the_approval(
    acme: TenantWithUsers, approver: Principal, make_waiting: MakeWaiting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first entry about somebody makes her key, which comes before the lock; those that follow find it."""
    locked: list[bool] = []
    append = audit.append

    def noted(*args: Any, **named: Any) -> None:
        locked.append(named["locked"] is not None)
        append(*args, **named)

    monkeypatch.setattr(audit, "append", noted)
    reasons = ["First", "Second", "", "Third"]
    for reason in reasons:
        approval = make_waiting(acme).approval
        approvals.decide(principal=approver, approval_id=approval.id, approved=True, reason=reason)
    assert locked == [False, True, True, True]
    assert audit.verify(acme.tenant.id) is None
    rows = AuditRow.objects.using("system").filter(tenant_id=acme.tenant.id).order_by("seq")
    found = shredding.opened((row.detail for row in rows), tenant_id=acme.tenant.id, using="system")
    assert [detail.get("reason", "") for detail in found] == reasons


async def test_the_server_keeps_the_plans_of_a_decision(approver: Principal, waiting: Waiting) -> None:
    """To plan what it locks takes longer than the rest of the decision; no plan is for one decision's values."""
    decide = partial(approvals.decide, principal=approver, approval_id=waiting.approval.id, approved=True)
    (plans,) = await kept_after(decide, "default")
    assert not any(custom for _, custom in plans), plans
    for part in ("FOR NO KEY UPDATE OF r, a", 'INSERT INTO "governance_vote"', 'UPDATE "agents_step"'):
        assert [statement for statement, _ in plans if part in statement], part


def test_a_key_decides_nothing_whatever_it_holds(acme: TenantWithUsers, approver: Principal, waiting: Waiting) -> None:
    with pytest.raises(PolicyDenied) as refused:
        approvals.decide(principal=replace(approver, via="key"), approval_id=waiting.approval.id, approved=True)
    assert refused.value.code == "person_required"
    assert stored(waiting.approval).status == ApprovalStatus.PENDING
    assert actions(acme) == []


def test_who_may_not_read_it_does_not_decide_it(acme: TenantWithUsers, approver: Principal, waiting: Waiting) -> None:
    blind = replace(approver, scopes=frozenset({"approvals:decide"}))
    with pytest.raises(NotFound):
        approvals.decide(principal=blind, approval_id=waiting.approval.id, approved=True)
    assert stored(waiting.approval).status == ApprovalStatus.PENDING
    assert actions(acme) == []


def test_a_rejection_needs_a_reason_and_keeps_it(acme: TenantWithUsers, approver: Principal, waiting: Waiting) -> None:
    for reason in ("", "  \x00 "):
        with pytest.raises(Invalid):
            approvals.decide(principal=approver, approval_id=waiting.approval.id, approved=False, reason=reason)
    assert actions(acme) == []
    approvals.decide(principal=approver, approval_id=waiting.approval.id, approved=False, reason="Twice the bill")
    assert (step_of(waiting).answer or {})["note"] == "Twice the bill"
    assert actions(acme) == ["approval.rejected"]


def test_a_reason_keeps_no_secret(approver: Principal, waiting: Waiting) -> None:
    reason = "The customer's SSN is 219-09-9999, call jane@example.com"
    approvals.decide(principal=approver, approval_id=waiting.approval.id, approved=False, reason=reason)
    kept = stored(waiting.approval).reason
    assert "219-09-9999" not in kept
    assert "jane@example.com" in kept


@pytest.mark.parametrize("role", ["viewer", "member", "operator", "auditor"])
def test_only_a_role_that_may_decide_decides(
    acme: TenantWithUsers, principal_of: PrincipalOf, waiting: Waiting, role: str
) -> None:
    principal = principal_of(acme.users[role], acme.tenant)
    with pytest.raises(PolicyDenied):
        approvals.decide(principal=principal, approval_id=waiting.approval.id, approved=True)
    assert stored(waiting.approval).status == ApprovalStatus.PENDING


@pytest.mark.parametrize("role", ["approver", "admin"])
def test_nobody_decides_what_she_asked_for(
    acme: TenantWithUsers, principal_of: PrincipalOf, make_waiting: MakeWaiting, role: str
) -> None:
    waiting = make_waiting(acme, acme.users[role])
    principal = principal_of(acme.users[role], acme.tenant)
    with pytest.raises(PolicyDenied) as denied:
        approvals.decide(principal=principal, approval_id=waiting.approval.id, approved=True)
    assert denied.value.code == "own_request"
    assert step_of(waiting).state == "waiting"


def test_nobody_decides_what_is_masked_for_her(acme: TenantWithUsers, make_waiting: MakeWaiting) -> None:
    scopes = frozenset({"approvals:read", "approvals:decide", "runs:read_all"})
    blind = replace(acme.principal("approver"), scopes=scopes)
    waiting = make_waiting(acme)
    for approved in (True, False):
        with pytest.raises(PolicyDenied) as denied:
            approvals.decide(principal=blind, approval_id=waiting.approval.id, approved=approved, reason="because")
        assert denied.value.code == "masked"
    assert stored(waiting.approval).status == ApprovalStatus.PENDING


def test_another_tenants_approval_is_not_there(
    globex: TenantWithUsers, principal_of: PrincipalOf, waiting: Waiting
) -> None:
    for role in ("approver", "admin"):
        stranger = principal_of(globex.users[role], globex.tenant)
        with pytest.raises(NotFound):
            approvals.decide(principal=stranger, approval_id=waiting.approval.id, approved=True)
    assert stored(waiting.approval).status == ApprovalStatus.PENDING


def test_a_second_decision_meets_the_first(
    acme: TenantWithUsers, approver: Principal, principal_of: PrincipalOf, waiting: Waiting
) -> None:
    approvals.decide(principal=approver, approval_id=waiting.approval.id, approved=False, reason="No")
    admin = principal_of(acme.admin, acme.tenant)
    with pytest.raises(Conflict) as conflict:
        approvals.decide(principal=admin, approval_id=waiting.approval.id, approved=True)
    assert "rejected" in conflict.value.detail
    assert acme.approver.name in conflict.value.detail
    assert actions(acme) == ["approval.rejected"]


def test_of_a_hundred_deciders_one_wins(
    acme: TenantWithUsers, approver: Principal, principal_of: PrincipalOf, waiting: Waiting
) -> None:
    deciders, threads = [approver, principal_of(acme.admin, acme.tenant)], 10
    together = Barrier(threads)

    def ten(number: int) -> list[str]:
        together.wait()
        try:
            return [one(number * 10 + place) for place in range(10)]
        finally:
            connections.close_all()

    def one(number: int) -> str:
        try:
            approved = number % 3 > 0
            decided = approvals.decide(
                principal=deciders[number % 2], approval_id=waiting.approval.id, approved=approved, reason="r"
            )
        except Conflict as conflict:
            return conflict.code
        return str(decided.status)

    with ThreadPoolExecutor(threads) as pool:
        results = [result for batch in pool.map(ten, range(threads)) for result in batch]
    standing = stored(waiting.approval)
    assert sorted(results) == sorted(["approval_decided"] * 99 + [standing.status])
    assert (step_of(waiting).answer or {})["confirmed"] is (standing.status == ApprovalStatus.APPROVED)
    assert actions(acme) == [f"approval.{standing.status}"]


def test_a_changed_call_is_not_decided(approver: Principal, waiting: Waiting) -> None:
    with pytest.raises(Conflict) as seen:
        approvals.decide(principal=approver, approval_id=waiting.approval.id, approved=True, shown_hash="0" * 64)
    assert seen.value.code == "call_changed"
    changed = {**waiting.arguments, "amount": "999999"}
    Approval.objects.using("system").filter(id=waiting.approval.id).update(arguments=changed)
    with pytest.raises(Conflict) as unseen:
        approvals.decide(principal=approver, approval_id=waiting.approval.id, approved=True)
    assert unseen.value.code == "call_changed"
    assert stored(waiting.approval).status == ApprovalStatus.PENDING


def test_the_database_clock_ends_an_approval(approver: Principal, waiting: Waiting) -> None:
    overdue(waiting.approval)
    with pytest.raises(Conflict) as conflict:
        approvals.decide(principal=approver, approval_id=waiting.approval.id, approved=True)
    assert conflict.value.code == "approval_expired"
    assert step_of(waiting).state == "waiting"


def test_a_decision_that_cannot_be_settled_leaves_nothing(
    acme: TenantWithUsers, approver: Principal, waiting: Waiting, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object, **kwargs: object) -> None:
        raise Conflict("The audit trail does not take it.")

    monkeypatch.setattr(audit, "append", broken)
    with pytest.raises(Conflict):
        approvals.decide(principal=approver, approval_id=waiting.approval.id, approved=True)
    assert stored(waiting.approval).status == ApprovalStatus.PENDING
    assert step_of(waiting).state == "waiting"
    assert Run.objects.using("system").get(id=waiting.info.run_id).status == "paused"
    assert actions(acme) == []


@pytest.mark.parametrize("minutes", [-1, 0, 5])
def test_a_decided_run_is_taken_here_unless_its_deadline_is_close(
    approver: Principal, waiting: Waiting, minutes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, free = Run.objects.using("system").filter(id=waiting.info.run_id), Idle("free")
    runs.update(deadline_at=Now() + timedelta(minutes=minutes))
    monkeypatch.setattr(handover, "_here", free)
    decided = approvals.decide(principal=approver, approval_id=waiting.approval.id, approved=True)
    run = runs.get()
    is_taken = minutes == 5
    assert (run.status, run.lease_owner) == (("running", "free") if is_taken else ("pending", ""))
    assert (decided.run.status, decided.run.fence) == (run.status, run.fence)
    assert [taken.fence for taken in free.taken] == ([run.fence] if is_taken else [])


def test_an_ended_run_takes_no_decision(approver: Principal, waiting: Waiting) -> None:
    Run.objects.using("system").filter(id=waiting.info.run_id).update(status="cancelled")
    with pytest.raises(Conflict):
        approvals.decide(principal=approver, approval_id=waiting.approval.id, approved=True)
    assert stored(waiting.approval).status == ApprovalStatus.PENDING


def test_the_requester_cannot_answer_in_the_approvers_place(
    acme: TenantWithUsers, principal_of: PrincipalOf, waiting: Waiting
) -> None:
    member = principal_of(acme.member, acme.tenant)
    said = answers.Answer(waiting.step.tool_call_id, confirmed=True)
    with pytest.raises(PolicyDenied):
        answers.answer(principal=member, run_id=waiting.info.run_id, answers=[said])
    assert step_of(waiting).state == "waiting"


def test_the_tick_expires_what_is_due_in_every_tenant(
    acme: TenantWithUsers, globex: TenantWithUsers, make_waiting: MakeWaiting
) -> None:
    due, other, later = make_waiting(acme), make_waiting(globex), make_waiting(acme)
    overdue(due.approval)
    overdue(other.approval)
    assert approvals.expire_due() == 2
    assert approvals.expire_due() == 0
    for expired, tenant in ((due, acme), (other, globex)):
        row = stored(expired.approval)
        assert (row.status, row.decided_by_id) == (ApprovalStatus.EXPIRED, None)
        answer = step_of(expired).answer or {}
        assert answer["confirmed"] is False
        assert "expired" in answer["note"]
        assert actions(tenant) == ["approval.expired"]
    assert stored(later.approval).status == ApprovalStatus.PENDING
    assert step_of(later).state == "waiting"


def test_the_tick_goes_past_a_row_that_somebody_holds_and_one_that_fails(
    acme: TenantWithUsers, make_waiting: MakeWaiting, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, broken, good = make_waiting(acme), make_waiting(acme), make_waiting(acme)
    for each in (held, broken, good):
        overdue(each.approval)
    settle = answers.settle

    def sometimes(**kwargs: object) -> None:
        if kwargs["run"].id == broken.info.run_id:  # type: ignore[attr-defined]
            raise NotFound("There is no such run.")
        settle(**kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(answers, "settle", sometimes)
    with tenant_scope(acme.tenant.id, acme.approver.id):
        assert Approval.objects.select_for_update().get(id=held.approval.id)
        count = approvals.expire_due()
    assert count == 1
    assert stored(good.approval).status == ApprovalStatus.EXPIRED
    assert {stored(held.approval).status, stored(broken.approval).status} == {ApprovalStatus.PENDING}


def test_the_tick_voids_what_no_step_waits_for(acme: TenantWithUsers, waiting: Waiting) -> None:
    overdue(waiting.approval)
    Step.objects.using("system").filter(id=waiting.step.id).update(state="done")
    assert approvals.expire_due() == 1
    assert stored(waiting.approval).status == ApprovalStatus.VOID
    assert actions(acme) == ["approval.void"]


def test_the_tick_cancels_what_an_ended_run_leaves(acme: TenantWithUsers, waiting: Waiting) -> None:
    Run.objects.using("system").filter(id=waiting.info.run_id).update(status="cancelled")
    assert approvals.expire_due() == 1
    assert stored(waiting.approval).status == ApprovalStatus.CANCELLED
    assert actions(acme) == ["approval.cancelled"]
    assert step_of(waiting).state == "waiting"


def test_expiry_and_decision_never_both_win(approver: Principal, waiting: Waiting) -> None:
    overdue(waiting.approval)
    approvals.expire_due()
    Approval.objects.using("system").update(expires_at=F("expires_at") + timedelta(days=1))
    with pytest.raises(CallerError) as refused:
        approvals.decide(principal=approver, approval_id=waiting.approval.id, approved=True)
    assert refused.value.code == "approval_decided"


def test_what_is_halted_waits_and_is_not_decided(acme: TenantWithUsers, make_waiting: MakeWaiting) -> None:
    waiting = make_waiting(acme)
    switch = switches.halt(acme.principal("admin"), target="component:agent:approvals", reason="Refunds go wrong")
    for approved in (True, False):
        with pytest.raises(Conflict) as refused:
            approvals.decide(
                principal=acme.principal("approver"), approval_id=waiting.approval.id, approved=approved, reason="x"
            )
        assert refused.value.code == "halted"
        assert "Refunds go wrong" in refused.value.detail
    switches.release(acme.principal("admin"), switch_id=switch.id)
    decided = approvals.decide(principal=acme.principal("approver"), approval_id=waiting.approval.id, approved=True)
    assert decided.status == "approved"
