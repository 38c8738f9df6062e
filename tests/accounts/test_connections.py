"""Connections: sealed, write-only, resolved narrowest first, replaced, revoked, and sealed anew under a new key."""

from __future__ import annotations

import io
import json
import pickle
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import orjson
import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connections, transaction
from django.test import Client
from django.urls import reverse

from accounts import audit, envelopes, principals
from accounts import connections as kinds_of
from accounts.connections import ConnectionKind, Level
from accounts.models import AuditRow, Connection, PlatformConnection, User
from accounts.seam import in_thread
from accounts.services import connections as service
from accounts.services import members, service_accounts
from accounts.tenancy import tenant_scope
from agentos.core.credentials import Credentials
from agentos.core.errors import ConfigError, Invalid, NotFound, PolicyDenied
from agentos.core.types import json_text
from agentos.lean import LeanHandler
from tests.conftest import TenantWithUsers

MARKER = "hunter2-of-nobody-else"
STRIPE = ConnectionKind("stripe", ("token",), optional=("account",))
HOUSE = ConnectionKind("house", ("token",), levels=(Level.TENANT, Level.PLATFORM))


@pytest.fixture(autouse=True)
def _kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    principals.cache.forget()
    known = {kind.name: kind for kind in (*kinds_of.personal_services(), STRIPE, HOUSE)}
    monkeypatch.setattr(kinds_of, "kinds", lambda: known)
    for module in ("accounts.pages.connections", "accounts.api.connections"):
        monkeypatch.setattr(f"{module}.kinds", lambda: known)


def mail(secret: str = MARKER) -> dict[str, str]:
    return {"host": "mail.acme.test", "username": "member", "password": secret}


def put(acme: TenantWithUsers, role: str, kind: str, level: str, token: str) -> Connection:
    return service.put(acme.principal(role), kind=kind, level=Level(level), values={"token": token})


def test_the_narrowest_is_resolved(acme: TenantWithUsers, globex: TenantWithUsers) -> None:
    member = acme.principal("member")
    with pytest.raises(NotFound):
        service.resolve(member, "stripe")
    service.put_for_platform(kind="stripe", values={"token": "of-the-platform"})
    assert service.resolve(member, "stripe")["token"] == "of-the-platform"
    put(acme, "admin", "stripe", "tenant", "of-the-tenant")
    assert service.resolve(member, "stripe")["token"] == "of-the-tenant"
    put(acme, "member", "stripe", "user", "of-the-user")
    assert service.resolve(member, "stripe")["token"] == "of-the-user"
    assert service.resolve(acme.principal("viewer"), "stripe")["token"] == "of-the-tenant"
    assert service.resolve(globex.principal("member"), "stripe")["token"] == "of-the-platform"


@pytest.mark.parametrize(
    ("kind", "field", "value", "code"),
    [
        ("mail", "host", "127.0.0.1:25", "private_host"),
        ("mail", "host", "localhost", "private_host"),
        ("calendar", "url", "https://169.254.169.254/dav", "private_host"),
        ("calendar", "url", "http://dav.example.com/", "bad_url"),
        ("calendar", "url", "https://me:secret@dav.example.com/", "bad_url"),
    ],
)
def test_a_server_inside_the_network_is_refused(
    acme: TenantWithUsers, settings: Any, kind: str, field: str, value: str, code: str
) -> None:
    settings.PRIVATE_ENDPOINTS = False
    values = {field: value, "username": "member", "password": MARKER}
    with pytest.raises(Invalid) as refused:
        service.put(acme.principal("member"), kind=kind, level=Level.USER, values=values)
    assert (refused.value.code, value in refused.value.detail) == (code, False)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1%0a", "127.0.0.1%00:25", "mail.example.com%0a", "fe80::1%eth0", "[fe80::1%25eth0]:25",
        "2001:4860::8888", "mail.example.com\n.x", "mail example.com", "me:secret@mail.example.com",
        "mail.example.com:99999", "mail.example.com:0", "mail.example.com:smtp", "mail.example.com/inbox",
        "mail.example.com?x", "mail.example.com#x", "mail..example.com", "[::1", "*.example.com",
    ],
)  # fmt: skip
@pytest.mark.parametrize("private", [True, False])
def test_what_is_no_host_is_no_mail_server(acme: TenantWithUsers, settings: Any, host: str, private: bool) -> None:
    settings.PRIVATE_ENDPOINTS = private
    with pytest.raises(Invalid) as refused:
        service.put(acme.principal("member"), kind="mail", level=Level.USER, values={**mail(), "host": host})
    assert (refused.value.code, host in refused.value.detail) == ("bad_url", False)


@pytest.mark.parametrize(
    "host",
    ["mail.example.com", "mail.example.com:993", "[2606:4700:4700::1111]:25", "8.8.8.8:25", "b\u00fccher.example"],
)
def test_a_public_mail_server_is_taken(acme: TenantWithUsers, settings: Any, host: str) -> None:
    settings.PRIVATE_ENDPOINTS = False
    service.put(acme.principal("member"), kind="mail", level=Level.USER, values={**mail(), "host": host})
    assert service.resolve(acme.principal("member"), "mail")["host"] == host


def test_a_personal_service_is_only_ever_ones_own(acme: TenantWithUsers) -> None:
    service.put(acme.principal("member"), kind="mail", level=Level.USER, values=mail())
    assert service.resolve(acme.principal("member"), "mail")["password"] == MARKER
    for other in ("admin", "viewer"):
        with pytest.raises(NotFound):
            service.resolve(acme.principal(other), "mail")
    for attempt in (
        lambda: service.put(acme.principal("admin"), kind="mail", level=Level.TENANT, values=mail()),
        lambda: service.put_for_platform(kind="mail", values=mail()),
        lambda: put(acme, "member", "house", "user", "long-enough"),
    ):
        with pytest.raises(Invalid) as refused:
            attempt()
        assert refused.value.code == "wrong_level"


def test_nothing_is_stored_in_the_clear(acme: TenantWithUsers) -> None:
    service.put(acme.principal("member"), kind="mail", level=Level.USER, values=mail(), label="Work")
    service.put_for_platform(kind="stripe", values={"token": MARKER})
    row = Connection.objects.using("system").get()
    platform = PlatformConnection.objects.using("system").get()
    for stored in (row, platform):
        text = f"{stored.sealed}{stored.sealed_key}"
        assert MARKER not in text
        assert "mail.acme.test" not in text
    trail = AuditRow.objects.using("system").order_by("seq")
    assert [(entry.action, entry.detail) for entry in trail] == [
        ("connection.added", {"kind": "mail", "level": "user"})
    ]
    assert audit.verify(acme.tenant.id) is None


def test_what_is_sealed_opens_in_its_own_row_only(acme: TenantWithUsers, globex: TenantWithUsers) -> None:
    mine = put(acme, "member", "stripe", "user", "of-the-user")
    theirs = put(globex, "member", "stripe", "user", "of-another")
    rows = Connection.objects.using("system").filter(id=mine.id)
    rows.update(sealed=theirs.sealed, sealed_key=theirs.sealed_key)
    with pytest.raises(ConfigError) as refused:
        service.resolve(acme.principal("member"), "stripe")
    assert "of-another" not in str(refused.value)
    rows.update(sealed=theirs.sealed, sealed_key=mine.sealed_key)
    with pytest.raises(ConfigError, match="changed"):
        service.resolve(acme.principal("member"), "stripe")


def test_storing_again_replaces(acme: TenantWithUsers) -> None:
    first = put(acme, "member", "stripe", "user", "the-first")
    again = put(acme, "member", "stripe", "user", "the-second")
    assert again.id == first.id
    assert again.sealed_key != first.sealed_key
    assert service.resolve(acme.principal("member"), "stripe")["token"] == "the-second"
    actions = list(AuditRow.objects.using("system").order_by("seq").values_list("action", flat=True))
    assert actions == ["connection.added", "connection.replaced"]


def test_revoking_shreds(acme: TenantWithUsers, globex: TenantWithUsers) -> None:
    row = put(acme, "member", "stripe", "user", "of-the-user")
    for stranger in (globex.principal("admin"), acme.principal("operator"), acme.principal("viewer")):
        with pytest.raises((NotFound, PolicyDenied)):
            service.revoke(stranger, connection_id=row.id)
    service.revoke(acme.principal("member"), connection_id=row.id)
    assert not Connection.objects.using("system").exists()
    with pytest.raises(NotFound):
        service.resolve(acme.principal("member"), "stripe")
    with pytest.raises(NotFound):
        service.revoke(acme.principal("member"), connection_id=row.id)


def test_an_administrator_ends_anothers_and_a_leaver_takes_hers_along(acme: TenantWithUsers) -> None:
    row = put(acme, "member", "stripe", "user", "of-the-user")
    service.revoke(acme.principal("admin"), connection_id=row.id)
    put(acme, "member", "stripe", "user", "of-the-user")
    members.remove(acme.principal("admin"), user_id=acme.member.id)
    assert not Connection.objects.using("system").exists()


@pytest.mark.parametrize("role", ["viewer", "member", "operator", "approver", "auditor"])
def test_the_tenants_take_a_scope(acme: TenantWithUsers, role: str) -> None:
    row = put(acme, "admin", "stripe", "tenant", "of-the-tenant")
    with pytest.raises(PolicyDenied):
        put(acme, role, "stripe", "tenant", "another")
    with pytest.raises(PolicyDenied):
        service.revoke(acme.principal(role), connection_id=row.id)
    assert service.listing(acme.principal(role)) == []
    assert [found.level for found in service.listing(acme.principal("admin"))] == ["tenant"]


async def test_a_key_that_somebody_else_was_shown_opens_nothing_of_the_persons_own(acme: TenantWithUsers) -> None:
    await in_thread(put, acme, "admin", "stripe", "user", "of-the-user")
    await in_thread(put, acme, "admin", "stripe", "tenant", "of-the-tenant")
    asked = {"tenant_id": acme.tenant.id, "name": "own", "scopes_asked": ["agents:run"], "by": acme.principal("admin")}
    account, _ = await in_thread(service_accounts.create, user_id=acme.admin.id, **asked)
    hers = await service_accounts.acting(account.id)
    assert hers is not None
    assert (await in_thread(service.resolve, hers, "stripe"))["token"] == "of-the-user"
    account.shown_to.append(acme.viewer.id)
    await in_thread(account.save, using="system")
    assert (await in_thread(service.resolve, hers, "stripe"))["token"] == "of-the-tenant"


def test_a_program_changes_nobodys(acme: TenantWithUsers) -> None:
    key = acme.principal("member").narrowed(["agents:run", "tools:call"])
    with pytest.raises(PolicyDenied) as refused:
        service.put(key, kind="stripe", level=Level.USER, values={"token": "long-enough"})
    assert refused.value.code == "person_required"
    with pytest.raises(PolicyDenied):
        service.put(acme.principal("admin"), kind="stripe", level=Level.PLATFORM, values={"token": "long-enough"})


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"token": ""},
        {"token": "abc"},
        {"token": "x" * 16_001},
        {"token": "good-one", "other": MARKER},
        {"tokens": MARKER},
    ],
)
def test_bad_values_are_refused_without_being_repeated(acme: TenantWithUsers, values: dict[str, str]) -> None:
    with pytest.raises(Invalid) as refused:
        service.put(acme.principal("member"), kind="stripe", level=Level.USER, values=values)
    assert MARKER not in refused.value.detail
    with pytest.raises(Invalid):
        service.put(acme.principal("member"), kind="no-such", level=Level.USER, values={"token": MARKER})


def test_the_database_shows_a_users_to_herself(acme: TenantWithUsers, globex: TenantWithUsers) -> None:
    put(acme, "member", "stripe", "user", "of-the-user")
    put(acme, "admin", "stripe", "tenant", "of-the-tenant")
    seen = {role: _visible(acme, acme.users[role]) for role in ("member", "viewer", "operator", "auditor", "admin")}
    assert seen == {"member": 2, "viewer": 1, "operator": 1, "auditor": 1, "admin": 2}
    assert _visible(globex, globex.admin) == 0
    assert _visible(globex, acme.member) == 0
    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        connections["default"].cursor().execute("SELECT * FROM accounts_platformconnection")


def _visible(tenant: TenantWithUsers, user: User) -> int:
    with tenant_scope(tenant.tenant.id, user.id):
        return Connection.objects.count()


def test_a_new_key_seals_all_and_the_old_can_go(acme: TenantWithUsers, settings: Any) -> None:
    settings.ENCRYPTION_KEYS, settings.SECRET_KEY_FALLBACKS = ["the-old-key" * 4], []
    put(acme, "member", "stripe", "user", "of-the-user")
    service.put_for_platform(kind="house", values={"token": "of-the-platform"})
    settings.ENCRYPTION_KEYS = ["the-new-key" * 4, "the-old-key" * 4]
    out = io.StringIO()
    call_command("connections", "rotate-key", stdout=out)
    assert out.getvalue().startswith("2 connections")
    settings.ENCRYPTION_KEYS = ["the-new-key" * 4]
    assert service.resolve(acme.principal("member"), "stripe")["token"] == "of-the-user"
    assert service.resolve(acme.principal("member"), "house")["token"] == "of-the-platform"
    settings.ENCRYPTION_KEYS = ["the-old-key" * 4]
    with pytest.raises(ConfigError):
        service.resolve(acme.principal("member"), "stripe")
    with pytest.raises(CommandError):
        call_command("connections", "rotate-key")


def test_credentials_show_nothing_of_themselves() -> None:
    held = Credentials("mail", mail(), ("password",))
    assert held["password"] == MARKER
    assert sorted(held) == ["host", "password", "username"]
    for shown in (str(held), repr(held), f"{held}", f"{held!r}", json_text({"a": held}), str([held])):
        assert MARKER not in shown
    for dump in (pickle.dumps, orjson.dumps, json.dumps):
        with pytest.raises(TypeError):
            dump(held)


def test_an_envelope_is_never_the_same_twice() -> None:
    first, again = (envelopes.close(MARKER, purpose="a") for _ in range(2))
    assert first != again
    assert envelopes.opened(*first, purpose="a") == MARKER
    with pytest.raises(ConfigError):
        envelopes.opened(*first, purpose="b")


class TestCommand:
    def test_the_platforms_are_set_listed_and_revoked(
        self, database: None, monkeypatch: pytest.MonkeyPatch, capsys: Any
    ) -> None:
        monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps({"token": MARKER})))
        monkeypatch.setattr("accounts.management.commands.connections.kinds", kinds_of.kinds)
        call_command("connections", "set", "house", "--label", "ours")
        call_command("connections", "list")
        shown = capsys.readouterr().out
        assert "house" in shown
        assert "ours" in shown
        assert "mail" not in shown
        assert MARKER not in shown
        call_command("connections", "revoke", "house")
        assert not PlatformConnection.objects.using("system").exists()
        with pytest.raises(CommandError):
            call_command("connections", "revoke", "house")

    @pytest.mark.parametrize("text", ["", "[]", '{"token": 7}', "{"])
    def test_bad_input(self, database: None, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
        monkeypatch.setattr("sys.stdin", io.StringIO(text))
        with pytest.raises(CommandError):
            call_command("connections", "set", "house")


@pytest.fixture
async def client(database: None) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=LeanHandler())  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver/api") as client:
        yield client


async def enter(client: httpx.AsyncClient, user: User) -> None:
    signed = await client.post("/auth/token", json={"email": user.email, "password": "demo"})
    client.headers["Authorization"] = f"Bearer {signed.json()['access']}"


class TestRoutes:
    async def test_in_listed_and_out_without_a_value(
        self, client: httpx.AsyncClient, acme: TenantWithUsers, globex: TenantWithUsers
    ) -> None:
        await enter(client, acme.member)
        kinds = {kind["name"]: kind for kind in (await client.get("/connections/kinds")).json()}
        assert kinds["mail"]["levels"] == ["user"]
        stored = await client.put("/connections", json={"kind": "mail", "values": mail(), "label": "Work"})
        assert (stored.status_code, stored.json()["level"]) == (200, "user")
        listed = await client.get("/connections")
        assert [row["label"] for row in listed.json()] == ["Work"]
        assert MARKER not in stored.text + listed.text
        place = f"/connections/{stored.json()['id']}"
        await enter(client, globex.member)
        assert (await client.delete(place)).status_code == 404
        assert (await client.get("/connections")).json() == []
        await enter(client, acme.member)
        assert (await client.delete(place)).status_code == 204
        assert (await client.delete(place)).status_code == 404

    @pytest.mark.parametrize(
        ("kind", "body", "status"),
        [
            ("mail", {"values": {"password": MARKER}}, 422),
            ("mail", {"values": mail(), "level": "tenant"}, 403),
            ("mail", {"values": mail(), "level": "platform"}, 403),
            ("mail", {"values": MARKER}, 422),
            ("mail", {"values": {"password": [MARKER]}}, 422),
            ("no-such", {"values": mail()}, 422),
        ],
    )
    async def test_refusals_do_not_repeat_it(
        self, client: httpx.AsyncClient, acme: TenantWithUsers, kind: str, body: Any, status: int
    ) -> None:
        await enter(client, acme.member)
        answer = await client.put("/connections", json={"kind": kind, **body})
        assert answer.status_code == status
        assert MARKER not in answer.text


class TestAdmin:
    def browser(self, user: User) -> Client:
        client = Client()
        client.force_login(User.objects.using("system").get(id=user.id))
        return client

    def test_a_member_adds_sees_and_ends_her_own(self, acme: TenantWithUsers, globex: TenantWithUsers) -> None:
        browser, add = self.browser(acme.member), reverse("admin:accounts_connection_add")
        assert 'data-testid="kind-mail"' in browser.get(add).content.decode()
        assert 'data-testid="kind-house"' not in browser.get(add).content.decode()
        form = browser.get(f"{add}?kind=mail").content.decode()
        assert 'type="password"' in form
        given = {"level": "user", "label": "Work", **{f"credential_{name}": value for name, value in mail().items()}}
        assert browser.post(f"{add}?kind=mail", given).status_code == 302
        row = Connection.objects.using("system").get()
        assert (row.user_id, row.kind, row.label) == (acme.member.id, "mail", "Work")
        assert service.resolve(acme.principal("member"), "mail")["password"] == MARKER
        change = reverse("admin:accounts_connection_change", args=[row.id])
        for place in (reverse("admin:accounts_connection_changelist"), change, f"{add}?kind=mail"):
            shown = browser.get(place).content.decode()
            assert MARKER not in shown
            assert row.sealed not in shown
        assert browser.post(change, given).status_code == 403
        other = self.browser(acme.viewer)
        assert "Work" not in other.get(reverse("admin:accounts_connection_changelist")).content.decode()
        assert self.browser(globex.admin).get(change).status_code == 404
        browser.post(reverse("admin:accounts_connection_delete", args=[row.id]), {"post": "yes"})
        assert not Connection.objects.using("system").exists()

    def test_the_tenants_is_for_who_may(self, acme: TenantWithUsers) -> None:
        add = f"{reverse('admin:accounts_connection_add')}?kind=stripe"
        given = {"level": "tenant", "label": "", "credential_token": MARKER, "credential_account": ""}
        assert self.browser(acme.member).post(add, given).status_code == 200
        assert not Connection.objects.using("system").exists()
        assert self.browser(acme.admin).post(add, given).status_code == 302
        row = Connection.objects.using("system").get()
        assert row.user_id is None
        assert service.resolve(acme.principal("member"), "stripe")["token"] == MARKER
        delete = reverse("admin:accounts_connection_delete", args=[row.id])
        assert self.browser(acme.member).post(delete, {"post": "yes"}).status_code in (403, 404)
        assert Connection.objects.using("system").exists()

    def test_what_is_typed_wrong_is_not_shown_again(self, acme: TenantWithUsers) -> None:
        add = f"{reverse('admin:accounts_connection_add')}?kind=mail"
        given = {"level": "user", "label": "", "credential_host": "", "credential_password": MARKER}
        answer = self.browser(acme.member).post(add, given)
        assert answer.status_code == 200
        assert MARKER not in answer.content.decode()


def test_principals_of_two_tenants_do_not_share(acme: TenantWithUsers, globex: TenantWithUsers) -> None:
    put(acme, "member", "stripe", "user", "of-the-user")
    stranger = replace(acme.principal("member"), tenant_id=globex.tenant.id)
    with pytest.raises(NotFound):
        service.resolve(stranger, "stripe")
