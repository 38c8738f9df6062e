"""The tables of runs: sessions, runs, their journal, their event log, summaries, and the models they may use."""

from agents.models.allowed import AllowedModels
from agents.models.events import RunEvents
from agents.models.runs import ASKED_FOR, IdempotencyKey, Run, Session, Step
from agents.models.summaries import SessionSummary

__all__ = ["ASKED_FOR", "AllowedModels", "IdempotencyKey", "Run", "RunEvents", "Session", "SessionSummary", "Step"]
