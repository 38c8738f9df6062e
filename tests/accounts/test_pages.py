"""The stock handler's side: signing in, the tenant's scope around a page, the switcher, the security headers."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.template import Context, Template
from django.template.response import SimpleTemplateResponse
from django.test import Client
from django.urls import include, path, reverse

from accounts import principals
from accounts.models import AuditRow, Membership, Role, Tenant, User
from accounts.services.attempts import FREE_OF_BOTH
from tests.conftest import MakeUser, TenantWithUsers


class Page(SimpleTemplateResponse):
    """Counts the members it sees while it renders, which is after the view has returned."""

    @property
    def rendered_content(self) -> str:
        return Template("{{ members.count }} {{ user.scopes }}").render(Context({"members": Membership.objects.all()}))


def counts(request: HttpRequest) -> HttpResponse:
    return Page(template=[])


def writes(request: HttpRequest) -> HttpResponse:
    Membership.objects.filter(role=Role.VIEWER).update(role=Role.MEMBER)
    return HttpResponse(status=int(request.GET["status"]))


def writes_and_fails(request: HttpRequest) -> HttpResponse:
    Membership.objects.filter(role=Role.VIEWER).update(role=Role.MEMBER)
    raise KeyError


def swallows_a_database_error(request: HttpRequest) -> HttpResponse:
    Membership.objects.filter(role=Role.VIEWER).update(role=Role.MEMBER)
    try:
        connection.cursor().execute("SELECT 1/0")
    except ArithmeticError:
        pass
    except Exception:  # noqa: BLE001  # this is the mistake that the page under test makes
        pass
    return HttpResponse("all is well")


def waits_too_long(request: HttpRequest) -> HttpResponse:
    Membership.objects.filter(role=Role.VIEWER).update(role=Role.MEMBER)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 1")
        cursor.execute("SELECT pg_sleep(1)")
    return HttpResponse("all is well")


def may_only_read(request: HttpRequest) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION READ ONLY")
    return writes(request)


def streams(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(iter([b"x"]))


def who(request: HttpRequest) -> HttpResponse:
    someone = request.principal  # type: ignore[attr-defined]
    return HttpResponse(f"{someone.tenant_slug} {someone.role} {someone.via}" if someone else "nobody")


urlpatterns = [
    path("counts", counts),
    path("writes", writes),
    path("writes-and-fails", writes_and_fails),
    path("swallows", swallows_a_database_error),
    path("waits-too-long", waits_too_long),
    path("may-only-read", may_only_read),
    path("streams", streams),
    path("who", who),
    path("admin/x", who),
    path("", include("accounts.urls")),
]
pytestmark = pytest.mark.urls(__name__)


@pytest.fixture(autouse=True)
def _fresh() -> None:
    principals.cache.forget()


@pytest.fixture
def browser(acme: TenantWithUsers) -> Client:
    return Client(raise_request_exception=False)


def sign_in(browser: Client, email: str, password: str = "demo", **extra: str) -> Any:
    return browser.post(reverse("sign_in"), {"email": email, "password": password, **extra})


def viewers() -> int:
    return Membership.objects.using("system").filter(role=Role.VIEWER).count()


def text(browser: Client, place: str) -> str:
    return browser.get(place).content.decode()


@pytest.mark.parametrize("role", Role.values)
def test_every_role_signs_in(browser: Client, role: str) -> None:
    assert text(browser, "/who") == "nobody"
    assert sign_in(browser, f"{role}@acme.test").status_code == 302
    assert text(browser, "/who") == f"acme {role} cookie"
    assert AuditRow.objects.using("system").get().action == "auth.signed_in"
    browser.post(reverse("sign_out"))
    assert text(browser, "/who") == "nobody"


def test_wrong_passwords_do_not_and_slow_down(browser: Client, acme: TenantWithUsers) -> None:
    for _ in range(FREE_OF_BOTH + 1):
        sign_in(browser, "member@acme.test", "wrong")
    sign_in(browser, "member@acme.test")
    assert text(browser, "/who") == "nobody"
    User.objects.using("system").filter(id=acme.member.id).update(is_active=False)
    sign_in(browser, "member@acme.test")
    sign_in(browser, "", "")
    assert text(browser, "/who") == "nobody"


@pytest.mark.parametrize(
    ("wanted", "place"),
    [("/chat?a=1", "/chat?a=1"), ("https://evil.test/", "/"), ("//evil.test", "/"), ("javascript:x", "/"), ("", "/")],
)
def test_only_our_own_pages_come_next(browser: Client, wanted: str, place: str) -> None:
    assert sign_in(browser, "member@acme.test", next=wanted)["Location"] == place


def test_rendering_happens_inside_the_scope(browser: Client, acme: TenantWithUsers, globex: TenantWithUsers) -> None:
    assert text(browser, "/counts").split()[0] == "0"
    sign_in(browser, "member@acme.test")
    assert text(browser, "/counts").split()[0] == str(len(acme.users))


@pytest.mark.parametrize(
    ("place", "status", "kept"),
    [
        ("/writes?status=200", 200, 0),
        ("/writes?status=404", 404, 0),
        ("/writes?status=500", 500, 1),
        ("/writes?status=503", 503, 1),
        ("/writes-and-fails", 500, 1),
        ("/swallows", 500, 1),
        ("/waits-too-long", 503, 1),
        ("/may-only-read?status=200", 503, 1),
    ],
)
def test_a_failed_page_commits_nothing(browser: Client, place: str, status: int, kept: int) -> None:
    sign_in(browser, "admin@acme.test")
    assert browser.get(place).status_code == status
    assert viewers() == kept


def test_a_page_says_when_the_database_takes_nothing_and_when_to_come_again(browser: Client) -> None:
    sign_in(browser, "admin@acme.test")
    answer = browser.get("/waits-too-long")
    assert (answer.status_code, answer["Retry-After"]) == (503, "2")
    said = answer.content.decode()
    assert "database_unavailable" in said
    assert "The database does not answer just now; try again." in said


def test_a_page_can_not_stream(browser: Client) -> None:
    sign_in(browser, "member@acme.test")
    assert browser.get("/streams").status_code == 500


def test_the_tenant_is_switched_to_ones_own_only(
    browser: Client, globex: TenantWithUsers, make_user: MakeUser, make_tenant: Any
) -> None:
    make_user(globex.tenant, Role.AUDITOR, "member@acme.test")
    make_tenant("initech")
    switch = reverse("switch_tenant")
    assert browser.post(switch, {"tenant": "acme"}).status_code == 404
    sign_in(browser, "member@acme.test")
    assert text(browser, "/who") == "acme member cookie"
    assert browser.post(switch, {"tenant": "globex"}).status_code == 302
    assert text(browser, "/who") == "globex auditor cookie"
    assert text(browser, "/counts").split()[0] == str(len(globex.users) + 1)
    assert browser.post(switch, {"tenant": "initech"}).status_code == 404
    assert browser.get(switch).status_code == 405
    Membership.objects.using("system").filter(tenant=globex.tenant, user__email="member@acme.test").update(
        role=Role.VIEWER
    )
    assert text(browser, "/who") == "globex viewer cookie"


def test_who_belongs_nowhere_any_more_is_signed_out(browser: Client, acme: TenantWithUsers, make_tenant: Any) -> None:
    from accounts.tenancy import tenant_scope

    sign_in(browser, "member@acme.test")
    with tenant_scope(acme.tenant.id, acme.admin.id):
        Membership.objects.filter(user_id=acme.member.id).delete()
    assert text(browser, "/who") == "nobody"
    assert "_auth_user_id" not in browser.session


def test_a_raised_token_version_ends_the_session(browser: Client, acme: TenantWithUsers) -> None:
    sign_in(browser, "member@acme.test")
    User.objects.using("system").filter(id=acme.member.id).update(token_version=9)
    assert text(browser, "/who") == "nobody"


def test_one_click_is_for_demo_users_outside_production(
    browser: Client, acme: TenantWithUsers, globex: TenantWithUsers, settings: Any
) -> None:
    place = reverse("dev_sign_in")
    User.objects.using("system").filter(email__endswith="acme.test").update(is_demo=True)
    User.objects.using("system").filter(id=globex.member.id).update(is_demo=True)
    assert browser.post(place, {"email": "approver@acme.test"}).status_code == 404
    Tenant.objects.using("system").filter(id=acme.tenant.id).update(is_demo=True)
    assert browser.get(place).status_code == 405
    for email in ("nobody@acme.test", "member@globex.test", "approver@globex.test", ""):
        assert browser.post(place, {"email": email}).status_code == 404
    assert browser.post(place, {"email": "approver@acme.test"}).status_code == 302
    assert text(browser, "/who") == "acme approver cookie"
    far = {"REMOTE_ADDR": "192.0.2.1"}
    assert browser.post(place, {"email": "approver@acme.test"}, **far).status_code == 404
    settings.DEMO_OPEN = True
    assert browser.post(place, {"email": "approver@acme.test"}, **far).status_code == 302
    settings.PRODUCTION = True
    assert browser.post(place, {"email": "approver@acme.test"}).status_code == 404


@pytest.mark.parametrize("name", ["sign_in", "dev_sign_in", "sign_out", "switch_tenant"])
def test_posts_need_the_csrf_token(acme: TenantWithUsers, name: str) -> None:
    strict = Client(enforce_csrf_checks=True)
    assert strict.post(reverse(name), {"email": "member@acme.test", "password": "demo"}).status_code == 403


def test_every_answer_names_a_policy(browser: Client) -> None:
    for place in ("/who", "/missing", "/writes-and-fails", "/admin/x"):
        assert "script-src 'nonce-" in browser.get(place)["Content-Security-Policy"]
