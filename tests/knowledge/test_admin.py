"""The console's pages about knowledge bases, and the grants on them, as a person uses them."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Grant, User
from knowledge.models import KnowledgeBase
from tests.conftest import TenantWithUsers
from tests.knowledge.conftest import Hold, MakeBase

LIST, ADD = "admin:knowledge_knowledgebase_changelist", "admin:knowledge_knowledgebase_add"
FORM = {"slug": "handbook", "name": "Handbook", "description": "What we do", "untrusted": "on"}


def browser(user: User) -> Client:
    client = Client()
    client.force_login(User.objects.using("system").get(id=user.id))
    return client


def page(client: Client, name: str, *arguments: object) -> str:
    answer = client.get(reverse(name, args=arguments))
    assert answer.status_code == 200
    return answer.content.decode()


def test_an_operator_makes_changes_and_deletes_one(acme: TenantWithUsers) -> None:
    client = browser(acme.operator)
    assert "Untrusted" in page(client, ADD)
    assert client.post(reverse(ADD), FORM).status_code == 302
    base = KnowledgeBase.objects.using("system").get()
    assert (base.slug, base.untrusted, base.created_by_id) == ("handbook", True, acme.operator.id)
    assert "Handbook" in page(client, LIST)
    change = reverse("admin:knowledge_knowledgebase_change", args=[base.id])
    client.post(change, {**FORM, "slug": "other", "name": "Staff"})
    base.refresh_from_db(using="system")
    assert (base.slug, base.name) == ("handbook", "Staff")
    client.post(reverse("admin:knowledge_knowledgebase_delete", args=[base.id]), {"post": "yes"})
    assert not KnowledgeBase.objects.using("system").exists()


def test_what_is_refused_is_said_on_the_page(acme: TenantWithUsers, make_base: MakeBase) -> None:
    client = browser(acme.operator)
    answer = client.post(reverse(ADD), {**FORM, "slug": "Staff:*"})
    assert "it begins with a letter or a digit" in answer.content.decode()
    make_base(acme)
    answer = client.post(reverse(ADD), FORM, follow=True)
    assert "There is a knowledge base handbook already." in answer.content.decode()
    assert client.post(reverse(ADD), {**FORM, "slug": "x", "untrusted": ""}).status_code == 403
    assert KnowledgeBase.objects.using("system").count() == 1


@pytest.mark.parametrize("role", ["viewer", "member", "approver", "auditor"])
def test_who_only_reads_is_offered_no_form(acme: TenantWithUsers, make_base: MakeBase, role: str) -> None:
    base, client = make_base(acme), browser(acme.users[role])
    assert "Handbook" in page(client, LIST)
    change = reverse("admin:knowledge_knowledgebase_change", args=[base.id])
    assert 'name="_save"' not in client.get(change).content.decode()
    assert client.get(reverse(ADD)).status_code == 403
    assert client.post(change, FORM).status_code == 403
    assert client.post(reverse("admin:knowledge_knowledgebase_delete", args=[base.id])).status_code == 403


def test_a_grant_is_given_on_the_page_of_grants_and_opens_just_that(
    acme: TenantWithUsers, globex: TenantWithUsers, make_base: MakeBase, hold: Hold
) -> None:
    base, other = make_base(acme), make_base(acme, "other")
    make_base(globex, "theirs")
    hold(acme, ["runs:read"])
    her, admin = browser(acme.member), browser(acme.admin)
    assert her.get(reverse(LIST)).status_code == 403
    assert "Knowledge" not in [item["title"] for group in _menu(her) for item in group["items"]]
    offered = page(admin, "admin:accounts_grant_add")
    assert "knowledge:handbook:read" in offered
    assert "theirs" not in offered
    form = {"user": str(acme.member.id), "what": "knowledge:handbook:write"}
    assert admin.post(reverse("admin:accounts_grant_add"), form).status_code == 302
    assert Grant.objects.using("system").get().user_id == acme.member.id
    assert "Knowledge" in [item["title"] for group in _menu(her) for item in group["items"]]
    shown = page(her, LIST)
    assert "Handbook" in shown
    assert "Other" not in shown
    assert 'name="_save"' in page(her, "admin:knowledge_knowledgebase_change", base.id)
    assert her.get(reverse("admin:knowledge_knowledgebase_change", args=[other.id])).status_code == 404
    assert her.get(reverse(ADD)).status_code == 403


def _menu(client: Client) -> list[dict[str, list[dict[str, str]]]]:
    menu: list[dict[str, list[dict[str, str]]]] = client.get(reverse("admin:governance_approval_changelist")).context[
        "sidebar_navigation"
    ]
    return menu
