"""An approver may say what is done instead: it fits the tool, is judged anew, has its own hash, and alone is run."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import ProgrammingError

from accounts.models import AuditRow
from accounts.principals import Principal
from accounts.seam import in_thread
from accounts.tenancy import tenant_scope
from agentos.core.ids import new_id
from agentos.core.types import JsonObject
from agents.engine.status import PauseKind
from agents.models import Step
from governance import access, editing, gate
from governance.access import Question
from governance.api.schemas import ApprovalOut
from governance.guards import judging
from governance.models import Approval
from governance.policy.rules import PLAIN, Terms
from governance.services import approvals
from tests.conftest import TenantWithUsers
from tests.governance.conftest import MakeWaiting, Waiting, execute, judged, refund
from tests.governance.services.deciding import refused

LESS: JsonObject = {"customer_id": "C-1042", "amount": 40}


@dataclass
class Policy:
    """What the gate's question is answered with, and the questions it was asked."""

    kind: PauseKind | None = PauseKind.APPROVAL
    terms: Terms = PLAIN
    refuses: bool = False
    asked: list[Question] = field(default_factory=list)


class Cleaning:
    """Guards as a runtime has them."""

    async def check_answer(self, spec: Any, text: str, *, tenant_id: Any, noted: Any = None) -> str:
        return judging.without_private(text)


@pytest.fixture(autouse=True)
def policy(monkeypatch: pytest.MonkeyPatch) -> Policy:
    policy = Policy()

    async def judge(question: Question) -> access.Judgement:
        policy.asked.append(question)
        answer = judged(policy.kind, policy.terms)
        if not policy.refuses:
            return answer
        refusal = access.Answer("policy", "tools:refund:call", access.Outcome.REFUSES, "Not that much.")
        return access.Judgement((refusal,), refusal)

    monkeypatch.setattr(access, "judge", judge)
    monkeypatch.setattr(editing, "runtime", lambda: SimpleNamespace(hooks=Cleaning()))
    return policy


async def edit(principal: Principal, waiting: Waiting, arguments: JsonObject, **more: Any) -> Approval:
    prepared = await editing.prepare(principal, waiting.approval.id, arguments)
    decided = {"approval_id": waiting.approval.id, "approved": True, "reason": "Less", "edit": prepared}
    return await in_thread(lambda: approvals.decide(principal=principal, **decided, **more))


def versions() -> list[tuple[int, str, Any]]:
    rows = Approval.objects.using("system").order_by("version")
    return list(rows.values_list("version", "status", "arguments"))


def spend(waiting: Waiting, arguments: JsonObject) -> int:
    return execute(gate.spend(waiting.info, refund, waiting.step, arguments))


async def test_the_edited_call_is_the_next_version_and_alone_runs(
    acme: TenantWithUsers, make_waiting: MakeWaiting
) -> None:
    waiting = await in_thread(lambda: make_waiting(acme))
    approver = acme.principal("approver")
    made = await edit(approver, waiting, LESS, shown_hash=waiting.approval.args_hash)
    out = ApprovalOut.of(made)
    assert (out.status, out.version, out.tool_args) == ("approved", 2, LESS)
    assert (out.proposed_args, out.executed_args, out.edited_by) == (waiting.arguments, None, approver.user_id)
    assert (out.effect_text, out.requester) == ("Refund $40.00 to C-1042", "member@acme.test")
    assert out.args_hash != waiting.approval.args_hash
    assert out.expires_at == int(waiting.approval.expires_at.timestamp())

    def stored() -> None:
        assert versions() == [(1, "void", waiting.arguments), (2, "approved", LESS)]
        step = Step.objects.using("system").get(id=waiting.step.id)
        assert (step.answer or {})["edited_arguments"] == LESS
        assert step.request["requirement"]["approval_id"] == str(made.id)
        assert spend(waiting, waiting.arguments) == 0
        assert [spend(waiting, LESS), spend(waiting, LESS)] == [1, 0]
        trail = AuditRow.objects.using("system").filter(tenant_id=acme.tenant.id).order_by("seq")
        assert list(trail.values_list("action", "object_id")) == [("approval.approved", str(made.id))]
        assert trail[0].detail["edited_from"] == waiting.approval.args_hash
        assert trail[0].detail["replaces"] == str(waiting.approval.id)

    await in_thread(stored)


async def test_the_policy_judges_the_edited_arguments(
    acme: TenantWithUsers, make_waiting: MakeWaiting, policy: Policy
) -> None:
    waiting = await in_thread(lambda: make_waiting(acme))
    policy.terms = Terms(quorum=2)
    made = await edit(acme.principal("approver"), waiting, {"customer_id": "C-1042", "amount": 9000})
    assert (made.status, made.quorum) == ("pending", 2)
    assert [(vote.email, vote.approves) for vote in ApprovalOut.of(made).votes] == [("approver@acme.test", True)]
    assert policy.asked[-1].arguments == {"customer_id": "C-1042", "amount": 9000}
    decided = await in_thread(
        lambda: approvals.decide(principal=acme.principal("admin"), approval_id=made.id, approved=True)
    )
    assert decided.status == "approved"
    assert await in_thread(spend, waiting, {"customer_id": "C-1042", "amount": 9000}) == 1


async def test_who_may_not_vote_on_the_edited_call_only_proposes_it(
    acme: TenantWithUsers, make_waiting: MakeWaiting, policy: Policy
) -> None:
    waiting = await in_thread(lambda: make_waiting(acme))
    policy.terms = Terms(roles=("admin",))
    made = await edit(acme.principal("approver"), waiting, {"customer_id": "C-1042", "amount": 9000})
    assert (made.status, made.version, ApprovalOut.of(made).votes) == ("pending", 2, [])
    trail = await in_thread(lambda: list(AuditRow.objects.using("system").filter(tenant_id=acme.tenant.id)))
    assert [row.action for row in trail] == ["approval.edited"]
    assert await in_thread(spend, waiting, {"customer_id": "C-1042", "amount": 9000}) == 0


async def test_what_the_policy_refuses_is_not_proposed(
    acme: TenantWithUsers, make_waiting: MakeWaiting, policy: Policy
) -> None:
    waiting = await in_thread(lambda: make_waiting(acme))
    policy.refuses = True
    with refused("edited_args_refused"):
        await edit(acme.principal("approver"), waiting, LESS)
    assert await in_thread(versions) == [(1, "pending", waiting.arguments)]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"customer_id": "C-1042"}, "edited_args_invalid"),
        ({}, "edited_args_invalid"),
        ({"customer_id": "C-1042", "amount": "lots"}, "edited_args_invalid"),
        ({"customer_id": "C-1042", "amount": 1, "confirmed": True}, "edited_args_invalid"),
        ({"customer_id": "x" * 60_000, "amount": 1}, "edited_args_invalid"),
        ({"customer_id": "219-09-9999", "amount": 1}, "edited_args_private"),
    ],
    ids=str,
)
async def test_arguments_that_do_not_fit_change_nothing(
    acme: TenantWithUsers, make_waiting: MakeWaiting, arguments: JsonObject, code: str
) -> None:
    waiting = await in_thread(lambda: make_waiting(acme))
    with refused(code):
        await edit(acme.principal("approver"), waiting, arguments)
    assert await in_thread(versions) == [(1, "pending", waiting.arguments)]


async def test_the_same_arguments_are_no_edit(acme: TenantWithUsers, make_waiting: MakeWaiting) -> None:
    waiting = await in_thread(lambda: make_waiting(acme, amount=250))
    made = await edit(acme.principal("approver"), waiting, {"customer_id": "C-1042", "amount": 250.0})
    assert (made.version, made.status, made.proposed) == (1, "approved", None)


async def test_nobody_edits_what_she_may_not_decide(acme: TenantWithUsers, make_waiting: MakeWaiting) -> None:
    own = await in_thread(lambda: make_waiting(acme, acme.approver))
    with refused("own_request"):
        await edit(acme.principal("approver"), own, LESS)
    named = await in_thread(lambda: make_waiting(acme, terms=Terms(people=(acme.admin.id,))))
    with refused("not_asked"):
        await edit(acme.principal("approver"), named, LESS)
    with refused("missing_scope"):
        await edit(acme.principal("operator"), named, LESS)


async def test_an_edit_of_an_edit_keeps_what_the_model_asked_for(
    acme: TenantWithUsers, make_waiting: MakeWaiting, policy: Policy
) -> None:
    waiting = await in_thread(lambda: make_waiting(acme))
    policy.terms = Terms(quorum=2)
    first = await edit(acme.principal("approver"), waiting, LESS)
    waiting.approval = first
    last = await edit(acme.principal("admin"), waiting, LESS | {"amount": 30})
    assert (last.version, last.proposed, last.status) == (3, waiting.arguments, "pending")
    assert [vote.email for vote in ApprovalOut.of(last).votes] == ["admin@acme.test"]
    with refused("approval_void"):
        await in_thread(
            lambda: approvals.decide(principal=acme.principal("approver"), approval_id=first.id, approved=True)
        )


async def test_the_database_takes_no_version_but_an_editors_own(
    acme: TenantWithUsers, make_waiting: MakeWaiting
) -> None:
    waiting = await in_thread(lambda: make_waiting(acme))

    def forged(**changes: Any) -> None:
        row = Approval.objects.using("system").get(id=waiting.approval.id)
        values = {"version": 2, "proposed": {}, "edited_by_id": acme.approver.id, "status": "pending", **changes}
        for name, value in values.items():
            setattr(row, name, value)
        row.pk = new_id()
        with (
            pytest.raises(ProgrammingError, match="row-level security"),
            tenant_scope(acme.tenant.id, acme.approver.id),
        ):
            row.save(using="default", force_insert=True)

    def all_of_them() -> None:
        forged(status="approved")
        forged(edited_by_id=acme.admin.id)
        forged(requester_id=acme.approver.id)
        forged(proposed=None)
        forged(decided_by_id=acme.admin.id)

    await in_thread(all_of_them)
