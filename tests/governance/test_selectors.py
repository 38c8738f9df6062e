"""What is in whose inbox, in which order, and what became of each approval."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now

from accounts import seam
from accounts.models import Tenant, User
from accounts.principals import Principal
from accounts.seam import in_thread
from accounts.tenancy import tenant_scope
from agentos.core.errors import Invalid, NotFound
from agents.models import Step
from governance import selectors
from governance.models import Approval
from governance.selectors import Filters
from governance.services import approvals
from tests.conftest import TenantWithUsers
from tests.governance.conftest import MakeWaiting

PrincipalOf = Callable[[User, Tenant], Principal]


@pytest.mark.parametrize(
    ("state", "outcome"),
    [
        ("waiting", "not_started"),
        ("answered", "not_started"),
        ("started", "running"),
        ("done", "done"),
        ("failed", "failed"),
        ("refused", "refused"),
        ("unknown", "unknown"),
    ],
)
def test_the_outcome_is_the_steps(
    acme: TenantWithUsers, make_waiting: MakeWaiting, principal_of: PrincipalOf, state: str, outcome: str
) -> None:
    waiting = make_waiting(acme)
    Step.objects.using("system").filter(id=waiting.step.id).update(state=state)
    reader = principal_of(acme.auditor, acme.tenant)
    assert selectors.outcome(selectors.get(reader, waiting.approval.id)) == outcome
    with tenant_scope(acme.tenant.id, acme.member.id):
        assert selectors.outcome(Approval.objects.get(id=waiting.approval.id)) == outcome


def test_an_approval_without_its_step_has_not_started(
    acme: TenantWithUsers, make_waiting: MakeWaiting, principal_of: PrincipalOf
) -> None:
    waiting = make_waiting(acme)
    Step.objects.using("system").filter(id=waiting.step.id).update(path="elsewhere")
    reader = principal_of(acme.auditor, acme.tenant)
    assert selectors.outcome(selectors.get(reader, waiting.approval.id)) == "not_started"


def test_what_waits_comes_first_and_oldest_first(
    acme: TenantWithUsers, make_waiting: MakeWaiting, principal_of: PrincipalOf
) -> None:
    made = [make_waiting(acme).approval for _ in range(4)]
    for age, approval in enumerate(made):
        created = Now() - timedelta(minutes=10 - age)
        Approval.objects.using("system").filter(id=approval.id).update(created_at=created)
    approver = principal_of(acme.approver, acme.tenant)
    for approval in made[:2]:
        approvals.decide(principal=approver, approval_id=approval.id, approved=True)
    shown = [made[2].id, made[3].id, made[1].id, made[0].id]
    assert [row.id for row in selectors.inbox(approver).rows] == shown
    pages = [selectors.inbox(approver, page=page, limit=3) for page in (1, 2, 3)]
    assert [row.id for page in pages for row in page.rows] == shown
    assert {page.total_count for page in pages} == {4}
    assert selectors.pending_count(approver) == 2


def test_without_the_scope_one_sees_ones_own(
    acme: TenantWithUsers, globex: TenantWithUsers, make_waiting: MakeWaiting, principal_of: PrincipalOf
) -> None:
    mine, other = make_waiting(acme).approval, make_waiting(acme, acme.operator).approval
    member = principal_of(acme.member, acme.tenant)
    assert [row.id for row in selectors.inbox(member).rows] == [mine.id]
    assert selectors.pending_count(member) == 1
    with pytest.raises(NotFound):
        selectors.get(member, other.id)
    stranger = principal_of(globex.admin, globex.tenant)
    assert selectors.inbox(stranger).rows == []
    assert selectors.pending_count(stranger) == 0
    with pytest.raises(NotFound):
        selectors.get(stranger, mine.id)


def test_filters_narrow(acme: TenantWithUsers, make_waiting: MakeWaiting, principal_of: PrincipalOf) -> None:
    operator = principal_of(acme.operator, acme.tenant)
    first, second = make_waiting(acme).approval, make_waiting(acme, acme.operator).approval
    Approval.objects.using("system").filter(id=first.id).update(expires_at=Now() + timedelta(hours=1))
    Approval.objects.using("system").filter(id=second.id).update(tool_name="other", component_id="desk")

    def found(**filters: object) -> list[object]:
        return [row.id for row in selectors.inbox(operator, Filters(**filters)).rows]  # type: ignore[arg-type]

    assert found(mine=True) == [second.id]
    assert found(tool="other") == [second.id]
    assert found(agent="approvals") == [first.id]
    assert found(run=first.run_id) == [first.id]
    assert found(expiring=True) == [first.id]
    assert found(status="rejected") == []
    assert len(found(status="pending")) == 2
    with pytest.raises(Invalid):
        found(status="nonsense")


@pytest.mark.parametrize("filters", [{"mine": True}, {"agent": "approvals"}, {"expiring": True}, {"status": "pending"}])
async def test_plans_that_are_kept_find_the_same(
    acme: TenantWithUsers, make_waiting: MakeWaiting, principal_of: PrincipalOf, filters: dict[str, Any]
) -> None:
    """The server keeps them on connections that stay open, with parameters that it binds itself."""

    def wait() -> tuple[Principal, Approval]:
        approval = make_waiting(acme, acme.operator).approval
        Approval.objects.using("system").filter(id=approval.id).update(expires_at=Now() + timedelta(hours=1))
        return principal_of(acme.operator, acme.tenant), approval

    reader, approval = await in_thread(wait)
    try:
        for _ in range(8):  # after five, it has one plan for all parameters
            page = await in_thread(selectors.inbox, reader, Filters(**filters))
            assert ([row.id for row in page.rows], page.total_count) == ([approval.id], 1)
    finally:
        seam.close()


def test_what_has_expired_is_not_counted(
    acme: TenantWithUsers, make_waiting: MakeWaiting, principal_of: PrincipalOf
) -> None:
    approval = make_waiting(acme).approval
    Approval.objects.using("system").filter(id=approval.id).update(expires_at=Now())
    assert selectors.pending_count(principal_of(acme.approver, acme.tenant)) == 0
