"""The admin's pages about people, keys and the trail, through the stock handler with its whole middleware."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from accounts import principals, scopes
from accounts.models import AuditRow, Membership, Role, ServiceAccount, User
from accounts.services import members, service_accounts, tokens
from agentos.core.clock import utc_now
from agentos.core.errors import Conflict, Invalid, NotAuthenticated, NotFound, PolicyDenied
from tests.conftest import MakeUser, TenantWithUsers


@pytest.fixture(autouse=True)
def _fresh() -> None:
    principals.cache.forget()


@pytest.fixture
def as_role(acme: TenantWithUsers, globex: TenantWithUsers) -> Any:
    def enter(role: str) -> Client:
        browser = Client()
        browser.post(reverse("sign_in"), {"email": f"{role}@acme.test", "password": "demo"})
        return browser

    return enter


def place(model: str, *arguments: Any, view: str = "changelist") -> str:
    return reverse(f"admin:accounts_{model}_{view}", args=arguments)


def actions() -> list[str]:
    """Return what was entered, without the looks at the pages of others (`tests/audited/test_reads.py`)."""
    rows = AuditRow.objects.using("system").exclude(action__endswith=".read").order_by("seq")
    return list(rows.values_list("action", flat=True))


@pytest.mark.parametrize("model", ["membership", "serviceaccount", "tenant"])
@pytest.mark.parametrize(("role", "status"), [("admin", 200), ("auditor", 200), ("approver", 403), ("operator", 403)])
def test_lists_are_for_admins_and_auditors(as_role: Any, model: str, role: str, status: int) -> None:
    assert as_role(role).get(place(model)).status_code == status


@pytest.mark.parametrize(
    ("role", "status"), [("admin", 200), ("auditor", 200), ("approver", 200), ("operator", 403), ("member", 403)]
)
def test_the_trail_is_for_who_may_read_it_and_her_own_for_who_decides(as_role: Any, role: str, status: int) -> None:
    assert as_role(role).get(place("auditrow")).status_code == status


def test_lists_show_this_tenant_only(as_role: Any) -> None:
    page = as_role("admin").get(place("membership")).content.decode()
    assert "approver@acme.test" in page
    assert "globex" not in page


def test_what_hides_or_turns_in_a_members_name_is_seen_where_rights_are_given(
    as_role: Any, acme: TenantWithUsers
) -> None:
    User.objects.using("system").filter(id=acme.member.id).update(name="Ana\u202enimda <b>")
    member = Membership.objects.using("system").get(user=acme.member, tenant=acme.tenant)
    for page in (place("membership"), place("membership", member.id, view="change")):
        shown = as_role("admin").get(page).content.decode()
        assert ">U+202E</span>nimda &lt;b&gt;" in shown
        assert "\u202e" not in shown


@pytest.mark.parametrize("address", ["membership/?role__exact=%00", "membership/%00/change/", "auditrow/?q=a%00"])
def test_a_nul_in_an_address_is_a_bad_request(as_role: Any, address: str) -> None:
    assert as_role("admin").get(f"/admin/accounts/{address}").status_code == 400


def test_another_tenants_rows_have_no_page(as_role: Any, globex: TenantWithUsers) -> None:
    theirs = Membership.objects.using("system").get(user_id=globex.member.id)
    answer = as_role("admin").get(place("membership", theirs.id, view="change"))
    assert answer.status_code == 404


@pytest.mark.parametrize("email", ["new@corp.test", "member@globex.test"])
def test_an_administrator_adds_nobody_who_has_not_agreed(as_role: Any, acme: TenantWithUsers, email: str) -> None:
    """She would know the password of an account that another tenant lets in later, or see whom another one knows."""
    form = {"email": email, "name": "New", "role": Role.VIEWER}
    assert as_role("admin").post(place("membership", view="add"), form).status_code == 403
    assert not Membership.objects.using("system").filter(tenant=acme.tenant, user__email=email).exists()
    assert not User.objects.using("system").filter(email="new@corp.test").exists()
    assert actions() == ["auth.signed_in"]


def test_a_role_is_changed_and_audited(as_role: Any, acme: TenantWithUsers) -> None:
    browser = as_role("admin")
    member = Membership.objects.using("system").get(user_id=acme.member.id)
    page = place("membership", member.id, view="change")
    assert "member@acme.test" in browser.get(page).content.decode()
    assert browser.post(page, {"role": Role.APPROVER}).status_code == 302
    member.refresh_from_db()
    assert member.role == Role.APPROVER
    assert actions() == ["auth.signed_in", "member.role_changed"]


def test_the_last_administrator_stays(as_role: Any, acme: TenantWithUsers) -> None:
    browser = as_role("admin")
    member = Membership.objects.using("system").get(user_id=acme.admin.id)
    answer = browser.post(place("membership", member.id, view="change"), {"role": Role.MEMBER})
    assert answer.status_code == 302
    assert "last administrator" in str(list(get_messages(answer.wsgi_request)))
    browser.post(place("membership", member.id, view="delete"), {"post": "yes"})
    member.refresh_from_db()
    assert member.role == Role.ADMIN


def test_a_member_is_removed(as_role: Any, acme: TenantWithUsers) -> None:
    browser = as_role("admin")
    member = Membership.objects.using("system").get(user_id=acme.member.id)
    page = place("membership", member.id, view="delete")
    assert browser.get(page).status_code == 200
    assert browser.post(page, {"post": "yes"}).status_code == 302
    assert not Membership.objects.using("system").filter(id=member.id).exists()
    assert actions() == ["auth.signed_in", "member.removed"]


def test_auditors_change_nothing(as_role: Any, acme: TenantWithUsers) -> None:
    browser = as_role("auditor")
    member = Membership.objects.using("system").get(user_id=acme.member.id)
    assert browser.post(place("membership", member.id, view="change"), {"role": Role.ADMIN}).status_code == 403
    assert browser.post(place("membership", member.id, view="delete"), {"post": "yes"}).status_code == 403
    assert browser.get(place("membership", view="add")).status_code == 403
    assert browser.get(place("serviceaccount", view="add")).status_code == 403


def test_a_key_is_shown_once_and_revoked(as_role: Any, acme: TenantWithUsers) -> None:
    browser = as_role("admin")
    assert browser.get(place("serviceaccount", view="add")).status_code == 200
    form = {"name": "ci", "user": str(acme.member.id), "scopes": ["agents:run"]}
    answer = browser.post(place("serviceaccount", view="add"), form)
    found = re.search(r"aos_[0-9a-f]{8}_[\w-]{43}", answer.content.decode())
    assert found
    assert "no-store" in answer["Cache-Control"]
    account = ServiceAccount.objects.using("system").get()
    for page in (place("serviceaccount"), place("serviceaccount", account.id, view="change")):
        shown = browser.get(page).content.decode()
        assert found[0] not in shown
        assert account.key_hash not in shown
    browser.post(
        place("serviceaccount"), {"action": "revoke_keys", "_selected_action": [str(account.id)], "index": "0"}
    )
    account.refresh_from_db()
    assert account.revoked_at is not None
    assert actions() == ["auth.signed_in", "service_account.created", "service_account.revoked"]


@pytest.mark.parametrize(
    ("asked", "days"),
    [
        ({}, 90),
        ({"expires_at_0": "", "expires_at_1": ""}, 90),
        ({"expires_at_0": f"{utc_now() + timedelta(days=9):%Y-%m-%d}", "expires_at_1": "00:00:00"}, 9),
        ({"never_expires": "on"}, None),
    ],
    ids=["not said", "left empty", "a date", "never"],
)
def test_that_a_key_never_ends_has_to_be_said(
    as_role: Any, acme: TenantWithUsers, asked: dict[str, str], days: int | None
) -> None:
    """As over the API; a field that was left empty made one for good."""
    form = {"name": "ci", "user": str(acme.member.id), "scopes": ["agents:run"], **asked}
    as_role("admin").post(place("serviceaccount", view="add"), form)
    account = ServiceAccount.objects.using("system").get()
    if days is None:
        assert account.expires_at is None
    else:
        assert account.expires_at is not None
        assert days - 1 <= (account.expires_at - account.created_at) / timedelta(days=1) <= days


@pytest.mark.parametrize("date", ["2020-01-01", "9999-12-31"])
def test_a_key_ends_neither_before_now_nor_in_a_lifetime(as_role: Any, acme: TenantWithUsers, date: str) -> None:
    form = {"name": "ci", "user": str(acme.member.id), "scopes": ["agents:run"]}
    form |= {"expires_at_0": date, "expires_at_1": "00:00:00"}
    page = as_role("admin").post(place("serviceaccount", view="add"), form).content.decode()
    assert "A key ends in 3650 days at the latest" in page
    assert not ServiceAccount.objects.using("system").exists()


@pytest.mark.parametrize("model", ["serviceaccount", "tenantrole"])
def test_scopes_are_offered_by_what_they_are_about(as_role: Any, model: str) -> None:
    page = as_role("admin").get(place(model, view="add")).content.decode()
    groups = re.findall(r"<legend>(.*?)</legend>(.*?)</fieldset>", page, re.DOTALL)
    offered = {about: re.findall(r'type="checkbox" name="\w+" value="([^"]+)"', boxes) for about, boxes in groups}
    assert offered["Runs"] == ["runs:read", "runs:read_all", "runs:write", "runs:write_all"]
    assert offered["Service accounts"] == [f"service_accounts:{verb}" for verb in ("delete", "read", "write")]
    known = scopes.ALL_SCOPES - ({scopes.ADMIN} if model == "tenantrole" else scopes.FOR_PEOPLE)
    assert sorted(scope for group in offered.values() for scope in group) == sorted(known)


def test_a_key_known_to_who_may_less_is_told_until_it_is_replaced(
    as_role: Any, acme: TenantWithUsers, make_user: MakeUser
) -> None:
    """It goes on, since it acts for another: its maker is given a lesser role, then leaves."""
    maker, browser = make_user(acme.tenant, Role.ADMIN, "maker@acme.test"), as_role("admin")
    principal = principals.load(maker.id, acme.tenant.id)
    assert principal is not None
    asked: Any = {"name": "ci", "user_id": acme.member.id, "scopes_asked": ["agents:run"]}
    account, key = service_accounts.create(tenant_id=acme.tenant.id, by=principal, **asked)
    member = Membership.objects.using("system").get(user_id=maker.id)
    listed, page = place("serviceaccount"), place("serviceaccount", account.id, view="change")
    known = "somebody knows it who may less"
    assert known not in browser.get(listed).content.decode()

    changed = browser.post(place("membership", member.id, view="change"), {"role": Role.VIEWER}, follow=True)
    assert "maker@acme.test knows keys that go on working, and may less than they: ci." in changed.content.decode()
    assert known in browser.get(listed).content.decode()
    assert "(may less than it by now)" in browser.get(page).content.decode()

    removed = browser.post(place("membership", member.id, view="delete"), {"post": "yes"}, follow=True)
    assert "may less than they: ci." in removed.content.decode()
    assert known in browser.get(listed).content.decode()
    assert async_to_sync(service_accounts.verify)(key) is not None

    by = acme.principal("admin")
    for overlap, is_told in ((timedelta(days=1), True), (timedelta(0), False)):
        service_accounts.rotate(by, account_id=account.id, overlap=overlap, expires_at=None)
        assert (known in browser.get(listed).content.decode()) is is_told
    assert "a former member" in browser.get(page).content.decode()
    Membership.objects.using("system").filter(user_id=acme.member.id).delete()
    assert "stopped: its user is no member" in browser.get(listed).content.decode()


def test_a_key_ends_with_the_member_that_it_acts_for(as_role: Any, acme: TenantWithUsers) -> None:
    """The page's transaction holds the trail, so what ends in another role comes after it."""
    asked: Any = {"name": "ci", "user_id": acme.member.id, "scopes_asked": ["agents:run"]}
    account, _ = service_accounts.create(tenant_id=acme.tenant.id, by=acme.principal("admin"), **asked)
    member = Membership.objects.using("system").get(tenant_id=acme.tenant.id, user_id=acme.member.id)
    page = place("membership", member.id, view="delete")
    assert as_role("admin").post(page, {"post": "yes"}).status_code == 302
    assert not Membership.objects.using("system").filter(id=member.id).exists()
    account.refresh_from_db(using="system")
    assert account.revoked_at is not None


def test_no_key_is_made_in_an_approvers_name(as_role: Any, acme: TenantWithUsers) -> None:
    browser = as_role("admin")
    offered = browser.get(place("serviceaccount", view="add")).content.decode()
    for user, is_offered in ((acme.approver, False), (acme.admin, True), (acme.member, True)):
        assert (f'value="{user.id}"' in offered) is is_offered
    assert 'value="approvals:decide"' not in offered
    for user, scope in ((acme.approver, "agents:run"), (acme.member, "approvals:decide")):
        form = {"name": "ci", "user": str(user.id), "scopes": [scope]}
        assert browser.post(place("serviceaccount", view="add"), form).status_code == 200  # the form again
    assert ServiceAccount.objects.using("system").count() == 0


def test_a_new_password_ends_all_that_the_old_one_opened(as_role: Any, acme: TenantWithUsers) -> None:
    browser, elsewhere = as_role("member"), as_role("member")
    pair = tokens.issue(email="member@acme.test", password="demo")
    new = "a-long-new-word-7"
    form = {"old_password": "demo", "new_password1": new, "new_password2": new}
    assert browser.get(reverse("admin:password_change")).status_code == 200
    assert browser.post(reverse("admin:password_change"), {**form, "old_password": "no"}).status_code == 200
    assert browser.post(reverse("admin:password_change"), form).status_code == 302
    with pytest.raises(NotAuthenticated):
        tokens.refresh(pair.refresh)
    assert browser.get(reverse("admin:password_change")).status_code == 200  # this session goes on
    assert elsewhere.get(reverse("admin:password_change")).status_code == 302
    assert actions() == ["auth.signed_in"] * 3 + ["auth.password_changed"]
    assert tokens.issue(email="member@acme.test", password=new).tenant == "acme"
    with pytest.raises(NotAuthenticated):
        tokens.issue(email="member@acme.test", password="demo")


def test_a_name_taken_is_a_message(as_role: Any, acme: TenantWithUsers) -> None:
    browser = as_role("admin")
    form = {"name": "ci", "user": str(acme.member.id), "scopes": ["agents:run"]}
    service_accounts.create(tenant_id=acme.tenant.id, user_id=acme.member.id, name="ci", scopes_asked=["agents:run"])
    answer = browser.post(place("serviceaccount", view="add"), form)
    assert answer.status_code == 302
    assert ServiceAccount.objects.using("system").count() == 1


def test_the_trail_is_read_only_and_found_by_object(as_role: Any, acme: TenantWithUsers) -> None:
    browser = as_role("auditor")
    row = AuditRow.objects.using("system").get()
    page = place("auditrow", row.id, view="change")
    assert row.hash in browser.get(page).content.decode()
    assert browser.post(page, {"action": "x"}).status_code == 403
    assert browser.get(place("auditrow", view="add")).status_code == 403
    member = Membership.objects.using("system").get(user_id=acme.member.id)
    history = browser.get(place("membership", member.id, view="history"))
    assert history["Location"].endswith(f"?object_id={member.id}")
    assert browser.get(history["Location"]).status_code == 200


def principal_of(team: TenantWithUsers, role: str) -> principals.Principal:
    found = principals.load(team.users[role].id, team.tenant.id)
    assert found is not None
    return found


def test_the_services_ask_for_rights_themselves(acme: TenantWithUsers, globex: TenantWithUsers) -> None:
    admin, member = principal_of(acme, "admin"), principal_of(acme, "member")
    with pytest.raises(PolicyDenied):
        members.change_role(member, user_id=member.user_id, role=Role.ADMIN)
    with pytest.raises(PolicyDenied):
        members.remove(member, user_id=admin.user_id)
    with pytest.raises(NotFound):
        members.remove(admin, user_id=globex.member.id)
    with pytest.raises(Invalid):
        members.change_role(admin, user_id=member.user_id, role="emperor")
    with pytest.raises(Conflict):
        members.change_role(admin, user_id=admin.user_id, role=Role.VIEWER)
    members.change_role(admin, user_id=member.user_id, role=Role.ADMIN)
    members.remove(admin, user_id=admin.user_id)


@pytest.mark.parametrize(
    ("model", "field"),
    [("accounts.membership", "granted"), ("agents.run", "session"), ("accounts.serviceaccount", "user")],
)
def test_no_address_offers_rows_to_choose_from(as_role: Any, model: str, field: str) -> None:
    """It would offer those of any model that another one names, whatever page she came from."""
    app, name = model.split(".")
    asked = {"app_label": app, "model_name": name, "field_name": field, "term": ""}
    assert as_role("admin").get("/admin/autocomplete/", asked).status_code == 404
