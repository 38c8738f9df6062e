"""Halts the runs of a person who is being erased: fenced and cancelled, so that no flush can write for them any more.

A flush locks its run and writes only under the run's fence. Whoever holds the lock first is waited for here; whoever
comes after finds another fence, or no run.
"""

from __future__ import annotations

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from accounts.privacy.rows import USING, Person
from agents.engine.status import RunStatus
from agents.models import Run
from agents.services import log
from agents.services.notifications import CANCEL

FINAL = [status.value for status in RunStatus if status.is_final]


def halt(person: Person) -> dict[str, int]:
    """Fence all her runs and cancel those that have not ended; return how many those were. Commits run by run."""
    runs = Run.objects.using(USING).filter(tenant_id=person.tenant_id, user_id=person.user_id)
    halted = 0
    for run_id in list(runs.exclude(status__in=FINAL).order_by("id").values_list("id", flat=True)):
        with transaction.atomic(using=USING):
            run = runs.select_for_update(no_key=True).exclude(status__in=FINAL).filter(id=run_id).first()
            if run is not None:
                _end(run)
                halted += 1
    runs.update(fence=F("fence") + 1)  # what ended may still have somebody who believes to hold it
    return {"runs cancelled": halted}


def _end(run: Run) -> None:
    Run.objects.using(USING).filter(id=run.id).update(
        status=RunStatus.CANCELLED.value,
        fence=F("fence") + 1,
        lease_owner="",
        lease_until=None,
        cancel_requested=True,
        ended_at=Now(),
    )
    log.notify(CANCEL, str(run.id), using=USING)
