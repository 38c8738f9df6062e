"""The page "Your data": what this tenant holds of somebody, corrected, chosen, exported and erased by herself."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.console import principal_of
from accounts.principals import Principal
from accounts.privacy import choices, jobs
from accounts.privacy.datamap import tables
from agentos.core.errors import CallerError, NotFound, PolicyDenied

PAGE = "privacy"


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def mine(request: HttpRequest) -> HttpResponse:
    """Show what is held, or do what a form of the page asks for (`do`: correct, export or erase)."""
    principal = principal_of(request)
    try:
        choices.check_self(principal)
    except PolicyDenied as denied:
        raise PermissionDenied(denied.detail) from None
    if request.method == "GET":
        return render(request, "accounts/privacy.html", _context(principal))
    act = _ACTS.get(request.POST.get("do", ""))
    if act is None:
        raise Http404
    try:
        messages.success(request, act(request, principal))
    except CallerError as error:
        messages.error(request, error.detail)
    return redirect(PAGE)


@login_required
@never_cache
@require_safe
def archive(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """Download what an export of one's own made."""
    try:
        data = jobs.archive(principal_of(request), job_id)
    except NotFound:
        raise Http404 from None
    response = HttpResponse(data, content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="export-{job_id}.zip"'
    return response


def _correct(request: HttpRequest, principal: Principal) -> str:
    choices.change(
        principal,
        name=request.POST.get("name", ""),
        memory=request.POST.get("memory") == "on",
        learning=request.POST.get("learning") == "on",
    )
    return "Saved."


def _export(request: HttpRequest, principal: Principal) -> str:
    jobs.request(principal, kind=jobs.EXPORT)
    return "Your archive is being made: it appears below in a moment."


def _erase(request: HttpRequest, principal: Principal) -> str:
    if request.POST.get("confirm", "").strip().casefold() != principal.email.casefold():
        return "Nothing was erased: type your e-mail address to confirm."
    jobs.request(principal, kind=jobs.ERASE)
    return "Your data are being erased. You are signed out in a moment; an administrator has the receipt."


_ACTS: dict[str, Callable[[HttpRequest, Principal], str]] = {
    "correct": _correct,
    "export": _export,
    "erase": _erase,
}


def _context(principal: Principal) -> dict[str, object]:
    held = choices.held(principal)
    names = {table.name: str(table.model._meta.verbose_name_plural) for table in tables()}
    shown = [(names[name], count, held.retention[name]) for name, count in sorted(held.rows.items())]
    own = [job for job in jobs.newest(principal) if job.subject_id == principal.user_id]
    return {"principal": principal, "held": held, "shown": shown, "jobs": own}
