"""Reads of the audit trail, for the API and the admin."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from accounts import audit
from accounts.models import AuditHead, AuditRow
from accounts.principals import Principal
from accounts.privacy import access, shredding
from accounts.privacy.datamap import class_of
from accounts.tenancy import tenant_scope
from agentos.core.errors import Invalid
from agentos.core.types import Json, clean_text

MOST_ROWS = 200


@dataclass(frozen=True, slots=True)
class Verdict:
    """What checking a tenant's trail found: its length, and the first bad `seq` if there is one."""

    rows: int
    first_bad_seq: int | None


def audit_rows(
    principal: Principal, *, cursor: str = "", limit: int = 50, action: str = "", object_id: str = ""
) -> tuple[list[AuditRow], str | None]:
    """Return rows of the principal's tenant, newest first, and the cursor of the next page.

    Raises: PolicyDenied without the scope audit:read; Invalid for a cursor that is not ours.
    """
    principal.require("audit:read")
    limit = max(1, min(limit, MOST_ROWS))
    with tenant_scope(principal.tenant_id, principal.user_id):
        rows = AuditRow.objects.filter(tenant_id=principal.tenant_id).select_related("actor").order_by("-seq")
        if cursor:
            rows = rows.filter(seq__lt=_seq(cursor))
        if action:
            rows = rows.filter(action=clean_text(action))
        if object_id:
            rows = rows.filter(object_id=clean_text(object_id))
        page = list(access.as_seen(principal, rows[: limit + 1]))
        open_details(principal, page)
    more = len(page) > limit
    return page[:limit], str(page[limit - 1].seq) if more else None


def open_details(principal: Principal, rows: Iterable[AuditRow]) -> None:
    """Put what was sealed in the rows' details in the clear, as far as the reader may see it; never save them then.

    Caller holds the tenant's scope.
    """

    def show(text: str, subjects: list[UUID]) -> Json:
        subject = principal.user_id if principal.user_id in subjects else None
        return access.seen(principal, class_of(AuditRow, "detail"), text, subject=subject)

    found = list(rows)
    details = shredding.opened([row.detail for row in found], tenant_id=principal.tenant_id, show=show)
    for row, detail in zip(found, details, strict=True):
        row.detail = detail


def audit_verdict(principal: Principal) -> Verdict:
    """Check the whole trail of the principal's tenant. Raises: PolicyDenied without the scope audit:read."""
    principal.require("audit:read")
    bad = audit.verify(principal.tenant_id)
    with tenant_scope(principal.tenant_id, principal.user_id):
        head = AuditHead.objects.filter(tenant_id=principal.tenant_id).first()
    return Verdict(rows=head.seq if head else 0, first_bad_seq=bad)


def _seq(cursor: str) -> int:
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):
        raise Invalid("The cursor is not one of ours.", code="bad_cursor")
    return int(cursor)
