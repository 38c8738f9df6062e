"""Sessions as a person reads them: what was said, run by run."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.console import principal_of
from accounts.csv_export import Column
from accounts.privacy import access
from accounts.showing import visible
from agents.admin.runs import STATUS_TONES
from agents.engine.spec import JOB
from agents.filters import AgentsFilter
from agents.models import ASKED_FOR, Session
from agents.records import OwnRowsAdmin, since
from agents.services.summaries import newest_of


@admin.register(Session)
class SessionAdmin(OwnRowsAdmin):
    page_template = "agents/session.html"
    list_title = "Sessions"
    empty = {"": ("No conversations yet", "A session begins with somebody's first message to an agent.")}
    list_display = ("called", "agent", "who", "runs_count", "updated")
    list_display_links = ("called",)
    list_filter = (("component_id", AgentsFilter),)
    search_fields = ("=session_id", "name", "user__email")
    search_help_text = "Session id, name or e-mail"
    ordering = ("-updated_at",)
    list_per_page = 50
    csv_columns = (
        Column("Session", "session_id"),
        Column("Name", "name"),
        Column("Agent", "component_id"),
        Column("User", "user.email"),
        Column("Runs", lambda session: session.runs_total),
        Column("Begun", "created_at"),
        Column("Last active", "updated_at"),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        asked_for = ~Q(runs__component_kind=JOB)
        rows: QuerySet[Any] = super().get_queryset(request).annotate(runs_total=Count("runs", filter=asked_for))
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
        reader = principal_of(request)
        runs = access.as_seen(reader, record.runs.filter(ASKED_FOR, parent__isnull=True).order_by("created_at", "id"))
        summary = newest_of(record)
        return {
            "session": record,
            "summary": access.mask_row(reader, summary) if summary else None,
            "runs": [(run, STATUS_TONES[run.status]) for run in runs],
            "crumb": visible(str(record)[:60]),
        }
