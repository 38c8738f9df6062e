"""Notices to endpoints: signed webhooks and Slack, tried again, rotated, gone; and to nobody else's."""

from __future__ import annotations

from datetime import timedelta

import orjson
import pytest
from django.db import connections
from django.db.models.functions import Now
from standardwebhooks import Webhook, WebhookVerificationError

from accounts.principals import Principal
from governance.models import Channel, Endpoint, Kind, Notice
from governance.services import approvals, endpoints, outbox, senders
from tests.conftest import TenantWithUsers
from tests.governance.channels.receivers import MailServer, WebServer
from tests.governance.conftest import MakeWaiting, Waiting
from tests.governance.services.outbox import (
    PrincipalOf,
    admin,
    approver,
    due_again,
    mails,
    send_all,
    states,
    waiting,
    web,
    webhook,
)

__all__ = ["admin", "approver", "mails", "waiting", "web"]


def test_a_webhook_is_signed_and_tells_ids_only(admin: Principal, waiting: Waiting, web: WebServer) -> None:
    made = webhook(admin, web)
    send_all()
    (posted,) = web.got
    event = Webhook(made.secret).verify(posted.body, posted.headers)
    assert event == orjson.loads(posted.body)
    assert event["type"] == "approval.requested"
    assert event["data"]["approval_id"] == str(waiting.approval.id)
    assert event["data"]["link"].endswith(f"/admin/governance/approval/{waiting.approval.id}/change/")
    assert event["data"]["tenant_id"] == str(admin.tenant_id)
    assert b"C-1042" not in posted.body
    with pytest.raises(WebhookVerificationError):
        Webhook(endpoints._new_secret()).verify(posted.body, posted.headers)
    assert states(Channel.WEBHOOK) == [("sent", 1, "")]


def test_a_webhook_tells_what_a_call_does_where_it_may(admin: Principal, waiting: Waiting, web: WebServer) -> None:
    webhook(admin, web, tells_effect=True)
    send_all()
    assert orjson.loads(web.got[0].body)["data"]["effect_text"] == "Refund $250.00 to C-1042"


def test_a_webhook_is_told_the_kinds_it_asked_for(
    admin: Principal, approver: Principal, waiting: Waiting, web: WebServer
) -> None:
    webhook(admin, web, [Kind.DECIDED])
    send_all()
    assert web.got == []
    approvals.decide(principal=approver, approval_id=waiting.approval.id, approved=True)
    send_all()
    assert [orjson.loads(posted.body)["type"] for posted in web.got] == ["approval.decided"]


@pytest.mark.parametrize("status", [500, 404, 302])
def test_a_webhook_that_is_not_taken_is_sent_again_under_the_same_id(
    admin: Principal, waiting: Waiting, web: WebServer, status: int
) -> None:
    made = webhook(admin, web)
    web.statuses, web.headers = [status], {"Location": web.url}
    send_all()
    assert len(web.got) == 1  # no redirect was followed
    assert states(Channel.WEBHOOK) == [("waiting", 1, f"HTTP {status}")]
    due_again()
    send_all()
    assert states(Channel.WEBHOOK) == [("sent", 2, "")]
    assert web.got[0].headers["webhook-id"] == web.got[1].headers["webhook-id"]
    assert Webhook(made.secret).verify(web.got[1].body, web.got[1].headers)


def test_an_endpoint_that_is_gone_is_told_nothing_more(
    admin: Principal, approver: Principal, waiting: Waiting, web: WebServer
) -> None:
    made, web.statuses = webhook(admin, web), [410]
    send_all()
    assert states(Channel.WEBHOOK) == [("given_up", 1, "HTTP 410")]
    stored = Endpoint.objects.using("system").get(id=made.endpoint.id)
    assert (stored.is_active, stored.off_reason) == (False, "It answered that it is gone.")
    approvals.decide(principal=approver, approval_id=waiting.approval.id, approved=True)
    send_all()
    assert len(web.got) == 1


def test_a_new_secret_signs_beside_the_old_one_for_a_day(
    admin: Principal, waiting: Waiting, web: WebServer, make_waiting: MakeWaiting, acme: TenantWithUsers
) -> None:
    made = webhook(admin, web)
    new = endpoints.rotate(admin, endpoint_id=made.endpoint.id)
    send_all()
    for secret in (made.secret, new.secret):
        assert Webhook(secret).verify(web.got[0].body, web.got[0].headers)
    Endpoint.objects.using("system").update(previous_until=Now() - timedelta(seconds=1))
    make_waiting(acme, path="2.0")
    send_all()
    assert Webhook(new.secret).verify(web.got[1].body, web.got[1].headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(made.secret).verify(web.got[1].body, web.got[1].headers)


def test_slack_is_sent_blocks_of_plain_text(
    admin: Principal, acme: TenantWithUsers, make_waiting: MakeWaiting, web: WebServer
) -> None:
    endpoints.add(admin, channel="slack", name="Team", url=web.url, kinds=Kind.values, tells_effect=True)
    make_waiting(acme, customer_id="<!channel>")
    send_all()
    (posted,) = web.got
    message = orjson.loads(posted.body)
    header, section, actions = message["blocks"]
    assert header["text"] == {"type": "plain_text", "text": "Approval needed", "emoji": False}
    assert section["text"]["type"] == "plain_text"
    assert "Refund $250.00 to <!channel>" in section["text"]["text"]
    assert actions["elements"][0]["url"].endswith("/change/")
    assert "<!channel>" not in message["text"]
    assert "webhook-signature" not in posted.headers


def test_a_slow_endpoint_holds_up_nobody_else(
    admin: Principal, waiting: Waiting, web: WebServer, mails: MailServer
) -> None:
    """While one notice is on its way to an endpoint, all others are sent, and this endpoint gets no second one."""
    webhook(admin, web)
    outbox.spread()
    process = senders.Senders()
    Notice.objects.using("system").exclude(channel=Channel.WEBHOOK).update(due_at=Now() + timedelta(hours=1))
    seen: list[tuple[bool, int]] = []

    def meanwhile(posted: object) -> None:
        due_again()
        connections.close_all()
        while process.send_one():
            pass
        seen.append((process.send_one(), len(mails.mails)))

    web.before = meanwhile
    assert process.send_one()
    assert seen == [(False, 2)]
    assert len(web.got) == 1


def test_another_tenants_endpoint_and_approvers_get_nothing(
    globex: TenantWithUsers, principal_of: PrincipalOf, waiting: Waiting, web: WebServer, mails: MailServer
) -> None:
    webhook(principal_of(globex.admin, globex.tenant), web, tells_effect=True)
    send_all()
    assert web.got == []
    assert not Notice.objects.using("system").filter(tenant=globex.tenant).exists()
    assert {mail["To"].partition("@")[2] for mail in mails.mails} == {"acme.test"}
