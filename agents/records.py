"""The admin of rows that the machine owns: a list, one page a row, and nothing to add, change or delete."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse

from accounts.console import ReadOnlyAdmin
from agents.templatetags.console import spelled_out


class RecordAdmin(ReadOnlyAdmin):
    """A read-only list and page. `scopes` lets a principal see rows: any one of them is enough."""

    page_template: ClassVar[str]
    scopes: ClassVar[tuple[str, ...]] = ()
    list_title: ClassVar[str] = ""
    empty_title: ClassVar[str] = "Nothing here yet"
    empty_text: ClassVar[str] = ""
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
    ) -> HttpResponse:
        """Render the row's page. It is the current scope's transaction that reads, so render before it ends."""
        request.current_app = self.admin_site.name
        context = {
            **self.admin_site.each_context(request),
            "title": spelled_out(str(record)),
            "opts": self.opts,
            "original": record,
            "list_title": self.list_title,
            **self.page_context(request, record),
            **(extra or {}),
        }
        return TemplateResponse(request, self.page_template, context, status=status)

    def page_context(self, request: HttpRequest, record: Any) -> dict[str, Any]:
        return {}
