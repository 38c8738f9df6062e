"""One table from error class to HTTP status, and one body for all of them: `application/problem+json` (RFC 9457)."""

from __future__ import annotations

from typing import Any

import orjson
from django.http import HttpResponse

from agentos.core import errors, ratelimits

STATUS: dict[type[errors.AgentOSError], int] = {
    errors.NotAuthenticated: 401,
    errors.PolicyDenied: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.Gone: 410,
    errors.TooLarge: 413,
    errors.Invalid: 422,
    errors.RateLimited: 429,
    errors.Unavailable: 503,
    errors.LimitExceeded: 402,
    errors.CallerError: 400,
}
TITLES = {
    400: "Bad request",
    401: "Not authenticated",
    402: "Limit reached",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    410: "Gone",
    413: "Too large",
    415: "Unsupported media type",
    422: "Not valid",
    429: "Too many requests",
    500: "Internal error",
    503: "Unavailable",
}


def status_of(error: errors.AgentOSError) -> int:
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)


def problem(
    status: int, *, code: str, detail: str, request_id: str, invalid: list[dict[str, Any]] | None = None
) -> HttpResponse:
    body = {
        "type": f"urn:agentos:problem:{code}",
        "title": TITLES.get(status, "Error"),
        "status": status,
        "detail": detail,
        "code": code,
        "errors": invalid or [],
        "request_id": request_id,
    }
    return HttpResponse(orjson.dumps(body), status=status, content_type="application/problem+json")


def problem_of(error: errors.AgentOSError, request_id: str) -> HttpResponse:
    """Return the answer for one of our errors; what is not meant for callers becomes a plain 500."""
    status = status_of(error)
    if status == 500:
        return problem(500, code="internal_error", detail="The server failed.", request_id=request_id)
    invalid = error.errors if isinstance(error, errors.Invalid) else None
    response = problem(status, code=error.code, detail=error.detail, request_id=request_id, invalid=invalid)
    if isinstance(error, errors.Unavailable):
        response["Retry-After"] = str(error.retry_after_seconds)
    if isinstance(error, errors.RateLimited):
        for name, value in ratelimits.fields(error.limits).items():
            response[name] = value
    if status == 401:
        response["WWW-Authenticate"] = "Bearer"
    return response
