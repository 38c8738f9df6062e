"""How an approval stands for whoever has its page open: each thing that happens is said, as far as she may see it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.db.models.functions import Now

from accounts.models import Membership
from accounts.principals import Principal
from agents.services import switches
from governance import watching
from governance.models import Approval
from governance.policy.rules import Terms
from governance.services import approvals, questions, reminders
from tests.conftest import TenantWithUsers
from tests.governance.conftest import MakeWaiting, Waiting


def live(reader: Principal, waiting: Waiting) -> dict[str, Any]:
    found = watching.live(reader, waiting.approval.id)
    assert found is not None
    return found


def change(waiting: Waiting, **columns: Any) -> None:
    Approval.objects.using("system").filter(id=waiting.approval.id).update(**columns)


def test_a_halt_is_said_and_so_is_its_release(acme: TenantWithUsers, make_waiting: MakeWaiting) -> None:
    waiting, approver = make_waiting(acme), acme.principal("approver")
    before = live(approver, waiting)
    switch = switches.halt(acme.principal("admin"), target="tenant", reason="Odd\u200b refunds.")
    halted = live(approver, waiting)
    assert (halted["status"], halted["may_decide"]) == ("pending", False)
    assert halted["says"].startswith("Halted: everything here (“Odd[U+200B] refunds.”).")
    switches.release(acme.principal("admin"), switch_id=switch.id)
    assert live(approver, waiting) == before


def test_an_escalation_lets_others_in(acme: TenantWithUsers, make_waiting: MakeWaiting) -> None:
    terms = Terms(roles=("approver",), escalation_role="admin", escalation_hours=1)
    waiting, admin = make_waiting(acme, terms=terms), acme.principal("admin")
    before = live(admin, waiting)
    assert not before["may_decide"]
    change(waiting, escalate_at=Now())
    assert reminders.remind_due() == 1
    after = live(admin, waiting)
    assert after["may_decide"]
    assert after["says"] == "It was escalated: the role admin may decide as well."
    assert after["key"] != before["key"]


def test_the_votes_of_others_are_counted(acme: TenantWithUsers, make_waiting: MakeWaiting) -> None:
    waiting = make_waiting(acme, terms=Terms(quorum=2))
    approvals.decide(principal=acme.principal("admin"), approval_id=waiting.approval.id, approved=True)
    found = live(acme.principal("approver"), waiting)
    assert (found["says"], found["may_decide"]) == ("1 of 2 people have approved.", True)


@pytest.mark.parametrize("change_of_voter", ["left", "demoted"])
def test_a_vote_that_counts_no_more_is_not_counted_to_anybody(
    acme: TenantWithUsers, make_waiting: MakeWaiting, change_of_voter: str
) -> None:
    waiting = make_waiting(acme, terms=Terms(quorum=2))
    approvals.decide(principal=acme.principal("admin"), approval_id=waiting.approval.id, approved=True)
    before = live(acme.principal("approver"), waiting)
    hers = Membership.objects.using("system").filter(tenant=acme.tenant, user_id=acme.admin.id)
    hers.delete() if change_of_voter == "left" else hers.update(role="viewer")
    after = live(acme.principal("approver"), waiting)
    assert (after["says"], after["may_decide"]) == ("0 of 2 people have approved.", True)
    assert after["key"] != before["key"]


def test_questions_and_answers_are_counted_and_the_requester_is_asked(
    acme: TenantWithUsers, make_waiting: MakeWaiting
) -> None:
    waiting, approver, member = make_waiting(acme), acme.principal("approver"), acme.principal("member")
    asked = questions.ask(principal=approver, approval_id=waiting.approval.id, text="Which invoice?")
    assert live(member, waiting)["says"] == "You are asked something: it waits for your answer."
    assert live(approver, waiting)["says"] == "Questions to the requester: 1 asked, 0 answered."
    questions.answer(principal=member, approval_id=waiting.approval.id, question_id=asked.id, text="4711")
    assert live(approver, waiting)["says"] == "Questions to the requester: 1 asked, 1 answered."


def test_what_has_expired_offers_what_still_waits(acme: TenantWithUsers, make_waiting: MakeWaiting) -> None:
    waiting, other, approver = make_waiting(acme), make_waiting(acme), acme.principal("approver")
    change(waiting, expires_at=Now())
    assert live(approver, waiting)["says"] == "This has expired. Nobody can approve it any more."
    assert approvals.expire_due() == 1
    found = live(approver, waiting)
    assert (found["status"], found["may_decide"]) == ("expired", False)
    assert found["says"] == f"Expired. {approvals.EXPIRED_NOTE}"
    assert found["next"]["link"].endswith(f"/{other.approval.id}/change/")


def test_what_was_asked_for_anew_leads_there(acme: TenantWithUsers, make_waiting: MakeWaiting) -> None:
    waiting = make_waiting(acme)
    change(waiting, status="void", reason="The tool has changed.")
    row = Approval.objects.using("system").get(id=waiting.approval.id)
    row.pk, row.version, row.status = None, 2, "pending"
    row.id = Approval().id
    row.save(using="system", force_insert=True)
    found = live(acme.principal("approver"), waiting)
    assert found["says"] == "Void. The tool has changed. It was asked for anew."
    assert found["next"]["link"].endswith(f"/{row.id}/change/")


def test_who_decided_is_masked_where_the_page_masks_it(acme: TenantWithUsers, make_waiting: MakeWaiting) -> None:
    waiting, auditor = make_waiting(acme), acme.principal("auditor")
    approvals.decide(
        principal=acme.principal("admin"), approval_id=waiting.approval.id, approved=False, reason="C-1042 again"
    )
    blind = replace(auditor, scopes=auditor.scopes - {"privacy:personal"})
    for reader, who in ((auditor, True), (blind, False)):
        says = live(reader, waiting)["says"]
        assert says.startswith("Rejected by ")
        assert ("Admin" in says) is who
        assert ("C-1042 again" in says) is who
