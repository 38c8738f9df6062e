"""How long the journal's writer waits: for company, never for more than it brings."""

from __future__ import annotations

import pytest

from agents.services.journal.writer import FLUSH_INTERVAL_SECONDS, commit_interval_seconds, flush_interval_seconds


@pytest.mark.parametrize(
    ("runs", "events", "took_ms", "expected_ms"),
    [
        (0, 0, 1, 0),
        (1, 1, 3, 0.5),  # a lone run's words wait for nobody
        (10, 10, 3, 5),
        (10, 10, 1, 4),  # never longer than four times what a flush takes
        (200, 200, 10, 12.5),  # one word of each: nothing is joined
        (200, 300, 10, 18.75),
        (200, 1000, 10, 25),
        (200, 0, 10, 12.5),  # steps only
    ],
)
def test_a_flush_waits_as_far_as_it_joins(runs: int, events: int, took_ms: float, expected_ms: float) -> None:
    assert flush_interval_seconds(runs, events, took_ms / 1000) * 1000 == pytest.approx(expected_ms)


def test_starts_wait_for_company_whatever_the_runs_say() -> None:
    assert commit_interval_seconds(200, 0.01) == FLUSH_INTERVAL_SECONDS
