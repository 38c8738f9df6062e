"""What one serving process holds: pool, hub, supervisor, model, hooks. Made by `wiring`, handed to the services."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from psycopg_pool import AsyncConnectionPool

from agentos.core.types import Json, JsonObject
from agents.engine.ports import HookPort, Ports
from agents.engine.spec import AgentSpec, spec_hash
from agents.services.hub import Hub
from agents.services.journal.writer import JournalWriter
from agents.services.ledger import Ledger
from agents.services.supervisor import Supervisor
from agents.services.watch import Watch


class Let(Protocol):
    """A text that guards let in, and what they noted about it."""

    @property
    def text(self) -> str: ...

    @property
    def notes(self) -> tuple[JsonObject, ...]: ...


class Hooks(HookPort, Protocol):
    """Governance, as a process needs it: the engine's hooks and the guards on human text."""

    async def check_input(self, spec: AgentSpec, text: str, *, tenant_id: UUID) -> Let:
        """Return a message of somebody of the tenant as it may be kept. Raises: InputBlocked."""
        ...

    async def check_answer(
        self, spec: AgentSpec, text: str, *, tenant_id: UUID, noted: list[JsonObject] | None = None
    ) -> str:
        """Return a later human text as it may be kept; `noted` takes what guards did. Raises: InputBlocked."""
        ...

    async def check_evidence(self, spec: AgentSpec, found: Json, *, tenant_id: UUID) -> Json:
        """Return what a tool's look-up found as it may be shown."""
        ...


@dataclass
class Runtime:
    pool: AsyncConnectionPool
    hub: Hub
    supervisor: Supervisor
    ports: Ports
    hooks: Hooks
    watch: Watch = field(default_factory=Watch)
    # Kept with its spec: another could be given the id of one that is gone.
    _pinned: dict[tuple[int, str, tuple[str, ...]], tuple[AgentSpec, JsonObject, str]] = field(default_factory=dict)

    @property
    def ledger(self) -> Ledger:
        return self.supervisor.ledger

    @property
    def writer(self) -> JournalWriter:
        return self.supervisor.writer

    def pinned(self, spec: AgentSpec, model: str, fallbacks: tuple[str, ...]) -> tuple[JsonObject, str]:
        """Return what a run keeps of its spec, and its hash; computed once per component and models."""
        key = id(spec), model, fallbacks
        if key not in self._pinned:
            pinned = spec.pinned(model, fallbacks)
            self._pinned[key] = spec, pinned, spec_hash(pinned)
        _, pinned, pinned_hash = self._pinned[key]
        return pinned, pinned_hash
