"""Trains the learned model: logistic regression over the window of each text that speaks most for an order.

Which sentence of a text holds the order isn't labelled, so the model finds it itself: it is trained on all windows
first, then on the best window of each attack and all windows of harmless texts, with the model before.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import math
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from governance.guardrails.injection import documents, features, ideas
from governance.guardrails.injection.features import windows
from governance.guardrails.injection.learned import Model, share_of, whole_of
from governance.guardrails.injection.views import views
from governance.guardrails.report import is_attack

SEEDS = (20, 21, 22, 23)  # of the orders in which the rows are learned: one order alone moves one text in fifty
EPOCHS = (3, 3, 10)  # of each round; the first ones only choose the windows
AVERAGED = 5  # epochs at the end, whose weights are averaged
RATE = 0.1
DECAY = 0.01
FAMILIAR_IMPORTANCE = 4.0  # of an attack that the rules were made for, which must not be lost
FEWEST_TEXTS = 3  # with a feature that is learned
MOST_WINDOWS = 60  # of one text
INDIRECT = "indirect_injection"
BENIGN = "benign"

DATA = Path(__file__).parents[1] / "data"
WRITTEN = tuple(sorted((DATA / "written").glob("*.jsonl")))  # each by an author who didn't see the rules
FAMILIAR = tuple(  # by those who made the rules; the last two: pieces of our documents and code, short known attacks
    DATA / f"injection{name}.jsonl" for name in ("", "_free", "_varied", "_plain", "_own", "_known")
)

Seen: TypeAlias = set[str]
_Known: TypeAlias = tuple[int, ...]  # numbers of features


@dataclass(frozen=True, slots=True)
class Example:
    """A labelled text and what the model sees of the windows of each reading; `rules`: what the rules alone say."""

    label: str
    family: str
    author: str
    readings: tuple[tuple[Seen, ...], ...]
    rules: bool = False
    familiar: bool = False

    @property
    def windows(self) -> tuple[Seen, ...]:
        return tuple(window for reading in self.readings for window in reading)

    @property
    def is_attack(self) -> bool:
        return self.label != BENIGN


class Fit:
    """Weights of numbered features while they are learned, with the sums that slow each of them down."""

    def __init__(self, features: int) -> None:
        self.weights = [0.0] * features
        self.slowed = [0.01] * features
        self.bias = 0.0
        self.bias_slowed = 0.01
        self._summed = [0.0] * features
        self._bias_summed = 0.0

    def note(self) -> None:
        """Count these weights among the averaged ones."""
        self._summed = [sum(pair) for pair in zip(self._summed, self.weights, strict=True)]
        self._bias_summed += self.bias

    def average(self, times: int) -> None:
        """Take the average of what was noted so many times."""
        self.weights = [total / times for total in self._summed]
        self.bias = self._bias_summed / times

    def odds(self, known: Sequence[int]) -> float:
        return self.bias + share_of(len(known)) * sum(map(self.weights.__getitem__, known))

    def learn(self, row: _Row) -> None:
        """Take one step of AdaGrad with decay towards the target of a window with these features."""
        weights, slowed = self.weights, self.slowed
        odds = self.bias + row.share * sum(map(weights.__getitem__, row.known))
        slope = row.importance * (1 / (1 + math.exp(-max(-30.0, min(30.0, odds)))) - row.target)
        self.bias_slowed += slope * slope
        self.bias -= RATE * slope / math.sqrt(self.bias_slowed)
        slope *= row.share
        for feature in row.known:
            weight = weights[feature]
            step = slope + DECAY * weight
            slowed[feature] = total = slowed[feature] + step * step
            weights[feature] = weight - RATE * step / math.sqrt(total)


def examples(paths: Iterable[Path], by_rules: Callable[[str], bool]) -> Iterator[Example]:
    """Read labelled texts, each once; a file is named for its author. Raises: OSError, ValueError, KeyError."""
    known: set[str] = set()
    for path in paths:
        for line in path.read_text("utf-8").splitlines():
            entry = json.loads(line)
            text = entry["text"]
            if text in known:
                continue
            known.add(text)
            label = _label(entry["label"])
            yield Example(
                label,
                entry.get("family", label),
                path.stem,
                seen(text),
                by_rules(text),
                familiar=path in FAMILIAR,
            )


def benign_documents(by_rules: Callable[[str], bool]) -> Iterator[Example]:
    """Read what installed packages say of themselves; all of it is harmless."""
    for text in documents.passages():
        yield Example(BENIGN, "documents", "packages", seen(text), by_rules(text))


def _label(written: str) -> str:
    if not is_attack(written):
        return BENIGN
    return INDIRECT if written.startswith("indirect") else "prompt_injection"


def seen(text: str) -> tuple[tuple[Seen, ...], ...]:
    """Return what the model sees of each reading of a text."""
    found: list[tuple[Seen, ...]] = []
    for view in views(text):
        spans = windows(view.text)[:MOST_WINDOWS]
        found.append(tuple(window for _, window in features.seen(view.text, spans, hidden=view.hidden)))
    return tuple(filter(None, found)) or ((set(),),)


def train(examples: Sequence[Example]) -> Model:
    """Return a model without thresholds. The same examples in the same order make the same model."""
    counted = Counter(feature for one in examples for feature in set().union(*one.windows))
    known = sorted(feature for feature, count in counted.items() if count >= FEWEST_TEXTS)
    numbers = {feature: number for number, feature in enumerate(known)}
    lessons = [_lesson(one, numbers) for one in examples]
    fit: Fit | None = None
    for epochs in EPOCHS:
        fit = _fitted([row for one in lessons for row in _rows(one, fit)], epochs, len(known))
    assert fit is not None
    leans = _fitted(list(_leaning(lessons, fit)), EPOCHS[-1], len(known))
    wholes = _fitted([_row(one.example, one.whole) for one in lessons], EPOCHS[-1], len(known))
    infinity = float("inf")
    weights, leaning, whole = (dict(zip(known, one.weights, strict=True)) for one in (fit, leans, wholes))
    return Model(weights, leaning, fit.bias, leans.bias, infinity, -infinity, wholes=whole, whole=wholes.bias)


@dataclass(frozen=True, slots=True)
class _Lesson:
    """An example with its features as numbers."""

    example: Example
    windows: tuple[_Known, ...]
    whole: _Known


@dataclass(frozen=True, slots=True)
class _Row:
    known: _Known
    share: float
    target: float
    importance: float


def _lesson(one: Example, numbers: Mapping[str, int]) -> _Lesson:
    """Number the features; their order, too, is always the same."""
    known, whole = (
        tuple(tuple(sorted(numbers[feature] for feature in window if feature in numbers)) for window in windows)
        for windows in (one.windows, (whole_of(one.windows),))
    )
    return _Lesson(one, known, *whole)


def _rows(lesson: _Lesson, fit: Fit | None) -> Iterator[_Row]:
    one, chosen = lesson.example, lesson.windows
    if one.is_attack and fit is not None:
        chosen = (max(chosen, key=fit.odds),)
    for window in chosen:
        yield _row(one, window, 1 / len(chosen))


def _row(one: Example, known: _Known, share: float = 1.0) -> _Row:
    """Return what to learn from a window, or from a whole text; of a harmless text each window counts fully."""
    importance = share * (FAMILIAR_IMPORTANCE if one.familiar else 1.0) if one.is_attack else 1.0
    return _Row(known, share_of(len(known)), float(one.is_attack), importance)


def _leaning(lessons: Iterable[_Lesson], fit: Fit) -> Iterator[_Row]:
    """Yield the worst window of each attack, to learn from these alone which are indirect."""
    for lesson in lessons:
        if lesson.example.is_attack:
            window = max(lesson.windows, key=fit.odds)
            yield _Row(window, share_of(len(window)), float(lesson.example.label == INDIRECT), 1.0)


def _fitted(rows: Sequence[_Row], epochs: int, features: int) -> Fit:
    """Return the mean of what is learned from the rows in several orders."""
    fits = [_fitted_in_order(list(rows), epochs, features, seed) for seed in SEEDS]
    mean = Fit(features)
    mean.weights = [sum(each) / len(fits) for each in zip(*(fit.weights for fit in fits), strict=True)]
    mean.bias = sum(fit.bias for fit in fits) / len(fits)
    return mean


def _fitted_in_order(rows: list[_Row], epochs: int, features: int, seed: int) -> Fit:
    fit = Fit(features)
    chance = random.Random(seed)
    averaged = min(AVERAGED, epochs)
    for epoch in range(epochs):
        chance.shuffle(rows)
        for row in rows:
            fit.learn(row)
        if epoch >= epochs - averaged:
            fit.note()
    fit.average(averaged)
    return fit


def made_of(paths: Iterable[Path]) -> str:
    """Identify the texts, the ideas and the code that a model is trained with."""
    code = (Path(__file__), ideas.PATH, *(Path(inspect.getfile(one)) for one in (features, ideas, views)))
    total = hashlib.sha256()
    for path in (*sorted(paths), *code):
        total.update(path.read_bytes())
    return total.hexdigest()
