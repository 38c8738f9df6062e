"""How many runs, or open streams, a process holds: for all, and for each tenant, so that none can fill it alone."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from agentos.core.errors import RateLimited, Unavailable
from agentos.core.ratelimits import RateLimit

RETRY_SECONDS = 2
MOST_TURNS = 200


class Places:
    """The places of one kind. What is taken has to be left again."""

    def __init__(self, kind: str, *, most: int, most_per_tenant: int) -> None:
        self.kind, self.most, self.most_per_tenant = kind, most, most_per_tenant
        self._by_tenant: Counter[UUID] = Counter()
        self._turns: OrderedDict[UUID, None] = OrderedDict()
        self.taken = 0

    @property
    def turns(self) -> tuple[UUID, ...]:
        """Return the tenants that took a place last, the latest at the end."""
        return tuple(self._turns)

    def of(self, tenant_id: UUID) -> int:
        return self._by_tenant[tenant_id]

    def limit(self, tenant_id: UUID) -> RateLimit:
        """Say what a tenant may have under way, and how much of it is left."""
        return RateLimit(self.kind, self.most_per_tenant, self.most_per_tenant - self._by_tenant[tenant_id])

    def has_room(self, tenant_id: UUID) -> bool:
        return self.taken < self.most and self._by_tenant[tenant_id] < self.most_per_tenant

    def check(self, tenant_id: UUID) -> None:
        """Raises: RateLimited when the tenant has all that it may, Unavailable when the process has."""
        if self._by_tenant[tenant_id] >= self.most_per_tenant:
            raise RateLimited(
                f"Your tenant has all the {self.kind} under way that it may have here.",
                retry_after_seconds=RETRY_SECONDS,
                code="tenant_full",
                limits=(self.limit(tenant_id),),
            )
        if self.taken >= self.most:
            raise Unavailable(
                f"This process has all the {self.kind} it can hold.",
                retry_after_seconds=RETRY_SECONDS,
                code="process_full",
            )

    def take(self, tenant_id: UUID) -> None:
        """Count one more, allowed or not: `check` says whether it is."""
        self._by_tenant[tenant_id] += 1
        self.taken += 1
        self._turns[tenant_id] = None
        self._turns.move_to_end(tenant_id)
        if len(self._turns) > MOST_TURNS:
            self._turns.popitem(last=False)

    def leave(self, tenant_id: UUID) -> None:
        self._by_tenant[tenant_id] -= 1
        self.taken -= 1
        if not self._by_tenant[tenant_id]:
            del self._by_tenant[tenant_id]

    @contextmanager
    def one(self, tenant_id: UUID) -> Iterator[None]:
        """Hold a place while the context lasts. Raises: RateLimited, Unavailable."""
        self.check(tenant_id)
        self.take(tenant_id)
        try:
            yield
        finally:
            self.leave(tenant_id)
