"""The routes `/api/audit...`."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Query, Router

from accounts import selectors
from accounts.api.schemas import AuditFilter, AuditPage, AuditVerdict
from accounts.auth import principal_of, scope, signed_in
from accounts.seam import in_thread
from agentos.core.types import JsonObject

router = Router(tags=["accounts"])


@router.get("/audit", response=AuditPage)
@signed_in
async def list_audit(request: HttpRequest, asked: Query[AuditFilter]) -> JsonObject:
    """List the tenant's audit trail, newest first; without audit:read, what one did oneself."""
    wanted = selectors.Asked(**asked.dict(exclude={"cursor", "limit"}))
    reader, limit = principal_of(request), asked.limit
    rows, following = await in_thread(selectors.audit_rows, reader, wanted, cursor=asked.cursor, limit=limit)
    data = [_audit_row(row) for row in rows]
    return {"data": data, "meta": {"limit": limit, "next_cursor": following}}


@router.get("/audit/verify", response=AuditVerdict)
@scope("audit:read")
async def verify_audit(request: HttpRequest) -> JsonObject:
    """Check every link of the tenant's audit trail."""
    verdict = await in_thread(selectors.audit_verdict, principal_of(request))
    bad = verdict.first_bad_seq
    return {"intact": bad is None, "rows": verdict.rows, "first_bad_seq": bad}


def _audit_row(row: Any) -> JsonObject:
    columns = ("seq", "at", "actor_id", "action", "object_type", "object_id", "detail", "hash")
    actor = row.actor.email if row.actor is not None else None
    return {**{name: getattr(row, name) for name in columns}, "actor": actor}
