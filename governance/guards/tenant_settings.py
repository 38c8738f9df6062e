"""How a tenant's guards are set: read through the system role, at most three seconds old."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from accounts.kept import Kept
from governance.guards.places import Mode, Place, Setting
from governance.models import GuardSetting

KEPT_SECONDS: Final = 3.0  # a change is in force within five
cache: Kept[tuple[Setting, ...]] = Kept(seconds=KEPT_SECONDS, most=10_000)


async def current(tenant_id: UUID) -> tuple[Setting, ...]:
    """Return what a tenant has set. What the database does not say stops the text: it fails closed."""
    return await cache.get(tenant_id, lambda: load(tenant_id))


def load(tenant_id: UUID) -> tuple[Setting, ...]:
    return tuple(map(setting, GuardSetting.objects.using("system").filter(tenant_id=tenant_id)))


def setting(row: GuardSetting) -> Setting:
    return Setting(row.component, row.guard, Place(row.place), Mode(row.mode))
