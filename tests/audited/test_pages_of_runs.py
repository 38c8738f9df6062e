"""Pages that rule runs, and by which people decide about them: one entry, in the transaction of the change."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse

from agentos.core.clock import utc_now
from agents.models import AllowedModels, KillSwitch, Run
from governance.models import (
    ApprovalQuestion,
    Budget,
    Delegation,
    Endpoint,
    GuardSetting,
    Notice,
    NoticeState,
    StandingRule,
)
from tests.audited.conftest import ProvePage
from tests.audited.walking import Walked, only, page, pages, walks
from tests.conftest import TenantWithUsers
from tests.console.conftest import Ask, SignIn, ask, signed_in
from tests.console.test_policies import form as policy_form
from tests.console.test_policies import rule
from tests.isolation.planting import Garden

__all__ = ["ask", "signed_in"]

DENIED = rule(0)
WALKED: Walked = set()


@walks(WALKED, *pages("agents_allowedmodels_add", "agents_allowedmodels_change", "agents_allowedmodels_delete"))
def test_models(prove_page: ProvePage, acme: TenantWithUsers, settings: Any) -> None:
    listed = {"listed": settings.MODEL_NAMES["strong"]}
    prove_page(acme.admin, page("agents_allowedmodels_add"), listed, entered=["models.allowed"])
    change = page("agents_allowedmodels_change", only(AllowedModels).pk)
    prove_page(acme.admin, change, {"listed": settings.MODEL_NAMES["fast"]}, entered=["models.allowed"])
    delete = page("agents_allowedmodels_delete", only(AllowedModels).pk)
    prove_page(acme.admin, delete, {"post": "yes"}, entered=["models.allowed"])


@walks(WALKED, *pages("governance_budget_add", "governance_budget_change", "governance_budget_delete"))
def test_budgets(prove_page: ProvePage, acme: TenantWithUsers) -> None:
    form = {"name": "Team", "measure": "usd", "limit": "5", "period": "day", "reserve": "", "is_active": "on"}
    prove_page(acme.admin, page("governance_budget_add"), form, entered=["budget.added"])
    change = page("governance_budget_change", only(Budget).id)
    prove_page(acme.admin, change, {**form, "limit": "6"}, entered=["budget.changed"])
    delete = page("governance_budget_delete", only(Budget).id)
    prove_page(acme.admin, delete, {"post": "yes"}, entered=["budget.deleted"])


@walks(
    WALKED,
    *pages("governance_endpoint_add", "governance_endpoint_change", "governance_endpoint_changelist"),
    *pages("governance_endpoint_delete"),
)
def test_endpoints(prove_page: ProvePage, acme: TenantWithUsers) -> None:
    form = {"channel": "webhook", "name": "Ops", "url": "https://8.8.8.8/x", "kinds": ["approval.requested"]}
    prove_page(acme.admin, page("governance_endpoint_add"), form, entered=["endpoint.added"])
    row = only(Endpoint).pk
    changed = {"kinds": ["approval.requested"], "tells_effect": "on", "is_active": "on"}
    prove_page(acme.admin, page("governance_endpoint_change", row), changed, entered=["endpoint.changed"])
    chosen = {"_selected_action": [str(row)], "index": "0", "action": "renew_secret"}
    prove_page(acme.admin, page("governance_endpoint_changelist"), chosen, entered=["endpoint.rotated"])
    prove_page(acme.admin, page("governance_endpoint_delete", row), {"post": "yes"}, entered=["endpoint.deleted"])


@walks(
    WALKED, *pages("governance_guardsetting_add", "governance_guardsetting_change", "governance_guardsetting_delete")
)
def test_guards(prove_page: ProvePage, acme: TenantWithUsers) -> None:
    form = {"component": "", "guard": "pii", "place": "tool", "mode": "block", "reason": "Too much leaks"}
    prove_page(acme.admin, page("governance_guardsetting_add"), form, entered=["guard.set"])
    row = only(GuardSetting).pk
    changed = {**form, "reason": "Far too much leaks"}
    prove_page(acme.admin, page("governance_guardsetting_change", row), changed, entered=["guard.set"])
    delete = page("governance_guardsetting_delete", row)
    prove_page(acme.admin, delete, {"post": "yes"}, entered=["guard.loosened"])


@walks(WALKED, *pages("policy_draft", "policy_activate", "policy_discard", "policy_rollback"))
def test_policies(prove_page: ProvePage, acme: TenantWithUsers, signed_in: SignIn) -> None:
    def drafted(action: str) -> None:
        form = policy_form(signed_in(acme.admin), DENIED)
        prove_page(acme.admin, reverse("policy_draft"), form, entered=[action])

    drafted("policy.changed")
    prove_page(acme.admin, reverse("policy_discard"), entered=["policy.discarded"])
    drafted("policy.changed")
    prove_page(acme.admin, reverse("policy_activate"), entered=["policy.activated"])
    drafted("policy.changed")
    prove_page(acme.admin, reverse("policy_activate"), entered=["policy.activated"])
    prove_page(acme.admin, reverse("policy_rollback", args=[1]), entered=["policy.activated"])


@walks(WALKED, *pages("halts", "release_halt"))
def test_halts(prove_page: ProvePage, acme: TenantWithUsers) -> None:
    form = {"target": "tenant", "reason": "Too much"}
    prove_page(acme.operator, reverse("halts"), form, entered=["halt.set"])
    release = reverse("release_halt", args=[only(KillSwitch).id])
    prove_page(acme.operator, release, entered=["halt.released"])


@walks(WALKED, *pages("consents"))
def test_consents(prove_page: ProvePage, acme: TenantWithUsers) -> None:
    page, until = reverse("consents"), (utc_now() + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
    lend = {"do": "give", "to": acme.operator.email, "tool": "process_*", "until": until}
    prove_page(acme.approver, page, lend, entered=["delegation.given"])
    back = {"do": "revoke-delegation", "id": str(only(Delegation).id)}
    prove_page(acme.approver, page, back, entered=["delegation.revoked"])
    rule = {"do": "make", "call": "approvals/process_refund", "conditions": "amount <= 5", "most": "1"}
    rule |= {"until": until, "reason": "small"}
    prove_page(acme.approver, page, rule, entered=["standing_rule.made"])
    back = {"do": "revoke-rule", "id": str(only(StandingRule).id)}
    prove_page(acme.approver, page, back, entered=["standing_rule.revoked"])


@walks(WALKED, *pages("governance_notice_changelist"))
def test_notices(prove_page: ProvePage, acme: TenantWithUsers) -> None:
    notice = Garden(acme.tenant, acme.member, "mknotice").row(Notice)
    Notice.objects.using("system").update(state=NoticeState.GIVEN_UP)
    chosen = {"_selected_action": [str(notice.id)], "index": "0", "action": "send_again"}
    prove_page(acme.admin, page("governance_notice_changelist"), chosen, entered=["notice.sent_again"])


@walks(WALKED, *pages("governance_approval_decide"))
def test_approvals(prove_page: ProvePage, acme: TenantWithUsers, ask: Ask) -> None:
    approval = ask(acme)
    form = {"decision": "reject", "reason": "No", "shown_hash": approval.args_hash}
    prove_page(acme.approver, page("governance_approval_decide", approval.id), form, entered=["approval.rejected"])


@walks(WALKED, *pages("governance_approval_ask", "governance_approval_answer"))
def test_questions(prove_page: ProvePage, acme: TenantWithUsers, ask: Ask) -> None:
    approval, said = ask(acme), {"text": "Which invoice?"}
    prove_page(acme.approver, page("governance_approval_ask", approval.id), said, entered=["approval.question_asked"])
    place = page("governance_approval_answer", approval.id, only(ApprovalQuestion).id)
    prove_page(acme.member, place, said, entered=["approval.question_answered"])


@walks(WALKED, *pages("agents_run_pause", "agents_run_unpause", "agents_run_cancel"))
def test_runs(prove_page: ProvePage, acme: TenantWithUsers, ask: Ask) -> None:
    run_id = ask(acme).run_id
    for name, entered in (("pause", "run.paused"), ("unpause", "run.unpaused"), ("cancel", "run.cancelled")):
        prove_page(acme.member, page(f"agents_run_{name}", run_id), entered=[entered])
        Run.objects.using("system").filter(id=run_id).exclude(status="cancelled").update(status="paused")


EXPORTS = (
    "accounts_auditrow", "accounts_membership", "agents_run", "agents_session", "agents_step", "governance_approval",
    "governance_budget",
)  # fmt: skip


@walks(WALKED, *pages(*(f"{name}_export" for name in EXPORTS)))
@pytest.mark.parametrize("name", EXPORTS)
def test_exports(prove_page: ProvePage, acme: TenantWithUsers, ask: Ask, name: str) -> None:
    ask(acme)
    entered = [f"{name.partition('_')[2]}.exported"]
    prove_page(acme.admin, page(f"{name}_export"), entered=entered)
