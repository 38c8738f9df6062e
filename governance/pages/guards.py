"""The admin's pages about guards: where a tenant wants them other than its components declare."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminSelectWidget

from accounts.console import AuditedAdmin, principal_of
from agents.registry import registry
from governance.guards.places import Mode, Place, declared, name_of
from governance.models import GuardSetting
from governance.services import guards


class GuardForm(forms.ModelForm):  # type: ignore[type-arg]
    component = forms.ChoiceField(required=False, widget=UnfoldAdminSelectWidget())

    class Meta:
        model = GuardSetting
        fields = ("component", "guard", "place", "mode", "reason")
        help_texts = {
            "guard": "Moderation is for what people say; injection for what comes in.",
            "mode": "To do less than before takes the scope guards:loosen.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = [(name_of(spec), spec.label) for spec in registry.all()]
        if self.instance.component and self.instance.component not in dict(known):
            known.append((self.instance.component, f"{self.instance.component} (not installed)"))
        choices: Any = self.fields["component"]
        choices.choices = [("", "all components"), *known]


@admin.register(GuardSetting)
class GuardSettingAdmin(AuditedAdmin):
    """A change is in force within five seconds, for runs at work too."""

    list_title = "Guards"
    none_yet = "Each agent is guarded as its code declares. What is set here counts instead."
    audited_by_service = True
    form = GuardForm
    list_display = ("of_what", "guard", "place", "mode", "itself", "reason", "changed_at")
    list_filter = ("guard", "place", "mode")
    fields = ("component", "guard", "place", "mode", "reason")
    ordering = ("component", "place", "guard")
    actions = None

    @admin.display(description="Component", ordering="component")
    def of_what(self, row: GuardSetting) -> str:
        return row.component or "all components"

    @admin.display(description="By itself")
    def itself(self, row: GuardSetting) -> str:
        """Say what the component declares; for all, what each of them does."""
        modes = {
            str(declared(spec, Place(row.place)).get(row.guard, Mode.OFF))
            for spec in registry.all()
            if row.component in ("", name_of(spec))
        }
        return ", ".join(sorted(modes))

    def save_model(self, request: HttpRequest, obj: GuardSetting, form: Any, change: bool) -> None:
        said = {name: form.cleaned_data[name] for name in self.fields or ()}
        saved = guards.put(principal_of(request), **said, instead_of=obj.pk if change else None)
        obj.pk, obj.tenant_id = saved.pk, saved.tenant_id

    def delete_model(self, request: HttpRequest, obj: GuardSetting) -> None:
        guards.drop(principal_of(request), setting_id=obj.pk)
