"""Turns what goes wrong between us and a model provider into a ProviderError that says who acts and how.

No text here repeats what the provider said, which may quote prompts or keys: only slugs get through.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

import aiohttp
import httpx2
import openai

from agentos.core.clock import utc_now
from agentos.core.errors import ProviderError
from agentos.core.types import Json

TRANSPORT_ERRORS = (httpx2.HTTPError, httpx2.StreamError, aiohttp.ClientError, OSError)
FAILURES = (openai.OpenAIError, *TRANSPORT_ERRORS)

_SLUG = re.compile(r"[A-Za-z][\w.\[\]-]{0,60}\Z")
_CONTEXT = re.compile(
    r"context[ _-]?(?:length|window|size)|maximum context|too many tokens|prompt is too long",
    re.IGNORECASE,
)
_FILTER = re.compile(r"content[ _-]?(?:filter|policy)|content_management", re.IGNORECASE)
_QUOTA = re.compile(r"insufficient[ _-]?quota|billing|credit balance|your current quota", re.IGNORECASE)
_MODEL = re.compile(r"\bmodel\b|model_not_found", re.IGNORECASE)


def protocol_error(what: str, *, retryable: bool = False) -> ProviderError:
    text = f"The provider broke the protocol: {what}."
    return ProviderError(text, code="provider_protocol", retryable=retryable)


def stream_cut() -> ProviderError:
    return ProviderError(
        "The provider's stream ended before the answer did.", code="provider_stream_cut", retryable=True
    )


def timed_out(seconds: float) -> ProviderError:
    return ProviderError(
        f"The provider did not finish within {seconds:g} seconds.", code="provider_timeout", retryable=True
    )


def cut_short(error: BaseException) -> ProviderError:
    """Classify what broke a response whose first bytes had come."""
    failure = from_exception(error)
    return failure if failure.code == "provider_timeout" else stream_cut()


def from_exception(error: BaseException) -> ProviderError:
    """Classify what the openai client or its transport raised before or between the bytes of a response."""
    if isinstance(error, openai.APIStatusError):
        return from_status(error.status_code, _body_of(error), error.response.headers)
    if _is_timeout(error):
        return ProviderError("The provider did not answer in time.", code="provider_timeout", retryable=True)
    if _is_certificate(error):
        return ProviderError("The provider's TLS certificate is not trusted.", code="provider_unreachable")
    if isinstance(error, (openai.APIConnectionError, *TRANSPORT_ERRORS)):
        return ProviderError("The provider cannot be reached.", code="provider_unreachable", retryable=True)
    return ProviderError(f"The model client failed with {type(error).__name__}.")


def from_status(status: int, body: Json, headers: Mapping[str, str]) -> ProviderError:
    """Classify an HTTP response that is not a success."""
    said = _said(body)
    after = retry_after_seconds(headers)
    if status in (401, 403):
        return _auth()
    if status == 404:
        return _missing(said)
    if status == 429:
        return _limited(said, after)
    if status in (408, 409, 425) or status >= 500:
        return _unavailable(status, after)
    if 300 <= status < 400:
        return protocol_error(f"it redirects ({status}); check OPENAI_BASE_URL")
    return _refused(status, said, body)


def from_stream(error: Json) -> ProviderError:
    """Classify an error object that came inside a stream or a response with status 200."""
    body = {"error": error}
    said = _said(body)
    status = error.get("code") if isinstance(error, dict) else None
    if isinstance(status, int) and 400 <= status < 600:
        return from_status(status, body, {})
    if re.search(r"rate[ _-]?limit|too many requests", said, re.IGNORECASE):
        return _limited(said, None)
    if re.search(r"invalid_api_key|authentication_error", said):
        return _auth()
    if _CONTEXT.search(said) or _FILTER.search(said) or "invalid_request" in said:
        return _refused(400, said, body)
    return ProviderError("The provider failed in mid-answer.", code="provider_unavailable", retryable=True)


def retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """Return the wait that the headers ask for: `retry-after-ms`, seconds, or an HTTP date (RFC 9110)."""
    try:
        if (milliseconds := headers.get("retry-after-ms")) is not None:
            return max(0.0, float(milliseconds) / 1000)
        value = headers.get("retry-after")
        return max(0.0, float(value)) if value is not None else None
    except ValueError:
        return _until(headers.get("retry-after", ""))


def _until(date: str) -> float | None:
    try:
        moment = parsedate_to_datetime(date)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - utc_now()).total_seconds())


def _auth() -> ProviderError:
    return ProviderError("The provider refused the key: check OPENAI_API_KEY.", code="provider_auth")


def _missing(said: str) -> ProviderError:
    if _MODEL.search(said):
        text = "The provider does not have the model: check AGENTOS_MODEL_STRONG and AGENTOS_MODEL_FAST."
        return ProviderError(text, code="provider_model_missing")
    return protocol_error("nothing is there (404); check OPENAI_BASE_URL, which mostly ends in /v1")


def _limited(said: str, after: float | None) -> ProviderError:
    if _QUOTA.search(said):
        text = "The provider's quota is used up: check its plan and billing."
        return ProviderError(text, code="provider_quota")
    return ProviderError(
        "The provider limits the rate of requests.",
        code="provider_rate_limited",
        retryable=True,
        retry_after_seconds=after,
    )


def _unavailable(status: int, after: float | None) -> ProviderError:
    return ProviderError(
        f"The provider is unavailable ({status}).",
        code="provider_unavailable",
        retryable=True,
        retry_after_seconds=after,
    )


def _refused(status: int, said: str, body: Json) -> ProviderError:
    if status == 413 or _CONTEXT.search(said):
        return ProviderError("The conversation is too long for this model.", code="context_length")
    if _FILTER.search(said):
        text = "The provider's content filter refused the request."
        return ProviderError(text, code="provider_content_filter")
    error = body.get("error") if isinstance(body, dict) else None
    slugs = [
        f"{name} {value}"
        for name in ("code", "type", "param")
        if isinstance(error, dict) and isinstance(value := error.get(name), str) and _SLUG.match(value)
    ]
    about = "; ".join([str(status), *slugs])
    return ProviderError(f"The provider refused the request ({about}).", code="provider_rejected")


def _said(body: Json) -> str:
    """Join what an error body says, to be searched and never shown."""
    error = body.get("error", body) if isinstance(body, dict) else body
    if isinstance(error, dict):
        return " ".join(str(error[key]) for key in ("code", "type", "message") if error.get(key))
    return error[:2000] if isinstance(error, str) else ""


def _body_of(error: openai.APIStatusError) -> Json:
    # The client hands over the inner error object when there is one.
    return {"error": error.body} if isinstance(error.body, dict) and "error" not in error.body else error.body


def _is_timeout(error: BaseException) -> bool:
    """Look below the client's wrappers: its transport calls a dropped connection a timeout as well."""
    below = [link for link in _chain(error) if isinstance(link, OSError | aiohttp.ClientError)]
    if not below:
        return isinstance(error, openai.APITimeoutError)
    return any(isinstance(link, TimeoutError) for link in below)


def _is_certificate(error: BaseException) -> bool:
    return any(isinstance(link, aiohttp.ClientConnectorCertificateError) for link in _chain(error))


def _chain(error: BaseException) -> list[BaseException]:
    links: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in links:
        links.append(current)
        current = current.__cause__
    return links
