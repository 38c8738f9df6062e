"""What a guardrail reports about a text, and how the text reads once that is taken out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Finding(NamedTuple):
    """One stretch `text[start:end]` of the original text, with a score in (0, 1].

    A tuple, because a hostile text holds thousands.
    """

    kind: str
    start: int
    end: int
    score: float


def mask(kind: str) -> str:
    """Return what stands in the place of a finding."""
    return f"[redacted: {kind}]"


def merge(findings: Iterable[Finding]) -> list[Finding]:
    """Join findings that overlap; the one with the best score, then the longest, names the union."""
    merged: list[Finding] = []
    namer: list[Finding] = []
    for finding in sorted(findings, key=lambda found: (found.start, -found.end)):
        if merged and finding.start < merged[-1].end:
            namer[-1] = max(namer[-1], finding, key=_rank)
            end = max(merged[-1].end, finding.end)
            merged[-1] = Finding(namer[-1].kind, merged[-1].start, end, namer[-1].score)
        else:
            merged.append(finding)
            namer.append(finding)
    return merged


def redact(text: str, findings: Sequence[Finding]) -> str:
    """Replace every finding by its mask; overlapping findings get one mask."""
    parts: list[str] = []
    position = 0
    for finding in merge(findings):
        parts += (text[position : finding.start], mask(finding.kind))
        position = finding.end
    return "".join((*parts, text[position:]))


def _rank(finding: Finding) -> tuple[float, int, str]:
    return finding.score, finding.end - finding.start, finding.kind
