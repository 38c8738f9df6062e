"""Which tools a model is told of: judged by every layer, and kept while nothing that they judge by has changed.

Every model call asks, and twenty layers' answers cost more than storing its end. What is kept is a second old at most,
and never older than the user's rights and her tenant's policy, which are known again by being the same objects.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Final

from accounts.principals import Principal
from agentos.core.clock import monotonic
from agentos.core.errors import PolicyDenied
from agents.engine.run_info import RunInfo
from agents.engine.tools import Tool
from governance import access
from governance.access import Question
from governance.policy import in_force
from governance.policy.in_force import InForce

KEPT_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class _Kept:
    """An answer and what it was judged by; as it holds them, no other object has their identity."""

    principal: Principal
    tools: Sequence[Tool]
    policy: InForce
    until: float
    offered: tuple[Tool, ...]


class Offering:
    """The answers of a process."""

    def __init__(self) -> None:
        self._kept: dict[tuple[int, int, str, str], _Kept] = {}

    async def of(self, run: RunInfo) -> Sequence[Tool]:
        """Return the tools that the run's user may call now. Raises: PolicyDenied when she may not run it any more."""
        question = await access.of_run(run)
        if (principal := question.principal) is None:
            return await _judged(run, question)
        policy, spec = await in_force.of(principal.tenant_id), run.spec
        key = id(principal), id(spec.tools), spec.kind, spec.id
        found = self._kept.get(key)
        if found is None or found.policy is not policy or monotonic() >= found.until:
            offered = await _judged(run, question)
            found = _Kept(principal, spec.tools, policy, monotonic() + KEPT_SECONDS, offered)
            self._kept.pop(key, None)  # so that the oldest stands first
            self._kept[key] = found
            self._drop_old()
        return found.offered

    def _drop_old(self) -> None:
        """Drop what is too old: it would keep principals and policies that nobody else knows any more."""
        now = monotonic()
        for key in tuple(takewhile(lambda one: self._kept[one].until <= now, self._kept)):
            del self._kept[key]


async def _judged(run: RunInfo, question: Question) -> tuple[Tool, ...]:
    if (await access.judge(question)).refused:
        raise PolicyDenied("The user may not run this any more.", code="rights_lost")
    judged = [(tool, await access.judge(replace(question, tool=tool))) for tool in run.spec.tools]
    return tuple(tool for tool, judgement in judged if not judgement.refused)
