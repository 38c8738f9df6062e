"""A tick of this app is due while it has something to do, in whatever tenant: asked as a process asks."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db.models.functions import Now
from psycopg_pool import AsyncConnectionPool

from accounts.principals import Principal
from accounts.seam import in_thread
from agents.models import Run
from agents.services.ticks import Tick, Ticks
from agents.wiring import JOURNAL_CONNECTION
from governance.models import Announcement, Approval, Notice, NoticeState
from governance.services import outbox
from governance.services.approvals import expire_due
from governance.services.reminders import remind_due
from governance.services.senders import tick as send
from tests.conftest import TenantWithUsers
from tests.governance.channels.receivers import WebServer
from tests.governance.conftest import MakeWaiting
from tests.governance.services.outbox import admin as admin
from tests.governance.services.outbox import web as web
from tests.governance.services.outbox import webhook

PAST, LATER = Now() - timedelta(seconds=1), Now() + timedelta(hours=1)


async def due() -> list[Tick]:
    url = settings.DATABASE_URLS["system"]
    async with AsyncConnectionPool(url, min_size=1, open=False, kwargs=JOURNAL_CONNECTION) as pool:
        return await Ticks([expire_due, remind_due, send]).due(pool)


async def test_approvals_are_due_once_their_time_has_come(acme: TenantWithUsers, make_waiting: MakeWaiting) -> None:
    waiting = await in_thread(lambda: make_waiting(acme))
    await in_thread(lambda: Announcement.objects.using("system").update(spread_at=Now()))
    row = Approval.objects.using("system").filter(id=waiting.approval.id)
    assert await due() == []
    for field in ("warn_at", "escalate_at"):
        await in_thread(lambda field=field: row.update(warn_at=None, escalate_at=None) and row.update(**{field: PAST}))
        assert await due() == [remind_due]
    await in_thread(lambda: row.update(warn_at=None, escalate_at=None, expires_at=PAST))
    assert await due() == [expire_due]
    await in_thread(lambda: row.update(expires_at=LATER))
    assert await due() == []
    await in_thread(lambda: Run.objects.using("system").update(status="cancelled"))
    assert await due() == [expire_due]
    await in_thread(expire_due)
    assert expire_due not in await due()


async def test_notices_are_due_until_they_are_sent(
    acme: TenantWithUsers, make_waiting: MakeWaiting, admin: Principal, web: WebServer
) -> None:
    await in_thread(lambda: webhook(admin, web))
    assert await due() == [send], "an endpoint is new"
    await in_thread(outbox.catch_up)
    assert await due() == []
    await in_thread(lambda: make_waiting(acme))
    assert await due() == [send], "an announcement is new"
    await in_thread(outbox.spread)
    rows = Notice.objects.using("system")
    await in_thread(lambda: rows.update(due_at=LATER))
    assert await due() == []
    await in_thread(lambda: rows.update(due_at=PAST))
    assert await due() == [send], "a notice is to be sent"
    await in_thread(lambda: rows.update(claimed_until=LATER))
    assert await due() == []
    await in_thread(lambda: rows.update(claimed_until=PAST))
    assert await due() == [send], "whoever claimed it is gone"
    await in_thread(lambda: rows.update(state=NoticeState.SENT))
    assert await due() == []
