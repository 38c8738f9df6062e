"""The admin's pages about connections: credentials are typed in here and shown nowhere."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from accounts.connections import MAX_VALUE_CHARS, ConnectionKind, Level, in_words, kinds
from accounts.console import AuditedAdmin, principal_of
from accounts.models import Connection
from accounts.principals import Principal
from accounts.services import connections

_PREFIX = "credential_"  # keeps a kind's fields apart from the form's own


@admin.register(Connection)
class ConnectionAdmin(AuditedAdmin):
    """One's own connections, and the tenant's for who may read them. Storing again replaces what was there."""

    list_title = "Connections"
    none_yet = "An account of yours elsewhere, which agents may use for you, stands here once it is connected."
    audited_by_service = True
    list_display = ("what", "whose", "label", "changed_at")
    list_select_related = ("user",)
    ordering = ("kind", "user__email")
    actions = None

    def has_module_permission(self, request: HttpRequest) -> bool:
        return getattr(request, "principal", None) is not None

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return getattr(request, "principal", None) is not None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return getattr(request, "principal", None) is not None

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        principal = principal_of(request)
        if obj is None or obj.user_id == principal.user_id:
            return True
        return principal.has("members:write" if obj.user_id else connections.WRITE)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Connection]:
        principal = principal_of(request)
        seen = Q(user_id=principal.user_id)
        if principal.has(connections.READ):
            seen |= Q(user_id=None)
        if principal.has("members:write"):
            seen |= Q(user_id__isnull=False)
        rows: QuerySet[Connection] = super().get_queryset(request)
        return rows.filter(seen).defer("sealed", "sealed_key")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        if obj is not None:
            return ("what", "whose", "label", "changed_at")
        return ("level", "label", *(f"{_PREFIX}{name}" for name in _asked(request).fields))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return self.get_fields(request, obj) if obj is not None else ()

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is None:
            kwargs["form"] = _form_of(_asked(request), principal_of(request))
        return super().get_form(request, obj, change, **kwargs)

    @method_decorator(sensitive_post_parameters())
    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Ask for the kind first; its fields make the form."""
        if request.GET.get("kind") not in kinds():
            offered = [kind for kind in kinds().values() if _levels(kind, principal_of(request))]
            request.current_app = self.admin_site.name
            context = {
                **self.admin_site.each_context(request),
                "title": "Add a connection",
                "list_title": self.list_title,
                "crumb": "New",
                "opts": self.opts,
                "kinds": offered,
            }
            return TemplateResponse(request, "accounts/choose_kind.html", context)
        response: HttpResponse = super().add_view(request, form_url, extra_context)
        return response

    @admin.display(description="Kind", ordering="kind")
    def what(self, row: Connection) -> str:
        return in_words(row.kind)

    @admin.display(description="Whose", ordering="user__email")
    def whose(self, row: Connection) -> str:
        return row.user.email if row.user is not None else "the tenant's"

    def save_model(self, request: HttpRequest, obj: Connection, form: Any, change: bool) -> None:
        asked = form.cleaned_data
        values = {name.removeprefix(_PREFIX): value for name, value in asked.items() if name.startswith(_PREFIX)}
        level, label = Level(asked["level"]), asked["label"]
        kind = _asked(request).name
        made = connections.put(principal_of(request), kind=kind, level=level, values=values, label=label)
        obj.pk, obj.tenant_id, obj.kind = made.pk, made.tenant_id, made.kind

    def delete_model(self, request: HttpRequest, obj: Connection) -> None:
        connections.revoke(principal_of(request), connection_id=obj.pk)


def _asked(request: HttpRequest) -> ConnectionKind:
    return kinds()[request.GET.get("kind", "")]


def _levels(kind: ConnectionKind, principal: Principal) -> list[Level]:
    may = {Level.USER} | ({Level.TENANT} if principal.has(connections.WRITE) else set())
    return [level for level in kind.levels if level in may]


def _form_of(kind: ConnectionKind, principal: Principal) -> type[forms.ModelForm[Connection]]:
    """Return a form with the kind's fields, all empty whatever is stored."""
    choices = [(level.value, "me" if level is Level.USER else "the tenant") for level in _levels(kind, principal)]
    fields: dict[str, Any] = {
        "level": forms.ChoiceField(label="For", choices=choices, widget=UnfoldAdminSelectWidget()),
        "label": forms.CharField(required=False, max_length=100, widget=UnfoldAdminTextInputWidget()),
    }
    for name in kind.fields:
        widget = UnfoldAdminPasswordWidget if name in kind.secrets else UnfoldAdminTextInputWidget
        fields[f"{_PREFIX}{name}"] = forms.CharField(
            label=name.replace("_", " ").capitalize(),
            required=name not in kind.optional,
            max_length=MAX_VALUE_CHARS,
            widget=widget(attrs={"autocomplete": "new-password" if name in kind.secrets else "off"}),
        )
    meta = type("Meta", (), {"model": Connection, "fields": ("label",)})
    return type("CredentialsForm", (forms.ModelForm,), {**fields, "Meta": meta})
