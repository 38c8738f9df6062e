"""What announces itself, in the transaction of what it tells of, whoever writes it; and who may read the outbox."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import transaction
from django.db.models.functions import Now

from accounts.models import Tenant, User
from accounts.principals import Principal
from accounts.tenancy import tenant_scope
from agentos.core.ids import new_id
from agents.models import Run, Step
from agents.services import switches
from governance import gate
from governance.models import Announcement, Approval, Kind
from governance.services import approvals
from governance.services.announce import announce
from tests.conftest import TenantWithUsers
from tests.governance.conftest import MakeWaiting, Waiting, execute

PrincipalOf = Callable[[User, Tenant], Principal]


@pytest.fixture
def waiting(acme: TenantWithUsers, make_waiting: MakeWaiting) -> Waiting:
    return make_waiting(acme)


@pytest.fixture
def approver(acme: TenantWithUsers, principal_of: PrincipalOf) -> Principal:
    return principal_of(acme.approver, acme.tenant)


def told(tenant: TenantWithUsers) -> list[str]:
    rows = Announcement.objects.using("system").filter(tenant_id=tenant.tenant.id)
    return list(rows.order_by("created_at", "kind").values_list("kind", flat=True))


def end_step(waiting: Waiting, state: str) -> None:
    Step.objects.using("system").filter(id=waiting.step.id).update(state=state)


def test_asking_is_announced_with_the_request(acme: TenantWithUsers, waiting: Waiting) -> None:
    made = Announcement.objects.using("system").get()
    assert (made.kind, made.approval_id, made.run_id) == (Kind.REQUESTED, waiting.approval.id, waiting.info.run_id)
    assert made.tenant_id == acme.tenant.id
    assert made.spread_at is None


def test_a_request_that_is_not_committed_is_not_announced(acme: TenantWithUsers, waiting: Waiting) -> None:
    Announcement.objects.using("system").all().delete()
    with transaction.atomic(using="system"):
        Approval.objects.using("system").filter(id=waiting.approval.id).update(status="rejected")
        assert told(acme) == ["approval.decided"]
        transaction.set_rollback(True, using="system")
    assert told(acme) == []


def test_asking_again_for_the_same_call_announces_it_once(acme: TenantWithUsers, waiting: Waiting) -> None:
    anew = new_id()
    execute(gate.ask(anew, waiting.info, waiting.tool, waiting.step, waiting.arguments, hours=72))
    assert Announcement.objects.using("system").get().approval_id == anew  # it has followed


@pytest.mark.parametrize("approved", [True, False])
def test_a_decision_is_announced(acme: TenantWithUsers, approver: Principal, waiting: Waiting, approved: bool) -> None:
    approvals.decide(principal=approver, approval_id=waiting.approval.id, approved=approved, reason="Checked.")
    assert told(acme) == ["approval.requested", "approval.decided"]


def test_expiry_is_announced_as_a_decision(acme: TenantWithUsers, waiting: Waiting) -> None:
    rows = Approval.objects.using("system").filter(id=waiting.approval.id)
    rows.update(expires_at=Now() - timedelta(seconds=1))
    approvals.expire_due()
    assert told(acme) == ["approval.requested", "approval.decided"]


def test_what_nobody_decided_is_not_announced(acme: TenantWithUsers, waiting: Waiting) -> None:
    Approval.objects.using("system").filter(id=waiting.approval.id).update(status="cancelled")
    assert told(acme) == ["approval.requested"]


@pytest.mark.parametrize("state", ["failed", "unknown"])
def test_the_failure_of_an_approved_call_is_announced(
    acme: TenantWithUsers, approver: Principal, waiting: Waiting, state: str
) -> None:
    approvals.decide(principal=approver, approval_id=waiting.approval.id, approved=True)
    end_step(waiting, state)
    end_step(waiting, state)  # once only
    assert told(acme) == ["approval.requested", "approval.decided", f"step.{state}"]
    last = Announcement.objects.using("system").get(kind=f"step.{state}")
    assert (last.approval_id, last.step_id) == (waiting.approval.id, waiting.step.id)


def test_only_an_unknown_outcome_is_announced_of_a_call_that_nobody_approved(
    acme: TenantWithUsers, waiting: Waiting
) -> None:
    end_step(waiting, "failed")
    assert told(acme) == ["approval.requested"]
    end_step(waiting, "unknown")
    assert told(acme) == ["approval.requested", "step.unknown"]


def test_a_dead_letter_is_announced_once(acme: TenantWithUsers, waiting: Waiting) -> None:
    run = Run.objects.using("system").filter(id=waiting.info.run_id)
    run.update(error_code="timeout")
    run.update(error_code="too_many_recoveries")
    run.update(error_code="too_many_recoveries")
    assert told(acme) == ["approval.requested", "run.given_up"]


def test_halting_is_announced_to_its_tenant(
    acme: TenantWithUsers, globex: TenantWithUsers, principal_of: PrincipalOf
) -> None:
    switches.halt(principal_of(acme.admin, acme.tenant), target="tenant", reason="Looks wrong.")
    assert (told(acme), told(globex)) == (["halt.set"], [])
    switches.halt_everything(reason="Outage.")
    assert (told(acme), told(globex)) == (["halt.set", "halt.set"], ["halt.set"])


def test_what_the_clock_brings_is_announced_once(acme: TenantWithUsers, waiting: Waiting) -> None:
    approval = Approval.objects.using("system").get(id=waiting.approval.id)
    for _ in range(2):
        with transaction.atomic(using="system"):
            announce(Kind.EXPIRING, approval)
    assert told(acme) == ["approval.requested", "approval.expiring"]
    with pytest.raises(AssertionError, match="commits with"):
        announce(Kind.ESCALATED, approval)


def test_members_write_the_outbox_and_do_not_read_it(
    acme: TenantWithUsers, globex: TenantWithUsers, waiting: Waiting
) -> None:
    with tenant_scope(acme.tenant.id, acme.approver.id):
        announce(Kind.EXPIRING, Approval.objects.get(id=waiting.approval.id))
        assert not Announcement.objects.exists()
    with tenant_scope(acme.tenant.id, acme.admin.id):
        assert Announcement.objects.count() == 2
    with tenant_scope(globex.tenant.id, globex.admin.id):
        assert not Announcement.objects.exists()


def test_announcements_go_with_their_run(acme: TenantWithUsers, waiting: Waiting) -> None:
    end_step(waiting, "unknown")
    for rows in (Approval.objects, Step.objects):
        whose = rows.using("system").filter(tenant_id=acme.tenant.id)
        whose._raw_delete("system")  # as retention and erasure do
    assert told(acme) == []
