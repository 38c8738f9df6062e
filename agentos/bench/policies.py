"""What row-level security costs: the same requests with the policies, and with them off in a copy of the database.

One process serves the stand's database, one the copy. Reads go to the one and the other by turns, request by request,
runs load by load, and which comes first takes turns too: a machine that others share slows both alike. What is printed
is the median of nine such stretches, with the lowest and the highest. Nothing in the product switches a policy off: the
superuser of the bench does, on tables that end with the scene.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from agentos.bench.client import Job, now_us
from agentos.bench.figures import A_RUN, Row, ms, percentile, ratio
from agentos.bench.scenes import LIMIT_SECONDS, PATH, SAY
from agentos.bench.stand import Stand

TURNS = 9
STREAMS, RUNS, READS, WARM_READS = 20, 60, 60, 100
COPY = "agentos_bare"
SHARE = 0.95
GUARDED = "SELECT relname::text FROM pg_class WHERE relrowsecurity AND relnamespace = 'public'::regnamespace"

Ports: TypeAlias = tuple[int, int]  # of the server with the policies, and of the one without


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
    """Ask for runs, a run, lists: of the database with the policies, and of its copy without."""
    asked = {
        "GET a run": ("member", f"/api/runs/{like}"),
        "GET the usage": ("auditor", "/api/usage"),
        "GET 20 sessions": ("member", "/api/sessions?limit=20"),
        "GET everybody's approvals": ("approver", "/api/approvals?limit=20"),
    }
    with stand.beside(COPY) as (port, meter):
        for (table,) in meter.fetch(GUARDED):
            meter.execute(f'ALTER TABLE "{table}" DISABLE ROW LEVEL SECURITY')
        both = stand.port, port
        rows = [_runs(stand, both).row(A_RUN)]
        return rows + [_reads(stand, both, role, path).row(name) for name, (role, path) in asked.items()]


def _runs(stand: Stand, ports: Ports) -> Times:
    found: dict[int, list[Sequence[float]]] = {port: [] for port in ports}
    for turn in range(1 + TURNS):  # the first warms both up
        for port in _in_turn(ports, turn):
            token = stand.visitor(port=port).token
            job = Job(port, PATH, SAY, streams=STREAMS, runs=RUNS, token=token, limit_seconds=LIMIT_SECONDS)
            found[port].append(stand.load(job).last_token)
    return Times(*(found[port][1:] for port in ports))


def _reads(stand: Stand, ports: Ports, role: str, path: str) -> Times:
    """Ask for one thing again and again. A connection plans a statement anew five times at first: not counted."""
    visitors = {port: stand.visitor(role, port=port) for port in ports}
    took: dict[int, list[float]] = {port: [] for port in ports}
    for number in range(WARM_READS + TURNS * READS):
        for port in _in_turn(ports, number):
            began = now_us()
            visitors[port].get(path)
            took[port].append(now_us() - began)
    return Times(*(_turns(took[port]) for port in ports))


def _turns(took: Sequence[float]) -> list[Sequence[float]]:
    return [took[start : start + READS] for start in range(WARM_READS, len(took), READS)]


def _in_turn(ports: Ports, number: int) -> Ports:
    """Return which comes first this time, and which second."""
    return ports if number % 2 else (ports[1], ports[0])
