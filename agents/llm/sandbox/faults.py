"""Decides which requests meet a fault: drawn from seeded rates, or asked for by a marker."""

import random
from collections import OrderedDict
from collections.abc import Sequence

from agents.llm.sandbox.errors import injected
from agents.llm.sandbox.markers import Fault
from agents.llm.sandbox.options import STREAM_FAULTS, FaultRate

_REMEMBERED_CONVERSATIONS = 10_000


class FaultBook:
    """Keeps the sequence of drawn faults and how often a marked conversation has failed."""

    def __init__(self, rates: Sequence[FaultRate], seed: int) -> None:
        self._rates = tuple(rates)
        self._draw = random.Random(seed).random
        self._failed: OrderedDict[tuple[str, str], int] = OrderedDict()

    def drawn(self) -> str | None:
        """Draw the fault of the next request; the n-th request always meets the same one."""
        if not self._rates:
            return None
        ticket = self._draw()
        for fault in self._rates:
            ticket -= fault.rate
            if ticket < 0:
                return fault.kind
        return None

    def asked(self, fault: Fault | None, conversation: str) -> str | None:
        """Return the kind of a marker's fault while it is due for this conversation.

        After the last failure one request succeeds and the count begins anew, so that the same test
        sees the same thing on a server that has run it before.
        """
        if fault is None or fault.times is None:
            return fault.kind if fault else None
        key = (fault.kind, conversation)
        failed = self._failed.pop(key, 0)
        if failed >= fault.times:
            return None
        self._failed[key] = failed + 1
        if len(self._failed) > _REMEMBERED_CONVERSATIONS:
            self._failed.popitem(last=False)
        return fault.kind


def refuse_if_status(kind: str | None) -> None:
    """Raise the ApiError of a fault that is an HTTP status."""
    if kind is not None and kind not in STREAM_FAULTS:
        raise injected(int(kind))
