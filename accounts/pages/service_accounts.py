"""The pages of the keys for programs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from unfold.widgets import UnfoldBooleanSwitchWidget

from accounts import scopes
from accounts.console import AuditedAdmin, ScopeBoxes, SeenList, principal_of, shown_once
from accounts.models import Membership, ServiceAccount, TenantRole, User
from accounts.services import service_accounts
from accounts.services.service_accounts import Standing, decides
from agentos.core.clock import utc_now


class ServiceAccountForm(forms.ModelForm):  # type: ignore[type-arg]
    scopes = forms.MultipleChoiceField(
        choices=scopes.offered(scopes.ALL_SCOPES - scopes.FOR_PEOPLE),
        widget=ScopeBoxes(),
        help_text="The key grants what is ticked here and its user may do as well.",
    )
    never_expires = forms.BooleanField(
        required=False, widget=UnfoldBooleanSwitchWidget(), help_text="Until it is revoked; the date does not count."
    )

    class Meta:
        model = ServiceAccount
        fields = ("name", "user", "expires_at", "scopes")
        help_texts = {"expires_at": f"Empty: in {service_accounts.DEFAULT_DAYS} days. UTC."}

    def clean(self) -> dict[str, Any]:
        """Give the key an end, as the API does: that it has none has to be said."""
        cleaned: dict[str, Any] = super().clean() or {}
        now, asked = utc_now(), cleaned.get("expires_at")
        if cleaned.get("never_expires"):
            cleaned["expires_at"] = None
        elif asked is None:
            cleaned["expires_at"] = now + timedelta(days=service_accounts.DEFAULT_DAYS)
        elif not now < asked <= now + timedelta(days=service_accounts.LONGEST_DAYS):
            self.add_error(
                "expires_at", f"A key ends in {service_accounts.LONGEST_DAYS} days at the latest, and not before now."
            )
        return cleaned


class AccountList(SeenList):
    """A page of accounts, each with its standing."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list: list[ServiceAccount] = list(self.result_list)
        standings = service_accounts.standings(self.result_list)
        for row in self.result_list:
            row.__dict__["standing"] = standings[row.id]


def _standing(account: ServiceAccount) -> Standing:
    """Return how an account stands; those of a list know it."""
    known: Standing | None = account.__dict__.get("standing")
    return known or service_accounts.standings([account])[account.id]


@admin.register(ServiceAccount)
class ServiceAccountAdmin(AuditedAdmin):
    """Keys for programs. A key is shown once, when it is made; afterwards it is replaced or revoked."""

    list_title = "Service accounts"
    none_yet = "A program that signs in by a key of its own stands here."
    audited_by_service = True
    form = ServiceAccountForm
    list_display = ("name", "user", "key_prefix", "state", "expires_at", "last_used_at", "created_at")
    list_select_related = ("user",)
    search_fields = ("name", "user__email", "key_prefix")
    search_help_text = "Name, e-mail or key prefix"
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

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[SeenList]:
        return AccountList

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        name, user, expires_at, granted = ServiceAccountForm.Meta.fields
        made = (name, user, expires_at, "never_expires", granted)
        return (*ServiceAccountForm.Meta.fields, *self.readonly_fields) if obj else made

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
        outgrown = _standing(account).outgrown_by
        known = {user.id: str(user) for user in User.objects.filter(id__in=account.shown_to)}
        known |= {user_id: f"{known[user_id]} (may less than it by now)" for user_id in outgrown if user_id in known}
        named = (known.get(user_id, "a former member") for user_id in dict.fromkeys(account.shown_to))
        return ", ".join(named) or "nobody"

    @admin.display(description="State")
    def state(self, account: ServiceAccount) -> str:
        if account.revoked_at is not None:
            return "revoked"
        if account.expires_at is not None and account.expires_at <= utc_now():
            return "expired"
        if not (standing := _standing(account)).has_user:
            return "stopped: its user is no member"
        return "active: replace it, somebody knows it who may less" if standing.outgrown_by else "active"

    @admin.action(description="Replace the selected key", permissions=["rotate"])
    def rotate_key(self, request: HttpRequest, queryset: QuerySet[ServiceAccount]) -> HttpResponse | None:
        """Show the new key of one account, which lives as long as the old one was to; that works for another day."""
        if queryset.count() != 1:
            self.message_user(request, "Select one key: the new one is shown this once.", messages.ERROR)
            return None
        old = queryset.get()
        ends = service_accounts.same_again(old)
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
