"""Turns the loop's events into the JSON lines that are stored and sent, byte for byte the same."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import NamedTuple, TypeAlias

import orjson

from accounts.privacy.access import masked
from agentos.core.clock import epoch_seconds, rfc3339_ms
from agentos.core.types import JsonObject
from agents.engine import events
from agents.engine.run_info import RunInfo

Event = tuple[str, JsonObject]
Batch: TypeAlias = tuple[int, list[bytes]]  # the number of the first event, and events as lines


class Line(NamedTuple):
    """One stored event."""

    seq: int
    data: bytes

    @property
    def named(self) -> bytes:
        """Return the event's name as it is written: every line begins with `{"event":"<name>"`."""
        return _named(self.data)

    @property
    def name(self) -> str:
        return self.named.decode()


def _named(line: bytes) -> bytes:
    return line[10 : line.index(b'"', 10)]


def base_of(info: RunInfo) -> bytes:
    """Return the keys that every event of a run repeats, without braces."""
    keys = {
        "agent_id": info.spec.id,
        "agent_name": info.spec.label,
        "run_id": str(info.run_id),
        "session_id": info.session_id,
    }
    return orjson.dumps(keys)[1:-1]


def coalesce(waiting: list[Event]) -> list[Event]:
    """Join text deltas that wait next to each other."""
    if len(waiting) < 2:
        return waiting
    joined: list[Event] = []
    parts: list[str] = []
    for name, payload in waiting:
        if name == events.RUN_CONTENT:
            parts.append(payload["content"])
            continue
        if parts:
            joined.append(_content(parts))
            parts = []
        joined.append((name, payload))
    if parts:
        joined.append(_content(parts))
    return joined


def _content(parts: list[str]) -> Event:
    return events.RUN_CONTENT, {"content": "".join(parts), "content_type": "str"}


def encode(name: str, payload: JsonObject, base: bytes, now: datetime) -> bytes:
    """Return one event as one line of JSON."""
    body = orjson.dumps(payload, default=str)[1:-1]
    head = b'{"event":"%s",' % name.encode()
    return head + (body + b"," if body else b"") + base + _time(now)


@lru_cache(maxsize=4)
def _time(now: datetime) -> bytes:
    """Return the end of every event of a moment: all that one flush stores are of the same."""
    return b',"created_at":%d,"ts":"%s"}' % (epoch_seconds(now), rfc3339_ms(now).encode())


_FRAME = b"id: %d\nevent: %s\ndata: %s\n\n"


def frame(line: Line) -> bytes:
    """Return one event as a server-sent event."""
    return _FRAME % (line.seq, line.named, line.data)


def frames(batch: Batch, until: frozenset[bytes]) -> bytes | None:
    """Return a batch as server-sent events; nothing where an event is named in `until`. As `frame`, for each token."""
    seq, lines = batch
    framed = []
    for line in lines:
        name = _named(line)
        if name in until:
            return None
        framed.append(_FRAME % (seq, name, line))
        seq += 1
    return b"".join(framed)


# What an event says beside what people and models said: names of code, ids, times and numbers.
_PLAIN_KEYS = frozenset(
    (
        *("event", "run_id", "agent_id", "agent_name", "created_at", "ts", "model", "model_provider"),
        *("from_seq", "metrics", "cost_usd", "error_type", "error_id", "reason"),
        *("tool.tool_call_id", "tool.tool_name", "tool.approval_id", "tool.approval_url", "tool.approval_type"),
        *("tool.expires_at", "tool.kind", "tool.metrics"),
    )
)


def masked_line(line: Line) -> Line:
    """Return an event without what people and models said, for a reader who may only see that they did."""
    said = masked(orjson.loads(line.data), _PLAIN_KEYS)
    return Line(line.seq, orjson.dumps(said))
