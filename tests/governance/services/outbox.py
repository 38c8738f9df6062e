"""Receivers of notices, and the outbox as the sender's threads work on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now

from accounts.models import Tenant, User
from accounts.principals import Principal
from governance.models import Channel, Kind, Notice, NoticeState
from governance.services import endpoints, outbox, senders
from tests.conftest import TenantWithUsers
from tests.governance.channels.receivers import MailServer, WebServer, mail_server, web_server
from tests.governance.conftest import MakeWaiting, Waiting

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
