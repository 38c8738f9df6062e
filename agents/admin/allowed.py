"""The admin's page of the models that the tenant allows. What it changes, `services.tenant_models` changes."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminTextareaWidget

from accounts.console import AuditedAdmin, principal_of
from agents.models import AllowedModels
from agents.services import tenant_models


class AllowedForm(forms.ModelForm):  # type: ignore[type-arg]
    listed = forms.CharField(
        required=False,
        label="Models",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 6}),
        help_text="One name a line. Others are refused. Delete this list to allow all.",
    )

    class Meta:
        model = AllowedModels
        fields: tuple[str, ...] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["listed"] = "\n".join(self.instance.names)


@admin.register(AllowedModels)
class AllowedModelsAdmin(AuditedAdmin):
    """One list for the tenant, or none."""

    list_title = "Allowed models"
    none_yet = "Every model of the installation may be used. A list here refuses all others."
    audited_by_service = True
    form = AllowedForm
    list_display = ("__str__", "changed_at")
    fields = ("listed",)
    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and not AllowedModels.objects.exists()

    def save_model(self, request: HttpRequest, obj: AllowedModels, form: Any, change: bool) -> None:
        principal, names = principal_of(request), form.cleaned_data["listed"].splitlines()
        tenant_models.allow(principal, models=[name for name in names if name.strip()])
        saved = AllowedModels.objects.get(tenant_id=principal.tenant_id)
        obj.pk, obj.tenant_id, obj.names = saved.pk, saved.tenant_id, saved.names

    def delete_model(self, request: HttpRequest, obj: AllowedModels) -> None:
        tenant_models.allow(principal_of(request), models=None)
