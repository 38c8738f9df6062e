"""The gate's statements: an approval is asked for once, bound to one call, and spent once."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import Tenant, User
from accounts.principals import Principal
from agentos.core.ids import new_id
from agents.engine.steps import Statement, StepRecord
from agents.engine.tools import Tool
from governance import gate
from governance.models import Approval, ApprovalStatus
from governance.services import approvals
from tests.conftest import TenantWithUsers
from tests.governance.conftest import MakeWaiting, Waiting, execute, make_run, refund

PrincipalOf = Callable[[User, Tenant], Principal]


@pytest.fixture
def waiting(acme: TenantWithUsers, make_waiting: MakeWaiting) -> Waiting:
    return make_waiting(acme)


@pytest.fixture
def approved(acme: TenantWithUsers, waiting: Waiting, principal_of: PrincipalOf) -> Waiting:
    principal = principal_of(acme.approver, acme.tenant)
    approvals.decide(principal=principal, approval_id=waiting.approval.id, approved=True)
    return waiting


def spend(waiting: Waiting, **changes: Any) -> Statement:
    step = replace(waiting.step, path=changes.pop("path", waiting.step.path))
    step.attempts = changes.pop("attempts", 0)
    run = replace(waiting.info, **changes.pop("run", {}))
    used = changes.pop("tool", refund)
    return gate.spend(run, used, step, {**waiting.arguments, **changes})


def test_an_approval_is_spent_once(approved: Waiting) -> None:
    assert execute(spend(approved)) == 1
    assert Approval.objects.using("system").get().consumed_at is not None
    assert execute(spend(approved)) == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": "250.01"},
        {"customer_id": "C-1043"},
        {"reason": "one more"},
        {"path": "1.1"},
        {"tool": replace(refund, name="delete_user_account")},
        {"tool": replace(refund, version="2")},
    ],
    ids=str,
)
def test_a_changed_call_finds_no_approval(approved: Waiting, changes: dict[str, Any]) -> None:
    assert execute(spend(approved, **changes)) == 0
    assert execute(spend(approved)) == 1


def test_another_run_or_tenant_finds_no_approval(approved: Waiting, globex: TenantWithUsers) -> None:
    assert execute(spend(approved, run={"run_id": new_id()})) == 0
    assert execute(spend(approved, run={"tenant_id": globex.tenant.id})) == 0


@pytest.mark.parametrize("status", [status for status in ApprovalStatus.values if status != ApprovalStatus.APPROVED])
def test_nothing_but_an_approval_lets_a_call_run(waiting: Waiting, status: str) -> None:
    Approval.objects.using("system").update(status=status)
    assert execute(spend(waiting)) == 0


def test_an_approval_by_the_requester_is_none(waiting: Waiting) -> None:
    Approval.objects.using("system").update(
        status=ApprovalStatus.APPROVED, decided_by_id=waiting.info.user_id, decided_at=Now()
    )
    assert execute(spend(waiting)) == 0


def test_a_call_that_may_be_repeated_goes_on_under_its_spent_approval(
    acme: TenantWithUsers, principal_of: PrincipalOf
) -> None:
    export = replace(refund, repeat="idempotent")
    waiting = _asked(acme, export)
    principal = principal_of(acme.approver, acme.tenant)
    approvals.decide(principal=principal, approval_id=waiting.approval.id, approved=True)
    assert execute(spend(waiting, tool=export)) == 1
    assert execute(spend(waiting, tool=export)) == 0
    assert execute(spend(waiting, tool=export, attempts=1)) == 1


def test_a_call_that_must_not_be_repeated_does_not(approved: Waiting) -> None:
    assert execute(spend(approved)) == 1
    assert execute(spend(approved, attempts=1)) == 0


def test_asking_again_for_the_same_pending_call_keeps_one_row(waiting: Waiting) -> None:
    again = new_id()
    statement = gate.ask(again, waiting.info, refund, waiting.step, waiting.arguments, hours=72)
    assert execute(statement) == 1
    assert Approval.objects.using("system").get().id == again


def test_asking_for_a_decided_or_changed_call_is_refused(approved: Waiting) -> None:
    same = gate.ask(new_id(), approved.info, refund, approved.step, approved.arguments, hours=72)
    assert execute(same) == 0
    other = gate.ask(new_id(), approved.info, refund, approved.step, {"amount": "1"}, hours=72)
    assert execute(other) == 0


def test_an_approval_is_bound_to_a_run_of_its_tenant(waiting: Waiting, globex: TenantWithUsers) -> None:
    stranger = replace(waiting.info, tenant_id=globex.tenant.id)
    statement = gate.ask(new_id(), stranger, refund, waiting.step, waiting.arguments, hours=72)
    with pytest.raises(IntegrityError), transaction.atomic(using="system"):
        execute(statement)


def test_the_row_shows_what_was_asked(waiting: Waiting, acme: TenantWithUsers) -> None:
    row = Approval.objects.using("system").get()
    assert row.effect_text == "Refund $250.00 to C-1042"
    assert row.arguments == waiting.arguments
    assert row.args_hash == gate.hash_of_row(row)
    assert (row.requester_id, row.status, row.is_demo) == (acme.member.id, "pending", False)
    assert (row.expires_at - row.created_at).total_seconds() == 72 * 3600


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab~", max_size=2), inner, max_size=3),
    max_leaves=8,
)


def _hash(arguments: dict[str, Any]) -> str:
    place = {"run_id": new_id().__class__(int=1), "step_path": "1.0", "tenant_id": new_id().__class__(int=2)}
    return gate.arguments_hash(tool_name="t", tool_version="v", arguments=arguments, **place)  # type: ignore[arg-type]


@given(st.dictionaries(st.text("ab~", max_size=3), json_values, max_size=3))
def test_a_hash_is_the_same_after_a_round_trip(arguments: dict[str, Any]) -> None:
    assert _hash(arguments) == _hash(json.loads(json.dumps(arguments)))


def test_a_hash_tells_large_neighbours_apart_and_reads_exponents_as_digits() -> None:
    assert _hash({"n": 2**60}) != _hash({"n": 2**60 + 1})
    assert _hash({"n": 1e22}) == _hash({"n": 10**22})
    assert _hash({"n": 1.0}) == _hash({"n": 1})
    assert _hash({"n": 2**60}) != _hash({"n": str(2**60)})
    assert _hash({"n": 2**60}) != _hash({"n": {"~": str(2**60)}})
    with pytest.raises(ValueError):
        _hash({"n": float("nan")})


def _asked(tenant: TenantWithUsers, tool: Tool) -> Waiting:
    """Ask for an approval of a tool that the shared fixture does not make."""
    from agents.engine.status import StepKind, StepState
    from tests.governance.conftest import ARGUMENTS, store_step

    info = make_run(tenant, tenant.member)
    request = {"tool": tool.name, "arguments": dict(ARGUMENTS)}
    step = StepRecord(new_id(), "1.0", StepKind.TOOL, tool.name, StepState.WAITING, request, attempts=0)
    store_step(info, step)
    approval_id = new_id()
    assert execute(gate.ask(approval_id, info, tool, step, dict(ARGUMENTS), hours=72)) == 1
    return Waiting(info, step, Approval.objects.using("system").get(id=approval_id), tool)
