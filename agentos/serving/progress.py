"""What `serve` tells the person at the terminal: stages, how long they took, and the children's own lines."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

NAME_WIDTH = 11


class Progress:
    """Writes whole lines, from any thread."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stdout
        self._lock = threading.Lock()

    def line(self, text: str = "") -> None:
        with self._lock:
            self._out.write(f"{text}\n")
            self._out.flush()

    def note(self, name: str, text: str) -> None:
        self.line(f"{name:>{NAME_WIDTH}} | {text}")

    @contextmanager
    def stage(self, name: str, text: str) -> Iterator[None]:
        """Announce a stage, and say how long it took when it went well."""
        self.note(name, f"{text} ...")
        began = time.monotonic()
        yield
        self.note(name, f"{text}: {time.monotonic() - began:.1f} s")
