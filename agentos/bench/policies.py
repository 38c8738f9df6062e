"""What row-level security costs: the same requests with the policies, and with them off in this stand's own database.

The two take turns, so that a machine that others share slows both: each turn is compared with the one beside it; what
is printed is the median of these pairs, with the lowest and the highest. Nothing in the product switches a policy off:
the superuser of the bench does, on tables that end with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from agentos.bench.client import Job, now_us
from agentos.bench.figures import A_RUN, Row, ms, percentile, ratio
from agentos.bench.scenes import LIMIT_SECONDS, PATH, SAY
from agentos.bench.stand import Stand

PAIRS = 9
STREAMS, RUNS, READS, WARM_READS = 20, 60, 40, 100
SHARE = 0.95
GUARDED = "SELECT relname::text FROM pg_class WHERE relrowsecurity AND relnamespace = 'public'::regnamespace"

Ask = Callable[[], Sequence[float]]


@dataclass(slots=True)
class Times:
    """Microseconds of what was asked in each turn with the policies, and in the turn beside it without."""

    guarded: list[Sequence[float]] = field(default_factory=list)
    bare: list[Sequence[float]] = field(default_factory=list)

    def row(self, asked: str) -> Row:
        ratios = [
            found
            for over, under in zip(self.guarded, self.bare, strict=True)
            if (found := ratio(percentile(over, SHARE), percentile(under, SHARE))) is not None
        ]
        return {
            "asked": asked,
            "requests": sum(len(turn) for turn in self.guarded),
            "p50_ms": _median(self.guarded, 0.5),
            "bare_p50_ms": _median(self.bare, 0.5),
            "p95_ms": _median(self.guarded, SHARE),
            "bare_p95_ms": _median(self.bare, SHARE),
            "ratio": percentile(ratios, 0.5),
            "lowest": min(ratios, default=None),
            "highest": max(ratios, default=None),
        }


def _median(turns: Sequence[Sequence[float]], share: float) -> float | None:
    """Return the median turn's percentile, in milliseconds."""
    found = [value for turn in turns if (value := percentile(turn, share)) is not None]
    return ms(percentile(found, 0.5))


def policies(stand: Stand, like: str) -> list[Row]:
    """Ask for runs, a run, lists: in turns with the policies and without, and which comes first takes turns too."""
    asked: dict[str, Ask] = {
        A_RUN: lambda: _runs(stand),
        "GET a run": lambda: _reads(stand, "member", f"/api/runs/{like}"),
        "GET the usage": lambda: _reads(stand, "auditor", "/api/usage"),
        "GET 20 sessions": lambda: _reads(stand, "member", "/api/sessions?limit=20"),
        "GET everybody's approvals": lambda: _reads(stand, "approver", "/api/approvals?limit=20"),
    }
    found = {name: Times() for name in asked}
    for pair in range(PAIRS):
        for is_guarded in (True, False) if pair % 2 else (False, True):
            with turned(stand, is_guarded):
                for name, ask in asked.items():
                    (found[name].guarded if is_guarded else found[name].bare).append(ask())
    return [times.row(name) for name, times in found.items()]


def _runs(stand: Stand) -> list[int]:
    token = stand.visitor().token
    job = Job(stand.port, PATH, SAY, streams=STREAMS, runs=RUNS, token=token, limit_seconds=LIMIT_SECONDS)
    return stand.load(job).last_token


def _reads(stand: Stand, role: str, path: str) -> list[int]:
    """Ask one after the other; what fills caches first is not counted.

    A turn of policies throws every plan away, and each connection plans a statement anew five times at first.
    """
    visitor, took = stand.visitor(role), []
    for _ in range(WARM_READS + READS):
        began = now_us()
        visitor.get(path)
        took.append(now_us() - began)
    return took[WARM_READS:]


@contextmanager
def turned(stand: Stand, is_guarded: bool) -> Iterator[None]:
    """Leave the policies on, or have them off for a while."""
    tables = [] if is_guarded else [name for (name,) in stand.meter.fetch(GUARDED)]
    _turn(stand, tables, "DISABLE")
    try:
        yield
    finally:
        _turn(stand, tables, "ENABLE")


def _turn(stand: Stand, tables: Sequence[str], way: str) -> None:
    for table in tables:
        stand.meter.execute(f'ALTER TABLE "{table}" {way} ROW LEVEL SECURITY')
