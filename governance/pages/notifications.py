"""The page "My notifications": what one was told lately, and what one wants to be told."""

from __future__ import annotations

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from accounts.console import principal_of
from governance import notices
from governance.models import PERSONAL, Kind
from governance.services import preferences


@require_http_methods(["GET", "HEAD", "POST"])
def notifications_page(request: HttpRequest) -> HttpResponse:
    """Show the newest notices and a box for each kind and channel; a POST stores the boxes."""
    principal = principal_of(request)
    if request.method == "POST":
        ticked = set(request.POST.getlist("wanted"))
        wanted = {
            kind.value: {channel.value: f"{kind.value} {channel.value}" in ticked for channel in PERSONAL}
            for kind in Kind
        }
        preferences.choose(principal, wanted)
        messages.success(request, "This is what you are told from now on.")
        return HttpResponseRedirect(reverse("notifications"))
    chosen = preferences.mine(principal)
    context = {
        **admin.site.each_context(request),
        "title": "My notifications",
        "notices": notices.recent(principal),
        "channels": PERSONAL,
        "rows": [(kind, [(channel, wanted) for channel, wanted in chosen[kind].items()]) for kind in Kind],
        "email": principal.email,
    }
    request.current_app = admin.site.name
    return TemplateResponse(request, "governance/notifications.html", context)
