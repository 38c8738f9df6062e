"""What is kept of rights and rules is dropped once a change is committed: a page commits after it has been rendered.

Whoever asks in between reads what was before, and it would be kept by the very process that has changed it.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction

from accounts import principals
from accounts.kept import Kept
from accounts.privacy import choices
from accounts.services import grants, members, roles, service_accounts
from accounts.tenancy import tenant_scope
from agentos.core.clock import monotonic
from agents.services import tenant_models
from governance.guards import tenant_settings
from governance.policy import in_force
from governance.policy.wanted import Wanted
from governance.services import guards, policies
from tests.conftest import TenantWithUsers

Change = Callable[[TenantWithUsers], object]
DENY = Wanted("process_refund", "deny")
SERVICES = ("accounts", "agents", "governance", "knowledge")


def change_role(acme: TenantWithUsers) -> None:
    members.change_role(acme.principal("admin"), user_id=acme.member.id, role="viewer")


def change_a_role(acme: TenantWithUsers) -> None:
    role = roles.create(acme.principal("admin"), name="reader", scopes_asked=["agents:run", "agents:read"])
    roles.change(acme.principal("admin"), role_id=role.id, scopes_asked=["agents:read"])


def give(acme: TenantWithUsers) -> Any:
    asked = {"kind": "agents", "name": "helpdesk", "verb": "run"}
    return grants.give(acme.principal("admin"), user_id=acme.member.id, **asked)


def make_key(acme: TenantWithUsers) -> Any:
    asked = {"tenant_id": acme.tenant.id, "user_id": acme.admin.id, "by": acme.principal("admin")}
    return service_accounts.create(name="batch", scopes_asked=["agents:run"], **asked)[0]


def rotate(acme: TenantWithUsers, account: Any) -> None:
    options: dict[str, Any] = {"overlap": timedelta(0), "expires_at": None}
    service_accounts.rotate(acme.principal("admin"), account_id=account.id, **options)


def revoke(acme: TenantWithUsers, account: Any) -> None:
    service_accounts.revoke(tenant_id=acme.tenant.id, account_id=account.id, actor_id=acme.admin.id)


def put(acme: TenantWithUsers, **options: Any) -> Any:
    return policies.put(acme.principal("admin"), tool=DENY.tool, rules=[DENY], **options)


def set_guard(acme: TenantWithUsers) -> None:
    said = {"component": "", "guard": "pii", "place": "input", "mode": "block", "reason": "We said so."}
    guards.put(acme.principal("admin"), **said)


def nothing(acme: TenantWithUsers) -> None:
    """Need nothing before the change."""


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    yield
    for kept in (principals.cache, in_force.kept, tenant_settings.cache, tenant_models.cache):
        kept.forget()


CHANGES: list[Any] = [
    pytest.param(principals.cache, nothing, lambda acme, _: change_role(acme), id="a member's role"),
    pytest.param(principals.cache, nothing, lambda acme, _: change_a_role(acme), id="a role"),
    pytest.param(principals.cache, nothing, lambda acme, _: give(acme), id="a grant"),
    pytest.param(
        principals.cache,
        give,
        lambda acme, grant: grants.take(acme.principal("admin"), grant_id=grant.id),
        id="a grant taken",
    ),
    pytest.param(principals.cache, nothing, lambda acme, _: make_key(acme), id="a key"),
    pytest.param(principals.cache, make_key, rotate, id="a key rotated"),
    pytest.param(principals.cache, make_key, revoke, id="a key revoked"),
    pytest.param(
        principals.cache, nothing, lambda acme, _: choices.change(acme.principal("member"), memory=True), id="a choice"
    ),
    pytest.param(in_force.kept, nothing, lambda acme, _: put(acme), id="a rule"),
    pytest.param(
        in_force.kept,
        lambda acme: put(acme, activate=False),
        lambda acme, _: policies.activate(acme.principal("admin")),
        id="a draft",
    ),
    pytest.param(
        in_force.kept,
        put,
        lambda acme, made: policies.roll_back(acme.principal("admin"), number=made.number, reason="It was right."),
        id="an earlier version",
    ),
    pytest.param(tenant_settings.cache, nothing, lambda acme, _: set_guard(acme), id="a guard"),
    pytest.param(
        tenant_models.cache,
        nothing,
        lambda acme, _: tenant_models.allow(acme.principal("admin"), models=["big"]),
        id="the models",
    ),
]


@pytest.mark.parametrize(("kept", "before", "change"), CHANGES)
def test_what_is_read_before_the_commit_is_not_kept_after_it(
    acme: TenantWithUsers, kept: Kept[Any], before: Change, change: Callable[[TenantWithUsers, Any], object]
) -> None:
    there = before(acme)
    was = acme.principal("member")
    with tenant_scope(acme.tenant.id, acme.admin.id):
        change(acme, there)
        kept.keep("read by another request", monotonic(), was)
    assert kept.peek("read by another request") is None


def test_a_change_that_is_undone_drops_nothing(acme: TenantWithUsers) -> None:
    principals.cache.keep("known", monotonic(), acme.principal("member"))
    with tenant_scope(acme.tenant.id, acme.admin.id):
        change_role(acme)
        transaction.set_rollback(True)
    assert principals.cache.peek("known") is not None


def test_no_service_drops_what_is_kept_behind_a_tenant_s_scope() -> None:
    """That is before the commit, where the scope of a page is around it."""
    early = []
    for path in (path for name in SERVICES for path in (Path(settings.BASE_DIR) / name).rglob("*.py")):
        for function in ast.walk(ast.parse(path.read_text())):
            if isinstance(function, ast.FunctionDef) and {"tenant_scope", "_scope"} & _called(function):
                early += [f"{path.name}: {function.name}"] if "forget" in _called(function) else []
    assert early == []


def _called(function: ast.FunctionDef) -> set[str]:
    calls = [node.func for node in ast.walk(function) if isinstance(node, ast.Call)]
    return {call.id if isinstance(call, ast.Name) else getattr(call, "attr", "") for call in calls}
