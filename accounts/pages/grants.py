"""The admin's pages about single grants. What they change, `services.grants` changes."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminSelectWidget

from accounts.console import AuditedAdmin, principal_of
from accounts.models import Grant
from accounts.models.resources import VERBS
from accounts.principals import Principal
from accounts.services import grants


class GrantForm(forms.ModelForm):  # type: ignore[type-arg]
    """Whom, and what: one verb on one thing that the principal may use herself."""

    what = forms.ChoiceField(
        widget=UnfoldAdminSelectWidget(),
        help_text="It adds to what the role allows. To run includes to read, but not the component's tools.",
    )
    principal: Principal

    class Meta:
        model = Grant
        fields = ("user",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people: Any = self.fields.get("user")
        if people is not None:  # it is no choice for who only looks
            people.queryset = people.queryset.order_by("email")
        choices: Any = self.fields["what"]
        choices.choices = _offered(self.principal)


@admin.register(Grant)
class GrantAdmin(AuditedAdmin):
    """Who was granted what beside her role. A grant is given and taken, never changed."""

    list_title = "Grants"
    none_yet = "What somebody may do beyond what her role allows is granted here."
    audited_by_service = True
    form = GrantForm
    list_display = ("user", "kind", "thing", "right", "created_at")
    list_filter = ("content_object__kind",)
    search_fields = ("user__email", "content_object__name")
    search_help_text = "E-mail or name"
    ordering = ("user__email", "content_object__kind", "content_object__name")
    actions = None

    def get_queryset(self, request: HttpRequest) -> QuerySet[Grant]:
        """Name the member with each grant: a page that takes one says whose it is."""
        return super().get_queryset(request).select_related("user", "content_object", "permission")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is not None:
            kwargs["form"] = forms.ModelForm  # a page to read
        made: Any = super().get_form(request, obj, change, **kwargs)
        if issubclass(made, GrantForm):
            made.principal = principal_of(request)
        return made

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("user", "kind", "thing", "right", "created_at") if obj else ("user", "what")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return self.get_fields(request, obj) if obj else ()

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description="Kind", ordering="content_object__kind")
    def kind(self, grant: Grant) -> str:
        return str(grant.content_object.kind)

    @admin.display(description="Name", ordering="content_object__name")
    def thing(self, grant: Grant) -> str:
        return str(grant.content_object.name)

    @admin.display(description="May")
    def right(self, grant: Grant) -> str:
        return grant.scope.rpartition(":")[2]

    def save_model(self, request: HttpRequest, obj: Grant, form: Any, change: bool) -> None:
        thing, _, verb = form.cleaned_data["what"].rpartition(":")
        kind, _, name = thing.partition(":")
        made = grants.give(principal_of(request), user_id=obj.user_id, kind=kind, name=name, verb=verb)
        obj.pk, obj.tenant_id, obj.content_object, obj.permission = (
            made.pk,
            made.tenant_id,
            made.content_object,
            made.permission,
        )

    def delete_model(self, request: HttpRequest, obj: Grant) -> None:
        grants.take(principal_of(request), grant_id=obj.pk)


def _offered(principal: Principal) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the choices by kind: (kind, [(scope, words)])."""
    found = groupby(grants.things(principal.tenant_id), key=lambda thing: thing.kind)
    return [
        (
            kind,
            [
                (scope, f"{verb} {thing.label}")
                for thing in things
                for verb in VERBS[kind]
                if principal.has(scope := f"{kind}:{thing.name}:{verb}")
            ],
        )
        for kind, things in found
    ]
