"""From headers and cookies to a principal: tokens, keys, sessions, CSRF, revocation, scopes of endpoints."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.test import RequestFactory

from accounts import auth, principals
from accounts.auth import WEBSOCKET, authenticate, is_declared, public, renew, scope, signed_in
from accounts.models import Membership, RefreshToken, Role, ServiceAccount, User
from accounts.principals import Principal, PrincipalCache
from accounts.seam import in_thread
from accounts.services import service_accounts, tokens
from agentos.core.clock import utc_now
from agentos.core.errors import ConfigError, Conflict, Invalid, NotAuthenticated, NotFound, PolicyDenied
from tests.accounts.forging import payload_of, signed
from tests.conftest import TenantWithUsers
from tests.plans import kept_after

HOST = "testserver"
SECRET = "s" * 32


@pytest.fixture(autouse=True)
def _fresh() -> None:
    principals.cache.forget()


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def pair_of(user: User) -> tokens.TokenPair:
    return tokens.start_family(Membership.objects.using("system").select_related("user", "tenant").get(user_id=user.id))


def session_of(user: User, **extra: Any) -> dict[str, str]:
    session = SessionStore()
    session[SESSION_KEY], session[BACKEND_SESSION_KEY] = str(user.id), settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.update(extra)
    session.save()
    return {settings.SESSION_COOKIE_NAME: str(session.session_key), settings.CSRF_COOKIE_NAME: SECRET}


async def who(headers: dict[str, str], cookies: dict[str, str] | None = None, method: str = "GET") -> Principal:
    return await authenticate(headers, cookies or {}, method, HOST)


async def test_a_token_gives_the_principal(acme: TenantWithUsers) -> None:
    pair = await in_thread(pair_of, acme.approver)
    principal = await who(bearer(pair.access))
    assert (principal.user_id, principal.tenant_id) == (acme.approver.id, acme.tenant.id)
    assert (principal.role, principal.tenant_slug, principal.via) == ("approver", "acme", "token")
    assert principal.has("approvals:decide")
    assert not principal.has("audit:read")
    assert (await who({"authorization": f"bearer {pair.access}"})).user_id == acme.approver.id
    with pytest.raises(PolicyDenied, match="audit:read"):
        principal.require("audit:read")


async def test_the_server_keeps_the_plan_of_who_asks(acme: TenantWithUsers) -> None:
    """To plan it takes five times as long as to read it, and whoever comes after two seconds waits for it."""

    def load() -> None:
        assert principals.load(acme.member.id, acme.tenant.slug) == principals.load(acme.member.id, acme.tenant.id)

    (plans,) = await kept_after(load, "system")
    assert len([statement for statement, _ in plans if "accounts_membership" in statement]) == 2


@pytest.mark.parametrize("value", ["", "Bearer", "Bearer ", "Basic YTpi", "Bearer x y", "Token abc", "Bearer aos_x"])
async def test_a_bad_header_is_refused_even_with_a_good_cookie(acme: TenantWithUsers, value: str) -> None:
    cookies = await in_thread(session_of, acme.member)
    with pytest.raises(NotAuthenticated):
        await who({"Authorization": value}, cookies)


async def test_a_token_of_another_tenant_is_refused(acme: TenantWithUsers, globex: TenantWithUsers) -> None:
    def forged() -> str:
        return signed({**payload_of(pair_of(acme.member).access), "tenant": str(globex.tenant.id)})

    with pytest.raises(NotAuthenticated):
        await who(bearer(await in_thread(forged)))


async def test_signing_out_counts_at_once_here_and_everywhere_after_two_seconds(acme: TenantWithUsers) -> None:
    pair = await in_thread(pair_of, acme.member)
    principal = await who(bearer(pair.access))
    assert await renew(principal) == principal
    await in_thread(tokens.revoke, principal)
    with pytest.raises(NotAuthenticated):
        await who(bearer(pair.access))
    assert await renew(principal) is None


async def test_a_new_role_a_lost_membership_and_a_raised_version_count(acme: TenantWithUsers) -> None:
    pair = await in_thread(pair_of, acme.member)
    principal = await who(bearer(pair.access))
    members = Membership.objects.using("system").filter(user_id=acme.member.id)
    await in_thread(members.update, role=Role.VIEWER)
    assert await renew(principal) == principal  # what was read less than two seconds ago still holds
    principals.cache.forget()
    now = await renew(principal)
    assert now is not None
    assert not now.has("agents:x:run")
    for change in ({"token_version": 2}, {"is_active": False}):
        await in_thread(User.objects.using("system").filter(id=acme.member.id).update, **change)
        principals.cache.forget()
        with pytest.raises(NotAuthenticated):
            await who(bearer(pair.access))
        assert await renew(principal) is None


async def test_an_erased_family_is_no_family(acme: TenantWithUsers) -> None:
    pair = await in_thread(pair_of, acme.member)
    await in_thread(RefreshToken.objects.using("system").update, family=uuid4())
    with pytest.raises(NotAuthenticated):
        await who(bearer(pair.access))


async def test_a_key_is_shown_once_and_narrows(acme: TenantWithUsers) -> None:
    account, key = await in_thread(
        service_accounts.create,
        tenant_id=acme.tenant.id,
        user_id=acme.member.id,
        name="ci",
        scopes_asked=["agents:helpdesk:run", "audit:read"],
    )
    stored = await in_thread(ServiceAccount.objects.using("system").get, id=account.id)
    assert key not in str(vars(stored))
    principal = await who(bearer(key))
    assert (principal.via, principal.user_id) == ("key", acme.member.id)
    assert principal.scopes == {"agents:helpdesk:run"}
    assert "credential" not in repr(principal)
    assert await renew(principal) == principal
    with pytest.raises(NotAuthenticated):
        await who(bearer(key[:-1] + ("A" if key[-1] != "A" else "B")))
    await in_thread(service_accounts.revoke, tenant_id=acme.tenant.id, account_id=account.id)
    with pytest.raises(NotAuthenticated):
        await who(bearer(key))
    assert await renew(principal) is None


async def test_an_expired_key_and_that_of_a_former_member_are_refused(acme: TenantWithUsers) -> None:
    def create(name: str, **extra: Any) -> str:
        return service_accounts.create(
            tenant_id=acme.tenant.id, user_id=acme.member.id, name=name, scopes_asked=["agents:run"], **extra
        )[1]

    with pytest.raises(NotAuthenticated):
        await who(bearer(await in_thread(create, "old", expires_at=utc_now() - timedelta(seconds=1))))
    key = await in_thread(create, "new", expires_at=utc_now() + timedelta(hours=1))
    await in_thread(User.objects.using("system").filter(id=acme.member.id).update, is_active=False)
    with pytest.raises(NotAuthenticated):
        await who(bearer(key))


def test_bad_service_accounts_are_refused(acme: TenantWithUsers, globex: TenantWithUsers) -> None:
    asked: dict[str, Any] = {
        "tenant_id": acme.tenant.id,
        "user_id": acme.member.id,
        "name": "ci",
        "scopes_asked": ["agents:run"],
    }
    service_accounts.create(**asked)
    with pytest.raises(Conflict):
        service_accounts.create(**asked)
    for change in ({"name": " "}, {"name": "x" * 101}, {"scopes_asked": ["fly"]}, {"user_id": globex.member.id}):
        with pytest.raises(Invalid):
            service_accounts.create(**{**asked, "name": "other", **change})
    with pytest.raises(Invalid, match="approvals:decide"):
        service_accounts.create(**{**asked, "name": "other", "scopes_asked": ["approvals:decide"]})
    for decider in (acme.approver, acme.admin):
        with pytest.raises(PolicyDenied):
            service_accounts.create(**{**asked, "name": "other", "user_id": decider.id, "actor_id": acme.member.id})
    service_accounts.create(**{**asked, "name": "own", "user_id": acme.approver.id, "actor_id": acme.approver.id})
    theirs, _ = service_accounts.create(**{**asked, "tenant_id": globex.tenant.id, "user_id": globex.member.id})
    with pytest.raises(NotFound):
        service_accounts.revoke(tenant_id=acme.tenant.id, account_id=theirs.id)


async def test_a_session_cookie_gives_the_principal_of_its_tenant(
    acme: TenantWithUsers, globex: TenantWithUsers
) -> None:
    def join() -> None:
        Membership.objects.using("system").create(tenant_id=globex.tenant.id, user_id=acme.member.id, role=Role.ADMIN)

    cookies = await in_thread(session_of, acme.member)
    principal = await who({}, cookies)
    assert (principal.via, principal.tenant_slug) == ("cookie", "acme")
    await in_thread(join)
    elsewhere = await in_thread(session_of, acme.member, tenant_id=str(globex.tenant.id))
    assert (await who({}, elsewhere)).role == Role.ADMIN
    strange = await in_thread(session_of, acme.member, tenant_id=str(uuid4()))
    with pytest.raises(NotAuthenticated):  # not moved to another of hers: what is open is for that one
        await who({}, strange)


@pytest.mark.parametrize("change", [{"token_version": 2}, {"password": "!"}, {"is_active": False}])
async def test_a_session_ends_with_what_it_was_made_from(acme: TenantWithUsers, change: dict[str, Any]) -> None:
    cookies = await in_thread(session_of, acme.member)
    principal = await who({}, cookies)
    await in_thread(User.objects.using("system").filter(id=acme.member.id).update, **change)
    principals.cache.forget()
    with pytest.raises(NotAuthenticated):
        await who({}, cookies)
    assert await renew(principal) is None


@pytest.mark.parametrize("key", ["", "unknown" * 4, "x" * 500, "../etc"])
async def test_a_session_that_is_none_is_refused(database: None, key: str) -> None:
    with pytest.raises(NotAuthenticated):
        await who({}, {settings.SESSION_COOKIE_NAME: key})


def masked() -> str:
    request = RequestFactory().get("/")
    request.META["CSRF_COOKIE"] = SECRET
    return get_token(request)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": f"http://{HOST}", "X-CSRFToken": SECRET},
        {"Origin": f"https://{HOST}", "X-CSRFToken": masked()},
        {"Referer": f"http://{HOST}/chat", "X-CSRFToken": SECRET},
    ],
)
async def test_a_cookie_may_write_from_our_own_page(acme: TenantWithUsers, headers: dict[str, str]) -> None:
    cookies = await in_thread(session_of, acme.member)
    assert (await who(headers, cookies, "POST")).user_id == acme.member.id


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-CSRFToken": SECRET},
        {"Origin": f"http://{HOST}"},
        {"Origin": f"http://{HOST}", "X-CSRFToken": "t" * 32},
        {"Origin": f"http://{HOST}", "X-CSRFToken": "short"},
        {"Origin": f"http://{HOST}", "X-CSRFToken": ""},
        {"Origin": "https://evil.test", "X-CSRFToken": SECRET},
        {"Origin": f"https://{HOST}.evil.test", "X-CSRFToken": SECRET},
        {"Origin": f"https://evil@{HOST}", "X-CSRFToken": SECRET},
        {"Origin": "null", "Referer": f"http://{HOST}/", "X-CSRFToken": SECRET},
        {"Origin": f"javascript://{HOST}", "X-CSRFToken": SECRET},
        {"Referer": "https://evil.test/", "X-CSRFToken": SECRET},
    ],
)
@pytest.mark.parametrize("method", ["POST", "DELETE", "BREW"])
async def test_a_cookie_may_not_write_from_elsewhere(
    acme: TenantWithUsers, headers: dict[str, str], method: str
) -> None:
    cookies = await in_thread(session_of, acme.member)
    with pytest.raises(PolicyDenied):
        await who(headers, cookies, method)


@pytest.mark.parametrize("method", ["POST", WEBSOCKET])
async def test_where_cookies_are_secure_a_page_in_the_clear_is_not_ours(
    acme: TenantWithUsers, settings: Any, method: str
) -> None:
    """Whoever sits between her and us can make one of our name."""
    settings.SESSION_COOKIE_SECURE = True
    cookies = await in_thread(session_of, acme.member)
    asked = {"X-CSRFToken": SECRET}
    assert await who({"Origin": f"https://{HOST}", **asked}, cookies, method)
    with pytest.raises(PolicyDenied):
        await who({"Origin": f"http://{HOST}", **asked}, cookies, method)


async def test_without_a_csrf_cookie_no_token_fits(acme: TenantWithUsers) -> None:
    cookies = await in_thread(session_of, acme.member)
    del cookies[settings.CSRF_COOKIE_NAME]
    with pytest.raises(PolicyDenied):
        await who({"Origin": f"http://{HOST}", "X-CSRFToken": ""}, cookies, "POST")


async def test_a_websocket_needs_our_origin_and_no_token(acme: TenantWithUsers) -> None:
    cookies = await in_thread(session_of, acme.member)
    assert (await who({"origin": f"http://{HOST}"}, cookies, WEBSOCKET)).user_id == acme.member.id
    for headers in ({}, {"origin": "https://evil.test"}):
        with pytest.raises(PolicyDenied):
            await who(headers, cookies, WEBSOCKET)


def principal(*scopes: str) -> Principal:
    return Principal(uuid4(), uuid4(), "acme", "m@acme.test", "M", "member", frozenset(scopes))


def request_of(someone: Principal | None) -> HttpRequest:
    request = RequestFactory().get("/")
    request.auth = someone  # type: ignore[attr-defined]
    return request


async def test_an_endpoint_asks_for_its_scope() -> None:
    @scope("agents:{agent_id}:run")
    async def run(request: HttpRequest, agent_id: str) -> str:
        return agent_id

    may = request_of(principal("agents:helpdesk:run"))
    assert await run(may, agent_id="helpdesk") == "helpdesk"
    for agent_id in ("approvals", "*", "helpdesk:run", "{agent_id}"):
        with pytest.raises(PolicyDenied):
            await run(may, agent_id=agent_id)
    for nobody in (None, "somebody"):
        with pytest.raises(NotAuthenticated):
            await run(request_of(nobody), agent_id="helpdesk")  # type: ignore[arg-type]


def test_declaring() -> None:
    async def bare(request: HttpRequest) -> None: ...

    assert not is_declared(bare)
    assert is_declared(scope("audit:read")(bare))
    assert is_declared(public(bare))
    assert is_declared(signed_in(bare))
    with pytest.raises(ConfigError):
        scope("audit:read")(lambda request: None)  # type: ignore[arg-type,return-value]


def test_ninja_sees_the_endpoints_own_parameters() -> None:
    from inspect import signature

    @scope("agents:read")
    async def listed(request: HttpRequest, principal: Principal, limit: int = 3) -> None: ...

    parameters = signature(listed).parameters
    assert parameters["principal"].annotation is Principal
    assert (parameters["limit"].annotation, parameters["limit"].default) == (int, 3)


class Loader:
    def __init__(self, answer: Principal | None) -> None:
        self.answer, self.calls = answer, 0

    def __call__(self) -> Principal | None:
        self.calls += 1
        return self.answer


async def test_the_cache_keeps_for_its_time_and_shares_a_load() -> None:
    now = 0.0
    cache = PrincipalCache(seconds=2, clock=lambda: now)
    someone = Loader(principal())
    found = await asyncio.gather(*(cache.get("a", someone) for _ in range(20)))
    assert {id(one) for one in found} == {id(someone.answer)}
    assert someone.calls == 1
    now = 1.9
    await cache.get("a", someone)
    assert someone.calls == 1
    now = 2.0
    await cache.get("a", someone)
    assert someone.calls == 2
    cache.forget()
    await cache.get("a", someone)
    assert someone.calls == 3


async def test_the_cache_keeps_nobodies_too_and_stays_small() -> None:
    cache = PrincipalCache(most=3)
    nobody = Loader(None)
    for _ in range(2):
        assert await cache.get("x", nobody) is None
    assert nobody.calls == 1
    for number in range(3):
        await cache.get(number, Loader(None))
    await cache.get("x", nobody)
    assert nobody.calls == 2
    assert len(cache._kept) == 3


async def test_a_caller_who_leaves_takes_nobodys_load_along() -> None:
    cache = PrincipalCache()
    someone = Loader(principal())
    first = asyncio.ensure_future(cache.get("a", someone))
    second = asyncio.ensure_future(cache.get("a", someone))
    await asyncio.sleep(0)
    first.cancel()
    assert await second is someone.answer
    assert someone.calls == 1


def test_the_authenticator_describes_itself() -> None:
    assert auth.Authenticator().openapi_security_schema == {"type": "http", "scheme": "bearer"}
