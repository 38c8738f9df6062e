"""The line of time on a run's page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from agents.timeline import WAIT_SHARE, Stretch, bars, ticks

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def test_no_steps_draw_nothing() -> None:
    assert bars([]) == []


def test_steps_lie_in_proportion_to_their_time() -> None:
    first, second = bars([Stretch(at(0), at(1)), Stretch(at(1), at(4))])
    assert (first.left, first.width, first.wait) == (0, 25, 0)
    assert (second.left, second.width) == (25, 75)


def test_two_days_of_waiting_leave_room_for_the_work() -> None:
    day = 86_400
    model, tool, last = bars(
        [
            Stretch(at(0), at(1)),
            Stretch(at(1), at(2 * day + 1), answered=at(2 * day), waits=True),
            Stretch(at(2 * day + 1), at(2 * day + 2)),
        ]
    )
    assert tool.wait == pytest.approx(100 * WAIT_SHARE)
    assert model.width == pytest.approx(last.width) == pytest.approx(20)
    assert last.left + last.width == pytest.approx(100)


def test_waiting_while_something_works_is_not_shortened() -> None:
    waiting, working = bars([Stretch(at(0), at(10), waits=True), Stretch(at(0), at(10))])
    assert (waiting.width, waiting.wait, working.width) == (100, 100, 100)


def test_an_answer_outside_its_step_is_clipped() -> None:
    (bar,) = bars([Stretch(at(0), at(2), answered=at(9), waits=True)])
    assert bar.wait == bar.width == 100


def test_a_step_without_length_is_still_seen() -> None:
    (bar,) = bars([Stretch(at(0), at(0))])
    assert bar.width > 0


def test_ticks_tell_how_far_the_line_has_come() -> None:
    assert [tick.passed for tick in ticks([Stretch(at(0), at(8))])] == [timedelta(seconds=s) for s in (0, 2, 4, 6, 8)]
    assert ticks([]) == []
    assert [tick.passed for tick in ticks([Stretch(at(0), at(0))], parts=1)] == [timedelta(0), timedelta(0)]


def test_ticks_leap_over_what_is_drawn_short() -> None:
    waited = Stretch(at(1), at(1001), answered=at(1001), waits=True)
    passed = [
        tick.passed.total_seconds() for tick in ticks([Stretch(at(0), at(1)), waited, Stretch(at(1001), at(1002))])
    ]
    assert passed[0] == 0
    assert passed[1] < 1
    assert passed[2] == pytest.approx(501)
    assert passed[4] == 1002
