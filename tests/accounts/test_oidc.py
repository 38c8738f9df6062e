"""Signing in with a provider that really answers on this machine: who gets in, as whom, and who does not."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.messages import get_messages
from django.core import mail
from django.test import Client
from django.urls import reverse
from joserfc.jwk import OctKey, RSAKey

from accounts import oidc, principals
from accounts.models import AuditRow, ExternalIdentity, Invitation, Membership, Role, TenantRole, User
from accounts.services import invitations, providers, second_factor
from accounts.services.attempts import FREE_OF_BOTH
from agentos.core.clock import monotonic
from tests.accounts.provider import CLIENT_ID, CLIENT_SECRET, IdentityProvider, identity_provider
from tests.accounts.web import Answer
from tests.conftest import MakeUser, TenantWithUsers

OURS = "http://testserver"


@pytest.fixture
def idp(acme: TenantWithUsers, settings: Any) -> Iterator[IdentityProvider]:
    """The provider, where acme's member signs in unless the test says otherwise."""
    principals.cache.forget()
    with identity_provider(sub="0815", email="member@acme.test", email_verified=True, name="Mia") as provider:
        settings.PUBLIC_URL = OURS
        settings.PROVIDERS = [entry(provider)]
        oidc._app.cache_clear()
        yield provider
        oidc._app.cache_clear()


def entry(idp: IdentityProvider, **changes: Any) -> dict[str, Any]:
    known = {"id": "corp", "name": "Corp", "issuer": idp.issuer}
    return {**known, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, **changes}


def begin(browser: Client, then: str = "/admin/") -> Any:
    return browser.get(reverse("oidc_begin", args=["corp"]), {"next": then})


def sign_in(browser: Client, idp: IdentityProvider, then: str = "/admin/") -> Any:
    """Walk the whole way, as a browser does; return our last answer."""
    back = idp.visit(begin(browser, then)["Location"])
    assert back.startswith(OURS)
    return browser.get(back.removeprefix(OURS))


def is_in(browser: Client) -> bool:
    return "_auth_user_id" in browser.session


def refusal(answer: Any) -> str:
    assert answer["Location"] == reverse("admin:login")
    return [str(message) for message in get_messages(answer.wsgi_request)][-1]


def actions(team: TenantWithUsers) -> list[str]:
    rows = AuditRow.objects.using("system").filter(tenant_id=team.tenant.id).order_by("seq")
    return list(rows.values_list("action", flat=True))


def role_of(team: TenantWithUsers, email: str) -> str | None:
    members = Membership.objects.using("system").filter(tenant_id=team.tenant.id, user__email=email)
    return members.values_list("role", flat=True).first()


def test_a_member_signs_in_with_it(idp: IdentityProvider, acme: TenantWithUsers) -> None:
    browser = Client()
    assert "Sign in with Corp" in browser.get(reverse("admin:login")).content.decode()
    asked = parse_qs(urlsplit(begin(browser)["Location"]).query)
    assert asked["response_type"] == ["code"]
    assert asked["code_challenge_method"] == ["S256"]
    assert len(asked["nonce"][0]) >= 20
    assert asked["redirect_uri"] == [f"{OURS}/accounts/oidc/corp/callback/"]
    done = sign_in(browser, idp, then="/admin/agents/run/")
    assert done["Location"] == "/admin/agents/run/"
    assert browser.session["_auth_user_id"] == str(acme.member.id)
    link = ExternalIdentity.objects.using("system").get()
    assert (link.user_id, link.issuer, link.subject) == (acme.member.id, idp.issuer, "0815")
    assert actions(acme) == ["identity.linked", "auth.signed_in"]
    row = AuditRow.objects.using("system").filter(action="auth.signed_in").get()
    assert row.detail == {"via": "oidc:corp"}
    assert sign_in(Client(), idp, then="https://evil.example/")["Location"] == "/"


def test_the_link_holds_when_the_address_changes(idp: IdentityProvider, acme: TenantWithUsers) -> None:
    sign_in(Client(), idp)
    idp.user.update(email="viewer@acme.test", email_verified=False)
    browser = Client()
    sign_in(browser, idp)
    assert browser.session["_auth_user_id"] == str(acme.member.id)
    User.objects.using("system").filter(id=acme.member.id).update(is_active=False)
    browser = Client()
    assert "switched off" in refusal(sign_in(browser, idp))
    assert not is_in(browser)


@pytest.mark.parametrize(
    "changes",
    [
        {"email_verified": False},
        {"email_verified": None},
        {"email_verified": "true"},
        {"email": None},
        {"email": ["member@acme.test"]},
        {"email": "stranger@acme.test"},
        {"sub": ""},
        {"sub": None},
        {"sub": 7},
        {"sub": "x" * 300},
        {"iss": "https://evil.example"},
        {"iss": None},
        {"aud": "somebody"},
        {"aud": None},
        {"aud": [CLIENT_ID, "somebody"]},  # without azp
        {"nonce": "another"},
        {"nonce": None},
        {"exp": 1},
        {"exp": None},
        {"iat": 4102444800},
        {"at_hash": "AAAA"},
    ],
    ids=str,
)
def test_what_it_says_wrongly_lets_nobody_in(
    idp: IdentityProvider, acme: TenantWithUsers, changes: dict[str, Any]
) -> None:
    idp.changes = changes
    browser = Client()
    answer = sign_in(browser, idp)
    assert answer["Location"] == reverse("admin:login")
    assert not is_in(browser)
    assert not ExternalIdentity.objects.using("system").exists()
    idp.changes = {}
    sign_in(browser, idp)
    assert is_in(browser)


def test_a_token_of_another_key_or_algorithm_is_refused(idp: IdentityProvider, acme: TenantWithUsers) -> None:
    for key, header in (
        (RSAKey.generate_key(2048, {"kid": "idp"}), {}),
        (RSAKey.generate_key(2048, {"kid": "other"}), {"kid": "other"}),
        (OctKey.import_key(CLIENT_SECRET), {"alg": "HS256"}),
    ):
        idp.signs_with, idp.header = key, header
        browser = Client()
        assert sign_in(browser, idp)["Location"] == reverse("admin:login")
        assert not is_in(browser)


def test_a_rotated_key_is_fetched(idp: IdentityProvider, acme: TenantWithUsers) -> None:
    sign_in(Client(), idp)
    idp.key = RSAKey.generate_key(2048, {"kid": "next", "use": "sig"})
    idp.header = {"kid": "next"}
    browser = Client()
    sign_in(browser, idp)
    assert is_in(browser)


def test_a_key_that_was_taken_back_signs_nobody_in_for_long(
    idp: IdentityProvider, acme: TenantWithUsers, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(Client(), idp)
    idp.signs_with = idp.key
    idp.key = RSAKey.generate_key(2048, {"kid": "next", "use": "sig"})
    now = monotonic()
    monkeypatch.setattr(oidc, "monotonic", lambda: now + oidc.KEPT_SECONDS + 1)
    browser = Client()
    assert "did not sign you in" in refusal(sign_in(browser, idp))
    assert not is_in(browser)


def test_a_provider_that_was_another_for_a_moment_is_asked_again(idp: IdentityProvider, acme: TenantWithUsers) -> None:
    idp.metadata = {"issuer": "https://evil.example"}
    assert "another issuer" in refusal(begin(Client()))
    idp.metadata = {}
    browser = Client()
    sign_in(browser, idp)
    assert is_in(browser)


def test_no_code_goes_to_whom_another_issuer_names_in_the_middle_of_a_sign_in(
    idp: IdentityProvider, acme: TenantWithUsers, monkeypatch: pytest.MonkeyPatch
) -> None:
    trade = oidc._App.authorize_access_token
    now = monotonic()

    def late(*args: Any, **kwargs: Any) -> Any:
        idp.metadata = {"issuer": "https://evil.example", "token_endpoint": f"{idp.issuer}/elsewhere"}
        monkeypatch.setattr(oidc, "monotonic", lambda: now + oidc.KEPT_SECONDS + 1)
        return trade(*args, **kwargs)

    monkeypatch.setattr(oidc, "monotonic", lambda: now)
    browser = Client()
    back = idp.visit(begin(browser)["Location"]).removeprefix(OURS)
    monkeypatch.setattr(oidc._App, "authorize_access_token", late)
    assert "did not sign you in" in refusal(browser.get(back))
    assert not is_in(browser)
    assert idp.site is not None
    assert not [asked for asked in idp.site.asked if asked.path == "/elsewhere"]


@pytest.fixture
def threads_take_short_turns() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_threads_that_read_its_description_at_once_get_it_whole(
    idp: IdentityProvider, monkeypatch: pytest.MonkeyPatch, threads_take_short_turns: None
) -> None:
    issuer = idp.issuer
    said = SimpleNamespace(raise_for_status=lambda: None, json=lambda: {"issuer": issuer, "jwks_uri": "kept"})
    session = SimpleNamespace(request=lambda *args, **kwargs: said)
    provider = providers.of_id("corp")
    app = oidc._app(provider, provider.secret)
    monkeypatch.setattr(app, "_get_session", lambda: nullcontext(session))
    monkeypatch.setattr(oidc, "KEPT_SECONDS", 0.0)

    def read(_: int) -> list[object]:
        return [app.load_server_metadata().get("jwks_uri") for _ in range(5000)]

    with ThreadPoolExecutor(4) as threads:
        found = [uri for uris in threads.map(read, range(4)) for uri in uris]
    assert set(found) == {"kept"}


def test_an_odd_answer_is_logged_without_its_text(
    idp: IdentityProvider, acme: TenantWithUsers, caplog: pytest.LogCaptureFixture
) -> None:
    assert idp.site is not None
    rightly = idp.site.answer
    browser = Client()
    back = idp.visit(begin(browser)["Location"]).removeprefix(OURS)
    idp.site.answer = lambda asked: Answer(body=b'["secret"]') if asked.path.startswith("/token") else rightly(asked)
    with caplog.at_level(logging.WARNING, logger="accounts.oidc"):
        assert refusal(browser.get(back))
        assert refusal(browser.get(back))  # a state that is used up is the browser's, not the provider's
    (line,) = [record.getMessage() for record in caplog.records if record.name == "accounts.oidc"]
    assert "corp" in line
    assert "Error at " in line
    assert "secret" not in line


def test_a_state_is_of_one_session_and_good_once(idp: IdentityProvider, acme: TenantWithUsers) -> None:
    victim, attacker = Client(), Client()
    back = idp.visit(begin(attacker)["Location"]).removeprefix(OURS)
    assert "start again" in refusal(victim.get(back))
    assert not is_in(victim)
    assert attacker.get(back)["Location"] == "/admin/"
    attacker.post(reverse("sign_out"))
    assert "start again" in refusal(attacker.get(back))
    for query in ("", "?error=access_denied", "?code=x&state=y", "?state="):
        assert refusal(victim.get(reverse("oidc_callback", args=["corp"]) + query))
    state = parse_qs(urlsplit(begin(victim)["Location"]).query)["state"][0]
    assert "start again" in refusal(victim.get(reverse("oidc_callback", args=["corp"]), {"state": state}))
    assert victim.get(reverse("oidc_callback", args=["corp"]) + "?code=%00&state=%00").status_code == 400


def test_a_code_of_another_flow_fails_its_pkce(idp: IdentityProvider, acme: TenantWithUsers) -> None:
    """A stolen code, injected into one's own flow: the verifier is another's."""
    stolen = parse_qs(urlsplit(idp.visit(begin(Client())["Location"])).query)["code"][0]
    browser = Client()
    own = parse_qs(urlsplit(begin(browser)["Location"]).query)["state"][0]
    answer = browser.get(reverse("oidc_callback", args=["corp"]), {"code": stolen, "state": own})
    assert refusal(answer)
    assert not is_in(browser)


def test_bad_answers_are_slowed_down_for_that_network_only(idp: IdentityProvider, acme: TenantWithUsers) -> None:
    place = reverse("oidc_callback", args=["corp"])
    for _ in range(FREE_OF_BOTH + 1):
        Client().get(place, {"code": "x", "state": "y"}, REMOTE_ADDR="192.0.2.1")
    assert "Too many" in refusal(Client().get(place, {"code": "x", "state": "y"}, REMOTE_ADDR="192.0.2.1"))
    browser = Client()
    sign_in(browser, idp)
    assert is_in(browser)


def test_a_second_factor_is_asked_for_unless_the_provider_is_trusted_with_it(
    idp: IdentityProvider, acme: TenantWithUsers, settings: Any
) -> None:
    settings.SECOND_FACTOR = "required"
    idp.user.update(email="admin@acme.test", amr=["pwd", "otp"])
    browser = Client()
    assert sign_in(browser, idp)["Location"] == reverse("second_factor")
    assert not is_in(browser)
    settings.PROVIDERS = [entry(idp, second_factor=True)]
    assert sign_in(browser, idp)["Location"] == "/admin/"
    assert browser.get("/admin/accounts/membership/").status_code == 200
    for amr in (["pwd"], "otp", None, [["otp"]]):
        idp.user["amr"] = amr
        browser = Client()
        sign_in(browser, idp)
        assert not is_in(browser)
    assert second_factor.device_of(acme.admin.id) is None


def test_an_unknown_person_needs_an_invitation(idp: IdentityProvider, acme: TenantWithUsers, settings: Any) -> None:
    idp.user.update(email="nora@new.test", name="Nora\x00")
    browser = Client()
    assert "ask for an invitation" in refusal(sign_in(browser, idp))
    by = principals.load(acme.admin.id, acme.tenant.id)
    assert by is not None
    invitations.invite(by, email="Nora@new.test", role=Role.APPROVER)
    settings.PROVIDERS = [entry(idp, unknown_users="deny")]
    assert "ask for an invitation" in refusal(sign_in(browser, idp))
    settings.PROVIDERS = [entry(idp)]
    sign_in(browser, idp)
    assert is_in(browser)
    assert role_of(acme, "nora@new.test") == Role.APPROVER
    user = User.objects.using("system").get(email="nora@new.test")
    assert (user.name, user.has_usable_password()) == ("Nora", False)
    assert Invitation.objects.using("system").get().accepted_by_id == user.id
    assert len(mail.outbox) == 1


@pytest.mark.parametrize(
    "email", ["\u017fteve@new.test", "steve@new.te\u017ft", "st\u0131ve@new.test", "STEVE@new.test"]
)
def test_an_address_of_other_letters_is_nobody_elses(
    idp: IdentityProvider, acme: TenantWithUsers, settings: Any, email: str
) -> None:
    """Letters whose capitals are those of others: the provider has verified another address than the invited one."""
    by = principals.load(acme.admin.id, acme.tenant.id)
    assert by is not None
    invitations.invite(by, email="stive@new.test" if "\u0131" in email else "steve@new.test", role=Role.APPROVER)
    settings.PROVIDERS = [entry(idp)]
    idp.user.update(email=email)
    browser = Client()
    answer = sign_in(browser, idp)
    if email.isascii():
        assert is_in(browser)
    else:
        assert refusal(answer)
        assert not User.objects.using("system").filter(email=email).exists()


def test_an_invitation_whose_inviter_lost_her_rights_lets_nobody_in(
    idp: IdentityProvider, acme: TenantWithUsers, make_user: MakeUser
) -> None:
    second = make_user(acme.tenant, Role.ADMIN, "second@acme.test")
    by = principals.load(second.id, acme.tenant.id)
    assert by is not None
    invitations.invite(by, email="nora@new.test", role=Role.ADMIN)
    Membership.objects.using("system").filter(user_id=second.id).update(role=Role.VIEWER)
    idp.user["email"] = "nora@new.test"
    assert refusal(sign_in(Client(), idp))
    assert not User.objects.using("system").filter(email="nora@new.test").exists()


GROUPS = [
    {"group": "approvers", "tenant": "acme", "role": "approver"},
    {"group": "staff", "tenant": "acme", "role": "member"},
    {"group": "staff", "tenant": "globex", "role": "viewer"},
    {"group": "ghosts", "tenant": "nowhere", "role": "member"},
]


def test_groups_mean_roles(
    idp: IdentityProvider, acme: TenantWithUsers, globex: TenantWithUsers, settings: Any
) -> None:
    settings.PROVIDERS = [entry(idp, groups=GROUPS)]
    idp.user["groups"] = ["staff", "approvers", "ghosts", 7]
    sign_in(Client(), idp)
    assert (role_of(acme, "member@acme.test"), role_of(globex, "member@acme.test")) == (Role.APPROVER, Role.VIEWER)
    assert "member.role_changed" in actions(acme)
    assert "member.added" in actions(globex)
    idp.user["groups"] = ["staff"]
    sign_in(Client(), idp)
    assert role_of(acme, "member@acme.test") == Role.MEMBER
    idp.user["groups"] = []
    sign_in(Client(), idp)
    assert (role_of(acme, "member@acme.test"), role_of(globex, "member@acme.test")) == (Role.MEMBER, Role.VIEWER)
    settings.PROVIDERS = [entry(idp, groups=GROUPS, strict_groups=True)]
    browser = Client()
    assert "no tenant" in refusal(sign_in(browser, idp))
    assert (role_of(acme, "member@acme.test"), role_of(globex, "member@acme.test")) == (None, None)
    assert not is_in(browser)


def test_groups_neither_make_nor_unmake_an_administrator(
    idp: IdentityProvider, acme: TenantWithUsers, settings: Any
) -> None:
    settings.PROVIDERS = [entry(idp, groups=GROUPS, strict_groups=True)]
    idp.user.update(email="admin@acme.test", groups=["staff"])
    sign_in(Client(), idp)
    idp.user["groups"] = []
    sign_in(Client(), idp)
    assert role_of(acme, "admin@acme.test") == Role.ADMIN
    TenantRole.objects.using("system").create(tenant=acme.tenant, name="boss", scopes=["agent_os:admin"])
    settings.PROVIDERS = [entry(idp, groups=[{"group": "staff", "tenant": "acme", "role": "boss"}])]
    idp.user.update(sub="2", email="member@acme.test", groups=["staff"])
    sign_in(Client(), idp)
    assert role_of(acme, "member@acme.test") == Role.MEMBER


def test_groups_may_let_unknown_people_in(idp: IdentityProvider, acme: TenantWithUsers, settings: Any) -> None:
    settings.PROVIDERS = [entry(idp, groups=GROUPS, unknown_users="groups")]
    idp.user.update(email="nora@new.test", groups=["others"])
    assert refusal(sign_in(Client(), idp))
    idp.user["groups"] = ["approvers"]
    browser = Client()
    sign_in(browser, idp)
    assert is_in(browser)
    assert role_of(acme, "nora@new.test") == Role.APPROVER


def test_a_tenants_own_provider_signs_in_nobody_of_others(
    idp: IdentityProvider, acme: TenantWithUsers, globex: TenantWithUsers, make_user: MakeUser, settings: Any
) -> None:
    settings.PROVIDERS = [entry(idp, tenants=["acme"])]
    for number, user in enumerate([globex.admin, globex.member]):
        idp.user.update(sub=f"forged {number}", email=user.email)
        browser = Client()
        assert "not for your account" in refusal(sign_in(browser, idp))
        assert not is_in(browser)
    assert not ExternalIdentity.objects.using("system").exists()
    idp.user.update(sub="0815", email=acme.member.email)
    browser = Client()
    sign_in(browser, idp)
    assert is_in(browser)
    make_user(globex.tenant, "viewer", acme.member.email)
    browser = Client()
    assert "not for your account" in refusal(sign_in(browser, idp))
    assert not is_in(browser)
    User.objects.using("system").filter(id=acme.viewer.id).update(is_superuser=True)
    idp.user.update(sub="operator", email=acme.viewer.email)
    assert "not for your account" in refusal(sign_in(Client(), idp))


def test_only_the_listed_domains(idp: IdentityProvider, acme: TenantWithUsers, settings: Any) -> None:
    settings.PROVIDERS = [entry(idp, email_domains=["corp.example"])]
    assert "another domain" in refusal(sign_in(Client(), idp))
    settings.PROVIDERS = [entry(idp, email_domains=["acme.test"])]
    assert sign_in(Client(), idp)["Location"] == "/admin/"


def test_demo_users_are_nobodys(idp: IdentityProvider, acme: TenantWithUsers) -> None:
    User.objects.using("system").filter(id=acme.member.id).update(is_demo=True)
    assert refusal(sign_in(Client(), idp))


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/.well-known/openid-configuration", Answer(500)),
        ("/.well-known/openid-configuration", Answer(body=b"<html>")),
        ("/.well-known/openid-configuration", Answer(body=b"[]")),
        ("/.well-known/openid-configuration", Answer(body=b'{"issuer": "https://evil.example"}')),
        ("/.well-known/openid-configuration", Answer(302, headers={"Location": "/elsewhere"})),
        ("/.well-known/openid-configuration", Answer(body=b" " * (oidc.MAX_BYTES + 1))),
        ("/token", Answer(500)),
        ("/token", Answer(302, headers={"Location": "/elsewhere"})),
        ("/token", Answer(body=b"{}")),
        ("/token", Answer(body=b"[]")),
        ("/token", Answer(body=b"7")),
        ("/token", Answer(body=b'{"access_token": "x", "id_token": 7}')),
        ("/token", Answer(body=b" " * (oidc.MAX_BYTES + 1))),
        ("/jwks", Answer(body=b"[]")),
        ("/jwks", Answer(body=b'{"keys": [7]}')),
        ("/jwks", Answer(body=b'{"keys": {"kid": "idp"}}')),
        ("/jwks", Answer(body=b"null")),
        ("/jwks", Answer(404)),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{value.status} {len(value.body)}",
)
def test_a_provider_that_answers_badly_lets_nobody_in(
    idp: IdentityProvider, acme: TenantWithUsers, path: str, answer: Answer
) -> None:
    assert idp.site is not None
    rightly = idp.site.answer
    idp.site.answer = lambda asked: answer if asked.path.startswith(path) else rightly(asked)
    browser = Client()
    first = begin(browser)
    if path.startswith("/.well-known"):
        assert "can't be used now" in refusal(first)
    else:
        last = browser.get(idp.visit(first["Location"]).removeprefix(OURS))
        assert refusal(last)
    assert not is_in(browser)
    assert not [asked for asked in idp.site.asked if asked.path == "/elsewhere"]


def test_what_it_says_of_other_places_is_not_followed(idp: IdentityProvider, acme: TenantWithUsers) -> None:
    idp.metadata = {"token_endpoint": "http://192.0.2.1/token"}
    browser = Client()
    back = idp.visit(begin(browser)["Location"]).removeprefix(OURS)
    assert "can't be used now" in refusal(browser.get(back))


def test_a_provider_that_is_none_has_no_page(idp: IdentityProvider, acme: TenantWithUsers) -> None:
    for name in ("oidc_begin", "oidc_callback"):
        assert Client().get(reverse(name, args=["other"])).status_code == 404
        assert Client().post(reverse(name, args=["corp"])).status_code == 405
