"""Tells who a request is from and whether she may: for ninja's endpoints and for the WebSocket.

A bearer token (ours, another issuer's, or a service key `aos_...`), else the pages' session cookie; then the
endpoint's scope.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import replace
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar, cast
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, parse_cookie
from django.http.request import split_domain_port, validate_host
from django.middleware import csrf
from ninja.security.base import AuthBase

from accounts import principals, reading
from accounts.principals import Principal
from accounts.services import issuers, service_accounts, sessions, tokens
from agentos.core.errors import ConfigError, Invalid, NotAuthenticated, PolicyDenied

P = ParamSpec("P")
T = TypeVar("T")
Endpoint = Callable[Concatenate[HttpRequest, P], Coroutine[Any, Any, T]]

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# As a method: a browser opens any origin's socket with the cookie, and can't add a header of ours.
WEBSOCKET = "WEBSOCKET"
_TOKEN_CHARS = csrf.CSRF_TOKEN_LENGTH


async def authenticate(headers: Mapping[str, str], cookies: Mapping[str, str], method: str, host: str) -> Principal:
    """Return who sends these headers. An Authorization header that is there decides alone.

    `headers` is asked for `Authorization`, `Origin`, `Referer`, `X-CSRFToken`, then for them in lower case.
    Raises: NotAuthenticated; PolicyDenied for a cookie without its CSRF token or from another origin.
    """
    if (authorization := _header(headers, "Authorization")) is not None:
        return await _by_bearer(authorization)
    if session_key := cookies.get(settings.SESSION_COOKIE_NAME):
        _check_origin(headers, cookies, method, host)
        if (principal := await sessions.current(session_key)) is not None:
            return principal
    raise NotAuthenticated


async def authenticate_socket(scope: Mapping[str, Any]) -> Principal | None:
    """Return who opens a socket, by its ASGI scope; None when it names nobody: no token, no session that stands.

    Raises: NotAuthenticated for a token that is no good; PolicyDenied for a host or an origin that is not ours.
    """
    headers = header_map(scope["headers"])
    host = headers.get("host", "")
    if not validate_host(split_domain_port(host)[0], settings.ALLOWED_HOSTS):
        raise PolicyDenied("This host is not served here.")
    try:
        return await authenticate(headers, parse_cookie(headers.get("cookie", "")), WEBSOCKET, host)
    except NotAuthenticated:
        if "authorization" in headers:
            raise
        return None


def header_map(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return a connection's headers by name. One that is there twice is joined by a comma, which no token has."""
    headers: dict[str, str] = {}
    for name, value in raw:
        key, text = name.decode("latin-1"), value.decode("latin-1")
        headers[key] = f"{headers[key]},{text}" if key in headers else text
    return headers


async def renew(principal: Principal) -> Principal | None:
    """Look again, at most two seconds old: for open streams, which outlive a token but not its family, nor its key.

    Returns the principal as she is now, or None when she has signed out or lost access.
    """
    if principal.via == "key":
        now = await service_accounts.current(principal.credential)
    elif principal.via == "cookie":
        now = await sessions.current(principal.credential)
    elif principal.foreign is not None:
        now = await issuers.current(principal.foreign)
    elif principal.signed_by and not await tokens.is_still_in_force(principal.signed_by):
        now = None
    else:
        now = await principals.current(principal.user_id, principal.tenant_id, principal.family)
    if now is None or now.version != principal.version or now.tenant_id != principal.tenant_id:
        return None
    return replace(now, signed_by=principal.signed_by)


class Authenticator(AuthBase):
    """What ninja calls for every route that is not public; the principal becomes `request.auth`."""

    openapi_type = "http"
    openapi_scheme = "bearer"

    async def __call__(self, request: HttpRequest) -> Principal:
        try:
            host = request.get_host()
        except DisallowedHost:
            raise Invalid("This host name is not served here.", code="unknown_host") from None
        principal = await authenticate(request.headers, request.COOKIES, request.method or "", host)
        if request.method in SAFE_METHODS:  # what changes something enters that
            reading.begin(principal)
        return principal


def principal_of(request: HttpRequest) -> Principal:
    """Return the request's principal. Raises: NotAuthenticated on a route that was left open by mistake."""
    principal = getattr(request, "auth", None)
    if not isinstance(principal, Principal):
        raise NotAuthenticated
    return principal


def scope(name: str) -> Callable[[Endpoint[P, T]], Endpoint[P, T]]:
    """Declare the scope that an async endpoint needs; `{agent_id}` in it stands for the path's parameter."""
    return _declaring(name, lambda principal, kwargs: principal.require(name.format_map(kwargs)))


def any_scope(kind: str, verb: str) -> Callable[[Endpoint[P, T]], Endpoint[P, T]]:
    """Declare that an async endpoint needs `kind:verb`, or that of one thing: it shows what she may use only."""

    def check(principal: Principal, kwargs: Mapping[str, Any]) -> None:
        if not principal.has_any(kind, verb):
            principal.require(f"{kind}:{verb}")

    return _declaring(f"{kind}:{verb}", check)


def _declaring(
    name: str, check: Callable[[Principal, Mapping[str, Any]], None]
) -> Callable[[Endpoint[P, T]], Endpoint[P, T]]:
    def declare(endpoint: Endpoint[P, T]) -> Endpoint[P, T]:
        if not inspect.iscoroutinefunction(endpoint):
            raise ConfigError(f"{endpoint!r} must be async to declare a scope.")

        @wraps(endpoint)
        async def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> T:
            check(principal_of(request), kwargs)
            return await endpoint(request, *args, **kwargs)

        _keep_signature(guarded, endpoint)
        setattr(guarded, "required_scope", name)  # noqa: B010  # a function has no such attribute to mypy
        return cast(Endpoint[P, T], guarded)

    return declare


def only_reads(endpoint: Endpoint[P, T]) -> Endpoint[P, T]:
    """Mark an endpoint that takes a POST and changes nothing: what it shows of others is entered, as a GET's is."""

    @wraps(endpoint)
    async def entered(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> T:
        reading.begin(principal_of(request))
        return await endpoint(request, *args, **kwargs)

    _keep_signature(entered, endpoint)
    return cast(Endpoint[P, T], entered)


def public(endpoint: Callable[P, T]) -> Callable[P, T]:
    """Mark an endpoint that needs no token; its route says `auth=None` as well."""
    setattr(endpoint, "is_public", True)  # noqa: B010
    return endpoint


def signed_in(endpoint: Endpoint[P, T]) -> Endpoint[P, T]:
    """Mark an endpoint that every signed-in user may call, because it is about her alone."""
    setattr(endpoint, "is_for_all", True)  # noqa: B010
    return endpoint


def is_declared(endpoint: Callable[..., Any]) -> bool:
    """Say whether an endpoint names its scope, is public or for all; a test asks this of every route."""
    return any(getattr(endpoint, mark, False) for mark in ("required_scope", "is_public", "is_for_all"))


def _keep_signature(wrapper: Callable[..., Any], endpoint: Callable[..., Any]) -> None:
    """Resolve the annotations where the endpoint stands: ninja would look for their names in this module."""
    setattr(wrapper, "__signature__", inspect.signature(endpoint, eval_str=True))  # noqa: B010


async def _by_bearer(authorization: str) -> Principal:
    kind, _, credential = authorization.partition(" ")
    if kind.lower() != "bearer" or not credential:
        raise NotAuthenticated
    if credential.startswith("aos_"):
        principal = await service_accounts.verify(credential)
    elif tokens.is_ours(credential):
        principal = await _by_our_token(credential)
    else:
        principal = await issuers.verify(credential)
    if principal is None:
        raise NotAuthenticated
    return principal


async def _by_our_token(token: str) -> Principal | None:
    claims = await tokens.verify(token)
    principal = await principals.current(claims.user_id, claims.tenant_id, claims.family)
    if principal is None or principal.version != claims.version:
        return None
    return replace(principal, signed_by=claims.signed_by)


def _header(headers: Mapping[str, str], name: str) -> str | None:
    value = headers.get(name)
    return headers.get(name.lower()) if value is None else value


def _check_origin(headers: Mapping[str, str], cookies: Mapping[str, str], method: str, host: str) -> None:
    """Raises: PolicyDenied when another site may have made the browser send this."""
    if method in SAFE_METHODS:
        return
    origin = _header(headers, "Origin") or _header(headers, "Referer") or ""
    if not _is_ours(origin, host):
        raise PolicyDenied("This came from another origin.", code="csrf")
    if method != WEBSOCKET and not _tokens_match(
        _header(headers, "X-CSRFToken") or "", cookies.get(settings.CSRF_COOKIE_NAME, "")
    ):
        raise PolicyDenied("The CSRF token is missing or wrong.", code="csrf")


def _is_ours(origin: str, host: str) -> bool:
    parts = urlsplit(origin)
    schemes = ("https",) if settings.SESSION_COOKIE_SECURE else ("http", "https")  # in the clear anybody is our origin
    if parts.scheme not in schemes or not parts.netloc:
        return False
    return parts.netloc == host or f"{parts.scheme}://{parts.netloc}" in settings.CSRF_TRUSTED_ORIGINS


def _tokens_match(sent: str, cookie: str) -> bool:
    """Compare as Django's middleware does: the cookie holds the secret, the header perhaps a masked one."""
    try:
        csrf._check_token_format(sent)  # type: ignore[attr-defined]  # the stubs leave Django's own names out
        csrf._check_token_format(cookie)  # type: ignore[attr-defined]
    except csrf.InvalidTokenFormat:
        return False
    secret = csrf._unmask_cipher_token(cookie) if len(cookie) == _TOKEN_CHARS else cookie  # type: ignore[attr-defined]
    return bool(csrf._does_token_match(sent, secret))  # type: ignore[attr-defined]
