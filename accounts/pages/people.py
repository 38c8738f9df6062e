"""The pages of the tenant and its people. What they change, services change."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from unfold.widgets import UnfoldAdminEmailInputWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from accounts.console import ReadOnlyAdmin, principal_of, shown_once
from accounts.csv_export import Column, Exported
from accounts.models import Membership, Role, Tenant, TenantRole
from accounts.services import members


class MemberForm(forms.ModelForm):  # type: ignore[type-arg]
    """Someone new in the tenant: an existing user is found by her e-mail address."""

    email = forms.EmailField(widget=UnfoldAdminEmailInputWidget())
    name = forms.CharField(max_length=200, required=False, widget=UnfoldAdminTextInputWidget())

    class Meta:
        model = Membership
        fields = ("email", "name", "role")


@admin.register(Membership)
class MembershipAdmin(Exported):
    """The people of the tenant. An administrator adds, removes and gives roles; passwords are never shown again."""

    list_title = "People"
    audited_by_service = True
    list_display = ("email", "person", "role", "since")
    list_filter = ("role",)
    search_fields = ("user__email", "user__name")
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

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(request, obj, change, **({} if change else {"form": MemberForm}), **kwargs)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offer the tenant's roles that the principal may give: those within what she holds herself."""
        if db_field.name != "role":
            return super().formfield_for_dbfield(db_field, request, **kwargs)
        principal = principal_of(request)
        roles = TenantRole.objects.order_by("-built_in", "name")
        names = [role.name for role in roles if all(principal.has(scope) for scope in role.scopes)]
        choices = [(name, name) for name in names]
        return forms.ChoiceField(choices=choices, widget=UnfoldAdminSelectWidget(), initial=Role.MEMBER)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("email", "person", "role", "since") if obj else ("email", "name", "role")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("email", "person", "since") if obj else ()

    @admin.display(description="Member since", ordering="created_at")
    def since(self, member: Membership) -> str:
        return f"{member.created_at:%Y-%m-%d %H:%M}"

    @admin.display(description="E-mail", ordering="user__email")
    def email(self, member: Membership) -> str:
        return member.user.email

    @admin.display(description="Name", ordering="user__name")
    def person(self, member: Membership) -> str:
        return member.user.name

    def save_model(self, request: HttpRequest, obj: Membership, form: Any, change: bool) -> None:
        principal = principal_of(request)
        if change:
            members.change_role(principal, user_id=obj.user_id, role=obj.role)
            return
        asked = form.cleaned_data
        member, password = members.add(principal, email=asked["email"], name=asked["name"], role=asked["role"])
        obj.pk, obj.user, obj.tenant_id = member.pk, member.user, member.tenant_id
        form.first_password = password

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        request.first_password = getattr(form, "first_password", "")  # type: ignore[attr-defined]

    def response_add(self, request: HttpRequest, obj: Membership, post_url_continue: Any = None) -> HttpResponse:
        if password := request.first_password:  # type: ignore[attr-defined]
            return shown_once(self, request, f"First password of {obj.user.email}", password)
        response: HttpResponse = super().response_add(request, obj, post_url_continue)
        return response

    def delete_model(self, request: HttpRequest, obj: Membership) -> None:
        members.remove(principal_of(request), user_id=obj.user_id)


@admin.register(Tenant)
class TenantAdmin(ReadOnlyAdmin):
    list_display = ("slug", "name", "is_demo", "created_at")
    fields = ("slug", "name", "is_demo", "created_at")
