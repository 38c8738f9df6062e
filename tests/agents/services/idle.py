"""A process that takes runs and works on none."""

from __future__ import annotations

from uuid import UUID

from agents.models import Step
from agents.services.ahead import Ahead
from agents.services.queue import Claimed


class Idle:
    """Has room for every run, and keeps what it takes: to the database it holds their leases, and then it is dead."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.taken: list[Claimed] = []

    def has_room(self, tenant_id: UUID) -> bool:
        return True

    def read_ahead(self, run: Claimed, answered: Step) -> Ahead:
        return Ahead()

    def take_soon(self, run: Claimed, ahead: Ahead | None = None) -> None:
        self.taken.append(run)
