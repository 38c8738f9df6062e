"""The admin's page "Who entered": which operators of the platform were inside, why, until when; ended there."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts import scopes
from accounts.console import ReadOnlyAdmin, principal_of
from accounts.models import SupportEntry
from accounts.services import support
from agentos.core.clock import utc_now


@admin.register(SupportEntry)
class SupportEntryAdmin(ReadOnlyAdmin):
    """The tenant's own record. Whoever manages its members ends an entry; nobody changes one."""

    list_title = "Who entered"
    none_yet = "When an operator of the platform enters this tenant, it stands here with the reason and the end."
    list_display = ("who", "reason", "state", "entered", "until", "ended", "by")
    list_select_related = ("ended_by",)
    fields = ("who", "reason", "state", "may", "entered", "until", "ended", "by")
    search_fields = ("who", "reason")
    search_help_text = "Who or reason"
    ordering = ("-created_at",)
    actions = ("end",)

    def has_end_permission(self, request: HttpRequest) -> bool:
        return principal_of(request).has("members:write")

    @admin.display(description="State")
    def state(self, entry: SupportEntry) -> str:
        if entry.ended_at is not None:
            return "ended"
        return "inside" if entry.ends_at > utc_now() else "run out"

    @admin.display(description="Entered", ordering="created_at")
    def entered(self, entry: SupportEntry) -> str:
        return f"{entry.created_at:%Y-%m-%d %H:%M} UTC"

    @admin.display(description="Until", ordering="ends_at")
    def until(self, entry: SupportEntry) -> str:
        return f"{entry.ends_at:%Y-%m-%d %H:%M} UTC"

    @admin.display(description="Ended", ordering="ended_at")
    def ended(self, entry: SupportEntry) -> str:
        return f"{entry.ended_at:%Y-%m-%d %H:%M} UTC" if entry.ended_at else "-"

    @admin.display(description="Ended by")
    def by(self, entry: SupportEntry) -> str:
        """Name who ended it; the operator is no member here, so her own name is not seen."""
        return entry.who if entry.ended_by_id == entry.user_id else str(entry.ended_by or "-")

    @admin.display(description="May")
    def may(self, entry: SupportEntry) -> str:
        return "; ".join(map(scopes.labelled, entry.scopes))

    @admin.action(description="End the selected", permissions=["end"])
    def end(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        for entry in queryset.filter(ended_at=None).order_by("id"):
            support.end(principal_of(request), entry_id=entry.id)
        self.message_user(request, "They are out.")
