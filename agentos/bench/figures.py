"""From what was counted to what is told: percentiles, the row of a load, the goals."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import TypeAlias

from agentos.bench.client import Load
from agentos.bench.meter import Spent

A_RUN = "a run, to its last token"
_PLAIN = "guards: input"
Row: TypeAlias = dict[str, float | int | str | None]


def percentile(values: Sequence[float], share: float) -> float | None:
    """Return the value that `share` (0 to 1) of the values do not exceed, by nearest rank; None of none."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[max(0, ceil(share * len(ordered)) - 1)]


def ms(microseconds: float | None) -> float | None:
    return None if microseconds is None else round(microseconds / 1000, 1)


def latencies(load: Load) -> Row:
    """Return what the readers of a load saw, in milliseconds."""
    shown = {"first_event": load.first_event, "first_token": load.first_token, "held": load.held}
    row: Row = {}
    for name, values in shown.items():
        row[f"{name}_p50_ms"], row[f"{name}_p99_ms"] = ms(percentile(values, 0.5)), ms(percentile(values, 0.99))
    row["stall_p99_ms"] = ms(percentile(load.stall, 0.99))
    row["stall_max_ms"] = ms(max(load.stall, default=None))
    return row


def load_row(load: Load, *, streams: int) -> Row:
    return {
        "streams": streams,
        "runs": load.runs,
        "seconds": round(load.seconds, 1),
        "runs_per_s": round(load.runs / load.seconds, 1) if load.seconds else 0.0,
        **latencies(load),
        "tokens_per_run": round(load.tokens / load.runs, 2) if load.runs else None,
        "answered": len(load.answered),
        "refused": load.refused,
        "failed": load.failed,
        "cut": load.cut,
        "client_cpu_ms": per_run(load.cpu_seconds * 1000, load.runs),
    }


def spent_row(spent: Spent, runs: int) -> Row:
    """Return what a run cost."""
    return {
        "server_cpu_ms": per_run(spent.server_seconds * 1000, runs),
        "database_cpu_ms": per_run(spent.database_seconds * 1000, runs),
        "cpu_ms": per_run((spent.server_seconds + spent.database_seconds) * 1000, runs),
        "statements": per_run(spent.statements, runs),
        "commits": per_run(spent.commits, runs),
        "sql_ms": per_run(spent.sql_ms, runs),
    }


def per_run(amount: float, runs: int) -> float | None:
    return round(amount / runs, 3) if runs else None


def against(rounds: Sequence[Mapping[int, Row]], age: int, youngest: int) -> Row:
    """Return the medians of what an age cost, and of how many times the youngest's in the same round."""
    measured = [(each[age], each[youngest]) for each in rounds if age in each]
    row: Row = {"runs": sum(int(str(mine["runs"])) for mine, _ in measured)}
    for name in ("runs_per_s", "cpu_ms", "sql_ms", "statements"):
        row[name] = median([_value(mine, name) for mine, _ in measured])
    for name in ("cpu", "sql"):
        costs = [(_value(mine, f"{name}_ms"), _value(young, f"{name}_ms")) for mine, young in measured]
        ratios = sorted(times for pair in costs if (times := ratio(*pair)) is not None)
        row[f"{name}_times"] = median(ratios)
        row[f"{name}_range"] = f"{ratios[0]:.2f}-{ratios[-1]:.2f}" if ratios else None
    return row


def _value(row: Row, name: str) -> float | None:
    return number([row], name)


def median(values: Sequence[float | None]) -> float | None:
    """Return the middle of the values that there are; None of none."""
    known = [value for value in values if value is not None]
    return round(statistics.median(known), 3) if known else None


@dataclass(frozen=True, slots=True)
class Goal:
    """A measure and what it should be; `value` is None when it was not measured."""

    name: str
    value: float | None
    limit: float
    at_least: bool = False

    @property
    def verdict(self) -> str:
        if self.value is None:
            return "not measured"
        return "met" if (self.value >= self.limit if self.at_least else self.value <= self.limit) else "MISSED"


def number(rows: Sequence[Row], name: str, **wanted: float | str) -> float | None:
    """Return a figure of the first row that has the wanted values."""
    for row in rows:
        if all(row.get(key) == value for key, value in wanted.items()):
            found = row.get(name)
            return float(found) if isinstance(found, int | float) else None
    return None


def ratio(over: float | None, under: float | None) -> float | None:
    return round(over / under, 3) if over is not None and under else None


def goals(results: Mapping[str, Sequence[Row]]) -> list[Goal]:
    """Hold the results against the goals."""
    ladder, floors = results.get("ladder", ()), results.get("floors", ())
    bare = number(floors, "cpu_ms", floor="openai client")
    missing = [float(str(row["answered"])) - float(str(row["stored"])) for row in ladder]
    isolated = results.get("policies", ())
    sessions, human = results.get("sessions", ()), results.get("human", ())
    return [
        Goal("CPU of a run at 200, of the bare client's", ratio(number(ladder, "cpu_ms", streams=200), bare), 0.6),
        Goal("runs/s at 1,000 streams", number(ladder, "runs_per_s", streams=1000), 120, at_least=True),
        Goal("answered but not stored", max(missing, default=None), 0),
        Goal("failed or cut at 2,000", _lost(ladder, 2000), 0),
        Goal("statements per run at 200", number(ladder, "statements", streams=200), 4),
        Goal("commits per run at 200", number(ladder, "commits", streams=200), 0.3),
        Goal("connections, peak", max((float(str(row["connections"])) for row in ladder), default=None), 12),
        Goal("KB per live stream at 1,000", number(ladder, "memory_kb", streams=1000), 100),
        Goal("KB per stream that waits", number(results.get("waiting", ()), "memory_kb"), 30),
        Goal("token held p99 at 300, human pace, ms", number(human, "held_p99_ms", streams=300, through=_PLAIN), 50),
        Goal("of the ideal rate at 300", number(human, "of_ideal", streams=300, through=_PLAIN), 0.97, at_least=True),
        Goal("CPU with all guards, of none", _of_bare(results.get("guarded", ())), 1.15),
        Goal("CPU at 1,000 runs in a session, of 1", number(sessions, "cpu_times", runs_in_session=1000), 1.1),
        Goal("SQL at 1,000 runs in a session, of 1", number(sessions, "sql_times", runs_in_session=1000), 1.1),
        Goal("approval to first token p50, ms", number(results.get("pauses", ()), "p50_ms", through=_PLAIN), 25),
        Goal("p95 of a run with row-level security, of without", number(isolated, "ratio", asked=A_RUN), 1.05),
        Goal("p95 of the read that surely grew most, of without", _surest(isolated), 1.05),
        Goal("page of 20 of 10,000 sessions p50, ms", number(results.get("page", ()), "p50_ms"), 10),
    ]


def _of_bare(guarded: Sequence[Row]) -> float | None:
    return ratio(number(guarded, "cpu_ms", guards="all"), number(guarded, "cpu_ms", guards="none"))


def _surest(rows: Sequence[Row]) -> float | None:
    """Return the ratio of the read that grew most, less two standard errors: the highest of all may be chance."""
    reads = [row for row in rows if row["asked"] != A_RUN and row["ratio"] is not None]
    surest = max(reads, key=lambda row: float(str(row["ratio"])) - 2 * float(str(row["error"] or 0)), default=None)
    return None if surest is None else float(str(surest["ratio"]))


def _lost(ladder: Sequence[Row], streams: int) -> float | None:
    failed, cut = number(ladder, "failed", streams=streams), number(ladder, "cut", streams=streams)
    return None if failed is None or cut is None else failed + cut
