"""Reads of the audit trail, for the API and the admin."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Exists, OuterRef, Q

from accounts import audit
from accounts.models import AuditHead, AuditRow, SupportEntry
from accounts.people import FORMER
from accounts.principals import PROGRAMS, Principal
from accounts.privacy import access, shredding
from accounts.privacy.datamap import class_of
from accounts.tenancy import tenant_scope
from agentos.core.errors import Invalid
from agentos.core.ids import parse_id
from agentos.core.types import Json, clean_text

MOST_ROWS = 200


@dataclass(frozen=True, slots=True)
class Verdict:
    """What checking a tenant's trail found: its length, and the first bad `seq` if there is one."""

    rows: int
    first_bad_seq: int | None


@dataclass(frozen=True, slots=True)
class Asked:
    """Which rows somebody wants; what is empty narrows nothing. `actor` is a user's id or e-mail address."""

    action: str = ""
    object_type: str = ""
    object_id: str = ""
    actor: str = ""
    since: datetime | None = None
    until: datetime | None = None


ALL = Asked()


def audit_rows(
    principal: Principal, asked: Asked = ALL, *, cursor: str = "", limit: int = 50
) -> tuple[list[AuditRow], str | None]:
    """Return rows of the principal's tenant, newest first, and the cursor of the next page.

    Without audit:read a person gets what she did herself, a program nothing.
    Raises: PolicyDenied; Invalid for a cursor that is not ours.
    """
    if principal.via in PROGRAMS:
        principal.require("audit:read")
    limit = max(1, min(limit, MOST_ROWS))
    with tenant_scope(principal.tenant_id, principal.user_id):
        rows = AuditRow.objects.filter(tenant_id=principal.tenant_id).select_related("actor").order_by("-seq")
        if not principal.has("audit:read"):
            rows = rows.filter(actor_id=principal.user_id)
        if cursor:
            rows = rows.filter(seq__lt=_seq(cursor))
        page = list(access.as_seen(principal, rows.filter(_wanted(principal, asked))[: limit + 1]))
        open_details(principal, page)
        name_operators(principal, page)
    more = len(page) > limit
    return page[:limit], str(page[limit - 1].seq) if more else None


def _wanted(principal: Principal, asked: Asked) -> Q:
    wanted = Q()
    for name in ("action", "object_type", "object_id"):
        if text := clean_text(getattr(asked, name)):
            wanted &= Q(**{name: text})
    if asked.actor:
        known = parse_id(asked.actor)
        address = clean_text(asked.actor)
        wanted &= Q(actor_id=known) if known else Q(actor__email__iexact=address) | Q(by_operators(who__iexact=address))
        if not known and access.hides(principal, AuditRow, "actor__email"):  # whom an address finds, it names
            wanted &= Q(actor_id=principal.user_id)
    if asked.since:
        wanted &= Q(at__gte=asked.since)
    if asked.until:
        wanted &= Q(at__lt=asked.until)
    return wanted


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


def by_operators(**who: str) -> Exists:
    """Return what finds the entries of operators with such an address (a lookup of `SupportEntry.who`).

    Not by `actor_id__in`: beside a condition on the actor's row it would make the join to that an inner one.
    """
    return Exists(SupportEntry.objects.filter(user_id=OuterRef("actor_id"), **who))


def name_operators(principal: Principal, rows: Iterable[AuditRow]) -> None:
    """Name the platform's operators among the actors: a tenant sees them as no users, but is told who entered.

    Which rows are theirs says `by_operator`: a user's own fields hold what she likes.
    Caller holds the tenant's scope.
    """
    unseen = [row for row in rows if row.actor is not None and row.actor.email == FORMER]
    entries = SupportEntry.objects.filter(user_id__in={row.actor_id for row in unseen}).exclude(who="")
    known = dict(entries.order_by("created_at").values_list("user_id", "who")) if unseen else {}
    for row in unseen:
        if row.actor is not None and (who := known.get(row.actor.id)):
            row.actor.email = str(access.seen(principal, class_of(SupportEntry, "who"), who, subject=row.actor.id))
            row.by_operator = True


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
