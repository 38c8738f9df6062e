"""The admin's pages about people, keys and the audit trail. What they change, services change."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django_q.models import Failure, OrmQ, Schedule, Success
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminEmailInputWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from accounts import connections_admin as connections_admin
from accounts import grants_admin as grants_admin
from accounts import invitations_admin as invitations_admin
from accounts import roles_admin as roles_admin
from accounts import scopes, selectors
from accounts import support_admin as support_admin
from accounts.console import AuditedAdmin, ReadOnlyAdmin, principal_of, shown_once
from accounts.csv_export import Column, Exported, ExportedAdmin
from accounts.models import AuditRow, Membership, Role, ServiceAccount, Tenant, TenantRole, User
from accounts.services import members, service_accounts
from accounts.services.service_accounts import decides
from agentos.core.clock import utc_now

# Roles take the place of groups. Jobs are the process' own: whoever adds one runs any function, for every tenant.
for package_model in (Group, Failure, OrmQ, Schedule, Success):
    if admin.site.is_registered(package_model):
        admin.site.unregister(package_model)


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


class ServiceAccountForm(forms.ModelForm):  # type: ignore[type-arg]
    scopes = forms.MultipleChoiceField(
        choices=[(scope, scope) for scope in sorted(scopes.ALL_SCOPES - scopes.FOR_PEOPLE)],
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
        help_text="The key grants what is ticked here and its user may do as well.",
    )

    class Meta:
        model = ServiceAccount
        fields = ("name", "user", "expires_at", "scopes")


@admin.register(ServiceAccount)
class ServiceAccountAdmin(AuditedAdmin):
    """Keys for programs. A key is shown once, when it is made; afterwards it is replaced or revoked."""

    list_title = "Service accounts"
    audited_by_service = True
    form = ServiceAccountForm
    list_display = ("name", "user", "key_prefix", "state", "expires_at", "last_used_at", "created_at")
    list_select_related = ("user",)
    search_fields = ("name", "user__email", "key_prefix")
    readonly_fields = (
        "key_prefix",
        "shown_to_people",
        "rotated_at",
        "previous_until",
        "revoked_at",
        "last_used_at",
        "created_at",
    )
    actions = ("rotate_key", "revoke_keys")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        fields = ServiceAccountForm.Meta.fields
        return (*fields, *self.readonly_fields) if obj else fields

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_rotate_permission(self, request: HttpRequest) -> bool:
        return principal_of(request).has("service_accounts:write")

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return principal_of(request).has("service_accounts:delete")

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offer oneself and those who decide nothing: nobody acts in an approver's name."""
        if db_field.name == "user":
            deciding = [role.name for role in TenantRole.objects.all() if decides(role)]
            members = Membership.objects.exclude(role__in=deciding)
            others = Q(id__in=members.values("user_id"))
            kwargs["queryset"] = User.objects.filter(Q(id=principal_of(request).user_id) | others).order_by("email")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    @admin.display(description="Shown to")
    def shown_to_people(self, account: ServiceAccount) -> str:
        """Name those whom a key was shown: they approve nothing that it asks for."""
        known = {user.id: str(user) for user in User.objects.filter(id__in=account.shown_to)}
        return ", ".join(known.get(user_id, "a former member") for user_id in account.shown_to) or "nobody"

    @admin.display(description="State")
    def state(self, account: ServiceAccount) -> str:
        if account.revoked_at is not None:
            return "revoked"
        return "expired" if account.expires_at is not None and account.expires_at <= utc_now() else "active"

    @admin.action(description="Replace the selected key", permissions=["rotate"])
    def rotate_key(self, request: HttpRequest, queryset: QuerySet[ServiceAccount]) -> HttpResponse | None:
        """Show the new key of one account; the old one works for another day."""
        if queryset.count() != 1:
            self.message_user(request, "Select one key: the new one is shown this once.", messages.ERROR)
            return None
        old = queryset.get()
        ends = None if old.expires_at is None else utc_now() + timedelta(days=service_accounts.DEFAULT_DAYS)
        account, key = service_accounts.rotate(
            principal_of(request), account_id=old.id, overlap=timedelta(days=1), expires_at=ends
        )
        return shown_once(self, request, f"New key of {account.name}", key)

    @admin.action(description="Revoke the selected keys", permissions=["revoke"])
    def revoke_keys(self, request: HttpRequest, queryset: QuerySet[ServiceAccount]) -> None:
        principal = principal_of(request)
        for account in queryset.order_by("id"):
            service_accounts.revoke(tenant_id=principal.tenant_id, account_id=account.id, actor_id=principal.user_id)
        self.message_user(request, "The keys are revoked. They stop working within five seconds.")

    def save_model(self, request: HttpRequest, obj: ServiceAccount, form: Any, change: bool) -> None:
        principal = principal_of(request)
        account, key = service_accounts.create(
            tenant_id=principal.tenant_id,
            user_id=obj.user_id,
            name=obj.name,
            scopes_asked=form.cleaned_data["scopes"],
            expires_at=obj.expires_at,
            by=principal,
        )
        obj.pk = account.pk
        request.new_key = key  # type: ignore[attr-defined]

    def response_add(self, request: HttpRequest, obj: ServiceAccount, post_url_continue: Any = None) -> HttpResponse:
        return shown_once(self, request, f"Key of {obj.name}", request.new_key)  # type: ignore[attr-defined]


@admin.register(AuditRow)
class AuditRowAdmin(ExportedAdmin):
    """The tenant's trail, newest first. Who decides sees what she did herself; the database shows her no other row."""

    list_title = "Audit"
    list_display = ("seq", "at", "who", "action", "object_type", "object_id")
    list_filter = ("action", "object_type", "at")
    list_select_related = ("actor",)
    search_fields = ("=object_id", "=action", "actor__email")
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
    fields = ("seq", "at", "who", "action", "object_type", "object_id", "detail", "hash")
    readonly_fields = ("who",)

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

    @admin.display(description="Actor", ordering="actor__email")
    def who(self, row: AuditRow) -> str:
        return row.actor.email if row.actor is not None else "the system"

    def exported(self, request: HttpRequest, rows: Iterable[AuditRow]) -> list[AuditRow]:
        found = list(rows)
        selectors.open_details(principal_of(request), found)
        return found

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> AuditRow | None:
        row: AuditRow | None = super().get_object(request, object_id, from_field)
        if row is not None:
            selectors.open_details(principal_of(request), [row])
        return row

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        return lookup == "object_id" or super().lookup_allowed(lookup, value, request)


@admin.register(Tenant)
class TenantAdmin(ReadOnlyAdmin):
    list_display = ("slug", "name", "is_demo", "created_at")
    fields = ("slug", "name", "is_demo", "created_at")
