"""How long the journal's writer waits: for company, never for more than it brings."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from agents.engine.steps import Write
from agents.services.hub import Hub
from agents.services.journal.run_journal import Waiting
from agents.services.journal.writer import JournalWriter, flush_interval_seconds
from agents.services.stops import Stops


@pytest.mark.parametrize(
    ("runs", "events", "took_ms", "expected_ms"),
    [
        (0, 0, 1, 0),
        (1, 1, 3, 0.5),  # a lone run's words wait for nobody
        (10, 10, 3, 5),
        (10, 10, 1, 4),  # never longer than four times what a flush takes
        (200, 200, 10, 16),  # one word of each: nothing is joined
        (200, 300, 10, 24),
        (200, 1000, 10, 25),
        (200, 0, 10, 16),  # steps only
    ],
)
def test_a_flush_waits_as_far_as_it_joins(runs: int, events: int, took_ms: float, expected_ms: float) -> None:
    assert flush_interval_seconds(runs, events, took_ms / 1000) * 1000 == pytest.approx(expected_ms)


async def test_starts_wait_a_fifth_of_what_flushes_do(monkeypatch: pytest.MonkeyPatch) -> None:
    writer = JournalWriter(cast("Any", None), Hub(), process="one", ledger=cast("Any", None), stops=Stops())
    says = Write(events=[("RunContent", {"content": "a word "})])
    for _ in range(100):
        journal: Any = type("Journal", (), {"waiting": [Waiting(says)], "is_aside": False})()
        writer._dirty[journal] = None
    writer._wake.set()

    async def flush(taken: object) -> None:
        await asyncio.sleep(0.02)
        writer._closing = True

    monkeypatch.setattr(writer, "_flush", flush)
    await writer._run()
    assert flush_interval_seconds(100, 100, 0.02) == 0.016
    assert writer._starts.interval_seconds == pytest.approx(0.0032)
