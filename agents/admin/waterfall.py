"""The trace of a run as one picture: a line for each step, its members' runs under it, drawn by `run/trace.svg`.

Widths are percentages, so that the same picture fits a phone; heights are pixels.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from accounts.showing import spelled_out
from agents.admin.trace import stretch_of, tokens_of
from agents.engine.status import StepState
from agents.models import Run, Step
from agents.templatetags.console import agent_name, span, usd
from agents.timeline import Bar, Tick, bars, ticks

MOST_LINES = 200
MOST_LEVELS = 8
HEAD_PX, LINE_PX, INDENT_PX = 22, 36, 14
LABEL_CHARACTERS = 30
_WRONG = (StepState.FAILED, StepState.UNKNOWN)
_REFUSED = (StepState.REFUSED,)


@dataclass(frozen=True, slots=True)
class Line:
    """One step in the picture; `top` and `indent` in pixels, `figures` what it took, `tells` all of it in words."""

    step: Step
    top: int
    indent: int
    label: str
    figures: str
    tells: str
    tone: str
    bar: Bar


@dataclass(frozen=True, slots=True)
class Waterfall:
    """A run's picture; `left_out` counts the steps that it has no room for."""

    lines: list[Line]
    ticks: list[Tick]
    tells: str
    left_out: int

    @property
    def height(self) -> int:
        return HEAD_PX + LINE_PX * len(self.lines)


def waterfall(run: Run, now: datetime) -> Waterfall:
    """Return the picture of a run and of its members' runs, as far as the reader sees their steps."""
    placed = list(_tree(run))
    shown = placed[:MOST_LINES]
    stretches = [stretch_of(step, now) for step, _, _ in shown]
    lines = [
        _line(number, step, level, whose, bar, now)
        for number, ((step, level, whose), bar) in enumerate(zip(shown, bars(stretches), strict=True))
    ]
    steps = [step for step, _, _ in placed]
    return Waterfall(lines, ticks(stretches), _summary(steps, now), len(placed) - len(shown))


def _tree(run: Run) -> Iterator[tuple[Step, int, str]]:
    """Yield each step with its level and, in a member's run, the member; a member's steps follow what came before."""
    family = {run.pk: run, **{child.pk: child for child in Run.objects.filter(root_id=run.root_id)}}
    steps: dict[UUID, list[Step]] = defaultdict(list)
    for step in Step.objects.filter(run_id__in=family).order_by("seq", "id"):
        steps[step.run_id].append(step)
    members: dict[UUID | None, list[Run]] = defaultdict(list)
    for child in sorted(family.values(), key=lambda child: child.created_at):
        members[child.parent_id].append(child)
    yield from _branch(run, 0, steps, members)


def _branch(
    run: Run, level: int, steps: dict[UUID, list[Step]], members: dict[UUID | None, list[Run]]
) -> Iterator[tuple[Step, int, str]]:
    whose, waiting = agent_name(run.component_id) if level else "", list(members[run.pk])
    for step in steps[run.pk]:
        while waiting and waiting[0].created_at < step.started_at and level < MOST_LEVELS:
            yield from _branch(waiting.pop(0), level + 1, steps, members)
        yield step, level, whose
    for child in waiting if level < MOST_LEVELS else ():
        yield from _branch(child, level + 1, steps, members)


def _line(number: int, step: Step, level: int, whose: str, bar: Bar, now: datetime) -> Line:
    name = spelled_out(f"{whose}: {step.name}" if whose else step.name)
    label = name if len(name) <= LABEL_CHARACTERS else f"{name[: LABEL_CHARACTERS - 1]}…"
    figures = _figures(step, now)
    return Line(
        step=step,
        top=HEAD_PX + LINE_PX * number,
        indent=INDENT_PX * level,
        label=label,
        figures=" · ".join(figures),
        tells=", ".join([f"{step.kind} {name}", step.state, *figures]),
        tone="wrong" if step.state in _WRONG else "refused" if step.state in _REFUSED else step.kind,
        bar=bar,
    )


def _figures(step: Step, now: datetime) -> list[str]:
    """Return what a step took: its state where that is not simply done, its time, its tokens, its cost."""
    cost, tokens = (step.usage or {}).get("cost_usd"), tokens_of(step)
    state = [] if step.state == StepState.DONE else [step.state]
    time = [span((step.ended_at or now) - step.started_at)] if step.state != StepState.REFUSED else []
    return [*state, *time, *([f"{tokens:,} tokens"] if tokens else []), *([usd(cost)] if cost is not None else [])]


def _summary(steps: Sequence[Step], now: datetime) -> str:
    """Say in words what the picture shows, for whoever does not see it."""
    if not steps:
        return "No step was written."
    begun, ended = min(step.started_at for step in steps), max(step.ended_at or now for step in steps)
    wrong = sum(step.state in _WRONG for step in steps)
    waited = sum((_waited(step, now) for step in steps), timedelta())
    parts = [f"{len(steps)} step{'s' if len(steps) != 1 else ''} in {span(ended - begun)}"]
    parts += [f"{span(waited)} of it waiting for a person"] if waited else []
    parts += [f"{wrong} failed or unknown"] if wrong else []
    return ", ".join(parts) + "."


def _waited(step: Step, now: datetime) -> timedelta:
    stretch = stretch_of(step, now)
    if not stretch.waits:
        return timedelta()
    return max(min(stretch.answered or stretch.end, stretch.end) - stretch.start, timedelta())
