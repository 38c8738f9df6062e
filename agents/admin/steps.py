"""Calls that may have happened: what is known of each, and the form by which an operator says what became of it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.dateparse import parse_datetime
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.console import outside_scope, page_scope, principal_of, scope_of
from accounts.csv_export import Column
from accounts.models import User
from accounts.privacy import access
from accounts.showing import spelled_out, visible
from agentos.core.errors import CallerError, Invalid
from agentos.core.ids import parse_id
from agentos.core.types import Json, JsonObject
from agents import selectors, steering
from agents.admin.trace import agent_words
from agents.engine.status import RunStatus, StepState
from agents.filters import ValuesFilter
from agents.models import Step
from agents.records import RecordAdmin, demo_label, since
from agents.services import reconcile
from agents.services.reconcile import Outcome
from agents.templatetags.console import agent_name
from agents.wiring import runtime

RECONCILE_TAB = "reconcile"
FIELDS = ("outcome", "reason", "result")


@admin.register(Step)
class StepAdmin(RecordAdmin):
    """Lists the calls that wait to be reconciled; the page of one stays when it is settled."""

    page_template = "agents/step/page.html"
    scopes = (reconcile.SCOPE,)
    list_title = "To reconcile"
    empty = {
        RECONCILE_TAB: (
            "Nothing to reconcile",
            "When a process dies in the middle of a call that changes something, the call waits here.",
        ),
    }
    list_display = ("what", "requester", "agent", "begun", "run_status")
    list_display_links = ("what",)
    list_filter = (("name", ValuesFilter),)
    search_fields = ("=id", "=run__id", "name", "user__email")
    search_help_text = "Tool, e-mail, step id or run id"
    ordering = ("started_at",)
    list_per_page = 50
    csv_columns = (
        Column("Call", "id"),
        Column("Tool", "name"),
        Column("Requester", "user.email"),
        Column("Agent", "run.component_id"),
        Column("Run", lambda row: str(row.run_id)),
        Column("Begun", "started_at"),
        Column("Asked for", "request"),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Step]:
        reader = principal_of(request)
        return access.as_seen(reader, selectors.reconcilable(reader))

    def tab_of(self, request: HttpRequest) -> str:
        return RECONCILE_TAB

    def of_tab(self, request: HttpRequest, rows: QuerySet[Step], tab: str) -> QuerySet[Step]:
        return rows.filter(state=StepState.UNKNOWN)

    @admin.display(description="What")
    def what(self, step: Step) -> SafeString:
        text = visible(effect_of(step))
        return format_html('<span class="ao-what" data-testid="what">{}</span>{}', text, demo_label(step.run.is_demo))

    @admin.display(description="Requester", ordering="user")
    def requester(self, step: Step) -> SafeString:
        return visible(step.user)

    @admin.display(description="Agent", ordering="run__component_id")
    def agent(self, step: Step) -> SafeString:
        return visible(agent_name(step.run.component_id))

    @admin.display(description="Begun", ordering="started_at")
    def begun(self, step: Step) -> SafeString:
        return since(step.started_at)

    @admin.display(description="Run", ordering="run__status")
    def run_status(self, step: Step) -> str:
        return "waits for this" if step.run.status == RunStatus.PAUSED else str(step.run.status)

    def get_urls(self) -> list[URLPattern]:
        settle = self.admin_site.admin_view(self.settle_view)
        return [path("<uuid:step_id>/reconcile/", settle, name="agents_step_reconcile"), *super().get_urls()]

    @outside_scope
    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        try:
            return self._evidence_page(request, object_id)
        except (Http404, PermissionDenied):
            if place := _in_its_run(request, object_id):
                return HttpResponseRedirect(place)
            raise

    @outside_scope
    def settle_view(self, request: HttpRequest, step_id: UUID) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        with scope_of(request):
            step = self.record(request, step_id)
        said = {name: request.POST.get(name, "") for name in FIELDS}
        try:
            outcome, result = _outcome(said["outcome"]), said["result"] if said["result"].strip() else None
            async_to_sync(steering.settle)(
                runtime(),
                principal_of(request),
                step.run_id,
                step.pk,
                outcome,
                said["reason"],
                result,
            )
        except CallerError as error:
            return self._evidence_page(request, step_id, said, error)
        messages.success(request, format_html("Reconciled: {}", visible(effect_of(step))))
        return HttpResponseRedirect(reverse("admin:agents_step_change", args=[step_id]))

    def _evidence_page(
        self,
        request: HttpRequest,
        step_id: str | UUID,
        said: JsonObject | None = None,
        error: CallerError | None = None,
    ) -> HttpResponse:
        """Show the call; the tool is asked what it knows while no transaction is open."""
        with scope_of(request):
            step = self.record(request, step_id)
        extra = {"lookup": _looked_up(request, step), "said": said or {}}
        with page_scope(request):
            step = self.record(request, step_id)
            shown = self.refused(request, step, error, extra) if error else self.page(request, step, extra=extra)
            return shown.render()

    def page_context(self, request: HttpRequest, record: Step) -> dict[str, Any]:
        waiting = self.get_queryset(request).filter(state=StepState.UNKNOWN).order_by("started_at")
        by = parse_id(str((record.answer or {}).get("by", "")))
        return {
            "step": record,
            "run": record.run,
            "effect": effect_of(record),
            "is_unknown": record.state == StepState.UNKNOWN,
            "run_goes_on": not RunStatus(record.run.status).is_final,
            "settled_at": parse_datetime(str((record.answer or {}).get("at", ""))),
            "settled_by": User.objects.filter(id=by).first() if by else None,
            "agent_words": agent_words(principal_of(request), record.run_id, record.seq),
            "next": waiting.exclude(id=record.id).first(),
            "title": spelled_out(effect_of(record)),
            "crumb": visible(effect_of(record)[:60]),
        }


def effect_of(step: Step) -> str:
    """Return in plain words what a call does."""
    return str(step.request.get("requirement", {}).get("effect_text") or step.name)


def _outcome(text: str) -> Outcome:
    try:
        return Outcome(text)
    except ValueError:
        raise Invalid("Choose what became of it.") from None


def _in_its_run(request: HttpRequest, step_id: str) -> str:
    """Return where the page of its run shows a step that nobody has to reconcile; "" for one that she doesn't see."""
    if (known := parse_id(step_id)) is None:
        return ""
    with scope_of(request):
        step = Step.objects.filter(id=known, run__in=selectors.visible_runs(principal_of(request))).first()
    return f"{reverse('admin:agents_run_change', args=[step.run_id])}#step-{known}" if step else ""


def _looked_up(request: HttpRequest, step: Step) -> Json:
    """Return {result, error} of the tool's look-up; None when it has none, or there is nothing to find out."""
    if step.state != StepState.UNKNOWN:
        return None
    try:
        found = async_to_sync(steering.evidence)(runtime(), principal_of(request), step.run_id, step.pk)
    except CallerError as error:
        return {"result": None, "error": error.detail}
    return found["lookup"]
