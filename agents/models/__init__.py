"""The tables of runs: sessions, runs, their journal and their event log."""

from agents.models.events import RunEvents
from agents.models.runs import IdempotencyKey, Run, Session, Step

__all__ = ["IdempotencyKey", "Run", "RunEvents", "Session", "Step"]
