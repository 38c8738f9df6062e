"""The base of our admin classes: what they change goes to the tenant's audit trail, not to Django's own log."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, ClassVar, TypeVar
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Model, QuerySet
from django.forms import SplitDateTimeField
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.admin import ModelAdmin
from unfold.views import ChangeList
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from accounts import audit, reading
from accounts.principals import Principal
from accounts.privacy import access
from accounts.tenancy import tenant_scope
from agentos.core.errors import CallerError, PolicyDenied
from agentos.core.types import Json

View = TypeVar("View", bound=Callable[..., HttpResponse])


def outside_scope(view: View) -> View:
    """Mark a view that waits for a guard or a tool: no transaction is held meanwhile, it opens its scopes itself."""
    view.opens_own_scope = True  # type: ignore[attr-defined]
    return view


def scope_of(request: HttpRequest) -> AbstractContextManager[None]:
    """Open the transaction that sees the viewer's tenant, for a view that is marked so and looks something up."""
    principal = principal_of(request)
    return tenant_scope(principal.tenant_id, principal.user_id)


@contextmanager
def page_scope(request: HttpRequest) -> Iterator[None]:
    """As `scope_of`, for what the view shows, of a POST that was refused too: the trail is told what is others'."""
    with reading.viewing(request, principal_of(request)), scope_of(request):
        yield


class SeenList(ChangeList):  # type: ignore[misc]  # unfold has no types
    """A list that is sorted by what its reader is shown: Django obeys orders that it leaves the links out of."""

    def get_ordering_field(self, field_name: Any) -> Any:
        return super().get_ordering_field(field_name) if field_name in self.sortable_by else None


class ScopeBoxes(UnfoldAdminCheckboxSelectMultipleWidget):  # type: ignore[misc]  # unfold has no types
    """Boxes for scopes, by what they are about: sixty in a row are searched one by one."""

    template_name = "accounts/scope_boxes.html"


class AuditedAdmin(ModelAdmin):  # type: ignore[misc]  # unfold has no types
    """An admin class whose additions, changes and deletions are audited: which fields, never their values."""

    list_title: ClassVar[str] = ""  # what the menu and the pages call these rows
    none_yet: ClassVar[str] = ""  # said in place of rows: what would stand here
    # A class whose saves go through a service that writes the audit row itself says so.
    audited_by_service: ClassVar[bool] = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the rows as this reader may see them, for lists, pages and the choices of other pages alike."""
        return access.as_seen(principal_of(request), super().get_queryset(request))

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        """Leave out what this reader is not shown: to find something by its words is to be told them."""
        reader, fields = principal_of(request), super().get_search_fields(request)
        return [name for name in fields if not access.hides(reader, self.model, name.lstrip("=^@"))]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return SeenList

    def get_ordering(self, request: HttpRequest) -> Any:
        """Leave out what this reader is not shown: the order of what is masked tells of it."""
        reader = principal_of(request)
        return [
            name for name in super().get_ordering(request) if not access.hides(reader, self.model, name.lstrip("-"))
        ]

    def get_sortable_by(self, request: HttpRequest) -> list[str]:
        reader, columns = principal_of(request), super().get_sortable_by(request)
        return [name for name in columns if not access.hides(reader, self.model, self._sorted_by(name))]

    def _sorted_by(self, column: str) -> str:
        return str(getattr(getattr(self, column, None), "admin_order_field", column))

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Refuse `?input__startswith=...` on what this reader is not shown."""
        allowed: bool = super().lookup_allowed(lookup, value, request)
        return allowed and not access.hides(principal_of(request), self.model, lookup)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offer the rows to choose from as this reader may see them."""
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if field is not None:
            field.queryset = access.as_seen(principal_of(request), field.queryset)
        return field

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        return named_parts(super().formfield_for_dbfield(db_field, request, **kwargs))

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        view = super().changeform_view
        return _told(request, lambda: view(request, object_id, form_url, extra_context))

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        view = super().changelist_view
        return _told(request, lambda: view(request, extra_context))

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        view = super().delete_view
        return _told(request, lambda: view(request, object_id, extra_context))

    def log_addition(self, request: HttpRequest, obj: Model, message: Json) -> None:
        self._record(request, "added", [obj], message)

    def log_change(self, request: HttpRequest, obj: Model, message: Json) -> None:
        self._record(request, "changed", [obj], message)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> None:
        self._record(request, "deleted", list(queryset), [])

    def _get_obj_does_not_exist_redirect(self, request: HttpRequest, opts: Any, object_id: str) -> HttpResponse:
        """Answer 404 for what is not there; Django redirects, with a message that repeats the id."""
        raise Http404

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Show the object's audit rows in place of Django's log. Raises: Http404 for what the viewer can't see."""
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        if (found := self.get_object(request, unquote(object_id))) is None:
            raise Http404
        return redirect(_trail(found))

    def _record(self, request: HttpRequest, verb: str, objects: list[Any], message: Json) -> None:
        if self.audited_by_service:
            return
        principal = principal_of(request)
        detail = {"fields": _fields(message)} if message else {}
        kind = self.opts.model_name
        entries = [audit.Entry(f"{kind}.{verb}", kind, str(row.pk), detail, principal.user_id) for row in objects]
        audit.append(entries, tenant_id=principal.tenant_id)


def named_parts(field: Any) -> Any:
    """Give date and time of a field the names that its label, which belongs to neither, gives them for the eye."""
    if isinstance(field, SplitDateTimeField):
        for part, word in zip(field.widget.widgets, ("date", "time"), strict=True):
            part.attrs["aria-label"] = f"{field.label}, {word}"
    return field


class ReadOnlyAdmin(AuditedAdmin):
    """An admin class that shows rows and changes none."""

    actions: Any = None
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def trail_of(request: HttpRequest, row: Model) -> str:
    """Return where the audit entries about a row are listed; nothing for who may not see the trail."""
    principal = principal_of(request)
    return _trail(row) if principal.has("audit:read") or principal.has("approvals:decide") else ""


def _trail(row: Model) -> str:
    return f"{reverse('admin:accounts_auditrow_changelist')}?{urlencode({'object_id': str(row.pk)})}"


def principal_of(request: HttpRequest) -> Principal:
    """Return who looks at the page. Raises: PermissionDenied."""
    principal = getattr(request, "principal", None)
    if not isinstance(principal, Principal):
        raise PermissionDenied
    return principal


def shown_once(page: ModelAdmin, request: HttpRequest, title: str, secret: str) -> HttpResponse:
    """Answer with a page that shows a secret which is not kept, in no cookie, cache or log."""
    request.current_app = page.admin_site.name
    context = {**page.admin_site.each_context(request), "title": title, "opts": page.opts, "secret": secret}
    response = TemplateResponse(request, "accounts/shown_once.html", context)
    response.headers["Cache-Control"] = "no-store"
    return response


def _told(request: HttpRequest, view: Callable[[], HttpResponse]) -> HttpResponse:
    """Show what a service refuses as a message on the same page; nothing of the attempt is kept."""
    try:
        with transaction.atomic():
            return view()
    except PolicyDenied as denied:
        raise PermissionDenied(denied.detail) from denied
    except CallerError as error:
        messages.error(request, error.detail)
        return redirect(request.path)


def _fields(message: Json) -> list[str]:
    """Return the names of the changed fields from Django's change message, [{"changed": {"fields": [...]}}]."""
    parts = [part for item in message if isinstance(item, dict) for part in item.values()]
    return [str(name) for part in parts for name in part.get("fields", [])]
