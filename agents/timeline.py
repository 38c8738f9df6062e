"""Lays the steps of a run out on one line of time, for the run's page. Pure: rows in, percentages out.

A run that waits two days for a person and works for two seconds would show one long bar: the times in which a run
only waits are drawn short, together at most `WAIT_SHARE` of the line.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

WAIT_SHARE = 0.4


@dataclass(frozen=True, slots=True)
class Stretch:
    """When a step began, when a person's answer set it going again (None: nobody was asked), when it ended."""

    start: datetime
    end: datetime
    answered: datetime | None = None
    waits: bool = False


@dataclass(frozen=True, slots=True)
class Bar:
    """Where a step lies on the line, in percent of its length; the first `wait` of `width` is waiting."""

    left: float
    width: float
    wait: float


@dataclass(frozen=True, slots=True)
class Tick:
    """A place on the line, in percent, and how long after the beginning it is."""

    left: float
    passed: timedelta


def bars(stretches: Sequence[Stretch]) -> list[Bar]:
    """Return one bar for each stretch, in the same order."""
    if not stretches:
        return []
    at = _positions(stretches)
    return [
        Bar(
            left=at[stretch.start],
            width=max(0.6, at[stretch.end] - at[stretch.start]),
            wait=at[_work_begins(stretch)] - at[stretch.start],
        )
        for stretch in stretches
    ]


def ticks(stretches: Sequence[Stretch], parts: int = 4) -> list[Tick]:
    """Return the ends of so many equal parts of the line; where waiting is drawn short, their times leap."""
    if not stretches:
        return []
    at = _positions(stretches)
    places = [100 * number / parts for number in range(parts + 1)]
    moments, positions = list(at), list(at.values())
    return [Tick(left, _moment_at(left, moments, positions) - moments[0]) for left in places]


def _moment_at(left: float, moments: list[datetime], positions: list[float]) -> datetime:
    after = min(bisect_left(positions, left), len(positions) - 1)
    if after == 0 or positions[after] == positions[after - 1]:
        return moments[after]
    share = (left - positions[after - 1]) / (positions[after] - positions[after - 1])
    return moments[after - 1] + (moments[after] - moments[after - 1]) * min(share, 1.0)


def _work_begins(stretch: Stretch) -> datetime:
    """Return the end of the waiting part: the start when there was none."""
    if not stretch.waits:
        return stretch.start
    return min(max(stretch.answered or stretch.end, stretch.start), stretch.end)


def _positions(stretches: Sequence[Stretch]) -> dict[datetime, float]:
    moments = sorted({moment for item in stretches for moment in (item.start, _work_begins(item), item.end)})
    gaps = [
        ((later - earlier).total_seconds(), _busy(stretches, earlier, later)) for earlier, later in pairwise(moments)
    ]
    work = sum(seconds for seconds, busy in gaps if busy)
    idle = sum(seconds for seconds, busy in gaps if not busy)
    allowed = work * WAIT_SHARE / (1 - WAIT_SHARE) if work else idle
    shrink = min(1.0, allowed / idle) if idle else 1.0
    total = work + idle * shrink or 1.0
    position, positions = 0.0, {moments[0]: 0.0}
    for moment, (seconds, busy) in zip(moments[1:], gaps, strict=True):
        position += seconds if busy else seconds * shrink
        positions[moment] = min(100.0, 100 * position / total)
    return positions


def _busy(stretches: Sequence[Stretch], earlier: datetime, later: datetime) -> bool:
    return any(_work_begins(item) <= earlier and later <= item.end for item in stretches)
