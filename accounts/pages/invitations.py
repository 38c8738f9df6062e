"""The admin's page of invitations: made there, sent again, withdrawn; the link itself is in the mail only."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminEmailInputWidget, UnfoldAdminSelectWidget

from accounts.console import AuditedAdmin, principal_of
from accounts.models import Invitation, TenantRole
from accounts.services import invitations
from agentos.core.clock import utc_now


class InvitationForm(forms.ModelForm):  # type: ignore[type-arg]
    email = forms.EmailField(widget=UnfoldAdminEmailInputWidget())
    role = forms.ChoiceField(widget=UnfoldAdminSelectWidget(), initial="member")

    class Meta:
        model = Invitation
        fields = ("email", "role")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = TenantRole.objects.order_by("-built_in", "name").values_list("name", flat=True)
        self.fields["role"].choices = [(name, name) for name in names]  # type: ignore[attr-defined]


@admin.register(Invitation)
class InvitationAdmin(AuditedAdmin):
    """Who has been asked to join. An invitation is sent, sent again or withdrawn; it is changed by nobody."""

    list_title = "Invitations"
    none_yet = "Who is invited by e-mail stands here until the invitation is taken or runs out."
    audited_by_service = True
    form = InvitationForm
    list_display = ("email", "role", "state", "invited_by", "sent_at", "expires_at")
    list_select_related = ("invited_by",)
    search_fields = ("email",)
    search_help_text = "E-mail"
    readonly_fields = ("state", "invited_by", "created_at", "sent_at", "expires_at", "accepted_at", "revoked_at")
    actions = ("send_again", "withdraw")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("email", "role", *self.readonly_fields) if obj else ("email", "role")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_invite_permission(self, request: HttpRequest) -> bool:
        return principal_of(request).has("members:write")

    @admin.display(description="State")
    def state(self, invitation: Invitation) -> str:
        if invitation.accepted_at is not None:
            return "accepted"
        if invitation.revoked_at is not None:
            return "withdrawn"
        if invitation.expires_at <= utc_now():
            return "expired"
        return "open" if invitation.sent_at is not None else "not sent"

    def save_model(self, request: HttpRequest, obj: Invitation, form: Any, change: bool) -> None:
        asked = form.cleaned_data
        made = invitations.invite(principal_of(request), email=asked["email"], role=asked["role"])
        obj.pk, obj.tenant_id = made.pk, made.tenant_id

    @admin.action(description="Send the selected again, with a new link", permissions=["invite"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[Invitation]) -> None:
        for invitation in queryset.order_by("id"):
            invitations.resend(principal_of(request), invitation_id=invitation.id)
        self.message_user(request, "New links are on their way; the old ones have ended.")

    @admin.action(description="Withdraw the selected", permissions=["invite"])
    def withdraw(self, request: HttpRequest, queryset: QuerySet[Invitation]) -> None:
        for invitation in queryset.order_by("id"):
            invitations.revoke(principal_of(request), invitation_id=invitation.id)
        self.message_user(request, "Their links have ended.")
