"""Reads a run's event stream (server-sent events) into frames."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from agentos.core.types import JsonObject, json_object

_ENDS: Final = frozenset({"Completed", "Error", "Cancelled"})
_ROOTS: Final = ("Run", "TeamRun", "Workflow")
END_EVENTS: Final = frozenset(root + end for root in _ROOTS for end in _ENDS)
PAUSE_EVENTS: Final = frozenset(root + "Paused" for root in _ROOTS)


@dataclass(frozen=True, slots=True)
class Frame:
    """One event. `seq` counts from 1 within the root run."""

    seq: int
    name: str
    data: JsonObject

    @property
    def run_id(self) -> str:
        return str(self.data.get("run_id") or "")

    @property
    def is_end(self) -> bool:
        return self.name in END_EVENTS

    @property
    def is_pause(self) -> bool:
        return self.name in PAUSE_EVENTS


def read_frames(lines: Iterable[bytes]) -> Iterator[Frame]:
    """Yield the frames of a stream of lines; comments, and a last frame that was cut, are dropped."""
    fields: dict[str, str] = {}
    for raw in lines:
        line = raw.decode("utf-8", "replace").rstrip("\r\n")
        if line:
            name, _, value = line.partition(":")
            if name:
                fields[name] = value.removeprefix(" ")
            continue
        if (frame := _frame(fields)) is not None:
            yield frame
        fields = {}


def _frame(fields: dict[str, str]) -> Frame | None:
    data = json_object(fields.get("data", ""))
    if data is None:
        return None
    seq = fields.get("id", "")
    return Frame(int(seq) if seq.isdigit() else 0, fields.get("event") or str(data.get("event", "")), data)
