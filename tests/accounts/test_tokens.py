"""Signing in, forged and stale tokens, rotation and the end of a family."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from accounts import principals, seam
from accounts.models import AuditRow, Membership, RefreshToken, Role, User
from accounts.services import members, tokens
from accounts.services.attempts import FREE_OF_BOTH, FREE_OF_NETWORK
from agentos.core.clock import utc_now
from agentos.core.errors import Invalid, NotAuthenticated, RateLimited
from tests.accounts.forging import b64, claims, encoded, signed
from tests.conftest import MakeUser, TenantWithUsers


@pytest.fixture(autouse=True)
def _fresh(database: None) -> None:
    principals.cache.forget()


def test_a_good_token_says_what_it_claims() -> None:
    payload = claims()
    found = tokens.verify_access(signed(payload))
    assert (found.user_id, found.tenant_id) == (UUID(payload["sub"]), UUID(payload["tenant"]))
    assert (found.version, found.family) == (1, UUID(payload["fam"]))


def test_a_remembered_token_still_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    token = signed(claims())
    end = tokens.verify_access(token).expires_at
    monkeypatch.setattr(tokens, "utc_now", lambda: end - timedelta(microseconds=1))
    tokens.verify_access(token)
    monkeypatch.setattr(tokens, "utc_now", lambda: end)
    with pytest.raises(NotAuthenticated):
        tokens.verify_access(token)


@pytest.mark.parametrize(
    "changes",
    [
        *({name: None} for name in ("typ", "iss", "aud", "exp", "sub", "tenant", "ver", "fam", "jti")),
        {"typ": "refresh"},
        {"iss": "somebody"},
        {"aud": "somebody"},
        {"aud": ["agentos", "somebody"]},
        {"exp": 1},
        {"exp": 10**30},
        {"exp": "soon"},
        {"iat": 4102444800},
        {"sub": "1"},
        {"sub": 7},
        {"tenant": "acme"},
        {"ver": "1"},
        {"ver": True},
        {"ver": 1.0},
        {"exp": 4102444800},
        {"nbf": 4102444800},
        {"iat": 1.5},
    ],
    ids=str,
)
def test_wrong_claims_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(NotAuthenticated):
        tokens.verify_access(signed(claims(**changes)))


def test_a_name_said_twice_is_refused_even_with_a_right_signature() -> None:
    text = json.dumps(claims())
    with pytest.raises(NotAuthenticated):
        tokens.verify_access(encoded(text[:-1] + f', "sub": "{uuid4()}"}}'))


@pytest.mark.parametrize(
    "token",
    ["", ".", "..", "a.b.c", "é.é.é", "x" * 9000, "." * 50, f"{b64('[]')}.{b64('{}')}.x", b64("[" * 5000) + ".e30.x"],
)
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(NotAuthenticated):
        tokens.verify_access(token)


def test_an_oversize_token_is_refused_unread() -> None:
    with pytest.raises(NotAuthenticated):
        tokens.verify_access(signed(claims(pad="x" * 9000)))


def test_signing_in(acme: TenantWithUsers) -> None:
    pair = tokens.issue(email="Member@ACME.test", password="demo")
    found = tokens.verify_access(pair.access)
    assert (found.user_id, found.tenant_id) == (acme.member.id, acme.tenant.id)
    assert pair.tenant == "acme"
    assert "agents:run" in pair.scopes
    assert pair.expires_in_seconds == 600
    assert principals.load(found.user_id, found.tenant_id, found.family) is not None
    row = AuditRow.objects.using("system").get()
    assert (row.action, row.actor_id, row.tenant_id) == ("auth.signed_in", acme.member.id, acme.tenant.id)


def test_every_failure_looks_the_same(acme: TenantWithUsers, globex: TenantWithUsers) -> None:
    User.objects.using("system").filter(id=acme.viewer.id).update(is_active=False)
    asked: list[dict[str, str]] = [
        {"email": "nobody@acme.test", "password": "demo"},
        {"email": "adm\u0131n@acme.test", "password": "demo"},
        {"email": "member@acme.test\x00", "password": "demo"},
        {"email": "member@acme.test", "password": "wrong"},
        {"email": "viewer@acme.test", "password": "demo"},
        {"email": "member@acme.test", "password": "demo", "tenant": "globex"},
        {"email": "member@acme.test", "password": "demo", "tenant": "nowhere"},
    ]
    answers = set()
    for question in asked:
        with pytest.raises(NotAuthenticated) as refused:
            tokens.issue(**question)
        answers.add((refused.value.code, refused.value.detail))
    assert len(answers) == 1


def test_a_failure_of_a_known_user_is_audited_without_what_was_typed(acme: TenantWithUsers) -> None:
    for email, password in (("member@acme.test", "hunter2"), ("stranger@nowhere.test", "hunter2")):
        with pytest.raises(NotAuthenticated):
            tokens.issue(email=email, password=password)
    seam.close()  # the row is written after the answer
    row = AuditRow.objects.using("system").get()
    assert (row.action, row.object_id) == ("auth.sign_in_failed", str(acme.member.id))
    assert "hunter2" not in json.dumps(row.detail)


@pytest.mark.parametrize(
    ("password", "tenant"), [("wrong", None), ("wrong", "globex"), ("wrong", "nowhere"), ("demo", "nowhere")]
)
def test_each_of_her_tenants_sees_a_failure_and_nothing_of_the_others(
    acme: TenantWithUsers, globex: TenantWithUsers, make_user: MakeUser, password: str, tenant: str | None
) -> None:
    make_user(globex.tenant, "admin", "member@acme.test")
    with pytest.raises(NotAuthenticated):
        tokens.issue(email="member@acme.test", password=password, tenant=tenant)
    seam.close()  # the rows are written after the answer
    rows = AuditRow.objects.using("system").order_by("tenant__slug")
    seen = ("auth.sign_in_failed", str(acme.member.id), {}, None)
    assert list(rows.values_list("tenant__slug", "action", "object_id", "detail", "actor_id")) == [
        ("acme", *seen),
        ("globex", *seen),
    ]


def test_a_user_of_several_tenants_names_one(
    acme: TenantWithUsers, globex: TenantWithUsers, make_user: MakeUser
) -> None:
    make_user(globex.tenant, "admin", "member@acme.test")
    with pytest.raises(Invalid, match="acme, globex"):
        tokens.issue(email="member@acme.test", password="demo")
    with pytest.raises(NotAuthenticated):
        tokens.issue(email="member@acme.test", password="wrong")
    pair = tokens.issue(email="member@acme.test", password="demo", tenant="globex")
    assert tokens.verify_access(pair.access).tenant_id == globex.tenant.id
    pair = tokens.issue(email="member@acme.test", password="demo", tenant=str(acme.tenant.id))
    assert pair.tenant == "acme"


def test_refreshing_rotates_and_keeps_the_family(acme: TenantWithUsers) -> None:
    first = tokens.issue(email="member@acme.test", password="demo")
    second = tokens.refresh(first.refresh)
    assert second.refresh != first.refresh
    assert tokens.verify_access(second.access).family == tokens.verify_access(first.access).family


def test_using_a_refresh_token_twice_ends_the_family(acme: TenantWithUsers) -> None:
    first = tokens.issue(email="member@acme.test", password="demo")
    second = tokens.refresh(first.refresh)
    for token in (first.refresh, second.refresh):
        with pytest.raises(NotAuthenticated):
            tokens.refresh(token)
    found = tokens.verify_access(second.access)
    assert principals.load(found.user_id, found.tenant_id, found.family) is None
    actions = AuditRow.objects.using("system").order_by("seq").values_list("action", flat=True)
    assert list(actions) == ["auth.signed_in", "auth.refreshed", "auth.family_ended"]


def test_an_access_token_does_not_refresh(acme: TenantWithUsers) -> None:
    pair = tokens.issue(email="member@acme.test", password="demo")
    with pytest.raises(NotAuthenticated):
        tokens.refresh(pair.access)
    with pytest.raises(NotAuthenticated):
        tokens.verify_access(pair.refresh)


def test_a_refresh_token_dies_with_the_membership(acme: TenantWithUsers) -> None:
    pair = tokens.issue(email="member@acme.test", password="demo")
    User.objects.using("system").filter(id=acme.member.id).update(is_active=False)
    with pytest.raises(NotAuthenticated):
        tokens.refresh(pair.refresh)
    assert RefreshToken.objects.using("system").filter(revoked_at=None).count() == 0


def test_whoever_is_removed_and_invited_again_begins_anew(
    acme: TenantWithUsers, globex: TenantWithUsers, make_user: MakeUser
) -> None:
    make_user(globex.tenant, "member", "member@acme.test")
    here, elsewhere = (
        tokens.issue(email="member@acme.test", password="demo", tenant=name) for name in ("acme", "globex")
    )
    members.remove(acme.principal("admin"), user_id=acme.member.id)
    assert set(RefreshToken.objects.using("system").values_list("tenant__slug", flat=True)) == {"globex"}
    Membership.objects.using("system").create(tenant=acme.tenant, user=acme.member, role=Role.MEMBER)
    found = tokens.verify_access(here.access)
    assert principals.load(found.user_id, found.tenant_id, found.family) is None
    with pytest.raises(NotAuthenticated):
        tokens.refresh(here.refresh)
    assert tokens.refresh(elsewhere.refresh).tenant == "globex"


def test_a_membership_that_ends_during_a_sign_in_gives_no_tokens(acme: TenantWithUsers) -> None:
    member = principals.members().get(user_id=acme.member.id)
    members.remove(acme.principal("admin"), user_id=acme.member.id)
    with pytest.raises(NotAuthenticated):
        tokens.start_family(member)
    assert not RefreshToken.objects.using("system").exists()


def test_a_link_that_was_made_during_a_sign_out_is_dead(acme: TenantWithUsers) -> None:
    first = tokens.issue(email="member@acme.test", password="demo")
    second = tokens.refresh(first.refresh)
    RefreshToken.objects.using("system").exclude(used_at=None).update(revoked_at=utc_now())
    with pytest.raises(NotAuthenticated):
        tokens.refresh(second.refresh)


def test_signing_out_ends_one_family_or_all(acme: TenantWithUsers) -> None:
    def family_lives(pair: tokens.TokenPair) -> bool:
        found = tokens.verify_access(pair.access)
        now = principals.load(found.user_id, found.tenant_id, found.family)
        return now is not None and now.version == found.version

    first, second, third = (tokens.issue(email="member@acme.test", password="demo") for _ in range(3))
    found = tokens.verify_access(first.access)
    principal = principals.load(found.user_id, found.tenant_id, found.family)
    assert principal is not None
    tokens.revoke(principal)
    assert [family_lives(pair) for pair in (first, second, third)] == [False, True, True]
    tokens.revoke(principal, all=True)
    assert [family_lives(pair) for pair in (first, second, third)] == [False, False, False]
    with pytest.raises(NotAuthenticated):
        tokens.refresh(third.refresh)


def test_guessing_is_slowed_down_even_for_the_right_password(acme: TenantWithUsers) -> None:
    for _ in range(FREE_OF_BOTH + 1):
        with pytest.raises(NotAuthenticated):
            tokens.issue(email="member@acme.test", password="wrong", client="192.0.2.1")
    with pytest.raises(RateLimited):
        tokens.issue(email="MEMBER@acme.test", password="demo", client="192.0.2.1")
    assert tokens.issue(email="member@acme.test", password="demo", client="192.0.2.2").tenant == "acme"


def test_guessing_at_many_accounts_from_one_address_is_slowed_down(acme: TenantWithUsers) -> None:
    for number in range(FREE_OF_NETWORK + 1):
        with pytest.raises(NotAuthenticated):
            tokens.issue(email=f"nobody{number}@acme.test", password="demo", client="192.0.2.1")
    with pytest.raises(RateLimited):
        tokens.issue(email="member@acme.test", password="demo", client="192.0.2.1")
    assert tokens.issue(email="member@acme.test", password="demo", client="192.0.2.2").tenant == "acme"


@pytest.mark.parametrize(
    ("client", "is_open", "production", "allowed"),
    [
        ("127.0.0.1", False, False, True),
        ("::1", False, False, True),
        ("::ffff:127.0.0.1", False, False, True),
        ("192.0.2.1", False, False, False),
        ("::ffff:192.0.2.1", False, False, False),
        ("", False, False, False),
        ("192.0.2.1", True, False, True),
        ("127.0.0.1", True, True, False),
    ],
)
def test_demo_users_sign_in_from_this_machine_only(
    acme: TenantWithUsers, settings: Any, client: str, is_open: bool, production: bool, allowed: bool
) -> None:
    User.objects.using("system").filter(id=acme.member.id).update(is_demo=True)
    settings.DEMO_OPEN, settings.PRODUCTION = is_open, production
    if allowed:
        assert tokens.issue(email="member@acme.test", password="demo", client=client).tenant == "acme"
    else:
        with pytest.raises(NotAuthenticated):
            tokens.issue(email="member@acme.test", password="demo", client=client)
