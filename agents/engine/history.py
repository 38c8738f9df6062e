"""What of a session's past a model is sent: the newest runs that fit, and a summary of what was said before them.

A run's place in its session is when it ended, then its id. With a window of W runs, a summary is due once 3 W stand
behind the last one and fill half of what may be sent, or 5 W, however short; it takes over all but W. Until it is
there, up to 6 W are sent, so that nothing falls in between. From one summary to the next what is sent only grows at its
end: providers charge less for that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from agentos.core.types import JsonObject

DUE, OVERDUE, LATE = 3, 5, 6  # times the window: what makes a summary due, if it says enough; in any case; sent at most
ENOUGH = 2  # a summary is worth its call once this share of what may be sent is filled
CUT = " [cut]"
PINNED = 12  # last digits of an id: enough to know one of a session's runs, and each run stores those of many
# The summary goes in as an exchange, never as a system message: it was made of what users and tools said.
LEFT_OUT = "[The earlier messages of this conversation are left out here. Sum them up.]"


@dataclass(frozen=True, slots=True)
class Said:
    """An earlier run of the session: what was asked and answered."""

    run_id: UUID
    ended_at: datetime
    asked: str
    answered: str

    @property
    def chars(self) -> int:
        return len(self.asked) + len(self.answered)


@dataclass(frozen=True, slots=True)
class Summary:
    """What was said in the session before that."""

    id: UUID
    text: str


@dataclass(frozen=True, slots=True)
class History:
    """What a run knows of its session. `leaving` is the newest run that a summary should take over now, if any."""

    summary: Summary | None = None
    said: tuple[Said, ...] = ()  # oldest first
    leaving: Said | None = None
    is_tainted: bool = False  # a run of the session has read what strangers may have written

    @property
    def exchanges(self) -> list[tuple[str, str]]:
        """Return (asked, answered) as the model is sent them, oldest first."""
        before = [(LEFT_OUT, self.summary.text)] if self.summary else []
        return before + [(said.asked, said.answered) for said in self.said]

    @property
    def pin(self) -> JsonObject:
        """Return what is told: {summary, runs}, the runs by the ends of their ids. A later pass tells the same."""
        ends = [str(said.run_id)[-PINNED:] for said in self.said]
        return {"summary": str(self.summary.id) if self.summary else None, "runs": ends}


def recall(summary: Summary | None, behind: Sequence[Said], *, runs: int, chars: int) -> History:
    """Choose what to send of the runs that stand behind the summary, newest first, at most LATE windows of them."""
    kept = fitting([bounded(said, chars) for said in behind], chars)
    fills = sum(said.chars for said in kept) * ENOUGH >= chars
    is_due = len(kept) < len(behind) or len(behind) >= (DUE if fills else OVERDUE) * runs
    leaving = behind[min(runs, len(kept))] if is_due else None
    return History(summary, tuple(reversed(kept)), leaving)


def chars_read(chars: int) -> int:
    """Return how much of a text has to be known to bound it."""
    return chars // 2 + 1


def bounded(said: Said, chars: int) -> Said:
    """Cut each text to half of what all may have together, so that any one run fits."""
    return Said(said.run_id, said.ended_at, shortened(said.asked, chars // 2), shortened(said.answered, chars // 2))


def shortened(text: str, most: int) -> str:
    """Return a text of at most so many characters, marked where it was cut."""
    return text if len(text) <= most else text[: most - len(CUT)] + CUT


def fitting(said: Sequence[Said], chars: int) -> list[Said]:
    """Return the first of the runs that fit together."""
    kept: list[Said] = []
    for run in said:
        chars -= run.chars
        if chars < 0:
            break
        kept.append(run)
    return kept


def transcript(summary: str, said: Sequence[Said]) -> str:
    """Return what a summary is made of. Lines that go on are indented, so that no text can pass for another speaker."""
    lines = ["Summary so far:", _indented(summary) if summary else "(none)", "", "Said since:"]
    for run in said:
        lines += [f"User: {_indented(run.asked)}", f"Assistant: {_indented(run.answered)}"]
    return "\n".join(lines)


def _indented(text: str) -> str:
    return text.strip().replace("\n", "\n  ")
