"""The pages of the audit trail."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from accounts import selectors
from accounts.console import SeenList, principal_of
from accounts.csv_export import Column, ExportedAdmin, Narrowed
from accounts.models import AuditRow
from agentos.core.ids import parse_id

ABOUT = "object_id"


class Timeline(SeenList):
    """The trail, or what stands in it about one object."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list: list[AuditRow] = list(self.result_list)
        selectors.name_operators(principal_of(request), self.result_list)

    @property
    def narrowed(self) -> list[Narrowed]:
        """Return the object that the list is about, if it is."""
        about = self.params.get(ABOUT)
        return [Narrowed("about", str(about), self.get_query_string(remove=[ABOUT]))] if about else []


@admin.register(AuditRow)
class AuditRowAdmin(ExportedAdmin):
    """The tenant's trail, newest first. Who decides sees what she did herself; the database shows her no other row."""

    list_title = "Audit"
    list_display = ("seq", "at", "who", "action", "object_type", "about")
    list_filter = ("action", "object_type", "at")
    list_select_related = ("actor",)
    search_fields = ("=object_id", "=action", "actor__email")
    search_help_text = "Object id, action or e-mail"
    ordering = ("-seq",)
    csv_columns = (
        Column("Entry", "seq"),
        Column("At", "at"),
        Column("Actor", "actor.email", subject="actor_id"),
        Column("Action", "action"),
        Column("Object", "object_type"),
        Column("Object id", "object_id"),
        Column("Detail", lambda row: row.detail),  # opened as the reader may see it
        Column("Link", "hash"),
    )
    fields = ("seq", "at", "who", "action", "object_type", "about", "detail", "hash")
    readonly_fields = ("who", "about")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        principal = getattr(request, "principal", None)
        decides_herself = principal is not None and principal.has("approvals:decide")
        return decides_herself or bool(super().has_view_permission(request, obj))

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[AuditRow]:
        principal = principal_of(request)
        rows: QuerySet[AuditRow] = super().get_queryset(request)
        return rows if principal.has("audit:read") else rows.filter(actor_id=principal.user_id)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[AuditRow], search_term: str
    ) -> tuple[QuerySet[AuditRow], bool]:
        found, may_repeat = super().get_search_results(request, queryset, search_term)
        if search_term and "actor__email" in self.get_search_fields(request):
            found |= queryset.filter(selectors.by_operators(who__icontains=search_term))
        return found, may_repeat

    @admin.display(description="Actor", ordering="actor__email")
    def who(self, row: AuditRow) -> str:
        if row.actor is None:
            return "the system"
        return f"{row.actor.email}, operator of the platform" if row.by_operator else row.actor.email

    @admin.display(description="Object id")
    def about(self, row: AuditRow) -> str:
        """Lead to what the entry is about, where the console has a page of it."""
        kinds = (model._meta for model in self.admin_site._registry if model._meta.model_name == row.object_type)
        kind = next(kinds, None)
        if kind is None or parse_id(row.object_id) is None:
            return row.object_id
        link = reverse(f"{self.admin_site.name}:{kind.app_label}_{kind.model_name}_change", args=[row.object_id])
        return format_html('<a class="ao-link" href="{}" data-testid="about">{}</a>', link, row.object_id)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[SeenList]:
        return Timeline

    def exported(self, request: HttpRequest, rows: Iterable[AuditRow]) -> list[AuditRow]:
        found = list(rows)
        _open(request, found)
        return found

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> AuditRow | None:
        row: AuditRow | None = super().get_object(request, object_id, from_field)
        if row is not None:
            _open(request, [row])
        return row

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        return lookup == ABOUT or super().lookup_allowed(lookup, value, request)


def _open(request: HttpRequest, rows: list[AuditRow]) -> None:
    selectors.open_details(principal_of(request), rows)
    selectors.name_operators(principal_of(request), rows)
