"""How long a failed model call waits."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from agents.engine.retry import BASE_SECONDS, CAP_SECONDS, MAX_RETRY_AFTER_SECONDS, delay_seconds


@given(st.integers(1, 10_000), st.integers())
def test_a_wait_is_between_nothing_and_its_ceiling(attempt: int, seed: int) -> None:
    ceiling = min(CAP_SECONDS, BASE_SECONDS * 2 ** min(attempt - 1, 16))
    assert 0 <= delay_seconds(attempt, None, random.Random(seed)) <= ceiling


def test_waits_grow_and_differ() -> None:
    rng = random.Random(7)
    means = [sum(delay_seconds(attempt, None, rng) for _ in range(400)) / 400 for attempt in (1, 3, 5)]
    assert means == sorted(means)
    assert means[2] > 3 * means[0]


@given(st.floats(0.001, 1e6), st.integers())
def test_a_provider_s_wish_is_kept_to_and_bounded(wish: float, seed: int) -> None:
    wait = delay_seconds(1, wish, random.Random(seed))
    assert min(wish, MAX_RETRY_AFTER_SECONDS) <= wait <= 1.1 * MAX_RETRY_AFTER_SECONDS


def test_the_same_generator_gives_the_same_wait() -> None:
    assert delay_seconds(2, None, random.Random(1)) == delay_seconds(2, None, random.Random(1))
    assert 0 <= delay_seconds(2) <= 2 * BASE_SECONDS
