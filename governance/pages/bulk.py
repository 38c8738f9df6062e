"""Approving several requests at once: of the same tool and of low risk only, after a page that shows each of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from unfold.decorators import display

from accounts.console import principal_of
from accounts.showing import visible
from agentos.core.errors import CallerError, Invalid
from agentos.core.ids import parse_id
from agents.records import RecordAdmin
from governance import risk, selectors
from governance.models import Approval
from governance.services import approvals

INBOX = "admin:governance_approval_changelist"


class TogetherAdmin(RecordAdmin):
    """Adds the action to the list of what waits for the viewer, and the page that carries it out."""

    actions = ("approve_together",)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        found: dict[str, Any] = super().get_actions(request)
        return found if self.tab_of(request) == selectors.MINE else {}

    @display(description=RecordAdmin.action_checkbox.short_description)  # type: ignore[untyped-decorator]  # unfold has no types
    def action_checkbox(self, obj: Approval) -> str:
        """Offer a box to those alone that can be approved together."""
        return super().action_checkbox(obj) if risk.is_low(obj) else ""

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return selectors.may_decide(principal_of(request))

    def get_urls(self) -> list[URLPattern]:
        together = self.admin_site.admin_view(self.together_view)
        return [path("together/", together, name="governance_approval_together"), *super().get_urls()]

    @admin.action(description="Approve together …", permissions=["decide"])
    def approve_together(self, request: HttpRequest, queryset: QuerySet[Approval]) -> HttpResponse | None:
        """Show each of the chosen requests; nothing is decided yet."""
        chosen = list(queryset.order_by("created_at", "id")[: risk.TOGETHER_MOST + 1])
        try:
            _check(chosen)
        except Invalid as error:
            self.message_user(request, error.detail, messages.ERROR)
            return None
        context = {
            **self.admin_site.each_context(request),
            "title": "Approve together",
            "list_title": self.list_title,
            "crumb": "Approve together",
            "opts": self.opts,
            "chosen": chosen,
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "governance/approval/together.html", context)

    def together_view(self, request: HttpRequest) -> HttpResponse:
        """Decide each by itself, as its own page would: what is refused is said, the others stand."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        shown = dict(pair.split(":", 1) for pair in request.POST.getlist("shown") if ":" in pair)
        ids = [known for known in map(parse_id, shown) if known is not None]
        chosen = list(self.get_queryset(request).filter(id__in=ids).order_by("created_at", "id"))
        try:
            _check(chosen)
        except Invalid as error:
            messages.error(request, error.detail)
            return HttpResponseRedirect(reverse(INBOX))
        reason, done = request.POST.get("reason", ""), 0
        for approval in chosen:
            done += self._approved(request, approval.id, shown[str(approval.id)], reason)
        if done:
            messages.success(request, f"Approved: {done} request{'s' if done != 1 else ''}.")
        return HttpResponseRedirect(reverse(INBOX))

    def _approved(self, request: HttpRequest, approval_id: UUID, shown_hash: str, reason: str) -> bool:
        principal = principal_of(request)
        try:
            if not shown_hash:
                raise Invalid("Read the request first.")
            approvals.decide(
                principal=principal, approval_id=approval_id, approved=True, reason=reason, shown_hash=shown_hash
            )
        except CallerError as error:
            said = self.get_queryset(request).get(id=approval_id).effect_text
            messages.error(request, format_html("Not approved: {}. {}", visible(said), error.detail))
            return False
        return True


def _check(chosen: Sequence[Approval]) -> None:
    """Raises: Invalid where they are not of one tool, too many, or one of them needs a look of its own."""
    if not chosen:
        raise Invalid("Choose what to approve.")
    if len(chosen) > risk.TOGETHER_MOST:
        raise Invalid(f"Choose at most {risk.TOGETHER_MOST}.")
    if len({(approval.component_id, approval.tool_name) for approval in chosen}) > 1:
        raise Invalid("Only requests of the same tool are approved together.")
    if not all(map(risk.is_low, chosen)):
        raise Invalid("Only calls of low risk are approved together: open each of these by itself.")
