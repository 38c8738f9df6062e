"""One stream as its reader sees it: bytes and times in, latencies out. Times are microseconds, monotonic."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from agentos.bench.stamps import stamps_in

_RUN_ID = re.compile(rb'"run_id":"([0-9a-f-]{36})"')
_NAME = re.compile(rb"^event: (\w+)$", re.MULTILINE)
_DONE = b"data: [DONE]"
COMPLETED = b"RunCompleted"
_ENDS = frozenset({COMPLETED, b"RunError", b"RunCancelled", b"RunPaused"})


@dataclass(slots=True)
class Reading:
    """A stream of the product's events or, with `is_raw`, of the model's own."""

    sent_at: int
    is_raw: bool = False
    run_id: str = ""
    end: str = ""
    tokens: int = 0
    first_event_at: int = 0
    first_token_at: int = 0
    last_token_at: int = 0
    longest_stall: int = 0
    held: list[int] = field(default_factory=list)
    _rest: bytes = b""

    def feed(self, data: bytes, now: int) -> None:
        """Take what has just been read; a last frame that is not whole waits for the rest."""
        data = self._rest + data if self._rest else data
        whole, _, self._rest = data.rpartition(b"\n\n")
        for frame in whole.split(b"\n\n") if whole else ():
            self._frame(frame, now)

    @property
    def is_complete(self) -> bool:
        return self.end == ("[DONE]" if self.is_raw else COMPLETED.decode())

    def _frame(self, frame: bytes, now: int) -> None:
        if self.is_raw:
            self._event(b"", frame, now)
            self.end = "[DONE]" if frame.startswith(_DONE) else self.end
        elif found := _NAME.search(frame):
            self._event(found[1], frame, now)

    def _event(self, name: bytes, frame: bytes, now: int) -> None:
        self.first_event_at = self.first_event_at or now
        if not self.run_id and (found := _RUN_ID.search(frame)):
            self.run_id = found[1].decode()
        if self.is_raw or name == b"RunContent":
            self._content(frame, now)
        elif name in _ENDS:
            self.end = name.decode()

    def _content(self, frame: bytes, now: int) -> None:
        written = stamps_in(frame)
        if not written:
            return
        self.tokens += len(written)
        self.held += [now - at for at in written]
        if self.last_token_at:
            self.longest_stall = max(self.longest_stall, now - self.last_token_at)
        self.first_token_at = self.first_token_at or now
        self.last_token_at = now
