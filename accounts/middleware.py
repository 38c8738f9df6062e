"""What the stock handler wraps around pages and admin: the tenant's scope, and that nothing hides in them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

from django.contrib.auth import logout
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.urls import Resolver404, resolve

from accounts import away, principals, reading
from accounts.models import Membership, User
from accounts.reading import Reading
from accounts.services import sessions
from accounts.showing import page_spelled_out
from accounts.tenancy import tenant_scope
from agentos.core.errors import ConfigError, Unavailable, whereabouts

logger = logging.getLogger(__name__)

# Redirects and refusals: what was looked up on the way to them is not told.
SHOWS_NOTHING = frozenset({301, 302, 303, 403, 404})
GetResponse = Callable[[HttpRequest], HttpResponse]


def refuses_nul(get_response: GetResponse) -> GetResponse:
    """Answer 400 to an address that holds a NUL, as the API does: no database takes it."""

    def answer(request: HttpRequest) -> HttpResponse:
        if "\0" in request.path or "%00" in request.META["QUERY_STRING"]:
            raise BadRequest("The address holds a NUL.")
        return get_response(request)

    return answer


def spells_out(get_response: GetResponse) -> GetResponse:
    """Let no page show text that hides or reorders anything: whatever of a row stands on it, people have typed it."""

    def answer(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if response.headers.get("Content-Type", "").startswith("text/html") and not response.streaming:
            response.content = page_spelled_out(response.content)
        return response

    return answer


class _Undo(Exception):
    """Carries a failed response out of the transaction, which ends without a commit."""

    def __init__(self, response: HttpResponse) -> None:
        super().__init__()
        self.response = response


class TenantScope:
    """Run a signed-in user's request, rendering included, in one transaction that sees her current tenant.

    Sets `request.principal`, `request.memberships` (for the switcher) and the user's scopes. An exception or a
    5xx commits nothing. A user whom her session's tenant does not know any more, or whose place takes a second factor
    that she has not shown, is signed out; an anonymous one sees nothing.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            response = self._response(request)
        except away.ERRORS as error:
            if answer := _without_database(error):
                return answer
            raise
        if view := reading.new_view(request):
            response.headers[reading.VIEW] = view
        return response

    def _response(self, request: HttpRequest) -> HttpResponse:
        request.principal, request.memberships = None, []  # type: ignore[attr-defined]
        member = self._enter(request) if request.user.is_authenticated else None
        if member is None or _opens_own_scope(request):
            return self._get_response(request)
        with reading.viewing(request, request.principal) as read:  # type: ignore[attr-defined]
            try:
                with tenant_scope(member.tenant_id, member.user_id):
                    return self._answered(request, read)
            except _Undo as undo:
                return undo.response
            except Unavailable as error:
                return _unavailable(error)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer 503 for what a view can't do now; else Django's own way."""
        if isinstance(exception, Unavailable):
            return _unavailable(exception)
        return _without_database(exception)

    def _answered(self, request: HttpRequest, read: Reading) -> HttpResponse:
        response: HttpResponseBase = self._get_response(request)
        if not isinstance(response, HttpResponse):
            raise ConfigError("A page can't stream: its rows would be read after the scope has closed.")
        if response.status_code >= 500:
            raise _Undo(response)
        if response.status_code in SHOWS_NOTHING:
            read.forget()
        return response

    def _enter(self, request: HttpRequest) -> Membership | None:
        user = request.user
        members = sessions.places(user.id) if isinstance(user, User) else []
        member = sessions.chosen(members, request.session)
        if member is None or not isinstance(user, User) or not sessions.is_complete(member, request.session):
            logout(request)
            return None
        user.scopes = frozenset(member.granted.scopes)
        key = request.session.session_key or ""
        principal = replace(principals.of_member(member, via="cookie"), credential=key)
        request.principal, request.memberships = principal, members  # type: ignore[attr-defined]
        return member


def _unavailable(error: Unavailable) -> HttpResponse:
    """Say it on a page that asks the database for nothing: it may be what is away."""
    response = HttpResponse(render_to_string("503.html", {"problem": error}), status=503)
    response.headers["Retry-After"] = str(error.retry_after_seconds)
    return response


def _without_database(error: Exception) -> HttpResponse | None:
    refused = away.refusal(error)
    if refused is None:
        return None
    logger.warning("a page found no database: %s", whereabouts(error))
    return _unavailable(refused)


def _opens_own_scope(request: HttpRequest) -> bool:
    try:
        view = resolve(request.path_info).func
    except Resolver404:
        return False
    return getattr(view, "opens_own_scope", False)
