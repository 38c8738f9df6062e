"""Writes a part of a streamed answer where the server writes it, without a turn of the task that answers.

For each part that task's waking, its layers and the server's own checks cost more than encoding the part does.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

# A streamed response with a method `pass_on_by` is given this: its parts may come past its iterator while that waits.
WriteAtOnce: TypeAlias = Callable[[bytes], bool]


def writer_of(send: Any) -> WriteAtOnce | None:
    """Return what writes a part of the answer that is sent by `send`; nothing where another server takes it."""
    cycle = getattr(send, "__self__", None)
    return partial(_write, cycle) if isinstance(cycle, RequestResponseCycle) else None


def _write(cycle: RequestResponseCycle, part: bytes) -> bool:
    """Write a part as a chunk, if the answer has begun in chunks and the client reads; tell whether that was so."""
    is_open = not (cycle.disconnected or cycle.response_complete or cycle.transport.is_closing())
    if not (is_open and cycle.response_started and cycle.chunked_encoding) or cycle.flow.write_paused:
        return False
    cycle.transport.write(b"%x\r\n%b\r\n" % (len(part), part))
    return True
