"""What model calls used. A provider says it at a call's end; where it does not, or the call was cut, it is guessed.

A step's `usage`: {input_tokens, output_tokens, total_tokens, reasoning_tokens, cache_read_tokens, time_to_first_token,
cost_usd (text, or null without a price)}; with `guessed_attempt`, the last one whose share in it is a guess.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from agentos.core.types import JsonObject, json_bytes
from agents.engine.model_calls import ModelReply, Usage
from agents.engine.status import StepKind, StepState
from agents.engine.steps import StepRecord

BYTES_PER_TOKEN: Final = 4
_SUMMED: Final = ("input_tokens", "output_tokens", "total_tokens", "reasoning_tokens", "cache_read_tokens")


@dataclass(frozen=True, slots=True)
class Spent:
    """What a run's model calls used together. `known_cost_usd` leaves out the calls without a price."""

    usage: Usage
    known_cost_usd: Decimal
    unpriced_calls: int
    calls: int
    time_to_first_token: float

    @property
    def cost_usd(self) -> Decimal | None:
        """Return the whole cost, or None when the price of a call is not known."""
        return None if self.unpriced_calls else self.known_cost_usd


NOTHING: Final = Spent(Usage(), Decimal(0), 0, 0, 0.0)


def of(steps: Iterable[StepRecord]) -> Spent:
    """Add up what the journal holds. What a fork took over has no usage: the earlier run paid for it."""
    used = [(step, step.usage) for step in steps if step.kind is StepKind.MODEL and step.usage]
    if not used:
        return NOTHING
    costs = [usage.get("cost_usd") for _, usage in used]
    first = [usage["time_to_first_token"] for _, usage in used if usage.get("time_to_first_token")]

    def total(name: str) -> int:
        return sum([usage.get(name, 0) for _, usage in used])

    return Spent(
        Usage(total("input_tokens"), total("output_tokens"), total("reasoning_tokens"), total("cache_read_tokens")),
        sum((Decimal(cost) for cost in costs if cost is not None), Decimal(0)),
        costs.count(None),
        sum([step.state is StepState.DONE for step, _ in used]),
        first[0] if first else 0.0,
    )


def used(reply: ModelReply, messages: Sequence[JsonObject]) -> Usage:
    """Return what a provider says that a call used; a guess when it says nothing: limits and budgets count it too."""
    if reply.usage.total_tokens:
        return reply.usage
    return guess(messages, "".join([reply.text, *(call.name + call.arguments for call in reply.tool_calls)]))


def add_end(step: StepRecord, reply: ModelReply, usage: Usage, cost_usd: Decimal | None) -> JsonObject:
    """Count the attempt that has ended, and return its own usage."""
    share = _shape(usage, cost_usd) | {"time_to_first_token": (reply.time_to_first_token_ms or 0) / 1000}
    guessed = {} if usage is reply.usage else {"guessed_attempt": step.attempts}
    step.usage = added(step.usage, share) | guessed
    return share


def guess(messages: Sequence[JsonObject], said: str) -> Usage:
    """Return about what a call used that was asked this and cut after it had said that."""
    return Usage(len(json_bytes(messages)) // BYTES_PER_TOKEN + 1, len(said.encode()) // BYTES_PER_TOKEN)


def add_guess(step: StepRecord, usage: Usage, cost_usd: Decimal | None) -> None:
    """Count an attempt that was cut."""
    step.usage = added(step.usage, _shape(usage, cost_usd)) | {"guessed_attempt": step.attempts}


def is_counted(step: StepRecord) -> bool:
    """Tell whether the share of a step's last attempt is in its usage."""
    return (step.usage or {}).get("guessed_attempt") == step.attempts


def added(before: JsonObject | None, more: JsonObject) -> JsonObject:
    """Return the usage of several attempts at one call together."""
    if before is None:
        return more
    costs = before.get("cost_usd"), more["cost_usd"]
    cost = None if None in costs else str(sum(map(Decimal, costs)))
    return {**before, **more, **{name: before.get(name, 0) + more[name] for name in _SUMMED}, "cost_usd": cost}


def _shape(usage: Usage, cost_usd: Decimal | None) -> JsonObject:
    return {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
        "cache_read_tokens": usage.cached_tokens,
        "cost_usd": None if cost_usd is None else str(cost_usd),
    }
