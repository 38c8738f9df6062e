"""The ideas in a text (`injection_ideas.toml`), which the learned model reads beside its words: they cross languages."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from governance.guardrails.injection_views import plain_word

PATH = Path(__file__).with_suffix(".toml")
# Scripts without blanks between words: Thai and Lao, kana, Chinese characters.
WIDE = re.compile(r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]")


def _tables() -> tuple[dict[str, set[str]], dict[str, set[str]], dict[str, set[str]]]:
    words: dict[str, set[str]] = {}
    stems: dict[str, set[str]] = {}
    wide: dict[str, set[str]] = {}
    for idea, listed in tomllib.loads(PATH.read_text("utf-8")).items():
        for written in listed.split():
            plain = plain_word(written.rstrip("*"))
            table = wide if WIDE.search(plain) else stems if written.endswith("*") else words
            table.setdefault(plain, set()).add(idea)
    return words, stems, wide


_WORDS, _STEMS, _WIDE = _tables()
_LONGEST_STEM = max(map(len, _STEMS))
_ANY_WIDE = re.compile("|".join(map(re.escape, sorted(_WIDE, key=len, reverse=True))))


def ideas_of(word: str) -> set[str]:
    """Return the ideas that a plain word may stand for."""
    found = set(_WORDS.get(word, ()))
    for length in range(1, min(len(word), _LONGEST_STEM) + 1):
        found |= _STEMS.get(word[:length], set())
    return found


def wide_ideas(run: str) -> set[str]:
    """Return the ideas in a run of letters without blanks."""
    return {idea for found in _ANY_WIDE.findall(run) for idea in _WIDE[found]}
