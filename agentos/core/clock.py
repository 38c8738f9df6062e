"""Wall-clock and monotonic time. Leases and expiries use the database's clock, never this one."""

from __future__ import annotations

from datetime import UTC, datetime
from time import monotonic

__all__ = ["epoch_seconds", "monotonic", "rfc3339_ms", "utc_now"]


def utc_now() -> datetime:
    return datetime.now(UTC)


def epoch_seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def rfc3339_ms(moment: datetime) -> str:
    """Return e.g. `2026-01-31T09:30:00.123Z` (RFC 3339, milliseconds)."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
