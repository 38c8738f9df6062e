"""Which run it is, as everything that the loop reaches is told."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from agents.engine.spec import JOB, AgentSpec


@dataclass(frozen=True, slots=True)
class RunInfo:
    """What stays the same for one run.

    It acts for its user: with what she may do *now*, within the scopes in `limits` if a program started it in her name
    (None: all of hers), and as long as that program's service account (`account_id`) stands.
    """

    run_id: UUID
    tenant_id: UUID
    user_id: UUID
    session_id: str
    spec: AgentSpec
    model: str
    input: str
    fallbacks: tuple[str, ...] = ()
    limits: tuple[str, ...] | None = None
    account_id: UUID | None = None

    @property
    def is_job(self) -> bool:
        """Whether it is background work, which nobody waits for."""
        return self.spec.kind == JOB
