"""Keeps the garbage collector from stalling starts and streams: what a process keeps for good is not walked again."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

# A pass over the youngest objects takes 2 to 4 ms, one over all that streams keep tens: seldom, and a few at a time.
THRESHOLDS: Final = (10_000, 50, 20)


@contextmanager
def importing() -> Iterator[None]:
    """Keep the collector away while modules are read: what they make stays, and to walk it takes a sixth of a start."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def settle() -> None:
    """Take everything that has been made so far out of the collector's sight. Call it when a process can serve."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
