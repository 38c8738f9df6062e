"""Reminds of approvals that wait for long: warns before one expires, escalates it to others. Decides nothing."""

from __future__ import annotations

import logging
from typing import Final
from uuid import UUID

from django.db import DatabaseError, transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from accounts import audit
from agents.services.crash import crash_at_commit
from agents.services.ticks import due
from governance.models import Approval, ApprovalStatus, Kind
from governance.services.announce import announce

logger = logging.getLogger(__name__)

TICK_ROWS: Final = 100
SYSTEM: Final = "system"


def _due() -> QuerySet[Approval]:
    waiting = Approval.objects.using(SYSTEM).filter(status=ApprovalStatus.PENDING, expires_at__gt=Now())
    return waiting.filter(Q(warn_at__lte=Now()) | Q(escalate_at__lte=Now()))


@due(_due)
def remind_due() -> int:
    """Announce what is about to expire and escalate what has waited long enough, by the database's clock.

    Returns how many approvals that were. The supervisor's tick, in the system role; any process may run it at any time.
    Each row is a transaction of its own, rows that somebody else holds are left to them.
    """
    count = 0
    for approval_id in list(_due().order_by("expires_at").values_list("id", flat=True)[:TICK_ROWS]):
        try:
            with transaction.atomic(using=SYSTEM):
                count += _remind(approval_id)
                crash_at_commit("remind", using=SYSTEM)
        except DatabaseError as error:
            logger.warning("approval %s could not be reminded of (%s)", approval_id, type(error).__name__)
    return count


def _remind(approval_id: UUID) -> bool:
    due = _due().filter(id=approval_id).select_for_update(skip_locked=True, of=("self",))
    approval = due.annotate(now=Now()).first()
    if approval is None:
        return False
    now = approval.__dict__["now"]
    if approval.escalate_at is not None and approval.escalate_at <= now:
        _escalate(approval)
    if approval.warn_at is not None and approval.warn_at <= now:
        Approval.objects.using(SYSTEM).filter(id=approval.id).update(warn_at=None)
        announce(Kind.EXPIRING, approval)
    return True


def _escalate(approval: Approval) -> None:
    """Let the escalation's role decide as well; whoever could before still can."""
    Approval.objects.using(SYSTEM).filter(id=approval.id).update(escalate_at=None, escalated_at=Now())
    announce(Kind.ESCALATED, approval)
    detail = {"tool": approval.tool_name, "run": str(approval.run_id), "role": approval.escalation_role}
    entry = audit.Entry("approval.escalated", "approval", str(approval.id), detail)
    audit.append([entry], tenant_id=approval.tenant_id, using=SYSTEM)
