"""A text as one look of a guard reads it: what several rules ask about it is found out once."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cached_property

from governance.guardrails.folding import lower
from governance.guardrails.tables import Tables


class Reading:
    """A folded text, the same in lower case, its tables, and what was said of its words.

    It lives as long as one look at the text: words that may be secret are remembered no longer.
    """

    def __init__(self, text: str, lowered: str | None = None) -> None:
        self.text = text
        self.lower = lower(text) if lowered is None else lowered
        self._spoken: dict[re.Pattern[str], bool] = {}
        self._verdicts: dict[tuple[Callable[[str], bool], str], bool] = {}

    @cached_property
    def tables(self) -> Tables:
        """The tables of the text."""
        return Tables(self.text, self.lower)

    def speaks(self, of: re.Pattern[str]) -> bool:
        """Tell whether a pattern matches anywhere in the text in lower case."""
        spoken = self._spoken.get(of)
        if spoken is None:
            spoken = self._spoken[of] = of.search(self.lower) is not None
        return spoken

    def looks(self, how: Callable[[str], bool], word: str) -> bool:
        """Tell what `how` says of a word, which is asked once for each word."""
        verdict = self._verdicts.get((how, word))
        if verdict is None:
            verdict = self._verdicts[how, word] = how(word)
        return verdict
