"""How good a guardrail is on a labelled file: one JSON object `{"text", "label", "spans"}` a line."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from governance.guardrails.findings import Finding

Detect = Callable[[str], list[Finding]]

_CLEAN = frozenset(
    {"0", "false", "no", "none", "null", "clean", "benign", "safe", "negative", "normal", "legit", "legitimate",
     "harmless", "ok", "ham", "hard_negative", "not_pii", "no_pii", "non_pii", "not_secret", "no_secret",
     "not_injection", "no_injection", "non_injection", "non-injection"}
)  # fmt: skip
_FOUND = frozenset({"1", "true", "yes", "positive", "found"})
_HALF = 2  # a labelled span is found if one finding covers at least half of it


@dataclass(frozen=True, slots=True)
class Sample:
    """A labelled text; `kind` is empty where the label says no more than yes.

    Where no span names another kind than the label does, the text is of that kind; or else each span is of its own.
    """

    text: str
    positive: bool
    kind: str = ""
    spans: tuple[tuple[int, int, str], ...] = ()
    family: str = ""

    @property
    def is_of_one_kind(self) -> bool:
        return bool(self.kind) and all(kind in {"", self.kind} for _, _, kind in self.spans)


@dataclass(slots=True)
class Report:
    """Counts over the samples; the ratios are 1.0 (or 0.0 for alarms) where there was nothing to count."""

    guard: str
    hits: int = 0
    misses: int = 0
    false_alarms: int = 0
    rightly_quiet: int = 0
    findings: int = 0
    right_findings: int = 0
    spans: int = 0
    found_spans: int = 0
    asked_by_kind: Counter[str] = field(default_factory=Counter)
    hits_by_kind: Counter[str] = field(default_factory=Counter)
    asked_by_family: Counter[str] = field(default_factory=Counter)
    hits_by_family: Counter[str] = field(default_factory=Counter)

    @property
    def precision(self) -> float:
        """Of the texts that raised an alarm, the share that should."""
        return _ratio(self.hits, self.hits + self.false_alarms)

    @property
    def recall(self) -> float:
        """Of the texts that should raise an alarm, the share that did."""
        return _ratio(self.hits, self.hits + self.misses)

    @property
    def false_alarm_rate(self) -> float:
        """Of the clean texts, the share that raised an alarm."""
        return _ratio(self.false_alarms, self.false_alarms + self.rightly_quiet, empty=0.0)

    @property
    def macro_recall(self) -> float:
        """The mean of the kinds' recalls; the plain recall if the labels name no kinds."""
        if not self.asked_by_kind:
            return self.recall
        return sum(self.recall_of(kind) for kind in self.asked_by_kind) / len(self.asked_by_kind)

    @property
    def family_recall(self) -> float:
        """The mean of the families' recalls, a family being the texts of a kind that share a "family"."""
        recalls = [_ratio(self.hits_by_family[name], asked) for name, asked in self.asked_by_family.items()]
        return sum(recalls) / len(recalls) if recalls else self.recall

    @property
    def span_precision(self) -> float:
        """Of the findings in texts with labelled spans and in clean texts, the share on a labelled span."""
        return _ratio(self.right_findings, self.findings)

    @property
    def span_recall(self) -> float:
        """Of the labelled spans, the share of which one finding covers at least half."""
        return _ratio(self.found_spans, self.spans)

    def recall_of(self, kind: str) -> float:
        """Return the recall over the texts, or the spans, that are labelled with this kind."""
        return _ratio(self.hits_by_kind[kind], self.asked_by_kind[kind])

    def table(self) -> str:
        """Return the figures as lines of text."""
        samples = self.hits + self.misses + self.false_alarms + self.rightly_quiet
        rows = [
            (f"{self.guard}: {samples} texts", ""),
            ("precision", f"{self.precision:.3f}  ({self.hits} of {self.hits + self.false_alarms})"),
            ("recall", f"{self.recall:.3f}  ({self.hits} of {self.hits + self.misses})"),
            ("macro recall", f"{self.macro_recall:.3f}"),
            (
                "false alarms",
                f"{self.false_alarm_rate:.3f}  ({self.false_alarms} of {self.false_alarms + self.rightly_quiet})",
            ),
        ]
        if self.asked_by_family:
            rows.append(("macro recall, families", f"{self.family_recall:.3f}  ({len(self.asked_by_family)} families)"))
        if self.spans:
            rows += [
                ("span precision", f"{self.span_precision:.3f}  ({self.right_findings} of {self.findings})"),
                ("span recall", f"{self.span_recall:.3f}  ({self.found_spans} of {self.spans})"),
            ]
        rows += [
            (f"  {kind}", f"{self.recall_of(kind):.3f}  ({self.hits_by_kind[kind]} of {asked})")
            for kind, asked in sorted(self.asked_by_kind.items())
        ]
        return "\n".join(f"{name:<24}{figure}".rstrip() for name, figure in rows)


def read(lines: Iterable[str]) -> Iterator[Sample]:
    """Read labelled texts. Raises: ValueError that names the line which can't be read."""
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            yield _sample(json.loads(line))
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"line {number}: {error}") from error


def is_attack(label: object) -> bool:
    """Tell whether a label without spans means yes."""
    return _label(label, False)[0]


def measure(guard: str, detect: Detect, samples: Iterable[Sample]) -> Report:
    """Run a guardrail over labelled texts and count."""
    report = Report(guard)
    for sample in samples:
        found = detect(sample.text)
        _count_text(report, sample, bool(found))
        if sample.spans or not sample.positive:
            report.findings += len(found)
            report.right_findings += sum(_touches(finding, sample) for finding in found)
        for start, end, kind in sample.spans:
            covered = _covered(start, end, found) * _HALF >= end - start
            report.spans += 1
            report.found_spans += covered
            if kind and not sample.is_of_one_kind:
                report.asked_by_kind[kind] += 1
                report.hits_by_kind[kind] += covered
    return report


def _count_text(report: Report, sample: Sample, alarm: bool) -> None:
    if sample.positive:
        report.hits += alarm
        report.misses += not alarm
        if sample.family:
            name = f"{sample.kind} {sample.family}"
            report.asked_by_family[name] += 1
            report.hits_by_family[name] += alarm
        if sample.is_of_one_kind:
            report.asked_by_kind[sample.kind] += 1
            report.hits_by_kind[sample.kind] += alarm
    else:
        report.false_alarms += alarm
        report.rightly_quiet += not alarm


def _sample(entry: object) -> Sample:
    if not isinstance(entry, dict) or not isinstance(entry.get("text"), str):
        raise ValueError('an object with a "text" was expected')
    spans = tuple(_span(span) for span in entry.get("spans") or ())
    positive, kind = _label(entry.get("label"), bool(spans))
    return Sample(entry["text"], positive, kind, spans, str(entry.get("family") or ""))


def _label(label: object, has_spans: bool) -> tuple[bool, str]:
    """Return whether a label means yes, and the kind it names, if it names one."""
    if label is None:
        return has_spans, ""
    if isinstance(label, list):
        kinds = [_label(one, has_spans) for one in label]
        return any(positive for positive, _ in kinds), next((kind for _, kind in kinds if kind), "")
    if isinstance(label, bool | int | float):
        return bool(label), ""
    if not isinstance(label, str):
        raise ValueError(f"a label can't be a {type(label).__name__}")
    word = label.strip().lower().replace(" ", "_")
    if word in _CLEAN or not word:
        return False, ""
    return True, "" if word in _FOUND else word


def _span(span: object) -> tuple[int, int, str]:
    if isinstance(span, Mapping):
        return int(span["start"]), int(span["end"]), str(span.get("kind") or span.get("label") or "")
    if isinstance(span, list | tuple) and len(span) >= _HALF:
        return int(span[0]), int(span[1]), str(span[2]) if len(span) > _HALF else ""
    raise ValueError("a span is [start, end] or {start, end, kind}")


def _touches(finding: Finding, sample: Sample) -> bool:
    return any(finding.start < end and start < finding.end for start, end, _ in sample.spans)


def _covered(start: int, end: int, found: Iterable[Finding]) -> int:
    """Count the characters of a span that the best of the findings covers."""
    return max((min(end, one.end) - max(start, one.start) for one in found), default=0)


def _ratio(part: int, whole: int, *, empty: float = 1.0) -> float:
    return part / whole if whole else empty
