"""Ends conversations for good: one's own when one says so, a temporary one when its time is over."""

from __future__ import annotations

import logging
from typing import Final
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from accounts import audit
from accounts.principals import Principal
from accounts.privacy import holds, retention
from accounts.privacy.datamap import table_of
from accounts.privacy.rows import USING
from accounts.tenancy import tenant_scope
from agentos.core.errors import Conflict, NotFound
from agents.models import Session
from agents.services import halting, log
from agents.services.notifications import EVENTS

logger = logging.getLogger(__name__)

BATCH: Final = 200


def check_temporary(principal: Principal, session_id: str) -> None:
    """Raises: Conflict when there is such a session already and it is not temporary."""
    with tenant_scope(principal.tenant_id, principal.user_id):
        lasting = Session.objects.filter(user_id=principal.user_id, session_id=session_id, expires_at=None)
        if lasting.exists():
            raise Conflict("This session is there already, and it is not temporary.", code="session_not_temporary")


def delete(*, principal: Principal, session_id: str) -> None:
    """Delete one's own session with all that was said in it; what is under way in it is cancelled. Audited.

    Raises: PolicyDenied, NotFound, Conflict on legal hold.
    """
    principal.require("sessions:delete")
    with tenant_scope(principal.tenant_id, principal.user_id):
        found = Session.objects.filter(user_id=principal.user_id, session_id=session_id).first()
    if found is None:
        raise NotFound("There is no such session.")
    holds.check(principal.tenant_id, principal.user_id)
    _delete(found.id, principal.tenant_id, by=principal.user_id)


def expire_temporary() -> dict[str, int]:
    """Delete the temporary sessions whose time is over, but for those on hold; return how many. A maintenance job."""
    over = Session.objects.using(USING).filter(expires_at__lt=Now()).order_by("expires_at")
    done = 0
    for row_id, tenant_id, user_id in list(over.values_list("id", "tenant_id", "user_id")[:BATCH]):
        if not holds.is_held(tenant_id, user_id):
            _delete(row_id, tenant_id)
            done += 1
    return {"temporary_sessions": done}


def _delete(row_id: UUID, tenant_id: UUID, *, by: UUID | None = None) -> None:
    """Halt what is under way in a session and delete it; audited. Raises: Conflict when something came in between."""
    halted = halting.halt_session(row_id, tenant_id=tenant_id)
    try:
        with transaction.atomic(using=USING):
            if Session.objects.using(USING).select_for_update().filter(id=row_id).exists():
                for _ in retention.delete_tree(table_of(Session), [row_id], tenant_id=tenant_id):
                    pass
            for run_id in halted:
                log.notify(EVENTS, f"- {run_id}", using=USING)  # their readers find nothing more, and end
            entry = audit.Entry("session.deleted", "session", str(row_id), {"expired": by is None}, by)
            audit.append([entry], tenant_id=tenant_id, using=USING)
    except IntegrityError:
        raise Conflict("Something was said in this session just now: try again.", code="session_in_use") from None
