"""Exports, erasures, legal holds and retentions in the admin: what they change, services change."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.widgets import (
    UnfoldAdminEmailInputWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminSplitDateTimeWidget,
    UnfoldAdminTextareaWidget,
)

from accounts.console import AuditedAdmin, ReadOnlyAdmin, named_parts, principal_of
from accounts.principals import Principal
from accounts.privacy import holds, persons, retention
from accounts.privacy.datamap import RECORDS, RETENTIONS, STANDING
from accounts.privacy.models import LegalHold, PrivacyJob, RetentionRule


def _holds(request: HttpRequest, scope: str) -> bool:
    """Tell whether whoever looks holds a scope; the sign-in page asks, too."""
    principal = getattr(request, "principal", None)
    return isinstance(principal, Principal) and principal.has(scope)


LIMITED = [rule for rule in RETENTIONS.values() if rule not in (RECORDS, STANDING)]


@admin.register(PrivacyJob)
class PrivacyJobAdmin(ReadOnlyAdmin):
    """What was exported and erased, with the signed receipts. The subject of an erasure is an id."""

    list_title = "Exports and erasures"
    none_yet = "When somebody asks for her data or to be erased, the job and its receipt stand here."
    list_display = ("created_at", "kind", "subject_id", "status", "stage", "ended_at", "error_code")
    list_display_links = ("created_at",)
    list_filter = ("kind", "status")
    search_fields = ("=id", "=subject__id")
    search_help_text = "Job id or subject id"
    ordering = ("-created_at",)
    fields = (
        "kind",
        "subject_id",
        "status",
        "stage",
        "progress",
        "signed_receipt",
        "error_code",
        "created_at",
        "ended_at",
    )
    readonly_fields = ("subject_id", "signed_receipt")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _holds(request, "privacy:erase")

    @admin.display(description="Receipt")
    def signed_receipt(self, job: PrivacyJob) -> SafeString | str:
        return format_html("<pre>{}</pre>", json.dumps(job.receipt, indent=1)) if job.receipt else "none yet"


class HoldForm(forms.ModelForm):  # type: ignore[type-arg]
    """A hold on one person, found by her e-mail address, or on the whole tenant."""

    email = forms.EmailField(
        required=False, widget=UnfoldAdminEmailInputWidget(), help_text="Empty: the whole tenant is put on hold."
    )
    reason = forms.CharField(max_length=holds.MAX_REASON_CHARS, widget=UnfoldAdminTextareaWidget())
    until = named_parts(
        forms.SplitDateTimeField(
            label="Until",
            required=False,
            widget=UnfoldAdminSplitDateTimeWidget(),
            help_text="UTC. Empty: until it is lifted.",
        )
    )

    class Meta:
        model = LegalHold
        fields = ("email", "reason", "until")


@admin.register(LegalHold)
class LegalHoldAdmin(AuditedAdmin):
    """What must be neither erased nor let expire. A hold is never deleted: it is lifted, and stays as a record."""

    list_title = "Legal holds"
    none_yet = "What is on hold is neither erased nor deleted by age. Nothing is on hold."
    audited_by_service = True
    form = HoldForm
    list_display = ("placed_at", "about", "reason", "until", "lifted_at")
    list_display_links = None
    list_select_related = ("user",)
    ordering = ("-placed_at",)
    actions = ("lift",)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _holds(request, holds.SCOPE)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return _holds(request, holds.SCOPE)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_lift_permission(self, request: HttpRequest) -> bool:
        return _holds(request, holds.SCOPE)

    @admin.display(description="About")
    def about(self, hold: LegalHold) -> str:
        return str(hold.user) if hold.user else "the whole tenant"

    @admin.action(description="Lift the selected holds", permissions=["lift"])
    def lift(self, request: HttpRequest, queryset: QuerySet[LegalHold]) -> None:
        for hold_id in queryset.values_list("id", flat=True):
            holds.lift(principal_of(request), hold_id=hold_id)
        self.message_user(request, "The holds are lifted.")

    def save_model(self, request: HttpRequest, obj: LegalHold, form: Any, change: bool) -> None:
        asked = form.cleaned_data
        user_id = persons.id_of(asked["email"]) if asked["email"] else None
        placed = holds.place(principal_of(request), user_id=user_id, reason=asked["reason"], until=asked["until"])
        obj.pk, obj.placed_at, obj.tenant_id = placed.pk, placed.placed_at, placed.tenant_id


class RuleForm(forms.ModelForm):  # type: ignore[type-arg]
    retention = forms.ChoiceField(
        choices=[(rule.name, f"{rule.name}: {rule.says}") for rule in LIMITED], widget=UnfoldAdminSelectWidget()
    )
    days = forms.IntegerField(min_value=1, widget=UnfoldAdminIntegerFieldWidget())

    class Meta:
        model = RetentionRule
        fields = ("retention", "days")


@admin.register(RetentionRule)
class RetentionRuleAdmin(AuditedAdmin):
    """A tenant's own limits: they shorten what the installation says, and never lengthen it."""

    list_title = "Retention"
    none_yet = "All is kept as long as the installation says. A rule here makes that shorter."
    audited_by_service = True
    form = RuleForm
    list_display = ("retention", "days", "updated_at")
    actions = None

    def has_module_permission(self, request: HttpRequest) -> bool:
        return _holds(request, retention.SCOPE)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _holds(request, retention.SCOPE)

    def save_model(self, request: HttpRequest, obj: RetentionRule, form: Any, change: bool) -> None:
        asked = form.cleaned_data
        retention.limit(principal_of(request), retention=asked["retention"], days=asked["days"])
        obj.pk = RetentionRule.objects.get(tenant_id=principal_of(request).tenant_id, retention=asked["retention"]).pk

    def delete_model(self, request: HttpRequest, obj: RetentionRule) -> None:
        retention.limit(principal_of(request), retention=obj.retention, days=None)
