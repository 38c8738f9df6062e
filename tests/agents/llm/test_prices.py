"""What a model call costs: the operator's prices, the library's list, and neither."""

from __future__ import annotations

from decimal import Decimal

import pytest

from agentos.core.errors import ConfigError
from agents.engine.model_calls import Usage
from agents.llm.prices import PLAY_RATES, Prices, Rate, own_rates

OPENAI = "https://api.openai.com/v1"
USAGE = Usage(input_tokens=1_000, output_tokens=100, cached_tokens=400)


def test_a_listed_model_costs_what_its_provider_lists():
    from genai_prices import Usage as ListedUsage
    from genai_prices import calc_price

    listed = calc_price(
        ListedUsage(input_tokens=1_000, output_tokens=100, cache_read_tokens=400), "gpt-4o", provider_id="openai"
    )
    cost = Prices(OPENAI, {}).cost("gpt-4o", USAGE)
    assert cost == listed.total_price
    assert cost is not None and cost > 0


def test_cached_tokens_are_cheaper_and_never_more_than_all():
    prices = Prices(OPENAI, {})
    fresh, cached = (prices.cost("gpt-4o", Usage(1_000, 0, 0, count)) for count in (0, 1_000))
    assert fresh is not None and cached is not None and cached < fresh
    assert prices.cost("gpt-4o", Usage(1_000, 0, 0, 5_000)) == cached


@pytest.mark.parametrize(
    ("url", "model"),
    [(OPENAI, "no-such-model"), ("http://127.0.0.1:11434/v1", "gpt-4o"), ("http://127.0.0.1:11434/v1", "qwen3:8b")],
)
def test_a_price_that_nobody_knows_is_none_and_not_zero(url, model):
    assert Prices(url, {}).cost(model, USAGE) is None


def test_the_operators_price_comes_first():
    own = own_rates(["qwen3:8b=0.10/0.40", "gpt-4o=1/2", "team/a=b=3/4.5"])
    assert own["team/a=b"] == Rate(Decimal(3), Decimal("4.5"))
    prices = Prices(OPENAI, own)
    assert prices.cost("qwen3:8b", USAGE) == Decimal("0.00014")
    assert prices.cost("gpt-4o", USAGE) == Decimal("0.0012")


@pytest.mark.parametrize("entry", ["gpt", "gpt=", "gpt=1", "=1/2", "gpt=1/-2", "gpt=a/b", "gpt=NaN/1", "gpt=1/2/3"])
def test_a_price_that_is_none_stops_the_start(entry):
    with pytest.raises(ConfigError, match="AGENTOS_MODEL_PRICES"):
        own_rates([entry])


def test_the_sandbox_plays_with_money():
    prices = Prices("http://127.0.0.1:1/v1", PLAY_RATES)
    assert prices.cost("sandbox-strong", Usage(1_000_000, 100_000)) == Decimal("3.5")
    assert prices.cost("sandbox-fast", Usage(1_000_000, 100_000)) == Decimal("0.35")


def test_a_cost_has_the_places_that_the_database_keeps():
    cost = Rate(Decimal("0.123456789"), Decimal(0)).cost(Usage(input_tokens=7))
    assert cost == cost.quantize(Decimal("0.00000001"))
