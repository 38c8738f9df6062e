"""What budgets leave a run: it goes on without asking until that is used up."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final


@dataclass(frozen=True, slots=True)
class Allowance:
    """How much a run may use before it has to ask for more; None is without bound."""

    tokens: int | None = None
    cost_usd: Decimal | None = None

    def covers(self, tokens: int, cost_usd: Decimal) -> bool:
        """Tell whether something is left for a run that has used this much."""
        return (self.tokens is None or tokens < self.tokens) and (self.cost_usd is None or cost_usd < self.cost_usd)


BOUNDLESS: Final = Allowance()
