"""What a text must hold for an expression to match in it: where no digit stands, most of what looks for numbers is done.

To look for such signs takes a hundredth of what the expressions take that can't match without them.
"""

from __future__ import annotations

from collections.abc import Iterable
from re import _parser  # type: ignore[attr-defined]
from typing import Any, Final, TypeAlias

from governance.guardrails.cues import AHEAD
from governance.guardrails.expressions import expression

DIGIT: Final = r"\d"  # stands for all digits of all scripts
Need: TypeAlias = frozenset[str]  # signs of which one must stand: never letters that have cases
_NUMBER = expression(DIGIT)


def signs(text: str) -> set[str]:
    """Return the characters of a text, and `DIGIT` if any is a digit."""
    standing = set(text)
    if _NUMBER.search(text) is not None:
        standing.add(DIGIT)
    return standing


def needed(pattern: str) -> frozenset[Need]:
    """Return what a text has to hold for an expression to match, of each need one sign at least."""
    return frozenset(_all(_parser.parse(pattern)))


def _all(parsed: Iterable[tuple[Any, Any]]) -> set[Need]:
    return {need for kind, value in parsed for need in _of(str(kind), value)}


def _of(kind: str, value: Any) -> set[Need]:
    if kind == "LITERAL":
        return _one_of([(kind, value)])
    if kind == "IN":
        return _one_of(value)
    if kind == "SUBPATTERN":
        return _all(value[3])
    if kind == "ATOMIC_GROUP":
        return _all(value)
    if kind == "ASSERT" and value[0] == AHEAD:
        return _all(value[1])
    if kind.endswith("REPEAT"):
        least, _, repeated = value
        return _all(repeated) if least else set()
    if kind == "BRANCH":
        parted = [_all(branch) for branch in value[1]]
        return {frozenset().union(*(min(needs, key=_rank) for needs in parted))} if all(parted) else set()
    return set()


def _rank(need: Need) -> tuple[int, bool, list[str]]:
    """Return what is least for the need that the fewest texts meet."""
    return len(need), DIGIT not in need, sorted(need)


def _one_of(choices: Iterable[tuple[Any, Any]]) -> set[Need]:
    found = [_sign(str(kind), value) for kind, value in choices]
    return {frozenset(found)} if all(found) else set()


def _sign(kind: str, value: Any) -> str:
    """Return a sign, or nothing for what may be a letter or one of very many."""
    if kind == "LITERAL":
        sign = chr(value)
        return DIGIT if sign.isdecimal() else sign if sign.lower() == sign.upper() else ""
    if kind == "RANGE":
        first, last = map(chr, value)
        return DIGIT if first.isdecimal() and last.isdecimal() and ord(last) - ord(first) < 10 else ""
    return DIGIT if kind == "CATEGORY" and str(value) == "CATEGORY_DIGIT" else ""
