"""The page "Your data" and the admin's pages about privacy, through Django's test client."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.privacy import jobs
from accounts.privacy.models import Choice, LegalHold, PrivacyJob, RetentionRule
from accounts.privacy.rows import Person

PAGE = "/accounts/privacy/"


@pytest.fixture
def browser(folder) -> Callable[[User], Client]:
    def open_as(user: User) -> Client:
        client = Client()
        client.force_login(User.objects.using("system").get(id=user.id))
        return client

    return open_as


def said(answer: Any) -> list[str]:
    return [str(message) for message in get_messages(answer.wsgi_request)]


def test_it_takes_a_sign_in(database):
    assert Client().get(PAGE).status_code == 302


def test_one_sees_what_is_held_and_corrects_it(acme, browser):
    client = browser(acme.viewer)
    page = client.get(PAGE).content.decode()
    assert "viewer@acme.test" in page and "memberships" in page and "legal hold" not in page
    answer = client.post(PAGE, {"do": "correct", "name": "Vera", "learning": "on"})
    assert (answer.status_code, said(answer)) == (302, ["Saved."])
    choice = Choice.objects.using("system").get()
    assert (choice.user_id, choice.memory, choice.learning) == (acme.viewer.id, False, True)
    assert User.objects.using("system").get(id=acme.viewer.id).name == "Vera"
    assert client.post(PAGE, {"do": "something"}).status_code == 404


def test_one_makes_an_archive_and_fetches_it(acme, globex, browser):
    client = browser(acme.member)
    assert said(client.post(PAGE, {"do": "export"})) == ["Your archive is being made: it appears below in a moment."]
    job = PrivacyJob.objects.using("system").get()
    jobs.work(str(job.id))
    place = reverse("privacy_archive", args=[job.id])
    assert place in client.get(PAGE).content.decode()
    archive = client.get(place)
    assert archive["Content-Type"] == "application/zip" and archive.content[:2] == b"PK"
    for stranger in (acme.viewer, globex.admin):
        assert browser(stranger).get(place).status_code == 404


def test_one_erases_oneself_by_typing_ones_address(acme, browser):
    client = browser(acme.member)
    assert said(client.post(PAGE, {"do": "erase", "confirm": "yes"}))[0].startswith("Nothing was erased")
    assert not PrivacyJob.objects.using("system").exists()
    assert said(client.post(PAGE, {"do": "erase", "confirm": "Member@acme.test "}))[-1].startswith(
        "Your data are being"
    )
    jobs.work(str(PrivacyJob.objects.using("system").get().id))
    assert client.get(PAGE).status_code == 302
    assert browser(acme.admin).get("/admin/privacy/privacyjob/").status_code == 200


def test_what_a_service_refuses_is_told(acme, browser):
    client = browser(acme.admin)
    assert "last administrator" in said(client.post(PAGE, {"do": "erase", "confirm": "admin@acme.test"}))[0]


@pytest.mark.parametrize("page", ["privacyjob", "legalhold", "retentionrule"])
def test_the_admin_s_pages_are_for_those_with_the_scope(acme, browser, page):
    place = f"/admin/privacy/{page}/"
    assert browser(acme.admin).get(place).status_code == 200
    for role in ("auditor", "operator", "member"):
        assert browser(acme.users[role]).get(place).status_code == 403


def test_the_receipt_stands_on_its_page(acme, browser):
    job = jobs.start(Person(acme.tenant.id, acme.member.id), jobs.ERASE)
    jobs.work(str(job.id))
    page = browser(acme.admin).get(f"/admin/privacy/privacyjob/{job.id}/change/").content.decode()
    assert "backups_die_at" in page and "Ed25519" in page and "member@acme.test" not in page


def test_a_hold_is_placed_and_lifted(acme, globex, browser):
    client = browser(acme.admin)
    form = {"email": "member@acme.test", "reason": "Case 12", "until_0": "", "until_1": ""}
    assert client.post("/admin/privacy/legalhold/add/", form).status_code == 302
    hold = LegalHold.objects.using("system").get()
    assert (hold.user_id, hold.placed_by_id, hold.lifted_at) == (acme.member.id, acme.admin.id, None)
    assert "a legal hold" in browser(acme.member).get(PAGE).content.decode().lower()
    assert browser(globex.admin).get("/admin/privacy/legalhold/").content.decode().count("Case 12") == 0
    answer = client.post("/admin/privacy/legalhold/", {"action": "lift", "_selected_action": [str(hold.id)]})
    assert answer.status_code == 302
    hold.refresh_from_db(using="system")
    assert hold.lifted_by_id == acme.admin.id


def test_a_stranger_can_t_be_put_on_hold(acme, globex, browser):
    form = {"email": "member@globex.test", "reason": "Case 12", "until_0": "", "until_1": ""}
    answer = browser(acme.admin).post("/admin/privacy/legalhold/add/", form)
    assert said(answer) == ["There is no such person here."]
    assert not LegalHold.objects.using("system").exists()


def test_a_tenant_limits_a_retention_and_takes_it_back(acme, browser):
    client = browser(acme.admin)
    assert client.post("/admin/privacy/retentionrule/add/", {"retention": "runs", "days": "90"}).status_code == 302
    rule = RetentionRule.objects.using("system").get()
    assert (rule.tenant_id, rule.retention, rule.days) == (acme.tenant.id, "runs", 90)
    assert client.post(f"/admin/privacy/retentionrule/{rule.id}/delete/", {"post": "yes"}).status_code == 302
    assert not RetentionRule.objects.using("system").exists()
