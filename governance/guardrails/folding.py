"""Text as a guardrail reads it: look-alike characters made plain, with the way back to the original."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import compress, repeat

from governance.guardrails.expressions import expression
from governance.guardrails.findings import Finding

INVISIBLE = "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e007f"
# Blocks whose characters stand for an ASCII one: superscripts, enclosed, full-width, mathematical letters.
STYLED = "\u00aa\u00b2\u00b3\u00b9\u00ba\u2070-\u209c\u2100-\u214f\u2460-\u24ff\ufe50-\ufe6f\uff01-\uff5e\uffe0-\uffe6\U0001d400-\U0001d7ff\U0001f100-\U0001f19a"
_DASHES = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d"), "-")
_SPACES = dict.fromkeys(
    map(ord, "\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"), " "
)
_PLAIN = {**_DASHES, **_SPACES}
_INVISIBLE = expression(f"[{INVISIBLE}]")
_STYLED = expression(f"[{STYLED}]")
MAY_FOLD = expression(rf"[{INVISIBLE}{STYLED}{''.join(map(chr, _PLAIN))}\d]")
_LONGER_IN_LOWER_CASE = "\u0130"  # alone among all characters


@dataclass(frozen=True, slots=True)
class Folded:
    """A folded text; `origins[i]` is where its character `i` came from (None: nothing moved).

    `lower` has the same length as `text`.
    """

    text: str
    lower: str
    origins: list[int] | None = None

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return the place in the original text of `text[start:end]`, which must not be empty."""
        if self.origins is None:
            return start, end
        return self.origins[start], self.origins[end - 1] + 1

    def moved(self, finding: Finding) -> Finding:
        """Return a finding in the folded text as one in the original."""
        if self.origins is None:
            return finding
        return finding._replace(start=self.origins[finding.start], end=self.origins[finding.end - 1] + 1)


def fold(text: str) -> Folded:
    """Make digits, full-width and styled letters, dashes and spaces plain; drop what can't be seen."""
    if text.isascii():
        return Folded(text, text.lower())
    characters = "".join(set(text))
    table = {one: plain for one in MAY_FOLD.findall(characters) if (plain := _folded(one)) != one}
    if not table:
        return Folded(text, lower(text))
    # With all in it, for one that a table hasn't costs thrice as much as one that it has.
    moved = text.translate({ord(character): table.get(character, character) for character in characters})
    lengths = {character: len(plain) for character, plain in table.items() if len(plain) != 1}
    if not lengths:
        return Folded(moved, lower(moved))
    return Folded(moved, lower(moved), origins_of(text, lengths))


def origins_of(text: str, lengths: Mapping[str, int]) -> list[int]:
    """Return where each character came from, if some of a text have become so many."""
    places = list(compress(range(len(text)), map(lengths.__contains__, text)))
    if len(places) > len(text) // CHARACTERS_FOR_ONE:
        known = lengths.get
        return [place for place, character in enumerate(text) for _ in range(known(character, 1))]
    came: list[int] = []
    position = 0
    for place in places:
        came.extend(range(position, place))
        came.extend(repeat(place, lengths[text[place]]))
        position = place + 1
    came.extend(range(position, len(text)))
    return came


CHARACTERS_FOR_ONE = 16  # of fewer, the stretches between them are counted in less time than each character


def lower(text: str) -> str:
    """Return the text in lower case, of the same length."""
    if _LONGER_IN_LOWER_CASE not in text:
        return text.lower()
    return _LONGER_IN_LOWER_CASE.join(map(str.lower, text.split(_LONGER_IN_LOWER_CASE)))


def alike(lowered: str) -> str:
    """Return the same with one letter for those that an expression takes for one when it minds no case."""
    return lowered if lowered.isascii() else lowered.replace("ı", "i").replace("İ", "i").replace("ſ", "s")


@lru_cache(maxsize=4096)
def _folded(character: str) -> str:
    if _INVISIBLE.match(character):
        return _tag_letter(character)
    if (plain := _PLAIN.get(ord(character))) is not None:
        return plain
    digit = unicodedata.decimal(character, None)
    if digit is not None:
        return str(digit)
    return unicodedata.normalize("NFKC", character) if _STYLED.match(character) else character


def _tag_letter(character: str) -> str:
    """Read the invisible "tag" copies of ASCII, which models see though people don't."""
    code = ord(character) - 0xE0000
    return chr(code) if 0x20 <= code <= 0x7E else ""
