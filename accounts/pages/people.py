"""The pages of the tenant and its people. What they change, services change."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminSelectWidget

from accounts.console import ReadOnlyAdmin, principal_of
from accounts.csv_export import Column, Exported
from accounts.models import Membership, Role, Tenant, TenantRole
from accounts.services import members, service_accounts
from accounts.showing import visible


@admin.register(Membership)
class MembershipAdmin(Exported):
    """The people of the tenant. An administrator gives roles and removes; who is new takes up an invitation herself."""

    list_title = "People"
    audited_by_service = True
    list_display = ("email", "person", "role", "since")
    list_filter = ("role",)
    search_fields = ("user__email", "user__name")
    search_help_text = "E-mail or name"
    fields = ("email", "person", "role", "since")
    readonly_fields = ("email", "person", "since")
    actions = None
    csv_columns = (
        Column("E-mail", "user.email"),
        Column("Name", "user.name"),
        Column("Role", "role"),
        Column("Member since", "created_at"),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        rows: QuerySet[Membership] = super().get_queryset(request)
        return rows.select_related("user")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offer the tenant's roles that the principal may give: those within what she holds herself."""
        if db_field.name != "role":
            return super().formfield_for_dbfield(db_field, request, **kwargs)
        principal = principal_of(request)
        roles = TenantRole.objects.order_by("-built_in", "name")
        names = [role.name for role in roles if all(principal.has(scope) for scope in role.scopes)]
        choices = [(name, name) for name in names]
        return forms.ChoiceField(choices=choices, widget=UnfoldAdminSelectWidget(), initial=Role.MEMBER)

    @admin.display(description="Member since", ordering="created_at")
    def since(self, member: Membership) -> str:
        return f"{member.created_at:%Y-%m-%d %H:%M} UTC"

    @admin.display(description="E-mail", ordering="user__email")
    def email(self, member: Membership) -> str:
        return member.user.email

    @admin.display(description="Name", ordering="user__name")
    def person(self, member: Membership) -> str:
        return visible(member.user.name)

    def save_model(self, request: HttpRequest, obj: Membership, form: Any, change: bool) -> None:
        members.change_role(principal_of(request), user_id=obj.user_id, role=obj.role)
        self._tell_of_keys(request, obj, TenantRole.objects.get(name=obj.role).scopes)

    def delete_model(self, request: HttpRequest, obj: Membership) -> None:
        members.remove(principal_of(request), user_id=obj.user_id)
        self._tell_of_keys(request, obj, ())

    def _tell_of_keys(self, request: HttpRequest, member: Membership, held: Iterable[str]) -> None:
        """Name the keys that somebody who may less now was shown: they act for others, and go on."""
        if names := service_accounts.outgrown_by(principal_of(request), member.user_id, held):
            told = f"{member.user.email} knows keys that go on working, and may less than they: {', '.join(names)}."
            self.message_user(request, f"{told} Replace them on the page “Service accounts”.", messages.WARNING)


@admin.register(Tenant)
class TenantAdmin(ReadOnlyAdmin):
    list_display = ("slug", "name", "is_demo", "created_at")
    fields = ("slug", "name", "is_demo", "created_at")
