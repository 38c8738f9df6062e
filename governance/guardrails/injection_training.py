"""Trains the learned model: logistic regression over the window of each text that speaks most for an order.

Which sentence of a text holds the order isn't labelled, so the model finds it itself: it is trained on all windows
first, then on the best window of each attack and all windows of harmless texts, with the model before.
"""

from __future__ import annotations

import hashlib
import json
import math
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from governance.guardrails import injection_features, injection_ideas, injection_views
from governance.guardrails.injection_features import features, windows
from governance.guardrails.injection_model import Model, share_of
from governance.guardrails.injection_views import views
from governance.guardrails.report import is_attack

SEED = 20
ROUNDS = 3
EPOCHS = 10
RATE = 0.1
DECAY = 0.01
FAMILIAR_IMPORTANCE = 2.0  # of an attack that the rules were made for, which must not be lost
FEWEST_TEXTS = 3  # with a feature that is learned
MOST_WINDOWS = 60  # of one text
BENIGN_SHARE = 0.5  # the least that each window of a harmless text counts
INDIRECT = "indirect_injection"
BENIGN = "benign"

DATA = Path(__file__).with_name("data")
WRITTEN = tuple(sorted((DATA / "written").glob("*.jsonl")))  # each by an author who didn't see the rules
FAMILIAR = tuple(  # by those who made the rules
    DATA / name
    for name in ("injection.jsonl", "injection_free.jsonl", "injection_varied.jsonl", "injection_plain.jsonl")
)

Window = set[str]
Weights = dict[str, float]


@dataclass(frozen=True, slots=True)
class Example:
    """A labelled text and what the model sees of its windows; `rules`: what the rules alone say."""

    label: str
    family: str
    author: str
    windows: tuple[Window, ...]
    rules: bool = False
    familiar: bool = False

    @property
    def is_attack(self) -> bool:
        return self.label != BENIGN


@dataclass(slots=True)
class Fit:
    """Weights while they are learned, with the sums that slow each of them down."""

    weights: Weights = field(default_factory=dict)
    slowed: Weights = field(default_factory=dict)
    bias: float = 0.0
    bias_slowed: float = 0.01

    def odds(self, window: Iterable[str]) -> float:
        known = [feature for feature in window if feature in self.weights]
        return self.bias + share_of(len(known)) * sum(map(self.weights.__getitem__, known))

    def learn(self, known: Sequence[str], share: float, target: float, importance: float) -> None:
        """Take one step of AdaGrad with decay towards the target of a window with these features."""
        weights, slowed = self.weights, self.slowed
        odds = self.bias + share * sum(map(weights.__getitem__, known))
        slope = importance * (1 / (1 + math.exp(-max(-30.0, min(30.0, odds)))) - target)
        self.bias_slowed += slope * slope
        self.bias -= RATE * slope / math.sqrt(self.bias_slowed)
        slope *= share
        for feature in known:
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
                path.stem.rstrip("0123456789"),
                seen(text),
                by_rules(text),
                familiar=path in FAMILIAR,
            )


def _label(written: str) -> str:
    if not is_attack(written):
        return BENIGN
    return INDIRECT if written.startswith("indirect") else "prompt_injection"


def seen(text: str) -> tuple[Window, ...]:
    """Return what the model sees of a text."""
    found: list[Window] = []
    for view in views(text):
        for start, end in windows(view.text)[:MOST_WINDOWS]:
            found.append(features(view.text[start:end], hidden=view.hidden))
    return tuple(found) or (set(),)


def train(examples: Sequence[Example]) -> Model:
    """Return a model without thresholds. The same examples in the same order make the same model."""
    counted = Counter(feature for one in examples for feature in set().union(*one.windows))
    known = {feature for feature, count in counted.items() if count >= FEWEST_TEXTS}
    fit: Fit | None = None
    for _ in range(ROUNDS):
        fit = _fitted(list(_rows(examples, known, fit)), known)
    assert fit is not None
    leans = _leaning(examples, known, fit)
    infinity = float("inf")
    return Model(fit.weights, leans.weights, fit.bias, leans.bias, alarm=infinity, doubt=-infinity)


@dataclass(frozen=True, slots=True)
class _Row:
    known: tuple[str, ...]
    target: float
    importance: float


def _rows(examples: Iterable[Example], known: set[str], fit: Fit | None) -> Iterator[_Row]:
    for one in examples:
        chosen: Sequence[Window] = one.windows
        importance = 1 / len(chosen)
        if not one.is_attack:
            importance = max(importance, BENIGN_SHARE)
        elif fit is not None:
            chosen, importance = [max(chosen, key=fit.odds)], 1.0
        if one.is_attack and one.familiar:
            importance *= FAMILIAR_IMPORTANCE
        for window in chosen:
            yield _Row(tuple(sorted(window & known)), float(one.is_attack), importance)


def _leaning(examples: Iterable[Example], known: set[str], fit: Fit) -> Fit:
    """Learn from the attacks alone which of them are indirect."""
    rows = [
        _Row(tuple(sorted(max(one.windows, key=fit.odds) & known)), float(one.label == INDIRECT), 1.0)
        for one in examples
        if one.is_attack
    ]
    return _fitted(rows, known)


def _fitted(rows: list[_Row], known: set[str]) -> Fit:
    fit = Fit(dict.fromkeys(known, 0.0), dict.fromkeys(known, 0.01))
    chance = random.Random(SEED)
    for _ in range(EPOCHS):
        chance.shuffle(rows)
        for row in rows:
            fit.learn(row.known, share_of(len(row.known)), row.target, row.importance)
    return fit


def made_of(paths: Iterable[Path]) -> str:
    """Identify the texts, the ideas and the code that a model is trained with."""
    modules = (injection_features, injection_ideas, injection_views)
    code = (Path(__file__), injection_ideas.PATH, *(Path(str(module.__file__)) for module in modules))
    total = hashlib.sha256()
    for path in (*sorted(paths), *code):
        total.update(path.read_bytes())
    return total.hexdigest()
