"""The admin of runs, sessions and calls to reconcile. Importing this package registers them."""

from __future__ import annotations

from agents.admin import runs, sessions, steps

__all__ = ["runs", "sessions", "steps"]
