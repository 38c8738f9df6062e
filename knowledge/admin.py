"""The admin's pages about knowledge bases; who may read or write one is granted on the page of grants."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminTextareaWidget

from accounts.console import AuditedAdmin, principal_of
from knowledge import selectors
from knowledge.models import KnowledgeBase
from knowledge.services import bases


class KnowledgeBaseForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = KnowledgeBase
        fields = ("slug", "name", "description", "untrusted")
        widgets = {"description": UnfoldAdminTextareaWidget(attrs={"rows": 3})}
        help_texts = {
            "slug": "Its name in scopes and grants, such as handbook. It never changes.",
            "untrusted": "Strangers may have written in it, and taint a run that reads there. "
            "To trust it takes the scope guards:loosen.",
        }


@admin.register(KnowledgeBase)
class KnowledgeBaseAdmin(AuditedAdmin):
    """The bases that the viewer may read; each is changed by whoever may write it."""

    list_title = "Knowledge"
    none_yet = "What agents may look up stands in knowledge bases, and who may read one is granted here."
    audited_by_service = True
    form = KnowledgeBaseForm
    list_display = ("name", "slug", "content", "changed_at")
    list_filter = ("untrusted",)
    search_fields = ("name", "slug", "description")
    search_help_text = "Name, slug or description"
    ordering = ("slug",)
    actions = None

    def get_queryset(self, request: HttpRequest) -> QuerySet[KnowledgeBase]:
        rows: QuerySet[KnowledgeBase] = super().get_queryset(request)
        return rows.filter(id__in=selectors.readable(principal_of(request)).values("id"))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return () if obj is None else ("slug",)

    @admin.display(description="Content", ordering="untrusted")
    def content(self, base: KnowledgeBase) -> str:
        return "untrusted" if base.untrusted else "trusted"

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _may(request, "read", obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _may(request, "write", obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _may(request, "delete", obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(principal_of(request).has("knowledge:write"))

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def save_model(self, request: HttpRequest, obj: KnowledgeBase, form: Any, change: bool) -> None:
        said, principal = form.cleaned_data, principal_of(request)
        asked = {name: said[name] for name in ("name", "description", "untrusted")}
        if change:
            saved = bases.change(principal, base_id=obj.pk, **asked)
        else:
            saved = bases.create(principal, slug=said["slug"], **asked)
        obj.pk, obj.tenant_id = saved.pk, saved.tenant_id

    def delete_model(self, request: HttpRequest, obj: KnowledgeBase) -> None:
        bases.delete(principal_of(request), base_id=obj.pk)


def _may(request: HttpRequest, verb: str, base: KnowledgeBase | None) -> bool:
    """Tell whether the viewer may do this to a base, or to any; nobody has signed in at the first page's menu."""
    principal = getattr(request, "principal", None)
    if principal is None:
        return False
    named = principal.has_any("knowledge", verb) if base is None else principal.has(f"knowledge:{base.slug}:{verb}")
    return bool(named)
