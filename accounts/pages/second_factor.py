"""The pages of the second factor: asked for at sign-in, set up, its recovery codes shown once, looked after."""

from __future__ import annotations

import segno
from django.contrib import messages
from django.contrib.auth import authenticate
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.safestring import mark_safe
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts import entering
from accounts.console import principal_of
from accounts.models import User
from accounts.services import second_factor, sessions
from agentos.core.errors import CallerError, NotAuthenticated, PolicyDenied, RateLimited

LOGIN = "admin:login"
SECURITY = "security"
form = require_http_methods(["GET", "POST"])


@never_cache
@sensitive_post_parameters("code")
@form
def ask(request: HttpRequest) -> HttpResponse:
    """Ask whoever has shown her password for her code, or send her to set up a second factor."""
    waiting = entering.pending(request)
    if waiting is None:
        return redirect(LOGIN)
    if second_factor.device_of(waiting.user.id) is None:
        return redirect("second_factor_enrol")
    if request.method == "GET":
        return render(request, "accounts/second_factor.html")
    try:
        device = second_factor.verify(waiting.user.id, request.POST.get("code", ""), _client(request))
    except (NotAuthenticated, RateLimited) as error:
        return _again(request, "accounts/second_factor.html", error)
    return entering.complete(request, waiting.user, via=waiting.via, then=waiting.then, shown=str(device.id))


@never_cache
@sensitive_post_parameters("code")
@form
def enrol(request: HttpRequest) -> HttpResponse:
    """Show the secret as a QR code and in letters; with its first code, open the session and show recovery codes."""
    waiting = entering.pending(request)
    if waiting is None:
        return redirect(LOGIN)
    try:
        address = second_factor.enrolment(waiting.user)
        if request.method == "GET":
            return render(request, "accounts/enrol.html", _shown(address))
        device, codes = second_factor.confirm(waiting.user, request.POST.get("code", ""), _client(request))
    except PolicyDenied:
        return redirect("second_factor")
    except (NotAuthenticated, RateLimited) as error:
        return _again(request, "accounts/enrol.html", error, **_shown(address))
    waiting.user.refresh_from_db(using="system")  # what it opened before has ended
    done = entering.complete(request, waiting.user, via=waiting.via, then=waiting.then, shown=str(device.id))
    return render(request, "accounts/recovery_codes.html", {"codes": codes, "then": done["Location"]})


@login_required
@never_cache
def security(request: HttpRequest) -> HttpResponse:
    """Show a signed-in user her second factor, and what she may do with it."""
    principal = principal_of(request)
    members = request.memberships  # type: ignore[attr-defined]
    has_one = second_factor.device_of(principal.user_id) is not None
    context = {"has_one": has_one, "is_required": second_factor.is_required(members), "principal": principal}
    return render(request, "accounts/security.html", context)


@login_required
@sensitive_post_parameters("password")
@require_POST
def begin(request: HttpRequest) -> HttpResponse:
    """Begin to set one up: with the password once more, so that a session left open gives nobody a second factor."""
    email, password = principal_of(request).email, request.POST.get("password", "")
    user = authenticate(request, username=email, password=password)
    if not isinstance(user, User):
        return _security(request, "The password is wrong, or there were too many attempts.")
    entering.wait(request, user, via="password", then=reverse(SECURITY))
    return redirect("second_factor_enrol")


@login_required
@never_cache
@sensitive_post_parameters("code")
@require_POST
def renew_codes(request: HttpRequest) -> HttpResponse:
    """Show new recovery codes, once."""
    try:
        codes = second_factor.renew_codes(principal_of(request).user_id, request.POST.get("code", ""), _client(request))
    except (NotAuthenticated, RateLimited) as error:
        return _security(request, error.detail)
    return render(request, "accounts/recovery_codes.html", {"codes": codes, "then": reverse(SECURITY)})


@login_required
@sensitive_post_parameters("code")
@require_POST
def remove(request: HttpRequest) -> HttpResponse:
    """Give up one's second factor, where none is required."""
    user_id = principal_of(request).user_id
    try:
        second_factor.remove(sessions.memberships(user_id), request.POST.get("code", ""), _client(request))
    except (NotAuthenticated, RateLimited, PolicyDenied) as error:
        return _security(request, error.detail)
    request.session.pop(sessions.SECOND_FACTOR_KEY, None)
    return redirect(SECURITY)


def _shown(address: str) -> dict[str, str]:
    """Return the QR code as an image in the page and the secret to type: nothing is fetched for it."""
    secret = address.partition("secret=")[2].partition("&")[0]
    groups = " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))
    image = segno.make(address, error="m").svg_inline(scale=5, light="#fff", title="QR code of the secret")
    return {"secret": groups, "image": mark_safe(image)}  # noqa: S308  # segno wrote all of it


def _again(request: HttpRequest, template: str, error: CallerError, **context: str) -> HttpResponse:
    status = 429 if isinstance(error, RateLimited) else 403
    return render(request, template, {**context, "problem": error.detail}, status=status)


def _security(request: HttpRequest, problem: str) -> HttpResponse:
    messages.error(request, problem)
    return redirect(SECURITY)


def _client(request: HttpRequest) -> str:
    return str(request.META.get("REMOTE_ADDR", ""))
