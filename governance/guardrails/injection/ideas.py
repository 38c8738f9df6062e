"""The ideas in a text (`ideas.toml`), which the learned model reads beside its words: they cross languages."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TypeAlias

from governance.guardrails.injection.views import plain_word

PATH = Path(__file__).with_suffix(".toml")
# Scripts without blanks between words: Thai and Lao, kana, Chinese characters.
WIDE = re.compile(r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]")


_Table: TypeAlias = dict[str, set[str]]


def _tables() -> tuple[_Table, _Table, _Table, _Table]:
    words: _Table = {}
    stems: _Table = {}
    ends: _Table = {}
    wide: _Table = {}
    for idea, listed in tomllib.loads(PATH.read_text("utf-8")).items():
        for written in listed.split():
            plain = plain_word(written.strip("*"))
            parts = ends if written.startswith("*") else stems if written.endswith("*") else words
            (wide if WIDE.search(plain) else parts).setdefault(plain, set()).add(idea)
    return words, stems, ends, wide


_WORDS, _STEMS, _ENDS, _WIDE = _tables()
_LONGEST_STEM = max(map(len, _STEMS))
_LONGEST_END = max(map(len, _ENDS))
_ANY_WIDE = re.compile("|".join(map(re.escape, sorted(_WIDE, key=len, reverse=True))))


def ideas_of(word: str) -> set[str]:
    """Return the ideas that a plain word may stand for."""
    found = set(_WORDS.get(word, ()))
    for length in range(1, min(len(word), _LONGEST_STEM) + 1):
        found |= _STEMS.get(word[:length], set())
    for length in range(1, min(len(word), _LONGEST_END) + 1):
        found |= _ENDS.get(word[-length:], set())
    return found


def wide_ideas(run: str) -> list[set[str]]:
    """Return the ideas in a run of letters without blanks, in their order."""
    return [_WIDE[found] for found in _ANY_WIDE.findall(run)]
