"""Halts the runs of a person or session that is being erased: fenced and cancelled, so that no flush writes any more.

A flush locks its run and writes only under the run's fence. Whoever holds the lock first is waited for here; whoever
comes after finds another fence, or no run.
"""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from accounts.privacy.rows import USING, Person
from agents.engine import events
from agents.engine.status import RunStatus
from agents.models import Run
from agents.services import log
from agents.services.crash import crash_at_commit
from agents.services.notifications import CANCEL

FINAL = [status.value for status in RunStatus if status.is_final]


def halt(person: Person) -> dict[str, int]:
    """Fence and cancel her runs that have not ended; return how many those were. Commits run by run."""
    return {"runs cancelled": len(_halted(tenant_id=person.tenant_id, user_id=person.user_id))}


def halt_session(row_id: UUID, *, tenant_id: UUID) -> list[UUID]:
    """Fence and cancel what is under way in a session that is about to be deleted; return which runs those were.

    Commits run by run.
    """
    return _halted(tenant_id=tenant_id, session_id=row_id)


def _halted(**which: UUID) -> list[UUID]:
    live = Run.objects.using(USING).filter(**which).exclude(status__in=FINAL).select_related("session")
    halted: list[UUID] = []
    for run_id in list(live.order_by("id").values_list("id", flat=True)):
        with transaction.atomic(using=USING):
            run = live.select_for_update(no_key=True, of=("self",)).filter(id=run_id).first()
            if run is not None:
                _end(run)
                halted.append(run_id)
                crash_at_commit("fence", using=USING)
    return halted


def _end(run: Run) -> None:
    """Cancel a run that its lease's holder, if there is one, can't go on with; readers are told before it goes."""
    run.status, run.fence, run.ended_at = RunStatus.CANCELLED.value, run.fence + 1, Now()
    run.lease_owner, run.lease_until, run.cancel_requested = "", None, True
    run.save(update_fields=["status", "fence", "ended_at", "lease_owner", "lease_until", "cancel_requested"])
    if run.parent_id is None:
        log.append_event(run, events.RUN_CANCELLED, {"reason": "This is being erased."})
    log.notify(CANCEL, str(run.id), using=USING)
