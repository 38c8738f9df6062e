"""An open page that looks again by itself is one view: one entry on the trail, and one more where it shows more."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts import reading
from accounts.models import AuditRow
from agentos.core.clock import utc_now
from governance.models import Approval
from tests.audited.walking import unwritable_trail
from tests.conftest import TenantWithUsers
from tests.console.conftest import INBOX, Ask, SignIn, change_url, page

DECIDED = f"{INBOX}?tab=all"


def reads(acme: TenantWithUsers) -> int:
    rows = AuditRow.objects.using("system").filter(tenant=acme.tenant, action="approval.read")
    return rows.count()


def view_of(response: Any) -> str:
    found = re.search(r'data-view="(.*?)"', page(response))
    assert found
    return found[1]


def again(client: Client, url: str, view: str) -> Any:
    response = client.get(url, headers={"X-View": view})
    assert response.status_code == 200
    return response


@pytest.fixture
def two(acme: TenantWithUsers, ask: Ask) -> list[Approval]:
    return [ask(acme, customer="C-1"), ask(acme, customer="C-2")]


def test_a_look_at_one_is_told_of_it_whatever_the_page_shows_beside_it(
    acme: TenantWithUsers, two: list[Approval], signed_in: SignIn
) -> None:
    client = signed_in(acme.approver)
    for approval in two:
        client.get(change_url(approval))
    client.get(INBOX)
    rows = AuditRow.objects.using("system").filter(tenant=acme.tenant, action="approval.read").order_by("seq")
    assert [(row.object_id, row.detail["rows"]) for row in rows] == [(str(two[0].id), 2), (str(two[1].id), 2), ("", 2)]


@pytest.mark.parametrize("place", ["list", "detail"])
def test_looking_again_adds_nothing(
    acme: TenantWithUsers, two: list[Approval], ask: Ask, signed_in: SignIn, place: str
) -> None:
    client, url = signed_in(acme.approver), INBOX if place == "list" else change_url(two[0])
    view = view_of(client.get(url))
    ask(acme, customer="C-3")  # of somebody whom the entry names already
    for _ in range(3):
        assert "C-1" in page(again(client, url, view))
        assert "X-View" not in again(client, url, view).headers
    assert reads(acme) == 1
    client.get(url)
    assert reads(acme) == 2


def test_whose_rows_are_new_to_the_view_makes_an_entry(
    acme: TenantWithUsers, two: list[Approval], ask: Ask, signed_in: SignIn
) -> None:
    client = signed_in(acme.approver)
    view = view_of(client.get(INBOX))
    theirs = ask(acme, customer="C-OPS")
    Approval.objects.using("system").filter(id=theirs.id).update(requester=acme.operator)
    later = again(client, INBOX, view).headers["X-View"]
    assert reads(acme) == 2
    again(client, INBOX, later)
    assert reads(acme) == 2
    again(client, INBOX, view)
    assert reads(acme) == 3


def test_no_other_view_stands_in_for_it(
    acme: TenantWithUsers, two: list[Approval], signed_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, admin = signed_in(acme.approver), signed_in(acme.admin)
    view = view_of(client.get(INBOX))
    assert reads(acme) == 1
    again(client, DECIDED, view)  # another page
    again(client, change_url(two[0]), view)
    again(admin, INBOX, view)  # another person
    again(client, INBOX, view[:-2] + "xx")  # made up
    again(client, INBOX, "")
    assert reads(acme) == 6
    monkeypatch.setattr(reading, "utc_now", lambda: utc_now() + timedelta(hours=2))
    again(client, INBOX, view)
    assert reads(acme) == 7


def test_what_is_new_is_not_shown_where_the_trail_takes_no_entry(
    acme: TenantWithUsers, two: list[Approval], ask: Ask, signed_in: SignIn
) -> None:
    client = signed_in(acme.approver)
    view = view_of(client.get(INBOX))
    with unwritable_trail():
        again(client, INBOX, view)
        theirs = ask(acme, customer="C-OPS")
        Approval.objects.using("system").filter(id=theirs.id).update(requester=acme.operator)
        refused = client.get(INBOX, headers={"X-View": view})
    assert refused.status_code == 503
    assert "C-OPS" not in page(refused)
