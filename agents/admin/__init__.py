"""The admin of runs, sessions and calls to reconcile. Importing this package registers them."""

from __future__ import annotations

from agents.admin import allowed, runs, sessions, steps

__all__ = ["allowed", "runs", "sessions", "steps"]
