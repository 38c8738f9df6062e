"""Pages by which people come in, and by which they and their rights are managed: one entry, with the change."""

from __future__ import annotations

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from accounts.models import Connection, Grant, Invitation, Membership, ServiceAccount, TenantRole, User
from accounts.privacy.models import LegalHold, RetentionRule
from accounts.services import second_factor, support
from knowledge.models import KnowledgeBase
from tests.accounts.test_invitations import NEW, token_in
from tests.accounts.test_invitations import place as invitation_at
from tests.accounts.test_second_factor import Clock, enrolled
from tests.audited.conftest import ProvePage
from tests.audited.walking import Walked, actions, length, only, page, pages, walks
from tests.conftest import PASSWORD, MakeUser, TenantWithUsers

WALKED: Walked = set()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(second_factor, "time", clock)
    return clock


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


@walks(
    WALKED,
    *pages("knowledge_knowledgebase_add", "knowledge_knowledgebase_change", "knowledge_knowledgebase_delete"),
)
def test_knowledge(prove_page: ProvePage, acme: TenantWithUsers) -> None:
    form = {"slug": "handbook", "name": "Handbook", "description": "", "untrusted": "on"}
    prove_page(acme.operator, page("knowledge_knowledgebase_add"), form, entered=["knowledge.created"])
    base = only(KnowledgeBase)
    change = page("knowledge_knowledgebase_change", base.id)
    prove_page(acme.operator, change, {**form, "name": "Staff"}, entered=["knowledge.changed"])
    delete = page("knowledge_knowledgebase_delete", base.id)
    prove_page(acme.operator, delete, {"post": "yes"}, entered=["knowledge.deleted"])


@walks(WALKED, *pages("accounts_tenantrole_add", "accounts_tenantrole_change", "accounts_tenantrole_delete"))
def test_roles(prove_page: ProvePage, acme: TenantWithUsers) -> None:
    form = {"name": "desk", "description": "", "general": ["agents:read"], "named": ""}
    prove_page(acme.admin, page("accounts_tenantrole_add"), form, entered=["role.created"])
    role = TenantRole.objects.using("system").get(name="desk", tenant=acme.tenant)
    form = {"description": "x", "general": ["runs:read"], "named": ""}
    prove_page(acme.admin, page("accounts_tenantrole_change", role.id), form, entered=["role.changed"])
    prove_page(acme.admin, page("accounts_tenantrole_delete", role.id), {"post": "yes"}, entered=["role.deleted"])


@walks(WALKED, *pages("accounts_membership_change", "accounts_membership_delete"))
def test_members(prove_page: ProvePage, acme: TenantWithUsers) -> None:
    place = Membership.objects.using("system").get(user=acme.viewer, tenant=acme.tenant)
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
