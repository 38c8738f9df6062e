"""Legal holds: what is on hold is neither erased nor let expire, and whoever tries is told so."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from accounts import audit
from accounts.principals import PROGRAMS, Principal
from accounts.privacy import access, persons, rows
from accounts.privacy.models import LegalHold
from accounts.privacy.rows import Person
from accounts.tenancy import tenant_scope
from agentos.core.clock import utc_now
from agentos.core.errors import Conflict, Invalid, NotFound, PolicyDenied
from agentos.core.types import clean_text

SCOPE = "privacy:hold"
MAX_REASON_CHARS = 500
MOST = 500
LONGEST = timedelta(days=36_500)


def in_force(tenant_id: UUID, *, using: str = "system") -> QuerySet[LegalHold]:
    """Return the holds of a tenant that are neither lifted nor over."""
    return _counting(using).filter(tenant_id=tenant_id)


def is_held_elsewhere(person: Person) -> bool:
    """Tell whether another tenant holds what it has of her, as a member or not: it may have to say who she was."""
    others = _counting("system").exclude(tenant_id=person.tenant_id)
    whole = others.filter(user_id__isnull=True).values_list("tenant_id", flat=True).distinct()
    return others.filter(user_id=person.user_id).exists() or any(
        rows.counts(Person(tenant_id, person.user_id)) for tenant_id in whole
    )


def _counting(using: str) -> QuerySet[LegalHold]:
    found = LegalHold.objects.using(using).filter(lifted_at=None)
    return found.filter(Q(until=None) | Q(until__gt=Now()))


def is_held(tenant_id: UUID, user_id: UUID) -> bool:
    """Tell whether this person, or the whole tenant, is on hold."""
    return in_force(tenant_id).filter(Q(user_id=user_id) | Q(user_id=None)).exists()


def newest(principal: Principal) -> list[LegalHold]:
    """Return the tenant's holds, the newest first. Raises: PolicyDenied."""
    principal.require(SCOPE)
    with tenant_scope(principal.tenant_id, principal.user_id):
        found = LegalHold.objects.filter(tenant_id=principal.tenant_id).order_by("-placed_at", "-id")
        return list(access.as_seen(principal, found)[:MOST])


def check(tenant_id: UUID, user_id: UUID) -> None:
    """Raises: Conflict when this person, or the whole tenant, is on hold."""
    if is_held(tenant_id, user_id):
        raise Conflict("A legal hold forbids to erase this: it has to be lifted first.", code="legal_hold")


def held_users(tenant_id: UUID) -> set[UUID] | None:
    """Return whose rows must stay; None when the whole tenant's must."""
    users = set(in_force(tenant_id).values_list("user_id", flat=True))
    return None if None in users else {user_id for user_id in users if user_id is not None}


def place(principal: Principal, *, user_id: UUID | None, reason: str, until: datetime | None = None) -> LegalHold:
    """Put a person of the tenant, or with None the whole tenant, on hold; audited.

    Raises: PolicyDenied, Invalid, NotFound when the tenant does not know her.
    """
    _check_person(principal)
    reason = clean_text(reason).strip()
    if not reason or len(reason) > MAX_REASON_CHARS:
        raise Invalid(f"Give a reason of at most {MAX_REASON_CHARS} characters.", code="reason_missing")
    if until is not None:
        _check_until(until)
    if user_id is not None and not persons.is_known(Person(principal.tenant_id, user_id)):
        raise NotFound("There is no such person here.")
    with tenant_scope(principal.tenant_id, principal.user_id):
        hold = LegalHold(tenant_id=principal.tenant_id, user_id=user_id, reason=reason, until=until)
        hold.placed_by_id = principal.user_id
        hold.save(force_insert=True)
        _record(principal, hold, "legal_hold.placed", {"reason": reason})
    return hold


def lift(principal: Principal, *, hold_id: UUID) -> None:
    """End a hold; audited. Repeatable. Raises: PolicyDenied, NotFound."""
    _check_person(principal)
    with tenant_scope(principal.tenant_id, principal.user_id):
        holds = LegalHold.objects.filter(tenant_id=principal.tenant_id, id=hold_id)
        hold = holds.select_for_update(no_key=True).first()
        if hold is None:
            raise NotFound("There is no such hold.")
        if hold.lifted_at is None:
            holds.update(lifted_at=utc_now(), lifted_by_id=principal.user_id)
            _record(principal, hold, "legal_hold.lifted", {})


def _check_until(until: datetime) -> None:
    """Raises: Invalid for a time without a zone, in the past, or so far that it could not be read back."""
    if until.tzinfo is None:
        raise Invalid("`until` needs a time zone.", code="bad_until")
    if until <= utc_now():
        raise Invalid("`until` has passed already.", code="until_passed")
    if until > utc_now() + LONGEST:
        raise Invalid("`until` is a century away: leave it out, and lift the hold one day.", code="bad_until")


def _check_person(principal: Principal) -> None:
    if principal.via in PROGRAMS:
        raise PolicyDenied("A legal hold takes a person: sign in.", code="person_required")
    principal.require(SCOPE)


def _record(principal: Principal, hold: LegalHold, action: str, personal: dict[str, str]) -> None:
    about = str(hold.user_id) if hold.user_id else "tenant"
    subjects = [hold.user_id] if hold.user_id else [principal.user_id]
    entry = audit.Entry(action, "legal_hold", str(hold.id), {"of": about}, principal.user_id, personal, subjects)
    audit.append([entry], tenant_id=principal.tenant_id)
