"""Budgets as values: whom they are for, what a run takes of them, what is left."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, TypeAlias
from uuid import UUID

from agentos.core.errors import AgentOSError, LimitExceeded, RateLimited
from agentos.core.ratelimits import RateLimit
from agents.engine.allowance import BOUNDLESS, Allowance
from agents.engine.model_calls import Usage
from agents.engine.spec import JOB
from agents.services.ledger import Consumer
from governance.models import NOBODY, Measure, Period

CostOf: TypeAlias = Callable[[str, Usage], Decimal | None]
CODE: Final = "budget_exceeded"
# What a run reserves of a budget that does not say it.
RESERVES: Final = {Measure.RUNS: Decimal(1), Measure.TOKENS: Decimal(4_000), Measure.USD: Decimal("0.02")}
MINUTE_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class Terms:
    """A budget as a process knows it, up to two seconds old."""

    id: UUID
    tenant_id: UUID
    name: str
    measure: Measure
    period: Period
    limit: Decimal
    reserve: Decimal | None
    user_id: UUID | None
    each_user: bool
    component_kind: str
    component_id: str

    def applies_to(self, consumer: Consumer) -> bool:
        if self.user_id not in (None, consumer.user_id):
            return False
        if self.measure is Measure.RUNS and consumer.component_kind == JOB:  # nobody has asked for it
            return False
        component = self.component_kind, self.component_id
        return component in (("", ""), (consumer.component_kind, consumer.component_id))

    @property
    def share(self) -> Decimal:
        """Return what a run reserves; of a budget smaller than that, all."""
        if self.measure is Measure.RUNS:
            return Decimal(1)
        wanted = self.reserve or RESERVES[self.measure]
        return min(wanted, self.limit) or wanted


@dataclass(frozen=True, slots=True)
class Charge:
    """What one run takes of one budget; `subject` as in `BudgetUse`."""

    terms: Terms
    subject: UUID

    @classmethod
    def of(cls, terms: Terms, consumer: Consumer) -> Charge:
        return cls(terms, consumer.user_id if terms.each_user else NOBODY)

    @property
    def key(self) -> tuple[UUID, UUID]:
        return self.terms.id, self.subject


@dataclass(slots=True)
class Use:
    """A budget's row of one period, locked: what is used, what runs hold, how long the period goes on."""

    id: UUID
    budget_id: UUID
    subject: UUID
    used: Decimal
    reserved: Decimal
    limit: Decimal
    seconds_left: int

    @classmethod
    def unused(cls, charge: Charge) -> Use:
        """Return the row of a period in which nobody has used anything yet."""
        terms = charge.terms
        return cls(NOBODY, terms.id, charge.subject, Decimal(0), Decimal(0), terms.limit, MINUTE_SECONDS)

    @property
    def key(self) -> tuple[UUID, UUID]:
        return self.budget_id, self.subject

    @property
    def left(self) -> Decimal:
        return self.limit - self.used - self.reserved

    def rate(self, terms: Terms) -> RateLimit:
        """Say what is left of a budget of runs per minute."""
        whose = "user" if terms.user_id or terms.each_user else "tenant"
        name = f"{whose}-runs" if not terms.component_id else f"{whose}-component-runs"
        return RateLimit(name, int(self.limit), int(self.left), MINUTE_SECONDS, self.seconds_left)

    def refusal(self, terms: Terms) -> AgentOSError:
        """Return the error for a run that this has no room for."""
        if terms.period is Period.MINUTE:
            return RateLimited(
                f"There were {int(self.limit)} runs in this minute already ({terms.name}).",
                retry_after_seconds=max(1, self.seconds_left),
                limits=(self.rate(terms),),
            )
        return exceeded(terms.name)


def charges(terms: Iterable[Terms], consumer: Consumer, cost_of: CostOf) -> tuple[Charge, ...]:
    """Return what a run takes of these budgets. Raises: LimitExceeded when money is counted and a price not known."""
    applying = [each for each in terms if each.applies_to(consumer)]
    if any(each.measure is Measure.USD for each in applying):
        _check_prices(consumer.models, cost_of)
    return tuple(Charge.of(each, consumer) for each in applying)


def refusal(charged: Iterable[tuple[Use, Terms]]) -> AgentOSError | None:
    """Return what refuses a run that is charged this, or None when it fits."""
    return next((use.refusal(terms) for use, terms in charged if use.left < terms.share), None)


def _check_prices(models: Iterable[str], cost_of: CostOf) -> None:
    for model in models:
        if cost_of(model, Usage(1, 1)) is None:
            raise LimitExceeded(
                f"A budget counts money here, and nobody knows what {model} costs: set AGENTOS_MODEL_PRICES.",
                code="price_unknown",
            )


def exceeded(name: str) -> LimitExceeded:
    return LimitExceeded(f"The budget “{name}” has no room for this run.", code=CODE)


def allowance(held: list[tuple[Measure, Decimal]]) -> Allowance:
    """Return what a run may use that holds these amounts: of each measure the least."""
    tokens = [int(amount) for measure, amount in held if measure is Measure.TOKENS]
    money = [amount for measure, amount in held if measure is Measure.USD]
    if not (tokens or money):
        return BOUNDLESS
    return Allowance(min(tokens, default=None), min(money, default=None))
