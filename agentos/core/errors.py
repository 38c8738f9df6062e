"""The one error tree, sorted by who acts on an error. `agentos.api` maps classes to HTTP; nothing here knows of it.

AgentOSError
├── ConfigError          developer or operator: the set-up is wrong
├── CallerError          the caller of a service
│   ├── NotAuthenticated, PolicyDenied, NotFound, Invalid, Conflict, Gone, InputBlocked, TooLarge
│   └── Unavailable      try again later
├── ToolFailed           the model: it reads the message and goes on
├── ProviderError        the worker: retry, fall back or end the run
├── LimitExceeded        the owner of the run
└── LeaseLost            the worker: somebody else owns the run now
"""

from __future__ import annotations

import traceback
from pathlib import Path

from agentos.core.ratelimits import RateLimit


class AgentOSError(Exception):
    """Something went wrong in AgentOS."""

    code = "error"

    def __init__(self, detail: str | None = None, *, code: str | None = None) -> None:
        super().__init__(detail or (self.__doc__ or "").strip().splitlines()[0])
        if code is not None:
            self.code = code

    @property
    def detail(self) -> str:
        return str(self.args[0])


def whereabouts(error: BaseException) -> str:
    """Return an error's type, of a group its first's, and where it came from; no text, which may hold secrets."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    places = " < ".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in reversed(frames))
    return f"{type(error).__name__} at {places or 'unknown'}"


class ConfigError(AgentOSError):
    """The installation is not set up rightly."""

    code = "config_error"


class CallerError(AgentOSError):
    """The request cannot be served as it stands."""

    code = "bad_request"


class NotAuthenticated(CallerError):
    """Sign in: the token is missing, wrong or expired."""

    code = "not_authenticated"


class PolicyDenied(CallerError):
    """You may not do this."""

    code = "policy_denied"


class NotFound(CallerError):
    """There is no such thing here."""

    code = "not_found"


class Invalid(CallerError):
    """The request is not valid."""

    code = "invalid"

    def __init__(
        self,
        detail: str | None = None,
        *,
        code: str | None = None,
        errors: list[dict[str, object]] | None = None,
    ) -> None:
        super().__init__(detail, code=code)
        self.errors = errors or []


class InputBlocked(Invalid):
    """A guardrail blocked this input."""

    code = "input_blocked"


class Conflict(CallerError):
    """Somebody else was first, or the state does not allow this."""

    code = "conflict"


class Gone(CallerError):
    """This was erased or has expired."""

    code = "gone"


class TooLarge(CallerError):
    """The request body is too large."""

    code = "too_large"


class Unavailable(CallerError):
    """The server is busy; try again later."""

    code = "unavailable"

    def __init__(self, detail: str | None = None, *, retry_after_seconds: int = 1, code: str | None = None) -> None:
        super().__init__(detail, code=code)
        self.retry_after_seconds = retry_after_seconds


class RateLimited(Unavailable):
    """This tenant has too much under way; try again later."""

    code = "rate_limited"

    def __init__(
        self,
        detail: str | None = None,
        *,
        retry_after_seconds: int = 1,
        code: str | None = None,
        limits: tuple[RateLimit, ...] = (),
    ) -> None:
        super().__init__(detail, retry_after_seconds=retry_after_seconds, code=code)
        self.limits = limits


class ToolFailed(AgentOSError):
    """The tool failed; its message is told to the model."""

    code = "tool_failed"


class ProviderError(AgentOSError):
    """The model provider failed."""

    code = "provider_error"

    def __init__(
        self,
        detail: str | None = None,
        *,
        code: str | None = None,
        retryable: bool = False,
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(detail, code=code)
        self.retryable = retryable
        self.retry_after_seconds = retry_after_seconds


class LimitExceeded(AgentOSError):
    """The run reached one of its limits."""

    code = "limit_exceeded"


class LeaseLost(AgentOSError):
    """Another process owns this run now."""

    code = "lease_lost"
