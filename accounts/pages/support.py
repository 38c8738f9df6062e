"""The pages of break-glass: an operator of the platform enters a tenant, and leaves it."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.console import principal_of
from accounts.entering import move
from accounts.models.support import MOST_HOURS
from accounts.services import second_factor, sessions, support
from accounts.services.support import May
from agentos.core.errors import AgentOSError, NotFound, PolicyDenied


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def enter(request: HttpRequest) -> HttpResponse:
    """Ask for `tenant`, `reason`, `hours` and `may`, and enter; nowhere for whoever is no operator."""
    if not support.is_operator(principal_of(request).user_id):
        raise Http404
    if request.method == "GET":
        return _form(request)
    try:
        _enter(request)
    except AgentOSError as error:
        return _form(request, error.detail, status=400)
    return redirect("admin:index")


@login_required
@require_POST
def leave(request: HttpRequest) -> HttpResponse:
    """End the entry of this session's tenant, and go back to one's own."""
    try:
        support.leave(principal_of(request))
    except NotFound as error:
        raise Http404 from error
    move(request, None)
    return redirect("home")


def _enter(request: HttpRequest) -> None:
    """Open the entry and make it the session's place. Raises: Invalid, NotFound, Conflict, PolicyDenied."""
    if second_factor.is_demanded() and not request.session.get(sessions.SECOND_FACTOR_KEY):
        raise PolicyDenied("Sign in with a second factor first.", code="second_factor_required")
    asked, may = request.POST, request.POST.get("may", "")
    entry = support.enter(
        user_id=principal_of(request).user_id,
        tenant=asked.get("tenant", "").strip().lower(),
        reason=asked.get("reason", ""),
        hours=int(hours) if (hours := asked.get("hours", "")).isdecimal() else 0,
        may=next((known for known in May if known == may), May.LOOK),
    )
    move(request, entry.tenant_id)


def _form(request: HttpRequest, problem: str = "", *, status: int = 200) -> HttpResponse:
    context = {"problem": problem, "asked": request.POST, "lengths": range(1, MOST_HOURS + 1)}
    return render(request, "accounts/support.html", context, status=status)
