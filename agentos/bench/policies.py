"""What row-level security costs: the same requests with the policies, and with them off in a copy of the database.

One process serves the stand's database, one the copy. Runs are loaded on both at once, half of the streams each; reads
go to the one and the other by turns, request by request, and which comes first takes turns too: a machine that others
share slows both alike. In the middle of each turn the two change parts, since no process is as fast as the other. What
is printed is the median turn's: of all turns together, a p95 is that of the turn in which the machine was somebody
else's. Beside it stand the lowest and the highest. Runs take more turns than reads: a p95 of few of them is that of one
or two. Nothing in the product switches a policy off: the superuser of the bench does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import TypeAlias

from agentos.bench.client import Job, now_us
from agentos.bench.figures import A_RUN, Row, ms, percentile, ratio
from agentos.bench.meter import Meter
from agentos.bench.scenes import LIMIT_SECONDS, PATH, SAY
from agentos.bench.stand import Stand

TURNS, TURNS_OF_RUNS = 3, 7
STREAMS, RUNS, READS, WARM_READS = 10, 60, 30, 8  # of each side
COPY = "agentos_bare"
SHARE = 0.95
ON, OFF = "ENABLE", "DISABLE"
GUARDED = "SELECT relname::text FROM pg_class WHERE relforcerowsecurity AND relnamespace = 'public'::regnamespace"

Ports: TypeAlias = tuple[int, int]  # of the server with the policies, and of the one without
Ask: TypeAlias = Callable[[Ports], list[list[float]]]


@dataclass(frozen=True, slots=True)
class Side:
    """A server and its database."""

    port: int
    meter: Meter

    def turn(self, way: str) -> None:
        """Switch the policies on or off. A table that forces them on its owner is one that has some."""
        for (table,) in self.meter.fetch(GUARDED):
            self.meter.execute(f'ALTER TABLE "{table}" {way} ROW LEVEL SECURITY')


@dataclass(slots=True)
class Times:
    """Microseconds of what was asked in each turn with the policies, and beside it without."""

    guarded: list[list[float]] = field(default_factory=list)
    bare: list[list[float]] = field(default_factory=list)

    def row(self, asked: str) -> Row:
        ratios = [
            found
            for over, under in zip(self.guarded, self.bare, strict=True)
            if (found := ratio(percentile(over, SHARE), percentile(under, SHARE))) is not None
        ]
        return {
            "asked": asked,
            "requests": sum(len(turn) for turn in self.guarded),
            "p50_ms": ms(_median(self.guarded, 0.5)),
            "bare_p50_ms": ms(_median(self.bare, 0.5)),
            "p95_ms": ms(_median(self.guarded, SHARE)),
            "bare_p95_ms": ms(_median(self.bare, SHARE)),
            "ratio": percentile(ratios, 0.5),
            "lowest": min(ratios, default=None),
            "highest": max(ratios, default=None),
        }


def _median(turns: Sequence[Sequence[float]], share: float) -> float | None:
    """Return the median turn's percentile."""
    return percentile([value for turn in turns if (value := percentile(turn, share)) is not None], 0.5)


def policies(stand: Stand, like: str) -> list[Row]:
    """Ask for runs, a run, lists: of a database with the policies, and of its copy without."""
    asked: dict[str, Ask] = {
        A_RUN: partial(_runs, stand),
        "GET a run": partial(_reads, stand, "member", f"/api/runs/{like}"),
        "GET the usage": partial(_reads, stand, "auditor", "/api/usage"),
        "GET 20 sessions": partial(_reads, stand, "member", "/api/sessions?limit=20"),
        "GET everybody's approvals": partial(_reads, stand, "approver", "/api/approvals?limit=20"),
    }
    found = {name: Times() for name in asked}
    with stand.beside(COPY) as (port, meter):
        own, copy = Side(stand.port, stand.meter), Side(port, meter)
        for number in range(TURNS_OF_RUNS):
            due = asked if number < TURNS else {A_RUN: asked[A_RUN]}
            first, second = _half(due, own, copy), _half(due, copy, own)
            for name in due:
                found[name].guarded.append(first[name][0] + second[name][0])
                found[name].bare.append(first[name][1] + second[name][1])
        own.turn(ON)
    return [times.row(name) for name, times in found.items()]


def _half(asked: Mapping[str, Ask], guarded: Side, bare: Side) -> dict[str, list[list[float]]]:
    """Return what each request took of the two sides."""
    guarded.turn(ON)
    bare.turn(OFF)
    return {name: ask((guarded.port, bare.port)) for name, ask in asked.items()}


def _runs(stand: Stand, ports: Ports) -> list[list[float]]:
    jobs = [
        Job(port, PATH, SAY, STREAMS, RUNS, token=stand.visitor(port=port).token, limit_seconds=LIMIT_SECONDS)
        for port in ports
    ]
    with ThreadPoolExecutor(len(jobs)) as at_once:
        return [[float(each) for each in load.last_token] for load in at_once.map(stand.load, jobs)]


def _reads(stand: Stand, role: str, path: str, ports: Ports) -> list[list[float]]:
    """Ask one after the other; what plans anew is not counted: a connection does so five times for a statement."""
    visitors = {port: stand.visitor(role, port=port) for port in ports}
    took: dict[int, list[float]] = {port: [] for port in ports}
    for number in range(WARM_READS + READS):
        for port in ports if number % 2 else reversed(ports):
            began = now_us()
            visitors[port].get(path)
            took[port].append(now_us() - began)
    return [took[port][WARM_READS:] for port in ports]
