"""What row-level security costs: the same requests with the policies, and with them off in a copy of the database.

One process serves the stand's database, one the copy. Runs are loaded on both at once, half of the streams each; reads
go to the one and the other by turns, request by request, and which comes first takes turns too: a machine that others
share slows both alike. The two change parts all the time, since no process is as fast as the other.

What is compared is the p95 of a short turn with that of the same turn without, and what is printed is the median of all
turns, with its standard error. Of all requests together, a p95 is that of the seconds in which the machine was somebody
else's: it stands beside it. Nothing in the product switches a policy off: the superuser of the bench does.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPConnection
from itertools import chain
from math import sqrt

from agentos.bench.client import Job, now_us
from agentos.bench.figures import A_RUN, Row, ms, percentile, ratio
from agentos.bench.meter import Meter
from agentos.bench.scenes import LIMIT_SECONDS, PATH, SAY
from agentos.bench.stand import Stand
from agentos.core.errors import ConfigError

TURNS_OF_RUNS, STREAMS, RUNS = 7, 10, 60  # runs of each side in half a turn
CHANGES, TURNS_OF_READS, READS = 3, 7, 20  # there and back; turns after each change; reads of each side in a turn
WARM_READS = 30  # of each side: a change throws all plans away, and a connection, one of three, plans five times
COPY = "agentos_bare"
SHARE = 0.95
ON, OFF = "ENABLE", "DISABLE"
GUARDED = "SELECT relname::text FROM pg_class WHERE relforcerowsecurity AND relnamespace = 'public'::regnamespace"
MEDIAN_ERROR = 0.93  # of the quartiles' distance: a median's standard error, times the root of the number


@dataclass(frozen=True, slots=True)
class Side:
    """A server and its database."""

    port: int
    meter: Meter

    def turn(self, way: str) -> None:
        """Switch the policies on or off. A table that forces them on its owner is one that has some."""
        for (table,) in self.meter.fetch(GUARDED):
            self.meter.execute(f'ALTER TABLE "{table}" {way} ROW LEVEL SECURITY')


@dataclass(frozen=True, slots=True)
class Read:
    """What is asked as whom."""

    role: str
    path: str


@dataclass(slots=True)
class Times:
    """Microseconds of what was asked in each turn with the policies, and beside it without."""

    guarded: list[list[float]] = field(default_factory=list)
    bare: list[list[float]] = field(default_factory=list)

    def add(self, guarded: list[float], bare: list[float]) -> None:
        self.guarded.append(guarded)
        self.bare.append(bare)

    def row(self, asked: str) -> Row:
        ratios = [
            found
            for over, under in zip(self.guarded, self.bare, strict=True)
            if (found := ratio(percentile(over, SHARE), percentile(under, SHARE))) is not None
        ]
        guarded, bare = (list(chain.from_iterable(turns)) for turns in (self.guarded, self.bare))
        return {
            "asked": asked,
            "requests": len(guarded),
            "p50_ms": ms(percentile(guarded, 0.5)),
            "bare_p50_ms": ms(percentile(bare, 0.5)),
            "p95_ms": ms(percentile(guarded, SHARE)),
            "bare_p95_ms": ms(percentile(bare, SHARE)),
            "pooled": ratio(percentile(guarded, SHARE), percentile(bare, SHARE)),
            "turns": len(ratios),
            "ratio": round(statistics.median(ratios), 3) if ratios else None,
            "error": _error(ratios),
        }


def _error(ratios: Sequence[float]) -> float | None:
    """Return the standard error of their median, by the quartiles: what is far out, of a busy machine, says nothing."""
    if len(ratios) < 2:
        return None
    lower, _, upper = statistics.quantiles(ratios, method="inclusive")
    return round(MEDIAN_ERROR * (upper - lower) / sqrt(len(ratios)), 3)


def policies(stand: Stand, like: str) -> list[Row]:
    """Ask for runs, a run, lists: of a database with the policies, and of its copy without."""
    reads = {
        "GET a run": Read("member", f"/api/runs/{like}"),
        "GET the usage": Read("auditor", "/api/usage"),
        "GET 20 sessions": Read("member", "/api/sessions?limit=20"),
        "GET everybody's approvals": Read("approver", "/api/approvals?limit=20"),
    }
    found = {name: Times() for name in (A_RUN, *reads)}
    with stand.beside(COPY) as (port, meter):
        own, copy = Side(stand.port, stand.meter), Side(port, meter)
        for _ in range(TURNS_OF_RUNS):
            first, second = _runs(stand, own, copy), _runs(stand, copy, own)
            found[A_RUN].add(first[0] + second[0], first[1] + second[1])
        tokens = {
            (side.port, role): stand.visitor(role, port=side.port).token
            for side in (own, copy)
            for role in {read.role for read in reads.values()}
        }
        for guarded, bare in [(own, copy), (copy, own)] * CHANGES:
            _part(guarded, bare)
            for name, read in reads.items():
                _read(found[name], read, [(side.port, tokens[side.port, read.role]) for side in (guarded, bare)])
        own.turn(ON)
    return [times.row(name) for name, times in found.items()]


def _part(guarded: Side, bare: Side) -> None:
    guarded.turn(ON)
    bare.turn(OFF)


def _runs(stand: Stand, guarded: Side, bare: Side) -> list[list[float]]:
    """Load both sides at once; return what each run took of the two."""
    _part(guarded, bare)
    jobs = [
        Job(port, PATH, SAY, STREAMS, RUNS, token=stand.visitor(port=port).token, limit_seconds=LIMIT_SECONDS)
        for port in (guarded.port, bare.port)
    ]
    with ThreadPoolExecutor(len(jobs)) as at_once:
        return [[float(each) for each in load.last_token] for load in at_once.map(stand.load, jobs)]


def _read(times: Times, read: Read, sides: Sequence[tuple[int, str]]) -> None:
    """Ask the two sides, each a port and a token, one after the other, and add the turns; first until nothing plans."""
    (guarded_port, guarded_token), (bare_port, bare_token) = sides
    with (
        closing(HTTPConnection("127.0.0.1", guarded_port)) as guarded,
        closing(HTTPConnection("127.0.0.1", bare_port)) as bare,
    ):
        both = [(guarded, guarded_token), (bare, bare_token)]
        _turn(both, read.path, WARM_READS)
        for _ in range(TURNS_OF_READS):
            times.add(*_turn(both, read.path, READS))


def _turn(both: Sequence[tuple[HTTPConnection, str]], path: str, requests: int) -> list[list[float]]:
    took: list[list[float]] = [[] for _ in both]
    for number in range(requests):
        for place in (0, 1) if number % 2 else (1, 0):
            took[place].append(_took(*both[place], path))
    return took


def _took(connection: HTTPConnection, token: str, path: str) -> float:
    """Return the microseconds to the answer's last byte. Raises: ConfigError when it is no success."""
    began = now_us()
    connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
    with connection.getresponse() as response:
        response.read()
        if response.status != HTTPStatus.OK:
            raise ConfigError(f"bench: {path} answered {response.status}.")
    return now_us() - began
