"""Runs as a person reads them: what was asked, what happened step by step, what it waits for."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import Max, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from accounts.console import principal_of
from accounts.csv_export import Column
from accounts.privacy import access
from accounts.showing import spelled_out, visible
from agentos.core.clock import utc_now
from agents import selectors
from agents.admin.controls import RunControls, controls_of
from agents.admin.trace import listed
from agents.admin.waterfall import waterfall
from agents.engine.status import RunStatus, StepState
from agents.filters import AgentsFilter, DaysFilter, GuardFilter, HoldingFilter
from agents.models import ASKED_FOR, Run, RunEvents
from agents.records import SEE_ALL, demo_label, since
from agents.services import forks
from agents.templatetags.console import span

GIVEN_UP_TAB, BACKGROUND_TAB = "given-up", "background"
STATUS_TONES = {
    "pending": "info",
    "running": "info",
    "paused": "warning",
    "completed": "success",
    "cancelled": "default",
    "error": "danger",
}


def words_of(run: Run) -> str:
    """Return what was asked; the end of the run's id besides for whom that is masked: all would look the same."""
    if run.input == access.MASK:
        return f"{access.MASK} {str(run.pk)[-8:]}"
    return run.input or "(blocked by a guardrail)"


@admin.register(Run)
class RunAdmin(RunControls):
    page_template = "agents/run/page.html"
    list_title = "Runs"
    empty = {
        "": ("No runs yet", "A run appears here as soon as somebody asks an agent something."),
        BACKGROUND_TAB: (
            "No background work yet",
            "Runs that write the summaries of long sessions are listed here.",
        ),
        GIVEN_UP_TAB: ("No run was given up", "One that was interrupted too often waits here to be run again."),
    }
    list_display = ("asked", "agent", "who", "shown_status", "started", "took", "tokens")
    list_display_links = ("asked",)
    list_filter = ("status", DaysFilter, HoldingFilter, GuardFilter, ("component_id", AgentsFilter), "is_demo")
    search_fields = ("=id", "=session__session_id", "input", "user__email")
    search_help_text = "Run id, session id, message or e-mail"
    ordering = ("-created_at",)
    list_per_page = 50
    csv_columns = (
        Column("Run", "id"),
        Column("Session", "session.session_id"),
        Column("Agent", "component_id"),
        Column("User", "user.email"),
        Column("Status", "status"),
        Column("Error", "error_code"),
        Column("Model", "model"),
        Column("Started", "created_at"),
        Column("Ended", "ended_at"),
        Column("Tokens", lambda run: run.usage.get("total_tokens", 0)),
        Column("Cost in USD", "cost_usd"),
        Column("Asked", "input"),
        Column("Answer", "output"),
    )

    @admin.display(description="Asked")
    def asked(self, run: Run) -> SafeString:
        return format_html('<span class="ao-what">{}</span>{}', visible(words_of(run)[:160]), demo_label(run.is_demo))

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

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        return rows if principal_of(request).has(SEE_ALL) else rows.filter(ASKED_FOR)

    def of_tab(self, request: HttpRequest, rows: QuerySet[Run], tab: str) -> QuerySet[Run]:
        if tab == BACKGROUND_TAB:
            return rows.filter(~ASKED_FOR)
        rows = rows.filter(ASKED_FOR)
        if tab == GIVEN_UP_TAB:
            return rows.filter(pk__in=selectors.given_up(principal_of(request)).values("pk"))
        return rows

    def get_urls(self) -> list[URLPattern]:
        trace = path("<uuid:run_id>/trace.svg", self.admin_site.admin_view(self.trace_view), name="agents_run_trace")
        return [trace, *super().get_urls()]

    def trace_view(self, request: HttpRequest, run_id: UUID) -> HttpResponse:
        """Answer with the picture of the trace alone."""
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        picture = waterfall(self.record(request, run_id), utc_now())
        context = {"picture": picture, "alone": True}
        return TemplateResponse(request, "agents/run/trace.svg", context, content_type="image/svg+xml")

    def page_context(self, request: HttpRequest, record: Run) -> dict[str, Any]:
        principal = principal_of(request)
        steps = list(selectors.steps_of(principal, record).order_by("seq", "id"))
        last_seq = RunEvents.objects.filter(run_id=record.root_id).aggregate(last=Max("last_seq"))["last"]
        return {
            "run": record,
            "tone": STATUS_TONES[record.status],
            "controls": controls_of(principal, record, steps),
            "rows": listed(record, steps),
            "picture": waterfall(record, utc_now()),
            "fork_obstacle": forks.obstacle(principal, record),
            "waiting": [step for step in steps if step.state in (StepState.WAITING, StepState.UNKNOWN)],
            "reconciles": principal.has("steps:reconcile"),
            "took": (record.ended_at or utc_now()) - record.created_at,
            "events": last_seq or 0,
            "children": record.children.order_by("created_at", "id"),
            "rerun": record.reruns.first(),
            "own": record.user_id == request.user.pk,
            "live": not RunStatus(record.status).is_final,
            "title": spelled_out(asked := words_of(record)[:60]),
            "crumb": visible(asked),
        }
