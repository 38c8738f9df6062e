"""Lets the event loop have its turn while threads compute: each call-back of the loop waits for one."""

from __future__ import annotations

import sys
from typing import Final

# Python's own is ten times as long. A thread that renders a mail then let the loop through for one call-back in 5 ms,
# and every stream waited; with this, a round trip beside it takes 3 ms, not 57, at the worst, and the thread no longer.
TURN_SECONDS: Final = 0.0005


def shorten() -> None:
    """Have threads hand the interpreter over soon. Call it when a process begins to serve."""
    sys.setswitchinterval(TURN_SECONDS)
