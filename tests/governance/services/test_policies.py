"""Policies as rows: drafted, put in force, gone back from; what the gate does is what is explained; all audited."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import httpx
import pytest
from django.db import Error, connections
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts import principals
from accounts.models import AuditRow, User
from accounts.seam import in_thread
from accounts.tenancy import tenant_scope
from agentos.core.errors import Conflict, Invalid, NotFound, PolicyDenied
from agentos.core.ids import new_id
from agentos.lean import LeanHandler
from agents.engine.run_info import RunInfo
from agents.engine.spec import AgentSpec
from agents.engine.status import PauseKind, StepKind, StepState
from agents.engine.steps import StepRecord
from agents.engine.tools import tool
from agents.engine.verdicts import Allow, Refuse, Require, Verdict
from agents.registry import Registry, registry
from governance.access import explaining
from governance.hooks import Governance
from governance.models import PolicyRule, PolicyVersion
from governance.policy.wanted import wanted_of
from governance.services import policies
from governance.services.policies import Wanted
from tests.conftest import TenantWithUsers


@tool(says="Look")
async def look() -> str:
    """Look."""
    return ""


BIG = Wanted("process_refund", "deny", conditions="amount >= 500", note="Ask finance")
ARGUMENTS = {"customer_id": "C-1042", "amount": 250, "reason": "twice"}


@pytest.fixture(autouse=True)
def _fresh(deploy: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """These tests are about the catalog's own components."""
    monkeypatch.setattr(Registry, "get", _get)
    principals.cache.forget()
    yield
    principals.cache.forget()


def _get(self: Registry, kind: str, id: str) -> Any:
    return next(spec for spec in self.all() if (spec.kind, spec.id) == (kind, id))


async def gate(tenant: TenantWithUsers, tool_name: str = "process_refund", **changed: Any) -> Verdict:
    """Ask the gate as the loop does, for the tenant's member."""
    spec = next(spec for spec in registry.all() if spec.tool(tool_name))
    tool = spec.tool(tool_name)
    assert tool is not None
    run = RunInfo(new_id(), tenant.tenant.id, tenant.member.id, "s", spec, "m", "Hello")
    arguments = {**ARGUMENTS, **changed}
    step = StepRecord(new_id(), "1.0", StepKind.TOOL, tool.name, StepState.STARTED, {"arguments": arguments})
    return await Governance().before_tool(run, tool, step, arguments)


def actions(tenant: TenantWithUsers) -> list[str]:
    rows = AuditRow.objects.using("system").filter(tenant_id=tenant.tenant.id, object_type="policy").order_by("seq")
    return list(rows.values_list("action", flat=True))


async def put(tenant: TenantWithUsers, *wanted: Wanted, role: str = "admin", **options: Any) -> PolicyVersion:
    who = tenant.principal(role)
    return await in_thread(policies.put, who, tool=wanted[0].tool, rules=list(wanted), **options)


async def test_a_rule_is_what_the_gate_does_and_what_is_explained(
    acme: TenantWithUsers, globex: TenantWithUsers
) -> None:
    assert isinstance(await gate(acme, amount=600), Require)
    await put(acme, BIG, reason="Too much went out")
    refused = await gate(acme, amount=600)
    assert isinstance(refused, Refuse)
    assert "rule 1 of policy 1" in refused.reason.lower()
    asked = await gate(acme, amount=250)
    assert isinstance(asked, Require)
    assert "the tool" not in asked.requirement["why"].lower()
    assert isinstance(await gate(globex, amount=600), Require)
    member = await in_thread(explaining.member_of, acme.tenant.id, "member@acme.test")
    found = await explaining.explain(
        member, tool="process_refund", args='{"customer_id": "C", "amount": 600, "reason": "x"}'
    )
    assert (found.word, found.judgement.decided.layer) == ("refused", "policy")
    anyhow = await explaining.explain(member, tool="process_refund")
    assert anyhow.word == "asks"
    assert "amount >= 500" in anyhow.judgement.decided.reason


async def test_a_tool_that_wants_nothing_is_gated_by_role_with_terms(
    acme: TenantWithUsers, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = AgentSpec("looker", "Look.", tools=(look,))
    monkeypatch.setattr(Registry, "all", lambda self: [spec])
    assert isinstance(await gate(acme, "look"), Allow)
    await put(acme, Wanted("lo*", "confirm", role="admin"))
    assert isinstance(await gate(acme, "look"), Allow)
    await put(acme, Wanted("look", "approve", role="member", expiry_hours=3))
    asked = await gate(acme, "look")
    assert isinstance(asked, Require)
    assert asked.kind is PauseKind.APPROVAL
    assert 3 in asked.statements[-1].parameters


async def test_loosening_takes_its_own_scope_and_is_told_loudly(acme: TenantWithUsers) -> None:
    loose = Wanted("process_refund", "allow", conditions="amount < 10", loosens=True)
    writer = acme.principal("admin").narrowed(["policies:write", "policies:read"])
    with pytest.raises(PolicyDenied):
        await in_thread(policies.put, writer, tool=loose.tool, rules=[loose])
    assert isinstance(await gate(acme, amount=5), Require)
    await put(acme, loose)
    assert isinstance(await gate(acme, amount=5), Allow)
    assert isinstance(await gate(acme, amount=10), Require)
    await in_thread(policies.put, writer, tool="delete_user_account", rules=[Wanted("delete_user_account", "deny")])
    assert await in_thread(actions, acme) == ["policy.loosened", "policy.loosened"]


class TestVersions:
    def test_a_draft_changes_nothing_until_it_is_in_force(self, acme: TenantWithUsers) -> None:
        admin = acme.principal("admin")
        made = policies.put(admin, tool=BIG.tool, rules=[BIG], activate=False)
        assert (made.number, made.status) == (1, "draft")
        assert policies.draft(admin).id == made.id
        with pytest.raises(Conflict):
            policies.put(admin, tool=BIG.tool, rules=[BIG])
        assert policies.activate(admin, reason="Now").status == "active"
        second = policies.put(admin, tool="delete_user_account", rules=[Wanted("delete_user_account", "deny")])
        assert second.number == 2
        with pytest.raises(NotFound):
            policies.activate(admin)
        back = policies.roll_back(admin, number=1, reason="Too strict")
        assert (back.number, back.restores, back.status) == (3, 1, "active")
        with tenant_scope(acme.tenant.id, acme.admin.id):
            states = dict(PolicyVersion.objects.values_list("number", "status"))
            rules = wanted_of(PolicyRule.objects.filter(version__number=3))
            assert PolicyRule.objects.filter(version=second).count() == 2
        assert states == {1: "superseded", 2: "superseded", 3: "active"}
        assert rules == [BIG]
        assert actions(acme) == ["policy.changed", "policy.activated", "policy.activated", "policy.activated"]

    def test_a_draft_is_discarded(self, acme: TenantWithUsers) -> None:
        admin = acme.principal("admin")
        policies.draft(admin)
        policies.discard(admin)
        with pytest.raises(NotFound):
            policies.discard(admin)
        assert actions(acme) == ["policy.drafted", "policy.discarded"]

    @pytest.mark.parametrize("role", ["viewer", "member", "operator", "approver", "auditor"])
    def test_who_may_not(self, acme: TenantWithUsers, role: str) -> None:
        who = acme.principal(role)
        for change in (
            lambda: policies.draft(who),
            lambda: policies.put(who, tool=BIG.tool, rules=[BIG]),
            lambda: policies.fill(who, rules=[BIG]),
            lambda: policies.activate(who),
            lambda: policies.roll_back(who, number=1, reason=""),
            lambda: policies.discard(who),
        ):
            with pytest.raises(PolicyDenied):
                change()

    def test_the_database_keeps_it_so(self, acme: TenantWithUsers) -> None:
        """Whoever gets past the service changes no rule that is in force, and writes none without the right."""
        admin = acme.principal("admin")
        made = policies.put(admin, tool=BIG.tool, rules=[BIG])
        with tenant_scope(acme.tenant.id, acme.admin.id):
            assert PolicyRule.objects.filter(version=made).delete()[0] == 0
        with pytest.raises(Error, match="permission denied"), tenant_scope(acme.tenant.id, acme.admin.id):
            PolicyRule.objects.filter(version=made).update(level="confirm")
        with tenant_scope(acme.tenant.id, acme.member.id):
            assert PolicyVersion.objects.filter(id=made.id).update(status="superseded") == 0
        with pytest.raises(Error), tenant_scope(acme.tenant.id, acme.member.id):
            PolicyVersion.objects.create(tenant_id=acme.tenant.id, number=9, created_by_id=acme.member.id)
        with connections["system"].cursor() as cursor, pytest.raises(Error):
            cursor.execute("DELETE FROM governance_policyrule")


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        (Wanted("no_such", "deny"), "unknown_tool"),
        (Wanted("process_refund", "deny", component="helpdesk"), "unknown_tool"),
        (Wanted("process_refund", "deny", component="no-such"), "unknown_component"),
        (Wanted("process_refund", "deny", role="no-such"), "unknown_role"),
        (Wanted("process_refund", "approve", approver_role="no-such"), "unknown_role"),
        (Wanted("process_refund", "approve", approvers=(new_id(),)), "unknown_member"),
        (Wanted("process_refund", "input"), "bad_level"),
        (Wanted("process_refund", "allow"), "no_effect"),
        (Wanted("process_refund", "deny", loosens=True), "no_effect"),
        (Wanted("process_refund", "approve", loosens=True), "no_effect"),
        (Wanted("run_diagnostic", "approve"), "no_effect"),
        (Wanted("process_refund", "deny", quorum=2), "no_effect"),
        (Wanted("process_refund", "approve", quorum=0), "bad_quorum"),
        (Wanted("process_refund", "approve", quorum=21), "bad_quorum"),
        (Wanted("process_refund", "approve", expiry_hours=0), "bad_hours"),
        (Wanted("process_refund", "approve", escalation_role="admin"), "bad_escalation"),
        (Wanted("process_refund", "approve", escalation_role="admin", escalation_hours=72), "bad_escalation"),
        (
            Wanted("process_refund", "approve", expiry_hours=9, escalation_role="admin", escalation_hours=9),
            "bad_escalation",
        ),
        (Wanted("process_refund", "approve", approver_role="member"), "bad_role"),
        (Wanted("process_refund", "approve", escalation_role="viewer", escalation_hours=1), "bad_role"),
        (Wanted("process_refund", "deny", conditions="amount >= lots"), "bad_condition"),
        (Wanted("process_refund", "deny", conditions="price >= 5"), "bad_condition"),
        (Wanted("process_refund", "deny", conditions="\n".join(["amount >= 5"] * 21)), "bad_condition"),
        (Wanted("*" * 11, "deny"), "bad_pattern"),
        (Wanted("process_refund", "deny", note="x" * 201), "too_long"),
    ],
)
def test_rules_that_do_not_fit(acme: TenantWithUsers, rule: Wanted, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        policies.put(acme.principal("admin"), tool=rule.tool, rules=[rule])
    assert refused.value.code == code
    assert refused.value.detail.startswith("Rule 1: ")


_RULES = st.builds(
    Wanted,
    tool=st.sampled_from(["process_refund", "process_*", "*_refund"]),
    level=st.sampled_from(["confirm", "approve", "deny"]),
    role=st.sampled_from(["", "member", "admin"]),
    conditions=st.sampled_from(["", "amount >= 500", "amount < 500", 'reason contains "x"']),
)


@given(st.lists(_RULES, min_size=1, max_size=4), st.sampled_from([1, 499, 500, 900]))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_explain_and_gate_never_disagree(acme: TenantWithUsers, wanted: list[Wanted], amount: int) -> None:
    admin = acme.principal("admin")
    await in_thread(policies.fill, admin, rules=wanted)
    await in_thread(policies.activate, admin)
    member = await in_thread(explaining.member_of, acme.tenant.id, "member@acme.test")
    args = f'{{"customer_id": "C-1042", "amount": {amount}, "reason": "twice"}}'
    found = await explaining.explain(member, tool="process_refund", args=args)
    verdict = await gate(acme, amount=amount)
    assert isinstance(verdict, Refuse) is (found.word == "refused")
    assert isinstance(verdict, Require) is (found.word == "asks")
    if isinstance(verdict, Refuse):
        assert verdict.reason == found.judgement.decided.reason
    if isinstance(verdict, Require):
        assert verdict.requirement["why"] == found.judgement.decided.reason


class TestApi:
    @pytest.fixture
    async def client(self, database: None) -> AsyncIterator[httpx.AsyncClient]:
        transport = httpx.ASGITransport(app=LeanHandler())  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver/api") as client:
            yield client

    async def sign_in(self, client: httpx.AsyncClient, who: User) -> None:
        signed = await client.post("/auth/token", json={"email": who.email, "password": "demo"})
        client.headers["Authorization"] = f"Bearer {signed.json()['access']}"

    async def test_from_a_rule_to_a_rollback(self, client: httpx.AsyncClient, acme: TenantWithUsers) -> None:
        await self.sign_in(client, acme.admin)
        body = {"rules": [{"level": "deny", "conditions": ["amount >= 500"]}], "reason": "Too much"}
        made = await client.put("/policies/process_refund", json=body)
        assert made.status_code == 200, made.text
        assert (made.json()["number"], made.json()["rules"][0]["name"]) == (1, "rule 1 of policy 1")
        shown = (await client.get("/policies")).json()
        refund = next(row for row in shown["tools"] if row["tool"] == "process_refund")
        assert (refund["declared"], refund["level"], refund["reason"]) == ("approve", "approve", "the tool itself")
        assert refund["sometimes"] == ["rule 1 of policy 1 (process_refund, amount >= 500): deny"]
        assert (await client.put("/policies/process_refund", json={"rules": []})).json()["rules"] == []
        assert (await client.post("/policies/rollback", json={"number": 1, "reason": "Hm"})).json()["restores"] == 1
        drafted = await client.put("/policies/process_refund", json={**body, "activate": False})
        assert drafted.json()["status"] == "draft"
        assert (await client.delete("/policies/draft")).status_code == 204
        assert (await client.post("/policies/activate", json={})).status_code == 404
        assert [row["number"] for row in (await client.get("/policies/versions")).json()] == [3, 2, 1]

    async def test_what_is_refused(self, client: httpx.AsyncClient, acme: TenantWithUsers) -> None:
        await self.sign_in(client, acme.auditor)
        assert (await client.get("/policies")).status_code == 200
        for answer in (
            await client.put("/policies/process_refund", json={"rules": []}),
            await client.post("/policies/activate", json={}),
            await client.post("/policies/rollback", json={"number": 1}),
            await client.delete("/policies/draft"),
        ):
            assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope")
        await self.sign_in(client, acme.member)
        assert (await client.get("/policies")).status_code == 403
        await self.sign_in(client, acme.admin)
        wrong = await client.put(
            "/policies/process_refund", json={"rules": [{"level": "deny", "conditions": ["amount >= lots"]}]}
        )
        assert (wrong.status_code, wrong.json()["code"]) == (422, "bad_condition")
        assert wrong.json()["errors"][0]["field"] == "rules.0"
        assert (await client.put("/policies/process_refund", json={"rules": [{"level": "input"}]})).status_code == 422

    async def test_halting_and_releasing(self, client: httpx.AsyncClient, acme: TenantWithUsers) -> None:
        await self.sign_in(client, acme.admin)
        made = await client.post("/halts", json={"target": "tool:process_refund", "reason": "Twice"})
        assert made.status_code == 200, made.text
        again = await client.post("/halts", json={"target": "tool:process_refund", "reason": "Twice"})
        assert (again.status_code, again.json()["code"]) == (409, "halted_already")
        explained = (await client.get("/access/explain", params={"tool": "process_refund"})).json()
        assert (explained["outcome"], explained["decided"]["layer"]) == ("refused", "kill switch")
        await self.sign_in(client, acme.member)
        shown = (await client.get("/halts")).json()
        assert [(row["target"], row["reason"], row["by"]) for row in shown] == [
            ("tool:process_refund", "Twice", "admin@acme.test")
        ]
        assert (await client.post("/halts", json={"target": "tenant", "reason": "x"})).status_code == 403
        assert (await client.delete(f"/halts/{shown[0]['id']}")).status_code == 403
        await self.sign_in(client, acme.admin)
        assert (await client.delete(f"/halts/{shown[0]['id']}")).status_code == 200
        assert (await client.delete(f"/halts/{shown[0]['id']}")).status_code == 404
        assert (await client.get("/halts")).json() == []


def test_decimal_amounts_are_compared_exactly() -> None:
    from governance.policy.conditions import holds, parse

    assert holds(parse("amount >= 500"), {"amount": str(Decimal("499.99999999999999999"))}) is False
