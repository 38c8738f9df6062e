"""The admin's pages about the tenant's endpoints, and the outbox: what was sent, what waits, what was given up."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.views.decorators.debug import sensitive_post_parameters
from unfold.widgets import UnfoldAdminPasswordWidget

from accounts.console import AuditedAdmin, ReadOnlyAdmin, principal_of, shown_once
from governance.models import Endpoint, Kind, Notice
from governance.services import endpoints, outbox


class EndpointForm(forms.ModelForm):  # type: ignore[type-arg]
    """What an endpoint is told; its address is typed in when it is added and never shown."""

    url = forms.CharField(
        label="Address", max_length=2_000, widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "off"})
    )
    kinds = forms.MultipleChoiceField(
        label="Is told when", choices=Kind.choices, widget=forms.CheckboxSelectMultiple, initial=Kind.values
    )

    class Meta:
        model = Endpoint
        fields = ("channel", "name", "kinds", "tells_effect", "is_active")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:
            self.fields.pop("url", None)


@admin.register(Endpoint)
class EndpointAdmin(AuditedAdmin):
    """The tenant's Slack webhooks and webhooks. A webhook's secret is shown once: when it is added or renewed."""

    list_title = "Endpoints"
    none_yet = "Slack or a server of your own is told of approvals once its address stands here."
    audited_by_service = True
    form = EndpointForm
    list_display = ("name", "channel", "host", "is_active", "off_reason", "changed_at")
    ordering = ("name",)
    actions = ("renew_secret",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Endpoint]:
        rows: QuerySet[Endpoint] = super().get_queryset(request)
        return rows.defer("sealed", "sealed_key")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        if obj is None:
            return ("channel", "name", "url", "kinds", "tells_effect")
        return ("channel", "name", "host", "kinds", "tells_effect", "is_active", "off_reason", "previous_until")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return () if obj is None else ("channel", "name", "host", "off_reason", "previous_until")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _may(request, endpoints.READ)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _may(request, endpoints.WRITE)

    has_add_permission = has_delete_permission = has_change_permission

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    @method_decorator(sensitive_post_parameters("url"))
    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        response: HttpResponse = super().add_view(request, form_url, extra_context)
        return response

    def save_model(self, request: HttpRequest, obj: Endpoint, form: Any, change: bool) -> None:
        asked, principal = form.cleaned_data, principal_of(request)
        chosen = {"kinds": asked["kinds"], "tells_effect": asked["tells_effect"]}
        if change:
            endpoints.change(principal, endpoint_id=obj.pk, is_active=asked["is_active"], **chosen)
            return
        made = endpoints.add(principal, channel=asked["channel"], name=asked["name"], url=asked["url"], **chosen)
        obj.pk, obj.tenant_id = made.endpoint.pk, made.endpoint.tenant_id
        obj.__dict__["secret"] = made.secret

    def response_add(self, request: HttpRequest, obj: Endpoint, post_url_continue: str | None = None) -> HttpResponse:
        if secret := obj.__dict__.get("secret"):
            return shown_once(self, request, f"The secret of {obj.name}", secret)
        response: HttpResponse = super().response_add(request, obj, post_url_continue)
        return response

    def delete_model(self, request: HttpRequest, obj: Endpoint) -> None:
        endpoints.delete(principal_of(request), endpoint_id=obj.pk)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Endpoint]) -> None:
        for endpoint in queryset:
            endpoints.delete(principal_of(request), endpoint_id=endpoint.pk)

    @admin.action(description="Give the selected webhook a new secret", permissions=["change"])
    def renew_secret(self, request: HttpRequest, queryset: QuerySet[Endpoint]) -> HttpResponse | None:
        if queryset.count() != 1:
            self.message_user(request, "Choose one: its secret is shown once.", "error")
            return None
        made = endpoints.rotate(principal_of(request), endpoint_id=queryset.get().pk)
        return shown_once(self, request, f"The new secret of {made.endpoint.name}", made.secret)


@admin.register(Notice)
class NoticeAdmin(ReadOnlyAdmin):
    """The outbox. What was given up can be sent again."""

    list_title = "Sent notices"
    none_yet = "What was told to people and webhooks stands here, delivered or not."
    list_display = ("what", "about", "channel", "receiver", "state", "attempts", "error", "created_at")
    list_filter = ("state", "channel")
    search_fields = ("=announcement__approval__id", "=announcement__run__id", "user__email")
    search_help_text = "Approval id, run id or e-mail"
    list_select_related = ("announcement", "user", "endpoint")
    ordering = ("-created_at", "-id")
    actions: Any = ("send_again",)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _may(request, endpoints.READ)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_send_permission(self, request: HttpRequest) -> bool:
        return _may(request, endpoints.WRITE)

    @admin.display(description="What", ordering="announcement__kind")
    def what(self, notice: Notice) -> str:
        return Kind(notice.announcement.kind).label

    @admin.display(description="About")
    def about(self, notice: Notice) -> str:
        """Lead to what it is about, by its id: its words may be personal."""
        made = notice.announcement
        for page, word, row_id in (
            ("governance_approval", "request", made.approval_id),
            ("agents_step", "call", made.step_id),
            ("agents_run", "run", made.run_id),
        ):
            if row_id is not None:
                link = reverse(f"admin:{page}_change", args=[row_id])
                return format_html('<a class="ao-link" href="{}">{} {}</a>', link, word, str(row_id)[-8:])
        return "-"

    @admin.display(description="To")
    def receiver(self, notice: Notice) -> str:
        return notice.endpoint.name if notice.endpoint else notice.user.email if notice.user else ""

    @admin.action(description="Send the selected again that were given up", permissions=["send"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[Notice]) -> None:
        principal = principal_of(request)
        count = sum(outbox.retry(principal, notice_id=notice.id) for notice in queryset)
        self.message_user(request, f"{count} will be sent again.")


def _may(request: HttpRequest, scope: str) -> bool:
    """Tell whether the viewer holds a scope; nobody has signed in where the menu of the first page is made."""
    principal = getattr(request, "principal", None)
    return principal is not None and bool(principal.has(scope))
