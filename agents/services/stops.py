"""Why the runs of a process stop before their next step: its supervisor keeps it, each run's journal asks it."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from agents.services.halted import Halted


@dataclass(slots=True)
class Stops:
    """What was asked for by now: read anew at each tick, and changed at each notification."""

    pausing: set[UUID] = field(default_factory=set)  # the runs that somebody asked to pause
    halted: Halted = field(default_factory=Halted)
    is_draining: bool = False  # this process is going away: it takes no run, and hands its own on
