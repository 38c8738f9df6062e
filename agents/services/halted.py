"""What is halted, as a process keeps it in memory: read at each tick and at each notification, asked at every edge."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from psycopg_pool import AsyncConnectionPool

from agentos.core.errors import Unavailable
from agents.models import KillSwitch, PlatformSwitch
from agents.services.sql import table

EVERYTHING: Final = "everything"
TENANT: Final = "tenant"
UNRELEASED: Final = f"""
SELECT tenant_id, target FROM {table(KillSwitch)} WHERE released_at IS NULL
UNION ALL SELECT NULL, '{EVERYTHING}' FROM {table(PlatformSwitch)} WHERE released_at IS NULL
"""


def component_target(kind: str, id: str) -> str:
    return f"component:{kind}:{id}"


def tool_target(name: str) -> str:
    return f"tool:{name}"


def in_words(target: str) -> str:
    """Say what is halted as people would."""
    kind, *name = target.split(":")
    match kind:
        case "component":
            return "the " + " ".join(name)
        case "tool":
            return f"the tool {name[0]}"
        case _:
            return "everything here" if target == TENANT else target


@dataclass(frozen=True, slots=True)
class Halted:
    """The switches that stand: of everything, and by tenant."""

    everything: bool = False
    targets: dict[UUID, frozenset[str]] = field(default_factory=dict)

    def by(self, tenant_id: UUID, *targets: str) -> str:
        """Return what halts one of these in a tenant, the widest first; nothing when nothing does."""
        if self.everything:
            return EVERYTHING
        if not self.targets or (halted := self.targets.get(tenant_id)) is None:
            return ""
        return next((target for target in (TENANT, *targets) if target in halted), "")

    def check(self, tenant_id: UUID, *targets: str) -> None:
        """Raises: Unavailable when one of these is halted."""
        if target := self.by(tenant_id, *targets):
            raise Unavailable(f"Halted: {in_words(target)}. Try again later.", code="halted", retry_after_seconds=60)


async def read(pool: AsyncConnectionPool) -> Halted:
    """Return what is halted now."""
    async with pool.connection() as connection:
        cursor = await connection.execute(UNRELEASED)
        rows = await cursor.fetchall()
    found: dict[UUID, set[str]] = {}
    for tenant_id, target in rows:
        if tenant_id is not None:
            found.setdefault(tenant_id, set()).add(target)
    everything = any(tenant_id is None for tenant_id, _ in rows)
    return Halted(everything, {tenant_id: frozenset(targets) for tenant_id, targets in found.items()})
