"""The pages about notices: what one is told, the tenant's endpoints, the outbox."""

from __future__ import annotations

import pytest
from django.urls import reverse

from accounts.models import AuditRow
from governance.models import Endpoint, Notice, NoticeState, Preference
from governance.services import outbox
from tests.conftest import TenantWithUsers
from tests.console.conftest import Ask, SignIn, change_url, page

MINE = "/admin/notifications/"
FORM = {
    "channel": "webhook",
    "name": "Ours",
    "url": "https://hooks.example.com/a?key=k-1",
    "kinds": ["approval.requested", "halt.set"],
    "tells_effect": "on",
}


def test_one_sees_what_one_was_told_and_chooses(acme: TenantWithUsers, signed_in: SignIn, ask: Ask) -> None:
    approval = ask(acme)
    outbox.spread()
    client = signed_in(acme.approver)
    shown = page(client.get(MINE))
    assert f'href="{reverse("admin:governance_approval_change", args=[approval.id])}"' in shown
    assert "approver@acme.test" in shown
    assert client.post(MINE, {"wanted": ["approval.requested browser"]}).status_code == 302
    rows = Preference.objects.using("system").filter(user=acme.approver)
    assert list(rows.filter(wanted=True).values_list("kind", "channel")) == [("approval.requested", "browser")]
    assert page(client.get(MINE)).count(" checked") == 1
    assert approval.effect_text not in page(signed_in(acme.viewer).get(MINE))
    assert AuditRow.objects.using("system").filter(action="preferences.changed").count() == 1


def test_opening_it_changes_nothing(acme: TenantWithUsers, signed_in: SignIn) -> None:
    signed_in(acme.approver).get(MINE, {"wanted": "approval.requested email"})
    assert not Preference.objects.using("system").exists()


def test_an_endpoint_is_added_and_its_secret_shown_once(acme: TenantWithUsers, signed_in: SignIn) -> None:
    client = signed_in(acme.admin)
    shown = client.post(reverse("admin:governance_endpoint_add"), FORM)
    assert "whsec_" in page(shown)
    assert "no-store" in shown.headers["Cache-Control"]
    endpoint = Endpoint.objects.using("system").get()
    assert (endpoint.host, endpoint.tells_effect) == ("hooks.example.com", True)
    assert endpoint.kinds == ["approval.requested", "halt.set"]
    place = reverse("admin:governance_endpoint_change", args=[endpoint.id])
    for path in (place, reverse("admin:governance_endpoint_changelist")):
        assert "whsec_" not in page(client.get(path))
        assert "k-1" not in page(client.get(path))
    client.post(place, {"kinds": ["halt.set"], "is_active": ""})
    endpoint.refresh_from_db(using="system")
    assert (endpoint.kinds, endpoint.is_active, endpoint.tells_effect) == (["halt.set"], False, False)
    renewed = client.post(
        reverse("admin:governance_endpoint_changelist"),
        {"action": "renew_secret", "_selected_action": [str(endpoint.id)]},
    )
    assert "whsec_" in page(renewed)
    client.post(reverse("admin:governance_endpoint_delete", args=[endpoint.id]), {"post": "yes"})
    assert not Endpoint.objects.using("system").exists()


@pytest.mark.parametrize("role", ["member", "approver", "operator", "auditor"])
def test_only_an_administrator_changes_endpoints(acme: TenantWithUsers, signed_in: SignIn, role: str) -> None:
    client = signed_in(acme.users[role])
    assert client.post(reverse("admin:governance_endpoint_add"), FORM).status_code == 403
    listed = client.get(reverse("admin:governance_endpoint_changelist")).status_code
    assert listed == (200 if role == "auditor" else 403)
    assert not Endpoint.objects.using("system").exists()


def test_a_bad_address_is_told_on_the_page(acme: TenantWithUsers, signed_in: SignIn) -> None:
    client = signed_in(acme.admin)
    response = client.post(reverse("admin:governance_endpoint_add"), FORM | {"url": "nowhere"}, follow=True)
    assert "This is not a URL." in page(response)


def test_what_was_given_up_shows_and_is_sent_again(
    acme: TenantWithUsers, globex: TenantWithUsers, signed_in: SignIn, ask: Ask
) -> None:
    approval = ask(acme)
    outbox.spread()
    mails = Notice.objects.using("system").filter(channel="email")
    mails.update(state=NoticeState.GIVEN_UP, attempts=10, error="HTTP 500")
    place = reverse("admin:governance_notice_changelist")
    client = signed_in(acme.admin)
    assert "HTTP 500" in page(client.get(place))
    assert f'href="{change_url(approval)}">request {str(approval.id)[-8:]}</a>' in page(client.get(place))
    assert client.get(place, {"q": str(approval.id)}).context["cl"].result_count >= len(mails)
    assert client.get(place, {"q": str(approval.run.session_id)}).context["cl"].result_count == 0
    ids = [str(notice.id) for notice in mails]
    client.post(place, {"action": "send_again", "_selected_action": ids})
    assert set(mails.values_list("state", "attempts")) == {("waiting", 0)}
    assert "An approval is asked for" not in page(signed_in(globex.admin).get(place))
    assert signed_in(acme.approver).get(place).status_code == 403
    assert AuditRow.objects.using("system").filter(action="notice.sent_again").count() == len(ids)
