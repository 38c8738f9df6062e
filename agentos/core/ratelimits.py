"""What a client may still do, as the fields `RateLimit-Policy` and `RateLimit` tell it.

The fields are those of draft-ietf-httpapi-ratelimit-headers (version 11): lists of structured-field items.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RateLimit:
    """One limit. With a window it counts requests, without one what is under way at the same time."""

    name: str
    quota: int
    remaining: int
    window_seconds: int | None = None
    reset_seconds: int | None = None

    @property
    def policy(self) -> str:
        unit = ';qu="concurrent-requests"' if self.window_seconds is None else f";w={self.window_seconds}"
        return f'"{self.name}";q={self.quota}{unit}'

    @property
    def state(self) -> str:
        reset = "" if self.reset_seconds is None else f";t={self.reset_seconds}"
        return f'"{self.name}";r={max(0, self.remaining)}{reset}'


def fields(limits: Iterable[RateLimit]) -> dict[str, str]:
    """Return the header fields; none without limits."""
    told = tuple(limits)
    if not told:
        return {}
    return {
        "RateLimit-Policy": ", ".join(limit.policy for limit in told),
        "RateLimit": ", ".join(limit.state for limit in told),
    }
