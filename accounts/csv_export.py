"""Lists as CSV: the rows that the list's filters leave, each field as the reader may see it, each export audited."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar, Final
from uuid import UUID

from django.contrib import messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path, reverse

from accounts import audit
from accounts.console import AuditedAdmin, ReadOnlyAdmin, principal_of
from accounts.principals import Principal
from accounts.privacy import access
from agentos.core.clock import utc_now
from agentos.core.types import Json

MOST_ROWS: Final = 10_000
# A spreadsheet takes text that begins so for a formula, and runs it.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


@dataclass(frozen=True, slots=True)
class Column:
    """One column: a field of the row, of a row that it refers to (`user.email`), or what a function makes of it.

    `subject` is the attribute that holds the id of whom the field is about. A function must tell nothing of a person.
    """

    title: str
    field: str | Callable[[Any], Json]
    subject: str = "user_id"

    def of(self, reader: Principal, row: Model) -> Json:
        """Return the value as the reader may see it."""
        if not isinstance(self.field, str):
            return self.field(row)
        *way, name = self.field.split(".")
        owner: Any = row
        for step in way:
            if (owner := getattr(owner, step)) is None:
                return None
        subject: UUID | None = getattr(row, self.subject, None)
        return access.seen_field(reader, owner, name, subject=subject)


class Exported(AuditedAdmin):
    """A list that can be had as CSV, by whoever may see it. The export is audited with its rows and its query."""

    list_before_template = "admin/list_tabs.html"

    csv_columns: ClassVar[tuple[Column, ...]] = ()

    def get_urls(self) -> list[URLPattern]:
        export = path("export.csv", self.admin_site.admin_view(self.export_view), name=self._export_name())
        return [export, *super().get_urls()] if self.csv_columns else super().get_urls()

    def csv_link(self, request: HttpRequest) -> str:
        """Return where this very list is had as CSV, by POST; nothing when it is not."""
        if not self.csv_columns:
            return ""
        link, query = reverse(f"{self.admin_site.name}:{self._export_name()}"), request.GET.urlencode()
        return f"{link}?{query}" if query else link

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        return super().changelist_view(request, {"csv_link": self.csv_link(request), **(extra_context or {})})

    def export_view(self, request: HttpRequest) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.has_view_permission(request):
            raise PermissionDenied
        principal, back = principal_of(request), self._back(request)
        try:
            rows = self.get_changelist_instance(request).queryset.select_related(*_related(self.csv_columns))
        except IncorrectLookupParameters:
            return HttpResponseRedirect(back)
        if rows[: MOST_ROWS + 1].count() > MOST_ROWS:
            messages.error(request, f"These are more than {MOST_ROWS:,} rows: narrow the list first.")
            return HttpResponseRedirect(back)
        found = self.exported(request, rows)
        response = HttpResponse(written(principal, self.csv_columns, found), content_type="text/csv; charset=utf-8")
        name = f"{self.opts.verbose_name_plural}-{utc_now():%Y-%m-%d}.csv".replace(" ", "-")
        response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
        response.headers["Cache-Control"] = "no-store"
        self._audit_export(request, principal, len(found))
        return response

    def exported(self, request: HttpRequest, rows: Iterable[Any]) -> list[Any]:
        """Return the rows to write; an admin class whose rows have to be opened first does it here."""
        return list(rows)

    def _audit_export(self, request: HttpRequest, principal: Principal, rows: int) -> None:
        """Record it; what was searched for may name a person, so it is sealed."""
        kind = str(self.opts.model_name)
        detail = {"rows": rows, "columns": [column.title for column in self.csv_columns]}
        personal, subjects = {"query": request.GET.urlencode()}, (principal.user_id,)
        entry = audit.Entry(f"{kind}.exported", kind, "", detail, principal.user_id, personal, subjects)
        audit.append([entry], tenant_id=principal.tenant_id)

    def _back(self, request: HttpRequest) -> str:
        return reverse(f"{self.admin_site.name}:{self.opts.app_label}_{self.opts.model_name}_changelist")

    def _export_name(self) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_export"


class ExportedAdmin(Exported, ReadOnlyAdmin):
    """Rows that are shown, had as CSV, and never changed here."""


@dataclass(frozen=True, slots=True)
class Narrowed:
    """One filter of a list that is on; `without` is the query of the list without it."""

    title: str
    choice: str
    without: str


def _related(columns: Iterable[Column]) -> set[str]:
    ways = (column.field.rpartition(".")[0] for column in columns if isinstance(column.field, str))
    return {way.replace(".", "__") for way in ways if way}


def written(reader: Principal, columns: Iterable[Column], rows: Iterable[Model]) -> str:
    """Return CSV (RFC 4180) with a header, as a reader may see the rows."""
    chosen, out = list(columns), io.StringIO()
    writer = csv.writer(out)
    writer.writerow([column.title for column in chosen])
    writer.writerows([cell(column.of(reader, row)) for column in chosen] for row in rows)
    return out.getvalue()


def cell(value: Json) -> str:
    """Return a value as one cell; text that a spreadsheet would run as a formula is marked as text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds")
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=str)
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULA) else text
