"""The admin of rows that the machine owns: a list in tabs, one page a row, and nothing to add, change or delete."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.console import SeenList, principal_of, trail_of
from accounts.csv_export import ExportedAdmin, Narrowed
from accounts.showing import spelled_out, visible
from agentos.core.errors import CallerError, NotFound
from agentos.problems import status_of
from agents.models import Run, Session
from agents.templatetags.console import age, agent_name

SEE_ALL = "runs:read_all"
TAB = "tab"


class RecordAdmin(ExportedAdmin):
    """A read-only list and page. `scopes` lets a principal see rows: any one of them is enough."""

    page_template: ClassVar[str]
    scopes: ClassVar[tuple[str, ...]] = ()
    list_title: ClassVar[str] = ""
    empty: ClassVar[dict[str, tuple[str, str]]] = {}  # by tab: the title and the text of a list without rows
    list_before_template = "admin/list_tabs.html"
    list_fullwidth = True

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        principal = getattr(request, "principal", None)
        return principal is not None and any(principal.has(scope) for scope in self.scopes)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        return self.page(request, self.record(request, object_id))

    def record(self, request: HttpRequest, object_id: str | UUID) -> Any:
        """Return the row of an address. Raises: PermissionDenied, Http404 (another tenant's row, too)."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            found = self.get_object(request, unquote(str(object_id)))
        except ValidationError:
            found = None
        if found is None:
            raise Http404
        return found

    def page(
        self, request: HttpRequest, record: Model, status: int = 200, extra: Mapping[str, Any] | None = None
    ) -> TemplateResponse:
        context = {**self.page_context(request, record), **(extra or {})}
        return self.shown(request, record, self.page_template, context, status)

    def shown(
        self, request: HttpRequest, record: Model, template: str, context: Mapping[str, Any], status: int = 200
    ) -> TemplateResponse:
        """Show a page about the row. It is the current scope's transaction that reads, so render before it ends."""
        request.current_app = self.admin_site.name
        common = {
            **self.admin_site.each_context(request),
            "title": spelled_out(str(record)),
            "opts": self.opts,
            "original": record,
            "list_title": self.list_title,
            "trail": trail_of(request, record),
        }
        return TemplateResponse(request, template, {**common, **context}, status=status)

    def refused(
        self, request: HttpRequest, record: Model, error: CallerError, extra: Mapping[str, Any] | None = None
    ) -> TemplateResponse:
        """Show the row's page with what a service has refused. Raises: Http404 for what is not there."""
        if isinstance(error, NotFound):
            raise Http404 from None
        return self.page(request, record, status_of(error), {"problem": error.detail, **(extra or {})})

    def page_context(self, request: HttpRequest, record: Any) -> dict[str, Any]:
        return {}

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[SeenList]:
        return TabbedList

    def tab_of(self, request: HttpRequest) -> str:
        """Return the key of the tab that the list shows; "" where it has none."""
        return request.GET.get(TAB, "")

    def of_tab(self, request: HttpRequest, rows: QuerySet[Any], tab: str) -> QuerySet[Any]:
        """Narrow the list to one of its tabs."""
        return rows


class TabbedList(SeenList):
    """A list of which `?tab=` shows a part; searches and filters stay within it."""

    tab = ""

    @property
    def empty(self) -> tuple[str, str]:
        """Return the title and the text that stand in place of rows."""
        texts: dict[str, tuple[str, str]] = self.model_admin.empty
        return texts.get(self.tab, ("Nothing here yet", ""))

    @property
    def narrowed(self) -> list[Narrowed]:
        """Return what the list is narrowed to by filters that are on, each with the way out of it."""
        found = []
        for spec in self.filter_specs:
            offered = list(spec.choices(self))
            chosen = [choice["display"] for choice in offered[1:] if choice["selected"]]
            found += [Narrowed(spec.title, display, offered[0]["query_string"]) for display in chosen]
        return found

    def get_filters_params(self, params: Any = None) -> dict[str, Any]:
        found: dict[str, Any] = super().get_filters_params(params)
        found.pop(TAB, None)
        return found

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        self.tab = self.model_admin.tab_of(request)
        rows = super().get_queryset(request, exclude_parameters)
        narrowed: QuerySet[Any] = self.model_admin.of_tab(request, rows, self.tab)
        return narrowed


class OwnRowsAdmin(RecordAdmin):
    """Rows of users: everyone reads her own, the holder of SEE_ALL the whole tenant's."""

    scopes = ("runs:read", SEE_ALL)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        principal = principal_of(request)
        rows: QuerySet[Any] = super().get_queryset(request).filter(tenant_id=principal.tenant_id)
        rows = rows.select_related("user")
        return rows if principal.has(SEE_ALL) else rows.filter(user_id=principal.user_id)

    @admin.display(description="Agent", ordering="component_id")
    def agent(self, record: Run | Session) -> SafeString:
        return visible(agent_name(record.component_id))

    @admin.display(description="User", ordering="user__email")
    def who(self, record: Run | Session) -> SafeString:
        return visible(record.user)


def since(moment: datetime) -> SafeString:
    """Show how long ago, with the exact time for whoever points at it."""
    return format_html('<time datetime="{0}" title="{0}">{1}</time>', moment.isoformat(timespec="seconds"), age(moment))


def demo_label(is_demo: bool) -> SafeString:
    return SafeString('<span class="ao-demo" title="Made by the seed">demo</span>' if is_demo else "")
