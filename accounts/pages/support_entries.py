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
    list_display = ("who", "reason", "state", "created_at", "ends_at", "ended_at", "ended_by")
    list_select_related = ("ended_by",)
    fields = ("who", "reason", "state", "may", "created_at", "ends_at", "ended_at", "ended_by")
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

    @admin.display(description="May")
    def may(self, entry: SupportEntry) -> str:
        return "; ".join(map(scopes.labelled, entry.scopes))

    @admin.action(description="End the selected", permissions=["end"])
    def end(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        for entry in queryset.filter(ended_at=None).order_by("id"):
            support.end(principal_of(request), entry_id=entry.id)
        self.message_user(request, "They are out.")
