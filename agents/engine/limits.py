"""What ends a run by force, and the checks that are made before a cost is incurred."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from typing import Final

from agentos.core.errors import LimitExceeded
from agentos.core.types import JsonObject

WEEK_SECONDS: Final = 7 * 24 * 3_600


@dataclass(frozen=True, slots=True)
class Limits:
    """Each ends a run with its own code: `limit_turns`, `limit_tool_calls`, `limit_tokens`, `limit_cost`, ...

    `wall_seconds` counts the time that is worked, `deadline_seconds` all time since the start, waiting for humans too.
    `model_seconds` is for one attempt at one model call. `depth` counts the generations below the root.
    """

    turns: int = 20
    tool_calls: int = 50
    total_tokens: int = 200_000
    cost_usd: Decimal = Decimal(5)
    wall_seconds: int = 3_600
    deadline_seconds: int = WEEK_SECONDS
    model_seconds: float = 120.0
    same_call_repeats: int = 3
    depth: int = 3
    children: int = 20

    def pinned(self) -> JsonObject:
        """Return them as a run keeps them."""
        return {**asdict(self), "cost_usd": str(self.cost_usd)}

    def as_pinned(self, kept: JsonObject) -> Limits:
        """Return those that a run has kept; a limit that was none when it was stored holds as it is here."""
        known = {name: kept[name] for name in asdict(self) if name in kept}
        return replace(self, **{**known, "cost_usd": Decimal(known.get("cost_usd", self.cost_usd))})


DEFAULT_LIMITS: Final = Limits()


def check_child(limits: Limits, *, depth: int, children: int) -> None:
    """Let a run start one more child, before anything of it is stored.

    `depth` is the new child's generation (1: of the root), `children` how many its parent has started already.
    Raises: LimitExceeded with the code `limit_depth` or `limit_children`.
    """
    if depth > limits.depth:
        raise LimitExceeded(f"Runs may be nested {limits.depth} deep.", code="limit_depth")
    if children >= limits.children:
        raise LimitExceeded(f"A run may start {limits.children} others.", code="limit_children")
