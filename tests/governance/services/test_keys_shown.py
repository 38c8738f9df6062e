"""Whoever was shown a service key has asked for what it asks for: its makers and replacers decide nothing of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from importlib import import_module

import pytest
from django.db import ProgrammingError

from accounts import principals
from accounts.models import Membership, Role, ServiceAccount, TenantRole, User
from accounts.principals import Principal
from accounts.services import service_accounts
from accounts.tenancy import tenant_scope
from agentos.core.errors import PolicyDenied
from agentos.core.ids import new_id
from agents.models import Run
from governance import gate, selectors
from governance.models import Approval, Delegation, StandingRule, Vote
from governance.policy.rules import PLAIN
from governance.services import approvals, standing_rules, voting
from tests.conftest import MakeUser, TenantWithUsers
from tests.governance.conftest import MakeWaiting, Waiting, execute, refund
from tests.governance.services.test_standing_rules import make

SCOPES = ["agents:run", "runs:read", "tools:call"]


def loaded(tenant: TenantWithUsers, user_id: object) -> Principal:
    found = principals.load(user_id, tenant.tenant.id)  # type: ignore[arg-type]
    assert found is not None
    return found


@pytest.fixture
def account(acme: TenantWithUsers) -> ServiceAccount:
    """A key for the member, made by the administrator."""
    made, _ = service_accounts.create(
        tenant_id=acme.tenant.id, user_id=acme.member.id, name="ci", scopes_asked=SCOPES, by=acme.principal("admin")
    )
    return made


@pytest.fixture
def asked(acme: TenantWithUsers, make_waiting: MakeWaiting, account: ServiceAccount) -> Waiting:
    """What a run by that key asks for."""
    waiting = make_waiting(acme)
    authority = {"authority": {"scopes": SCOPES, "account": str(account.id)}}
    Run.objects.using("system").filter(id=waiting.info.run_id).update(spec=authority)
    return waiting


def refusal(tenant: TenantWithUsers, reader: Principal, waiting: Waiting) -> str:
    with tenant_scope(tenant.tenant.id, reader.user_id):
        found = voting.objection(reader, selectors.get(reader, waiting.approval.id))
    return found.code if found else ""


def mine(tenant: TenantWithUsers, reader: Principal) -> int:
    with tenant_scope(tenant.tenant.id, reader.user_id):
        return selectors.of_tab(selectors.visible(reader), reader, selectors.MINE).count()


def test_who_made_it(acme: TenantWithUsers, asked: Waiting) -> None:
    maker = loaded(acme, acme.admin.id)
    assert (refusal(acme, maker, asked), mine(acme, maker)) == ("own_request", 0)
    with pytest.raises(PolicyDenied, match="shown to you") as denied:
        approvals.decide(principal=maker, approval_id=asked.approval.id, approved=True)
    assert denied.value.code == "own_request"
    decider = loaded(acme, acme.approver.id)
    assert (refusal(acme, decider, asked), mine(acme, decider)) == ("", 1)


def test_who_replaced_it_later(
    acme: TenantWithUsers, asked: Waiting, account: ServiceAccount, make_user: MakeUser
) -> None:
    second = make_user(acme.tenant, Role.ADMIN, "second@acme.test")
    assert refusal(acme, loaded(acme, second.id), asked) == ""
    service_accounts.rotate(loaded(acme, second.id), account_id=account.id, overlap=timedelta(0), expires_at=None)
    assert refusal(acme, loaded(acme, second.id), asked) == "own_request"
    assert refusal(acme, loaded(acme, acme.admin.id), asked) == "own_request"  # by what she asked before
    known = ServiceAccount.objects.using("system").get(id=account.id)
    assert known.shown_to == [acme.admin.id, second.id]


def test_her_other_requests_and_those_of_others_are_no_matter(
    acme: TenantWithUsers, make_waiting: MakeWaiting, account: ServiceAccount
) -> None:
    waiting = make_waiting(acme)
    maker = loaded(acme, acme.admin.id)
    assert maker.keys == {account.id}
    assert (refusal(acme, maker, waiting), mine(acme, maker)) == ("", 1)
    assert loaded(acme, acme.member.id).keys == frozenset()


def test_keys_from_before_learn_it_from_the_trail(
    acme: TenantWithUsers, account: ServiceAccount, make_user: MakeUser
) -> None:
    second = make_user(acme.tenant, Role.ADMIN, "second@acme.test")
    for who in (second, acme.admin):
        by = loaded(acme, who.id)
        service_accounts.rotate(by, account_id=account.id, overlap=timedelta(0), expires_at=None)
    accounts = ServiceAccount.objects.using("system")
    accounts.update(shown_to=[])
    import_module("accounts.migrations.0021_keys_shown_before").remember(None, None)
    assert accounts.get(id=account.id).shown_to == [acme.admin.id, second.id]


def test_a_former_admin_who_comes_back_still_knows_it(acme: TenantWithUsers, asked: Waiting) -> None:
    Membership.objects.using("system").filter(user=acme.admin, tenant=acme.tenant).update(role=Role.APPROVER)
    assert refusal(acme, loaded(acme, acme.admin.id), asked) == "own_request"


def vote(waiting: Waiting, voter: User, using: str = "default", **more: object) -> Vote:
    """Store a vote past the service that refuses it."""
    approval = waiting.approval
    return Vote.objects.using(using).create(
        tenant_id=approval.tenant_id,
        approval_id=approval.id,
        version=1,
        args_hash=approval.args_hash,
        voter=voter,
        approves=True,
        **more,
    )


@pytest.mark.parametrize("role", ["admin", "approver"])
def test_the_database_takes_no_vote_of_who_was_shown_it(acme: TenantWithUsers, asked: Waiting, role: str) -> None:
    """Whatever her role is by now."""
    Membership.objects.using("system").filter(user=acme.admin, tenant=acme.tenant).update(role=role)
    with pytest.raises(ProgrammingError, match="row-level security"), tenant_scope(acme.tenant.id, acme.admin.id):
        vote(asked, acme.admin)
    with tenant_scope(acme.tenant.id, acme.approver.id):
        assert vote(asked, acme.approver).approves


@pytest.fixture
def lent(acme: TenantWithUsers) -> Delegation:
    """What the administrator, who was shown the key, lends to the approver."""
    return Delegation.objects.using("system").create(
        tenant=acme.tenant, tool="refund", giver=acme.admin, delegate=acme.approver, until="2999-01-01T00:00:00Z"
    )


def test_the_database_takes_no_vote_in_the_place_of_who_was_shown_it(
    acme: TenantWithUsers, asked: Waiting, lent: Delegation, make_waiting: MakeWaiting
) -> None:
    with pytest.raises(ProgrammingError, match="row-level security"), tenant_scope(acme.tenant.id, acme.approver.id):
        vote(asked, acme.approver, in_place_of=acme.admin, delegation=lent)
    other = make_waiting(acme)
    with tenant_scope(acme.tenant.id, acme.approver.id):
        assert vote(other, acme.approver, in_place_of=acme.admin, delegation=lent).approves
        assert vote(asked, acme.approver).approves, "her own vote counts"


def test_the_account_is_seen_for_as_long_as_the_loan(
    acme: TenantWithUsers, account: ServiceAccount, lent: Delegation
) -> None:
    def seen() -> bool:
        with tenant_scope(acme.tenant.id, acme.approver.id):
            return ServiceAccount.objects.filter(id=account.id).exists()

    assert seen()
    Delegation.objects.using("system").update(revoked_at="2026-01-01T00:00:00Z")
    assert not seen()


def test_the_database_takes_no_vote_on_a_run_that_the_voter_can_not_read(acme: TenantWithUsers, asked: Waiting) -> None:
    """Whether she was shown its key could not be told."""
    tenant_role = TenantRole.objects.using("system").create(
        tenant=acme.tenant, name="blind", scopes=["approvals:read", "approvals:decide"]
    )
    blind = Membership.objects.using("system").filter(user=acme.operator, tenant=acme.tenant)
    assert blind.update(role=tenant_role.name) == 1
    with pytest.raises(ProgrammingError, match="row-level security"), tenant_scope(acme.tenant.id, acme.operator.id):
        vote(asked, acme.operator)


@pytest.mark.parametrize("in_place", [False, True])
def test_her_vote_spends_nothing(acme: TenantWithUsers, asked: Waiting, in_place: bool) -> None:
    if in_place:
        lent = Delegation.objects.using("system").create(
            tenant=acme.tenant, tool="refund", giver=acme.admin, delegate=acme.operator, until="2999-01-01T00:00:00Z"
        )
        vote(asked, acme.operator, "system", in_place_of=acme.admin, delegation=lent)
    else:
        vote(asked, acme.admin, "system")
    Approval.objects.using("system").update(status="approved", decided_by=acme.operator)
    spend = gate.spend(asked.info, refund, asked.step, asked.arguments)
    assert execute(spend) == 0
    vote(asked, acme.approver, "system")
    assert execute(spend) == 1


def test_she_consents_to_nothing_of_it_in_advance(
    acme: TenantWithUsers, asked: Waiting, account: ServiceAccount
) -> None:
    info = replace(asked.info, limits=tuple(SCOPES), account_id=account.id)
    rule = make(loaded(acme, acme.admin.id))
    assert standing_rules.find(info, refund, asked.arguments, PLAIN) is None
    consents = partial(gate.consent, new_id(), run=info, tool=refund, step=asked.step, arguments=asked.arguments)
    Approval.objects.using("system").all()._raw_delete("system")
    assert execute(consents(rule.id)) == 0
    assert StandingRule.objects.using("system").get(id=rule.id).used == 0
    others = make(loaded(acme, acme.approver.id))
    assert standing_rules.find(info, refund, asked.arguments, PLAIN) == others
    assert execute(consents(others.id)) == 1
