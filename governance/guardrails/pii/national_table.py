"""The table of national numbers: what they are called, how they are written and which check they pass."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from governance.guardrails.cues import tells_digits
from governance.guardrails.expressions import expression
from governance.guardrails.needles import shortest
from governance.guardrails.pii.id_checks import CHECKS
from governance.guardrails.reading import Reading

_SIGNS = expression(r"[^0-9A-Za-z\u0391-\u03a9]")
LEADING = r"(?<![0-9A-Za-z_])(?<![0-9][.,\-/])"
_TRAILING = r"(?![0-9A-Za-z_]|[.,\-/]\d)"
_DIGITS = frozenset("0123456789")
_SEQUENCE = ("0123456789", "1234567890")


@dataclass(frozen=True, slots=True, eq=False)  # a hash of its expressions takes long
class National:
    """One entry of `national_ids.toml`."""

    words: re.Pattern[str]
    shape: re.Pattern[str]
    checks: tuple[Callable[[str], bool], ...]
    signs: bool
    near: bool
    among: re.Pattern[str] | None
    alone: re.Pattern[str] | None
    kind: str
    sure: bool
    blind: bool  # its form doesn't tell digits apart

    def passes(self, reading: Reading, written: str) -> bool:
        """Tell whether a number written in a text is a possible one; of several entries a check is asked once."""
        code = written if self.signs or written.isdecimal() else _SIGNS.sub("", written).upper()
        if code in _SEQUENCE or (not code.isdecimal() and len(_DIGITS.intersection(code)) < 2) or len(set(code)) < 2:
            return False
        for check in self.checks:  # noqa: SIM110 - a generator takes twice as long
            if not reading.looks(check, code):
                return False
        return True


def _word(word: str) -> str:
    stem = word.removesuffix("*")
    if glued(stem) or not (stem[-1].isalpha() or stem != word):
        return stem
    return stem + (_GOES_ON if stem != word else "") + r"(?![^\W\d_])"


_GOES_ON = r"[^\W\d_]{0,14}"


def glued(word: str) -> bool:
    """Tell whether a word's script has no blanks."""
    return any("\u0e00" <= character <= "\u0eff" or "\u2e80" <= character <= "\ud7af" for character in word)


_UNSURE = {"ymd", "dmy", "luhn", "insured", "indonesian", "of_somebody"}  # checks that chance passes too often


def _load() -> tuple[list[National], dict[str, list[National]]]:
    raw = tomllib.loads(Path(__file__).with_name("national_ids.toml").read_text("utf-8"))["id"]
    entries: list[National] = []
    needles: dict[str, list[National]] = {}
    for entry in raw:
        words = alternatives(entry["words"])
        national = National(
            expression("|".join(_word(word) for word in sorted(words, key=len, reverse=True))),
            expression(f"{LEADING}(?:{entry['shape']}){_TRAILING}"),
            tuple(CHECKS[name] for name in entry.get("check", "").split()),
            entry.get("signs", False),
            entry.get("near", False),
            expression(entry["among"]) if "among" in entry else None,
            expression(entry["alone"]) if "alone" in entry else None,
            entry.get("kind", "national_id"),
            not set(entry.get("check", "").split()) <= _UNSURE,
            not tells_digits(entry["shape"]),
        )
        entries.append(national)
        for needle in shortest(needle for word in words for needle in _beginnings(word)):
            needles.setdefault(needle, []).append(national)
    return entries, needles


def alternatives(words: str) -> list[str]:
    """Split at the bars that stand in no bracket."""
    return re.findall(r"(?:\([^()]*\)\??|[^|()])+", words)


def _beginnings(word: str) -> Iterator[str]:
    """Yield the literal strings of at most six letters that a word can begin with."""
    heads = [""]
    for part in re.finditer(r"\[([^\]]+)\]|\(\?:([^()]*)\)|\\(.)|(.)", word.removesuffix("*")):
        following = word[part.end() : part.end() + 1]
        if following in ("?", "{") or part[0] in ("?", "{"):
            break
        choices = part[1] or part[2] or part[3] or part[4]
        options = list(part[1]) if part[1] else choices.split("|") if part[2] else [choices]
        heads = [head + option for head in heads for option in options]
        if len(heads[0]) >= 6:
            break
    yield from heads


ENTRIES, NEEDLES = _load()
