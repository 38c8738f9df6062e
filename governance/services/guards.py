"""Changes how a tenant's guards are set: tighter with `guards:write`, looser with `guards:loosen` too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from uuid import UUID

from django.db import transaction

from accounts import audit
from accounts.principals import Principal
from accounts.tenancy import tenant_scope
from agentos.core.errors import Invalid, NotFound
from agentos.core.types import JsonObject, clean_text
from agents.registry import registry
from governance.guards.places import MODERATION, MODES, POSSIBLE, Mode, Place, name_of, weakened
from governance.guards.tenant_settings import cache, setting
from governance.models import GuardSetting

WRITE: Final = "guards:write"
LOOSEN: Final = "guards:loosen"
MAX_REASON_CHARS: Final = 500
PLACES: Final = frozenset(place.value for place in Place)


def put(
    principal: Principal,
    *,
    component: str,
    guard: str,
    place: str,
    mode: str,
    reason: str,
    instead_of: UUID | None = None,
) -> GuardSetting:
    """Set one guard at one place, for a component (`kind:id`) or, empty, for all. Audited; commits.

    `instead_of` is the row that is changed. It is in force within five seconds.
    Raises: PolicyDenied, Invalid, NotFound.
    """
    reason = _checked(component, guard, place, mode, reason)

    def change() -> GuardSetting:
        if instead_of is not None:
            GuardSetting.objects.filter(tenant_id=principal.tenant_id, id=instead_of).exclude(
                component=component, guard=guard, place=place
            ).delete()
        row, _ = GuardSetting.objects.update_or_create(
            tenant_id=principal.tenant_id,
            component=component,
            guard=guard,
            place=place,
            defaults={"mode": mode, "reason": reason, "changed_by_id": principal.user_id},
        )
        return row

    return _changed(principal, change, reason)


def drop(principal: Principal, *, setting_id: UUID) -> None:
    """Take a setting back: what components declare counts again. Audited; commits. Raises: PolicyDenied, NotFound."""

    def change() -> GuardSetting:
        row = GuardSetting.objects.filter(tenant_id=principal.tenant_id, id=setting_id).first()
        if row is None:
            raise NotFound("There is no such setting.")
        row.delete()
        row.id = setting_id
        return row

    _changed(principal, change, "It was taken back.")


def _changed(principal: Principal, change: Callable[[], GuardSetting], reason: str) -> GuardSetting:
    """Make a change under the tenant's lock, unless it loosens what may not be loosened or not by her."""
    principal.require(WRITE)
    with tenant_scope(principal.tenant_id, principal.user_id), transaction.atomic():
        rows = GuardSetting.objects.filter(tenant_id=principal.tenant_id).select_for_update()
        before = [setting(row) for row in rows]
        row = change()
        after = [setting(one) for one in GuardSetting.objects.filter(tenant_id=principal.tenant_id)]
        weaker = {
            f"{name_of(spec)} {place.value} {guard}"
            for spec in registry.all()
            for place, guard in weakened(spec, before, after)
        }
        if weaker:
            principal.require(LOOSEN)
        _check_fixed(row)
        detail: JsonObject = {
            "component": row.component or "all",
            "guard": row.guard,
            "place": row.place,
            "mode": row.mode,
            "reason": reason,
        }
        detail |= {"weaker": sorted(weaker)} if weaker else {}
        action = "guard.loosened" if weaker else "guard.set"
        entry = audit.Entry(action, "guard", str(row.id), detail, principal.user_id)
        audit.append([entry], tenant_id=principal.tenant_id)
        transaction.on_commit(cache.forget)
    return row


def _checked(component: str, guard: str, place: str, mode: str, reason: str) -> str:
    """Return the reason, cleaned. Raises: Invalid."""
    if place not in PLACES or mode not in MODES or guard not in POSSIBLE[Place(place)]:
        raise Invalid("There is no such guard at this place.", code="guard_unknown")
    if guard == MODERATION and mode == Mode.REDACT:
        raise Invalid("Moderation judges a text as a whole: it can't redact.", code="guard_mode")
    if component and component not in {name_of(spec) for spec in registry.all()}:
        raise Invalid("There is no such component.", code="component_unknown")
    reason = clean_text(reason).strip()
    if not 0 < len(reason) <= MAX_REASON_CHARS:
        raise Invalid(f"Say why, in at most {MAX_REASON_CHARS} characters.", code="reason_missing")
    return reason


def _check_fixed(row: GuardSetting) -> None:
    """Raises: Invalid where the one component that it is about fixes this guard. For all, the others take it."""
    for spec in registry.all():
        if row.component == name_of(spec) and row.guard in spec.fixed_guards:
            raise Invalid(f"{spec.label} fixes this guard: it can't be set.", code="guard_fixed")
