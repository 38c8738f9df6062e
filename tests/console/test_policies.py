"""The pages of policies and kill switches: a rule drafted, refused beside its field, tried, in force, undone."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import AuditRow, User
from agents.models import KillSwitch, Step
from governance.models import PolicyRule, PolicyVersion
from governance.policy.in_force import kept
from governance.policy.selectors import VERSIONS_A_PAGE
from governance.services import policies
from governance.services.policies import Wanted
from tests.conftest import TenantWithUsers
from tests.console.conftest import Ask, change_url, page

SignIn = Callable[[User], Client]
PAGES = ("", "draft/", "draft/simulate/", "1/")


@pytest.fixture(autouse=True)
def _fresh() -> Any:
    kept.forget()
    yield
    kept.forget()


def rule(place: int, **fields: str) -> dict[str, str]:
    given = {"tool": "process_refund", "level": "approve", "quorum": "1", **fields}
    return {f"rules-{place}-{name}": value for name, value in given.items()}


def form(client: Client, *rules: dict[str, str], stored: int = 0, **more: str) -> dict[str, str]:
    shown = page(client.get("/admin/policies/draft/"))
    seen = shown.partition('name="seen" value="')[2].partition('"')[0]
    counts = {"rules-TOTAL_FORMS": str(len(rules)), "rules-INITIAL_FORMS": str(stored)}
    return {key: value for each in rules for key, value in each.items()} | counts | {"seen": seen} | more


def actions(tenant: TenantWithUsers) -> list[str]:
    rows = AuditRow.objects.using("system").filter(tenant_id=tenant.tenant.id, object_type__in=["policy", "halt"])
    return list(rows.order_by("seq").values_list("action", flat=True))


def test_from_a_draft_to_a_policy_in_force_and_back(acme: TenantWithUsers, signed_in: SignIn) -> None:
    client = signed_in(acme.admin)
    big = rule(0, level="deny", conditions="amount >= 500", note="Ask finance")
    two = rule(1, quorum="2", approver_role="approver")
    stored = client.post("/admin/policies/draft/", form(client, big, two, reason="Too much went out"))
    assert stored.status_code == 302
    shown = page(client.get("/admin/policies/draft/"))
    assert shown.count('data-testid="rule"') == 3
    assert "amount &gt;= 500" in shown
    assert PolicyVersion.objects.using("system").get().status == "draft"
    tried = page(client.get("/admin/policies/draft/simulate/?days=30"))
    assert "0 of 0 calls would be decided otherwise" in tried
    assert client.post("/admin/policies/draft/activate/", {"reason": "Too much went out"}).status_code == 302
    shown = page(client.get("/admin/policies/"))
    assert "In force: policy 1" in shown
    assert "approve, by 2 people, with the role approver" in shown
    # One rule is taken out, one stays; then back to both.
    kept_rule, gone = rule(0, level="deny", conditions="amount >= 500"), rule(1, quorum="2", DELETE="on")
    assert client.post("/admin/policies/draft/", form(client, kept_rule, gone, stored=2)).status_code == 302
    client.post("/admin/policies/draft/activate/")
    beside = page(client.get("/admin/policies/1/"))
    assert "Beside policy 2" in beside
    assert client.post("/admin/policies/1/rollback/", {"reason": "Back"}).status_code == 302
    assert PolicyVersion.objects.using("system").get(status="active").restores == 1
    assert PolicyRule.objects.using("system").filter(version__status="active").count() == 2
    assert actions(acme) == [
        "policy.changed", "policy.activated", "policy.changed", "policy.activated", "policy.activated",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"tool": "no_such_tool"}, "There is no tool"),
        ({"conditions": "amount > "}, "is no value"),
        ({"conditions": "colour == 3"}, "has no argument colour"),
        ({"level": "allow"}, "must say that it loosens"),
        ({"quorum": "21"}, "less than or equal to 20"),
        ({"quorum": ""}, "This field is required"),
        ({"level": "sometimes"}, "Select a valid choice"),
        ({"approver_role": "viewer"}, "may not decide approvals"),
    ],
)
def test_a_refusal_stands_beside_its_rule(
    acme: TenantWithUsers, signed_in: SignIn, wrong: dict[str, str], said: str
) -> None:
    client = signed_in(acme.admin)
    refused = client.post("/admin/policies/draft/", form(client, rule(0), rule(1, **wrong)))
    assert refused.status_code in (400, 422)
    _, _, second = page(refused).split('data-testid="rule"')[:3]
    assert said in second
    assert not PolicyVersion.objects.using("system").exists()


def test_nobody_overwrites_what_she_has_not_seen(acme: TenantWithUsers, signed_in: SignIn) -> None:
    client = signed_in(acme.admin)
    mine = form(client, rule(0))
    policies.put(acme.principal("admin"), tool="process_refund", rules=[Wanted("process_refund", "deny")])
    refused = client.post("/admin/policies/draft/", mine)
    assert refused.status_code == 409
    assert "Somebody else has changed this meanwhile" in page(refused)


def test_why_a_call_is_gated_names_the_rule(acme: TenantWithUsers, signed_in: SignIn) -> None:
    client = signed_in(acme.admin)
    policies.put(
        acme.principal("admin"),
        tool="process_refund",
        rules=[Wanted("process_refund", "deny", conditions="amount >= 500")],
    )
    asked = {"thing": "agent:approvals/process_refund", "role": "member"}
    full = '{"customer_id": "C-1", "amount": %s, "reason": "x"}'
    denied = page(client.get("/admin/policies/", {**asked, "args": full % 600}))
    assert "by rule 1 of policy 1 (process_refund, amount &gt;= 500): deny" in denied
    assert "as the tool itself declares" in page(client.get("/admin/policies/", {**asked, "args": full % 6}))
    assert "For some calls" in page(client.get("/admin/policies/", asked))
    for wrong in ({"args": "{"}, {"args": '{"amount": "lots"}'}, {"thing": "agent:nobody/x"}):
        shown = client.get("/admin/policies/", {**asked, **wrong})
        assert shown.status_code == 200
        assert 'data-testid="problem"' in page(shown)


def test_who_may_read_changes_nothing_and_who_may_not_sees_nothing(acme: TenantWithUsers, signed_in: SignIn) -> None:
    reader = signed_in(acme.auditor)
    assert "draft-link" not in page(reader.get("/admin/policies/"))
    assert reader.get("/admin/policies/draft/").status_code == 403
    assert reader.post("/admin/policies/draft/activate/").status_code == 403
    member = signed_in(acme.member)
    assert [member.get(f"/admin/policies/{path}").status_code for path in PAGES] == [403] * 4
    assert member.get("/admin/halts/").status_code == 403
    assert "Policies" not in page(member.get("/admin/governance/approval/"))


def test_all_versions_are_listed_page_by_page(acme: TenantWithUsers, signed_in: SignIn) -> None:
    admin, client = acme.principal("admin"), signed_in(acme.admin)
    policies.fill(admin, rules=[Wanted("process_refund", "approve")])
    policies.activate(admin)
    assert 'data-testid="pages"' not in page(client.get("/admin/policies/"))
    for _ in range(VERSIONS_A_PAGE):
        policies.roll_back(admin, number=1, reason="")
    listed = [
        re.findall(r'<a class="ao-link" href="/admin/policies/(\d+)/">', page(client.get(f"/admin/policies/?{asked}")))
        for asked in ("", "p=2", "p=99", "p=x")
    ]
    newest = [str(number) for number in range(VERSIONS_A_PAGE + 1, 1, -1)]
    assert listed == [newest, ["1"], ["1"], newest]
    shown = page(client.get("/admin/policies/?role=member&p=2"))
    assert 'href="?role=member&amp;p=1#versions-title" aria-label="Page 1"' in shown, "what was asked stays"
    assert '<b aria-current="page">2</b>' in shown


def test_another_tenants_versions_are_not_there(
    acme: TenantWithUsers, globex: TenantWithUsers, signed_in: SignIn
) -> None:
    policies.put(acme.principal("admin"), tool="process_refund", rules=[Wanted("process_refund", "deny")])
    client = signed_in(globex.admin)
    assert client.get("/admin/policies/1/").status_code == 404
    assert client.post("/admin/policies/1/rollback/", {"reason": "x"}).status_code == 404
    assert not PolicyVersion.objects.using("system").filter(tenant=globex.tenant).exists()


def test_an_approver_reads_which_rule_asked(acme: TenantWithUsers, signed_in: SignIn, ask: Ask) -> None:
    approval = ask(acme)
    step = Step.objects.using("system").get(run_id=approval.run_id, path=approval.step_path)
    step.request["requirement"] = {**step.request.get("requirement", {}), "why": "Rule 1 of policy 4 (process_*)."}
    step.save(using="system")
    assert "Rule 1 of policy 4 (process_*)." in page(signed_in(acme.approver).get(change_url(approval)))


def test_a_switch_is_set_seen_and_released(acme: TenantWithUsers, signed_in: SignIn) -> None:
    client = signed_in(acme.admin)
    assert 'data-testid="nothing"' in page(client.get("/admin/halts/"))
    refused = client.post("/admin/halts/", {"target": "tool:process_refund", "reason": " "})
    assert refused.status_code == 422
    assert "Say why" in page(refused)
    set_one = client.post("/admin/halts/", {"target": "tool:process_refund", "reason": "Twice"}, follow=True)
    assert page(set_one).count("Halted: the tool process_refund.") >= 2  # the banner, too
    switch = KillSwitch.objects.using("system").get()
    assert client.post(f"/admin/halts/{switch.id}/release/", follow=True).status_code == 200
    assert client.post(f"/admin/halts/{switch.id}/release/").status_code == 404
    assert actions(acme) == ["halt.set", "halt.released"]
