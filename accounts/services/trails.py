"""Exports of a tenant's trail: JSON lines that prove themselves without the database (`accounts.audit_offline`)."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from django.db import transaction

from accounts import audit, audit_checkpoints
from accounts.audit_chain import COVERED, signed
from accounts.audit_offline import FORM, LINK_COLUMNS
from accounts.models import AuditHead, Tenant
from accounts.trips import may_stand_still
from agentos.core.clock import utc_now
from agentos.core.types import JsonObject


def export(tenant: Tenant, *, actor_id: UUID | None = None) -> Iterator[JsonObject]:
    """Enter the export in the trail, then yield its lines: a signed head, the checkpoints, the entries, a signed end.

    Entered and committed first: what can't be entered is not exported. Personal texts stay sealed.
    The checkpoints are those of before, so that none knows of entries after the export's own. Raises: CheckpointError.
    """
    known = [line for line in audit_checkpoints.lines(audit.keys()) if line["tenant"] == str(tenant.id)]
    with transaction.atomic(using="system"):
        entry = audit.Entry("audit.exported", "tenant", str(tenant.id), {"form": "trail"}, actor_id)
        audit.append([entry], tenant_id=tenant.id, using="system")
        head = AuditHead.objects.using("system").get(tenant_id=tenant.id)
    return _lines(tenant, head, known)


def _lines(tenant: Tenant, head: AuditHead, known: list[JsonObject]) -> Iterator[JsonObject]:
    keys, now = audit.keys(), utc_now().isoformat(timespec="microseconds")  # as wide as a checkpoint's: texts sort
    about = {"form": FORM, "tenant": str(tenant.id), "slug": tenant.slug, "exported_at": now}
    yield signed(keys.newest, {"kind": "trail", **about, "entries": head.seq})
    for line in known:
        yield {"kind": "checkpoint", **line}
    with transaction.atomic(using="system"):
        may_stand_still(using="system")  # who reads the lines may be slow
        for facts, key_id, link in audit.stored(tenant.id, up_to=head.seq):
            names = (*COVERED, *LINK_COLUMNS)
            yield {"kind": "entry", **dict(zip(names, (*facts.values(), key_id, link), strict=True))}
    yield signed(keys.newest, {"kind": "end", **about, "seq": head.seq, "hash": head.hash})
