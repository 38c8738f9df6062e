"""Whoever is in two tenants: what a page of one has open is not done in the other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.test import Client
from django.urls import reverse

from accounts import principals
from accounts.auth import authenticate
from accounts.models import Invitation, Membership, Role
from accounts.seam import in_thread
from accounts.services import support
from accounts.services.sessions import TENANT_KEY
from agentos.core.errors import NotAuthenticated
from tests.accounts.test_invitations import invited
from tests.conftest import PASSWORD, MakeUser, TenantWithUsers


def sign_in(browser: Client, email: str, **extra: str) -> None:
    browser.post(reverse("sign_in"), {"email": email, "password": PASSWORD, **extra})


def test_a_form_of_before_the_switch_does_nothing_in_the_other_tenant(
    acme: TenantWithUsers, globex: TenantWithUsers, make_user: MakeUser
) -> None:
    """As in two tabs: what was written for one tenant is not done in another."""
    make_user(globex.tenant, Role.ADMIN, "admin@acme.test")
    strict, add = Client(enforce_csrf_checks=True), reverse("admin:accounts_invitation_add")
    sign_in(strict, "admin@acme.test", csrfmiddlewaretoken=form_token(strict, reverse("admin:login")))
    form = {"email": "new@acme.test", "role": "viewer", "csrfmiddlewaretoken": form_token(strict, add)}
    known = {"csrfmiddlewaretoken": form_token(strict, "/"), "tenant": "globex"}
    old = strict.cookies["csrftoken"].value
    assert strict.post(reverse("switch_tenant"), known).status_code == 302
    refused = strict.post(add, form)
    assert (refused.status_code, "changed the tenant" in refused.content.decode()) == (403, True)
    assert not Invitation.objects.using("system").exists()
    assert strict.cookies["csrftoken"].value != old, "what the chat of the other tab still shows is no longer good"
    form["csrfmiddlewaretoken"] = form_token(strict, add)
    assert strict.post(add, form).status_code == 302
    made = Invitation.objects.using("system").get()
    assert made.tenant_id == globex.tenant.id


async def test_the_api_is_in_the_other_tenant_at_once(
    acme: TenantWithUsers, globex: TenantWithUsers, make_user: MakeUser
) -> None:
    """The page that a switch leads to asks the API before what is kept of the session has run out."""
    await in_thread(make_user, globex.tenant, Role.ADMIN, "admin@acme.test")
    browser = Client()
    await in_thread(sign_in, browser, "admin@acme.test")

    async def where() -> str:
        cookies = {name: cookie.value for name, cookie in browser.cookies.items()}
        return (await authenticate({}, cookies, "GET", "testserver")).tenant_slug

    assert await where() == "acme"
    before = browser.cookies[settings.SESSION_COOKIE_NAME].value
    for tenant in ("globex", "acme"):
        await in_thread(browser.post, reverse("switch_tenant"), {"tenant": tenant})
        assert await where() == tenant
    principals.cache.forget()
    with pytest.raises(NotAuthenticated):
        await authenticate({}, {settings.SESSION_COOKIE_NAME: before}, "GET", "testserver")


def form_token(browser: Client, path: str) -> str:
    return re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', browser.get(path, follow=True).content.decode())[0]


def test_a_session_whose_tenant_is_no_longer_hers_is_ended_not_moved(
    acme: TenantWithUsers, globex: TenantWithUsers, make_user: MakeUser
) -> None:
    make_user(globex.tenant, Role.ADMIN, "admin@acme.test")
    browser = Client()
    sign_in(browser, "admin@acme.test")
    browser.post(reverse("switch_tenant"), {"tenant": "globex"})
    Membership.objects.using("system").filter(tenant=globex.tenant, user__email="admin@acme.test").delete()
    form = {"email": "new@acme.test", "role": "viewer"}
    assert browser.post(reverse("admin:accounts_invitation_add"), form).status_code == 403
    assert not Invitation.objects.using("system").exists()
    assert SESSION_KEY not in browser.session
    sign_in(browser, "admin@acme.test")
    assert browser.session[TENANT_KEY] == str(acme.tenant.id)


def test_whatever_moves_a_session_ends_the_forms_of_before(acme: TenantWithUsers, globex: TenantWithUsers) -> None:
    """An invitation taken up, an operator's entry, her leaving: each in one tab, while another shows the old tenant."""
    support.appoint(email="admin@acme.test", is_operator=True)
    token = invited(globex, "admin@acme.test", Role.VIEWER)
    strict = Client(enforce_csrf_checks=True)
    sign_in(strict, "admin@acme.test", csrfmiddlewaretoken=form_token(strict, reverse("admin:login")))
    entry = {"tenant": "globex", "reason": "They asked us to look", "hours": "1", "may": "look"}
    for place, form, moved_to in (
        (reverse("support"), entry, globex.tenant.id),
        (reverse("support_leave"), {}, None),
        (reverse("invitation", args=[token]), {}, globex.tenant.id),
    ):
        shown, old = form_token(strict, "/"), strict.cookies["csrftoken"].value
        assert strict.post(place, {**form, "csrfmiddlewaretoken": shown}).status_code == 302
        assert strict.session.get(TENANT_KEY) == (moved_to and str(moved_to))
        assert strict.cookies["csrftoken"].value != old
        refused = strict.post(reverse("notifications"), {"wanted": [], "csrfmiddlewaretoken": shown})
        assert (refused.status_code, "changed the tenant" in refused.content.decode()) == (403, True), place


def test_one_place_moves_a_session() -> None:
    """Set elsewhere, the tenant would change and the forms of before stay good."""
    names = re.compile(r"session(?:\.pop\()?\[?(?:sessions\.)?TENANT_KEY\]? ?(?:=[^=]|,)")
    places = [path for path in Path(settings.BASE_DIR, "accounts").rglob("*.py") if names.search(path.read_text())]
    assert [path.name for path in places] == ["entering.py"]
