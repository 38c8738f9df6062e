"""What is read of a run while the decision that lets it go on is being committed: who takes it waits for neither.

Whoever decides holds the run's lock, and nobody writes to its journal without that: what is read meanwhile is what
stands there with the commit, but for the step that is being decided, which comes along.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from agents.engine.history import History
from agents.engine.steps import StepRecord


@dataclass(slots=True)
class Ahead:
    """A run's journal to its end, and what it is told of its session, as they are being read; None is not read yet."""

    journal: asyncio.Future[tuple[list[StepRecord], int]] | None = None
    history: asyncio.Future[History] | None = None
