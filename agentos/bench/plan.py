"""Which measurements are made, in which order, and what surrounded them."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from agentos.bench import scenes
from agentos.bench.app.agents import bench
from agentos.bench.figures import Row
from agentos.bench.model import FIRST_TOKEN_MS, TOKEN_MS, TOKENS
from agentos.bench.policies import policies
from agentos.bench.stand import Stand
from agentos.serving.progress import Progress

STEPS = (1, 50, 200, 500, 1000, 2000)
QUICK_STEPS = (1, 50, 200)
FLOOR_AFTER = 200
SCENES = ("pauses", "human", "ladder", "floors", "sessions", "page", "policies", "guarded", "waiting", "processes")
QUICK_SCENES = ("ladder", "floors")


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure."""

    scenes: Sequence[str] = SCENES
    steps: Sequence[int] = STEPS


def measure(stand: Stand, plan: Plan, progress: Progress) -> dict[str, list[Row]]:
    """Make the plan's measurements; return the rows of each scene."""
    results: dict[str, list[Row]] = {}

    def scene(name: str, text: str, make: Callable[[], list[Row]]) -> None:
        if name in plan.scenes:
            with progress.stage(name, text):
                results.setdefault(name, []).extend(make())

    like = scenes.warm_up(stand)
    # Before the load: for minutes after it the disk still writes, and sweeps, what thousands of streams have left.
    scene("pauses", f"twice {scenes.PAUSES} approvals", lambda: scenes.pauses(stand))
    if {"human", "ladder"} & {*plan.scenes}:
        with progress.stage("warm", f"{scenes.WARM_STREAMS} streams, not counted"):
            scenes.warmed(stand)
    base = stand.meter.rss_bytes()  # what is kept for all streams that follow is no stream's
    scene("human", "human pace", lambda: scenes.human(stand))
    for streams in plan.steps:
        scene("ladder", f"{streams:,} streams", partial(scenes.ladder, stand, [streams], base))
        if streams == FLOOR_AFTER:
            # Beside the row that it is compared with: a shared machine is not the same a minute later.
            scene("floors", f"bare client and relay, {FLOOR_AFTER} streams", lambda: scenes.floors(stand, FLOOR_AFTER))
    scene("sessions", "runs in old sessions", lambda: scenes.sessions(stand, like))
    scene("page", f"a page of {scenes.PAGE_SESSIONS:,} sessions", lambda: scenes.page(stand, like))
    scene("policies", "with row-level security and without", lambda: policies(stand, like))
    scene("guarded", "with all guards and with none", lambda: scenes.guarded(stand))
    scene("waiting", f"{scenes.WAITING} streams that wait", lambda: scenes.waiting(stand))
    scene("processes", "1, 2 and 4 processes", lambda: scenes.processes(stand))
    return results


def surroundings(stand: Stand) -> Row:
    """Say what was measured where, and what was switched on."""
    (version,) = stand.meter.fetch("SHOW server_version")[0]
    query = "SELECT current_setting('fsync') || ', ' || current_setting('synchronous_commit')"
    (durable,) = stand.meter.fetch(query)[0]
    budgets = stand.meter.fetch("SELECT name FROM governance_budget WHERE is_active")
    return {
        "route": f"POST {scenes.PATH}, server-sent events, one tenant",
        "switched_on": "bearer token, scopes, row-level security, Idempotency-Key, audit chain, durable events",
        "budget": f"on: {', '.join(name for (name,) in budgets)}" if budgets else "off",
        "guards": f"in: {', '.join(bench.guards)}; out: {', '.join(bench.output_guards)}",
        "model": f"sandbox, {TOKENS} tokens, {TOKEN_MS} ms apart after {FIRST_TOKEN_MS} ms",
        "machine": f"{os.cpu_count()} CPUs, {platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "postgresql": f"{version}, fsync and synchronous_commit: {durable}",
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "load_average": round(os.getloadavg()[0], 2),
    }
