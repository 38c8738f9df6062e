"""Bars over days, as `charts/days.svg` draws them. Widths are percentages, so a chart fits its card; heights pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

HEIGHT_PX = 72
TOP_PX = 16
GAP = 0.18  # of a day's width
THINNEST_PX = 2.0


@dataclass(frozen=True, slots=True)
class Part:
    """One rectangle of a bar."""

    tone: str
    top: float
    height: float


@dataclass(frozen=True, slots=True)
class Bar:
    """One day: its place in percent, its parts, what it says, where it leads."""

    day: date
    left: float
    width: float
    parts: list[Part]
    says: str
    link: str


@dataclass(frozen=True, slots=True)
class Amount:
    """What one day's bar shows, in tones. `stacked` amounts stand upon each other, others in front of each other."""

    day: date
    parts: Sequence[tuple[str, float]]
    says: str
    link: str


@dataclass(frozen=True, slots=True)
class Chart:
    bars: list[Bar]
    most: str

    @property
    def base(self) -> int:
        return TOP_PX + HEIGHT_PX


def chart(amounts: Sequence[Amount], *, most: float, says_most: str, stacked: bool = True) -> Chart:
    """Draw the amounts to the height of `most`, which is the highest of them."""
    width = 100 / max(1, len(amounts))
    bars = [
        Bar(
            day=amount.day,
            left=width * (number + GAP / 2),
            width=width * (1 - GAP),
            parts=_parts(amount, most, stacked),
            says=f"{amount.day.isoformat()}: {amount.says}",
            link=amount.link,
        )
        for number, amount in enumerate(amounts)
    ]
    return Chart(bars, says_most)


def _parts(amount: Amount, most: float, stacked: bool) -> list[Part]:
    parts, base = [], float(TOP_PX + HEIGHT_PX)
    for tone, value in amount.parts:
        if value <= 0 or most <= 0:
            continue
        height = max(THINNEST_PX, HEIGHT_PX * value / most)
        parts.append(Part(tone, round(base - height, 2), round(height, 2)))
        base -= height if stacked else 0
    return parts
