"""Takes back consent that was handed on or given in advance: delegations and standing rules, in one way."""

from __future__ import annotations

from typing import TypeVar
from uuid import UUID

from django.db.models import QuerySet
from django.db.models.functions import Now

from accounts.principals import Principal
from agentos.core.errors import Conflict, NotFound
from governance.models import Delegation, StandingRule

MANAGE = "approvals:write"
Consent = TypeVar("Consent", Delegation, StandingRule)


def revoke(principal: Principal, rows: QuerySet[Consent], consent_id: UUID, *, by: tuple[str, ...]) -> Consent:
    """Revoke one of the rows that she sees: whoever one of the columns `by` names may, and who manages approvals.

    Caller holds the scope and audits it. Raises: NotFound, PolicyDenied, Conflict when that was done before.
    """
    found = rows.filter(id=consent_id).first()
    if found is None:
        raise NotFound(f"There is no such {rows.model._meta.verbose_name}.")
    if not may_revoke(principal, found, by=by):
        principal.require(MANAGE)
    live = rows.model._default_manager.filter(id=found.pk, revoked_at=None)
    if not live.update(revoked_at=Now()):
        raise Conflict("This is revoked already.", code="revoked_already")
    found.refresh_from_db(fields=["revoked_at"])
    return found


def may_revoke(principal: Principal, consent: Delegation | StandingRule, *, by: tuple[str, ...]) -> bool:
    """Tell whether she may take it back."""
    return principal.has(MANAGE) or principal.user_id in [getattr(consent, column) for column in by]
