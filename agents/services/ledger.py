"""What tenants may use altogether, as the services need it: reserved before a run, settled after it.

Governance implements it over budgets; without it everything is allowed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol
from uuid import UUID

from psycopg import AsyncConnection

from agentos.core.ratelimits import RateLimit
from agents.engine.allowance import BOUNDLESS, Allowance
from agents.engine.run_info import RunInfo


@dataclass(frozen=True, slots=True)
class Consumer:
    """Whose use it is, and of what."""

    tenant_id: UUID
    user_id: UUID
    component_kind: str
    component_id: str
    models: tuple[str, ...]

    @classmethod
    def of(cls, run: RunInfo) -> Consumer:
        return cls(run.tenant_id, run.user_id, run.spec.kind, run.spec.id, (run.model, *run.fallbacks))


class Starting(Protocol):
    """A run that is about to be stored, as far as it is charged: `journal.begin.Begin` is one, and `jobs.NewJob`."""

    run_id: UUID
    tenant_id: UUID
    charges: tuple[Any, ...]
    allowance: Allowance
    limits: tuple[RateLimit, ...]
    refusal: Exception | None


class Ledger(Protocol):
    """The budgets of all tenants. A charge is what one run takes of one budget; only the ledger looks into it."""

    async def charges(self, consumer: Consumer) -> tuple[Any, ...]:
        """Return what a run has to reserve; nothing where no budget applies. Raises: LimitExceeded."""
        ...

    def check(self, charges: tuple[Any, ...]) -> None:
        """Look whether there is room for a run that is charged this, in a thread; it reserves when it begins to work.

        Raises: LimitExceeded.
        """
        ...

    async def lock(self, connection: AsyncConnection[Any], begins: Sequence[Starting]) -> Any:
        """Ask for the locks of what these runs may be charged, in the caller's transaction; wait for no answer."""
        ...

    async def reserve(self, connection: AsyncConnection[Any], begins: Sequence[Starting], locked: Any) -> None:
        """Reserve what these runs are charged; note allowance or refusal on each.

        `locked` is what `lock` of these, and perhaps more, has returned in the same transaction.
        """
        ...

    async def give_back(self, connection: AsyncConnection[Any], run_ids: Sequence[UUID]) -> None:
        """Undo `reserve` for runs that were not stored after all, in its transaction."""
        ...

    async def allow(self, run: RunInfo, tokens: int, cost_usd: Decimal) -> Allowance:
        """Reserve more for a run that has used this much. Raises: LimitExceeded with the code `budget_exceeded`."""
        ...

    def ended(self, run: RunInfo) -> None:
        """Settle a run that is stored as ended, soon; what nobody gets to settle, the tick does."""
        ...

    async def close(self) -> None:
        """Settle what waits."""
        ...


class NoLedger:
    """Counts nothing and allows everything."""

    async def charges(self, consumer: Consumer) -> tuple[Any, ...]:
        return ()

    def check(self, charges: tuple[Any, ...]) -> None:
        """Have room for everything."""

    async def lock(self, connection: AsyncConnection[Any], begins: Sequence[Starting]) -> Any:
        """Lock nothing."""

    async def reserve(self, connection: AsyncConnection[Any], begins: Sequence[Starting], locked: Any) -> None:
        """Reserve nothing."""

    async def give_back(self, connection: AsyncConnection[Any], run_ids: Sequence[UUID]) -> None:
        """Have reserved nothing."""

    async def allow(self, run: RunInfo, tokens: int, cost_usd: Decimal) -> Allowance:
        return BOUNDLESS

    def ended(self, run: RunInfo) -> None:
        """Settle nothing."""

    async def close(self) -> None:
        """Have nothing to settle."""
