"""What a model call costs, in US dollars: by the operator's own prices, else by those of the genai-prices library.

The library's data comes with its package and is never fetched. A model without a known price costs None, not zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from agentos.core.errors import ConfigError
from agents.engine.model_calls import Usage

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, Provider

SMALLEST_USD = Decimal("0.00000001")
PER_TOKENS = 1_000_000


@dataclass(frozen=True, slots=True)
class Rate:
    """A flat price in USD per million tokens."""

    input_usd: Decimal
    output_usd: Decimal

    def cost(self, usage: Usage) -> Decimal:
        spent = self.input_usd * usage.input_tokens + self.output_usd * usage.output_tokens
        return (spent / PER_TOKENS).quantize(SMALLEST_USD)


# Nobody pays these: the sandbox's models have them so that cost is seen, limited and budgeted without a provider.
PLAY_RATES: Mapping[str, Rate] = {
    "sandbox-strong": Rate(Decimal("2.50"), Decimal("10.00")),
    "sandbox-fast": Rate(Decimal("0.25"), Decimal("1.00")),
}


def own_rates(entries: Iterable[str]) -> dict[str, Rate]:
    """Read `name=input/output`, in USD per million tokens. Raises: ConfigError."""
    return dict(map(_own_rate, entries))


def _own_rate(entry: str) -> tuple[str, Rate]:
    name, _, price = entry.rpartition("=")
    asked, slash, answered = price.partition("/")
    try:
        rate = Rate(Decimal(asked), Decimal(answered))
    except InvalidOperation:
        rate = Rate(Decimal(-1), Decimal(-1))
    known = (rate.input_usd, rate.output_usd)
    if not (name and slash and all(usd.is_finite() and usd >= 0 for usd in known)):
        raise ConfigError(f"AGENTOS_MODEL_PRICES: `{entry}` must be `name=input/output` in USD per million tokens.")
    return name, rate


class Prices:
    """The prices of one model server, by the names that its models are asked under; each is looked up once."""

    def __init__(self, url: str, own: Mapping[str, Rate]) -> None:
        self._url, self._own = url, own
        self._found: dict[str, tuple[Provider, ModelInfo] | None] = {}

    def cost(self, model: str, usage: Usage) -> Decimal | None:
        """Return what a call of the model costs, or None when its price is not known."""
        if (rate := self._own.get(model)) is not None:
            return rate.cost(usage)
        if model not in self._found:
            self._found[model] = _listed(model, self._url)
        if (found := self._found[model]) is None:
            return None
        from genai_prices import Usage as ListedUsage

        provider, listed = found
        used = ListedUsage(
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cache_read_tokens=min(usage.cached_tokens, usage.input_tokens),
        )
        return listed.calc_price(used, provider).total_price.quantize(SMALLEST_USD)


def _listed(model: str, url: str) -> tuple[Provider, ModelInfo] | None:
    """Find the model among those of the provider that serves this address; a server of one's own has no list."""
    from genai_prices import data_snapshot  # a second to load, and not needed beside the sandbox

    try:
        return data_snapshot.get_snapshot().find_provider_model(model, None, None, url)
    except LookupError:
        return None
