"""Announces what people are told of: a row of the outbox, in the caller's transaction. `services.outbox` delivers.

That an approval is asked for or decided, that an approved call fails, that a step's outcome is unknown, that a run is
given up or something halted is announced by triggers of their tables, whoever writes them. Left for code is what the
clock brings: that an approval is about to expire, or is escalated.
"""

from __future__ import annotations

from django.db import connections

from agents.services import log
from agents.services.notifications import INBOX
from governance.models import Announcement, Approval, Kind


def announce(kind: Kind, approval: Approval) -> None:
    """Announce something about an approval, once, on the connection that it was read from.

    Commits with the caller; who is told, and whether they may still see it, is decided later.
    """
    using = approval._state.db or "default"
    if not connections[using].in_atomic_block:
        raise AssertionError("an announcement commits with what it tells of")
    made = Announcement(kind=kind, tenant_id=approval.tenant_id, run_id=approval.run_id, approval_id=approval.id)
    Announcement.objects.using(using).bulk_create([made], ignore_conflicts=True)
    log.notify(INBOX, str(approval.tenant_id), using=using)
