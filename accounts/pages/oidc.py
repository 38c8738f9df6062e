"""Signing in with a provider: off to it, and back with what it says."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from accounts import entering, oidc
from accounts.services import attempts, identities, providers
from accounts.services.providers import Provider
from agentos.core.errors import CallerError, NotFound

NEXT_KEY = "oidc_next"


@never_cache
@require_GET
def begin(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Send the browser to the provider, and remember where she wanted to go."""
    provider = _provider(provider_id)
    request.session[NEXT_KEY] = request.GET.get("next", "")
    try:
        return oidc.begin(request, provider)
    except CallerError as error:
        return _back_to_door(request, error)


@never_cache
@require_GET
def finish(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Take the provider's answer. Bad ones are counted as failed log-ins are: each costs the provider a request."""
    provider, then = _provider(provider_id), request.session.get(NEXT_KEY, "")
    client = str(request.META.get("REMOTE_ADDR", ""))
    try:
        ticket = attempts.admit(f"provider {provider.id} from {client}", client)
        claims = oidc.finish(request, provider)
        user = identities.resolve(provider, claims)
    except CallerError as error:
        return _back_to_door(request, error)
    attempts.succeeded(ticket)
    shown = f"provider {provider.id}" if identities.shows_second_factor(provider, claims) else ""
    return entering.enter(request, user, via=f"oidc:{provider.id}", then=then, shown=shown)


def _provider(provider_id: str) -> Provider:
    try:
        return providers.of_id(provider_id)
    except NotFound:
        raise Http404 from None


def _back_to_door(request: HttpRequest, error: CallerError) -> HttpResponse:
    messages.error(request, error.detail)
    return redirect("admin:login")
