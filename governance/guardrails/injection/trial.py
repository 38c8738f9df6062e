"""How the learned model does on texts that it didn't see: by family, and with one author left out.

Sets by authors whom nobody has read are more dubious than those that are left out here: at the same thresholds (2.2 and
1.1), 26 of 671 harmless texts in six such sets raised an alarm, but 29 of 1394 in ten sets left out, `SURPRISE` times
fewer. So the thresholds are as many times stricter here than they are to be out there. What is aimed at there is less
than the two in a hundred that are borne, for sets are small: three or more of 120 texts still alarm once in six times.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from governance.guardrails.injection.learned import Model, dumps, loads
from governance.guardrails.injection.training import BENIGN, Example, train

FOLDS = 5
EXPECTED = 0.012  # false alarms in harmless texts by authors whom nobody has read
SURPRISE = 1.9
FALSE_ALARMS = EXPECTED / SURPRISE  # of the model alone, in harmless texts of measured sets that it did not see
FALSE_ALARMS_TOGETHER = 1.15 * FALSE_ALARMS  # with the rules
MOST_DOUBT = 2.0  # beyond it, attacks that everybody knows would be silenced

MARGIN = 0.01
LOWEST = -30.0
_ALWAYS = ""
_NEVER = "written with those in view"

Group = Callable[[int, Example], str]


@dataclass(frozen=True, slots=True)
class Trial:
    """What a model that didn't see a text says of it: the log odds of its worst window."""

    label: str
    family: str
    author: str
    rules: bool
    odds: float
    familiar: bool

    def alarms(self, model: Model) -> bool:
        """Tell whether rules and model together make a finding."""
        return self.odds >= model.alarm or (self.rules and self.odds >= model.doubt)


def by_family(number: int, example: Example) -> str:
    """Put whole families into one of five groups; the familiar texts are dealt out one by one."""
    return _dealt(str(number) if example.familiar else f"{example.author} {example.family}")


def _dealt(name: str) -> str:
    return str(int(hashlib.sha256(name.encode()).hexdigest(), 16) % FOLDS)


def by_author(number: int, example: Example) -> str:
    """Put each author's texts into a group; the familiar ones are always there to learn from."""
    return _ALWAYS if example.familiar else example.author


def by_set(_number: int, example: Example) -> str:
    """Put whole sets that were measured before they were learned from into five groups; the others are there to learn from.

    Except those written with what the guard did wrong in these sets in view: with them it would look better than it is.
    """
    if example.author == "near":
        return _NEVER
    return _dealt(example.author) if example.author.startswith("measured") else _ALWAYS


DECISIVE = "measured sets left out"  # by these the thresholds are chosen
GROUPS: dict[str, Group] = {DECISIVE: by_set, "families left out": by_family, "authors left out": by_author}


def trials(examples: Sequence[Example], group: Group) -> Iterator[Trial]:
    """Leave out one group at a time and yield what the model of the others says of its texts."""
    groups = [group(number, one) for number, one in enumerate(examples)]
    for left_out in sorted({*groups} - {_ALWAYS, _NEVER}):
        learned = [one for one, name in zip(examples, groups, strict=True) if name not in (left_out, _NEVER)]
        model = shipped(train(learned))
        for one, name in zip(examples, groups, strict=True):
            if name == left_out:
                odds = max(max(model.odds(reading)) for reading in one.readings)
                yield Trial(one.label, one.family, one.author, one.rules, odds, one.familiar)


def shipped(model: Model) -> Model:
    """Return the model as it is read from its file: there, small weights are left out."""
    return loads(dumps(model))


def with_thresholds(model: Model, tried: Sequence[Trial]) -> Model:
    """Return the model with the lowest thresholds at which it, and it with the rules, raise few enough false alarms.

    Only texts of authors who didn't know the rules count.
    """
    harmless = [one for one in tried if one.label == BENIGN and not one.familiar]
    odds = [one.odds for one in harmless]
    alarm = _above(odds, int(FALSE_ALARMS * len(odds)))
    by_model = sum(one >= alarm for one in odds)
    spared = [one.odds for one in harmless if one.rules and one.odds < alarm]
    doubt = _above(spared, int(FALSE_ALARMS_TOGETHER * len(odds)) - by_model)
    return replace(model, alarm=alarm, doubt=min(doubt, MOST_DOUBT))


def _above(odds: Iterable[float], allowed: int) -> float:
    """Return a threshold that at most so many reach."""
    ranked = sorted(odds, reverse=True)
    return round(ranked[allowed] + MARGIN, 2) if len(ranked) > allowed else LOWEST


def table(model: Model, tried: Iterable[Trial]) -> str:
    """Return the shares of each author's texts, by label, that raise an alarm: of the rules, and of both together."""
    asked: Counter[tuple[str, str]] = Counter()
    alone: Counter[tuple[str, str]] = Counter()
    both: Counter[tuple[str, str]] = Counter()
    for one in tried:
        for author in (one.author, "familiar" if one.familiar else "unfamiliar"):
            key = (one.label, author)
            asked[key] += 1
            alone[key] += one.rules
            both[key] += one.alarms(model)
    rows = [f"{'':34}{'texts':>7}{'rules':>8}{'both':>8}"]
    rows += [
        f"{label:20}{author:14}{asked[label, author]:7}{alone[label, author] / asked[label, author]:8.3f}"
        f"{both[label, author] / asked[label, author]:8.3f}"
        for label, author in sorted(asked)
    ]
    return "\n".join(rows)
