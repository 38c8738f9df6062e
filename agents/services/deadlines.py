"""Ends runs whose deadline has passed while they waited for a human: nobody holds them, so nobody would notice."""

from __future__ import annotations

from django.db.models import QuerySet
from django.db.models.functions import Now

from agents.engine.status import RunStatus
from agents.models import Run
from agents.services import log
from agents.services.crash import CrashPoint, crash_here
from agents.services.notifications import CLAIMABLE
from agents.services.ticks import due


def _overdue() -> QuerySet[Run]:
    waiting = Run.objects.using("system").filter(status=RunStatus.PAUSED, parent__isnull=True)
    return waiting.filter(deadline_at__lte=Now())


@due(_overdue)
def hand_over_overdue() -> int:
    """Make overdue paused runs claimable; return how many. Whoever claims one finds it overdue and ends it.

    The supervisor's tick: any process may run it at any time. One that works on a run ends it at the deadline itself.
    """
    count = _overdue().update(status=RunStatus.PENDING)
    if count:
        crash_here(CrashPoint.OVERDUE_AFTER_COMMIT)
        log.notify(CLAIMABLE, "")
    return count
