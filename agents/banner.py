"""What every page says while something is halted: what, why, who and since when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest

from accounts.principals import Principal
from accounts.privacy import access
from accounts.tenancy import tenant_scope
from accounts.trips import planned_once
from agents.models import PlatformSwitch
from agents.services import switches
from agents.services.halted import EVERYTHING, in_words


@dataclass(frozen=True, slots=True)
class Banner:
    """A switch that stands. `id` is None for the operator's own."""

    id: UUID | None
    target: str
    reason: str
    by: str
    since: datetime

    @property
    def what(self) -> str:
        return in_words(self.target)


def banners(principal: Principal) -> list[Banner]:
    """Return what halts something of the principal's tenant, the widest first."""
    with tenant_scope(principal.tenant_id, principal.user_id), planned_once():
        found = [
            Banner(None, EVERYTHING, row.reason, "the operator", row.created_at)
            for row in PlatformSwitch.objects.filter(released_at=None)
        ]
        for row in switches.unreleased(principal.tenant_id).select_related("created_by"):
            whom = row.created_by
            by = access.seen_field(principal, whom, "email", subject=whom.id) if whom else "somebody who has left"
            found.append(Banner(row.id, row.target, row.reason, str(by), row.created_at))
    return found


def halted(request: HttpRequest) -> dict[str, Any]:
    """Give templates what is halted, as a context processor; read when a page shows it."""
    principal = getattr(request, "principal", None)
    return {"halted": lambda: banners(principal) if principal is not None else []}
