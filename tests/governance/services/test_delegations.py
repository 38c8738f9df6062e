"""Delegations: another's vote, about some tools, for some time, of somebody who may decide herself; on record."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import ProgrammingError
from django.db.models.functions import Now

from accounts.models import AuditRow, Membership
from accounts.principals import Principal
from accounts.tenancy import tenant_scope
from agentos.core.clock import utc_now
from agentos.core.errors import CallerError
from agents.registry import registry
from governance import gate, selectors
from governance.api.schemas import ApprovalOut
from governance.editing import Edit
from governance.models import Approval, Delegation, Vote
from governance.policy.rules import Terms
from governance.services import approvals, delegations
from tests.conftest import MakeUser, TenantWithUsers, principal_for
from tests.governance.conftest import SPEC, MakeWaiting, Waiting, execute, refund
from tests.governance.services.deciding import refused, say


@pytest.fixture(autouse=True)
def _tools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(registry), "all", lambda self: [SPEC])


def lend(principal: Principal, to: str = "operator@acme.test", **given: Any) -> Delegation:
    values = {"tool": "refund", "until": utc_now() + timedelta(days=7), "reason": "Away", **given}
    return delegations.give(principal, to=to, **values)


def test_a_delegate_votes_in_the_givers_place_and_it_is_on_record(
    acme: TenantWithUsers, make_waiting: MakeWaiting
) -> None:
    waiting, operator = make_waiting(acme), acme.principal("operator")
    with refused("missing_scope"):
        say(operator, waiting)
    lent = lend(acme.principal("approver"))
    decided = say(operator, waiting)
    assert (decided.status, decided.decided_by_id) == ("approved", operator.user_id)
    (vote,) = ApprovalOut.of(decided).votes
    assert (vote.email, vote.in_place_of) == ("operator@acme.test", acme.approver.id)
    assert execute(gate.spend(waiting.info, refund, waiting.step, waiting.arguments)) == 1
    trail = AuditRow.objects.using("system").filter(tenant_id=acme.tenant.id).order_by("seq")
    assert list(trail.values_list("action", "actor_id")) == [
        ("delegation.given", acme.approver.id),
        ("approval.approved", acme.operator.id),
    ]
    assert trail[1].detail["delegation"] == str(lent.id)
    assert trail[1].detail["in_place_of"] == str(acme.approver.id)


@pytest.mark.parametrize("ended", ["over", "revoked", "other tool", "lost right", "left"])
def test_what_has_ended_lends_nothing(acme: TenantWithUsers, make_waiting: MakeWaiting, ended: str) -> None:
    waiting, operator, giver = make_waiting(acme), acme.principal("operator"), acme.principal("approver")
    lent = lend(giver)
    rows = Delegation.objects.using("system").filter(id=lent.id)
    members = Membership.objects.using("system").filter(user_id=acme.approver.id)
    match ended:
        case "over":
            rows.update(until=Now() - timedelta(seconds=1))
        case "revoked":
            delegations.revoke(giver, delegation_id=lent.id)
        case "other tool":
            rows.update(tool="refunds")
        case "lost right":
            members.update(role="member")
        case "left":
            members.delete()
    with pytest.raises(CallerError):
        say(operator, waiting)
    assert not Vote.objects.using("system").exists()
    forge_refused(acme, waiting, lent)


@pytest.mark.parametrize("approved", [True, False])
def test_it_lends_the_decision_and_not_the_reading(
    acme: TenantWithUsers, make_waiting: MakeWaiting, approved: bool
) -> None:
    waiting, operator = make_waiting(acme), acme.principal("operator")
    lend(acme.principal("approver"))
    blind = replace(operator, scopes=operator.scopes - {"privacy:sensitive"})
    with refused("masked"):
        say(blind, waiting, approved=approved)
    assert not Vote.objects.using("system").exists()
    with tenant_scope(acme.tenant.id, blind.user_id):
        rows = selectors.visible(blind)
        assert not selectors.of_tab(rows, blind, selectors.MINE).exists()
        assert selectors.of_tab(rows, blind, selectors.OTHERS).exists()


def forge_refused(acme: TenantWithUsers, waiting: Waiting, lent: Delegation) -> None:
    """See that the database takes no vote by it either."""
    row = waiting.approval
    values = {"tenant_id": row.tenant_id, "approval_id": row.id, "version": 1, "args_hash": row.args_hash}
    values |= {"voter_id": acme.operator.id, "in_place_of_id": lent.giver_id, "delegation_id": lent.id}
    with pytest.raises(ProgrammingError, match="row-level"), tenant_scope(acme.tenant.id, acme.operator.id):
        Vote.objects.create(**values, approves=True)


def test_nobody_decides_her_own_request_through_another(acme: TenantWithUsers, make_waiting: MakeWaiting) -> None:
    givers, hers = make_waiting(acme, acme.approver), make_waiting(acme, acme.operator)
    lent = lend(acme.principal("approver"))
    with refused("missing_scope"):
        say(acme.principal("operator"), givers)
    with refused("missing_scope"):
        say(acme.principal("operator"), hers)
    forge_refused(acme, givers, lent)
    forge_refused(acme, hers, lent)


def test_a_vote_and_the_one_in_its_place_are_one(
    acme: TenantWithUsers, make_waiting: MakeWaiting, make_user: MakeUser
) -> None:
    approver, operator = acme.principal("approver"), acme.principal("operator")
    lend(approver)
    one, other = make_waiting(acme, terms=Terms(quorum=2)), make_waiting(acme, terms=Terms(quorum=2))
    assert say(approver, one).status == "pending"
    with refused("voted_already"):
        say(operator, one)
    assert say(operator, other).status == "pending"
    with refused("voted_already"):
        say(approver, other)
    Vote.objects.using("system").filter(approval_id=other.approval.id).update(args_hash=other.approval.args_hash)
    Vote.objects.using("system").create(
        tenant_id=acme.tenant.id, approval_id=other.approval.id, version=1, args_hash=other.approval.args_hash,
        voter_id=approver.user_id, approves=True,
    )  # fmt: skip
    Approval.objects.using("system").update(status="approved", decided_by_id=approver.user_id)
    assert execute(gate.spend(other.info, refund, other.step, other.arguments)) == 0


def test_it_lends_the_givers_place_in_the_policy(acme: TenantWithUsers, make_waiting: MakeWaiting) -> None:
    named = make_waiting(acme, terms=Terms(people=(acme.approver.id,)))
    admins = make_waiting(acme, terms=Terms(roles=("admin",)))
    lend(acme.principal("approver"), tool="ref*")
    assert say(acme.principal("operator"), named).status == "approved"
    with refused("missing_scope"):
        say(acme.principal("operator"), admins)


def test_the_inbox_shows_what_was_lent(acme: TenantWithUsers, make_waiting: MakeWaiting) -> None:
    waiting, operator = make_waiting(acme), acme.principal("operator")
    make_waiting(acme, acme.approver)

    def mine() -> list[Any]:
        with tenant_scope(acme.tenant.id, operator.user_id):
            rows = selectors.of_tab(selectors.visible(operator), operator, selectors.MINE)
            return list(rows.values_list("id", flat=True))

    assert mine() == []
    lend(acme.principal("approver"))
    assert mine() == [waiting.approval.id]


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"to": "nobody@acme.test"}, "unknown_member"),
        ({"to": "admin@globex.test"}, "unknown_member"),
        ({"to": "approver@acme.test"}, "bad_delegate"),
        ({"to": "member@acme.test"}, "bad_delegate"),
        ({"to": "auditor@acme.test"}, "bad_delegate"),  # she reads approvals, with their arguments masked
        ({"tool": "nothing"}, "unknown_tool"),
        ({"tool": "re*fund"}, "bad_pattern"),
        ({"tool": ""}, "bad_pattern"),
        ({"until": datetime(2020, 1, 1, tzinfo=UTC)}, "bad_until"),
        ({"until": datetime(2999, 1, 1, tzinfo=UTC)}, "bad_until"),
        ({"until": datetime(2999, 1, 1)}, "bad_until"),  # noqa: DTZ001
        ({"reason": "x" * 201}, "reason_too_long"),
    ],
    ids=str,
)
def test_what_can_not_be_lent(acme: TenantWithUsers, globex: TenantWithUsers, given: Any, code: str) -> None:
    with refused(code):
        lend(acme.principal("approver"), **given)
    assert not Delegation.objects.using("system").exists()


def test_only_who_decides_lends_and_no_key_does(acme: TenantWithUsers) -> None:
    with refused("missing_scope"):
        lend(acme.principal("operator"), to="auditor@acme.test")
    with refused("person_required"):
        lend(replace(acme.principal("approver"), via="key"))
    with pytest.raises(ProgrammingError, match="row-level"), tenant_scope(acme.tenant.id, acme.operator.id):
        Delegation.objects.create(
            tenant_id=acme.tenant.id, giver_id=acme.approver.id, delegate_id=acme.operator.id, tool="*", until=utc_now()
        )


def test_the_two_and_who_manages_take_it_back(acme: TenantWithUsers, globex: TenantWithUsers) -> None:
    for role in ("approver", "operator", "admin"):
        lent = lend(acme.principal("approver"))
        with refused("missing_scope"):
            delegations.revoke(acme.principal("auditor"), delegation_id=lent.id)
        with refused("not_found"):
            delegations.revoke(globex.principal("admin"), delegation_id=lent.id)
        assert delegations.revoke(acme.principal(role), delegation_id=lent.id).revoked_at is not None
        with refused("revoked_already"):
            delegations.revoke(acme.principal(role), delegation_id=lent.id)


def test_a_delegate_edits_nothing(acme: TenantWithUsers, make_waiting: MakeWaiting) -> None:
    waiting = make_waiting(acme)
    lend(acme.principal("approver"))
    edit = Edit({"customer_id": "C-1042", "amount": 1}, "Refund less", Terms())
    with refused("missing_scope"):
        approvals.decide(
            principal=acme.principal("operator"), approval_id=waiting.approval.id, approved=True, edit=edit
        )


def test_who_decides_herself_uses_her_own_right(
    acme: TenantWithUsers, make_waiting: MakeWaiting, make_user: MakeUser
) -> None:
    other = principal_for(make_user(acme.tenant, "approver", "other@acme.test"), acme.tenant, "approver")
    lend(acme.principal("approver"), to="other@acme.test")
    (vote,) = ApprovalOut.of(say(other, make_waiting(acme))).votes
    assert vote.in_place_of is None
