"""Runs and sessions as a person reads them: what was asked, what happened step by step, what it waits for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import Count, Max, QuerySet
from django.http import HttpRequest
from django.utils.dateparse import parse_datetime
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from accounts.console import principal_of
from agentos.core.clock import utc_now
from agents.engine.status import RunStatus, StepKind, StepState
from agents.models import Run, RunEvents, Session, Step
from agents.records import RecordAdmin
from agents.templatetags.console import age, agent_name, span, visible
from agents.timeline import Bar, Stretch, bars

SEE_ALL = "runs:read_all"
STATUS_TONES = {
    "pending": "info",
    "running": "info",
    "paused": "warning",
    "completed": "success",
    "cancelled": "default",
    "error": "danger",
}


class OwnRowsAdmin(RecordAdmin):
    """Rows of users: everyone reads her own, the holder of SEE_ALL the whole tenant's."""

    scopes = ("runs:read", SEE_ALL)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        principal = principal_of(request)
        rows: QuerySet[Any] = super().get_queryset(request).filter(tenant_id=principal.tenant_id)
        rows = rows.select_related("user")
        return rows if principal.has(SEE_ALL) else rows.filter(user_id=principal.user_id)

    @admin.display(description="Agent", ordering="component_id")
    def agent(self, record: Run | Session) -> str:
        return agent_name(record.component_id)


@admin.register(Run)
class RunAdmin(OwnRowsAdmin):
    page_template = "agents/run.html"
    list_title = "Runs"
    empty_title = "No runs yet"
    empty_text = "A run appears here as soon as somebody asks an agent something."
    list_display = ("asked", "agent", "user", "shown_status", "started", "took", "tokens")
    list_display_links = ("asked",)
    list_filter = ("status", "component_id", "is_demo")
    search_fields = ("=id", "=session__session_id", "input", "user__email")
    search_help_text = "Run id, session id, message or e-mail"
    ordering = ("-created_at",)
    list_per_page = 50

    @admin.display(description="Asked")
    def asked(self, run: Run) -> SafeString:
        text = (run.input or "(blocked by a guardrail)")[:160]
        return format_html('<span class="ao-what">{}</span>{}', visible(text), demo_label(run.is_demo))

    @display(description="Status", ordering="status", label=STATUS_TONES)  # type: ignore[untyped-decorator]  # unfold has no types
    def shown_status(self, run: Run) -> tuple[str, str]:
        return run.status, run.status

    @admin.display(description="Started", ordering="created_at")
    def started(self, run: Run) -> SafeString:
        return since(run.created_at)

    @admin.display(description="Took")
    def took(self, run: Run) -> str:
        return span((run.ended_at or utc_now()) - run.created_at)

    @admin.display(description="Tokens")
    def tokens(self, run: Run) -> str:
        return f"{run.usage.get('total_tokens', 0):,}"

    def page_context(self, request: HttpRequest, record: Run) -> dict[str, Any]:
        steps = list(Step.objects.filter(run=record).order_by("seq"))
        last_seq = RunEvents.objects.filter(run_id=record.root_id).aggregate(last=Max("last_seq"))["last"]
        return {
            "run": record,
            "tone": STATUS_TONES[record.status],
            "rows": timeline(steps, utc_now()),
            "waiting": [step for step in steps if step.state in (StepState.WAITING, StepState.UNKNOWN)],
            "took": (record.ended_at or utc_now()) - record.created_at,
            "events": last_seq or 0,
            "children": record.children.order_by("created_at"),
            "own": record.user_id == request.user.pk,
            "live": not RunStatus(record.status).is_final,
            "crumb": visible((record.input or str(record))[:60]),
        }


@admin.register(Session)
class SessionAdmin(OwnRowsAdmin):
    page_template = "agents/session.html"
    list_title = "Sessions"
    empty_title = "No conversations yet"
    empty_text = "A session begins with somebody's first message to an agent."
    list_display = ("called", "agent", "user", "runs_count", "updated")
    list_display_links = ("called",)
    list_filter = ("component_id",)
    search_fields = ("=session_id", "name", "user__email")
    search_help_text = "Session id, name or e-mail"
    ordering = ("-updated_at",)
    list_per_page = 50

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request).annotate(runs_total=Count("runs"))
        return rows

    @admin.display(description="Session", ordering="name")
    def called(self, session: Session) -> SafeString:
        return format_html('<span class="ao-what">{}</span>', visible(session.name or session.session_id))

    @admin.display(description="Runs", ordering="runs_total")
    def runs_count(self, session: Any) -> int:
        return int(session.runs_total)

    @admin.display(description="Last active", ordering="updated_at")
    def updated(self, session: Session) -> SafeString:
        return since(session.updated_at)

    def page_context(self, request: HttpRequest, record: Session) -> dict[str, Any]:
        runs = record.runs.filter(parent__isnull=True).order_by("created_at")
        return {
            "session": record,
            "runs": [(run, STATUS_TONES[run.status]) for run in runs],
            "crumb": visible(str(record)[:60]),
        }


@dataclass(frozen=True, slots=True)
class Row:
    """One step on the run's page. `length` is None while it goes on."""

    step: Step
    bar: Bar
    length: timedelta | None
    tokens: int
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


def timeline(steps: Sequence[Step], now: datetime) -> list[Row]:
    """Return the steps with their bars, in the order of writing."""
    drawn = bars([_stretch(step, now) for step in steps])
    return [
        Row(
            step=step,
            bar=bar,
            length=step.ended_at - step.started_at if step.ended_at else None,
            tokens=int((step.usage or {}).get("total_tokens", 0)),
            text=_said(step),
            tone=_STEP_TONES[StepState(step.state)],
        )
        for step, bar in zip(steps, drawn, strict=True)
    ]


def _stretch(step: Step, now: datetime) -> Stretch:
    said_at = parse_datetime(str((step.answer or {}).get("at", "")))
    return Stretch(step.started_at, max(step.ended_at or now, step.started_at), said_at, "requirement" in step.request)


def _said(step: Step) -> str:
    """Return the text of a model step."""
    return str(step.result.get("text", "")) if step.kind == StepKind.MODEL and isinstance(step.result, dict) else ""


def agent_words(run_id: UUID, before_seq: int) -> str:
    """Return the last text that the model wrote in a run before a step, or nothing."""
    spoken = Step.objects.filter(run_id=run_id, kind=StepKind.MODEL, seq__lt=before_seq).order_by("-seq")
    return next((text for text in map(_said, spoken) if text), "")


def since(moment: datetime) -> SafeString:
    """Show how long ago, with the exact time for whoever points at it."""
    return format_html('<time datetime="{0}" title="{0}">{1}</time>', moment.isoformat(timespec="seconds"), age(moment))


def demo_label(is_demo: bool) -> SafeString:
    return SafeString('<span class="ao-demo" title="Made by the seed">demo</span>' if is_demo else "")
