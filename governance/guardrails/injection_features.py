"""What the learned model sees of a text: windows of sentences, and of each the words and ideas in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from governance.guardrails.injection_ideas import WIDE, ideas_of, wide_ideas
from governance.guardrails.injection_words import FEWEST_JUMBLED, SETTLED, jumbled

WINDOW_SENTENCES = 2
LONGEST_SENTENCE_CHARACTERS = 300
SHORTEST_SENTENCE_CHARACTERS = 12
LONGEST_PART = 3  # letters of a script without blanks that are read together
STEM_LETTERS = 5
HIDDEN = "hidden"

_ENDS = ".!?;\n。！？؟।"
_SENTENCE = re.compile(rf"[^{_ENDS}]*+(?:[{_ENDS}]++[\"'”»)\]]*+|\Z)")
_TOKEN = re.compile(
    r"https?://[^\s\"')>]+|[\w.+-]{1,64}+@[\w-]++[\w.-]*+|[^\W_]++(?:['’][^\W_]++)?+|[<>{}\[\]#:|*=→_-]++"
)


@dataclass(frozen=True, slots=True)
class _Token:
    """A word or a run of letters without blanks: how it is written alike, and what is in it."""

    word: str
    parts: tuple[str, ...]
    wide: bool = False


def sentences(text: str) -> list[tuple[int, int]]:
    """Return where the sentences stand; very short ones belong to the one before, very long ones are cut."""
    found: list[tuple[int, int]] = []
    for match in _SENTENCE.finditer(text):
        start, end = match.span()
        if start == end or not text[start:end].strip():
            continue
        if found and _is_one(found[-1], start, end):
            found[-1] = (found[-1][0], end)
        else:
            found += _cut(text, start, end)
    return found


def windows(text: str) -> list[tuple[int, int]]:
    """Return where the windows stand, each of two sentences, or of all there are."""
    parts = sentences(text)
    if len(parts) <= WINDOW_SENTENCES:
        return [(parts[0][0], parts[-1][1])] if parts else []
    last = parts[WINDOW_SENTENCES - 1 :]
    return [(start, end) for (start, _), (_, end) in zip(parts, last, strict=False)]


def features(text: str, *, hidden: bool = False) -> set[str]:
    """Return what there is in one window of a plain reading."""
    found: set[str] = {HIDDEN} if hidden else set()
    before = "^"
    for written in _TOKEN.findall(text):
        token = _read(written)
        found.update(token.parts)
        if not token.wide:
            found.add(f"{before} {token.word}")
        before = token.word
    return found


@lru_cache(maxsize=32_768)
def _read(written: str) -> _Token:
    word = _shape(written)
    if WIDE.search(word):
        return _Token(word, (*_parts(word), *map(_named, wide_ideas(word))), wide=True)
    stem = (word[:STEM_LETTERS] + "*",) if len(word) > STEM_LETTERS else ()
    return _Token(word, (word, *stem, *map(_named, ideas_of(word))))


def _named(idea: str) -> str:
    return f"{{{idea}}}"


def _is_one(last: tuple[int, int], start: int, end: int) -> bool:
    shortest = min(end - start, last[1] - last[0])
    return shortest < SHORTEST_SENTENCE_CHARACTERS and end - last[0] < LONGEST_SENTENCE_CHARACTERS // 2


def _cut(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
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
