"""The tables of runs: sessions, runs, their journal, their event log, summaries, allowed models, kill switches."""

from agents.models.allowed import AllowedModels
from agents.models.events import RunEvents
from agents.models.runs import ASKED_FOR, IdempotencyKey, Run, Session, Step
from agents.models.summaries import SessionSummary
from agents.models.switches import KillSwitch, PlatformSwitch

__all__ = [
    "ASKED_FOR",
    "AllowedModels",
    "IdempotencyKey",
    "KillSwitch",
    "PlatformSwitch",
    "Run",
    "RunEvents",
    "Session",
    "SessionSummary",
    "Step",
]
