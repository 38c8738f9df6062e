"""Notices over real SMTP on loopback: who is told what, at least once, and what is tried again."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
import pytest
from django.db import connection, connections, transaction
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from accounts.models import Membership
from accounts.principals import Principal
from agents.models import Step
from agents.services import switches
from governance.models import Announcement, Approval, Channel, Endpoint, Kind, Notice
from governance.services import approvals, outbox, preferences, senders, wording
from governance.services.announce import announce
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
from tests.plans import kept_after

__all__ = ["admin", "approver", "mails", "waiting", "web"]


class Crash(BaseException):
    """What ends a process in the middle."""


def crash(*args: object, **kwargs: object) -> None:
    raise Crash


async def test_the_server_keeps_the_plans_of_what_a_sender_asks(
    waiting: Waiting, approver: Principal, mails: MailServer
) -> None:
    """To plan which notice is due, or what its reader may see, takes ten times as long as to read it."""

    def send() -> None:
        outbox.spread()
        notice = outbox.claim()
        assert notice is not None
        assert wording.for_person(notice, approver) is not None

    claimed, read = await kept_after(send, "system", "default")
    assert [statement for statement, _ in claimed if "governance_notice" in statement], claimed
    assert [statement for statement, _ in read if "governance_approval" in statement], read


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


def test_many_are_read_together(
    acme: TenantWithUsers, approver: Principal, waiting: Waiting, make_waiting: MakeWaiting
) -> None:
    """Each in its own words, and what is settled in none."""
    settled = make_waiting(acme, customer_id="C-7")
    make_waiting(acme, customer_id="C-8")
    outbox.spread()
    Approval.objects.using("system").filter(id=settled.approval.id).update(status="approved")
    rows = Notice.objects.using("system").filter(user_id=approver.user_id, channel=Channel.EMAIL)
    mine = list(rows.select_related("announcement").order_by("created_at", "id"))
    with CaptureQueriesContext(connection) as asked:
        told = wording.for_each(mine, approver)
    assert [words and words.effect for words in told] == [
        "Refund $250.00 to C-1042", None, "Refund $250.00 to C-8",
    ]  # fmt: skip
    assert [wording.for_person(notice, approver) for notice in mine] == told
    assert len([one for one in asked if 'FROM "governance_approval"' in one["sql"]]) == 1


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
    assert [(mail["To"], mail["Subject"]) for mail in mails.mails] == [(acme.admin.email, "Halted: everything here")]


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


def send_all_and_leave() -> None:
    try:
        send_all()
    finally:
        connections.close_all()


def test_two_processes_send_each_notice_once(
    admin: Principal, acme: TenantWithUsers, make_waiting: MakeWaiting, web: WebServer
) -> None:
    webhook(admin, web, [Kind.REQUESTED])
    for number in range(6):
        make_waiting(acme, path=f"{number}.0")

    with ThreadPoolExecutor(2) as threads:
        for done in [threads.submit(send_all_and_leave) for _ in range(2)]:
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
