"""Orders to the model: from the user against its instructions, or hidden in what it reads."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from governance.guardrails.findings import Finding
from governance.guardrails.injection_rules import ABOUT, PHRASES, REPORTED, RULES, Rule
from governance.guardrails.injection_views import View, views
from governance.guardrails.injection_words import PARTS, Part

THRESHOLD = 1.0
REACH_CHARACTERS = 900  # signs further apart don't add up
HIDDEN_BONUS = 0.5  # for a sign that had to be decoded, or that stands in a comment
ABOUT_MALUS = 0.8  # for a text that talks about attacks
REPORTED_SHARE = 0.3  # what stays of a sign that is asked or told about, not ordered
INDIRECT_SHARE = 0.5
AGAIN_SHARE = 0.4  # what further signs of the same name and another weight add

_TOKEN = re.compile(r"[^\W_]+(?:['’-][^\W_]+)?")
_PHRASE = re.compile("|".join(f"(?P<p{i}>{phrase.pattern})" for i, phrase in enumerate(PHRASES)))
_COMMENT = re.compile(r"<!--(?P<inner>[^\n]{0,2000}?(?:\n[^\n]{0,2000}?){0,20})-->")
_SPEECH = frozenset({"override", "lift", "disobey", "extract"})  # signs that people also ask about


@dataclass(frozen=True, slots=True)
class Sign:
    """One rule or phrase that matched a view."""

    name: str
    weight: float
    indirect: bool
    start: int
    end: int


def detect(text: str) -> list[Finding]:
    """Return where a text tries to give the model orders: `prompt_injection` or `indirect_injection`."""
    found: list[Finding] = []
    for view in views(text):
        for finding in _judge(view):
            if finding not in found:
                found.append(finding)
    return sorted(found, key=lambda finding: (finding.start, finding.end))


def _judge(view: View) -> Iterator[Finding]:
    """Add up the signs that stand close together; each name counts once, by its heaviest sign."""
    signs = sorted((*_phrases(view.text), *_sentences(view.text)), key=lambda sign: sign.start)
    if not signs:
        return
    comments = [match.span() for match in _COMMENT.finditer(view.text)] if "<!--" in view.text else []
    about = ABOUT_MALUS if ABOUT.search(view.text) else 0.0
    first = 0
    for last in range(len(signs)):
        while signs[last].end - signs[first].start > REACH_CHARACTERS and first < last:
            first += 1
        group = signs[first : last + 1]
        bonus = HIDDEN_BONUS if view.hidden or _within(group[0], comments) else 0.0
        score = _score(group) + bonus - about
        if score >= THRESHOLD - 1e-9:
            start, end = view.origin(group[0].start, group[-1].end)
            indirect = _indirect(group) or _within(group[0], comments)
            yield Finding("indirect_injection" if indirect else "prompt_injection", start, end, min(1.0, score / 2))
            first = last + 1


def _score(signs: Sequence[Sign]) -> float:
    weights: dict[str, set[float]] = {}
    for sign in signs:
        weights.setdefault(sign.name, set()).add(sign.weight)
    return sum(max(found) + AGAIN_SHARE * (sum(found) - max(found)) for found in weights.values())


def _indirect(signs: Sequence[Sign]) -> bool:
    return _score([sign for sign in signs if sign.indirect]) >= INDIRECT_SHARE


def _within(sign: Sign, comments: Sequence[tuple[int, int]]) -> bool:
    return any(start <= sign.start and sign.end <= end for start, end in comments)


def _phrases(text: str) -> Iterator[Sign]:
    for match in _PHRASE.finditer(text):
        before = text[match.start() - 1 : match.start()]
        if before.isalnum() and before.isascii() and match[0][0].isalnum():
            continue
        phrase = PHRASES[int((match.lastgroup or "p0")[1:])]
        weight = _spoken(text, match.start(), phrase.name, phrase.weight)
        yield Sign(phrase.name, weight, phrase.indirect, match.start(), match.end())


def _sentences(text: str) -> Iterator[Sign]:
    marked = _marked(text)
    for at, (index, parts, start, end) in enumerate(marked):
        for rule in _rules_for(parts):
            reach = _reach(rule, marked, at, index)
            if reach is not None:
                weight = _spoken(text, start, rule.name, rule.weight)
                yield Sign(rule.name.partition("-")[0], weight, rule.indirect, start, max(end, reach))


def _marked(text: str) -> list[tuple[int, int, int, int]]:
    """Return (number of the word, its parts, start, end) of the words in the vocabulary."""
    return [
        (index, parts, match.start(), match.end())
        for index, match in enumerate(_TOKEN.finditer(text))
        if (parts := PARTS.get(match[0], 0))
    ]


def _reach(rule: Rule, marked: Sequence[tuple[int, int, int, int]], at: int, index: int) -> int | None:
    """Return where the last word that the rule needs ends, or None if one is missing.

    A word serves one need only, so that "ignore instructions" isn't its own qualifier.
    """
    missing = list(rule.needs)
    reach = 0
    for other in range(at + 1, len(marked)):
        number, parts, _, end = marked[other]
        if number - index > rule.gap:
            break
        if _take(missing, parts):
            reach = end
        if not missing:
            return reach
    if rule.order:
        return None
    for other in range(at - 1, -1, -1):
        number, parts, _, end = marked[other]
        if index - number > rule.gap:
            break
        if _take(missing, parts):
            reach = max(reach, end)
        if not missing:
            return reach
    return None


def _take(missing: list[Part], parts: int) -> bool:
    for need in missing:
        if need & parts:
            missing.remove(need)
            return True
    return False


def _spoken(text: str, start: int, name: str, weight: float) -> float:
    """Weigh a sign less if the words before it ask or report."""
    if name in _SPEECH and REPORTED.search(text[max(0, start - 40) : start]):
        return weight * REPORTED_SHARE
    return weight


_BY_PART: dict[int, tuple[Rule, ...]] = {}


def _rules_for(parts: int) -> tuple[Rule, ...]:
    rules = _BY_PART.get(parts)
    if rules is None:
        rules = _BY_PART[parts] = tuple(rule for rule in RULES if rule.opening & parts)
    return rules
