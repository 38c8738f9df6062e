"""Delivers what was announced, at least once: decides who is told, then sends each notice until it is taken.

Any process may do any of it at any time: a notice is claimed for a minute, and whoever dies between sending it and
writing that down lets the next one send it again, under the same id. `services.senders` has the threads.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection
from datetime import timedelta
from functools import partial
from typing import Any, Final, Protocol, TypeVar
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from accounts import audit
from accounts.principals import Principal
from accounts.tenancy import tenant_scope
from accounts.trips import planned_once
from agentos.core.clock import utc_now
from agentos.core.errors import ConfigError
from agents.services import log
from agents.services.notifications import INBOX
from governance.channels import email, slack, webhook
from governance.channels.failures import NotDelivered
from governance.channels.words import Words
from governance.models import Announcement, ApprovalStatus, Channel, Endpoint, Kind, Notice, NoticeState
from governance.services import endpoints, recipients, wording

T = TypeVar("T")


class Talk(Protocol):
    def __call__(self, job: Callable[[], T], /) -> T: ...


SYSTEM: Final = "system"
SPREAD_ROWS: Final = 100
CLAIM: Final = timedelta(seconds=60)  # longer than any channel takes
NEWS: Final = timedelta(hours=24)  # what is older is told to nobody
MOST_ATTEMPTS: Final = 10
MOST_TO_CATCH_UP: Final = 100  # requests that waited already; the inbox has the others
FIRST_RETRY_SECONDS, LAST_RETRY_SECONDS = 15, 3_600
JITTER: Final = (0.75, 1.25)

_SEND: Final[dict[str, Callable[[Notice, Words], None]]] = {
    Channel.EMAIL.value: email.send,
    Channel.SLACK.value: slack.send,
    Channel.WEBHOOK.value: webhook.send,
}


def new() -> QuerySet[Announcement]:
    """Return the announcements of which nobody has been told, in all tenants."""
    return Announcement.objects.using(SYSTEM).filter(spread_at=None)


def spread() -> int:
    """Make the notices of new announcements; return how many announcements there were. Commits; repeatable."""
    with transaction.atomic(using=SYSTEM):
        rows = (
            new()
            .order_by("created_at")
            .select_related("approval", "run", "switch")
            .select_for_update(skip_locked=True, of=("self",))
        )
        found = list(rows[:SPREAD_ROWS])
        notices = [
            notice for made in found if made.created_at > utc_now() - NEWS for notice in recipients.notices_of(made)
        ]
        for notice in notices:
            if notice.channel == Channel.BROWSER:
                notice.state, notice.sent_at = NoticeState.SENT, utc_now()  # it is read where it stands
            elif notice.channel == Channel.EMAIL and notice.announcement.kind == Kind.REQUESTED:
                notice.due_at = Now() + timedelta(seconds=settings.MAIL_AFTER_SECONDS)
        Notice.objects.using(SYSTEM).bulk_create(notices, ignore_conflicts=True)
        Announcement.objects.using(SYSTEM).filter(id__in=[made.id for made in found]).update(spread_at=Now())
        for tenant_id in {notice.tenant_id for notice in notices}:
            log.notify(INBOX, str(tenant_id), using=SYSTEM)
    return len(found)


def behind() -> QuerySet[Endpoint]:
    """Return the endpoints that are new, or on again, in all tenants."""
    return Endpoint.objects.using(SYSTEM).filter(catches_up=True)


def catch_up() -> int:
    """Tell endpoints that are new, or on again, of the requests that wait already; return how many these were.

    Each is told of a request once, the oldest first; what it missed while it was off is sent after all. Commits;
    repeatable.
    """
    with transaction.atomic(using=SYSTEM):
        rows = behind()
        found = list(rows.defer("sealed", "sealed_key").select_for_update(skip_locked=True, of=("self",)))
        for endpoint in found:
            if endpoint.is_active and Kind.REQUESTED in endpoint.kinds:
                _tell_what_waits(endpoint)
        if found:
            rows.filter(id__in=[endpoint.id for endpoint in found]).update(catches_up=False)
    return len(found)


def _tell_what_waits(endpoint: Endpoint) -> None:
    made = Announcement.objects.using(SYSTEM).filter(tenant_id=endpoint.tenant_id, kind=Kind.REQUESTED)
    waits = made.filter(
        approval__status=ApprovalStatus.PENDING, approval__expires_at__gt=Now(), spread_at__isnull=False
    )
    open_ones = list(waits.order_by("created_at", "id")[:MOST_TO_CATCH_UP])
    told = {"tenant_id": endpoint.tenant_id, "channel": endpoint.channel, "endpoint_id": endpoint.id}
    notices = [Notice(announcement=one, **told) for one in open_ones]
    Notice.objects.using(SYSTEM).bulk_create(notices, ignore_conflicts=True)
    missed = Notice.objects.using(SYSTEM).filter(**told, announcement__in=open_ones)
    missed = missed.filter(state__in=(NoticeState.DROPPED, NoticeState.GIVEN_UP))
    missed.update(state=NoticeState.WAITING, attempts=0, due_at=Now(), claimed_until=None, error="")


def due() -> QuerySet[Notice]:
    """Return the notices that nobody is sending and whose time has come, in all tenants."""
    free = Q(claimed_until=None) | Q(claimed_until__lte=Now())
    return Notice.objects.using(SYSTEM).filter(free, state=NoticeState.WAITING, due_at__lte=Now())


def claim(*, busy: Collection[UUID | None] = (), full: Collection[UUID] = ()) -> Notice | None:
    """Claim the notice that is due the longest; None when there is none. Commits.

    `busy` are endpoints that are being sent something, None for the mail server; `full` tenants that are sent enough.
    """
    rows = due().exclude(tenant_id__in=list(full)).exclude(endpoint_id__in=[one for one in busy if one is not None])
    if None in busy:
        rows = rows.filter(endpoint__isnull=False)
    with transaction.atomic(using=SYSTEM):
        rows = rows.select_related(
            "announcement__approval__requester", "announcement__approval__decided_by", "announcement__run",
            "announcement__step", "announcement__switch", "endpoint", "user",
        )  # fmt: skip
        with planned_once(using=SYSTEM):  # so many tables take ten times as long to plan as to read
            notice = rows.select_for_update(skip_locked=True, of=("self",)).order_by("due_at", "id").first()
        if notice is not None and notice.attempts >= MOST_ATTEMPTS:  # whoever tried last did not live to say so
            _settle(notice, NoticeState.GIVEN_UP, error="broke off")
            return claim(busy=busy, full=full)
        if notice is not None:
            _same(notice).update(claimed_until=Now() + CLAIM, attempts=F("attempts") + 1)
            notice.attempts += 1
    return notice


def deliver(notice: Notice, talk: Talk) -> None:
    """Send a claimed notice, and write down what became of it. `talk` asks the database, which nobody holds between."""
    words = talk(partial(wording.of, notice))
    if words is None:
        return talk(partial(_settle, notice, NoticeState.DROPPED))
    try:
        _SEND[notice.channel](notice, words)
    except NotDelivered as failure:
        talk(partial(_failed, notice, failure))
    except ConfigError:
        talk(partial(_failed, notice, NotDelivered("sealed")))  # the key that opens it is not at hand: it may come back
    else:
        talk(partial(_settle, notice, NoticeState.SENT, sent_at=Now()))


def retry(principal: Principal, *, notice_id: UUID) -> bool:
    """Let a notice that was given up be sent again; tell whether it had been. Audited. Raises: PolicyDenied."""
    principal.require(endpoints.WRITE)
    with tenant_scope(principal.tenant_id, principal.user_id):
        rows = Notice.objects.filter(tenant_id=principal.tenant_id, id=notice_id, state=NoticeState.GIVEN_UP)
        fresh = {"state": NoticeState.WAITING, "attempts": 0, "due_at": Now(), "claimed_until": None, "error": ""}
        if not rows.update(**fresh):
            return False
        entry = audit.Entry("notice.sent_again", "notice", str(notice_id), {}, principal.user_id)
        audit.append([entry], tenant_id=principal.tenant_id)
    return True


def retry_after(attempts: int) -> float:
    """Return the seconds until the next attempt: twice as long each time, not all at once."""
    seconds: int = min(LAST_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2 ** (attempts - 1))
    return seconds * random.uniform(*JITTER)


def _failed(notice: Notice, failure: NotDelivered) -> None:
    if failure.is_gone and notice.endpoint is not None:
        endpoints.switch_off(notice.endpoint, "It answered that it is gone.")
    if failure.is_final or notice.attempts >= MOST_ATTEMPTS:
        _settle(notice, NoticeState.GIVEN_UP, error=failure.word)
    else:
        wait = timedelta(seconds=retry_after(notice.attempts))
        _settle(notice, NoticeState.WAITING, due_at=Now() + wait, error=failure.word)


def _settle(notice: Notice, state: NoticeState, **changes: Any) -> None:
    _same(notice).update(state=state, claimed_until=None, **{"error": "", **changes})


def _same(notice: Notice) -> QuerySet[Notice]:
    return Notice.objects.using(SYSTEM).filter(id=notice.id)
