"""The steps of a run as its page lists them: each with its words, its figures, and whether one can fork there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.utils.dateparse import parse_datetime

from accounts.principals import Principal
from accounts.privacy import access
from agents.engine.status import StepKind, StepState
from agents.models import Run, Step
from agents.services import forks
from agents.services.forks import Place
from agents.timeline import Stretch


@dataclass(frozen=True, slots=True)
class Row:
    """One step on the run's page. `length` is None while it goes on; `place` says whether one forks here."""

    step: Step
    place: Place
    length: timedelta | None
    tokens: int
    cost: str | None
    text: str
    tone: str


_STEP_TONES = {
    StepState.STARTED: "info",
    StepState.WAITING: "warning",
    StepState.ANSWERED: "info",
    StepState.DONE: "success",
    StepState.FAILED: "danger",
    StepState.REFUSED: "default",
    StepState.UNKNOWN: "danger",
}


def listed(run: Run, steps: list[Step]) -> list[Row]:
    """Return the steps of a run in the order of writing."""
    return [
        Row(
            step=step,
            place=forks.place(run, steps, step),
            length=step.ended_at - step.started_at if step.ended_at else None,
            tokens=tokens_of(step),
            cost=(step.usage or {}).get("cost_usd"),
            text=_said(step),
            tone=_STEP_TONES[StepState(step.state)],
        )
        for step in steps
    ]


def tokens_of(step: Step) -> int:
    return int((step.usage or {}).get("total_tokens", 0))


def stretch_of(step: Step, now: datetime) -> Stretch:
    """Return when a step ran and how long of it it waited for a person."""
    said_at = parse_datetime(str((step.answer or {}).get("at", "")))
    return Stretch(step.started_at, max(step.ended_at or now, step.started_at), said_at, "requirement" in step.request)


def _said(step: Step) -> str:
    """Return the text of a model step."""
    return str(step.result.get("text", "")) if step.kind == StepKind.MODEL and isinstance(step.result, dict) else ""


def agent_words(reader: Principal, run_id: UUID, before_seq: int) -> str:
    """Return the last text that the model wrote in a run before a step, as a reader may see it, or nothing."""
    steps = Step.objects.filter(run_id=run_id, kind=StepKind.MODEL, seq__lt=before_seq).order_by("-seq")
    return next((text for text in map(_said, access.as_seen(reader, steps)) if text), "")
