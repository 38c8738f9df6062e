"""Notices over real SMTP and HTTP on loopback: who is told what, at least once, and what is tried again."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
import pytest
from django.db import transaction
from django.db.models.functions import Now
from standardwebhooks import Webhook, WebhookVerificationError

from accounts.models import Membership, Tenant, User
from accounts.principals import Principal
from agents.models import Step
from agents.services import switches
from governance.models import Announcement, Approval, Channel, Endpoint, Kind, Notice, NoticeState
from governance.services import approvals, endpoints, outbox, preferences, senders, wording
from governance.services.announce import announce
from tests.conftest import TenantWithUsers
from tests.governance.conftest import MakeWaiting, Waiting
from tests.governance.receivers import MailServer, WebServer, mail_server, web_server

PrincipalOf = Callable[[User, Tenant], Principal]


@pytest.fixture
def mails(settings: Any) -> Iterator[MailServer]:
    settings.MAIL_AFTER_SECONDS = 0
    with mail_server() as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_USE_TLS = "127.0.0.1", server.port, False
        yield server


@pytest.fixture
def web(settings: Any) -> Iterator[WebServer]:
    settings.PRIVATE_ENDPOINTS = True
    with web_server() as server:
        yield server


@pytest.fixture
def admin(acme: TenantWithUsers, principal_of: PrincipalOf) -> Principal:
    return principal_of(acme.admin, acme.tenant)


@pytest.fixture
def approver(acme: TenantWithUsers, principal_of: PrincipalOf) -> Principal:
    return principal_of(acme.approver, acme.tenant)


@pytest.fixture
def waiting(acme: TenantWithUsers, make_waiting: MakeWaiting) -> Waiting:
    return make_waiting(acme)


def send_all() -> None:
    """Do what the ticks and the threads of a process do, until nothing is due."""
    outbox.spread()
    process = senders.Senders()
    while process.send_one():
        pass


def due_again() -> None:
    """Let the time pass until the next attempt, and until claims of the dead have ended."""
    earlier = Now() - timedelta(seconds=1)
    rows = Notice.objects.using("system").filter(state=NoticeState.WAITING)
    rows.update(due_at=earlier)
    rows.exclude(claimed_until=None).update(claimed_until=earlier)


def states(channel: Channel) -> list[tuple[str, int, str]]:
    rows = Notice.objects.using("system").filter(channel=channel).order_by("created_at", "id")
    return list(rows.values_list("state", "attempts", "error"))


def webhook(admin: Principal, web: WebServer, kinds: list[Kind] | None = None, **given: bool) -> endpoints.Made:
    asked = [kind.value for kind in kinds or Kind]
    return endpoints.add(admin, channel="webhook", name="Ours", url=web.url, kinds=asked, **given)


def test_who_may_decide_is_mailed_and_nobody_else(
    acme: TenantWithUsers, globex: TenantWithUsers, waiting: Waiting, mails: MailServer
) -> None:
    send_all()
    assert sorted(mail["To"] for mail in mails.mails) == sorted([acme.approver.email, acme.admin.email])
    mail = mails.mails[0]
    assert mail["Subject"] == "Approval needed: Refund $250.00 to C-1042"
    assert mail["Auto-Submitted"] == "auto-generated"
    text = mail.get_body(("plain",))
    html = mail.get_body(("html",))
    assert text is not None
    assert html is not None
    link = f"/admin/governance/approval/{waiting.approval.id}/change/"
    for body in (text.get_content(), html.get_content()):
        assert "Refund $250.00 to C-1042" in body
        assert link in body
        assert "?" not in body.split(link)[1].split()[0]  # no token in a link
    assert states(Channel.EMAIL) == [("sent", 1, "")] * 2


def test_who_asked_is_not_asked_to_decide(acme: TenantWithUsers, make_waiting: MakeWaiting, mails: MailServer) -> None:
    make_waiting(acme, acme.approver)
    send_all()
    assert [mail["To"] for mail in mails.mails] == [acme.admin.email]


def test_a_role_that_was_lost_before_sending_is_told_nothing(
    acme: TenantWithUsers, waiting: Waiting, mails: MailServer
) -> None:
    outbox.spread()
    Membership.objects.using("system").filter(user=acme.approver).update(role="member")
    send_all()
    assert [mail["To"] for mail in mails.mails] == [acme.admin.email]
    assert sorted(states(Channel.EMAIL)) == [("dropped", 1, ""), ("sent", 1, "")]


def test_a_member_who_left_is_told_nothing(acme: TenantWithUsers, waiting: Waiting, mails: MailServer) -> None:
    outbox.spread()
    Membership.objects.using("system").filter(user=acme.approver).delete()
    send_all()
    assert [mail["To"] for mail in mails.mails] == [acme.admin.email]


def test_what_was_decided_meanwhile_is_no_news(approver: Principal, waiting: Waiting, mails: MailServer) -> None:
    approvals.decide(principal=approver, approval_id=waiting.approval.id, approved=True)
    send_all()
    assert mails.mails == []
    assert {state for state, *_ in states(Channel.EMAIL)} == {"dropped"}


def test_a_request_is_mailed_when_it_has_waited_a_little(waiting: Waiting, mails: MailServer, settings: Any) -> None:
    settings.MAIL_AFTER_SECONDS = 15
    send_all()
    assert mails.mails == []
    due_again()
    send_all()
    assert len(mails.mails) == 2


def test_what_the_seed_made_is_mailed_to_nobody(waiting: Waiting, mails: MailServer) -> None:
    Approval.objects.using("system").update(is_demo=True)
    send_all()
    assert mails.mails == []


def test_only_the_role_that_it_is_escalated_to_is_told(
    acme: TenantWithUsers, waiting: Waiting, mails: MailServer
) -> None:
    Announcement.objects.using("system").all().delete()
    Approval.objects.using("system").update(escalated_at=Now(), escalation_role="admin", approver_roles=["approver"])
    with transaction.atomic(using="system"):
        announce(Kind.ESCALATED, Approval.objects.using("system").get())
    send_all()
    assert [(mail["To"], mail["Subject"]) for mail in mails.mails] == [
        (acme.admin.email, "Escalated to you: Refund $250.00 to C-1042")
    ]


def test_who_is_not_asked_is_not_told(acme: TenantWithUsers, waiting: Waiting, mails: MailServer) -> None:
    Approval.objects.using("system").update(approvers=[acme.admin.id])
    send_all()
    assert [mail["To"] for mail in mails.mails] == [acme.admin.email]


def test_what_a_page_masks_a_notice_masks(approver: Principal, waiting: Waiting) -> None:
    outbox.spread()
    rows = Notice.objects.using("system").select_related("announcement")
    notice = rows.get(user_id=approver.user_id, channel=Channel.EMAIL)
    plain, masked, blind = (
        wording.for_person(notice, replace(approver, scopes=approver.scopes - hidden))
        for hidden in (set(), {"privacy:personal"}, {"privacy:sensitive"})
    )
    assert plain is not None
    assert masked is not None
    assert blind is None  # she could not decide it
    assert "C-1042" in plain.heading
    assert "Member of Acme" in plain.lines[0]
    assert "Member" not in masked.lines[0]


def test_old_news_is_told_to_nobody(waiting: Waiting, mails: MailServer) -> None:
    Announcement.objects.using("system").update(created_at=Now() - timedelta(hours=25))
    send_all()
    assert not Notice.objects.using("system").exists()


def test_preferences_are_honoured(
    acme: TenantWithUsers, approver: Principal, admin: Principal, waiting: Waiting, mails: MailServer,
    principal_of: PrincipalOf,
) -> None:  # fmt: skip
    member = principal_of(acme.member, acme.tenant)
    preferences.choose(approver, {"approval.requested": {"email": False}, "step.failed": {"email": False}})
    preferences.choose(member, {"approval.decided": {"email": True, "browser": False}})
    send_all()
    assert [mail["To"] for mail in mails.mails] == [acme.admin.email]
    approvals.decide(principal=approver, approval_id=waiting.approval.id, approved=False, reason="Too much.")
    send_all()
    assert [mail["To"] for mail in mails.mails[1:]] == [acme.member.email]
    told = mails.mails[1].get_body(("plain",))
    assert told is not None
    assert mails.mails[1]["Subject"].startswith("Rejected by ")
    assert "Reason: Too much." in told.get_content()
    browser = Notice.objects.using("system").filter(channel=Channel.BROWSER)
    assert set(browser.values_list("user_id", "announcement__kind")) == {
        (acme.approver.id, Kind.REQUESTED),
        (acme.admin.id, Kind.REQUESTED),
    }


def test_the_decider_is_told_of_a_failure(
    acme: TenantWithUsers, approver: Principal, waiting: Waiting, mails: MailServer
) -> None:
    approvals.decide(principal=approver, approval_id=waiting.approval.id, approved=True)
    Step.objects.using("system").filter(id=waiting.step.id).update(state="failed")
    send_all()
    assert [(mail["To"], mail["Subject"]) for mail in mails.mails] == [
        (acme.approver.email, "Failed: Refund $250.00 to C-1042")
    ]


def test_a_halt_is_told_to_who_can_release_it(
    acme: TenantWithUsers, principal_of: PrincipalOf, mails: MailServer
) -> None:
    operator = principal_of(acme.operator, acme.tenant)
    switches.halt(operator, target="tenant", reason="Looks wrong.")
    send_all()
    assert [(mail["To"], mail["Subject"]) for mail in mails.mails] == [(acme.admin.email, "Halted: tenant")]


def test_words_that_hide_are_spelled_out(acme: TenantWithUsers, make_waiting: MakeWaiting, mails: MailServer) -> None:
    make_waiting(acme, customer_id="C-1\r\nBcc: victim@evil.test\u202e<b>")
    send_all()
    mail = mails.mails[0]
    assert mail["Bcc"] is None
    assert "[U+202E]" in mail["Subject"]
    html = mail.get_body(("html",))
    assert html is not None
    assert "<b>" not in html.get_content()


def test_a_mail_is_sent_again_under_the_same_id_after_a_crash(
    waiting: Waiting, mails: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Crash(BaseException):
        pass

    def crash(*args: object, **kwargs: object) -> None:
        raise Crash

    with monkeypatch.context() as dying:
        dying.setattr(outbox, "_settle", crash)
        with pytest.raises(Crash):
            send_all()
    assert len(mails.mails) == 1
    send_all()  # another process: what the dead one had claimed is left alone
    assert len({mail["Message-ID"] for mail in mails.mails}) == len(mails.mails) == 2
    due_again()
    send_all()
    assert len(mails.mails) == 3
    assert len({mail["Message-ID"] for mail in mails.mails}) == 2
    assert sorted(states(Channel.EMAIL)) == [("sent", 1, ""), ("sent", 2, "")]


def test_what_breaks_off_each_time_is_given_up(
    waiting: Waiting, mails: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Crash(BaseException):
        pass

    def crash(*args: object, **kwargs: object) -> None:
        raise Crash

    outbox.spread()
    with monkeypatch.context() as dying:
        dying.setattr(outbox, "deliver", crash)
        for _ in range(2 * outbox.MOST_ATTEMPTS):
            due_again()
            with pytest.raises(Crash):
                senders.Senders().send_one()
    due_again()
    send_all()
    assert set(states(Channel.EMAIL)) == {("given_up", outbox.MOST_ATTEMPTS, "broke off")}
    assert mails.mails == []


def test_a_mail_server_that_is_away_is_tried_again_and_given_up(
    waiting: Waiting, mails: MailServer, settings: Any
) -> None:
    settings.EMAIL_PORT, there = 1, settings.EMAIL_PORT
    send_all()
    assert states(Channel.EMAIL) == [("waiting", 1, "ConnectionRefusedError")] * 2
    send_all()  # not due yet
    assert states(Channel.EMAIL) == [("waiting", 1, "ConnectionRefusedError")] * 2
    for _ in range(outbox.MOST_ATTEMPTS - 1):
        due_again()
        send_all()
    assert states(Channel.EMAIL) == [("given_up", outbox.MOST_ATTEMPTS, "ConnectionRefusedError")] * 2
    settings.EMAIL_PORT = there
    due_again()
    send_all()
    assert mails.mails == []


def test_a_recipient_whom_the_mail_server_does_not_know_is_given_up_at_once(
    waiting: Waiting, mails: MailServer
) -> None:
    mails.refuses = 550
    send_all()
    assert states(Channel.EMAIL) == [("given_up", 1, "recipient refused")] * 2


def test_the_time_between_attempts_doubles_up_to_an_hour() -> None:
    for attempts, seconds in ((1, 15), (2, 30), (5, 240), (9, 3_600), (10, 3_600)):
        waits = [outbox.retry_after(attempts) for _ in range(50)]
        assert all(seconds * 0.75 <= wait <= seconds * 1.25 for wait in waits)
        assert len(set(waits)) > 1


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


def test_two_processes_send_each_notice_once(
    admin: Principal, acme: TenantWithUsers, make_waiting: MakeWaiting, web: WebServer
) -> None:
    webhook(admin, web, [Kind.REQUESTED])
    for number in range(6):
        make_waiting(acme, path=f"{number}.0")

    with ThreadPoolExecutor(2) as threads:
        for done in [threads.submit(send_all) for _ in range(2)]:
            done.result()
    sent = [orjson.loads(posted.body)["data"]["approval_id"] for posted in web.got]
    assert len(sent) == len(set(sent)) == 6


def test_nothing_secret_is_logged(
    admin: Principal, waiting: Waiting, web: WebServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    made, web.statuses = webhook(admin, web), [500]
    send_all()
    assert web.url not in caplog.text
    assert made.secret not in caplog.text
    assert web.url not in repr(made)
    stored = Endpoint.objects.using("system").get()
    assert web.url not in f"{stored.sealed}{stored.sealed_key}{stored.host}"
    assert Approval.objects.using("system").count() == 1
