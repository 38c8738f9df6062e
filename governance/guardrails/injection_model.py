"""A learned second opinion beside the rules: a linear model over windows of a text (`manage.py guard_train`)."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from governance.guardrails.injection_features import Window, seen, windows

PATH = Path(__file__).with_name("data") / "injection_model.tsv"
MOST_WINDOWS = 32  # of one reading that are read in full: those whose words alone speak most for an order
USUAL_FEATURES = 30  # a window with more of them is as sure as one with so many
STEP = 0.1  # weights are kept as multiples of it
FEWEST_STEPS, FEWEST_LEAN_STEPS = 2, 4  # of a weight and of a lean that are kept

_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Score:
    """How sure the model is that a window holds an order, as log odds, and how sure that it is an indirect one."""

    start: int
    end: int
    odds: float
    lean: float

    @property
    def chance(self) -> float:
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, self.odds))))


@dataclass(frozen=True, slots=True)
class Model:
    """The weights of features for an order, and for its being indirect; the odds from which to speak and to keep silent.

    From `alarm` on the model alone makes a finding; below `doubt` the rules alone make none. `made_of` identifies
    what it was trained on.
    """

    weights: Mapping[str, float]
    leans: Mapping[str, float]
    bias: float
    lean: float
    alarm: float
    doubt: float
    made_of: str = ""

    def score(self, found: set[str], *, least: float = -math.inf) -> tuple[float, float]:
        """Return the log odds of an order, and of an indirect one; the latter are 0 where the former are less."""
        known = [feature for feature in found if feature in self.weights]
        share = share_of(len(known))
        odds = self.bias + share * sum(map(self.weights.__getitem__, known))
        if odds < least:
            return odds, 0.0
        return odds, self.lean + share * sum(self.leans.get(feature, 0.0) for feature in known)

    def read(self, text: str, *, hidden: bool) -> Iterator[Score]:
        """Score the windows of a plain reading; which way one leans matters only where it raises an alarm."""
        for (start, end), found in seen(text, self._worth_reading(text), hidden=hidden):
            yield Score(start, end, *self.score(found, least=self.alarm))

    def _worth_reading(self, text: str) -> list[Window]:
        found = windows(text)
        if len(found) <= MOST_WINDOWS:
            return found
        glances = {span: self._glance(text, *span) for window in found for span in window}
        ranked = sorted(found, key=lambda window: -sum(glances[span] for span in window))
        return sorted(ranked[:MOST_WINDOWS])

    def _glance(self, text: str, start: int, end: int) -> float:
        weigh = self.weights.get
        return sum(weigh(word, 0.0) for word in set(_WORD.findall(text, start, end)))


def share_of(known: int) -> float:
    """Return what each feature of a window counts: one with many features is no surer for that."""
    return math.sqrt(USUAL_FEATURES / known) if known > USUAL_FEATURES else 1.0


@cache
def current() -> Model:
    """Return the model that is shipped."""
    return loads(PATH.read_text("utf-8"))


def loads(written: str) -> Model:
    """Read a model: a line of JSON, then a feature, its weight and its lean a line, as steps."""
    head, *rows = written.splitlines()
    fields = json.loads(head)
    weights: dict[str, float] = {}
    leans: dict[str, float] = {}
    for row in rows:
        feature, weight, lean = row.split("\t")
        weights[feature] = int(weight) * STEP
        if lean:
            leans[feature] = int(lean) * STEP
    return Model(weights, leans, **fields)


def dumps(model: Model) -> str:
    """Write a model; features that weigh next to nothing are left out."""
    names = ("bias", "lean", "alarm", "doubt", "made_of")
    lines = [json.dumps({name: getattr(model, name) for name in names})]
    for feature in sorted(model.weights):
        weight, lean = round(model.weights[feature] / STEP), round(model.leans.get(feature, 0.0) / STEP)
        lean = lean if abs(lean) >= FEWEST_LEAN_STEPS else 0
        if abs(weight) >= FEWEST_STEPS:
            lines.append(f"{feature}\t{weight}\t{lean or ''}")
    return "\n".join(lines) + "\n"
