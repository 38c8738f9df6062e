"""The pages' small POSTs: sign in, sign out, switch the tenant, and the development's one-click sign-in."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import authenticate, login, logout
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from accounts.models import Membership, User
from accounts.services import sessions, sign_ins

BACKEND = "accounts.backend.MembershipBackend"


@sensitive_post_parameters("password")
@require_POST
def sign_in(request: HttpRequest) -> HttpResponse:
    """Sign in with `email` and `password`, for every role; back to `next` with a message when it fails."""
    email, password = request.POST.get("email", ""), request.POST.get("password", "")
    user = authenticate(request, username=email, password=password)
    if user is None:
        messages.error(request, "E-mail or password is wrong, or there were too many attempts.")
        return _back(request)
    members = sessions.memberships(user.pk)
    return _enter(request, members[0])


@require_POST
def dev_sign_in(request: HttpRequest) -> HttpResponse:
    """Sign in as the demo user whose `email` was clicked; only in development, and on this machine."""
    allowed = sign_ins.demo_allowed(request.META.get("REMOTE_ADDR", ""))
    member = sign_ins.demo_member(request.POST.get("email", "")) if allowed else None
    if member is None:
        raise Http404
    sign_ins.record(member, via="demo")
    return _enter(request, member)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    return _back(request)


@require_POST
def switch_tenant(request: HttpRequest) -> HttpResponse:
    """Make another of the user's tenants (`tenant`: its slug) the current one; 404 if it is not hers."""
    wanted = request.POST.get("tenant", "")
    members: list[Membership] = getattr(request, "memberships", [])
    member = next((member for member in members if member.tenant.slug == wanted), None)
    if member is None:
        raise Http404
    request.session[sessions.TENANT_KEY] = str(member.tenant_id)
    return _back(request)


def _enter(request: HttpRequest, member: Membership) -> HttpResponse:
    user: User = member.user
    user.backend = BACKEND  # type: ignore[attr-defined]  # where Django's login looks for it
    login(request, user)
    request.session[sessions.TENANT_KEY] = str(member.tenant_id)
    return _back(request)


def _back(request: HttpRequest) -> HttpResponse:
    """Redirect to the form's `next`, if it is on this host."""
    wanted = request.POST.get("next", "")
    allowed = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return redirect(wanted if allowed else settings.LOGIN_REDIRECT_URL)
