"""The approval inbox: what waits for a decision, a page with all that an approver needs, the form that decides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync
from django.contrib import admin, messages
from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from accounts.console import outside_scope, page_scope, principal_of, scope_of
from accounts.csv_export import Column
from accounts.principals import Principal
from accounts.privacy import access
from accounts.showing import spelled_out, visible
from agentos.core.clock import utc_now
from agentos.core.errors import CallerError, Invalid
from agentos.core.types import JsonObject
from agents import selectors as agent_selectors
from agents.admin.trace import agent_words
from agents.filters import AgentsFilter, DaysFilter, ValuesFilter
from agents.models import Step
from agents.records import demo_label, since
from agents.templatetags.console import agent_name, remaining
from governance import editing, selectors, watching
from governance.models import Approval, ApprovalStatus
from governance.pages import approval as approval_page
from governance.pages import edit_form
from governance.pages.bulk import TogetherAdmin
from governance.services import approvals, questions

STATUS_TONES = {
    "pending": "warning",
    "approved": "success",
    "rejected": "danger",
    "expired": "default",
    "cancelled": "default",
    "void": "default",
}
_OUTCOME_TONES = {"done": "success", "failed": "danger", "refused": "danger", "unknown": "danger", "running": "info"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the call. `moves` says that it is worth looking again soon."""

    word: str
    result: Any = None
    error: str = ""
    step_id: UUID | None = None

    @property
    def tone(self) -> str:
        return _OUTCOME_TONES.get(self.word, "default")

    @property
    def moves(self) -> bool:
        return self.word in ("not started", "running")


def outcome_word(approval: Approval) -> str:
    """Return in words what became of an approval's call."""
    if approval.status == ApprovalStatus.PENDING:
        return "waiting"
    if approval.status != ApprovalStatus.APPROVED:
        return "never ran"
    return selectors.outcome(approval).replace("_", " ")


def _edit_fields(principal: Principal, approval: Approval, sent: dict[str, str] | None = None) -> list[edit_form.Field]:
    """Return the fields for whoever may edit; she sees arguments as they are, or edits nothing."""
    if not (principal.has("approvals:decide") and principal.has(selectors.SENSITIVE)):
        return []
    return edit_form.fields(approval.arguments, sent)


def _unmasked(principal: Principal, approval_id: UUID) -> JsonObject:
    """Return the arguments as they would be used. Raises: NotFound."""
    return selectors.get(principal, approval_id).arguments  # type: ignore[no-any-return]


def _sent(request: HttpRequest, shown: Approval, error: CallerError) -> dict[str, Any]:
    """Return what was sent and refused, for the form that shows it again."""
    sent: dict[str, Any] = {"reason": request.POST.get("reason", ""), "is_late": error.code == "approval_decided"}
    sent["is_reason_wrong"] = error.code.startswith("reason_")
    if request.POST.get("decision") == "edit":
        fields = _edit_fields(principal_of(request), shown, request.POST.dict())
        sent |= {"edited": True, "edit_fields": fields}
    return sent


def _told(approval: Approval, decision: str) -> str:
    """Say what her vote has come to."""
    if approval.status == ApprovalStatus.PENDING:
        return "Proposed, and waits for others" if decision == "edit" else "Your vote counts, and it waits for others"
    return "Rejected" if decision == "reject" else "Approved"


def words_of(approval: Approval) -> str:
    """Return what it will do; for whom that is masked, which tool will do it."""
    return f"{approval.tool_name}: {access.MASK}" if approval.effect_text == access.MASK else approval.effect_text


def _page_of(approval_id: UUID) -> str:
    return reverse("admin:governance_approval_change", args=[approval_id])


def _to(approval_id: UUID) -> HttpResponse:
    """Lead to a request's own page: whoever opens the address of one of its forms, too."""
    return HttpResponseRedirect(_page_of(approval_id))


def may_ask(approval: Approval, principal: Principal) -> bool:
    """Tell whether she may ask the requester something; the service checks it again."""
    waits = approval.status == ApprovalStatus.PENDING and approval.expires_at > utc_now()
    return waits and principal.has("approvals:decide") and approval.requester_id != principal.user_id


@admin.register(Approval)
class ApprovalAdmin(TogetherAdmin):
    page_template = "governance/approval.html"
    list_title = "Approval inbox"
    empty = {
        selectors.MINE: (
            "Nothing waits for you",
            "When an agent wants to do something that needs your consent, it appears here.",
        ),
        selectors.OTHERS: (
            "Nothing waits for others",
            "When an agent wants to do something that somebody else has to allow, it appears here.",
        ),
        selectors.DECIDED: ("Nothing was decided yet", "What was approved, rejected or expired appears here."),
    }
    list_display = ("what", "who", "agent", "waited", "expires", "decided", "shown_status", "outcome")
    list_display_links = ("what",)
    list_filter = ("status", DaysFilter, ("tool_name", ValuesFilter), ("component_id", AgentsFilter))
    search_fields = ("=id", "=run__id", "effect_text", "requester__email")
    search_help_text = "What, e-mail, approval id or run id"
    list_per_page = 50
    csv_columns = (
        Column("Approval", "id"),
        Column("What", "effect_text", "requester_id"),
        Column("Tool", "tool_name"),
        Column("Arguments", "arguments", "requester_id"),
        Column("Agent", "component_id"),
        Column("Requester", "requester.email", "requester_id"),
        Column("Status", "status"),
        Column("Outcome", lambda approval: outcome_word(approval)),
        Column("Decided by", "decided_by.email", "decided_by_id"),
        Column("Reason", "reason", "decided_by_id"),
        Column("Asked", "created_at"),
        Column("Decided", "decided_at"),
        Column("Expires", "expires_at"),
        Column("Run", lambda row: str(row.run_id)),
    )

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let everybody in: who may not read approvals sees her own."""
        return getattr(request, "principal", None) is not None

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        """Leave out what says the same in each row: what waits has no outcome yet, what is decided ends no more.

        When something was asked stands on its page, once it is decided.
        """
        same = {
            selectors.MINE: ("decided", "shown_status", "outcome"),
            selectors.OTHERS: ("decided", "shown_status", "outcome"),
            selectors.DECIDED: ("waited", "expires"),
        }.get(self.tab_of(request), ("decided",))
        return tuple(name for name in self.list_display if name not in same)

    def get_list_filter(self, request: HttpRequest) -> Any:
        """Leave out the status where all of a tab has the same."""
        waits = self.tab_of(request) in (selectors.MINE, selectors.OTHERS)
        return [one for one in super().get_list_filter(request) if not (waits and one == "status")]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Approval]:
        reader = principal_of(request)
        return access.as_seen(reader, selectors.visible(reader))

    def tab_of(self, request: HttpRequest) -> str:
        return super().tab_of(request) or selectors.first_tab(principal_of(request))

    def of_tab(self, request: HttpRequest, rows: QuerySet[Approval], tab: str) -> QuerySet[Approval]:
        return selectors.of_tab(rows, principal_of(request), tab)

    def get_ordering(self, request: HttpRequest) -> Any:
        """Put what waits first, the oldest on top; then what is decided, what was decided last on top."""
        waiting, decided = F("waiting_since").asc(nulls_last=True), F("decided_at").desc(nulls_last=True)
        return [waiting, decided, F("created_at").desc()]

    @admin.display(description="What")
    def what(self, approval: Approval) -> SafeString:
        text = visible(words_of(approval))
        return format_html('<span class="ao-what" data-testid="what">{}</span>{}', text, demo_label(approval.is_demo))

    @admin.display(description="Agent", ordering="component_id")
    def agent(self, approval: Approval) -> SafeString:
        return visible(agent_name(approval.component_id))

    @admin.display(description="Requester", ordering="requester__email")
    def who(self, approval: Approval) -> SafeString:
        return visible(approval.requester)

    @admin.display(description="Asked", ordering="created_at")
    def waited(self, approval: Approval) -> SafeString:
        return since(approval.created_at)

    @admin.display(description="Expires in", ordering="expires_at")
    def expires(self, approval: Approval) -> str:
        return remaining(approval.expires_at) if approval.status == ApprovalStatus.PENDING else "-"

    @admin.display(description="Decided", ordering="decided_at")
    def decided(self, approval: Approval) -> SafeString:
        if approval.decided_at is None:
            return SafeString("-")
        by = format_html("<br>{}", visible(approval.decided_by)) if approval.decided_by else ""
        return format_html("<span>{}{}</span>", since(approval.decided_at), by)

    @display(description="Status", ordering="status", label=STATUS_TONES)  # type: ignore[untyped-decorator]  # unfold has no types
    def shown_status(self, approval: Approval) -> tuple[str, str]:
        return approval.status, approval.status

    @admin.display(description="Outcome")
    def outcome(self, approval: Approval) -> SafeString:
        word = outcome_word(approval)
        return format_html('<span class="ao-outcome ao-{}">{}</span>', Outcome(word).tone, word)

    def get_urls(self) -> list[URLPattern]:
        decide = path(
            "<uuid:approval_id>/decide/",
            self.admin_site.admin_view(self.decide_view),
            name="governance_approval_decide",
        )
        talk = [
            path("<uuid:approval_id>/ask/", self.admin_site.admin_view(self.ask_view), name="governance_approval_ask"),
            path(
                "<uuid:approval_id>/answer/<uuid:question_id>/",
                self.admin_site.admin_view(self.answer_view),
                name="governance_approval_answer",
            ),
        ]
        return [decide, *talk, *super().get_urls()]

    def ask_view(self, request: HttpRequest, approval_id: UUID) -> HttpResponse:
        """Ask the requester something; nothing is decided."""
        return self._said(request, approval_id, "Asked.", partial(questions.ask, approval_id=approval_id))

    def answer_view(self, request: HttpRequest, approval_id: UUID, question_id: UUID) -> HttpResponse:
        """Take the requester's answer."""
        answer = partial(questions.answer, approval_id=approval_id, question_id=question_id)
        return self._said(request, approval_id, "Answered.", answer)

    def _said(self, request: HttpRequest, approval_id: UUID, done: str, service: Callable[..., object]) -> HttpResponse:
        self.record(request, approval_id)
        if request.method != "POST":
            return _to(approval_id)
        try:
            service(principal=principal_of(request), text=request.POST.get("text", ""))
        except CallerError as error:
            return self.refused(request, self.record(request, approval_id), error)
        messages.success(request, done)
        return _to(approval_id)

    @outside_scope
    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show the request; its tool is asked for a preview while no transaction is open."""
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        with scope_of(request):
            record = self.record(request, object_id)
        extra = {"preview": approval_page.previewed(principal_of(request), record)}
        with page_scope(request):
            return self.page(request, self.record(request, object_id), extra=extra).render()

    def page_context(self, request: HttpRequest, record: Approval) -> dict[str, Any]:
        principal = principal_of(request)
        steps = Step.objects.filter(run_id=record.run_id, path=record.step_path)
        step = access.as_seen(principal, steps).first()
        word, is_void = outcome_word(record), record.status == ApprovalStatus.VOID
        waiting = list(self._waiting(request).values_list("id", flat=True))
        place = waiting.index(record.id) + 1 if record.id in waiting else 0
        versions = Approval.objects.filter(run_id=record.run_id, step_path=record.step_path).order_by("version")
        versions = access.as_seen(principal, versions)
        comparison, last = approval_page.beside_the_last(principal, record, self.get_queryset(request))
        situation = watching.situation(principal, record)
        return {
            "approval": record,
            "tone": STATUS_TONES[record.status],
            "stands": situation,
            "obstacle": situation.obstacle,
            "outcome": Outcome(word, step.result, step.error, step.id) if step and not is_void else Outcome(word),
            "reconciles": step is not None and agent_selectors.may_reconcile(principal, step),
            "asked_before": versions.filter(version__lt=record.version).last(),
            "asked_anew": situation.newer,
            "agent_words": agent_words(principal, record.run_id, step.seq) if step else "",
            "comparison": comparison,
            "is_masked": approval_page.is_masked(principal, record),
            "last_approved": last,
            "earlier": approval_page.earlier(principal, record.run),
            "evidence": approval_page.evidence(principal, step) if step else [],
            "why": step.request.get("requirement", {}).get("why", "") if step else "",
            "tainted_by": step.request.get("tainted_by", []) if step else [],
            "questions": selectors.questions_of(principal, record),
            "may_ask": may_ask(record, principal),
            "may_answer": record.status == ApprovalStatus.PENDING and record.requester_id == principal.user_id,
            "place": place,
            "waiting_count": len(waiting),
            "next": selectors.following(principal, self.get_queryset(request), record),
            "effect": words_of(record),
            "title": spelled_out(words_of(record)),
            "crumb": visible(words_of(record)[:60]),
            "votes": record.__dict__.get("said", []),
            "approvals_count": watching.approving(record) if record.quorum > 1 else None,
            "may_consent": principal.has("approvals:decide"),
            "edit_fields": _edit_fields(principal, record),
        }

    @outside_scope
    def decide_view(self, request: HttpRequest, approval_id: UUID) -> HttpResponse:
        """Decide by POST only, then open the next request; where nothing else waits for her, show what was decided.

        Guards are asked about edited words while no transaction is open.
        """
        with scope_of(request):
            self.record(request, approval_id)
        if request.method != "POST":
            return _to(approval_id)
        try:
            record = self._decided(request, approval_id)
        except CallerError as error:
            with page_scope(request):
                shown = self.record(request, approval_id)
                return self.refused(request, shown, error, _sent(request, shown, error)).render()
        word, said = _told(record, request.POST["decision"]), visible(record.effect_text)
        with scope_of(request):
            following = selectors.following(principal_of(request), self.get_queryset(request), record)
        if following is None:
            messages.success(request, format_html("{}: {}", word, said))
            return _to(record.id)
        link = format_html(
            '<a class="ao-link" href="{}" data-decided data-testid="decided-link">See what comes of it</a>',
            _page_of(record.id),
        )
        messages.success(request, format_html("{}: {} {}", word, said, link))
        return _to(following.id)

    def _decided(self, request: HttpRequest, approval_id: UUID) -> Approval:
        principal, said = principal_of(request), request.POST
        decision, shown_hash, edited = said.get("decision", ""), said.get("shown_hash", ""), None
        if decision not in ("approve", "reject", "edit") or not shown_hash:
            raise Invalid("Read the request and choose to approve or to reject.")
        if decision == "edit":
            with scope_of(request):
                edited = edit_form.read(_unmasked(principal, approval_id), said)
        return approvals.decide(
            principal=principal,
            approval_id=approval_id,
            approved=decision != "reject",
            reason=said.get("reason", ""),
            shown_hash=shown_hash,
            edit=async_to_sync(editing.prepare)(principal, approval_id, edited),
        )

    def _waiting(self, request: HttpRequest) -> QuerySet[Any]:
        """Return what waits as the first tab of the inbox shows it."""
        principal = principal_of(request)
        rows = selectors.of_tab(self.get_queryset(request), principal, selectors.first_tab(principal))
        return rows.order_by("created_at", "id")
