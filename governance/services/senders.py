"""The threads that send what is due. They hold no database connection: the seam's threads ask for them.

The supervisor's tick only looks and starts them. A process sends an endpoint one notice at a time, mails one at a time
too, and a tenant two, so that a slow receiver holds up itself alone.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Final, TypeVar
from uuid import UUID

from django.db import DatabaseError

from accounts.seam import OUTSIDE_THREADS, ask, to_outside
from agentos.core.clock import monotonic
from agents.services.ticks import due
from governance.services import outbox

logger = logging.getLogger(__name__)

T = TypeVar("T")
SHIFT_SECONDS: Final = 5.0  # then a thread makes place, and the next tick starts another
MOST_PER_TENANT: Final = 2


class Senders:
    """Whom a process is sending something just now, by receiver: an endpoint's id, or None for the mail server."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._choosing = threading.Lock()
        self._talking = threading.Lock()
        self._busy: dict[UUID | None, UUID] = {}
        self._working = 0

    def start(self) -> None:
        """Let one more thread send, unless all do."""
        with self._lock:
            if self._working >= OUTSIDE_THREADS:
                return
            self._working += 1
        to_outside(self._work)

    def send_one(self) -> bool:
        """Send the notice that is due the longest; tell whether there was one."""
        with self._choosing:
            full = [tenant for tenant, count in Counter(self._busy.values()).items() if count >= MOST_PER_TENANT]
            notice = self._talk(partial(outbox.claim, busy=list(self._busy), full=full))
            if notice is None:
                return False
            self._busy[notice.endpoint_id] = notice.tenant_id
        try:
            outbox.deliver(notice, self._talk)
        finally:
            with self._choosing:
                del self._busy[notice.endpoint_id]
        return True

    def _work(self) -> None:
        until = monotonic() + SHIFT_SECONDS
        try:
            while monotonic() < until and self.send_one():
                pass
        except DatabaseError as error:
            logger.warning("outbox: the database is not reachable (%s)", type(error).__name__)
        finally:
            with self._lock:
                self._working -= 1

    def _talk(self, job: Callable[[], T]) -> T:
        """Ask the database, for one thread of a process at a time: requests want the seam's other threads."""
        with self._talking:
            return ask(job)


_senders = Senders()


@due(outbox.new, outbox.behind, outbox.due)
def tick() -> None:
    """Decide who is told of what is new, and see that what is due is sent. The supervisor's tick; commits."""
    outbox.spread()
    outbox.catch_up()
    if outbox.due().exists():
        for _ in range(OUTSIDE_THREADS):
            _senders.start()
