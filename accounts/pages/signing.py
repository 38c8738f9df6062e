"""The pages' small POSTs: sign in, sign out, switch the tenant, and the development's one-click sign-in."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import authenticate
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from accounts.entering import enter, leave, own_place, switch
from accounts.models import Membership
from accounts.services import sign_ins


@sensitive_post_parameters("password")
@require_POST
def sign_in(request: HttpRequest) -> HttpResponse:
    """Sign in with `email` and `password`, for every role; back to `next` with a message when it fails."""
    email, password = request.POST.get("email", ""), request.POST.get("password", "")
    user = authenticate(request, username=email, password=password)
    if user is None:
        messages.error(request, "E-mail or password is wrong, or there were too many attempts.")
        return _back(request)
    return enter(request, user, via="password", then=request.POST.get("next", ""))


@require_POST
def dev_sign_in(request: HttpRequest) -> HttpResponse:
    """Sign in as the demo user whose `email` was clicked; only in development, and on this machine."""
    allowed = sign_ins.demo_allowed(request.META.get("REMOTE_ADDR", ""))
    member = sign_ins.demo_member(request.POST.get("email", "")) if allowed else None
    if member is None:
        raise Http404
    then, tenant_id = request.POST.get("next", ""), str(member.tenant_id)
    return enter(request, member.user, via="demo", then=then, tenant_id=tenant_id)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    leave(request)
    return _back(request)


@require_POST
def switch_tenant(request: HttpRequest) -> HttpResponse:
    """Make another of the user's tenants (`tenant`: its slug) the current one; 404 if it is not hers."""
    wanted = request.POST.get("tenant", "")
    members: list[Membership] = getattr(request, "memberships", [])
    member = next((member for member in members if member.tenant.slug == wanted), None)
    if member is None:
        raise Http404
    switch(request, member)
    return _back(request)


def _back(request: HttpRequest) -> HttpResponse:
    """Redirect to the form's `next`, if it is on this host."""
    return redirect(own_place(request, request.POST.get("next", "")))
