"""A learned second opinion beside the rules: a linear model over windows of a text (`manage.py guard_train`)."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import cache
from itertools import repeat, takewhile
from pathlib import Path

from governance.guardrails.injection.features import ALONE, Window, seen, windows

PATH = Path(__file__).parents[1] / "data" / "injection_model.tsv"
MOST_WINDOWS = 32  # of one reading that are read in full: those whose words alone speak most for an order
USUAL_FEATURES = 30  # a window with more of them is as sure as one with so many
WHOLE_SHARE = 0.8  # of what the whole speaks for, beside its window
MOST_BESIDE = 2.4  # so that neither harmless text hides an order nor dubious text makes every window an order
PASSAGE = 4  # windows that are seen beside themselves and as many before and behind: what is far away hides no order
STEP = 0.1  # weights are kept as multiples of it
FEWEST_STEPS, FEWEST_LEAN_STEPS, FEWEST_WHOLE_STEPS = 3, 5, 3  # of a weight that is kept

_WORD, _LETTERS = re.compile(r"[^\W_]+"), re.compile(r"\w+")  # the same where no line joins words, in half the time


@dataclass(frozen=True, slots=True)
class Score:
    """How sure the model is that a window holds an order, as log odds, and how sure that it is an indirect one.

    `known` are those of its features that the model knows: in a language that it learned, more than there are words.
    """

    start: int
    end: int
    odds: float
    lean: float
    known: AbstractSet[str]

    @property
    def chance(self) -> float:
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, self.odds))))


@dataclass(frozen=True, slots=True)
class Model:
    """The weights of features for an order, and for its being indirect; the odds from which to speak and to keep silent.

    `wholes` are for readings as wholes. From `alarm` on the model alone makes a finding; below `doubt` the rules alone
    make none. `made_of` identifies what it was trained on.
    """

    weights: Mapping[str, float]
    leans: Mapping[str, float]
    bias: float
    lean: float
    alarm: float
    doubt: float
    made_of: str = ""
    wholes: Mapping[str, float] = field(default_factory=dict)
    whole: float = 0.0
    known: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Gather what the model knows at all: nothing else has to be looked at more than once."""
        object.__setattr__(self, "known", frozenset(self.weights) | frozenset(self.leans) | frozenset(self.wholes))

    def read(self, text: str, *, hidden: bool, glances: dict[str, float] | None = None) -> Iterator[Score]:
        """Score the windows of a plain reading; which way one leans matters only where it raises an alarm.

        `glances` keep what sentences that several readings of a text share look like.
        """
        worth = self._worth_reading(text, {} if glances is None else glances)
        known = list(seen(text, worth, hidden=hidden, among=self.known))
        for (span, found), odds in zip(known, self.odds([found for _, found in known]), strict=True):
            yield Score(*span, odds, self.leaning(found) if odds >= self.alarm else 0.0, found)

    def odds(self, windows: Sequence[set[str]]) -> list[float]:
        """Return the log odds of an order in each window of a reading, seen beside what stands around it."""
        alone = [_odds(self.weights, self.bias, found) for found in windows]
        if not alone or max(alone) + MOST_BESIDE < min(self.alarm, self.doubt):  # then it doesn't matter
            return [odds + MOST_BESIDE for odds in alone]
        around = [
            self._beside(windows[max(0, first - PASSAGE) : first + 2 * PASSAGE])
            for first in range(0, len(windows), PASSAGE)
        ]
        return [odds + around[place // PASSAGE] for place, odds in enumerate(alone)]

    def _beside(self, windows: Sequence[set[str]]) -> float:
        together = _odds(self.wholes, self.whole, whole_of(windows))
        return max(-MOST_BESIDE, min(MOST_BESIDE, WHOLE_SHARE * together))

    def leaning(self, found: set[str]) -> float:
        """Return the log odds of an order's being indirect."""
        return _odds(self.leans, self.lean, found)

    def _worth_reading(self, text: str, glances: dict[str, float]) -> list[Window]:
        found = windows(text)
        if len(found) <= MOST_WINDOWS:
            return found
        parts = (*found[0], *(window[-1] for window in found[1:]))
        likely = [self._glance(text[start:end], glances) for start, end in parts]
        against = [-sum(near) for near in zip(*(likely[at:] for at in range(len(found[0]))), strict=False)]
        ranked = sorted(range(len(found)), key=against.__getitem__)
        return [found[place] for place in sorted(ranked[:MOST_WINDOWS])]

    def _glance(self, sentence: str, known: dict[str, float]) -> float:
        """Return what the words of a sentence speak for by themselves."""
        glance = known.get(sentence)
        if glance is None:
            words = self.known.intersection((_WORD if "_" in sentence else _LETTERS).findall(sentence))
            glance = known[sentence] = math.fsum(map(self.weights.get, words, repeat(0.0)))
        return glance


def whole_of(windows: Iterable[set[str]]) -> set[str]:
    """Return what there is in a reading as a whole."""
    return set().union(*windows) - {ALONE}


def _odds(weights: Mapping[str, float], bias: float, found: set[str]) -> float:
    known = [weight for weight in map(weights.get, found) if weight is not None]
    return bias + share_of(len(known)) * math.fsum(known)  # whatever order they come in


def share_of(known: int) -> float:
    """Return what each feature of a window counts: one with many features is no surer for that."""
    return math.sqrt(USUAL_FEATURES / known) if known > USUAL_FEATURES else 1.0


@cache
def current() -> Model:
    """Return the model that is shipped."""
    return loads(PATH.read_text("utf-8"))


def loads(written: str) -> Model:
    """Read a model: a line of JSON, then a feature and its weights a line, as steps.

    A feature is written as the number of letters that it shares with the one before, and the others.
    """
    head, *rows = written.splitlines()
    fields = json.loads(head)
    tables: tuple[dict[str, float], ...] = ({}, {}, {})
    feature = ""
    for row in rows:
        shared, rest, *steps = row.split("\t")
        feature = feature[: int(shared)] + rest
        for table, written_steps in zip(tables, steps, strict=False):  # the last ones may be missing
            if written_steps:
                table[feature] = int(written_steps) * STEP
    weights, leans, wholes = tables
    return Model(weights, leans, wholes=wholes, **fields)


def dumps(model: Model) -> str:
    """Write a model; features that weigh next to nothing are left out."""
    names = ("bias", "lean", "whole", "alarm", "doubt", "made_of")
    lines = [json.dumps({name: getattr(model, name) for name in names})]
    tables = ((model.weights, FEWEST_STEPS), (model.leans, FEWEST_LEAN_STEPS), (model.wholes, FEWEST_WHOLE_STEPS))
    before = ""
    for feature in sorted({*model.weights, *model.wholes}):
        weight, lean, whole = (_steps(table.get(feature, 0.0), fewest) for table, fewest in tables)
        if weight or whole:
            shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(before, feature, strict=False)))
            lines.append("\t".join((str(shared), feature[shared:], weight, lean, whole)).rstrip("\t"))
            before = feature
    return "\n".join(lines) + "\n"


def _steps(weight: float, fewest: int) -> str:
    steps = round(weight / STEP)
    return str(steps) if abs(steps) >= fewest else ""
