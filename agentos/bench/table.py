"""Writes the results as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from agentos.bench.figures import Goal, Row
from agentos.bench.scenes import WARM_RUNS, WARM_STREAMS

_LADDER = {
    "streams": "streams",
    "runs_per_s": "runs/s",
    "first_event_p50_ms": "event p50",
    "first_event_p99_ms": "p99",
    "first_token_p50_ms": "token p50",
    "first_token_p99_ms": "p99",
    "stall_p99_ms": "stall p99",
    "stall_max_ms": "max",
    "held_p50_ms": "held p50",
    "held_p99_ms": "p99",
    "server_cpu_ms": "CPU server",
    "database_cpu_ms": "PostgreSQL",
    "memory_kb": "KB/stream",
    "connections": "conns",
    "statements": "stmts/run",
    "commits": "commits",
    "answered": "answered",
    "stored": "stored",
    "refused": "refused",
    "failed": "failed",
    "cut": "cut",
}
_FLOORS = {
    "floor": "floor",
    "streams": "streams",
    "runs_per_s": "runs/s",
    "first_token_p50_ms": "token p50",
    "first_token_p99_ms": "p99",
    "stall_p99_ms": "stall p99",
    "stall_max_ms": "max",
    "held_p50_ms": "held p50",
    "held_p99_ms": "p99",
    "cpu_ms": "CPU ms/run",
}
_SPENT = {"runs_per_s": "runs/s", "cpu_ms": "CPU ms/run", "sql_ms": "SQL ms/run", "statements": "stmts/run"}
SECTIONS: dict[str, tuple[str, dict[str, str]]] = {
    "ladder": (
        f"One process, warmed up by {WARM_RUNS} runs in {WARM_STREAMS} streams that are not counted; "
        "times in ms, CPU in ms per run, all rows stored",
        _LADDER,
    ),
    "floors": ("Floors: what reading the same streams costs without the product", _FLOORS),
    "pauses": (
        "Approval to first token, over the model's own time, ms",
        {"through": "through", "pauses": "n", "p50_ms": "p50", "p99_ms": "p99"},
    ),
    "sessions": (
        "Runs in sessions of an age, 10 streams, their share of the summaries counted: medians of rounds by turns, "
        "and of how many times what runs in young sessions cost in the same round",
        {"runs_in_session": "runs in session", "runs": "runs"}
        | _SPENT
        | {"cpu_times": "CPU of 1's", "cpu_range": "from-to", "sql_times": "SQL of 1's", "sql_range": "from-to"},
    ),
    "page": (
        "GET /api/sessions?limit=20 of 10,000 sessions with 20 runs each, ms",
        {"requests": "n", "p50_ms": "p50", "p99_ms": "p99", "total": "total"},
    ),
    "policies": (
        "Row-level security: the same with it and, in the bench's own database, without it, ms. p50 and p95 are of all "
        "requests together; ratio: of the p95s with and without it in the same short turn, the median of all turns",
        {"asked": "asked", "requests": "n", "p50_ms": "p50", "bare_p50_ms": "without", "p95_ms": "p95"}
        | {"bare_p95_ms": "without", "pooled": "of it", "turns": "turns", "ratio": "ratio", "error": "+-"},
    ),
    "human": (
        "Human pace: 20 tokens a second; times in ms, held p99 in what the model's pace makes of it and the rest",
        {"streams": "streams", "through": "through", "first_token_p50_ms": "token p50", "first_token_p99_ms": "p99"}
        | {"held_p50_ms": "held p50", "held_p99_ms": "p99", "pace_ms": "of it pace", "own_ms": "own"}
        | {"of_ideal": "of ideal rate", "cores": "cores used"},
    ),
    "guarded": (
        "Helpdesk with all guards, gates and audit, and plain, by turns: medians",
        {"guards": "guards", "streams": "streams"} | _SPENT | {"held_p50_ms": "held p50", "held_p99_ms": "p99"},
    ),
    "waiting": ("Streams that wait for an approval", {"streams": "streams", "memory_kb": "KB/stream"}),
    "processes": ("Processes, 200 streams", {"processes": "processes"} | _LADDER),
}


def render(title: str, rows: Sequence[Row], columns: Mapping[str, str]) -> Iterator[str]:
    """Yield a table's lines, numbers to the right."""
    cells = [[_shown(row.get(name)) for name in columns] for row in rows]
    heads = list(columns.values())
    widths = [max(len(line[place]) for line in [heads, *cells]) for place in range(len(heads))]
    yield title
    for line in [heads, *cells]:
        yield "  " + "  ".join(text.rjust(width) for text, width in zip(line, widths, strict=True))


def report(results: Mapping[str, Sequence[Row]], goals: Sequence[Goal]) -> Iterator[str]:
    """Yield everything that was measured, then how it stands against the goals."""
    for name, (title, columns) in SECTIONS.items():
        if rows := results.get(name):
            yield from render(title, rows, columns)
            yield ""
    measured = [goal for goal in goals if goal.value is not None]
    rows = [
        {"name": goal.name, "value": goal.value, "sign": ">=" if goal.at_least else "<=", "limit": goal.limit,
         "verdict": goal.verdict}
        for goal in measured
    ]  # fmt: skip
    if rows:
        heads = {"name": "measure", "value": "found", "sign": "", "limit": "goal", "verdict": ""}
        yield from render("Goals", rows, heads)


_DECIMALS = ((1000, 0), (10, 1), (1, 2), (0.0005, 3), (0, 0))  # from this number on, so many


def _shown(value: float | int | str | None) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        decimals = next(places for least, places in _DECIMALS if abs(value) >= least)
        return f"{value:,.{decimals}f}"
    return f"{value:,}" if isinstance(value, int) else value
