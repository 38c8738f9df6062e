"""What the learned model sees of a text: windows of sentences, and of each the words and ideas in it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from governance.guardrails.injection.ideas import WIDE, ideas_of, wide_ideas
from governance.guardrails.injection.words import FEWEST_JUMBLED, SETTLED, jumbled

WINDOW_SENTENCES = 2
LONGEST_SENTENCE_CHARACTERS = 300
SHORTEST_SENTENCE_CHARACTERS = 16
LONGEST_PART = 3  # letters of a script without blanks that are read together
STEM_LETTERS = 5
OPENING_WORDS = 4  # of a sentence, which tell whom it is for
ADDRESS_WORDS = 6  # behind the name of a model, which tell what it shall do
NAME_WORDS = 7  # between that name and the colon of who addresses it: "bot of the help desk that reads this: do"
HIDDEN = "hidden"
ALONE = "alone"  # a sentence that is read without its neighbour

Span: TypeAlias = tuple[int, int]
Window: TypeAlias = tuple[Span, ...]

_ENDS = ".!?;\n。！？؟।"
_SENTENCE = re.compile(rf"[^{_ENDS}]*+(?:[{_ENDS}]++[\"'”»)\]]*+|\Z)")
_TOKEN = re.compile(
    r"https?://[^\s\"')>]+|[\w.+-]{1,64}+@[\w-]++[\w.-]*+|[^\W_]++(?:['’][^\W_]++)?+|[<>{}\[\]#:|*=→_-]++"
)
_SEAM = re.compile(r"</[a-z0-9]+>|\",|\"\s*[}\]]|\{%|%\}|-->|<!--|\*/|/\*| // | # |\|")
_AGENT = "{agent}"


@dataclass(frozen=True, slots=True)
class _Step:
    """A word, or an idea in a run of letters without blanks: what it tells where a sentence opens, and behind a model."""

    opening: tuple[str, ...] = ()
    behind: tuple[str, ...] = ()
    model: bool = False
    mark: bool = False


@dataclass(frozen=True, slots=True)
class _Token:
    """A word or such a run: how it is written alike, what is in it, and its steps."""

    word: str
    parts: tuple[str, ...]
    steps: tuple[_Step, ...]
    wide: bool = False


def sentences(text: str) -> list[Span]:
    """Return where the sentences stand; very short ones belong to the one before, very long ones are cut."""
    found: list[Span] = []
    for match in _SENTENCE.finditer(text):
        start, end = match.span()
        if start == end or text[start:end].isspace():
            continue
        first, last = found[-1] if found else (start, start)
        shortest = min(end - start, last - first)
        if found and shortest < SHORTEST_SENTENCE_CHARACTERS and end - first < LONGEST_SENTENCE_CHARACTERS // 2:
            found[-1] = (first, end)
        elif end - start > LONGEST_SENTENCE_CHARACTERS:
            found += _cut(text, start, end)
        else:
            found.append((start, end))
    return [part for span in found for part in (_parted(text, *span) if _has_parts(*span) else (span,))]


def windows(text: str) -> list[Window]:
    """Return the windows, each of two neighbouring sentences, or of all there are."""
    parts = sentences(text)
    if len(parts) <= WINDOW_SENTENCES:
        return [tuple(parts)] if parts else []
    return [tuple(parts[at : at + WINDOW_SENTENCES]) for at in range(len(parts) - WINDOW_SENTENCES + 1)]


def seen(
    text: str, windows: Sequence[Window], *, hidden: bool, among: AbstractSet[str] | None = None
) -> Iterator[tuple[Span, set[str]]]:
    """Yield what there is in each of these windows of a plain reading, and in each of their sentences alone.

    With `among` only what is in there, besides the marks of the window.
    """
    marks = {HIDDEN} if hidden else set()
    spans = dict.fromkeys(span for window in windows for span in window)
    known = {(start, end): features(text[start:end]) for start, end in spans}
    for found in known.values():
        if among is not None:
            found &= among
        found |= marks
    for window in windows:
        yield (window[0][0], window[-1][1]), set().union(*(known[span] for span in window))
    if len(known) > 1:
        for span, found in known.items():
            found.add(ALONE)
            yield span, found


def features(text: str) -> set[str]:
    """Return what there is in one sentence of a plain reading."""
    found: set[str] = set()
    steps: list[_Step] = []
    before = "^"
    for written in _TOKEN.findall(text):
        token = _read(written)
        found.update(token.parts)
        steps += token.steps
        if not token.wide:
            found.add(f"{before} {token.word}")
        before = token.word
    _address(steps, found)
    return found


def _address(steps: Sequence[_Step], found: set[str]) -> None:
    """Add what a sentence opens with, and what is said close behind the name of a model."""
    for step in steps[:OPENING_WORDS]:
        found.update(step.opening)
    for at, step in enumerate(steps):
        if step.model:
            behind = steps[at + 1 : at + 1 + ADDRESS_WORDS]
            found.add("@mark" if not behind or behind[0].mark else "@word")
            if behind and not behind[0].mark and any(step.mark for step in steps[at + 2 : at + 2 + NAME_WORDS]):
                found.update(("@far", "^@far") if at < OPENING_WORDS else ("@far",))
            for near in behind:
                found.update(near.behind)


@lru_cache(maxsize=32_768)
def _read(written: str) -> _Token:
    word = _shape(written)
    if WIDE.search(word):
        ideas = wide_ideas(word)
        named = (_named(idea) for idea in set().union(*ideas))
        return _Token(word, (*_parts(word), *named), tuple(map(_step, ideas)), wide=True)
    stem = (word[:STEM_LETTERS] + "*",) if len(word) > STEM_LETTERS else ()
    meant = ideas_of(word)
    step = _step(meant, mark=not word[0].isalnum() and word[0] != "<")
    return _Token(word, (word, *stem, *map(_named, meant)), (step,))


def _step(ideas: set[str], *, mark: bool = False) -> _Step:
    named = tuple(map(_named, ideas))
    opening, behind = (tuple(sign + idea for idea in named) for sign in "^@")
    return _Step(opening, behind, _AGENT in named, mark)


def _named(idea: str) -> str:
    return f"{{{idea}}}"


def _has_parts(start: int, end: int) -> bool:
    return end - start >= 2 * SHORTEST_SENTENCE_CHARACTERS


def _parted(text: str, start: int, end: int) -> Iterator[Span]:
    """Part what stands in one line though it belongs to different places: fields, cells, elements, comments."""
    for match in _SEAM.finditer(text, start, end):
        if min(match.end() - start, end - match.end()) >= SHORTEST_SENTENCE_CHARACTERS:
            yield start, match.end()
            start = match.end()
    yield start, end


def _cut(text: str, start: int, end: int) -> Iterator[Span]:
    while end - start > LONGEST_SENTENCE_CHARACTERS:
        furthest = start + LONGEST_SENTENCE_CHARACTERS
        blank = text.rfind(" ", start + LONGEST_SENTENCE_CHARACTERS // 2, furthest)
        cut = blank if blank > 0 else furthest
        yield start, cut
        start = cut
    yield start, end


def _shape(token: str) -> str:
    if token.startswith("http"):
        return "<url>"
    if "@" in token:
        return "<mail>"
    if token[0].isdigit():
        return "<number>"
    return SETTLED.get(jumbled(token), token) if len(token) >= FEWEST_JUMBLED else token


def _parts(run: str) -> Iterator[str]:
    for length in range(1, LONGEST_PART + 1):
        for at in range(len(run) - length + 1):
            yield run[at : at + length]
