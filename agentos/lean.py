"""Serves /api: Django's URLs and ninja's views without per-request threads, signals or middleware.

Stock Django gives every open stream an operating-system thread; here a stream costs a coroutine.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from functools import lru_cache
from inspect import isawaitable
from io import BytesIO
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import BadRequest, DisallowedHost, SuspiciousOperation
from django.core.handlers.asgi import ASGIRequest
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import ResolverMatch, URLResolver, get_resolver

from agentos import csp
from agentos.at_once import writer_of
from agentos.core.errors import AgentOSError, PolicyDenied, TooLarge
from agentos.core.ids import new_id
from agentos.problems import problem, problem_of

Scope: TypeAlias = dict[str, Any]
Message: TypeAlias = dict[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
ALLOWED_HEADERS = b"Authorization, Content-Type, Last-Event-ID, Idempotency-Key, X-Request-Id"
EXPOSED_HEADERS = b"Retry-After, Location, RateLimit, RateLimit-Policy, X-Request-Id"
HSTS = b"max-age=%d; includeSubDomains; preload"
ONCE = (b"authorization", b"content-type", b"host", b"idempotency-key", b"last-event-id")
MAX_KEPT_PATH = 200  # characters: a stranger's path is no reason to keep more
LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")


class Disconnected(Exception):
    """The client went away before its request was read."""


class LeanHandler:
    """An ASGI application for the API routes."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Two steps, so that a stream that waits for hours holds nothing of its request.
        if (parts := await self._answer(scope, receive, send)) is not None:
            await _send_stream(parts, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> AsyncGenerator[bytes, None] | None:
        """Send the whole answer, or its head and return the stream that is to follow."""
        headers = dict(scope["headers"])
        given = headers.get(b"x-request-id", b"").decode("latin-1")
        request_id = given if REQUEST_ID.fullmatch(given) else new_id().hex
        response = await self._response(scope, headers, receive, request_id)
        if response is None:
            return None
        extra = [(b"x-request-id", request_id.encode()), *cors_headers(headers.get(b"origin", b""))]
        if not response.streaming:
            await _send_whole(response, extra, send)
            return None
        if scope["method"] == "HEAD":
            await _send_head_only(response, extra, send)
            return None
        await send(_head(response, extra))
        if (pass_on_by := getattr(response, "pass_on_by", None)) and (write := writer_of(send)):
            pass_on_by(write)
        parts: AsyncGenerator[bytes, None] = response.streaming_content  # type: ignore[attr-defined]
        return parts

    async def _response(
        self, scope: Scope, headers: dict[bytes, bytes], receive: Receive, request_id: str
    ) -> HttpResponseBase | None:
        if scope["method"] == "OPTIONS" and b"access-control-request-method" in headers:
            return HttpResponse(status=204)
        if len(headers) < len(scope["headers"]) and (name := _repeated(scope)):
            detail = f"The request has the header {name} more than once."
            return problem(400, code="bad_request", detail=detail, request_id=request_id)
        try:
            body = await read_body(headers, receive)
        except TooLarge as error:
            return problem_of(error, request_id)
        except Disconnected:
            return None
        # HEAD is answered as GET is; the server leaves the body out.
        asked = {**scope, "method": "GET"} if scope["method"] == "HEAD" else scope
        return await self.respond(asked, body, request_id)

    async def respond(self, scope: Scope, body: bytes, request_id: str) -> HttpResponseBase:
        """Return the view's answer, or a problem for whatever went wrong."""
        if "\x00" in scope["path"] or b"%00" in scope.get("query_string", b""):
            return problem(400, code="bad_request", detail="The request holds a NUL.", request_id=request_id)
        try:
            request = ASGIRequest(scope, BytesIO(body))
            request.request_id = request_id  # type: ignore[attr-defined]
            request.get_host()
            _check_transport(request)
            match = _resolved(get_resolver(), request.path_info)
            request.resolver_match = match
            answered = match.func(request, *match.args, **match.kwargs)
            response: HttpResponseBase = await answered if isawaitable(answered) else answered  # ninja's own pages
        except Http404:  # of the resolver, and of ninja's view for the bare prefix
            return problem(404, code="not_found", detail="There is no such route.", request_id=request_id)
        except DisallowedHost:
            detail = "This host name is not served here: see ALLOWED_HOSTS."
            return problem(400, code="unknown_host", detail=detail, request_id=request_id)
        except (SuspiciousOperation, BadRequest):
            return problem(400, code="bad_request", detail="The request is malformed.", request_id=request_id)
        except AgentOSError as error:
            return problem_of(error, request_id)
        if response.status_code == 405:
            return _not_allowed(response, request_id)
        if _is_page(response):
            csp.protect(request, response)
        return response


@lru_cache(maxsize=1024)
def _short(resolver: URLResolver, path: str) -> ResolverMatch:
    match = resolver.resolve(path)
    match.tried = None  # the forty patterns, each in a list of its own, are most of what would be kept
    return match


def _resolved(resolver: URLResolver, path: str) -> ResolverMatch:
    """Return where a path leads, looked up once: forty patterns are tried for it. Raises: Resolver404."""
    return _short(resolver, path) if len(path) <= MAX_KEPT_PATH else resolver.resolve(path)


def _repeated(scope: Scope) -> str:
    """Name a header that came more than once though it says one thing: nobody knows which of them was meant."""
    names = [name for name, _ in scope["headers"]]
    return next((name.decode() for name in ONCE if names.count(name) > 1), "")


async def read_body(headers: dict[bytes, bytes], receive: Receive) -> bytes:
    """Return the request's body. Raises: TooLarge before more than the limit is held, Disconnected."""
    limit = settings.MAX_BODY_BYTES
    too_large = TooLarge(f"The body has more than {limit} bytes.")
    if (length := headers.get(b"content-length", b"")).isdigit() and int(length) > limit:
        raise too_large
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > limit:
            raise too_large
        if not message.get("more_body"):
            return b"".join(parts)


def _not_allowed(response: HttpResponseBase, request_id: str) -> HttpResponse:
    """Return the problem that stands for ninja's own page, with the methods that the route takes."""
    methods = response.get("Allow", "").split(", ")
    detail = "This route does not take that method."
    refusal = problem(405, code="method_not_allowed", detail=detail, request_id=request_id)
    refusal["Allow"] = ", ".join([*methods, "HEAD"] if "GET" in methods else methods)
    return refusal


def _check_transport(request: ASGIRequest) -> None:
    """Refuse a credential that came without TLS where pages are sent to it. Raises: PolicyDenied."""
    signs_in = request.method == "POST" and request.path.startswith("/api/auth/")  # a password, a refresh token
    carries = signs_in or "Authorization" in request.headers or "Cookie" in request.headers
    if settings.SECURE_SSL_REDIRECT and carries and not request.is_secure():
        detail = "Credentials travel by https only; a proxy that ends TLS is named in SECURE_PROXY_HEADER."
        raise PolicyDenied(detail, code="https_required")


def cors_headers(origin: bytes) -> list[tuple[bytes, bytes]]:
    """Return the headers that let a page of a listed origin call the API with a token, never with cookies."""
    if not origin:
        return []
    text = origin.decode("latin-1")
    local = settings.CORS_LOCALHOST and urlsplit(text).hostname in LOCAL_HOSTS
    if not local and text not in settings.CORS_ORIGINS:
        return [(b"vary", b"Origin")]
    return [
        (b"vary", b"Origin"),
        (b"access-control-allow-origin", origin),
        (b"access-control-allow-methods", b"GET, POST, PUT, PATCH, DELETE, OPTIONS"),
        (b"access-control-allow-headers", ALLOWED_HEADERS),
        (b"access-control-expose-headers", EXPOSED_HEADERS),
        (b"access-control-max-age", b"600"),
    ]


def _is_page(response: HttpResponseBase) -> bool:
    return response.get("Content-Type", "").startswith("text/html")


def _head(response: HttpResponseBase, extra: list[tuple[bytes, bytes]]) -> Message:
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in response.items()]
    cookies = [(b"set-cookie", morsel.OutputString().encode("latin-1")) for morsel in response.cookies.values()]
    security = [(b"x-content-type-options", b"nosniff")]
    if _is_page(response):
        security.append((b"referrer-policy", b"same-origin"))
    if settings.SECURE_HSTS_SECONDS:
        security.append((b"strict-transport-security", HSTS % settings.SECURE_HSTS_SECONDS))
    return {
        "type": "http.response.start",
        "status": response.status_code,
        "headers": [*headers, *cookies, *security, *extra],
    }


async def _send_whole(response: HttpResponseBase, extra: list[tuple[bytes, bytes]], send: Send) -> None:
    body = getattr(response, "content", b"")
    if response.status_code == 204:  # it has no content, so neither a length nor a type
        del response["Content-Type"]
    elif "Content-Length" not in response:
        response["Content-Length"] = str(len(body))
    await send(_head(response, extra))
    await send({"type": "http.response.body", "body": body})


async def _send_head_only(response: HttpResponseBase, extra: list[tuple[bytes, bytes]], send: Send) -> None:
    """Say that there is a stream, and let it go: only what has begun gives its place back."""
    async with aclosing(response.streaming_content) as parts:  # type: ignore[attr-defined]
        await anext(parts)
    await send(_head(response, extra))
    await send({"type": "http.response.body", "body": b""})


async def _send_stream(parts: AsyncGenerator[bytes, None], receive: Receive, send: Send) -> None:
    """Send what the stream yields until it ends or the client hangs up."""
    try:
        async with asyncio.timeout(None) as presence, aclosing(parts):
            watching = asyncio.create_task(_end_with_client(receive, presence))
            try:
                async for part in parts:
                    await send({"type": "http.response.body", "body": part, "more_body": True})
                    del part
                await send({"type": "http.response.body", "body": b""})
            finally:
                watching.cancel()
    except TimeoutError:
        if not presence.expired():
            raise


async def _end_with_client(receive: Receive, presence: asyncio.Timeout) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    presence.reschedule(asyncio.get_running_loop().time())
