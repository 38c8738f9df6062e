"""The admin's pages about a tenant's roles. What they change, `services.roles` changes."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminTextareaWidget

from accounts import scopes
from accounts.console import AuditedAdmin, ScopeBoxes, principal_of
from accounts.models import TenantRole
from accounts.principals import Principal
from accounts.services import roles


class RoleForm(forms.ModelForm):  # type: ignore[type-arg]
    """A role's scopes: the general ones as boxes, those about one component or tool as lines."""

    general = forms.MultipleChoiceField(
        required=False,
        label="Scopes",
        widget=ScopeBoxes(),
        help_text="You can grant what you hold yourself.",
    )
    named = forms.CharField(
        required=False,
        label="Scopes about one component or tool",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
        help_text="One a line, such as agents:helpdesk:run or tools:restart_service:call.",
    )
    principal: Principal

    class Meta:
        model = TenantRole
        fields = ("name", "description")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        held = frozenset(self.instance.scopes)
        choices: Any = self.fields["general"]
        choices.choices = scopes.offered(filter(self.principal.has, scopes.ALL_SCOPES - {scopes.ADMIN}))
        self.initial["general"] = sorted(held & scopes.ALL_SCOPES)
        self.initial["named"] = "\n".join(sorted(held - scopes.ALL_SCOPES))

    def asked(self) -> list[str]:
        """Return every scope that the form asks for."""
        return [*self.cleaned_data["general"], *self.cleaned_data["named"].split()]


@admin.register(TenantRole)
class RoleAdmin(AuditedAdmin):
    """The built-in roles, to read, and the tenant's own, to make and change."""

    list_title = "Roles"
    audited_by_service = True
    form = RoleForm
    list_display = ("name", "kind", "description", "people")
    search_fields = ("name", "description")
    search_help_text = "Name or description"
    ordering = ("-built_in", "name")
    actions = None

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        made: Any = super().get_form(request, obj, change, **kwargs)
        if issubclass(made, RoleForm):
            made.principal = principal_of(request)
        return made

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        if obj and not self.has_change_permission(request, obj):
            return ("name", "description", "granted")
        return ("name", "description", "general", "named")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        if obj and not self.has_change_permission(request, obj):
            return ("name", "description", "granted")
        return ("name",) if obj else ()

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and not (obj and obj.built_in)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and not (obj and obj.built_in)

    @admin.display(description="Kind", ordering="built_in")
    def kind(self, role: TenantRole) -> str:
        return "built in" if role.built_in else "of this tenant"

    @admin.display(description="People")
    def people(self, role: TenantRole) -> int:
        return role.members.count()

    @admin.display(description="Scopes")
    def granted(self, role: TenantRole) -> str:
        return "; ".join(map(scopes.labelled, role.scopes))

    def save_model(self, request: HttpRequest, obj: TenantRole, form: Any, change: bool) -> None:
        principal, asked, words = principal_of(request), form.asked(), form.cleaned_data["description"]
        if change:
            roles.change(principal, role_id=obj.pk, scopes_asked=asked, description=words)
            return
        made = roles.create(principal, name=obj.name, scopes_asked=asked, description=words)
        obj.pk, obj.tenant_id = made.pk, made.tenant_id

    def delete_model(self, request: HttpRequest, obj: TenantRole) -> None:
        roles.delete(principal_of(request), role_id=obj.pk)
