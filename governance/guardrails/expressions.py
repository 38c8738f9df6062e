"""Expressions that are compiled when somebody first uses them, or all together before anybody waits for that.

The guards hold thousands, which take seconds to compile; a command or a test uses few of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, cast

_COMPILED: Final = (
    "findall",
    "finditer",
    "flags",
    "fullmatch",
    "groupindex",
    "groups",
    "match",
    "search",
    "split",
    "sub",
)
_PUT_OFF: list[Callable[[], object]] = []


class Expression:
    """Serves as a `re.Pattern`; once compiled it holds the methods of one, so that asking takes no longer."""

    __slots__ = ("_given", "pattern", *_COMPILED)

    def __init__(self, pattern: str, flags: int) -> None:
        self.pattern, self._given = pattern, flags
        put_off(self.compile)

    def compile(self) -> re.Pattern[str]:
        """Compile now. Raises: re.error."""
        compiled = re.compile(self.pattern, self._given)
        for name in _COMPILED:
            setattr(self, name, getattr(compiled, name))
        return compiled

    def __getattr__(self, name: str) -> Any:
        """Return what is known after compiling only."""
        if name not in _COMPILED:
            raise AttributeError(name)
        return getattr(self.compile(), name)


def expression(pattern: str, flags: int = 0) -> re.Pattern[str]:
    """Return what serves as `re.compile(pattern, flags)` does and is compiled later: for what a module holds.

    The `re` of a match is the compiled one. What is made while a text is read is compiled at once, for it is used.
    """
    return cast("re.Pattern[str]", Expression(pattern, flags))


def put_off(work: Callable[[], object]) -> None:
    """Leave work to the first who needs what it makes; it must not matter that somebody else has done it."""
    _PUT_OFF.append(work)


def prepare() -> None:
    """Do all that was put off. Raises: re.error."""
    while _PUT_OFF:
        _PUT_OFF.pop()()
