"""Checkpoints of the trails: written when they are due, after the rows since the last one were checked."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction

from accounts import audit, audit_checkpoints
from accounts.audit_chain import Follower
from accounts.audit_checkpoints import Known
from accounts.models import AuditHead
from agentos.core.clock import utc_now
from agentos.core.types import JsonObject

EVERY: Final = timedelta(days=1)
logger = logging.getLogger(__name__)


def write_due() -> dict[str, int]:
    """Write a checkpoint of each trail that has none, has grown by AUDIT_CHECKPOINT_ROWS, or since yesterday.

    A broken trail gets none, and is told to the log. Raises: CheckpointError, OSError.
    """
    known = audit_checkpoints.read(audit.keys())
    written = broken = 0
    for head in AuditHead.objects.using("system").order_by("tenant_id"):
        seen = known.get(head.tenant_id, Known())
        if not _is_due(head.seq, seen):
            continue
        bad, statement = _checked(head.tenant_id, seen)
        if bad is not None:
            broken += 1
            logger.error("the audit trail of tenant %s is broken at entry %d", head.tenant_id, bad)
            continue
        audit_checkpoints.add([statement])
        written += 1
    return {"written": written, "broken": broken}


def accept_restored() -> int:
    """Let no checkpoint bind that is newer than a restored trail's end, and enter that in the trail. Return how many.

    For the operator who has restored an older backup: the statement is signed and stays in the file.
    """
    key, taken_back = audit.keys().newest, 0
    for tenant_id, seen in audit_checkpoints.read(audit.keys()).items():
        with transaction.atomic(using="system"):
            head = AuditHead.objects.using("system").filter(tenant_id=tenant_id).first()
            if head is None or head.seq >= seen.entries:
                continue
            detail = {"entries": head.seq, "before": seen.entries}
            entry = audit.Entry("audit.restored", "tenant", str(tenant_id), detail)
            audit.append([entry], tenant_id=tenant_id, using="system")
            audit_checkpoints.add([audit_checkpoints.taken_back(key, tenant_id, head.seq, at=utc_now())])
        taken_back += 1
    return taken_back


def _is_due(seq: int, seen: Known) -> bool:
    if seq == seen.seq or not seq:
        return False
    if seen.at is None or not seen.links:
        return True
    return abs(seq - seen.seq) >= settings.AUDIT_CHECKPOINT_ROWS or utc_now() - seen.at >= EVERY


def _checked(tenant_id: UUID, seen: Known) -> tuple[int | None, JsonObject]:
    """Return the first bad entry since the newest checkpoint, or the statement of the next one."""
    keys = audit.keys()
    with transaction.atomic(using="system"):
        head = AuditHead.objects.using("system").get(tenant_id=tenant_id)
        if head.seq < seen.entries:
            return head.seq + 1, {}
        follower = Follower(keys, str(tenant_id), seq=seen.seq, last=seen.last)
        bad = audit.follow(follower, seen, up_to=head.seq)
        if bad is None and not follower.ends_at(head.seq, head.hash, head.seal):
            bad = follower.seq + 1
    return bad, audit_checkpoints.made(keys.newest, tenant_id, head.seq, head.hash, at=utc_now())
