"""Every page that changes something: one entry, in the transaction of the change."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin import ModelAdmin
from django.core import mail
from django.test import Client
from django.urls import reverse

from accounts import principals
from accounts.models import Connection, Grant, Invitation, Membership, ServiceAccount, TenantRole, User
from accounts.privacy.models import LegalHold, RetentionRule
from accounts.services import second_factor, support
from accounts.tenancy import tenant_scope
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
from tests.accounts.test_invitations import NEW, token_in
from tests.accounts.test_invitations import place as invitation_at
from tests.accounts.test_second_factor import Clock, enrolled
from tests.audited.conftest import ProvePage
from tests.audited.walking import Walked, actions, length, page_names, walks
from tests.conftest import PASSWORD, MakeUser, TenantWithUsers
from tests.console.conftest import Ask, SignIn, ask, signed_in
from tests.console.test_policies import form as policy_form
from tests.console.test_policies import rule
from tests.isolation.planting import Garden

__all__ = ["ask", "signed_in"]

DENIED = rule(0)

WALKED: Walked = set()
# What shows and changes nothing, whatever is sent; `security_begin` asks for the password again and waits.
SHOWN = {
    "metrics",
    *("access", "app_list", "autocomplete", "dashboard", "home", "index", "jsi18n", "oidc_begin", "view_on_site"),
    *("policies", "policy_simulate", "policy_version"),
    *("password_change_done", "privacy_archive", "search", "security", "security_begin", "theme", "agents_run_trace"),
}
# Elsewhere: they need a provider (tests/accounts/test_oidc.py), or a process that goes on with the run by the services
# that `test_api` walks (tests/agents/test_admin.py).
# Several approvals together are decided one by one, by the service of one (tests/console/test_bulk.py).
ELSEWHERE = {
    *("oidc_callback", "agents_run_rerun", "agents_run_fork", "agents_step_reconcile"),
    *("governance_approval_changelist", "governance_approval_together"),
}


@pytest.fixture(autouse=True)
def _fresh(settings: Any, tmp_path: Any) -> None:
    settings.BACKUP_FOLDER = str(tmp_path / "backups")
    principals.cache.forget()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(second_factor, "time", clock)
    return clock


def page(name: str, *arguments: Any) -> str:
    return reverse(f"admin:{name}", args=arguments)


def only(model: Any) -> Any:
    return model.objects.using("system").get()


def pages(*names: str) -> tuple[str, ...]:
    return tuple(f"POST {name}" for name in names)


@walks(WALKED, *pages("sign_in", "login", "sign_out", "logout"))
def test_signing_in_and_out(prove_page: ProvePage, acme: TenantWithUsers) -> None:
    said = {"email": acme.member.email, "password": PASSWORD}
    prove_page(None, reverse("sign_in"), said, entered=["auth.signed_in"])
    said = {"username": acme.member.email, "password": PASSWORD}
    prove_page(None, page("login"), said, entered=["auth.signed_in"])
    prove_page(acme.member, reverse("sign_out"), entered=["auth.signed_out"])
    prove_page(acme.member, page("logout"), entered=["auth.signed_out"])


@walks(WALKED, *pages("dev_sign_in"))
def test_a_demo_user_signs_in(prove_page: ProvePage, acme: TenantWithUsers) -> None:
    User.objects.using("system").filter(id=acme.member.id).update(is_demo=True)
    type(acme.tenant).objects.using("system").filter(id=acme.tenant.id).update(is_demo=True)
    prove_page(None, reverse("dev_sign_in"), {"email": acme.member.email}, entered=["auth.signed_in"])


@walks(WALKED, *pages("switch_tenant"))
def test_another_tenant(
    prove_page: ProvePage, acme: TenantWithUsers, globex: TenantWithUsers, make_user: MakeUser
) -> None:
    make_user(globex.tenant, "viewer", acme.member.email)
    browser = Client()
    browser.force_login(User.objects.using("system").get(id=acme.member.id))
    browser.post(reverse("switch_tenant"), {"tenant": "globex"})
    prove_page(None, reverse("switch_tenant"), {"tenant": "acme"}, browser=browser, entered=["auth.signed_in"])


@walks(WALKED, *pages("support", "support_leave", "accounts_supportentry_changelist"))
def test_an_operator_enters_and_leaves(prove_page: ProvePage, acme: TenantWithUsers, globex: TenantWithUsers) -> None:
    support.appoint(email=globex.member.email, is_operator=True)
    browser = Client()
    form = {"tenant": "acme", "reason": "They asked us to look", "hours": "1", "may": "look"}
    prove_page(globex.member, reverse("support"), form, browser=browser, entered=["support.entered"])
    prove_page(None, reverse("support_leave"), browser=browser, entered=["support.ended"])
    entry = support.enter(user_id=globex.member.id, tenant="acme", reason="Once more", hours=1)
    chosen = {"_selected_action": [str(entry.id)], "index": "0", "action": "end"}
    prove_page(acme.admin, page("accounts_supportentry_changelist"), chosen, entered=["support.ended"])


@walks(WALKED, *pages("second_factor", "second_factor_enrol", "security_codes", "security_remove"))
def test_second_factors(prove_page: ProvePage, acme: TenantWithUsers, clock: Clock) -> None:
    app, _ = enrolled(acme.member, clock)
    browser = Client()
    browser.post(reverse("sign_in"), {"email": acme.member.email, "password": PASSWORD})
    seen = length()
    assert browser.post(reverse("second_factor"), {"code": "000000"}).status_code == 403
    assert actions(seen) == ["second_factor.failed"]
    browser.post(reverse("second_factor"), {"code": app.code()})
    assert actions(seen)[1:] == ["auth.signed_in"]

    def code() -> dict[str, str]:
        clock.step()
        return {"code": app.code()}

    prove_page(None, reverse("security_codes"), code, browser=browser, entered=["second_factor.codes_renewed"])
    prove_page(None, reverse("security_remove"), code, browser=browser, entered=["second_factor.removed"])
    browser.post(reverse("security_begin"), {"password": PASSWORD})
    address = second_factor.enrolment(acme.member)
    app = type(app)(address.partition("secret=")[2].partition("&")[0], clock)
    entered = ["second_factor.enrolled", "auth.signed_in"]
    prove_page(None, reverse("second_factor_enrol"), code, browser=browser, entered=entered)


@walks(WALKED, *pages("password_change"))
def test_a_password(prove_page: ProvePage, acme: TenantWithUsers) -> None:
    new = "a much longer pass phrase"
    form = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    prove_page(acme.member, page("password_change"), form, entered=["auth.password_changed"])


@walks(WALKED, *pages("accounts_invitation_add", "accounts_invitation_changelist", "invitation"))
def test_invitations(prove_page: ProvePage, acme: TenantWithUsers) -> None:
    form = {"email": "nora@new.test", "role": "viewer"}
    prove_page(acme.admin, page("accounts_invitation_add"), form, entered=["invitation.created"])
    chosen = {"_selected_action": [str(only(Invitation).id)], "index": "0"}
    again = {**chosen, "action": "send_again"}
    prove_page(acme.admin, page("accounts_invitation_changelist"), again, entered=["invitation.resent"])
    where = invitation_at(token_in(mail.outbox[-1].body))
    prove_page(None, where, NEW, entered=["invitation.accepted", "auth.signed_in"])
    prove_page(acme.admin, page("accounts_invitation_add"), {**form, "email": "ole@new.test"},
               entered=["invitation.created"])  # fmt: skip
    open_one = Invitation.objects.using("system").get(email="ole@new.test")
    withdraw = {**chosen, "_selected_action": [str(open_one.id)], "action": "withdraw"}
    prove_page(acme.admin, page("accounts_invitation_changelist"), withdraw, entered=["invitation.revoked"])


@walks(WALKED, *pages("accounts_connection_add", "accounts_connection_delete"))
def test_connections(prove_page: ProvePage, acme: TenantWithUsers) -> None:
    values = {"host": "mail.acme.test", "username": "her", "password": "long-enough"}
    form = {"level": "user", "label": "", **{f"credential_{name}": value for name, value in values.items()}}
    prove_page(acme.member, f"{page('accounts_connection_add')}?kind=mail", form, entered=["connection.added"])
    delete = page("accounts_connection_delete", only(Connection).id)
    prove_page(acme.member, delete, {"post": "yes"}, entered=["connection.revoked"])


@walks(WALKED, *pages("accounts_grant_add", "accounts_grant_delete"))
def test_grants(prove_page: ProvePage, acme: TenantWithUsers) -> None:
    form = {"user": str(acme.viewer.id), "what": "agents:helpdesk:run"}
    prove_page(acme.admin, page("accounts_grant_add"), form, entered=["grant.given"])
    delete = page("accounts_grant_delete", only(Grant).id)
    prove_page(acme.admin, delete, {"post": "yes"}, entered=["grant.taken"])


@walks(WALKED, *pages("accounts_tenantrole_add", "accounts_tenantrole_change", "accounts_tenantrole_delete"))
def test_roles(prove_page: ProvePage, acme: TenantWithUsers) -> None:
    form = {"name": "desk", "description": "", "general": ["agents:read"], "named": ""}
    prove_page(acme.admin, page("accounts_tenantrole_add"), form, entered=["role.created"])
    role = TenantRole.objects.using("system").get(name="desk", tenant=acme.tenant)
    form = {"description": "x", "general": ["runs:read"], "named": ""}
    prove_page(acme.admin, page("accounts_tenantrole_change", role.id), form, entered=["role.changed"])
    prove_page(acme.admin, page("accounts_tenantrole_delete", role.id), {"post": "yes"}, entered=["role.deleted"])


@walks(WALKED, *pages("accounts_membership_add", "accounts_membership_change", "accounts_membership_delete"))
def test_members(prove_page: ProvePage, acme: TenantWithUsers, globex: TenantWithUsers) -> None:
    form = {"email": globex.member.email, "name": "", "role": "viewer"}
    prove_page(acme.admin, page("accounts_membership_add"), form, entered=["member.added"])
    place = Membership.objects.using("system").get(user=globex.member, tenant=acme.tenant)
    change = page("accounts_membership_change", place.id)
    prove_page(acme.admin, change, {"role": "member"}, entered=["member.role_changed"])
    delete = page("accounts_membership_delete", place.id)
    prove_page(acme.admin, delete, {"post": "yes"}, entered=["member.removed"])


@walks(WALKED, *pages("accounts_serviceaccount_add", "accounts_serviceaccount_changelist"))
def test_service_accounts(prove_page: ProvePage, acme: TenantWithUsers) -> None:
    form = {"name": "ci", "user": str(acme.member.id), "scopes": ["agents:run"]}
    prove_page(acme.admin, page("accounts_serviceaccount_add"), form, entered=["service_account.created"])
    for action, entered in (("rotate_key", "service_account.rotated"), ("revoke_keys", "service_account.revoked")):
        chosen = {"_selected_action": [str(only(ServiceAccount).id)], "index": "0", "action": action}
        prove_page(acme.admin, page("accounts_serviceaccount_changelist"), chosen, entered=[entered])


@walks(WALKED, *pages("privacy_legalhold_add", "privacy_legalhold_changelist"))
def test_holds(prove_page: ProvePage, acme: TenantWithUsers) -> None:
    form = {"email": acme.member.email, "reason": "Case 12", "until_0": "", "until_1": ""}
    prove_page(acme.admin, page("privacy_legalhold_add"), form, entered=["legal_hold.placed"])
    chosen = {"_selected_action": [str(only(LegalHold).id)], "index": "0", "action": "lift"}
    prove_page(acme.admin, page("privacy_legalhold_changelist"), chosen, entered=["legal_hold.lifted"])


@walks(WALKED, *pages("privacy_retentionrule_add", "privacy_retentionrule_change", "privacy_retentionrule_delete"))
def test_retention(prove_page: ProvePage, acme: TenantWithUsers) -> None:
    form = {"retention": "runs", "days": "30"}
    prove_page(acme.admin, page("privacy_retentionrule_add"), form, entered=["retention.limited"])
    rule = only(RetentionRule)
    change = page("privacy_retentionrule_change", rule.pk)
    prove_page(acme.admin, change, {**form, "days": "20"}, entered=["retention.limited"])
    delete = page("privacy_retentionrule_delete", rule.pk)
    prove_page(acme.admin, delete, {"post": "yes"}, entered=["retention.limited"])


@walks(WALKED, *pages("privacy", "notifications"))
def test_ones_own_choices(prove_page: ProvePage, acme: TenantWithUsers) -> None:
    prove_page(acme.member, reverse("privacy"), {"do": "correct", "name": "New"}, entered=["privacy.changed"])
    prove_page(acme.member, reverse("notifications"), {"wanted": []}, entered=["preferences.changed"])


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


def unwalked() -> Iterator[tuple[str, ModelAdmin[Any], str]]:
    """Yield the admin's pages that no test above sends a form to: name, class and verb."""
    walked = {name for _, name in WALKED} | ELSEWHERE
    for model, ours in admin.site._registry.items():
        for verb in ("add", "change", "delete", "changelist"):
            name = f"{model._meta.app_label}_{model._meta.model_name}_{verb}"
            if name not in walked:
                yield name, ours, verb


def test_what_is_not_walked_takes_no_form(acme: TenantWithUsers) -> None:
    """Not even of an administrator: nobody may add, change or delete there, and there is nothing to do with a list."""
    browser = Client()
    browser.force_login(User.objects.using("system").get(id=acme.admin.id))
    request = browser.get(reverse("privacy")).wsgi_request
    with tenant_scope(acme.tenant.id, acme.admin.id):
        found = [
            name
            for name, ours, verb in unwalked()
            if (ours.get_actions(request) if verb == "changelist" else getattr(ours, f"has_{verb}_permission")(request))
        ]
    assert found == [], "walk these"


def test_every_page_that_changes_something_is_walked() -> None:
    """A new page belongs into one of the tests above: its entry, and that it fails without."""
    walked = {name for _, name in WALKED}
    assert (
        page_names() - SHOWN - ELSEWHERE - {name for name, _, _ in unwalked()} - walked - {"privacy_archive"} == set()
    ), "walk these"
    assert (walked | SHOWN | ELSEWHERE) - page_names() == set(), "these are no more"
