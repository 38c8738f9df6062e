"""Whoever was shown a service key has asked for what it asks for: its makers and replacers decide nothing of it."""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module

import pytest

from accounts import principals
from accounts.models import Membership, Role, ServiceAccount
from accounts.principals import Principal
from accounts.services import service_accounts
from accounts.tenancy import tenant_scope
from agentos.core.errors import PolicyDenied
from agents.models import Run
from governance import selectors
from governance.services import approvals, voting
from tests.conftest import MakeUser, TenantWithUsers
from tests.governance.conftest import MakeWaiting, Waiting

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
