"""Where at the end of a text that still comes something may go on: many expressions that match up to the end.

They are asked after each piece of a stream. Of most is known what a match begins with: one look for all these
beginnings tells where to try, and an expression whose beginnings stand nowhere costs nothing. Nor does one that needs a
sign, as a digit, that stands nowhere.
"""

from __future__ import annotations

import re
from re import _parser  # type: ignore[attr-defined]
from typing import NamedTuple

from governance.guardrails.cues import begun
from governance.guardrails.expressions import expression, put_off
from governance.guardrails.folding import alike, lower
from governance.guardrails.needed import Need, needed, signs
from governance.guardrails.needles import Automaton, shortest
from governance.guardrails.once import once

_PART = expression(r"(?s:\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|.)")


class _Led(NamedTuple):
    """An expression of which is known what a match begins with, and what it needs."""

    pattern: re.Pattern[str]
    needs: frozenset[Need]


class _Wide(NamedTuple):
    """An expression that may begin with anything, what it needs, and how many characters it matches at most."""

    pattern: re.Pattern[str]
    needs: frozenset[Need]
    longest: int


class Tail:
    """Expressions of what may go on at the end of a text."""

    def __init__(self, pattern: str, *, after: str = "") -> None:
        """Take alternatives, and an expression of what may stand before each, of no length."""
        self.pattern = rf"{after}(?:{pattern})\Z"
        self._alternatives, self._after = alternatives(pattern), after
        put_off(lambda: (self._automaton, self._needs))

    @once
    def _begun(self) -> dict[str, list[str]]:
        """What every match of an alternative begins with, in lower case; nothing where that can't be told."""
        return {one: shortest(map(lower, begun(one))) for one in self._alternatives}

    @once
    def _led(self) -> dict[str, list[_Led]]:
        """The expressions whose matches may begin so."""
        led: dict[str, list[_Led]] = {}
        for one, heads in self._begun.items():
            known = _Led(self._compiled(one), needed(one))
            for head in heads:
                led.setdefault(head, []).append(known)
        return led

    @once
    def _wide(self) -> list[_Wide]:
        loose = (one for one, heads in self._begun.items() if not heads)
        return [_Wide(self._compiled(one), needed(one), _parser.parse(one).getwidth()[1]) for one in loose]

    @once
    def _needs(self) -> frozenset[Need]:
        """All that any of the expressions needs."""
        led = (one.needs for known in self._led.values() for one in known)
        return frozenset().union(*led, *(one.needs for one in self._wide))

    @once
    def _automaton(self) -> Automaton:
        return Automaton((), self._led)

    def _compiled(self, alternative: str) -> re.Pattern[str]:
        return expression(rf"{self._after}(?:{alternative})\Z")

    def begin(self, text: str, lowered: str) -> int:
        """Return from where on the end of a text may go on, its length where nothing may; `lowered` is as long."""
        least, standing = len(text), signs(text)
        unmet = {need for need in self._needs if need.isdisjoint(standing)}
        for head, places in self._automaton.places(alike(lowered)).items():
            for led in self._led[head]:
                for place in places if led.needs.isdisjoint(unmet) else ():
                    if place >= least:
                        break
                    if led.pattern.match(text, place) is not None:
                        least = place
        for wide in self._wide:
            if wide.needs.isdisjoint(unmet):
                found = wide.pattern.search(text, max(0, len(text) - wide.longest))
                least = least if found is None else min(least, found.start())
        return least


def alternatives(pattern: str) -> list[str]:
    """Return the parts of an expression that stand between its outermost bars."""
    depth, parts = 0, [""]
    for part in _PART.findall(pattern):
        depth += (part == "(") - (part == ")")
        if part == "|" and not depth:
            parts.append("")
        else:
            parts[-1] += part
    return parts
