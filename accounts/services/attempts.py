"""Slows down who guesses passwords: counts failures of an account, of an address, and of both together."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from agentos.core.clock import monotonic
from agentos.core.errors import RateLimited

FREE_FAILURES = 5  # from one address; then 1, 2, 4, ... seconds
FREE_FAILURES_ANYWHERE = 50  # for the account: high, so that a stranger does not lock its owner out
FREE_FAILURES_OF_ADDRESS = 30  # whatever the accounts: an office may share one
LONGEST_WAIT_SECONDS = 300.0
FORGET_SECONDS = 3600.0
REMEMBERED = 20_000


@dataclass(slots=True)
class _Count:
    failures: int = 0
    free_at: float = 0.0
    last_at: float = 0.0


class Attempts:
    """Counts failed log-ins in this process. Keys are hashes: no e-mail address stays in memory for it."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._counts: OrderedDict[bytes, _Count] = OrderedDict()

    def admit(self, email: str, client: str) -> None:
        """Raises: RateLimited while the account or the address has to wait."""
        now = self._clock()
        with self._lock:
            found = [self._counts.get(key) for key, _ in _keys(email, client)]
        wait = max((count.free_at - now for count in found if count is not None), default=0.0)
        if wait > 0:
            raise RateLimited(
                "Too many failed log-ins: wait before the next.",
                retry_after_seconds=int(wait) + 1,
                code="too_many_attempts",
            )

    def failed(self, email: str, client: str) -> None:
        now = self._clock()
        with self._lock:
            for key, free in _keys(email, client):
                count = self._counts.setdefault(key, _Count())
                if now - count.last_at > FORGET_SECONDS:
                    count.failures = 0
                count.failures, count.last_at = count.failures + 1, now
                if (beyond := count.failures - free) > 0:
                    count.free_at = now + min(2.0 ** min(beyond - 1, 16), LONGEST_WAIT_SECONDS)
                self._counts.move_to_end(key)
            while len(self._counts) > REMEMBERED:
                self._counts.popitem(last=False)

    def succeeded(self, email: str, client: str) -> None:
        """Forget the account's failures from this address; those from elsewhere and of others still count."""
        with self._lock:
            key, _ = next(_keys(email, client))
            self._counts.pop(key, None)

    def forget(self) -> None:
        with self._lock:
            self._counts.clear()


def _keys(email: str, client: str) -> Iterator[tuple[bytes, int]]:
    account = email.strip().casefold().encode()
    yield hashlib.sha256(account + b"\0" + client.encode()).digest(), FREE_FAILURES
    yield hashlib.sha256(account).digest(), FREE_FAILURES_ANYWHERE
    if client:
        yield hashlib.sha256(b"\0" + client.encode()).digest(), FREE_FAILURES_OF_ADDRESS


attempts = Attempts()
