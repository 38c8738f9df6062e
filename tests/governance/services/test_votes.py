"""Votes: as many different people as it takes, none of whom asked; one rejection ends it. In the database, too."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import ProgrammingError, connections
from django.db.models.functions import Now

from accounts.models import AuditRow, Membership
from accounts.people import FORMER
from accounts.principals import Principal
from accounts.tenancy import tenant_scope
from agentos.core.errors import Conflict, Invalid, PolicyDenied
from agentos.core.ids import new_id
from agents.models import Run, Step
from governance import gate, selectors
from governance.api.schemas import ApprovalOut
from governance.models import Approval, ApprovalStatus, Vote
from governance.policy.rules import Terms
from governance.services import approvals
from tests.conftest import MakeUser, TenantWithUsers, principal_for
from tests.governance.conftest import MakeWaiting, Waiting, execute, refund
from tests.governance.services.deciding import refused, say

TWO = Terms(quorum=2)
Approver = Callable[[str], Principal]


@pytest.fixture
def approver(acme: TenantWithUsers, make_user: MakeUser) -> Approver:
    """Make one more person who may decide."""

    def make(name: str) -> Principal:
        return principal_for(make_user(acme.tenant, "approver", f"{name}@acme.test"), acme.tenant, "approver")

    return make


def stored(waiting: Waiting) -> Approval:
    return Approval.objects.using("system").get(id=waiting.approval.id)


def spend(waiting: Waiting) -> int:
    return execute(gate.spend(waiting.info, refund, waiting.step, waiting.arguments))


def test_two_people_are_two_votes(acme: TenantWithUsers, make_waiting: MakeWaiting, approver: Approver) -> None:
    waiting, first, second = make_waiting(acme, terms=TWO), approver("a"), approver("b")
    kept = say(first, waiting)
    assert (kept.status, kept.decided_by_id) == ("pending", None)
    (vote,) = ApprovalOut.of(kept).votes
    assert (vote.email, vote.approves, vote.reason) == ("a@acme.test", True, "Seen")
    assert Step.objects.using("system").get(id=waiting.step.id).state == "waiting"
    assert Run.objects.using("system").get(id=waiting.info.run_id).status == "paused"
    assert spend(waiting) == 0
    decided = say(second, waiting)
    assert (decided.status, decided.decided_by_id) == ("approved", second.user_id)
    assert [vote.email for vote in ApprovalOut.of(decided).votes] == ["a@acme.test", "b@acme.test"]
    assert Run.objects.using("system").get(id=waiting.info.run_id).status == "pending"
    assert spend(waiting) == 1
    trail = AuditRow.objects.using("system").filter(tenant_id=acme.tenant.id).order_by("seq")
    assert list(trail.values_list("action", "actor_id")) == [
        ("approval.voted", first.user_id),
        ("approval.approved", second.user_id),
    ]


def test_nobody_votes_twice(acme: TenantWithUsers, make_waiting: MakeWaiting, approver: Approver) -> None:
    waiting, first = make_waiting(acme, terms=TWO), approver("a")
    say(first, waiting)
    for approved in (True, False):
        with refused("voted_already"):
            say(first, waiting, approved=approved)
    assert Vote.objects.using("system").count() == 1
    assert stored(waiting).status == ApprovalStatus.PENDING


def test_one_rejection_ends_it(acme: TenantWithUsers, make_waiting: MakeWaiting, approver: Approver) -> None:
    waiting = make_waiting(acme, terms=Terms(quorum=3))
    say(approver("a"), waiting)
    assert say(approver("b"), waiting, approved=False).status == "rejected"
    with refused("approval_decided"):
        say(approver("c"), waiting)
    Approval.objects.using("system").update(status="approved", quorum=1)
    assert spend(waiting) == 0


def test_only_the_named_decide(acme: TenantWithUsers, make_waiting: MakeWaiting, approver: Approver) -> None:
    named = approver("named")
    waiting = make_waiting(acme, terms=Terms(people=(named.user_id,)))
    for other in (approver("other"), acme.principal("admin")):
        with refused("not_asked"):
            say(other, waiting)
    assert say(named, waiting).status == "approved"
    nobody = make_waiting(acme, path="2.0", terms=Terms(people=()))
    with refused("not_asked"):
        say(named, nobody)


def test_only_the_role_decides_until_it_is_escalated(
    acme: TenantWithUsers, make_waiting: MakeWaiting, approver: Approver
) -> None:
    terms = Terms(roles=("admin",), escalation_role="approver", escalation_hours=2)
    waiting, one = make_waiting(acme, terms=terms), approver("one")
    row = stored(waiting)
    assert row.escalate_at is not None
    assert (row.escalate_at - row.created_at).total_seconds() == 2 * 3600
    with refused("not_asked"):
        say(one, waiting)
    Approval.objects.using("system").update(escalated_at=Now())
    assert say(one, waiting).status == "approved"


def test_duties_are_separate_within_a_run(acme: TenantWithUsers, make_waiting: MakeWaiting, approver: Approver) -> None:
    first = make_waiting(acme)
    second = make_waiting(acme, path="1.1", info=first.info, terms=Terms(separate=True))
    elsewhere = make_waiting(acme, terms=Terms(separate=True))
    one, other = approver("one"), approver("other")
    say(one, first)
    with refused("separate_duties"):
        say(one, second)
    assert say(one, elsewhere).status == "approved"
    assert say(other, second).status == "approved"


def test_the_terms_are_what_was_in_force_when_it_was_asked(
    acme: TenantWithUsers, make_waiting: MakeWaiting, approver: Approver
) -> None:
    named = approver("named").user_id
    terms = Terms(
        quorum=2, roles=("admin", "approver"), people=(named,), expiry_hours=8, separate=True,
        escalation_role="admin", escalation_hours=4,
    )  # fmt: skip
    row = stored(make_waiting(acme, terms=terms))
    assert (row.quorum, row.approver_roles, row.approvers) == (2, ["admin", "approver"], [named])
    assert (row.separate, row.escalation_role, row.escalated_at) == (True, "admin", None)
    assert (row.expires_at - row.created_at).total_seconds() == 8 * 3600
    assert row.warn_at is not None
    assert (row.warn_at - row.created_at).total_seconds() == 6 * 3600
    plain = stored(make_waiting(acme))
    assert (plain.quorum, plain.approver_roles, plain.approvers, plain.escalate_at) == (1, [], None, None)


@pytest.mark.parametrize("quorum", [1, 2])
def test_a_hundred_at_once_are_as_many_votes_as_it_takes(
    acme: TenantWithUsers, make_waiting: MakeWaiting, approver: Approver, quorum: int
) -> None:
    waiting, threads = make_waiting(acme, terms=Terms(quorum=quorum)), 10
    people, together = [approver(f"p{number}") for number in range(100)], Barrier(threads)

    def ten(number: int) -> list[str]:
        together.wait()
        try:
            return [one(principal) for principal in people[number * 10 : number * 10 + 10]]
        finally:
            connections.close_all()

    def one(principal: Principal) -> str:
        try:
            return str(say(principal, waiting).status)
        except Conflict as conflict:
            standing = "approved already, by Approver of Acme" in conflict.detail
            return conflict.code if standing else conflict.detail

    with ThreadPoolExecutor(threads) as pool:
        results = [result for batch in pool.map(ten, range(threads)) for result in batch]
    assert sorted(results) == sorted(["approved"] + ["pending"] * (quorum - 1) + ["approval_decided"] * (100 - quorum))
    assert Vote.objects.using("system").count() == quorum
    assert [spend(waiting) for _ in range(3)] == [1, 0, 0]


def forge(waiting: Waiting, voter: Any, **changes: Any) -> None:
    """Store a vote and call it approved, as somebody with the machine's own role could."""
    row = stored(waiting)
    values = {"version": row.version, "args_hash": row.args_hash, "approves": True, **changes}
    Vote.objects.using("system").create(tenant_id=row.tenant_id, approval=row, voter_id=voter, **values)
    Approval.objects.using("system").filter(id=row.id).update(status="approved", decided_by_id=voter)


def test_no_call_runs_without_the_votes(acme: TenantWithUsers, make_waiting: MakeWaiting, approver: Approver) -> None:
    waiting, one, other = make_waiting(acme, terms=TWO), approver("a").user_id, approver("b").user_id
    Approval.objects.using("system").update(status="approved", decided_by_id=one)
    assert spend(waiting) == 0
    forge(waiting, one)
    assert spend(waiting) == 0
    forge(waiting, waiting.info.user_id)
    Approval.objects.using("system").update(decided_by_id=one)
    assert spend(waiting) == 0
    forge(waiting, other, args_hash="0" * 64)
    assert spend(waiting) == 0
    forge(waiting, other, version=2)
    assert spend(waiting) == 0
    forge(waiting, acme.admin.id)
    assert spend(waiting) == 1


@pytest.mark.parametrize("forged", ["another", "her own", "decided", "other call", "no right"])
def test_the_database_takes_no_vote_but_ones_own_on_what_waits(
    acme: TenantWithUsers, make_waiting: MakeWaiting, forged: str
) -> None:
    asks = acme.approver if forged == "her own" else acme.member
    waiting = make_waiting(acme, asks)
    user = acme.operator if forged == "no right" else acme.approver
    if forged == "decided":
        say(acme.principal("admin"), waiting, approved=False)
    values = {
        "tenant_id": acme.tenant.id,
        "approval_id": waiting.approval.id,
        "version": 1,
        "args_hash": "0" * 64 if forged == "other call" else waiting.approval.args_hash,
        "voter_id": acme.admin.id if forged == "another" else user.id,
        "approves": True,
    }
    with pytest.raises(ProgrammingError, match="row-level security"), tenant_scope(acme.tenant.id, user.id):
        Vote.objects.create(**values)


@pytest.mark.parametrize("change", ["left", "demoted"])
def test_a_vote_counts_while_its_voter_may_decide(
    acme: TenantWithUsers, make_waiting: MakeWaiting, approver: Approver, change: str
) -> None:
    waiting, first = make_waiting(acme, terms=TWO), approver("first")
    say(first, waiting)
    hers = Membership.objects.using("system").filter(tenant=acme.tenant, user_id=first.user_id)
    hers.delete() if change == "left" else hers.update(role="viewer")
    second = say(approver("second"), waiting)
    assert second.status == ApprovalStatus.PENDING
    emails = [vote.email for vote in ApprovalOut.of(second).votes]
    assert emails[0] == (FORMER if change == "left" else first.email)
    listed = selectors.inbox(acme.principal("admin"), selectors.Filters())
    assert [len(ApprovalOut.of(row).votes) for row in listed.rows] == [2]
    assert say(approver("third"), waiting).status == ApprovalStatus.APPROVED
    assert spend(waiting) == 1


def test_a_policy_may_want_a_reason_to_approve(acme: TenantWithUsers, make_waiting: MakeWaiting) -> None:
    waiting, decider = make_waiting(acme, terms=Terms(reasoned=True)), acme.principal("approver")
    asked = {"principal": decider, "approval_id": waiting.approval.id, "approved": True}
    assert ApprovalOut.of(stored(waiting)).reasoned
    for empty in ("", "  "):
        with pytest.raises(Invalid, match="the policy wants a reason"):
            approvals.decide(**asked, reason=empty)
    assert stored(waiting).status == ApprovalStatus.PENDING
    assert approvals.decide(**asked, reason="Seen the invoice").status == ApprovalStatus.APPROVED
    assert spend(waiting) == 1


def test_votes_are_read_by_who_reads_the_approval(
    acme: TenantWithUsers, globex: TenantWithUsers, make_waiting: MakeWaiting, approver: Approver
) -> None:
    say(approver("a"), make_waiting(acme, terms=TWO))
    for user, sees in ((acme.member, 1), (acme.auditor, 1), (acme.viewer, 0)):
        with tenant_scope(acme.tenant.id, user.id):
            assert Vote.objects.count() == sees
    with tenant_scope(globex.tenant.id, globex.admin.id):
        assert Vote.objects.count() == 0


def test_the_inbox_asks_only_whose_vote_counts(
    acme: TenantWithUsers, make_waiting: MakeWaiting, approver: Approver
) -> None:
    one, two = approver("one"), approver("two")
    both, hers = make_waiting(acme, terms=TWO), make_waiting(acme, terms=Terms(people=(one.user_id,)))
    admins = make_waiting(acme, terms=Terms(roles=("admin",), escalation_role="approver", escalation_hours=1))

    def tab(principal: Principal, name: str) -> set[Any]:
        with tenant_scope(principal.tenant_id, principal.user_id):
            rows = selectors.of_tab(selectors.visible(principal), principal, name)
            return set(rows.values_list("id", flat=True))

    ids = {waiting.approval.id for waiting in (both, hers, admins)}
    assert tab(one, "mine") == {both.approval.id, hers.approval.id}
    assert tab(two, "mine") == {both.approval.id}
    say(one, both)
    assert tab(one, "mine") == {hers.approval.id}
    assert tab(one, "others") == {both.approval.id, admins.approval.id}
    Approval.objects.using("system").filter(id=admins.approval.id).update(escalated_at=Now())
    assert tab(two, "mine") == {both.approval.id, admins.approval.id}
    assert tab(two, "mine") | tab(two, "others") == ids


def test_an_expired_vote_is_none(acme: TenantWithUsers, make_waiting: MakeWaiting, approver: Approver) -> None:
    waiting = make_waiting(acme, terms=TWO)
    Approval.objects.using("system").update(expires_at=Now())
    with refused("approval_expired"):
        say(approver("a"), waiting)
    assert not Vote.objects.using("system").exists()


def test_who_may_not_decide_does_not_vote(acme: TenantWithUsers, make_waiting: MakeWaiting) -> None:
    waiting = make_waiting(acme, terms=TWO)
    with pytest.raises(PolicyDenied):
        say(acme.principal("operator"), waiting)


def test_votes_follow_a_call_that_is_asked_about_again(
    acme: TenantWithUsers, make_waiting: MakeWaiting, approver: Approver
) -> None:
    waiting, again = make_waiting(acme, terms=TWO), new_id()
    say(approver("a"), waiting)
    call = waiting.info, refund, waiting.step, waiting.arguments
    assert execute(gate.ask(again, *call, hours=72, terms=TWO)) == 1
    assert Vote.objects.using("system").get().approval_id == again
