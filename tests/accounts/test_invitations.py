"""Day one: a tenant and its owner's link; invitations by e-mail, taken up once, by whom they are meant for."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.core import mail
from django.core.management import call_command
from django.db import connections
from django.test import Client
from django.urls import reverse

from accounts import audit, principals
from accounts.models import AuditRow, Invitation, Membership, Role, Tenant, TenantRole, User
from accounts.services import invitations, members, sign_ins, tenants
from accounts.tenancy import tenant_scope
from agentos.core.clock import utc_now
from agentos.core.errors import Conflict, Gone, Invalid, NotFound, PolicyDenied
from tests.conftest import PASSWORD, MakeUser, TenantWithUsers

LINK = re.compile(r"https?://\S+/accounts/invitation/([\w-]{43})/")
NEW = {"name": "Nora", "password": "a-long-new-word-7", "again": "a-long-new-word-7"}


@pytest.fixture(autouse=True)
def _fresh(database: None) -> None:
    principals.cache.forget()


def admin_of(team: TenantWithUsers) -> principals.Principal:
    found = principals.load(team.admin.id, team.tenant.id)
    assert found is not None
    return found


def invited(team: TenantWithUsers, email: str = "nora@new.test", role: str = Role.MEMBER) -> str:
    """Invite somebody; return the token of the link that came by mail."""
    invitations.invite(admin_of(team), email=email, role=role)
    return token_in(mail.outbox[-1].body)


def token_in(text: str) -> str:
    found = LINK.search(text)
    assert found, text
    return found[1]


def place(token: str) -> str:
    return reverse("invitation", args=[token])


def actions() -> list[str]:
    return list(AuditRow.objects.using("system").order_by("tenant_id", "seq").values_list("action", flat=True))


def role_of(team: TenantWithUsers, email: str) -> str | None:
    found = Membership.objects.using("system").filter(tenant_id=team.tenant.id, user__email=email).first()
    return found.role if found else None


def sign_in(browser: Client, email: str) -> None:
    browser.post(reverse("sign_in"), {"email": email, "password": PASSWORD})


def test_the_first_day_of_a_tenant(settings: Any) -> None:
    settings.SECOND_FACTOR, settings.PUBLIC_URL = "required", "https://agents.example"
    out = StringIO()
    call_command("tenant", "create", "Initech Ltd.", "--owner", "owner@initech.test", stdout=out)
    said = out.getvalue()
    assert "https://agents.example/accounts/invitation/" in said
    assert mail.outbox == []
    tenant = Tenant.objects.using("system").get(slug="initech-ltd")
    assert TenantRole.objects.using("system").filter(tenant=tenant, built_in=True).count() == len(Role.values)
    browser = Client()
    page = browser.get(place(token_in(said)))
    assert "Join Initech Ltd." in page.content.decode()
    assert page["Referrer-Policy"] == "strict-origin"
    assert "no-store" in page["Cache-Control"]
    done = browser.post(place(token_in(said)), NEW)
    assert done["Location"] == reverse("second_factor")
    assert "_auth_user_id" not in browser.session
    assert browser.get(reverse("second_factor_enrol")).status_code == 200
    owner = User.objects.using("system").get(email="owner@initech.test")
    assert (owner.name, owner.check_password(NEW["password"])) == ("Nora", True)
    assert Membership.objects.using("system").get(user=owner).role == Role.ADMIN
    assert actions() == ["tenant.created", "invitation.created", "invitation.accepted"]
    assert audit.verify(tenant.id) is None
    assert Client().get(place(token_in(said))).status_code == 410
    out = StringIO()
    call_command("tenant", "list", stdout=out)
    assert out.getvalue() == "initech-ltd  Initech Ltd.\n"


@pytest.mark.parametrize(
    "arguments",
    [["Acme", "--owner", "x@y.test"], ["Fine", "--owner", "nobody"], ["!!!", "--owner", "x@y.test"],
     ["Fine", "--owner", "x@y.test", "--slug", "No Slug"]],
)  # fmt: skip
def test_a_tenant_that_can_not_be_leaves_nothing(acme: TenantWithUsers, arguments: list[str]) -> None:
    before = Tenant.objects.using("system").count()
    with pytest.raises(SystemExit):
        call_command("tenant", "create", *arguments, stderr=StringIO())
    assert Tenant.objects.using("system").count() == before
    assert not Invitation.objects.using("system").exists()


def test_an_owner_who_has_an_account_joins_with_it(acme: TenantWithUsers) -> None:
    tenant, _, token = tenants.create(name="Initech", owner_email="Member@acme.test")
    browser = Client()
    page = browser.get(place(token)).content.decode()
    assert "Sign in with it to join" in page
    assert 'type="password"' not in page
    assert browser.post(place(token), NEW).status_code == 200
    sign_in(browser, "viewer@acme.test")
    assert "You are signed in as viewer@acme.test" in browser.get(place(token)).content.decode()
    assert browser.post(place(token)).status_code == 200
    sign_in(browser, "member@acme.test")
    assert browser.post(place(token))["Location"] == "/"
    assert browser.session["tenant_id"] == str(tenant.id)
    joined = Membership.objects.using("system").get(tenant=tenant)
    assert (joined.user_id, joined.role) == (acme.member.id, Role.ADMIN)
    acme.member.refresh_from_db(using="system")
    assert acme.member.check_password(PASSWORD)


def test_a_link_is_for_its_address_to_the_letter(acme: TenantWithUsers, make_user: MakeUser) -> None:
    """Whoever has got the link of somebody else, and an address whose letters fold to hers."""
    other = make_user(acme.tenant, Role.VIEWER, "\u017fteve@new.test")
    _, _, token = tenants.create(name="Initech", owner_email="steve@new.test")
    with pytest.raises(PolicyDenied) as denied:
        invitations.accept_as(token, user_id=other.id)
    assert denied.value.code == "other_address"


def test_an_invitation_comes_by_mail_and_is_good_once(acme: TenantWithUsers) -> None:
    token = invited(acme, role=Role.APPROVER)
    letter = mail.outbox[-1]
    assert letter.to == ["nora@new.test"]
    assert letter.subject == "Join Acme on AgentOS"
    assert "Admin of Acme invites you to join Acme on AgentOS, as approver" in letter.body
    row = Invitation.objects.using("system").get()
    assert row.sent_at is not None
    assert token not in str(vars(row))
    browser = Client()
    for _ in range(2):
        assert browser.get(place(token)).status_code == 200
    assert browser.post(place(token), NEW)["Location"] == "/"
    assert browser.session["tenant_id"] == str(acme.tenant.id)
    assert role_of(acme, "nora@new.test") == Role.APPROVER
    for someone in (Client(), browser):
        assert someone.get(place(token)).status_code == 410
        assert someone.post(place(token), NEW).status_code == 410
    assert actions() == ["invitation.created", "invitation.accepted", "auth.signed_in"]
    stored = str(list(AuditRow.objects.using("system").values()))
    assert "nora@new.test" not in stored
    assert token not in stored


@pytest.mark.parametrize(
    "changes",
    [{"name": ""}, {"again": "other-word-8"}, {"password": "short", "again": "short"},
     {"password": "password", "again": "password"}, {"password": "nora@new.test", "again": "nora@new.test"}],
    ids=str,
)  # fmt: skip
def test_a_bad_password_makes_no_account(acme: TenantWithUsers, changes: dict[str, str]) -> None:
    token = invited(acme)
    page = Client().post(place(token), {**NEW, **changes})
    assert page.status_code == 200
    assert 'role="alert"' in page.content.decode()
    assert not User.objects.using("system").filter(email="nora@new.test").exists()
    assert Client().post(place(token), NEW).status_code == 302


def test_two_who_take_it_up_at_once_make_one_account(acme: TenantWithUsers) -> None:
    token = invited(acme)

    def take(number: int) -> str:
        try:
            return str(invitations.accept_as_new(token, name="Nora", password=f"a-long-new-word-{number}").id)
        except (Gone, Conflict) as error:
            return error.code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(take, range(4)))
    assert answers.count("invitation_gone") == 3
    assert User.objects.using("system").filter(email="nora@new.test").count() == 1


def test_who_takes_up_two_tenants_invitations_at_once_has_one_account(
    acme: TenantWithUsers, globex: TenantWithUsers, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = invited(acme), invited(globex)
    user = invitations.accept_as_new(first, name="Nora", password=NEW["password"])
    monkeypatch.setattr(sign_ins, "by_email", lambda email: None)  # asked before the first was committed
    with pytest.raises(Conflict) as refused:
        invitations.accept_as_new(second, name="Nora", password="another-long-word-8")
    assert refused.value.code == "account_exists"
    assert User.objects.using("system").get(email="nora@new.test").id == user.id


def test_an_expired_a_withdrawn_and_a_replaced_link_do_not_work(acme: TenantWithUsers) -> None:
    first = invited(acme)
    row = Invitation.objects.using("system").get()
    invitations.resend(admin_of(acme), invitation_id=row.id)
    second = token_in(mail.outbox[-1].body)
    assert Client().get(place(first)).status_code == 410
    Invitation.objects.using("system").update(expires_at=utc_now() - timedelta(seconds=1))
    assert Client().get(place(second)).status_code == 410
    invitations.resend(admin_of(acme), invitation_id=row.id)
    third = token_in(mail.outbox[-1].body)
    assert Client().get(place(third)).status_code == 200
    invitations.revoke(admin_of(acme), invitation_id=row.id)
    assert Client().post(place(third), NEW).status_code == 410
    for again in (invitations.resend, invitations.revoke):
        with pytest.raises(Conflict):
            again(admin_of(acme), invitation_id=row.id)
    assert Client().get(place("x" * 43)).status_code == 410
    assert Client().get(place("ü")).status_code == 410


def test_an_invitation_is_worth_what_its_inviter_still_may(acme: TenantWithUsers, make_user: MakeUser) -> None:
    second_admin = make_user(acme.tenant, Role.ADMIN, "second@acme.test")
    by = principals.load(second_admin.id, acme.tenant.id)
    assert by is not None
    invitations.invite(by, email="nora@new.test", role=Role.ADMIN)
    token = token_in(mail.outbox[-1].body)
    members.change_role(admin_of(acme), user_id=second_admin.id, role=Role.MEMBER)
    assert Client().post(place(token), NEW).status_code == 403
    assert not User.objects.using("system").filter(email="nora@new.test").exists()
    invitations.resend(admin_of(acme), invitation_id=Invitation.objects.using("system").get().id)
    assert Client().post(place(token_in(mail.outbox[-1].body)), NEW).status_code == 302


def test_nobody_invites_to_more_than_she_holds(acme: TenantWithUsers, globex: TenantWithUsers) -> None:
    roles = TenantRole.objects.using("system")
    roles.create(tenant_id=acme.tenant.id, name="host", scopes=["members:write", "agents:read"])
    Membership.objects.using("system").filter(user_id=acme.viewer.id).update(role="host")
    host = principals.load(acme.viewer.id, acme.tenant.id)
    assert host is not None
    for role in (Role.ADMIN, Role.MEMBER):
        with pytest.raises(PolicyDenied):
            invitations.invite(host, email="nora@new.test", role=role)
    with pytest.raises(PolicyDenied):
        invitations.invite(acme.principal("member"), email="nora@new.test", role=Role.VIEWER)
    for email, role, error in (
        ("nobody", Role.MEMBER, Invalid),
        ("nora@new.test", "emperor", Invalid),
        ("MEMBER@acme.test", Role.MEMBER, Conflict),
    ):
        with pytest.raises(error):
            invitations.invite(admin_of(acme), email=email, role=role)
    invited(acme)
    with pytest.raises(Conflict, match="already"):
        invitations.invite(admin_of(acme), email="nora@new.test", role=Role.MEMBER)
    theirs = Invitation.objects.using("system").get()
    for again in (invitations.resend, invitations.revoke):
        with pytest.raises(NotFound):
            again(admin_of(globex), invitation_id=theirs.id)


def test_nothing_is_sent_for_what_is_rolled_back(acme: TenantWithUsers) -> None:
    by = admin_of(acme)

    def invite_and_fail() -> None:
        with tenant_scope(acme.tenant.id, by.user_id):
            invitations.invite(by, email="nora@new.test", role=Role.MEMBER)
            raise KeyError

    with pytest.raises(KeyError):
        invite_and_fail()
    assert mail.outbox == []
    assert not Invitation.objects.using("system").exists()


def test_a_mail_server_that_is_away_leaves_it_unsent(acme: TenantWithUsers, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    invitations.invite(admin_of(acme), email="nora@new.test", role=Role.MEMBER)
    assert Invitation.objects.using("system").get().sent_at is None


def test_a_name_with_line_breaks_does_not_break_the_letter(acme: TenantWithUsers) -> None:
    Tenant.objects.using("system").filter(id=acme.tenant.id).update(name="Acme\r\nBcc: evil@example.test")
    invited(acme)
    assert mail.outbox[-1].subject == "Join Acme Bcc: evil@example.test on AgentOS"
    assert mail.outbox[-1].recipients() == ["nora@new.test"]


class TestAdmin:
    @pytest.fixture
    def browser(self, acme: TenantWithUsers) -> Client:
        browser = Client()
        sign_in(browser, "admin@acme.test")
        return browser

    def listed(self, browser: Client) -> str:
        return browser.get(reverse("admin:accounts_invitation_changelist")).content.decode()

    def act(self, browser: Client, action: str) -> list[str]:
        chosen = [str(Invitation.objects.using("system").get().id)]
        where = reverse("admin:accounts_invitation_changelist")
        answer = browser.post(where, {"action": action, "_selected_action": chosen, "index": "0"})
        return [str(message) for message in get_messages(answer.wsgi_request)]

    def test_it_invites_sends_again_and_withdraws(self, browser: Client, acme: TenantWithUsers) -> None:
        add = reverse("admin:accounts_invitation_add")
        assert browser.get(add).status_code == 200
        assert browser.post(add, {"email": "nora@new.test", "role": "viewer"}).status_code == 302
        first = token_in(mail.outbox[-1].body)
        page = self.listed(browser)
        assert "nora@new.test" in page
        assert "open" in page
        assert first not in page
        assert "on their way" in self.act(browser, "send_again")[-1]
        assert token_in(mail.outbox[-1].body) != first
        assert "have ended" in self.act(browser, "withdraw")[-1]
        assert "withdrawn" in self.listed(browser)
        assert "used up or withdrawn" in self.act(browser, "withdraw")[-1]
        assert actions()[1:] == ["invitation.created", "invitation.resent", "invitation.revoked"]

    def test_a_refusal_is_a_message(self, browser: Client, acme: TenantWithUsers) -> None:
        answer = browser.post(reverse("admin:accounts_invitation_add"), {"email": "member@acme.test", "role": "viewer"})
        assert "is a member already" in [str(message) for message in get_messages(answer.wsgi_request)][-1]

    @pytest.mark.parametrize(("role", "sees"), [("auditor", 200), ("approver", 403), ("operator", 403)])
    def test_who_sees_it(self, acme: TenantWithUsers, role: str, sees: int) -> None:
        browser = Client()
        sign_in(browser, f"{role}@acme.test")
        assert browser.get(reverse("admin:accounts_invitation_changelist")).status_code == sees
        assert browser.get(reverse("admin:accounts_invitation_add")).status_code == 403

    def test_it_shows_this_tenants_only(self, browser: Client, globex: TenantWithUsers) -> None:
        invited(globex, "theirs@new.test")
        assert "theirs@new.test" not in self.listed(browser)
