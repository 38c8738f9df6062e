"""Before an approval expires a warning is announced, and after a while it is escalated; neither decides anything."""

from __future__ import annotations

from datetime import timedelta

from django.db.models.functions import Now

from accounts.models import AuditRow
from accounts.tenancy import tenant_scope
from governance.models import Announcement, Approval
from governance.policy.rules import Terms
from governance.services import approvals
from governance.services.reminders import remind_due
from tests.conftest import TenantWithUsers
from tests.governance.conftest import MakeWaiting, Waiting

ESCALATED = Terms(roles=("admin",), escalation_role="approver", escalation_hours=2)
PAST = Now() - timedelta(seconds=1)


def stored(waiting: Waiting) -> Approval:
    return Approval.objects.using("system").get(id=waiting.approval.id)


def announced(waiting: Waiting) -> list[str]:
    rows = Announcement.objects.using("system").filter(approval_id=waiting.approval.id).order_by("created_at", "id")
    return sorted(rows.values_list("kind", flat=True))


def test_nothing_is_due_yet(acme: TenantWithUsers, make_waiting: MakeWaiting) -> None:
    waiting = make_waiting(acme, terms=ESCALATED)
    assert remind_due() == 0
    assert announced(waiting) == ["approval.requested"]


def test_a_warning_comes_once_in_every_tenant(
    acme: TenantWithUsers, globex: TenantWithUsers, make_waiting: MakeWaiting
) -> None:
    ours, theirs = make_waiting(acme), make_waiting(globex)
    Approval.objects.using("system").update(warn_at=PAST)
    assert [remind_due(), remind_due()] == [2, 0]
    for waiting in (ours, theirs):
        assert announced(waiting) == ["approval.expiring", "approval.requested"]
        assert stored(waiting).status == "pending"


def test_what_waits_too_long_is_escalated_and_stays_undecided(acme: TenantWithUsers, make_waiting: MakeWaiting) -> None:
    waiting = make_waiting(acme, terms=ESCALATED)
    Approval.objects.using("system").update(escalate_at=PAST)
    assert [remind_due(), remind_due()] == [1, 0]
    row = stored(waiting)
    assert (row.status, row.decided_by_id, row.escalate_at) == ("pending", None, None)
    assert row.escalated_at is not None
    assert announced(waiting) == ["approval.escalated", "approval.requested"]
    trail = AuditRow.objects.using("system").get(tenant_id=acme.tenant.id)
    assert (trail.action, trail.actor_id, trail.detail["role"]) == ("approval.escalated", None, "approver")
    principal = acme.principal("approver")
    assert approvals.decide(principal=principal, approval_id=row.id, approved=True).status == "approved"


def test_who_could_decide_before_still_can(acme: TenantWithUsers, make_waiting: MakeWaiting) -> None:
    waiting = make_waiting(acme, terms=ESCALATED)
    Approval.objects.using("system").update(escalate_at=PAST)
    remind_due()
    principal = acme.principal("admin")
    decided = approvals.decide(principal=principal, approval_id=waiting.approval.id, approved=False, reason="No")
    assert decided.status == "rejected"


def test_what_is_decided_expired_or_held_is_left(acme: TenantWithUsers, make_waiting: MakeWaiting) -> None:
    decided, expired, held = make_waiting(acme), make_waiting(acme), make_waiting(acme)
    principal = acme.principal("approver")
    approvals.decide(principal=principal, approval_id=decided.approval.id, approved=True)
    Approval.objects.using("system").update(warn_at=PAST, escalate_at=PAST)
    Approval.objects.using("system").filter(id=expired.approval.id).update(expires_at=PAST)
    with tenant_scope(acme.tenant.id, acme.approver.id):
        assert Approval.objects.select_for_update().get(id=held.approval.id)
        assert remind_due() == 0
    assert remind_due() == 1
    assert announced(held) == ["approval.escalated", "approval.expiring", "approval.requested"]
