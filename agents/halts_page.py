"""The admin's page of kill switches: what is halted, why and by whom, halting, releasing."""

from __future__ import annotations

from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.views.decorators.http import require_http_methods, require_POST

from accounts.console import principal_of
from accounts.principals import Principal
from agentos.core.errors import CallerError, NotFound
from agentos.problems import status_of
from agents.banner import banners
from agents.models.switches import MAX_REASON_CHARS
from agents.services import switches
from agents.services.halted import in_words


@require_http_methods(["GET", "HEAD", "POST"])
def halts(request: HttpRequest) -> HttpResponse:
    """Show what is halted and what can be; a POST halts."""
    principal = _operator(request)
    if request.method != "POST":
        return _page(request, principal)
    target, reason = request.POST.get("target", ""), request.POST.get("reason", "")
    try:
        switches.halt(principal, target=target, reason=reason)
    except CallerError as error:
        return _page(request, principal, status_of(error), problem=error.detail, target=target, reason=reason)
    messages.success(request, f"Halted: {in_words(target)}. No new step of it begins within two seconds.")
    return HttpResponseRedirect(reverse("halts"))


@require_POST
def release(request: HttpRequest, switch_id: UUID) -> HttpResponse:
    """Release what a switch halts."""
    principal = _operator(request)
    try:
        made = switches.release(principal, switch_id=switch_id)
    except NotFound:
        raise Http404 from None
    messages.success(request, f"Released: {in_words(made.target)}. The runs go on by themselves.")
    return HttpResponseRedirect(reverse("halts"))


def _page(request: HttpRequest, principal: Principal, status: int = 200, **said: str) -> HttpResponse:
    request.current_app = admin.site.name
    stands = banners(principal)
    taken = {one.target for one in stands}
    context = {
        **admin.site.each_context(request),
        "title": "Kill switches",
        "stands": stands,
        "targets": [(target, in_words(target)) for target in switches.targets() if target not in taken],
        "most": MAX_REASON_CHARS,
    }
    return TemplateResponse(request, "agents/halts.html", context | said, status=status)


def _operator(request: HttpRequest) -> Principal:
    principal = principal_of(request)
    if not principal.has(switches.WRITE):
        raise PermissionDenied
    return principal


urls = [
    path("", admin.site.admin_view(halts), name="halts"),
    path("<uuid:switch_id>/release/", admin.site.admin_view(release), name="release_halt"),
]
