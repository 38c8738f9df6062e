"""Standing rules: consent in advance to so many calls of the like, until a time; counted as the call starts."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import ProgrammingError, connections
from django.db.models.functions import Now

from accounts.models import AuditRow, Membership
from accounts.principals import Principal
from accounts.seam import in_thread
from accounts.tenancy import tenant_scope
from agentos.core.clock import utc_now
from agentos.core.ids import new_id
from agents.engine.status import PauseKind, StepKind, StepState
from agents.engine.steps import StepRecord
from agents.engine.verdicts import Allow, Refuse, Require, Verdict
from governance import asked_before, gate, hooks
from governance.models import Approval, StandingRule, Vote
from governance.policy.rules import PLAIN, Terms
from governance.services import standing_rules
from governance.services.standing_rules import Wanted
from tests.conftest import TenantWithUsers
from tests.governance.conftest import ARGUMENTS, execute, judged, make_run, refund
from tests.governance.services.deciding import refused

SMALL = Wanted("approvals", "refund", ["amount <= 300"], 2, datetime(2999, 1, 1, tzinfo=UTC), "Small ones are fine")


def make(principal: Principal, **changes: Any) -> StandingRule:
    return standing_rules.make(principal, replace(SMALL, **{"until": utc_now() + timedelta(days=7), **changes}))


class Call:
    """A call of a new run that asks for an approval, as the loop has it."""

    def __init__(self, acme: TenantWithUsers, role: str = "member", **arguments: Any) -> None:
        self.info = make_run(acme, acme.users[role], "running")
        self.arguments = {**ARGUMENTS, "amount": 250, **arguments}
        request: Any = {"tool": "refund", "arguments": self.arguments, "schema_hash": refund.schema_hash}
        self.step = StepRecord(new_id(), "1.0", StepKind.TOOL, "refund", StepState.STARTED, request, attempts=0)
        self.step.tool_call_id = "call-1"

    async def judge(self, terms: Terms = PLAIN) -> Verdict:
        judgement = judged(PauseKind.APPROVAL, terms)
        asks = hooks._verdict(self.info, refund, self.step, self.arguments, judgement)
        assert isinstance(asks, Require)
        return await hooks._considered(self.info, refund, self.step, self.arguments, judgement, asks)


async def call(acme: TenantWithUsers, role: str = "member", terms: Terms = PLAIN, **arguments: Any) -> Verdict:
    made = await in_thread(lambda: Call(acme, role, **arguments))
    return await made.judge(terms)


async def start(verdict: Verdict) -> int:
    assert isinstance(verdict, Allow)
    (statement,) = verdict.statements
    return await in_thread(execute, statement)


async def test_calls_of_the_like_start_until_they_are_used_up(acme: TenantWithUsers) -> None:
    rule = await in_thread(make, acme.principal("approver"))
    first, second, third = [await call(acme) for _ in range(3)]
    assert [await start(first), await start(second), await start(third)] == [1, 1, 0]
    assert isinstance(await call(acme), Require)

    def stored() -> None:
        assert StandingRule.objects.using("system").get(id=rule.id).used == 2
        rows = list(Approval.objects.using("system").all())
        assert {(row.status, row.decided_by_id, row.standing_rule_id) for row in rows} == {
            ("approved", acme.approver.id, rule.id)
        }
        assert all(row.consumed_at and row.args_hash == gate.hash_of_row(row) for row in rows)
        assert not Vote.objects.using("system").exists()

    await in_thread(stored)
    assert isinstance(first, Allow)
    (entry,) = first.audit
    assert (entry.action, entry.detail["standing_rule"]) == ("approval.by_rule", str(rule.id))


async def test_other_calls_are_asked_about(acme: TenantWithUsers) -> None:
    await in_thread(lambda: make(acme.principal("approver"), conditions=["amount <= 300", 'customer_id == "C-1042"']))
    assert isinstance(await call(acme), Allow)
    for other in ({"amount": 301}, {"customer_id": "C-1"}, {"amount": "many"}):
        assert isinstance(await call(acme, **other), Require)


async def test_it_never_counts_where_more_people_must_decide(acme: TenantWithUsers) -> None:
    await in_thread(make, acme.principal("approver"))
    for terms in (Terms(quorum=2), Terms(separate=True), Terms(roles=("admin",)), Terms(people=(acme.admin.id,))):
        assert isinstance(await call(acme, terms=terms), Require)
    assert isinstance(await call(acme, terms=Terms(roles=("approver",), people=(acme.approver.id,))), Allow)


async def test_nobody_consents_to_what_she_asks_herself(acme: TenantWithUsers) -> None:
    rule = await in_thread(make, acme.principal("approver"))
    hers = await in_thread(lambda: Call(acme, "approver"))
    assert isinstance(await hers.judge(), Require)
    forced = gate.consent(new_id(), rule.id, hers.info, refund, hers.step, hers.arguments)
    assert await in_thread(execute, forced) == 0


async def test_it_may_be_for_one_requester(acme: TenantWithUsers) -> None:
    await in_thread(lambda: make(acme.principal("approver"), requester_id=acme.operator.id))
    assert isinstance(await call(acme), Require)
    assert isinstance(await call(acme, "operator"), Allow)


@pytest.mark.parametrize("ended", ["over", "revoked", "lost right", "left"])
async def test_what_has_ended_consents_to_nothing(acme: TenantWithUsers, ended: str) -> None:
    rule = await in_thread(make, acme.principal("approver"))
    made = await in_thread(lambda: Call(acme))
    found = await made.judge()

    def end() -> None:
        rows = StandingRule.objects.using("system").filter(id=rule.id)
        members = Membership.objects.using("system").filter(user_id=acme.approver.id)
        match ended:
            case "over":
                rows.update(until=Now() - timedelta(seconds=1))
            case "revoked":
                standing_rules.revoke(acme.principal("approver"), rule_id=rule.id)
            case "lost right":
                members.update(role="member")
            case "left":
                members.delete()

    await in_thread(end)
    assert isinstance(await call(acme), Require)
    if ended in ("over", "revoked"):  # between the look-up and the start of the call
        assert await start(found) == 0


async def test_what_strangers_wrote_uses_no_consent_in_advance(acme: TenantWithUsers) -> None:
    await in_thread(make, acme.principal("approver"))
    made = await in_thread(lambda: Call(acme))
    made.step.request["tainted_by"] = ["fetch_page"]
    assert isinstance(await made.judge(), Require)


async def test_a_no_outweighs_a_yes_in_advance(acme: TenantWithUsers, monkeypatch: pytest.MonkeyPatch) -> None:
    await in_thread(make, acme.principal("approver"))
    monkeypatch.setattr(asked_before, "read", lambda *call: asked_before.Before(2, 0, 0))
    assert isinstance(await call(acme), Refuse)


async def test_a_call_that_began_goes_on_under_the_same_use(acme: TenantWithUsers) -> None:
    rule = await in_thread(lambda: make(acme.principal("approver"), most=1))
    made = await in_thread(lambda: Call(acme))
    assert await start(await made.judge()) == 1
    made.step.attempts = 1
    again = await made.judge()
    assert isinstance(again, Allow)
    used = await in_thread(lambda: StandingRule.objects.using("system").get(id=rule.id).used)
    assert used == 1
    assert await start(again) == 0  # refund may not be repeated; a tool that may be goes on
    idempotent = replace(refund, repeat="idempotent")
    assert await in_thread(execute, gate.spend(made.info, idempotent, made.step, made.arguments)) == 1


def test_of_many_at_once_as_many_start_as_it_says(acme: TenantWithUsers) -> None:
    rule = make(acme.principal("approver"), most=3)
    calls, together = [Call(acme) for _ in range(8)], Barrier(8)

    def begin(made: Call) -> int:
        together.wait()
        try:
            return execute(gate.consent(new_id(), rule.id, made.info, refund, made.step, made.arguments))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(begin, calls)) == 3
    assert StandingRule.objects.using("system").get(id=rule.id).used == 3


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"tool_name": "nothing"}, "unknown_tool"),
        ({"conditions": []}, "bad_condition"),
        ({"conditions": ["  "]}, "bad_condition"),
        ({"conditions": ["price <= 3"]}, "bad_condition"),
        ({"conditions": ["amount <= lots"]}, "bad_condition"),
        ({"most": 0}, "bad_most"),
        ({"most": 1001}, "bad_most"),
        ({"until": datetime(2020, 1, 1, tzinfo=UTC)}, "bad_until"),
        ({"until": datetime(2999, 1, 1, tzinfo=UTC)}, "bad_until"),
        ({"reason": " "}, "reason_missing"),
    ],
    ids=str,
)
def test_what_is_no_rule(acme: TenantWithUsers, changes: Any, code: str) -> None:
    with refused(code):
        make(acme.principal("approver"), **changes)
    assert not StandingRule.objects.using("system").exists()


def test_who_makes_and_revokes_rules(acme: TenantWithUsers, globex: TenantWithUsers) -> None:
    approver = acme.principal("approver")
    with refused("missing_scope"):
        make(acme.principal("operator"))
    with refused("person_required"):
        make(replace(approver, via="key"))
    with refused("own_request"):
        make(approver, requester_id=acme.approver.id)
    for role in ("approver", "admin"):
        rule = make(approver)
        with refused("missing_scope"):
            standing_rules.revoke(acme.principal("auditor"), rule_id=rule.id)
        with refused("not_found"):
            standing_rules.revoke(globex.principal("admin"), rule_id=rule.id)
        standing_rules.revoke(acme.principal(role), rule_id=rule.id)
        with refused("revoked_already"):
            standing_rules.revoke(acme.principal(role), rule_id=rule.id)
    actions = AuditRow.objects.using("system").filter(tenant_id=acme.tenant.id).order_by("seq")
    made_and_revoked = ["standing_rule.made", "standing_rule.revoked"]
    assert list(actions.values_list("action", flat=True)) == made_and_revoked * 2


@pytest.mark.parametrize("column", ["used", "most", "until", "conditions"])
def test_the_application_changes_nothing_of_a_rule_but_its_end(acme: TenantWithUsers, column: str) -> None:
    rule = make(acme.principal("approver"))
    value = {"used": 0, "most": 9, "until": utc_now(), "conditions": "amount <= 9"}[column]
    with pytest.raises(ProgrammingError, match="permission denied"), tenant_scope(acme.tenant.id, acme.approver.id):
        StandingRule.objects.filter(id=rule.id).update(**{column: value})
