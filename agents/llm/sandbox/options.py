"""What whoever starts the sandbox model can set: its pace, its faults and the ids of its models."""

import re
from dataclasses import dataclass

STREAM_FAULTS = frozenset({"cut", "drop", "slow", "hang"})
_KIND = re.compile(r"(?:4\d\d|5\d\d|cut|drop|slow|hang)\Z")


def is_fault_kind(kind: str) -> bool:
    """Say whether `kind` names a fault: an HTTP status from 400 to 599, cut, drop, slow or hang."""
    return _KIND.match(kind) is not None


@dataclass(frozen=True, slots=True)
class FaultRate:
    """The share of chat requests, from 0 to 1, that meet one kind of fault."""

    kind: str
    rate: float


def parse_fault_rate(text: str) -> FaultRate:
    """Read `429:0.1` as it stands on the command line.

    Raises: ValueError, with a sentence for the person who typed it.
    """
    kind, separator, rate = text.partition(":")
    try:
        share = float(rate) if separator else 1.0
    except ValueError:
        share = -1.0
    if not is_fault_kind(kind) or not 0 <= share <= 1:
        raise ValueError(f"{text!r} is not a fault: write KIND:RATE, such as 429:0.1, cut:0.02 or slow:0.1")
    return FaultRate(kind, share)


@dataclass(frozen=True, slots=True)
class SandboxOptions:
    """Pace, faults and model ids of one sandbox model.

    `ttft_ms` is the time to the first token, `token_ms` the time from one token to the next.
    `tokens` makes every text answer exactly that many content deltas, `bench_stamp` writes into each
    the microseconds of the monotonic clock at which it was written.
    """

    ttft_ms: float = 150
    token_ms: float = 15
    stall_ms: float = 4000
    tokens: int | None = None
    seed: int = 0
    bench_stamp: bool = False
    faults: tuple[FaultRate, ...] = ()
    strong_model: str = "sandbox-strong"
    fast_model: str = "sandbox-fast"
    embedding_model: str = "sandbox-embedding"
    moderation_model: str = "sandbox-moderation"

    def __post_init__(self) -> None:
        """Refuse values that could only be typing mistakes. Raises: ValueError."""
        if min(self.ttft_ms, self.token_ms, self.stall_ms) < 0:
            raise ValueError("times in milliseconds can't be negative")
        if self.tokens is not None and self.tokens < 1:
            raise ValueError("tokens must be at least 1")
        if sum(fault.rate for fault in self.faults) > 1:
            raise ValueError("the fault rates add up to more than 1")

    @property
    def chat_models(self) -> tuple[str, str]:
        """The models that answer chat requests."""
        return (self.strong_model, self.fast_model)

    @property
    def models(self) -> tuple[str, str, str, str]:
        """All model ids, in the order of the list endpoint."""
        return (self.strong_model, self.fast_model, self.embedding_model, self.moderation_model)
